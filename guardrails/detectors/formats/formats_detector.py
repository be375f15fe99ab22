"""The `format` detector: finds where a text stops being valid JSON, XML, Python or SQL.

JSON may have to fit a schema (`json_schema.py`), SQL may have to be of some kinds of statements (`sql.py`). Nothing is
run, fetched or expanded. The span of a syntax error runs from the error to the end of its line; a value that does not
fit and a statement that is not allowed are spans themselves.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Final, Literal, Protocol

from pydantic import Field

from guardrails.detectors import ConfigProblem, ConfigProblems, PolicyFiles
from guardrails.detectors.config import Config
from guardrails.detectors.formats.json_repair import repair_json
from guardrails.detectors.formats.json_schema import JsonSchema
from guardrails.detectors.formats.schema_source import compile_schema, load_schema
from guardrails.detectors.formats.sql import KINDS, LONGEST_SQL, find_sql_errors, list_dialects
from guardrails.detectors.formats.syntax import (
    BREAK,
    find_json_error,
    find_python_error,
    find_xml_error,
    ignore_warnings,
)
from guardrails.detectors.kinds import Kind
from guardrails.detectors.patterns.patterns_detector import category_problem
from guardrails.text import replace_surrogates
from guardrails.types import CLEAN, Content, Detection, Finding, Text, Unchecked
from guardrails.verdicts.format_failure import FormatProblem

LONGEST_PYTHON: Final = 200_000
"""Characters of Python; its parser takes some 100 bytes of memory and a microsecond for each."""

_FENCE: Final = re.compile(r"^ {0,3}(?:(`{3,})[^`\n]*|(~{3,})[^\n]*)(?:\n|\Z)", re.MULTILINE)

JSON: Final = "JSON"

Spans = Iterable[tuple[int, int]]


class FitsSchema(Protocol):
    """What JSON must fit."""

    def problems(self, text: str) -> Sequence[FormatProblem]:
        """Return what is wrong with a valid JSON text; raises `TimeoutError` or `RecursionError` where that cannot be told."""
        ...


def find_fence(text: str) -> tuple[int, int] | None:
    """Return the span of what stands in the first Markdown code fence, or None; one that is open runs to the end."""
    opening = _FENCE.search(text)
    if opening is None:
        return None
    mark = opening[1] or opening[2]
    closing = re.compile(rf"^ {{0,3}}{mark[0]}{{{len(mark)},}}[ \t\r]*$", re.MULTILINE)
    end = closing.search(text, opening.end())
    return opening.end(), len(text) if end is None else end.start()


class FormatsDetector:
    """The detector: one check, over the whole text or over its code fence.

    `check` returns the spans of what is wrong; an empty span is a place. `language` is what the text must be, in words, and
    `schema` what JSON must fit, too: for those who repair a text, or tell its author what is wrong.
    """

    # Parsers hold the interpreter for as long as they take.
    inline = False

    def __init__(
        self,
        name: str,
        category: str,
        check: Callable[[str], Spans],
        *,
        fenced: bool = False,
        longest: int | None = None,
        language: str = "",
        schema: FitsSchema | None = None,
    ) -> None:
        self._name = name
        self._category = category
        self._check = check
        self._fenced = fenced
        self._longest = longest
        self.language = language
        self._schema = schema

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        return [self._detect_one(content.text) if isinstance(content, Text) else CLEAN for content in batch]

    def _detect_one(self, text: str) -> Detection:
        inside = find_fence(text) if self._fenced else None
        start, end = inside or (0, len(text))
        if self._longest is not None and end - start > self._longest:
            reason = f"more than {self._longest:,} characters to parse"
            return Detection(unchecked=(Unchecked("limit", reason, span=(start, end)),))
        try:
            spans = [(start + first, start + last) for first, last in self._check(text[start:end])]
        except TimeoutError:
            return Detection(error="the text takes too long to parse, or to compare with the schema")
        except RecursionError:
            return Detection(error="the text nests too deep to compare with the schema")
        places = [_whole(text, first, last, end) for first, last in spans]
        return Detection(tuple(Finding(self._category, 1.0, self._name, span) for span in places))

    def repair(self, text: str) -> str | None:
        """Return the text as it was meant to be, None where that is not clear, or it is none of JSON."""
        if self.language != JSON:
            return None
        inside = find_fence(text) if self._fenced else None
        if inside is None:
            return repair_json(text, None if self._schema is None else self._accepts)
        repaired = repair_json(text[slice(*inside)], None if self._schema is None else self._accepts)
        return None if repaired is None else f"{text[: inside[0]]}{repaired}\n{text[inside[1] :]}"

    def format_problems(self, text: str) -> Sequence[FormatProblem]:
        """Return what is wrong with a text that the detector has findings in."""
        start, end = (find_fence(text) if self._fenced else None) or (0, len(text))
        inside = text[start:end]
        try:
            if self._schema is not None and find_json_error(inside) is None:
                return self._schema.problems(inside)
            first = min((span[0] for span in self._check(inside)), default=0)
        except (TimeoutError, RecursionError):
            return (FormatProblem("", f"must be {self.language} that is not too complex to check"),)
        before = BREAK.split(inside[:first])
        place = f"line {len(before)}, column {len(before[-1]) + 1}"
        return (FormatProblem("", f"must be valid {self.language}, and is not from {place} on"),)

    def _accepts(self, text: str) -> bool:
        assert self._schema is not None
        try:
            return not self._schema.problems(text)
        except (TimeoutError, RecursionError):
            return False


def _whole(text: str, start: int, stop: int, end: int) -> tuple[int, int] | None:
    """Return a span with at least one character: an empty one is the rest of its line; None in an empty text."""
    start = min(start, end)
    if stop <= start:
        line = BREAK.search(text, start, end)
        stop = end if line is None else line.start()
    if start < stop:
        return start, stop
    # At the end, or at a line break: that, or the last character before.
    return (min(start, len(text) - 1), min(start, len(text) - 1) + 1) if text else None


def _places(check: Callable[[str], int | None], text: str) -> Spans:
    at = check(text)
    return [] if at is None else [(at, at)]


def _fitting(schema: JsonSchema, text: str) -> Spans:
    return _places(find_json_error, text) or schema.errors(text)


class FormatConfig(Config):
    """A text that must be valid in some language."""

    use: Literal["format"]
    """The kind of detector."""
    kind: Literal["json", "xml", "python", "sql"]
    """What the text must be: one JSON value (RFC 8259, so no `NaN`), one XML document without a document type, Python
    that parses, or statements of SQL."""
    schema_: dict[str, Any] | bool | None = Field(
        default=None, alias="schema", examples=[{"type": "object", "required": ["name"]}]
    )
    """The JSON Schema (draft 2020-12) that JSON must fit, too. It refers to nothing outside itself."""
    schema_file: str | None = Field(default=None, examples=["schemas/answer.json"])
    """The same, in a JSON file below the policy's folder."""
    dialect: str | None = Field(default=None, examples=["postgres"])
    """The dialect of SQL, as sqlglot names it; by default one that takes what most of them have in common."""
    statements: list[str] | None = Field(default=None, min_length=1, examples=[["select"]])
    """The kinds of SQL statements that are allowed, such as `select` alone; by default all. A statement inside another
    counts too, as `delete` does in `WITH gone AS (DELETE …) SELECT …`."""
    fenced: bool = False
    """Whether the first Markdown code fence is judged instead of the whole text, if there is one."""
    category: str = Field(default="custom.format", examples=["custom.not_json"])
    """What a text is that is not valid."""


