"""Reads and compiles the JSON Schema that a policy gives, inline or in a file, and locates what is wrong with it."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Protocol

from guardrails.detectors import ConfigProblem
from guardrails.detectors.formats.json_schema import JsonSchema, SchemaProblems
from guardrails.detectors.formats.json_spans import locate
from guardrails.detectors.formats.syntax import BREAK, find_json_error

Field = tuple["str | int", ...]
"""Where in the configuration the schema, or the name of its file, stands."""

WRITTEN = "a JSON Schema, written as JSON"

NAMED: Final = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
"""Keywords whose mapping has names of its own."""

DATA: Final = frozenset({"const", "enum", "default", "examples", "example"})
"""Keywords whose value is no schema."""

MAX_DEPTH: Final = 64
"""Levels of a schema; one for the arguments of a tool needs ten."""

KEYWORDS: Final = frozenset(
    {
        *NAMED,
        *DATA,
        *("$schema", "$id", "$ref", "$anchor", "$dynamicRef", "$dynamicAnchor", "$vocabulary", "$comment"),
        *("type", "title", "description", "format", "deprecated", "readOnly", "writeOnly", "nullable"),
        *("allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentRequired", "dependencies"),
        *("multipleOf", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum"),
        *("maxLength", "minLength", "pattern", "contentEncoding", "contentMediaType", "contentSchema"),
        *("items", "prefixItems", "additionalItems", "contains", "maxContains", "minContains"),
        *("maxItems", "minItems", "uniqueItems", "unevaluatedItems"),
        *("additionalProperties", "propertyNames", "unevaluatedProperties"),
        *("maxProperties", "minProperties", "required"),
    }
)
"""The words of JSON Schema, of all drafts. Others mean nothing to it, and are passed over without a word."""


class FileReader(Protocol):
    """Reads the files that a policy names."""

    def read(self, name: str) -> tuple[str, str]:
        """Return the file's text and its name for messages; raise `OSError` with the reason if it may not be read."""
        ...


def find_unknown_keywords(part: Any, path: Field) -> Iterator[ConfigProblem]:
    """Yield the words of a schema that are none of JSON Schema: it would not ask for what they seem to."""
    if len(path) > MAX_DEPTH:
        yield ConfigProblem("invalid_schema", f"schema: more than {MAX_DEPTH} levels", path)
    elif isinstance(part, list):
        for index, each in enumerate(part):
            yield from find_unknown_keywords(each, (*path, index))
    elif isinstance(part, Mapping):
        for key, value in part.items():
            here = (*path, key)
            if key not in KEYWORDS and not key.startswith("x-"):
                close = difflib.get_close_matches(key, sorted(KEYWORDS), n=1, cutoff=0.75)
                hint = (
                    f"did you mean {close[0]!r}?" if close else "put names of arguments below 'properties:'"
                )
                message = f"schema: {key[:80]!r} is no word of JSON Schema"
                yield ConfigProblem("invalid_schema", message, here, hint=hint)
            elif key in NAMED and isinstance(value, Mapping):
                for name, each in value.items():
                    yield from find_unknown_keywords(each, (*here, name))
            elif key not in DATA:
                yield from find_unknown_keywords(value, here)


def load_schema(
    name: str, files: FileReader, problems: list[ConfigProblem], field: Field, *, strict: bool = False
) -> JsonSchema | None:
    """Load the schema in a file that a field names; add what is wrong to `problems`, with `strict` also unknown keywords."""
    try:
        text, shown = files.read(name)
    except OSError as error:
        message, hint = f"schema {name!r}: {error.strerror or error}", "a JSON file below the policy's folder"
        problems.append(ConfigProblem("unreadable_file", message, field, hint=hint))
        return None
    at = find_json_error(text)
    if at is not None:
        place = _place(shown, text, at)
        problems.append(
            ConfigProblem("invalid_schema", "is not valid JSON here", field, hint=WRITTEN, place=place)
        )
        return None
    schema = json.loads(text)
    if not isinstance(schema, dict | bool):
        message = "a schema is a mapping, true or false"
        problems.append(ConfigProblem("invalid_schema", message, field, hint=WRITTEN, place=(shown, 1, 1)))
        return None
    odd = [*find_unknown_keywords(schema, ())] if strict else []
    for each in odd:
        place = _place(shown, text, locate(text, each.path)[0])
        problems.append(ConfigProblem(each.code, each.message, field, hint=each.hint, place=place))
    if odd:
        return None
    return compile_schema(schema, problems, field, lambda path: _place(shown, text, locate(text, path)[0]))


def compile_schema(
    schema: Mapping[str, Any] | bool,
    problems: list[ConfigProblem],
    field: Field,
    place: Callable[[Field], tuple[str, int, int]] | None = None,
) -> JsonSchema | None:
    """Return a schema; add what is wrong to `problems`, at a `place` of another file where there is one."""
    try:
        return JsonSchema(schema)
    except SchemaProblems as error:
        for each in error.problems:
            path = field if place else (*field, *each.path)
            where = place(each.path) if place else None
            problems.append(
                ConfigProblem("invalid_schema", f"schema: {each.message}", path, hint=each.hint, place=where)
            )
    return None


def _place(shown: str, text: str, at: int) -> tuple[str, int, int]:
    before = BREAK.split(text[:at])
    return shown, len(before), len(before[-1]) + 1
