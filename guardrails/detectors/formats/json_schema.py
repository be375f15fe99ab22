"""Validates a JSON text against a JSON Schema and gives the spans of the values that do not fit.

Validation is by jsonschema, draft 2020-12 unless `$schema` says otherwise. A schema refers to nothing outside itself:
nothing is ever fetched. The text is not trusted: patterns run in linear time, or with a time-out, and all keywords
together have a bound of time.
"""

from __future__ import annotations

import difflib
import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import regex

from guardrails.detectors.formats.json_spans import locate
from guardrails.text import replace_surrogates
from guardrails.text.matching import linear_patterns as re2
from guardrails.verdicts.format_failure import FormatProblem
from guardrails.wire.pointers import pointer

LONGEST_CHECK: Final = 2.0
"""Seconds of CPU time for one text. A thousand characters take about a millisecond."""

MOST: Final = 16
"""Findings of one text."""

LONGEST_SHOWN: Final = 160
"""Characters of a part of a schema that a problem repeats."""

_Path = tuple[str | int, ...]
_TYPES: Final = ("array", "boolean", "integer", "null", "number", "object", "string")
_DATA: Final = frozenset({"const", "enum", "default", "examples"})
_NAMED: Final = frozenset({"properties", "$defs", "definitions", "dependentSchemas"})
_deadline = threading.local()


@dataclass(frozen=True, slots=True)
class SchemaProblem:
    """What is wrong with a schema, where in it, and the cure."""

    message: str
    path: _Path
    hint: str


class SchemaProblems(Exception):
    """All that is wrong with a schema."""

    def __init__(self, problems: Sequence[SchemaProblem]) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = tuple(problems)


class JsonSchema:
    """A schema that was checked. Raises `SchemaProblems`."""

    def __init__(self, schema: Mapping[str, Any] | bool) -> None:
        problems = list(_problems(schema))
        if problems:
            raise SchemaProblems(problems)
        from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped]

        self._validator = _extend_validator(schema)(schema, registry=REGISTRY)
        try:
            probes: tuple[object, ...] = (None, {}, [], "", 0)
            for value in probes:
                self._errors(value)
        except RecursionError:
            problem = SchemaProblem(
                "refers to itself without end", (), "a '$ref' must lead to something else"
            )
            raise SchemaProblems([problem]) from None

    def errors(self, text: str) -> list[tuple[int, int]]:
        """Return the spans, in order, of the values that do not fit; the text must be valid JSON.

        Raises `TimeoutError` if it takes too long, `RecursionError` if it nests too deep for the schema.
        """
        try:
            value = json.loads(text, parse_int=_integer, object_pairs_hook=_mapping)
        except KeyError:
            # Which of the two values counts differs between readers: such a text fits no schema.
            return [locate(text, ())]
        paths = [tuple(error.absolute_path) for error in self._errors(value)]
        return sorted({locate(text, path) for path in paths})

    def problems(self, text: str) -> list[FormatProblem]:
        """Return what is wrong with a valid JSON text, each with the value's JSON Pointer; raises as `errors` does."""
        from jsonschema.exceptions import best_match  # type: ignore[import-untyped]

        try:
            value = json.loads(text, parse_int=_integer, object_pairs_hook=_mapping)
        except KeyError:
            return [FormatProblem("", "must have each key once")]
        found = (best_match([error]) for error in self._errors(value))
        return [
            *dict.fromkeys(FormatProblem(pointer((*each.absolute_path,)), _expected(each)) for each in found)
        ]

    def _errors(self, value: object) -> list[Any]:
        _deadline.at = time.thread_time() + LONGEST_CHECK
        return [*itertools.islice(self._validator.iter_errors(value), MOST)]


