"""Resolves YAML scalars by the YAML 1.2 core schema, and maps each character of their text to its index in the source."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

CORE = "tag:yaml.org,2002:"
STR, INT, FLOAT, BOOL, NULL = (CORE + name for name in ("str", "int", "float", "bool", "null"))
TYPE_NAMES = {STR: "text", INT: "an integer", FLOAT: "a number", BOOL: "true or false", NULL: "null"}
"""The tags of scalars, with a name for people."""

SHOWN = 60
"""Characters of a text that a message shows: enough to recognise it, short enough for one line."""
MAX_DIGITS = 4000
"""Python refuses to read much longer decimals (its limit is 4300 digits)."""
MAX_INT = 2**63
"""CEL and most JSON readers hold 64-bit integers; a larger one would change its value on the way."""

_INT = re.compile(r"[-+]?[0-9]+")
_OCT = re.compile(r"0o[0-7]+")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}

# The parser is a YAML 1.1 parser: it also breaks lines at NEL, LS and PS.
_BREAKS = r"\r\n\x85\u2028\u2029"
_BREAK = re.compile(rf"\r\n|[{_BREAKS}]")
_GAP = rf"(?:[ \t{_BREAKS}])*+"
_LINE = re.compile(rf"([^{_BREAKS}]*+)(\r\n|[{_BREAKS}]|\Z)")
_PROPERTIES = re.compile(
    rf"(?:(?:&[\w-]++|![^ \t{_BREAKS}]*+)(?:[ \t{_BREAKS}]|#[^{_BREAKS}]*+)*+){{0,2}}", re.ASCII
)
_HEADER = re.compile(rf"[|>]([-+]?)[1-9]?([-+]?)[^{_BREAKS}]*+(?:\r\n|[{_BREAKS}]|\Z)")
_FIRST_LINE = re.compile(rf"(?: *+[{_BREAKS}])*+( *+)")


def _tokens(escape: str, special: str) -> re.Pattern[str]:
    # A run of blanks is one token, or else a long run would be scanned anew from each of its characters.
    fold = rf"[ \t]*+[{_BREAKS}]{_GAP}"
    words = rf"[ \t]++|[^ \t{_BREAKS}{special}]++|."
    return re.compile(f"(?P<escape>{escape})|(?P<fold>{fold})|{words}", re.DOTALL)


_FLOW = {
    "": _tokens(r"(?!)", ""),
    "'": _tokens(r"''", "'"),
    '"': _tokens(
        r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U00(?:0[0-9a-fA-F]|10)[0-9a-fA-F]{4}"
        rf"|[{_BREAKS}]{_GAP}|.)",
        r"\\",
    ),
}
_ESCAPES = dict(zip("0abtnvfeN_LP", "\0\a\b\t\n\v\f\x1b\x85\xa0\u2028\u2029", strict=True))

Value = str | int | float | bool | None
Piece = tuple[int, str]


class ScalarProblem(ValueError):
    """A scalar that has no value a policy could use; `code` is that of the error to report."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def quote_scalar(text: str) -> str:
    """Return `text` quoted for a message, cut where it is long."""
    return repr(text if len(text) <= SHOWN else text[: SHOWN - 1] + "…")


def resolve(text: str) -> Value:
    """Return the value of a plain scalar without a tag.

    Raises:
        ScalarProblem: It is a number, but infinite, not a number, or an integer of more than 64 bits.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    for pattern, base in ((_INT, 10), (_OCT, 8), (_HEX, 16)):
        if pattern.fullmatch(text):
            return _integer(text, base)
    if _FLOAT.fullmatch(text) and math.isfinite(number := float(text)):
        return number
    if _FLOAT.fullmatch(text) or _NOT_FINITE.fullmatch(text):
        raise ScalarProblem("invalid_number", f"{quote_scalar(text)} is not a finite number")
    return text


def _integer(text: str, base: int) -> int:
    # The prefix 0o or 0x goes, a leading zero of a decimal means nothing.
    if len(text) <= MAX_DIGITS and -MAX_INT <= (number := int(text, base)) < MAX_INT:
        return number
    raise ScalarProblem("invalid_number", f"{quote_scalar(text)} does not fit an integer of 64 bits")


def convert(text: str, tag: str) -> Value:
    """Return the value of a scalar with one of the five core tags, whatever its style.

    Raises:
        ScalarProblem: The text is no such value.
    """
    if tag == STR:
        return text
    value = resolve(text)
    if tag == FLOAT and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    kinds: dict[str, type] = {INT: int, FLOAT: float, BOOL: bool, NULL: type(None)}
    if type(value) is kinds[tag]:
        return value
    raise ScalarProblem("invalid_value", f"{quote_scalar(text)} is tagged as, but is not, {TYPE_NAMES[tag]}")


def content_start(source: str, start: int) -> int:
    """Return where a node's content starts when the node starts at `start`: behind its anchor and its tag."""
    match = _PROPERTIES.match(source, start)
    return match.end() if match else start


