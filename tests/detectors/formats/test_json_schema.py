"""JSON Schema: values that do not fit, with their places, within bounds."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from guardrails.detectors.formats import json_schema
from guardrails.detectors.formats.json_schema import (
    LONGEST_CHECK,
    MOST,
    JsonSchema,
    SchemaProblem,
    SchemaProblems,
)
from tests.cases import each_case


def wrong(schema: Any, text: str) -> list[str]:
    """Return the parts of a text that do not fit."""
    return [text[start:end] for start, end in JsonSchema(schema).errors(text)]


def problems(schema: Any) -> list[SchemaProblem]:
    """Return what is wrong with a schema."""
    with pytest.raises(SchemaProblems) as caught:
        JsonSchema(schema)
    return [*caught.value.problems]


@each_case(
    ("schema", "text", "expected"),
    [
        (True, "[1]", []),
        (False, "[1]", ["[1]"]),
        ({"type": "object"}, " [] ", ["[]"]),
        ({"properties": {"a": {"maximum": 5}}}, '{"b": 9, "a": 9}', ["9"]),
        ({"required": ["a"]}, '{"b": 1}', ['{"b": 1}']),
        ({"additionalProperties": False, "properties": {"a": {}}}, '{"a": 1, "b": [2]}', ["[2]"]),
        ({"additionalProperties": {"type": "null"}}, '{"a": 1, "b": null}', ["1"]),
        (
            {"patternProperties": {"^x": {"type": "integer"}}, "additionalProperties": False},
            '{"x1": "no", "y": 2}',
            ['"no"', "2"],
        ),
        ({"items": {"pattern": "^a+$"}}, '["aa", "ab", 3]', ['"ab"']),
        ({"items": {"pattern": "^(?!b)"}}, '["a", "b"]', ['"b"']),
        ({"items": {"pattern": "^.$"}}, '["\\ud800", "ab"]', ['"ab"']),
        ({"uniqueItems": True}, '[1, true, {"a": [1]}, 1.0, {"a": [1.0]}]', ["1.0", '{"a": [1.0]}']),
        ({"enum": [1, "a"]}, "2", ["2"]),
        ({"anyOf": [{"type": "string"}, {"minimum": 3}]}, "2", ["2"]),
        ({"$defs": {"n": {"type": "number"}}, "items": {"$ref": "#/$defs/n"}}, '[1, "x"]', ['"x"']),
        ({"type": "object"}, '{"a": 1, "a": 2}', ['{"a": 1, "a": 2}']),
        ({"maximum": 10}, "9" * 5000, ["9" * 5000]),
        ({"maximum": 10}, "1e999", ["1e999"]),
        ({"unevaluatedProperties": False, "properties": {"a": {}}}, '{"a": 1}', []),
        (
            {"$schema": "http://json-schema.org/draft-07/schema#", "items": [{"type": "null"}]},
            "[1]",
            ["1"],
        ),
    ],
)
def test_what_does_not_fit_is_found_where_it_stands(schema: Any, text: str, expected: list[str]) -> None:
    """The value itself; the whole object where something is missing; a repeated key fits nothing."""
    assert wrong(schema, text) == expected


def test_findings_are_bounded() -> None:
    """Of very many errors the first few are enough."""
    assert len(wrong({"items": {"type": "null"}}, json.dumps([1] * 1000))) == MOST


@each_case(
    ("schema", "path"),
    [
        ({"type": "objekt"}, ("type",)),
        ({"properties": {"a": {"minimum": "1"}}}, ("properties", "a", "minimum")),
        ({"$ref": "https://example.com/x.json"}, ("$ref",)),
        ({"properties": {"a": {"$ref": "#/$defs/none"}}}, ("properties", "a", "$ref")),
        ({"properties": {"default": {"$ref": "file:///x"}}}, ("properties", "default", "$ref")),
        ({"pattern": "("}, ("pattern",)),
        ({"patternProperties": {"[": {}}}, ("patternProperties", "[")),
        ({"$schema": "urn:none"}, ("$schema",)),
        ({"$ref": "#"}, ()),
        ({"patternProperties": {"a": {}}, "unevaluatedProperties": False}, ("unevaluatedProperties",)),
    ],
)
def test_what_is_wrong_with_a_schema_has_its_place(schema: Any, path: tuple[str | int, ...]) -> None:
    """Nothing outside is fetched, nothing unbounded is run; each problem has a cure."""
    assert [each.path for each in problems(schema)] == [path]
    assert all(each.message and each.hint for each in problems(schema))


def test_a_wrong_type_has_a_cure() -> None:
    """A slip is corrected; what is nothing like a type gets the list of them."""
    assert [each.hint for each in problems({"type": "objekt"})] == ["did you mean 'object'?"]
    assert "one of: array" in problems({"type": 7})[0].hint


def test_all_problems_come_at_once() -> None:
    """As with everything in a policy."""
    assert [each.path for each in problems({"type": "x", "minLength": -1})] == [("type",), ("minLength",)]


@each_case(
    "schema",
    [
        {
            "$id": "https://example.com/a",
            "$defs": {"b": {"$id": "b", "$defs": {"c": {}}, "$ref": "#/$defs/c"}},
            "$ref": "b",
        },
        {"$defs": {"t": {"$anchor": "tree", "items": {"$ref": "#tree"}}}, "$ref": "#tree"},
        {"const": {"$ref": "nowhere"}, "examples": [{"pattern": "("}]},
        {"properties": {"pattern": {"type": "string"}, "$ref": {"type": "string"}}},
    ],
)
def test_references_within_a_schema_are_followed(schema: Any) -> None:
    """By identifier, anchor and pointer; data that looks like a reference is none."""
    assert JsonSchema(schema).errors("1") in ([], [(0, 1)])


@each_case(
    ("schema", "value"),
    [
        ({"items": {"pattern": "^(a+)+$"}}, ["a" * 50_000 + "b"]),
        ({"additionalProperties": False, "patternProperties": {"^(a|a)*$": {}}}, {"a" * 5000 + "b": 1}),
        ({"uniqueItems": True}, [{"a": at} for at in range(20_000)]),
    ],
)
def test_hostile_texts_cost_little(schema: Any, value: object) -> None:
    """Where jsonschema's own code would take minutes or longer."""
    begun = time.process_time()
    JsonSchema(schema).errors(json.dumps(value))
    assert time.process_time() - begun < 2 * LONGEST_CHECK


def test_time_runs_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """What no linear engine can run has a bound, and says so."""
    monkeypatch.setattr(json_schema, "LONGEST_CHECK", 0.2)
    schema = JsonSchema({"items": {"pattern": r"^(\w+\s?)+(?<!x)\b(?=:)(\w*\w*)*\1$"}})
    assert callable(schema.errors)
    branching = {
        "$defs": {"n": {"anyOf": [{"items": {"$ref": "#/$defs/n"}, "maxItems": 0}] * 3}},
        "$ref": "#/$defs/n",
    }
    with pytest.raises((TimeoutError, RecursionError)):
        JsonSchema(branching).errors("[" * 40 + "]" * 40)
