"""The declared fields: all documented, closed, and one JSON Schema of them for editors."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from pydantic import Field, ValidationError

from guardrails.detectors.config import Config
from guardrails.detectors.kinds import BUILTIN
from guardrails.detectors.terms.terms_detector import KIND as TERMS
from guardrails.policy.schema import (
    CONTENTS,
    DATE,
    DETECTOR_NAME,
    FORMS,
    ID,
    ExceptionDoc,
    PolicyDoc,
    RuleDoc,
    json_schema,
)
from guardrails.registry.sources import PluginSources
from guardrails.types import Stage
from tests.cases import each_case

SCHEMA = json_schema()

CHOICE = "#/properties/detectors/additionalProperties"
"""Where the schema says which `use` a detector has, before the fields of that kind."""


def nodes(node: Any, path: str = "#") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every mapping of a schema with its place."""
    if isinstance(node, dict):
        yield path, node
        for key, value in node.items():
            yield from nodes(value, f"{path}/{key}")
    elif isinstance(node, list):
        for at, value in enumerate(node):
            yield from nodes(value, f"{path}/{at}")


def test_every_field_is_described() -> None:
    """Each property of the schema says what it is for, so that editors can show it."""
    bare = [
        f"{path}/{name}"
        for path, node in nodes(SCHEMA)
        if node.get("type") == "object" and path != CHOICE
        for name, field in node.get("properties", {}).items()
        if not field.get("description") and "$ref" not in field
    ]
    assert bare == []


def test_mappings_are_closed_and_references_lead_somewhere() -> None:
    """No mapping with declared fields takes others, and each reference has its definition."""
    open_ = [path for path, node in nodes(SCHEMA) if "properties" in node and node.get("additionalProperties") is not False and "/properties" not in path.split("/")[-1]]  # fmt: skip
    assert [path for path in open_ if not path.endswith("properties") and not path.startswith(CHOICE)] == []
    references = {node["$ref"] for _, node in nodes(SCHEMA) if isinstance(node.get("$ref"), str)}
    assert references
    assert [ref for ref in references if ref.removeprefix("#/$defs/") not in SCHEMA["$defs"]] == []


def test_the_schema_knows_every_kind_of_detector() -> None:
    """Each built-in kind is one form of a detector; kinds of the caller's own are added."""

    def forms(schema: dict[str, Any]) -> dict[str, Any]:
        chosen = schema["properties"]["detectors"]["additionalProperties"]["allOf"]
        return {form["if"]["properties"]["use"]["const"]: form["then"]["$ref"] for form in chosen}

    assert [*forms(SCHEMA)] == [*BUILTIN]

    class MineConfig(Config):
        """Mine."""

        use: str = Field(description="The kind.")

    extra = json_schema(
        PluginSources().with_own(
            "detectors", {"mine": replace(TERMS, name="mine", config=MineConfig, doc="Mine.")}
        )
    )
    assert extra["$defs"]["MinePluginConfig"]["description"] == "Mine."
    assert forms(extra) == {**forms(SCHEMA), "mine": "#/$defs/MinePluginConfig"}


def test_the_schema_is_plain_json_with_names_as_in_yaml() -> None:
    """The schema can be written as JSON and names fields as authors write them."""
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA
    rule = SCHEMA["$defs"]["RuleDoc"]
    assert {"with", "on", "when", "then"} <= {*rule["properties"]}
    assert set(rule["required"]) == {"id", "on", "when", "then"}
    override = SCHEMA["$defs"]["OverrideDoc"]["properties"]["rules"]["items"]
    assert override["required"] == ["id"]
    assert "default" not in override["properties"]["severity"]


@each_case(
    ("form", "good", "bad"),
    [
        (ID, ["a", "pii.mask", "0-x_y"], ["", "A", ".a", "a b", "a\n", "é"]),
        (DETECTOR_NAME, ["a", "My-list_2"], ["", "9x", "a.b", "a b", "a\n"]),
        (DATE, ["2027-03-31"], ["31.3.2027", "2027-3-31", "2027-03-31T00:00"]),
    ],
)
def test_forms_of_names(form: str, good: list[str], bad: list[str]) -> None:
    """Each form takes what its words say, and nothing else."""
    pattern = re.compile(form.replace("$", r"\Z"))
    assert [text for text in good if not pattern.match(text)] == []
    assert [text for text in bad if pattern.match(text)] == []
    assert FORMS[form]


def test_an_id_ends_where_its_line_ends() -> None:
    """A line break is no part of an id, also not at its end."""
    with pytest.raises(ValidationError):
        RuleDoc.model_validate({"id": "a\n", "on": "input", "when": "x", "then": "flag"})


@each_case(("day", "valid"), [("2027-02-28", True), ("2028-02-29", True), ("2027-02-29", False), ("2027-13-01", False)])  # fmt: skip
def test_an_exception_ends_on_a_real_day(day: str, valid: bool) -> None:
    """A date that the calendar lacks is an error, not an exception without end."""
    data = {"id": "e", "reason": "x", "rules": ["r"], "expires": day}
    if valid:
        assert ExceptionDoc.model_validate(data).expires == day
    else:
        with pytest.raises(ValidationError, match="no day of the calendar"):
            ExceptionDoc.model_validate(data)


@each_case(("value", "valid"), [(1, True), (2, False), (True, False), (1.0, False), ("1", False)])
def test_the_format_is_the_number_one(value: object, valid: bool) -> None:
    """`true` and `1.0` equal 1 and are still mistakes."""
    data = {"format": value, "name": "t"}
    if valid:
        assert PolicyDoc.model_validate(data).format == 1
    else:
        with pytest.raises(ValidationError):
            PolicyDoc.model_validate(data)


def test_tests_may_have_each_stage_as_content() -> None:
    """A test can check a text at every stage, or messages."""
    assert {*CONTENTS} == {*Stage, "messages"}
