"""Collects everything that is wrong with a policy, and words pydantic's errors for people."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel, ValidationError

from guardrails.errors import PolicyError
from guardrails.policy.loading.cures.field_names import (
    explain_misplaced,
    find_holder,
    find_meant_field,
    find_model_around,
    give_example,
    list_fields,
)
from guardrails.policy.loading.cures.number_cures import suggest_bound, suggest_form
from guardrails.policy.loading.cures.value_cures import describe, suggest_value
from guardrails.policy.loading.source import Mark, Path
from guardrails.policy.schema import FORMS, PolicyDoc
from guardrails.registry.sources import PluginSources
from guardrails.spelling import FEW, suggest_name

MANY = 40
"""Fields of a policy that a hint lists: all."""

Detail = dict[str, Any]
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

BOUNDS: Mapping[str, str] = {
    "greater_than": "must be more than {gt}, not {value}",
    "greater_than_equal": "must be at least {ge}, not {value}",
    "less_than": "must be less than {lt}, not {value}",
    "less_than_equal": "must be at most {le}, not {value}",
    "too_short": "must have at least {min_length} entry",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
    "finite_number": "must be a finite number",
}
"""pydantic's error type → what is wrong with a value of the right type."""


class MarkSource(Protocol):
    """Says where values and keys stand."""

    def mark(self, path: Path) -> Mark:
        """Return the position of a value."""
        ...

    def key_mark(self, path: Path) -> Mark:
        """Return the position of a key."""
        ...


class _NoMarks:
    def mark(self, path: Path) -> Mark:
        return Mark("", 0, 0)

    def key_mark(self, path: Path) -> Mark:
        return Mark("", 0, 0)


NOWHERE: MarkSource = _NoMarks()
"""Places for what stands in no file."""


