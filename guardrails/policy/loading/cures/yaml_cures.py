"""Finds how a line that YAML cannot read was most likely meant.

Each way in which lines go wrong proposes another line; what lets the parser go on furthest is what is told. So a proposal always
parses, and nothing is proposed where none does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import yaml

from guardrails.policy.loading.cures.habit_words import VALUES

LOADER: type[yaml.SafeLoader | yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Only its parser is used. The C one is some ten times faster, but not in every build of PyYAML."""

LINES_BEFORE: Final = 8
"""Lines before the one at which the parser stumbles that may hold the mistake, at least,"""
MOST_LINES: Final = 30
"""and at most, where it says in which line what it was reading began."""
LINES_AFTER: Final = 12
"""Lines behind it by which a proposal is judged."""
LONGEST: Final = 2_000
"""Characters of a line that is looked at."""
SHOWN: Final = 110
"""Characters of a line that a hint shows."""

ODD_SPACE: Final = re.compile("[\u00a0\u2000-\u200b\u202f\u2060\u3000]")
CURLIES: Final = str.maketrans(dict.fromkeys("“”„«»", '"') | dict.fromkeys("\u2018\u2019", "'"))
LOOKALIKES: Final[tuple[tuple[re.Pattern[str], Callable[[str], str], str, str], ...]] = (
    (
        re.compile(r"^ *(\t)"),
        lambda line: line.replace("\t", "  "),
        "there is a tab at the beginning of the line",
        "indent with spaces",
    ),
    (
        re.compile("([\u00a0\u2000-\u200b\u202f\u2060\u3000])"),
        lambda line: ODD_SPACE.sub(" ", line),
        "here is a character that looks like a space and is none, as word processors write it",
        "write a plain space",
    ),
    (
        re.compile("[:\\-,\\[{] *([“”„«\u2018\u2019])"),
        lambda line: line.translate(CURLIES),
        "curly quotes are no quotes in YAML",
        'write straight ones: "…"',
    ),
)
"""What nobody sees → the line without it, what is wrong, and what to write."""
ENTRY: Final = re.compile(r"(\s*(?:- +)*)([\w.-]+):([ \t]+)(\S.*?)([ \t]+#.*)?$")
"""A line with a key and a value."""
TIGHT: Final = re.compile(r"(\s*(?:- +)*)([a-z_]+):([^\s:].*)$")
BARE: Final = re.compile(r"(\s*(?:- +)*)([a-z_]+) +([^:#]+)$")
BLOCK: Final = re.compile(r"(\s*(?:- +)*)[\w.-]+:\s+([|>])[+-]?\s*$")
"""A key whose value is a text on the lines below it."""
SLASHES: Final = re.compile(r"(?:^|\s)(//.*)$")
INNER: Final = re.compile(r"([{,]\s*[\w.-]+:\s+)([^,{}\[\]\"']*:\s[^,{}\[\]\"']*)(?=[,}])")
"""A text within { } that holds a colon."""
APOSTROPHE: Final = re.compile(r"([\[{,:]\s*)'([^'\"]*\w)'(\w[^'\"]*)'(?=\s*[,\]}]|\s*$)")
"""A text in single quotes that holds one."""
NO_COMMA: Final = re.compile(
    r"([{,]\s*[\w.-]+:\s+(?:\"[^\"]*\"|[^,{}\[\]\"':]*\S))(\s+[a-z]{2}(?:-[A-Z]{2})?:\s)"
)
"""A text by its language within { }, and the next language without a comma before it."""
OPEN_LIST: Final = re.compile(r"(\[[^\[\]{}\"']*?)(,\s*[\w.-]+:\s)")
"""A list that is not closed before the next key."""
MAPPING: Final = re.compile(r"\{\s*[\w.-]+\s*:|\[(?![^\]]*\]\s*\w)")
"""How what is a mapping or a list begins, and no text that begins with a bracket."""
CONDITION: Final = re.compile(r"(\s*(?:- +)*when:\s+)(\S.*?)\s*$")
BARE_PATTERN: Final = re.compile(r"(patterns:\s*\[)([^\"'\s{][^\"']*[{\[\\][^\"']*?)(?=\]\s*\}*\s*$)")
"""A pattern in a list, without quotes."""
MISFORMED: Final[tuple[tuple[re.Pattern[str], str, str, str], ...]] = (
    (
        re.compile(r"(\s*)([\u2022\u00b7\u2013\u2014*]\s*|\d+[.)]\s+)([\w\"'{].*)$"),
        r"\1- \3",
        "an entry of a list begins with a dash and a space",
        "",
    ),
    (
        re.compile(r"(\s*)(-)([a-z_]+:.*)$"),
        r"\1- \3",
        "a space is missing behind the dash",
        "",
    ),
    (
        re.compile(r"(\s*(?:- +)*[\w.-]+)(\s*[\uff1a\ufe55]\s*)(.*)$"),
        r"\1: \3",
        "this colon is not that of YAML, but as wide as a Chinese letter",
        "",
    ),
    (
        re.compile(r"(\s*(?:- +)*[a-z_]+)(\s*=\s*)([^=\s].*)$"),
        r"\1: \3",
        "a key and its value have a colon and a space between them, no '='",
        "",
    ),
    (
        re.compile(r"()(```.*|~~~.*)$"),
        "",
        "this line belongs to Markdown, not to a policy",
        "remove it, and that at the end",
    ),
)
"""A line → the line as it should be, what is wrong, and what to write ("" for the line); group 2 is what is wrong."""
ESCAPED: Final = re.compile(r'"([^"\']*\\[^"\']*)"')
QUOTED: Final = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^']|'')*'")
SPECIAL: Final = "&*!%@`[]{}|>#,?"
PAIRS: Final = {"[": "]", "{": "}"}