def _expected(error: Any) -> str:
    """Return what a schema expects where a value does not fit, without the value."""
    keyword, wanted = str(error.validator), error.validator_value
    if keyword == "required":
        return f"must have the property {str(error.message).removesuffix(' is a required property')}"
    if keyword == "type":
        return f"must be of type {' or '.join([wanted] if isinstance(wanted, str) else wanted)}"
    if keyword == "additionalProperties" and wanted is False:
        return "is no property that the schema has"
    written = json.dumps(wanted, ensure_ascii=False, default=str)
    shown = written if len(written) <= LONGEST_SHOWN else written[:LONGEST_SHOWN] + "…"
    if keyword in ("enum", "const"):
        return f"must be {'one of ' * (keyword == 'enum')}{shown}"
    return f"must fit {keyword}: {shown}"


def _integer(digits: str) -> int:
    # Longer ones, which Python refuses, are past any limit of a schema all the same.
    return int(digits[:4000])


def _mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise KeyError
    return found


def _problems(schema: Mapping[str, Any] | bool) -> Iterator[SchemaProblem]:
    from jsonschema.validators import validator_for  # type: ignore[import-untyped]

    if isinstance(schema, Mapping) and validator_for(schema, default=None) is None and "$schema" in schema:
        hint = "'https://json-schema.org/draft/2020-12/schema', or leave it out"
        yield SchemaProblem(f"{schema['$schema']!r} is no known draft", ("$schema",), hint)
        return
    of = _extend_validator(schema)
    from jsonschema_specifications import REGISTRY

    _deadline.at = time.thread_time() + LONGEST_CHECK
    wrong = list(of(of.META_SCHEMA, registry=REGISTRY).iter_errors(schema))
    for error in wrong[:MOST]:
        yield _misuse(error)
    if not wrong:
        yield from _references(schema)
        yield from _patterns(schema)