LANGUAGES: Final = {"json": JSON, "xml": "XML", "python": "Python", "sql": "SQL"}
"""Kind of a text → its name."""

_ONLY: Final = {"schema": "json", "schema_file": "json", "dialect": "sql", "statements": "sql"}


def _find_misplaced(config: FormatConfig) -> list[ConfigProblem]:
    """Return the problems of fields that say nothing of this kind of text."""
    given = {**{name: getattr(config, name, None) for name in _ONLY}, "schema": config.schema_}
    problems = [
        ConfigProblem(
            "misplaced_field",
            f"{name!r} is for 'kind: {kind}'",
            (name,),
            hint=f"leave it out, or 'kind: {kind}'",
        )
        for name, kind in _ONLY.items()
        if given[name] is not None and config.kind != kind
    ]
    if config.schema_ is not None and config.schema_file is not None:
        message = "'schema:' and 'schema_file:' say the same thing twice"
        problems.append(ConfigProblem("two_schemas", message, ("schema_file",), hint="keep one of them"))
    return problems


def _unknown(config: FormatConfig) -> list[ConfigProblem]:
    """Return the problems of names of SQL that are none."""
    named: list[tuple[str, str, tuple[str | int, ...], Sequence[str]]] = [
        ("unknown_statement", wrong, ("statements", index), tuple(KINDS))
        for index, wrong in enumerate(config.statements or ())
    ]
    if config.dialect is not None and config.kind == "sql":
        named.append(("unknown_dialect", config.dialect, ("dialect",), list_dialects()))
    problems = []
    for code, wrong, path, known in named:
        if wrong not in known:
            close = difflib.get_close_matches(wrong.lower(), known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"one of: {', '.join(known)}"
            what = "a dialect of SQL" if code == "unknown_dialect" else "a kind of statement"
            problems.append(ConfigProblem(code, f"{wrong!r} is not {what} that is known", path, hint=hint))
    return problems


def _schema(config: FormatConfig, files: PolicyFiles, problems: list[ConfigProblem]) -> JsonSchema | None:
    """Return the schema, None if there is none; add what is wrong to `problems`."""
    if config.schema_file is not None:
        return load_schema(config.schema_file, files, problems, ("schema_file",))
    return None if config.schema_ is None else compile_schema(config.schema_, problems, ("schema",))


def _build(name: str, config: FormatConfig, files: PolicyFiles) -> FormatsDetector:
    problems = [*_find_misplaced(config), *_unknown(config)]
    wrong = category_problem(config.category, ("category",))
    if wrong is not None:
        problems.append(wrong)
    schema = _schema(config, files, problems)
    if problems:
        raise ConfigProblems(problems)
    if config.kind == "python":
        ignore_warnings()
    checks: dict[str, tuple[Callable[[str], Spans], int | None]] = {
        "json": (partial(_places, find_json_error) if schema is None else partial(_fitting, schema), None),
        "xml": (partial(_places, find_xml_error), None),
        "python": (partial(_places, find_python_error), LONGEST_PYTHON),
        "sql": (partial(_sql, config.dialect or "", config.statements), LONGEST_SQL),
    }
    check, longest = checks[config.kind]
    return FormatsDetector(
        name,
        config.category,
        check,
        fenced=config.fenced,
        longest=longest,
        language=LANGUAGES[config.kind],
        schema=schema,
    )


def _sql(dialect: str, statements: Sequence[str] | None, text: str) -> Spans:
    return find_sql_errors(replace_surrogates(text), dialect, statements)


KIND = Kind(
    name="format",
    doc="Texts that are not valid JSON, XML, Python or SQL, or do not fit a schema, with the place.",
    config=FormatConfig,
    categories=lambda _name, config: frozenset({config.category}),
    build=_build,
    version=2,
    decoded=False,
)
