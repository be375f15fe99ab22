"""Finds the offset at which a text stops being valid JSON, XML or Python.

Nothing is run, fetched or expanded. What nests deeper than any honest text is invalid too.
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from typing import Final, NoReturn
from xml.parsers import expat

from guardrails.text import replace_surrogates

DEEPEST: Final = 200
"""Brackets or elements inside one another: well below where a parser runs out of stack."""

_MODULE: Final = "guardrails_checked_text"
_JSON_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]|(-?Infinity|NaN)', re.DOTALL)
BREAK: Final = re.compile("\r\n|\r|\n")


class _Stop(Exception):
    """Parsing was given up: the text is not what it should be."""


def _refuse(_constant: str) -> NoReturn:
    raise _Stop


def _no_number(_digits: str) -> None:
    # Not made a number: Python refuses long ones, which JSON does not.
    return None


_JSON: Final = json.JSONDecoder(parse_int=_no_number, parse_float=_no_number, parse_constant=_refuse)


def find_json_error(text: str) -> int | None:
    """Return where `text` stops being one JSON value of RFC 8259, or None."""
    if text.count("[") + text.count("{") > DEEPEST:
        deep = _too_deep(text)
        if deep is not None:
            return deep
    try:
        _JSON.decode(text)
    except json.JSONDecodeError as error:
        if error.msg.startswith(
            "Illegal trailing comma"
        ):  # Python 3.13 on names the comma, those before what follows it
            return len(text) - len(text[error.pos + 1 :].lstrip(" \t\r\n"))
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


def find_xml_error(text: str) -> int | None:
    """Return where `text` stops being a well-formed XML document, or None; a document type is an error."""
    data = replace_surrogates(text).encode()
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


def ignore_warnings() -> None:
    """Let Python be silent about bad escapes in what it parses: not our caller's business, and not an error."""
    warnings.filterwarnings("ignore", module=_MODULE)


def find_python_error(text: str) -> int | None:
    """Return where `text` stops being a Python module of the Python that runs, or None; it is not run."""
    if "\0" in text:
        return text.index("\0")
    try:
        compile(replace_surrogates(text), _MODULE, "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
    except SyntaxError as error:
        return _offset(text, error.lineno or 1, error.offset or 1)
    except (MemoryError, RecursionError, ValueError, OverflowError):
        return 0
    return None


def _offset(text: str, line: int, column: int) -> int:
    """Return the offset of a line and a column that count from 1."""
    start = 0
    for number, match in enumerate(BREAK.finditer(text), 2):
        if number > line:
            break
        start = match.end()
    return start + max(column - 1, 0)
