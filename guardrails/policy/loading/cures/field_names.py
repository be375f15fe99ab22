"""Knows the fields of a mapping, which of them a name most likely stands for, and where a field belongs that stands elsewhere."""

from __future__ import annotations

import json
import re
import typing
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Literal

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from guardrails.detectors.kinds import BUILTIN, find_kind
from guardrails.detectors.language.scripts import find_language
from guardrails.policy.loading.cures.habit_words import FIELDS, KINDS, SECTIONS
from guardrails.policy.loading.cures.value_cures import OVERRIDE_EXAMPLE, write_flow
from guardrails.policy.loading.source import Path
from guardrails.policy.schema import DisableDoc, OverrideDoc, PolicyDoc, RuleDoc, ToolsDoc
from guardrails.policy.testing.test_fields import ExpectDoc, TestDoc

EXAMPLES: Mapping[str, str] = {
    "expect": "expect: {action: block}",
    "reason": "reason: the name of our product",
}
"""A missing field → how it may look, where its declaration has no example."""


EXPECTED: Final = frozenset(ExpectDoc.model_fields) - frozenset(TestDoc.model_fields)
"""Fields of what a test expects that are none of the test itself."""


def find_model_around(model: type[BaseModel], path: Path) -> type[BaseModel] | None:
    """Return the model of the mapping around `path`."""
    for part in path[:-1]:
        field = fields_by_name(model).get(str(part))
        if isinstance(part, int) or field is None:
            continue
        inner = inner_model(field.annotation)
        if inner is None:
            return None
        model = inner
    return model


def list_fields(model: type[BaseModel], path: Path) -> dict[str, FieldInfo]:
    """Return the fields that the mapping around `path` may have, by their names in YAML."""
    around = find_model_around(model, path)
    return {} if around is None else fields_by_name(around)


def find_meant_field(model: type[BaseModel], path: Path) -> str | None:
    """Return the field that is called so elsewhere: as the model itself says (`MEANT`), or as other products call it."""
    around = find_model_around(model, path)
    if around is None:
        return None
    name = str(path[-1])
    meant: Mapping[str, str] = getattr(around, "MEANT", {})
    fields = fields_by_name(around)
    return meant.get(name) or next((each for each in FIELDS.get(name.lower(), ()) if each in fields), None)


def find_holder(model: type[BaseModel], path: Path) -> str | None:
    """Return the field of the same mapping in which a field belongs that stands beside it."""
    return "expect" if find_model_around(model, path) is TestDoc and path[-1] in EXPECTED else None