@dataclass(frozen=True, slots=True)
class YamlCure:
    """What is wrong in a line: the place in the text, what it is, what to write, and the line as it should be."""

    index: int
    message: str
    hint: str
    line: str


Repair = Callable[[str], "Iterator[tuple[int, str, str, str]]"]
"""Line → column of the mistake, what it is, what to write ("" for the line), and the line as it should be."""


def quote_text(text: str) -> str:
    """Return a text in quotes, without those at its ends."""
    if (
        len(text) > 1
        and text[0] == text[-1]
        and (text[0] == "'" or (text[0] == '"' and '"' not in text[1:-1]))
    ):
        text = text[1:-1]
    if ('"' in text or "\\" in text) and text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    return json.dumps(text, ensure_ascii=False)


def _slashes(line: str) -> Iterator[tuple[int, str, str, str]]:
    if found := SLASHES.search(line):
        comment = line[: found.start(1)] + "#" + found[1].lstrip("/")
        yield found.start(1), "'//' begins no comment in YAML", "write # before a comment", comment


def _open_quote(line: str) -> Iterator[tuple[int, str, str, str]]:
    rest = QUOTED.sub(lambda found: " " * len(found[0]), line)
    for quote in "\"'":
        at = rest.find(quote)
        if at > 0 and rest[at - 1] in " [{(,":
            closers = re.search(r"[\]},\s]*$", line)
            end = closers.start() if closers and at < closers.start() else len(line)
            for stop in dict.fromkeys((len(line.rstrip()), end)):
                yield at, "the quote that opens here is not closed", "", line[:stop] + quote + line[stop:]


def _apostrophe(line: str) -> Iterator[tuple[int, str, str, str]]:
    found = APOSTROPHE.search(line)
    if found and re.search(r"[{\[]", line[: found.start(2)]):
        doubled = APOSTROPHE.sub(lambda each: f'{each[1]}"{each[2]}\'{each[3]}"', line)
        message = "the apostrophe ends the text, which stands in single quotes"
        yield found.end(2), message, "", doubled


def _no_comma(line: str) -> Iterator[tuple[int, str, str, str]]:
    if found := NO_COMMA.search(line):
        yield found.end(1), "a comma is missing between two languages", "", NO_COMMA.sub(r"\1,\2", line)


def _open_list(line: str) -> Iterator[tuple[int, str, str, str]]:
    if found := OPEN_LIST.search(line):
        yield (
            found.start(1),
            "the '[' that opens here is not closed",
            "",
            OPEN_LIST.sub(r"\1]\2", line, count=1),
        )


def _open_bracket(line: str) -> Iterator[tuple[int, str, str, str]]:
    rest = QUOTED.sub(lambda found: " " * len(found[0]), line)
    opened: list[int] = []
    for at, char in enumerate(rest):
        if char in PAIRS:
            opened.append(at)
        elif opened and char == PAIRS[rest[opened[-1]]]:
            opened.pop()
    if opened:
        closed = line.rstrip() + "".join(PAIRS[rest[at]] for at in reversed(opened))
        yield opened[-1], f"the {rest[opened[-1]]!r} that opens here is not closed", "", closed


