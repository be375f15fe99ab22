"""Finds what stands in the values of a text that is structured, by its punctuation alone: no parser needs to take it.

A JSON text with a comma too many, one that was cut off, rows of JSON, what Python prints, settings, tables of cells, YAML and
markup are rows of values with hardly a word between them. Such a row is a region; of the kinds of punctuation the first is taken
that shows one, and what is long in it is scanned again. What stands around the regions is plain text. Nothing is left out: each
word of the text stands in a key, in a value or in plain text, so that a text that is taken for structured by mistake is only cut
in other places.

Everything takes linear time, whatever the text: each pattern stops at the character that it begins with, or has a bound.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice, pairwise
from typing import Final, NamedTuple

from guardrails.wire.lossless_json import unescaped

FEWEST_VALUES: Final = 4
"""Values of the smallest region."""

SHORTEST: Final = 300
"""Characters of the smallest region, and of a value that is scanned again: a shorter one is little beside what it stands in."""

SHORTEST_MEAN: Final = 2.5
"""Characters of the values of a region on average."""

MOST_BETWEEN: Final = 6
"""Words that may stand between two values of a region: keys without quotes, names of tags, levels of a log."""

DEEPEST: Final = 3
"""How often a value is scanned again: JSON in a literal of JSON in a page is twice."""

FEWEST_ROWS: Final = 3
"""Rows of the smallest table, and how often a key comes again in the shortest list of records."""

FEWEST_CELLS: Final = 3
"""Cells of the narrowest table."""

FEWEST_TAGS: Final = 4
"""Tags that end something, from which a text is markup: programs have types in angles, templates have names in them."""


class ScannedPart(NamedTuple):
    """A part of a text: where it stands, what it says, and what it is. `plain` is no value, but prose around them."""

    start: int
    end: int
    text: str
    is_key: bool = False
    is_plain: bool = False


Scan = Callable[[str], Sequence[ScannedPart]]
"""Finds the keys and values of one kind of punctuation, in their order."""


def scan_values(text: str, depth: int = 0) -> list[ScannedPart]:
    """Return the parts of a text that has a region of values, in order; none of any other text.

    Args:
        text: the text.
        depth: how many values this one stands in.
    """
    if len(text) < SHORTEST or depth > DEEPEST:
        return []
    for scan in _SCANS:
        if len(found := scan(text)) < FEWEST_VALUES:
            continue
        if parts := [*_cut_regions(text, found)]:
            return [inner for part in parts for inner in scan_part(part, depth + 1)]
    return []


def scan_part(part: ScannedPart, depth: int = 1) -> Iterable[ScannedPart]:
    """Return the parts of a value or of plain text that has values itself, else itself."""
    if part.is_key or not (inner := scan_values(part.text, depth)):
        return (part,)
    if len(part.text) != part.end - part.start:  # it has escapes: what is in it stands where all of it does
        return [each._replace(start=part.start, end=part.end) for each in inner]
    return [each._replace(start=part.start + each.start, end=part.start + each.end) for each in inner]


def _cut_regions(text: str, found: Sequence[ScannedPart]) -> Iterator[ScannedPart]:
    """Yield the parts of a text by its values; nothing where they are in no region."""
    regions: list[list[ScannedPart]] = [[found[0]]]
    for before, part in pairwise(found):
        if _has_prose(text, before.end, part.start):
            regions.append([])
        else:  # they may be keys that have no quotes
            regions[-1] += _join_words(text, before.end, part.start, is_key=True)
        regions[-1].append(part)
    end = 0
    large = [each for each in regions if _is_large(each)]
    for region in large:
        yield from _plain(text, end, region[0].start)
        yield from region
        end = region[-1].end
    if large:
        yield from _plain(text, end, len(text))


def _is_large(region: Sequence[ScannedPart]) -> bool:
    """Tell whether there is enough in a region; letters that stand in markup each are a spelling, which others undo."""
    values = [len(part.text) for part in region if not part.is_key]
    return (
        len(region) >= FEWEST_VALUES
        and sum(values) >= SHORTEST_MEAN * len(values)
        and region[-1].end - region[0].start >= SHORTEST
    )


def _plain(text: str, start: int, end: int) -> Iterator[ScannedPart]:
    """Yield what stands around regions, if it says anything: a few words are read with the values."""
    if _has_prose(text, start, end):
        yield ScannedPart(start, end, text[start:end], is_plain=True)
    else:
        yield from _join_words(text, start, end)


def _has_prose(text: str, start: int, end: int) -> bool:
    """Tell whether there are more words than may stand between two values."""
    return len([*islice(_WORD.finditer(text, start, end), MOST_BETWEEN + 1)]) > MOST_BETWEEN


def _join_words(text: str, start: int, end: int, *, is_key: bool = False) -> Iterator[ScannedPart]:
    """Yield what has letters, without the punctuation between, as one part."""
    words = [word for word in _NAME.finditer(text, start, end) if _LETTER.search(word[0])]
    if words:
        yield ScannedPart(words[0].start(), words[-1].end(), " ".join([word[0] for word in words]), is_key)


_WORD: Final = re.compile(r"[^\W\d_]{2,}|[^\W\d_a-zA-Z]")
"""A word; of a script that has no blanks one letter is."""
_NAME: Final = re.compile(r"\w+")
_LETTER: Final = re.compile(r"[^\W\d_]")

_LITERAL: Final = re.compile(
    r"""(?:^[ \t]{0,80}(?:-[ ]{1,3})?|[\[{(,:=]\s{0,80})[rbuf]{0,2}
    (?:"(?P<double>(?:[^"\\\n]|\\.)*+)"|'(?P<single>(?:[^'\\\n]|\\.|(?<=\w)'(?=\w))*+)')
    (?=\s{0,80}(?:(?P<colon>:)|[,;\]})]|/?>|$|[\w.-]{1,40}=))""",
    re.MULTILINE | re.VERBOSE,
)
"""A string literal with punctuation of structures on both sides."""


def _scan_literals(text: str) -> list[ScannedPart]:
    """Find the literals of JSON, sound or not, of Python, of settings and of logs."""
    parts: list[ScannedPart] = []
    for found in _LITERAL.finditer(text):
        quotes = "double" if found["double"] is not None else "single"
        written = found[quotes]
        said = unescaped(written) if "\\" in written else written
        parts.append(ScannedPart(*found.span(quotes), said, found["colon"] is not None))
    return parts


_TAG: Final = re.compile(r"<!--|-->|<[/!?]?[A-Za-z][\w.:-]*+(?:\s[^<>]*+)?/?>")
_ATTRIBUTE: Final = re.compile(r"""=\s{0,8}(?:"([^"]*+)"|'([^']*+)')""")
_INLINE: Final = re.compile(
    r"</?(?:a|abbr|b|bdi|bdo|br|cite|code|em|font|i|kbd|mark|q|s|small|span|strong|sub|sup|tt|u|wbr)\b",
    re.IGNORECASE,
)
"""What stands within a sentence, which goes on behind it."""


