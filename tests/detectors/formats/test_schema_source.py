"""Schemas as policies give them: words that JSON Schema does not have, and problems in the file that holds them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from guardrails.detectors import ConfigProblem, PolicyFolder
from guardrails.detectors.formats.schema_source import (
    MAX_DEPTH,
    compile_schema,
    find_unknown_keywords,
    load_schema,
)
from tests.cases import each_case


@each_case(
    ("schema", "expected"),
    [
        ({"type": "object", "properties": {"requird": {}}, "x-note": 1}, []),
        ({"const": {"requird": 1}, "enum": [{"a": 1}], "default": {"b": 1}}, []),
        ({"$defs": {"a": {"type": "string"}}, "allOf": [{"$ref": "#/$defs/a"}]}, []),
        ({"if": {"properties": {}}, "then": True, "else": False}, []),
        (True, []),
        ({"requird": []}, [("requird",)]),
        ({"path": {"type": "string"}}, [("path",)]),
        ({"properties": {"a": {"minLenght": 1}}, "itms": {}}, [("properties", "a", "minLenght"), ("itms",)]),
        ({"anyOf": [{}, {"typ": "x"}]}, [("anyOf", 1, "typ")]),
        ({"properties": ["a", {"typ": 1}]}, [("properties", 1, "typ")]),
    ],
)
def test_strange_words(schema: Any, expected: list[Any]) -> None:
    """A word that means nothing is named where it stands; names and data are no words."""
    assert [problem.path for problem in find_unknown_keywords(schema, ())] == expected


def test_a_schema_that_nests_too_deep_is_named() -> None:
    """What has no end is not followed to it."""
    deep: Any = {}
    for _ in range(2_000):
        deep = {"items": deep}
    (problem,) = find_unknown_keywords(deep, ("x",))
    assert problem.message == f"schema: more than {MAX_DEPTH} levels"


@each_case(
    ("text", "strict", "place"),
    [
        ('{"required": ["a"]}', True, None),
        ('{"requird": ["a"]}', False, None),
        ('{"requird": ["a"]}', True, (1, 13)),
        ('{\n"type": "objct"}', True, (2, 9)),
        ("{,}", False, (1, 2)),
        ("5", False, (1, 1)),
    ],
)
def test_problems_of_a_file_stand_in_it(
    tmp_path: Path, text: str, strict: bool, place: tuple[int, int] | None
) -> None:
    """A schema is returned, or what is wrong by line and column of its file."""
    (tmp_path / "s.json").write_text(text)
    problems: list[ConfigProblem] = []
    schema = load_schema("s.json", PolicyFolder(tmp_path), problems, ("f",), strict=strict)
    assert (schema is None) == (place is not None)
    assert [problem.place and problem.place[1:] for problem in problems] == ([] if place is None else [place])


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """The field that names it is to blame."""
    problems: list[ConfigProblem] = []
    assert load_schema("s.json", PolicyFolder(tmp_path), problems, ("f",)) is None
    assert [(each.code, each.path, each.place) for each in problems] == [("unreadable_file", ("f",), None)]


def test_problems_of_a_schema_that_is_written_out_stand_in_it() -> None:
    """Paths lead on from the field."""
    problems: list[ConfigProblem] = []
    assert compile_schema({"properties": {"a": {"type": "strin"}}}, problems, ("s",)) is None
    assert [each.path for each in problems] == [("s", "properties", "a", "type")]
    assert compile_schema({"type": "string"}, problems, ("s",)) is not None