def _bare_pattern(line: str) -> Iterator[tuple[int, str, str, str]]:
    if found := BARE_PATTERN.search(line):
        message = "a pattern stands in single quotes: brackets and commas of its own end it"
        yield found.start(2), message, "", f"{line[: found.start(2)]}'{found[2]}'{line[found.end(2) :]}"


def _bad_escape(line: str) -> Iterator[tuple[int, str, str, str]]:
    if found := ESCAPED.search(line):
        single = ESCAPED.sub(r"'\1'", line)
        yield found.start(), "in double quotes a backslash begins an escape such as \\n", "", single


def _misformed(line: str) -> Iterator[tuple[int, str, str, str]]:
    """Of what other forms of writing have in the place of a dash, of a colon, or around the whole."""
    for pattern, form, message, hint in MISFORMED:
        if found := pattern.match(line):
            yield found.start(2), message, hint, found.expand(form).rstrip()


def _extra_bracket(line: str) -> Iterator[tuple[int, str, str, str]]:
    rest = QUOTED.sub(lambda found: " " * len(found[0]), line)
    for closer in "]}":
        opener = "[" if closer == "]" else "{"
        if rest.count(closer) > rest.count(opener):
            at = rest.rindex(closer)
            yield at, f"there is a {closer!r} too many", "", line[:at] + line[at + 1 :]


def _condition(line: str) -> Iterator[tuple[int, str, str, str]]:
    """Of a condition that is written as another kind of value, which quotes would not make one."""
    if (found := CONDITION.match(line)) is None:
        return
    value = re.sub(r"^\{+\s*([\w.]+)\s*\}+", r"\1", found[2])
    value = re.sub(r"^([\"'])(.*?)\1(?=.)", r"\2", value)
    value = re.sub(r"^([\w.]+): +(?=[\d.]+$)", r"\1 >= ", value)
    value = re.sub(r"\s*\?[^?]*:[^:]*$", "", value)
    if value in ("*", "'*'"):
        yield (
            found.start(2),
            "a condition asks for something",
            "write what must hold, such as when: hate >= 0.8",
            found[1],
        )
    elif value != found[2]:
        yield (
            found.start(2),
            "a condition stands as it is, without braces, colons or quotes around its parts",
            "",
            found[1] + value,
        )


def _unquoted(line: str) -> Iterator[tuple[int, str, str, str]]:
    found = ENTRY.match(line)
    if found is None:
        return
    value = found[4]
    if MAPPING.match(value):
        return  # in quotes it would be a text
    if word := VALUES.get(found[2], {}).get(value.lower()):
        yield (
            found.start(4),
            f"{value} is no value of {found[2]!r}",
            word,
            f'{line[: found.start(4)]}"{value}"',
        )
        return
    if value.startswith("- "):
        entries = ", ".join(re.split(r"\s+-\s+", value[2:]))
        yield (
            found.start(4),
            "a list in the line of its key stands in brackets",
            "",
            f"{line[: found.start(4)]}[{entries}]",
        )
        return
    if value[0] in "\"'":
        message = f"the text in quotes ends at the next {value[0]}, and more follows"
    elif value[0] in SPECIAL:
        message = f"a text that begins with {value[0]!r} stands in quotes"
    else:
        message = "a text with ': ' or ' #' in it stands in quotes"
    yield found.start(4), message, "", f"{line[: found.start(4)]}{quote_text(value)}{found[5] or ''}"


def _unquoted_within(line: str) -> Iterator[tuple[int, str, str, str]]:
    if found := INNER.search(line):
        quoted = INNER.sub(lambda each: each[1] + quote_text(each[2].strip()), line)
        yield found.start(2), "a text with ': ' in it stands in quotes", "", quoted


def _tight_colon(line: str) -> Iterator[tuple[int, str, str, str]]:
    if found := TIGHT.match(line):
        spaced = f"{found[1]}{found[2]}: {found[3]}"
        yield found.start(3), "a space is missing behind the colon", "", spaced


def _no_colon(line: str) -> Iterator[tuple[int, str, str, str]]:
    if found := BARE.match(line):
        colon = f"{found[1]}{found[2]}: {found[3]}"
        yield found.end(2), f"a colon is missing behind {found[2]!r}", "", colon