def map_positions(source: str, start: int, end: int, style: str, text: str) -> list[int] | None:
    """Return the source index of each character of a scalar's decoded text, and the index past the last.

    Args:
        source: The whole file.
        start: Where the scalar starts, its anchor and tag included.
        end: Where it ends, its closing quote or last line break included.
        style: "" for plain, or one of ' " | >.
        text: The decoded text, as the parser gave it.

    Returns:
        len(text) + 1 strictly increasing indices; None if the source, read here anew, does not give `text`.
    """
    first = min(content_start(source, start), end)
    if style in ("|", ">"):
        pieces, past = _block(source, first, end, text)
    else:
        quote = len(style)
        pieces, past = list(_flow(source, first + quote, end - quote, style)), end - quote
    if "".join([char for _, char in pieces]) != text:
        return None
    return [*(index for index, _ in pieces), past]


def _breaks(source: str, start: int, end: int) -> list[Piece]:
    return [
        (found.start(), found[0] if found[0] in "\u2028\u2029" else "\n")
        for found in _BREAK.finditer(source, start, end)
    ]


def _flow(source: str, start: int, end: int, style: str) -> Iterator[Piece]:
    for token in _FLOW[style].finditer(source, start, end):
        index, stop = token.span()
        if token["fold"]:
            yield from _fold_breaks(_breaks(source, index, stop))
        elif token["escape"]:
            yield from _unescape(source, index, stop)
        else:
            yield from enumerate(token[0], index)


def _fold_breaks(breaks: list[Piece]) -> list[Piece]:
    (index, char), *rest = breaks
    if char != "\n":
        return breaks
    return rest or [(index, " ")]


def _unescape(source: str, start: int, stop: int) -> list[Piece]:
    kind = source[start + 1]
    if _BREAK.match(kind):
        # The escaped break joins two lines; the empty lines behind it count.
        return _breaks(source, start, stop)[1:]
    if kind in "xuU" and stop - start > 2:
        return [(start, chr(int(source[start + 2 : stop], 16)))]
    return [(start, _ESCAPES.get(kind, kind))]


def _block(source: str, start: int, end: int, text: str) -> tuple[list[Piece], int]:
    header = _HEADER.match(source, start, end)
    if header is None:
        return [], start
    body = header.end()
    # The indentation may be relative to a parent that is not known here; the decoded text gives it away.
    indent = _lead(source[body:end]) - _lead(text)
    pieces = _block_pieces(source, (body, end), indent, source[start] == ">", header[1] or header[2])
    if not pieces:
        return [], body
    last = pieces[-1][0]
    line_break = _BREAK.match(source, last)
    return pieces, line_break.end() if line_break else last + 1


def _lead(text: str) -> int:
    match = _FIRST_LINE.match(text)
    if match and match.end() < len(text):
        return len(match[1])
    return max(len(line) for line in _BREAK.split(text))


def _block_pieces(source: str, body: tuple[int, int], indent: int, folds: bool, chomp: str) -> list[Piece]:
    pieces: list[Piece] = []
    line_break: list[Piece] = []
    empty: list[Piece] = []
    place, end = body
    blank = False
    while place < end and (line := _LINE.match(source, place, end)):
        spaces = len(line[1]) - len(line[1].lstrip(" "))
        content = place + min(indent, spaces)
        if content == line.end(1):
            empty += _breaks(source, *line.span(2))
        else:
            was_blank, blank = blank, source[content] in " \t"
            if folds and line_break and not was_blank and not blank:
                pieces += _fold_breaks(line_break + empty)
            else:
                pieces += line_break + empty
            pieces += enumerate(source[content : line.end(1)], content)
            line_break, empty = _breaks(source, *line.span(2)), []
        place = line.end()
    if chomp != "-":
        pieces += line_break
    return pieces + empty if chomp == "+" else pieces
