"""Whether a text is valid JSON, XML or Python: text in, one finding where it stops being that out.

Nothing is run, fetched or expanded. The span of a finding runs from the error to the end of its line. What nests
deeper than any honest text is invalid too.
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Callable, Sequence
from typing import Final, Literal, NoReturn
from xml.parsers import expat

from pydantic import Field

from guardrails.detectors import ConfigProblems, Files, Kind
from guardrails.detectors.config import Config
from guardrails.detectors.patterns import category_problem
from guardrails.text import surrogates_replaced
from guardrails.types import CLEAN, Content, Detection, Finding, Text, Unchecked

DEEPEST: Final = 200
"""Brackets or elements inside one another: well below where a parser runs out of stack."""

LONGEST_PYTHON: Final = 200_000
"""Characters of Python; its parser takes some 100 bytes of memory and a microsecond for each."""

_MODULE: Final = "guardrails_checked_text"
_JSON_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]|(-?Infinity|NaN)', re.DOTALL)
_FENCE: Final = re.compile(r"^ {0,3}(?:(`{3,})[^`\n]*|(~{3,})[^\n]*)(?:\n|\Z)", re.MULTILINE)
_BREAK: Final = re.compile("\r\n|\r|\n")


class _Stop(Exception):
    """Parsing was given up: the text is not what it should be."""


def _refuse(_constant: str) -> NoReturn:
    raise _Stop


def _no_number(_digits: str) -> None:
    # Not made a number: Python refuses long ones, which JSON does not.
    return None


_JSON: Final = json.JSONDecoder(parse_int=_no_number, parse_float=_no_number, parse_constant=_refuse)


def json_error(text: str) -> int | None:
    """Return where `text` stops being one JSON value of RFC 8259, or None."""
    if text.count("[") + text.count("{") > DEEPEST:
        deep = _too_deep(text)
        if deep is not None:
            return deep
    try:
        _JSON.decode(text)
    except json.JSONDecodeError as error:
        return error.pos
    except _Stop:
        return next((match.start() for match in _JSON_TOKEN.finditer(text) if match[1]), 0)
    except RecursionError:
        return 0
    return None


def _too_deep(text: str) -> int | None:
    depth = 0
    for match in _JSON_TOKEN.finditer(text):
        if match[0] in ("[", "{"):
            depth += 1
            if depth > DEEPEST:
                return match.start()
        elif match[0] in ("]", "}"):
            depth -= 1
    return None


def xml_error(text: str) -> int | None:
    """Return where `text` stops being a well-formed XML document, or None; a document type is an error."""
    data = surrogates_replaced(text).encode()
    # The encoding is given, so that what the document says of it does not count.
    parser = expat.ParserCreate("utf-8")
    depth = stopped = 0

    def opened(_name: str, _attributes: object) -> None:
        nonlocal depth, stopped
        depth += 1
        if depth > DEEPEST:
            stopped = parser.CurrentByteIndex
            raise _Stop

    def closed(_name: str) -> None:
        nonlocal depth
        depth -= 1

    def typed(*_names: object) -> None:
        nonlocal stopped
        # Called where the name and the address have been read.
        stopped = data.rfind(b"<!DOCTYPE", 0, parser.CurrentByteIndex + 1)
        raise _Stop

    # Without a document type there are no entities to expand or to fetch.
    parser.StartDoctypeDeclHandler = typed
    parser.StartElementHandler = opened
    parser.EndElementHandler = closed
    try:
        parser.Parse(data, True)
    except expat.ExpatError:
        at = parser.ErrorByteIndex
    except _Stop:
        at = stopped
    else:
        return None
    return len(data[: max(at, 0)].decode(errors="ignore"))


def python_error(text: str) -> int | None:
    """Return where `text` stops being a Python module of the Python that runs, or None; it is not run."""
    if "\0" in text:
        return text.index("\0")
    try:
        compile(surrogates_replaced(text), _MODULE, "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
    except SyntaxError as error:
        return _offset(text, error.lineno or 1, error.offset or 1)
    except (MemoryError, RecursionError, ValueError, OverflowError):
        return 0
    return None


def _offset(text: str, line: int, column: int) -> int:
    """Return the offset of a line and a column that count from 1."""
    start = 0
    for number, match in enumerate(_BREAK.finditer(text), 2):
        if number > line:
            break
        start = match.end()
    return start + max(column - 1, 0)


CHECKS: Final[dict[str, Callable[[str], int | None]]] = {
    "json": json_error,
    "xml": xml_error,
    "python": python_error,
}


def fence(text: str) -> tuple[int, int] | None:
    """Return the span of what stands in the first Markdown code fence, or None; one that is open runs to the end."""
    opening = _FENCE.search(text)
    if opening is None:
        return None
    mark = opening[1] or opening[2]
    closing = re.compile(rf"^ {{0,3}}{mark[0]}{{{len(mark)},}}[ \t\r]*$", re.MULTILINE)
    end = closing.search(text, opening.end())
    return opening.end(), len(text) if end is None else end.start()


class Format:
    """The detector: one parser, over the whole text or over its code fence."""

    # Parsers hold the interpreter for as long as they take.
    inline = False

    def __init__(self, name: str, kind: str, category: str, *, fenced: bool = False) -> None:
        self._name = name
        self._category = category
        self._kind = kind
        self._fenced = fenced
        if kind == "python":
            # Python warns of bad escapes in what it parses: not our caller's business, and not an error.
            warnings.filterwarnings("ignore", module=_MODULE)

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        return [self._one(content.text) if isinstance(content, Text) else CLEAN for content in batch]

    def _one(self, text: str) -> Detection:
        inside = fence(text) if self._fenced else None
        start, end = inside or (0, len(text))
        if self._kind == "python" and end - start > LONGEST_PYTHON:
            reason = f"Python of more than {LONGEST_PYTHON:,} characters"
            return Detection(unchecked=(Unchecked("limit", reason, span=(start, end)),))
        at = CHECKS[self._kind](text[start:end])
        if at is None:
            return CLEAN
        span = self._span(text, start + at, end)
        return Detection((Finding(self._category, 1.0, self._name, span),))

    @staticmethod
    def _span(text: str, at: int, end: int) -> tuple[int, int] | None:
        """Return the rest of the line from an error on, at least one character; None in an empty text."""
        at = min(at, end)
        line = _BREAK.search(text, at, end)
        stop = end if line is None else line.start()
        if at < stop:
            return at, stop
        # At the end, or at a line break: that, or the last character before.
        return (min(at, len(text) - 1), min(at, len(text) - 1) + 1) if text else None


class FormatConfig(Config):
    """A text that must be valid in some language."""

    use: Literal["format"]
    """The kind of detector."""
    kind: Literal["json", "xml", "python"]
    """What the text must be: one JSON value (RFC 8259, so no `NaN`), one XML document without a document type, or
    Python that parses."""
    fenced: bool = False
    """Whether the first Markdown code fence is judged instead of the whole text, if there is one."""
    category: str = Field(default="custom.format", examples=["custom.not_json"])
    """What a text is that is not valid."""


def _build(name: str, config: FormatConfig, files: Files) -> Format:
    wrong = category_problem(config.category, ("category",))
    if wrong is not None:
        raise ConfigProblems([wrong])
    return Format(name, config.kind, config.category, fenced=config.fenced)


KIND = Kind(
    name="format",
    doc="Texts that are not valid JSON, XML or Python, with the place of the error.",
    config=FormatConfig,
    categories=lambda _name, config: frozenset({config.category}),
    build=_build,
)