REPAIRS: Final[tuple[Repair, ...]] = (
    _slashes,
    _misformed,
    _tight_colon,
    _no_colon,
    _apostrophe,
    _no_comma,
    _open_list,
    _open_quote,
    _open_bracket,
    _extra_bracket,
    _bad_escape,
    _bare_pattern,
    _unquoted_within,
    _condition,
    _unquoted,
)
"""In the order of what is likeliest, where several let the parser go on."""


def find_yaml_cure(text: str, begun: int, stumbled: int) -> YamlCure | None:
    """Return the repair of a line that lets the parser go on furthest, None where none does.

    Args:
        text: the file.
        begun: where in it that began which the parser was reading.
        stumbled: where it could not go on.
    """
    lines = text.split("\n")
    last = text.count("\n", 0, stumbled)
    first = max(0, last - MOST_LINES, min(text.count("\n", 0, begun), last - LINES_BEFORE))
    window = lines[: last + LINES_AFTER]
    if cure := _find_lookalike(window, first, last):
        return cure
    numbers = [
        number
        for number in range(min(last, len(lines) - 1), first - 1, -1)
        if lines[number].strip()
        and len(lines[number]) <= LONGEST
        and not lines[number].lstrip().startswith("#")
    ]
    best: tuple[float, YamlCure] | None = None
    for propose in (
        _indent_text,
        _rewrite_line,
        _indent_line,
    ):  # another column only where nothing else lets the parser go on
        for number in numbers:
            for column, message, hint, repaired in propose(lines, number):
                reached = _reach([*window[:number], repaired, *window[number + 1 :]], number)
                if reached > (last if best is None else best[0]):
                    shown = repaired.strip()
                    told = hint or f"write {shown if len(shown) <= SHOWN else shown[:SHOWN] + '…'}"
                    best = reached, YamlCure(_start(lines, number) + column, message, told, repaired)
    return None if best is None else best[1]


def _find_lookalike(lines: list[str], first: int, last: int) -> YamlCure | None:
    """Return the cure of a character that nobody can tell from the right one, wherever it stands in the lines that were read."""
    for pattern, repair, message, hint in LOOKALIKES:
        for number in range(first, min(last + 1, len(lines))):
            found = pattern.search(lines[number])
            if found and _reach([*lines[:first], *map(repair, lines[first:])], number) > last:
                return YamlCure(_start(lines, number) + found.start(1), message, hint, repair(lines[number]))
    return None


def _start(lines: list[str], number: int) -> int:
    return sum(len(each) + 1 for each in lines[:number])


def _rewrite_line(lines: list[str], number: int) -> Iterator[tuple[int, str, str, str]]:
    for repair in REPAIRS:
        yield from repair(lines[number])


def _indent_text(lines: list[str], number: int) -> Iterator[tuple[int, str, str, str]]:
    """Propose to move a text right that begins below `|` or `>`."""
    above = BLOCK.match(lines[number - 1]) if number else None
    line = lines[number].lstrip(" ")
    has = len(lines[number]) - len(line)
    if above is not None and has <= (column := above.end(1)):
        message = f"the text below {above[2]!r} must stand further right than its key"
        yield (
            has,
            message,
            f"begin each of its lines with {column + 2} spaces or more",
            " " * (column + 2) + line,
        )


def _indent_line(lines: list[str], number: int) -> Iterator[tuple[int, str, str, str]]:
    """Propose the columns in which the keys above begin, nearest first."""
    line = lines[number].lstrip(" ")
    has = len(lines[number]) - len(line)
    seen: set[int] = set()
    for above in reversed(lines[max(0, number - LINES_BEFORE) : number]):
        found = re.match(r"( *)((?:- +)*)([\w.-]+):", above)
        if found is None:
            continue
        for column in (found.start(3), found.end(1)):
            if column != has and column not in seen:
                seen.add(column)
                message = f"the line is indented by {has}, which fits nothing above it"
                below = (
                    ""
                    if line.startswith("- ")
                    else f" below {found[3] if column == found.start(3) else '-'!r},"
                )
                yield has, message, f"begin it{below} with {column} spaces before it", " " * column + line


def _reach(lines: list[str], changed: int) -> float:
    """Return the line at which the parser stumbles, infinity where it does not."""
    try:
        for _ in yaml.parse("\n".join(lines), Loader=LOADER):
            pass
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        return mark.line if mark else changed
    except (ValueError, OverflowError):
        return changed
    return float("inf")