def _misuse(error: Any) -> SchemaProblem:
    """Return what a schema does that JSON Schema does not allow."""
    path = tuple(error.absolute_path)
    if path and path[-1] == "type":
        close = difflib.get_close_matches(str(error.instance), _TYPES, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"one of: {', '.join(_TYPES)}"
        return SchemaProblem(f"{error.instance!r} is not a type of JSON", path, hint)
    return SchemaProblem(error.message[:200], path, "see JSON Schema, draft 2020-12")


def _walk(part: Any, path: _Path = ()) -> Iterator[tuple[_Path, Mapping[str, Any]]]:
    """Yield every mapping of a schema, and where it is."""
    if isinstance(part, Mapping):
        yield path, part
        for key, value in part.items():
            if key not in _DATA or (path and path[-1] in _NAMED):
                yield from _walk(value, (*path, key))
    elif isinstance(part, list):
        for index, value in enumerate(part):
            yield from _walk(value, (*path, index))


def _references(schema: Any) -> Iterator[SchemaProblem]:
    """Yield the references that lead outside the schema, or to nothing in it."""
    from jsonschema_specifications import REGISTRY
    from referencing import Resource
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import DRAFT202012

    if not isinstance(schema, Mapping):
        return
    resource = Resource.from_contents(schema, default_specification=DRAFT202012)
    registry = REGISTRY.with_resource(resource.id() or "", resource).crawl()
    bases: dict[_Path, Any] = {}
    for path, part in _walk(schema):
        above = next((bases[path[:end]] for end in range(len(path), -1, -1) if path[:end] in bases), None)
        resolver = above if above is not None else registry.resolver(resource.id() or "")
        if path and isinstance(part.get("$id"), str):
            resolver = resolver.in_subresource(
                Resource.from_contents(part, default_specification=DRAFT202012)
            )
        bases[path] = resolver
        for key in ("$ref", "$dynamicRef"):
            if isinstance(part.get(key), str):
                try:
                    resolver.lookup(part[key])
                except Unresolvable:
                    message = f"{part[key][:80]!r} is not in this schema, and nothing is fetched"
                    yield SchemaProblem(
                        message, (*path, key), "copy it below '$defs:' and refer to '#/$defs/NAME'"
                    )


def _patterns(schema: Any) -> Iterator[SchemaProblem]:
    """Yield the patterns that cannot be run, or not within a bound of time."""
    matching = unevaluated = None
    for path, part in _walk(schema):
        own = part.get("pattern")
        each = part.get("patternProperties")
        places = [((*path, "pattern"), own)] if isinstance(own, str) else []
        if isinstance(each, Mapping):
            places += [((*path, "patternProperties", name), name) for name in each]
            matching = path
        unevaluated = path if "unevaluatedProperties" in part else unevaluated
        for place, pattern in places:
            try:
                _searcher(pattern)
            except regex.error as error:
                yield SchemaProblem(f"pattern {pattern[:80]!r}: {error}", place, "a regular expression")
    if matching is not None and unevaluated is not None:
        message = "'unevaluatedProperties' beside 'patternProperties' cannot be bounded in time"
        yield SchemaProblem(message, (*unevaluated, "unevaluatedProperties"), "use 'additionalProperties'")


@cache
def _searcher(pattern: str) -> Callable[[str], bool]:
    """Return the search for a pattern: linear where RE2 can run it, else with what is left of the time."""
    options = re2.Options()
    options.log_errors = False
    try:
        fast = re2.compile(pattern, options)
    except re2.error:
        slow = regex.compile(pattern)

        def search(text: str) -> bool:
            return slow.search(text, timeout=max(_deadline.at - time.thread_time(), 0.001)) is not None

        return search
    return lambda text: fast.search(replace_surrogates(text)) is not None


# Keywords that jsonschema's own implementation leaves without a bound of time or without a place.


def _pattern(validator: Any, wanted: str, value: Any, schema: Any) -> Iterator[Any]:
    if isinstance(value, str) and not _searcher(wanted)(value):
        yield _error("does not match the pattern")


def _pattern_properties(validator: Any, wanted: Any, value: Any, schema: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for name, below in wanted.items():
            for key in filter(_searcher(name), value):
                yield from validator.descend(value[key], below, path=key, schema_path=name)


def _additional_properties(validator: Any, wanted: Any, value: Any, schema: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        known = schema.get("properties", {})
        named = [_searcher(name) for name in schema.get("patternProperties", ())]
        for key in value:
            if key in known or any(search(key) for search in named):
                continue
            if wanted is False:
                yield _error("is not allowed", key)
            else:
                yield from validator.descend(value[key], wanted, path=key)


def _unique_items(validator: Any, wanted: Any, value: Any, schema: Any) -> Iterator[Any]:
    if wanted and isinstance(value, list):
        seen: set[str] = set()
        for index, item in enumerate(value):
            form = json.dumps(_plain(item), sort_keys=True)
            if form in seen:
                yield _error("is there twice", index)
            seen.add(form)


def _error(message: str, *path: str | int) -> Any:
    from jsonschema.exceptions import ValidationError

    return ValidationError(message, path=path)


_KEYWORDS: Final[dict[str, Callable[..., Iterator[Any]]]] = {
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
    "uniqueItems": _unique_items,
}


def _plain(value: Any) -> Any:
    """Return a value in which numbers that are equal are written alike."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return {key: _plain(item) for key, item in value.items()} if isinstance(value, dict) else value


def _with_deadline(keyword: Callable[..., Any]) -> Callable[..., Iterator[Any]]:
    def check(validator: Any, wanted: Any, value: Any, schema: Any) -> Iterator[Any]:
        if time.thread_time() > getattr(_deadline, "at", float("inf")):
            raise TimeoutError
        yield from keyword(validator, wanted, value, schema) or ()

    return check


def _extend_validator(schema: Any) -> Any:
    from jsonschema.validators import Draft202012Validator, validator_for

    return _bound_keyword(validator_for(schema, default=Draft202012Validator))


@cache
def _bound_keyword(of: Any) -> Any:
    from jsonschema import validators  # type: ignore[import-untyped]

    return validators.extend(
        of, {name: _with_deadline(each) for name, each in {**of.VALIDATORS, **_KEYWORDS}.items()}
    )
