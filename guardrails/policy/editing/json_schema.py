"""The JSON Schemas of policies and of their tests, from the fields that `policy/schema.py` and the kinds of detectors declare.

Editors complete and check by them (`guardrails schema`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from guardrails.detectors.config import Config
from guardrails.detectors.kinds import BUILTIN, find_kind, kind_names
from guardrails.policy.redactions import REDACTIONS
from guardrails.policy.schema import DETECTOR_NAME, ITEMS, PolicyDoc
from guardrails.policy.testing.test_fields import TestDoc, TestsDoc
from guardrails.registry.sources import PluginSources


def _by_use(names: Sequence[str], schemas: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the schema of a mapping that is of the kind that its `use` names: what is wrong in it is told of that kind alone."""
    choices = [
        {"if": {"properties": {"use": {"const": name}}, "required": ["use"]}, "then": schema}
        for name, schema in zip(names, schemas, strict=True)
    ]
    return {
        "type": "object",
        "required": ["use"],
        "properties": {"use": {"enum": [*names]}},
        "allOf": choices,
    }


def _partial(schema: dict[str, Any], *, keep: tuple[str, ...]) -> dict[str, Any]:
    """Return the schema of the same mapping with only `keep` required and no defaults."""
    properties = {
        name: {key: value for key, value in field.items() if key != "default"}
        for name, field in schema["properties"].items()
    }
    return {**schema, "properties": properties, "required": list(keep)}


def json_schema(plugins: PluginSources | None = None) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a policy file, with the detectors that are built in and those of plugins."""
    root = PolicyDoc.model_json_schema()
    definitions: dict[str, Any] = root.setdefault("$defs", {})

    def add(model: type[Config]) -> dict[str, str]:
        schema = model.model_json_schema(ref_template="#/$defs/{model}")
        definitions.update(schema.pop("$defs", {}))
        definitions[model.__name__] = schema
        return {"$ref": f"#/$defs/{model.__name__}"}

    properties = root["properties"]
    for field, model in ITEMS.items():
        properties[field]["items"] = add(model)
    names = [*BUILTIN, *(name for name in kind_names(plugins) if name not in BUILTIN)]
    kinds = [found for name in names if (found := find_kind(name, plugins)) is not None]
    detectors = []
    for of in kinds:
        detectors.append(add(of.config))
        definition = definitions[of.config.__name__]
        definition["description"] = definition["properties"]["use"]["description"] = of.doc
    properties["detectors"]["additionalProperties"] = _by_use([of.name for of in kinds], detectors)
    properties["detectors"]["propertyNames"] = {"pattern": DETECTOR_NAME}
    redactions = [name for name in REDACTIONS.names(plugins) if name not in REDACTIONS.builtin]
    for field in (
        *definitions["RedactionDoc"]["properties"]["text"]["anyOf"],
        *definitions["RuleDoc"]["properties"]["with"]["anyOf"],
    ):
        if redactions and "enum" in field:
            field["enum"] = [*field["enum"], *redactions]
    override = definitions["OverrideDoc"]["properties"]
    override["rules"]["items"] = _partial(definitions["RuleDoc"], keep=("id",))
    definitions.pop("JsonValue", None)
    root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    tidied: dict[str, Any] = _tidy_schema(root)
    return tidied


def json_schema_of_tests() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a file of tests beside a policy."""
    root = TestsDoc.model_json_schema()
    item = TestDoc.model_json_schema()
    root.setdefault("$defs", {}).update({**item.pop("$defs", {}), TestDoc.__name__: item})
    root["properties"]["tests"]["items"] = {"$ref": f"#/$defs/{TestDoc.__name__}"}
    root["$defs"].pop("JsonValue", None)
    root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    tidied: dict[str, Any] = _tidy_schema(root)
    return tidied


def _tidy_schema(node: Any) -> Any:
    """Return a schema without what editors show as noise: references to `JsonValue` (any value at all), names of classes, and
    `null` as what to write for a field that is left out. A field's title is its name, as the heading of what is said of it.
    """
    if isinstance(node, list):
        return [_tidy_schema(each) for each in node]
    if not isinstance(node, dict):
        return node
    kept = {
        key: _tidy_schema(value)
        for key, value in node.items()
        if not (key == "$ref" and value == "#/$defs/JsonValue")
        and not (key == "title" and isinstance(value, str))  # else it is a field of that name
        and not (key == "default" and value is None)
    }
    if isinstance(fields := kept.get("properties"), dict):
        kept["properties"] = {name: {"title": name, **field} for name, field in fields.items()}
    return kept
