"""Knows the fields of a mapping, which of them a name most likely stands for, and where a field belongs that stands elsewhere."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from guardrails.detectors.kinds import BUILTIN, find_kind
from guardrails.policy.loading.source import Path
from guardrails.policy.loading.value_cures import OVERRIDE_EXAMPLE
from guardrails.policy.schema import PolicyDoc, RuleDoc


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
    """Return the field that is called so elsewhere, where the model knows of such names (`MEANT`)."""
    meant: Mapping[str, str] = getattr(find_model_around(model, path), "MEANT", {})
    return meant.get(str(path[-1]))


def fields_by_name(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Return the fields of a mapping by their names in YAML, in the order of their declaration."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def inner_model(annotation: Any) -> type[BaseModel] | None:
    """Return the model inside `Model | None` or `list[str | Model]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for arg in typing.get_args(annotation) if (found := inner_model(arg))), None)


def explain_misplaced(model: type[BaseModel] | None, name: str, value: object) -> str:
    """Return where a field belongs that does not stand in its place, "" where nobody knows one of that name."""
    if model is None:
        return ""
    if model.__name__ == "OverrideDoc":
        if "." not in name and not isinstance(value, dict):
            return OVERRIDE_EXAMPLE
        changed = next(iter(value), "when") if isinstance(value, dict) else "when"
        return f"write override: {{rules: [{{id: {name}, {changed}: …}}]}}"
    if "use" in model.model_fields:
        kinds = [
            kind
            for kind in BUILTIN
            if (found := find_kind(kind)) is not None and name in fields_by_name(found.config)
        ]
        return f"it is a field of use: {', use: '.join(kinds[:4])}" if kinds else ""
    whole, rule = fields_by_name(PolicyDoc), fields_by_name(RuleDoc)
    if model is RuleDoc and name in whole:
        return f"'{name}:' is no part of a rule: write it at the left margin, after all rules"
    if model is PolicyDoc and name in rule:
        return "it belongs into a rule, below 'rules:'"
    return ""


def give_example(name: str, field: FieldInfo | None) -> str:
    """Return how a missing field could look."""
    if field is None:
        return ""
    values = field.examples or typing.get_args(field.annotation)
    literal = typing.get_origin(field.annotation) is Literal
    return f"such as {name}: {values[0]}" if values and (field.examples or literal) else f"add '{name}:'"