def fields_by_name(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Return the fields of a mapping by their names in YAML, in the order of their declaration."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def inner_model(annotation: Any) -> type[BaseModel] | None:
    """Return the model inside `Model | None` or `list[str | Model]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for arg in typing.get_args(annotation) if (found := inner_model(arg))), None)


def explain_misplaced(
    model: type[BaseModel] | None, name: str, value: object, around: Mapping[str, Any]
) -> str:
    """Return where a field belongs that does not stand in its place, "" where nobody knows one of that name.

    Args:
        model: of the mapping in which it stands; None: it has none.
        name: of the field.
        value: of the field.
        around: the mapping, as it is written.
    """
    if model is None:
        return ""
    if value is None and (cured := _explain_without_value(name, around)):
        return cured
    explain = MISPLACED.get(model)
    if explain is None and "use" in model.model_fields:
        explain = _beside_detector
    return explain(name, value, around) if explain else ""


def _explain_without_value(name: str, around: Mapping[str, Any]) -> str:
    """Of a key that nothing follows: a colon without a space, or the rest of a text that a comma cut off."""
    if ":" in name:
        key, _, text = name.partition(":")
        return f"write a space behind the colon: {key}: {write_flow(text.strip())}"
    keys = [*around]
    before = keys[keys.index(name) - 1] if name in keys[1:] else ""
    if isinstance(around.get(before), str):
        whole = json.dumps(f"{around[before]}, {name}", ensure_ascii=False)
        return f"a comma ends a text within {{ }}: put it in quotes, {before}: {whole}"
    return ""


def _in_override(name: str, value: object, around: Mapping[str, Any]) -> str:
    if "." not in name and not isinstance(value, dict):
        return OVERRIDE_EXAMPLE
    changes = value if isinstance(value, dict) and value else {"mode": "shadow"}
    return f"write override: {{rules: [{write_flow({'id': name, **changes})}]}}"


def _in_disable(name: str, value: object, around: Mapping[str, Any]) -> str:
    return f"write disable: [{name}]" if not isinstance(value, list) else ""


def _in_policy(name: str, value: object, around: Mapping[str, Any]) -> str:
    if known := SECTIONS.get(name.lower()):
        listed = value if isinstance(value, list) and value else [value if isinstance(value, str) else "acme"]
        return known.replace("{list}", write_flow(listed))
    if name in fields_by_name(RuleDoc):
        return "it belongs into a rule, below 'rules:'"
    return _of_detector(name, value)


def _in_rule(name: str, value: object, around: Mapping[str, Any]) -> str:
    when = around.get("when")
    if name == "category" and isinstance(value, str) and when is None:
        number = next((around[key] for key in ("threshold", "score", "min_score") if key in around), 0.8)
        return f"write when: {value} >= {number}"
    if name in ("unless", "except", "exclude_if") and isinstance(value, str):
        return (
            f"what is left out is part of the condition: write when: ({when or 'hate >= 0.8'}) && !({value})"
        )
    if (language := re.fullmatch(r"message[._-]([a-z]{2})", name)) is not None:
        return f"write message: {write_flow({language[1]: value})}"
    if name in ("language", "languages", "lang") and isinstance(value, str | list):
        given = value if isinstance(value, list) else [value]
        codes = json.dumps([find_language(str(each)) or str(each) for each in given])
        return f"the language is part of the condition: write when: ({when or 'hate >= 0.8'}) && content.language in {codes}"
    if name in ("threshold", "score", "min_score") and isinstance(value, int | float):
        when = around.get("category") if when is None else when
        category = when if isinstance(when, str) and re.fullmatch(r"[\w.]+", when) else "hate"
        return f"the number stands in the condition: when: {category} >= {value}"
    if name in ("enabled", "active", "disabled"):
        return (
            "a rule that is there is on: remove the line; with mode: shadow the rule records and does nothing"
        )
    if name in fields_by_name(PolicyDoc):
        return f"'{name}:' is no part of a rule: write it at the left margin, after all rules"
    return _of_detector(name, value)


def _in_test(name: str, value: object, around: Mapping[str, Any]) -> str:
    if name in ("language", "lang") and isinstance(value, str):
        return f"what the client says of itself stands below 'client:': write client: {{language: {value}}}"
    return (
        f"what is expected stands below 'expect:': expect: {write_flow({name: value})}"
        if name in EXPECTED
        else ""
    )


def _of_detector(name: str, value: object) -> str:
    """Return the detector that a field of one makes, with what was written; "" where it is a field of none."""
    if not (kinds := find_kinds([name])):
        return ""
    if name == "deny" and isinstance(value, list):
        topics = [re.sub(r"\W+", "_", str(each)).strip("_") for each in value]
        value = {topic: {"definition": "what it is about"} for topic in topics}
    return f"it is a field of a detector: below 'detectors:' write my_{kinds[0]}: {write_flow({'use': kinds[0], name: value})}"


def _beside_detector(name: str, value: object, around: Mapping[str, Any]) -> str:
    if name in ("threshold", "thresholds", "min", "cutoff"):
        shown = value if isinstance(value, int | float) else 0.8
        return f"from which score on something is done is for rules to say, such as when: hate >= {shown}"
    kinds = find_kinds([name])
    return f"it is a field of use: {', use: '.join(kinds[:4])}" if kinds else ""


def find_kinds(names: Iterable[str]) -> list[str]:
    """Return the kinds of detectors that have all of these fields, the likeliest first."""
    wanted = {*names}
    kinds = [
        kind
        for kind in BUILTIN
        if (found := find_kind(kind)) is not None and wanted <= {*fields_by_name(found.config)}
    ]
    return sorted(kinds, key=lambda kind: kind not in ("topic", "terms", "patterns", "pii"))


def find_named_use(data: Mapping[str, Any]) -> str:
    """Return the field of a detector that stands for `use`, with a kind in it; "" where there is none."""
    fields = (
        key
        for key in ("type", "kind", "detector")
        if isinstance(kind := data.get(key), str) and (kind in BUILTIN or kind in KINDS)
    )
    return next(fields, "")


def explain_misplaced_rule(data: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return what stands among the rules and is none, with where it belongs; None where it is a rule."""
    if "expect" in data and "when" not in data:
        hint = "move it to the end of the file, below 'tests:' at the left margin"
        return "this is a test, and stands among the rules", hint
    if isinstance(name := data.get("override"), str):
        changes = {key: value for key, value in data.items() if key not in ("override", "id")}
        hint = f"write at the left margin: override: {write_flow({'rules': [{'id': name, **changes}]})}"
        return "this changes an inherited rule, and stands among the rules", hint
    return None


def _in_tools(name: str, value: object, around: Mapping[str, Any]) -> str:
    if name not in ("deny", "block", "blocked", "forbidden"):
        return ""
    tool = value[0] if isinstance(value, list) and value else value
    rule = {"id": "tool.block", "on": "tool_call", "when": f'tool.name == "{tool}"', "then": "block"}
    return f"a tool is stopped by a rule: below 'rules:' write - {write_flow(rule)}"


MISPLACED: Mapping[type[BaseModel], Callable[[str, object, Mapping[str, Any]], str]] = {
    OverrideDoc: _in_override,
    DisableDoc: _in_disable,
    PolicyDoc: _in_policy,
    RuleDoc: _in_rule,
    TestDoc: _in_test,
    ToolsDoc: _in_tools,
}
"""A mapping of a policy → what is said of a field that it has not."""


def give_example(name: str, field: FieldInfo | None) -> str:
    """Return how a missing field could look."""
    if field is None:
        return ""
    values = field.examples or typing.get_args(field.annotation)
    literal = typing.get_origin(field.annotation) is Literal
    if example := EXAMPLES.get(name):
        return f"such as {example}"
    return f"such as {name}: {values[0]}" if values and (field.examples or literal) else f"add '{name}:'"
