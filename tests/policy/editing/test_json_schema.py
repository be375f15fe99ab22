"""The schema of policies that editors read: all is described, closed, and of every kind of detector."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from pydantic import Field

from guardrails.detectors.config import Config
from guardrails.detectors.kinds import BUILTIN
from guardrails.detectors.terms.terms_detector import KIND as TERMS
from guardrails.policy.editing.json_schema import json_schema
from guardrails.registry.sources import PluginSources

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