def _scan_markup(text: str) -> list[ScannedPart]:
    """Find the texts between tags, the values of attributes, and comments."""
    if sum(map(text.count, ("</", "/>", '">'))) < FEWEST_TAGS:
        return []
    parts: list[ScannedPart] = []
    end = -1  # of the last tag
    for tag in _TAG.finditer(text):
        if _INLINE.match(tag[0]):
            continue
        if end >= 0:
            parts += _read_markup(text, end, tag.start())
        for found in _ATTRIBUTE.finditer(text, *tag.span()):
            parts += _read_markup(text, *found.span(1 if found[1] is not None else 2))
        end = tag.end()
    return parts


def _read_markup(text: str, start: int, end: int) -> Iterator[ScannedPart]:
    """Yield what stands between two tags, or in quotes, if it says anything."""
    written = text[start:end]
    if written and not written.isspace():
        yield ScannedPart(start, end, html.unescape(written) if "&" in written else written)


_CELLS: Final = (
    (",", re.compile(r'"(?:[^"\n]|"")*+"(?=,|$)|(?! )[^",\n]*+')),
    (";", re.compile(r'"(?:[^"\n]|"")*+"(?=;|$)|(?! )[^";\n]*+')),
    ("\t", re.compile(r"[^\t\n]*+")),
    ("|", re.compile(r"[^|\n]*+")),
)
"""What stands between the cells of a table, and a cell. A comma of prose has a blank behind it."""


