"""Collects everything that is wrong with a policy, and words pydantic's errors for people."""

from __future__ import annotations

import difflib
import typing
from collections.abc import Mapping
from typing import Any, Literal, Protocol, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from guardrails.detectors.kinds import BUILTIN, find_kind
from guardrails.errors import PolicyError
from guardrails.policy.loading.source import Mark, Path
from guardrails.policy.schema import FORMS, PolicyDoc, RuleDoc
from guardrails.registry.sources import PluginSources
from guardrails.spelling import suggest_name

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

WORDS = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}
"""Words that older YAML took for true and false."""


BLOCKED = (
    "deny",
    "reject",
    "refuse",
    "stop",
    "drop",
    "forbid",
    "ban",
    "prevent",
    "disallow",
    "block_all",
    "ablehnen",
    "bloquear",
)
REPLACED = (
    "mask",
    "anonymize",
    "anonymise",
    "remove",
    "replace",
    "hide",
    "censor",
    "scrub",
    "filter",
    "substitute",
)
RECORDED = (
    "warn",
    "warning",
    "log",
    "monitor",
    "alert",
    "record",
    "audit",
    "annotate",
    "notify",
    "report",
    "review",
)
ASKED = (
    "prompt",
    "request",
    "user",
    "question",
    "user_input",
    "in",
    "inbound",
    "incoming",
    "pre_call",
    "before",
)
ANSWERED = (
    "response",
    "reply",
    "answer",
    "assistant",
    "completion",
    "out",
    "outbound",
    "outgoing",
    "post_call",
    "after",
    "model",
)
VALUES: Mapping[str, Mapping[str, str]] = {
    "then": {
        **dict.fromkeys(BLOCKED, "write then: block"),
        **dict.fromkeys(REPLACED, "write then: redact"),
        **dict.fromkeys(RECORDED, "write then: flag (and review: a queue, where people are to look at it)"),
        **dict.fromkeys(
            ("allow", "pass", "permit", "accept", "ignore", "skip"),
            "what no rule is for passes anyway; to let something past a rule, write it under 'exceptions:', such as "
            "- {id: acme, rules: [hate.block], matches: [acme], reason: our name}, or narrow the rule's condition",
        ),
    },
    "on": {
        **dict.fromkeys(ASKED, "write on: input"),
        **dict.fromkeys(ANSWERED, "write on: output"),
        **dict.fromkeys(("both", "all", "any", "everything", "*"), "write on: [input, output]"),
        **dict.fromkeys(("document", "context", "rag", "source"), "write on: retrieval"),
        **dict.fromkeys(("tool", "tools", "function", "function_call"), "write on: tool_call, or on: tool_result"),
    },
    "mode": {
        **dict.fromkeys(("monitor", "audit", "log", "off", "test", "dry-run", "dry_run", "warn", "silent"), "write mode: shadow"),
        **dict.fromkeys(("on", "active", "enforced", "live", "block"), "write mode: enforce"),
    },
    "severity": {
        **dict.fromkeys(("error", "severe", "major"), "write severity: high"),
        **dict.fromkeys(("warning", "warn", "moderate", "normal"), "write severity: medium"),
        **dict.fromkeys(("info", "informational", "minor", "note"), "write severity: low"),
    },
}  # fmt: skip
"""A field → words of other products' policies → what to write."""


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
                    self._report(model, path, details, marks, what)
            return None

    def _report(
        self, model: type[BaseModel], path: Path, details: list[Detail], marks: MarkSource, what: str
    ) -> None:
        detail = details[0]
        kinds = {each["type"] for each in details}
        where = f"{'.'.join(map(str, path[:-1]))} in {what}" if len(path) > 1 else what
        name = ".".join(map(str, path)) or what
        if kinds == {"extra_forbidden"}:
            said = _said_for(model, path)
            hint = (
                f"did you mean {said!r}?"
                if said
                else _elsewhere(_model_around(model, path), str(path[-1]), detail["input"])
            )
            hint = hint or suggest_name(str(path[-1]), [*_fields(model, path)])
            self.add(marks.key_mark(path), "unknown_field", f"{path[-1]!r} is not a field of {where}", hint)
        elif kinds == {"missing"}:
            hint = _example(str(path[-1]), _fields(model, path).get(str(path[-1])))
            self.add(marks.mark(path[:-1]), "missing_field", f"{where} needs {str(path[-1])!r}", hint)
        elif kinds <= {*TYPES, "literal_error"}:
            self._kind(path, name, details, marks)
        elif detail["type"] in BOUNDS:
            words = BOUNDS[detail["type"]].format(**detail.get("ctx", {}), value=detail["input"])
            self.add(marks.mark(path), "invalid_value", f"{name} {words}")
        elif detail["type"] == "string_pattern_mismatch":
            form = FORMS.get(detail["ctx"]["pattern"], f"a text of the form {detail['ctx']['pattern']}")
            shown = f"{name} {detail['input']!r}" if self._quotes else name
            self.add(marks.mark(path), "invalid_value", f"{shown} must be {form}")
        else:
            told = detail["msg"].removeprefix("Value error, ")
            self.add(
                marks.mark(path), "invalid_value", told if told.startswith(f"{name} ") else f"{name}: {told}"
            )

    def _kind(self, path: Path, name: str, details: list[Detail], marks: MarkSource) -> None:
        """Report a value of the wrong type, or a text that is none of those possible."""
        value = details[0]["input"]
        expected = [each["ctx"]["expected"] for each in details if each["type"] == "literal_error"]
        literal = [text for text in ", ".join(expected).replace(" or ", ", ").split(", ") if text]
        others = [TYPES[each["type"]] for each in details if each["type"] in TYPES]
        *most, last = dict.fromkeys([*literal, *others])
        wanted = f"{', '.join(most)} or {last}" if most else last
        field = next((str(part) for part in reversed(path) if isinstance(part, str)), "")
        word = value.strip().lower() if isinstance(value, str) else ""
        code, hint = "wrong_type", VALUES.get(field, {}).get(word) or _cure(value, literal, others)
        hint = hint or _shape(path, value, others)
        if literal and isinstance(value, str | int) and not isinstance(value, bool):
            code = "invalid_value"
        shown = describe(value) if self._quotes else f"a {type(value).__name__}"
        self.add(marks.mark(path), code, f"{name} must be {wanted}, not {shown}", hint)