class Problems:
    """The assembler.

    Args:
        quotes: whether messages show values; one may be a key in the wrong place.
        plugins: where plugins may come from whose names values may be; None: what the environment allows.
    """

    def __init__(self, *, quotes: bool = True, plugins: PluginSources | None = None) -> None:
        self.errors: list[PolicyError] = []
        self._quotes, self._plugins = quotes, plugins

    def add(self, mark: Mark, code: str, message: str, hint: str = "") -> None:
        """Keep one problem."""
        self.errors.append(PolicyError(mark.file, mark.line, mark.col, code, message, hint))

    def validate(self, model: type[M], data: object, marks: MarkSource, what: str) -> M | None:
        """Read a mapping by its declared fields; keep what is wrong and return None, else return the model.

        `what` names the mapping in messages, such as "rule 'pii.mask'".
        """
        try:
            return model.model_validate(data, context={"plugins": self._plugins})
        except ValidationError as error:
            by_place: dict[Path, list[Detail]] = {}
            for detail in error.errors(include_url=False):
                by_place.setdefault(_real(detail["loc"], data, detail["type"]), []).append(dict(detail))
            # Where one form of a field fails inside the value, that form was meant, not the others.
            outer = {path[:end] for path in by_place for end in range(len(path))}
            meant = {path: details for path, details in by_place.items() if path not in outer or not path}
            misspelt = {
                close for path, details in meant.items() for close in _find_misspelt(model, path, details)
            }
            for path, details in meant.items():
                if details[0]["type"] != "missing" or path not in misspelt:
                    self._report(model, path, details, marks, what, data)
            return None

    def _report(
        self,
        model: type[BaseModel],
        path: Path,
        details: list[Detail],
        marks: MarkSource,
        what: str,
        data: object,
    ) -> None:
        detail = details[0]
        kinds = {each["type"] for each in details}
        where = f"{'.'.join(map(str, path[:-1]))} in {what}" if len(path) > 1 else what
        name = ".".join(map(str, path)) or what
        if kinds == {"extra_forbidden"}:
            hint = self._explain_unknown(model, path, detail["input"], data)
            self.add(marks.key_mark(path), "unknown_field", f"{path[-1]!r} is not a field of {where}", hint)
        elif kinds == {"missing"}:
            hint = give_example(str(path[-1]), list_fields(model, path).get(str(path[-1])))
            self.add(marks.mark(path[:-1]), "missing_field", f"{where} needs {str(path[-1])!r}", hint)
        elif kinds <= {*TYPES, "literal_error"}:
            self._kind(path, name, details, marks)
        elif detail["type"] in BOUNDS:
            bounds = detail.get("ctx", {})
            words = BOUNDS[detail["type"]].format(**bounds, value=detail["input"])
            hint = suggest_bound(str(path[-1]), detail["input"], bounds.get("le", bounds.get("lt")))
            self.add(marks.mark(path), "invalid_value", f"{name} {words}", hint)
        elif detail["type"] == "string_pattern_mismatch":
            form = FORMS.get(detail["ctx"]["pattern"], f"a text of the form {detail['ctx']['pattern']}")
            shown = f"{name} {detail['input']!r}" if self._quotes else name
            hint = suggest_form(form, detail["input"]) if self._quotes else ""
            self.add(marks.mark(path), "invalid_value", f"{shown} must be {form}", hint)
        else:
            told = detail["msg"].removeprefix("Value error, ")
            self.add(
                marks.mark(path), "invalid_value", told if told.startswith(f"{name} ") else f"{name}: {told}"
            )

    def _explain_unknown(self, model: type[BaseModel], path: Path, value: object, data: object) -> str:
        """Return what to write instead of a field that there is not."""
        if said := find_meant_field(model, path):
            return f"did you mean {said!r}?"
        name, around = str(path[-1]), _mapping_at(data, path[:-1])
        if self._quotes and (shown := explain_misplaced(find_model_around(model, path), name, value, around)):
            return shown
        return suggest_name(name, [*list_fields(model, path)], few=MANY if model is PolicyDoc else FEW)

    def _kind(self, path: Path, name: str, details: list[Detail], marks: MarkSource) -> None:
        """Report a value of the wrong type, or a text that is none of those possible."""
        value = details[0]["input"]
        expected = [each["ctx"]["expected"] for each in details if each["type"] == "literal_error"]
        literal = [text for text in ", ".join(expected).replace(" or ", ", ").split(", ") if text]
        others = [TYPES[each["type"]] for each in details if each["type"] in TYPES]
        *most, last = dict.fromkeys([*literal, *others])
        wanted = f"{', '.join(most)} or {last}" if most else last
        code, hint = "wrong_type", suggest_value(path, value, literal, others)
        if not self._quotes and isinstance(value, str) and value in hint:
            hint = ""
        if literal and isinstance(value, str | int) and not isinstance(value, bool):
            code = "invalid_value"
        shown = describe(value) if self._quotes else f"a {type(value).__name__}"
        self.add(marks.mark(path), code, f"{name} must be {wanted}, not {shown}", hint)


def _real(loc: tuple[str | int, ...], data: object, kind: str) -> Path:
    """Drop from pydantic's location the names of union branches, which are not in the data."""
    path: list[str | int] = []
    for at, part in enumerate(loc):
        if _holds(data, part):
            data = data[part]  # type: ignore[index] # it holds the part
        elif not (kind == "missing" and at == len(loc) - 1):
            continue
        path.append(part)
    return tuple(path)


def _holds(data: object, part: str | int) -> bool:
    if isinstance(data, list):
        return isinstance(part, int) and part < len(data)
    return isinstance(data, dict) and part in data


def _mapping_at(data: object, path: Path) -> Mapping[str, Any]:
    for part in path:
        data = data[part] if _holds(data, part) else None  # type: ignore[index] # it holds the part
    return data if isinstance(data, dict) else {}


def _find_misspelt(model: type[BaseModel], path: Path, details: list[Detail]) -> list[Path]:
    """Return the place of the field that a misspelt one most likely stands for."""
    if details[0]["type"] != "extra_forbidden":
        return []
    said = find_meant_field(model, path) or find_holder(model, path)
    fields = [*list_fields(model, path)]
    close = [name for name in fields if name == str(path[-1]).lower()]
    close = close or difflib.get_close_matches(str(path[-1]), fields, n=1, cutoff=0.6)
    return [(*path[:-1], name) for name in ([said] if said else close)]