def _scan_cells(text: str) -> list[ScannedPart]:
    """Find the cells of tables: lines behind each other that have equally many."""
    for sign, cell in _CELLS:
        if text.count(sign) < FEWEST_ROWS * (FEWEST_CELLS - 1):
            continue
        parts: list[ScannedPart] = []
        rows: list[list[ScannedPart]] = []
        start = 0
        for line in (*text.split("\n"), ""):
            end = start + len(line.removesuffix("\r"))
            row = _split_row(text, start, end, sign, cell) if sign in line else []
            if rows and len(row) != len(rows[0]):
                parts += chain(*rows) if len(rows) >= FEWEST_ROWS else ()
                rows = []
            if len(row) >= FEWEST_CELLS:
                rows.append(row)
            start += len(line) + 1
        if parts:
            return [part for part in parts if part.text]
    return []


def _split_row(text: str, start: int, end: int, sign: str, cell: re.Pattern[str]) -> list[ScannedPart]:
    """Return the cells of a line, none where it is no row of cells."""
    row: list[ScannedPart] = []
    while (found := cell.match(text, start, end)) is not None:
        written = found[0]
        said = written[1:-1].replace('""', '"') if written[:1] == '"' else written.strip()
        row.append(ScannedPart(start, found.end(), said))
        start = found.end() + 1
        if found.end() == end:
            return row
        if text[found.end()] != sign:
            break
    return []


_RECORD_LINE: Final = re.compile(
    r"^([ \t]*+(?:-[ ]++)*+)(?:([A-Za-z_][\w.-]{0,60}+):(?=\s|$))?(.*)$", re.MULTILINE
)
"""A line of YAML: how far it is indented, its key, and what stands behind it."""


def _scan_records(text: str) -> list[ScannedPart]:
    """Find keys and values of YAML: lines with keys that come again and again, each with the lines that are indented below."""
    lines = [*_RECORD_LINE.finditer(text)]
    keys = Counter(line[2] for line in lines if line[2])
    if not keys or max(keys.values()) < FEWEST_ROWS:
        return []
    parts: list[ScannedPart] = []
    deep = 0  # how far the last key is indented
    start = end = 0  # of the value that goes on
    for line in lines:
        indent, is_item = len(line[1]), "-" in line[1]
        if not line[2] and indent > deep and not is_item:
            end = line.end()
            continue
        parts += _read_value(text, start, end)
        start = end = line.start(3)
        if line[2]:
            parts.append(ScannedPart(*line.span(2), line[2], is_key=True))
            deep = indent
        if line[2] or (is_item and indent >= deep):
            end = line.end()
    parts += _read_value(text, start, end)
    return parts


def _read_value(text: str, start: int, end: int) -> Iterator[ScannedPart]:
    """Yield a value of YAML, which may have quotes around it, and lines that are folded."""
    written = text[start:end]
    said = " ".join(written.split())
    if len(said) > 1 and said[0] == said[-1] and said[0] in "\"'":
        said = said[1:-1].replace("''", "'") if said[0] == "'" else unescaped(said[1:-1])
    if said:
        start += len(written) - len(written.lstrip())
        yield ScannedPart(start, start + len(written.strip()), said)


_SCANS: Final[tuple[Scan, ...]] = (_scan_markup, _scan_cells, _scan_literals, _scan_records)
"""In the order in which they are tried: a page may have scripts in it, and a table literals."""