def _cure(value: object, literal: list[str], others: list[str]) -> str:
    """Return what to write instead of a value, if that is plain to see."""
    if isinstance(value, str):
        if value in literal:  # a number in quotes; texts stand there with theirs
            return "write it without quotes"
        if "true or false" in others and value.lower() in WORDS:
            return f"write {WORDS[value.lower()]}"
        if others == ["a list"] and not literal:
            return f"write a list: [{value}]"
        if {"a number", "a whole number"} & {*others} and value.replace(".", "", 1).isdigit():
            return "write it without quotes"
        allowed = [text.strip("'") for text in literal]
        close = difflib.get_close_matches(value.lower(), allowed, n=1, cutoff=0.5)
        return f"did you mean {close[0]!r}?" if close else ""
    if "a text" in others and isinstance(value, bool | int | float):
        return "put it in quotes"
    return "remove the key, or write a value" if value is None else ""


LISTED: Mapping[str, str] = {"rules": "id", "exceptions": "id", "tests": "input"}
"""A list of a policy → the field with which its entries begin."""


def _shape(path: Path, value: object, others: list[str]) -> str:
    """Return how to write a list for a mapping, or a mapping for a list, with the author's own words."""
    name = str(path[-1]) if path else ""
    if name == "override":
        return OVERRIDE_EXAMPLE
    if name == "deny" or path[:1] == ("deny",):
        if isinstance(value, list) and value and isinstance(value[0], str) and len(path) == 1:
            return f"give each topic a name and a description: {value[0]}: {{definition: what it is about}}"
        return "'deny' holds topics by name, each with a definition or examples; 'competitors' is a list beside it"
    if "a list" in others and isinstance(value, dict) and value:
        first = next(iter(value))
        if isinstance(value[first], dict):
            return f"write a list: - {LISTED.get(name, 'id')}: {first}, and its fields below"
        return f"begin each entry with a dash: - {first}: {value[first]}"
    return ""


OVERRIDE_EXAMPLE = "such as override: {rules: [{id: hate.block, when: hate >= 0.9}]}: the inherited rule's id, and what changes"


def _elsewhere(model: type[BaseModel] | None, name: str, value: object) -> str:
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


def _model_around(model: type[BaseModel], path: Path) -> type[BaseModel] | None:
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


def _fields(model: type[BaseModel], path: Path) -> dict[str, FieldInfo]:
    """Return the fields that the mapping around `path` may have, by their names in YAML."""
    around = _model_around(model, path)
    return {} if around is None else fields_by_name(around)


def _said_for(model: type[BaseModel], path: Path) -> str | None:
    """Return the field that is called so elsewhere, where the model knows of such names (`MEANT`)."""
    meant: Mapping[str, str] = getattr(_model_around(model, path), "MEANT", {})
    return meant.get(str(path[-1]))


def fields_by_name(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Return the fields of a mapping by their names in YAML, in the order of their declaration."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def inner_model(annotation: Any) -> type[BaseModel] | None:
    """Return the model inside `Model | None` or `list[str | Model]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for arg in typing.get_args(annotation) if (found := inner_model(arg))), None)


def _find_misspelt(model: type[BaseModel], path: Path, details: list[Detail]) -> list[Path]:
    """Return the place of the field that a misspelt one most likely stands for."""
    if details[0]["type"] != "extra_forbidden":
        return []
    said = _said_for(model, path)
    close = difflib.get_close_matches(str(path[-1]), [*_fields(model, path)], n=1, cutoff=0.6)
    return [(*path[:-1], name) for name in ([said] if said else close)]


def _example(name: str, field: FieldInfo | None) -> str:
    """Return how a missing field could look."""
    if field is None:
        return ""
    values = field.examples or typing.get_args(field.annotation)
    literal = typing.get_origin(field.annotation) is Literal
    return f"such as {name}: {values[0]}" if values and (field.examples or literal) else f"add '{name}:'"
