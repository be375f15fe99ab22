"""Collects everything that is wrong with a policy, in words for people: pydantic's errors in, `PolicyError`s out."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel, ValidationError

from guardrails.errors import PolicyError
from guardrails.policy.source import Mark

Path = tuple["str | int", ...]
M = TypeVar("M", bound=BaseModel)

TYPES: Mapping[str, str] = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}
"""pydantic's error type → what was expected."""


class Marks(Protocol):
    """Says where values and keys stand."""

    def mark(self, path: Path) -> Mark:
        """Return the position of a value."""
        ...

    def key_mark(self, path: Path) -> Mark:
        """Return the position of a key."""
        ...


class Problems:
    """The collector."""

    def __init__(self) -> None:
        self.errors: list[PolicyError] = []

    def add(self, mark: Mark, code: str, message: str, hint: str = "") -> None:
        """Keep one problem."""
        self.errors.append(PolicyError(mark.file, mark.line, mark.col, code, message, hint))

    def validate(self, model: type[M], data: object, marks: Marks) -> M | None:
        """Read a mapping by its declared fields; keep what is wrong and return None, else return the model."""
        try:
            return model.model_validate(data)
        except ValidationError as error:
            by_place: dict[Path, list[dict[str, Any]]] = {}
            for detail in error.errors(include_url=False):
                by_place.setdefault(_real(detail["loc"], data, detail["type"]), []).append(dict(detail))
            for path, details in by_place.items():
                self._report(model, path, details, marks)
            return None

    def _report(self, model: type[BaseModel], path: Path, details: list[dict[str, Any]], marks: Marks) -> None:
        kinds = {detail["type"] for detail in details}
        name = ".".join(str(part) for part in path) or "the value"
        detail = details[0]
        if kinds == {"extra_forbidden"}:
            known = _fields(model, path)
            self.add(marks.key_mark(path), "unknown_field", f"{path[-1]!r} is not a field here", nearest(str(path[-1]), known))
        elif kinds == {"missing"}:
            self.add(marks.mark(path[:-1]), "missing_field", f"{path[-1]!r} is required")
        elif kinds <= TYPES.keys():
            wanted = " or ".join(dict.fromkeys(TYPES[each["type"]] for each in details))
            self.add(marks.mark(path), "wrong_type", f"{name} must be {wanted}, not {describe(detail['input'])}")
        else:
            self._value(path, name, details, marks)

    def _value(self, path: Path, name: str, details: list[dict[str, Any]], marks: Marks) -> None:
        literal = [each for each in details if each["type"] == "literal_error"]
        detail = (literal or [each for each in details if each["type"] not in TYPES] or details)[0]
        value = detail["input"]
        if literal:
            allowed = [text.strip("'") for text in detail["ctx"]["expected"].replace(" or ", ", ").split(", ")]
            code = "invalid_value" if isinstance(value, str | int) and not isinstance(value, bool) else "wrong_type"
            self.add(marks.mark(path), code, f"{name} must be {detail['ctx']['expected']}, not {describe(value)}", _did_you_mean(value, allowed))
        elif detail["type"] == "string_pattern_mismatch":
            message = f"{name}: {value!r} is not of the form {detail['ctx']['pattern']}"
            self.add(marks.mark(path), "invalid_value", message)
        else:
            self.add(marks.mark(path), "invalid_value", f"{name}: {detail['msg']}")


def _did_you_mean(value: object, allowed: Sequence[str]) -> str:
    close = difflib.get_close_matches(str(value), allowed, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else ""


def describe(value: object) -> str:
    """Name a value's kind for a message, and show it if it is short."""
    if value is None:
        return "nothing (null)"
    if isinstance(value, bool):
        return "true" if value else "false"
    kinds = ((int, "the number"), (float, "the number"), (str, "the text"))
    for kind, word in kinds:
        if isinstance(value, kind):
            return f"{word} {value!r}" if len(repr(value)) <= 60 else word
    return "a list" if isinstance(value, list) else "a mapping"


def _real(loc: tuple[str | int, ...], data: object, kind: str) -> Path:
    """Drop from pydantic's location the names of union branches, which are not in the data."""
    path: list[str | int] = []
    for part in loc:
        if isinstance(data, dict) and part in data:
            data = data[part]
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
        elif not (kind == "missing" and part == loc[-1]):
            continue
        path.append(part)
    return tuple(path)


def _fields(model: type[BaseModel], path: Path) -> list[str]:
    """Return the fields that the mapping at `path` may have."""
    for part in path[:-1]:
        if isinstance(part, int):
            continue
        field = next((f for n, f in model.model_fields.items() if (f.alias or n) == part), None)
        inner = _model_in(field.annotation) if field is not None else None
        if inner is None:
            return []
        model = inner
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the model inside `Model | None` or `list[str | Model]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for arg in getattr(annotation, "__args__", ()) if (found := _model_in(arg))), None)


def nearest(name: str, known: Sequence[str]) -> str:
    """Return a did-you-mean for a name, or what is possible where nothing is near."""
    close = difflib.get_close_matches(name, known, n=2, cutoff=0.6)
    if close:
        return f"did you mean {' or '.join(map(repr, close))}?"
    return f"one of: {', '.join(known)}" if 0 < len(known) <= 12 else ""
