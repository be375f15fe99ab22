r"""Words of a shell: cuts a command into them and expands each to what the program would be called with.

Known are quotes (`r''m`, `r\m`, `$'\x72m'`), variables with their defaults, cuts and replacements, braces (`{rm,-rf,/}`), `~` and
the output of commands, by what a caller of `expand_word` says. What nobody can know stands as one of the `MARKERS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from guardrails.detectors.commands.targets import HOME, WORKING_FOLDER

UNKNOWN: Final = "\ue000"
"""Stands for a value that nobody knows."""
DOWNLOADED: Final = "\ue001"
"""Stands for what a download brought."""
DECODED: Final = "\ue002"
"""Stands for what was decoded from a form that hides it."""
SECRET: Final = "\ue003"  # noqa: S105
"""Stands for what was read from credentials or the environment."""
SHELL: Final = "\ue005"
"""Stands for what an interactive shell prints."""
MARKERS: Final = UNKNOWN + DOWNLOADED + DECODED + SECRET + SHELL

LONGEST: Final = 20_000
"""Characters of what a word expands to."""
LONGEST_BRACES: Final = 1_000
"""Characters of a word in which braces are read."""
MOST: Final = 512
"""Words that one expands to."""

KNOWN_VARIABLES: Final[Mapping[str, str]] = {
    "HOME": HOME,
    "PWD": WORKING_FOLDER,
    "OLDPWD": WORKING_FOLDER,
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "SHELL": "/bin/bash",
    "BASH": "/bin/bash",
    "IFS": " \t\n",
    "USER": "user",
    "LOGNAME": "user",
    "OSTYPE": "linux-gnu",
    "HOSTTYPE": "x86_64",
    "0": "bash",
    "-": "himBHs",
}
"""What variables hold where nothing sets them."""

_ANSI: Final = re.compile(r"\\(x[0-9a-fA-F]{1,2}|u[0-9a-fA-F]{1,4}|U[0-9a-fA-F]{1,8}|[0-7]{1,3}|c.|.)", re.S)
_SIMPLE: Final = {
    "n": "\n",
    "t": "\t",
    "r": "\r",
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "v": "\v",
    "e": "\x1b",
    "E": "\x1b",
}
_PLAIN: Final = re.compile(r"[^\\'\"`$<>~]+")
"""What stands for itself in a word."""
_NAME: Final = re.compile(r"[A-Za-z_]\w*|[0-9@*#?$!\-]")
_CUT: Final = re.compile(r":\s*\(?\s*(-?\d+)\s*\)?(?:\s*:\s*(-?\d+))?$")
_SEQUENCE: Final = re.compile(r"(-?\d{1,6}|[A-Za-z])\.\.(-?\d{1,6}|[A-Za-z])(?:\.\.(-?\d{1,4}))?$")
QUOTED: Final = "\ue004"
"""Stands in front of a character that was quoted, so that it means itself."""


def unescape_ansi(text: str) -> str:
    """Return a text with the escapes of `$'…'`, `printf` and `echo -e` read."""

    def read(found: re.Match[str]) -> str:
        said = found[1]
        if said[0] in "xuU" and len(said) > 1:
            code = int(said[1:], 16)
            return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else ""
        if said[0] in "01234567":
            return chr(int(said, 8) & 0xFF)
        return "" if said[0] == "c" and len(said) > 1 else _SIMPLE.get(said, said)

    return _ANSI.sub(read, text)


@dataclass
class Environment:
    """What words are expanded with.

    Attributes:
        variables: what is known of variables.
        run: gives what commands print, with `MARKERS` for what is not known.
        files: what files hold, by their names; of `<(…)` too.
    """

    run: Callable[[str], str]
    variables: dict[str, str] = field(default_factory=lambda: dict(KNOWN_VARIABLES))
    files: dict[str, str] = field(default_factory=dict)

    def separate(self, value: str) -> str:
        """Return a value with blanks in the place of what parts fields (`IFS`)."""
        separators = self.variables.get("IFS", "")
        return (
            value
            if separators == KNOWN_VARIABLES["IFS"]
            else value.translate(dict.fromkeys(map(ord, separators), " "))
        )


def _closing(source: str, at: int, opens: str, closes: str) -> int:
    """Return where a bracket closes that opens before `at`; the end of the source where it does not."""
    depth, quote = 1, ""
    while at < len(source):
        char = source[at]
        if char == "\\" and quote != "'":
            at += 1
        elif quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char == opens:
            depth += 1
        elif char == closes:
            depth -= 1
            if not depth:
                return at
        at += 1
    return len(source)


def _end_of_quote(source: str, at: int, quote: str) -> int:
    """Return where a quote ends; the end of the source where it does not."""
    while at < len(source):
        if source[at] == quote:
            return at
        if source[at] == "\\" and quote != "'":
            at += 1
        elif quote == '"' and source.startswith("$(", at):
            at = _closing(source, at + 2, "(", ")")
        at += 1
    return len(source)


def split_words(source: str) -> Iterator[tuple[int, int]]:
    """Yield from where to where the words of a command stand that is written in one piece."""
    at, start = 0, -1
    while at < len(source):
        char = source[at]
        if char in " \t\n\r":
            if start >= 0:
                yield start, at
            start = -1
            at += 1
            continue
        if start < 0:
            start = at
        at = _skip(source, at)
    if start >= 0:
        yield start, len(source)


def _skip(source: str, at: int) -> int:
    """Return where what stands at a place of a word ends: a character, a quote, a substitution."""
    char = source[at]
    if char == "\\":
        return at + 2
    if char in "'\"`":
        return _end_of_quote(source, at + 1, char) + 1
    if source.startswith("$'", at):
        end = at + 2
        while end < len(source) and source[end] != "'":
            end += 2 if source[end] == "\\" else 1
        return end + 1
    if source.startswith(("$(", "<(", ">("), at):
        return _closing(source, at + 2, "(", ")") + 1
    if source.startswith("${", at):
        return _closing(source, at + 2, "{", "}") + 1
    return at + 1


def expand_word(source: str, environment: Environment) -> list[str]:
    """Return the words that a word of the source becomes."""
    source = source.replace("\\\n", "").replace("\\\r\n", "")
    words: list[str] = []
    for each in _expand_braces(source):
        words += _split_fields(_expand(each, environment))
        if len(words) >= MOST:
            break
    return words


def _split_fields(expanded: str) -> list[str]:
    """Return the words of an expanded one: unquoted blanks of variables part it, quoted characters mean themselves."""
    if QUOTED not in expanded:
        return expanded.split()
    words, current, begun, at = list[str](), list[str](), False, 0
    while at < len(expanded):
        char = expanded[at]
        if char == QUOTED:
            begun = True
            current.append(expanded[at + 1 : at + 2].replace("\x00", ""))
            at += 2
            continue
        if char in " \t\n":
            if begun:
                words.append("".join(current))
            current, begun = [], False
        else:
            current.append(char)
            begun = True
        at += 1
    return [*words, "".join(current)] if begun else words


def _quote(text: str) -> str:
    """Return a text of which each character means itself; an empty one is a word, too."""
    return "".join(QUOTED + char for char in text) or QUOTED + "\x00"


def _expand_braces(source: str, budget: int = 6) -> list[str]:
    """Return what braces of a word stand for: `{a,b}` and `{1..3}`, outside of quotes."""
    if "{" not in source or "}" not in source or not budget or len(source) > LONGEST_BRACES:
        return [source]
    at = 0
    last = source.rindex("}")
    while at < last:
        if source[at] == "{":
            end = _closing(source, at + 1, "{", "}")
            inside = source[at + 1 : end]
            choices = _brace_choices(inside)
            if end < len(source) and choices:
                found = [
                    head
                    for choice in choices
                    for head in _expand_braces(source[:at] + choice + source[end + 1 :], budget - 1)
                ]
                return found[:MOST]
            at += 1
            continue
        at = _skip(source, at)
    return [source]


def _brace_choices(inside: str) -> list[str]:
    if sequence := _SEQUENCE.match(inside):
        first, last = sequence[1], sequence[2]
        if first.lstrip("-").isdigit() and last.lstrip("-").isdigit():
            low, high = int(first), int(last)
            step = 1 if high >= low else -1
            return [str(each) for each in range(low, high + step, step)][:MOST]
        low, high = ord(first), ord(last)
        return [chr(each) for each in range(min(low, high), max(low, high) + 1)]
    parts, start, at = list[str](), 0, 0
    while at < len(inside):
        if inside[at] == ",":
            parts.append(inside[start:at])
            start = at + 1
            at += 1
        elif inside[at] == "{":
            at = _closing(inside, at + 1, "{", "}") + 1
        else:
            at = _skip(inside, at)
    return [*parts, inside[start:]] if parts else []


def _expand(source: str, environment: Environment) -> str:
    """Return a word of the source with quotes and variables read; quoted characters have `QUOTED` in front."""
    out: list[str] = []
    at = length = 0
    while at < len(source) and length < LONGEST:
        if plain := _PLAIN.match(source, at):
            out.append(plain[0])
            length += len(plain[0])
            at = plain.end()
            continue
        end = min(_skip(source, at), len(source))
        piece = source[at:end]
        out.append(_expand_piece(piece, at, source, environment))
        if piece == "$" and (name := _NAME.match(source, end)):
            out[-1] = _lookup(name[0], environment, whole=at == 0 and name.end() == len(source))
            end = name.end()
        if piece[0] == "$" and piece[1:2] not in ("'", '"'):
            out[-1] = environment.separate(out[-1])
        length += len(out[-1])
        at = end
    return "".join(out)[:LONGEST]


def _expand_piece(piece: str, at: int, source: str, environment: Environment) -> str:
    """Return what a quote, a substitution, a variable or a single character of a word stands for."""
    if piece[0] == "\\":
        return QUOTED + piece[1:2] if len(piece) > 1 else ""
    for opening, closing, read in _PIECES:
        if piece.startswith(opening):
            inside = piece[len(opening) :]
            return read(inside.removesuffix(closing), environment)
    if piece == "~" and at == 0:
        return HOME if source[1:2] in ("", "/") else "~"
    return "" if piece == "$" and source[at + 1 : at + 2] == '"' else piece


def _process(inside: str, environment: Environment) -> str:
    """Return the file that stands for a process, with the marks of what it prints."""
    printed = environment.run(inside)
    name = f"/dev/fd/{len(environment.files) + 63}" + "".join(mark for mark in MARKERS if mark in printed)
    environment.files[name] = printed
    return _quote(name)


def _expand_quoted(inside: str, environment: Environment) -> str:
    """Return what stands between double quotes, with variables and substitutions read."""
    out: list[str] = []
    at = 0
    while at < len(inside):
        char = inside[at]
        if char == "\\":
            following = inside[at + 1 : at + 2]
            out.append(
                ""
                if following == "\n"
                else following
                if following in ("$", "`", '"', "\\")
                else char + following
            )
            at += 2
        elif char == "$" and inside[at + 1 : at + 2] in ("(", "{"):
            end = min(_skip(inside, at), len(inside))
            out.append(_expand_piece(inside[at:end], 1, inside, environment).replace(QUOTED, ""))
            at = end
        elif char == "$" and (name := _NAME.match(inside, at + 1)):
            out.append(_lookup(name[0], environment, whole=False))
            at = name.end()
        elif char == "`":
            end = _end_of_quote(inside, at + 1, "`")
            out.append(environment.run(inside[at + 1 : end]))
            at = end + 1
        else:
            out.append(char)
            at += 1
    return "".join(out)[:LONGEST]


def _lookup(name: str, environment: Environment, *, whole: bool) -> str:
    """Return what a variable holds; all arguments are none unless they are a whole word, others are what nobody knows."""
    value = environment.variables.get(name)
    if value is not None:
        return value
    return "" if not whole and name in "@*!" else UNKNOWN


def _parameter(inside: str, environment: Environment) -> str:
    """Return what `${…}` stands for."""
    if inside.startswith("!"):
        name = environment.variables.get(inside[1:])
        return UNKNOWN if name is None else _lookup(name, environment, whole=True)
    found = _NAME.match(inside)
    if found is None or inside.startswith("#"):
        return UNKNOWN
    name, rest = found[0], inside[found.end() :]
    if rest.startswith("["):
        rest = rest[rest.find("]") + 1 :]
    value = environment.variables.get(name)
    if not rest:
        return _lookup(name, environment, whole=False)
    operator = re.match(r":?[-=+?]", rest)
    if operator is not None and not _CUT.match(rest):
        return _conditional(value, operator[0][-1], rest[operator.end() :], environment)
    if value is None:
        return UNKNOWN
    return _change(value, rest, environment)


def _conditional(value: str | None, operator: str, other: str, environment: Environment) -> str:
    if operator == "+":
        return _expand(other, environment) if value else ""
    if value:
        return value
    return _expand(other, environment) if operator in "-=" else UNKNOWN


def _change(value: str, rest: str, environment: Environment) -> str:
    """Return a value that is cut, replaced in, or written in another case."""
    if cut := _CUT.match(rest):
        start = int(cut[1])
        end = None if cut[2] is None else int(cut[2])
        value = value[start:]
        return value[:end] if end is not None else value
    if rest.startswith("/"):
        old, _, new = rest.lstrip("/").partition("/")
        return value.replace(
            _expand(old, environment), _expand(new, environment), -1 if rest.startswith("//") else 1
        )
    if rest[0] in "#%":
        greedy, pattern = rest[:2] in ("##", "%%"), rest.lstrip("#%")
        return _trim(
            value, _expand(pattern, environment).replace(QUOTED, ""), front=rest[0] == "#", greedy=greedy
        )
    case = {",": str.lower, "^": str.upper}.get(rest[0])
    return case(value) if case else value


def _trim(value: str, pattern: str, *, front: bool, greedy: bool) -> str:
    """Return a value without what fits a pattern at its front or its end."""
    from fnmatch import fnmatchcase

    value = value[:1_000]
    sizes = range(len(value), -1, -1) if greedy else range(len(value) + 1)
    for size in sizes:
        part = value[:size] if front else value[len(value) - size :]
        if fnmatchcase(part, pattern):
            return value[size:] if front else value[: len(value) - size]
    return value


def _arithmetic(inside: str) -> str:
    """Return a number that is written as such; sums are not done."""
    said = inside.strip()
    return said if said.isdigit() else UNKNOWN


_PIECES: Final[tuple[tuple[str, str, Callable[[str, Environment], str]], ...]] = (
    ("'", "'", lambda inside, _environment: _quote(inside)),
    ("$'", "'", lambda inside, _environment: _quote(unescape_ansi(inside))),
    ('"', '"', lambda inside, environment: _quote(_expand_quoted(inside, environment))),
    ("`", "`", lambda inside, environment: environment.run(inside.replace("\\`", "`"))),
    ("$((", "))", lambda inside, _environment: _arithmetic(inside)),
    ("$(", ")", lambda inside, environment: environment.run(inside)),
    ("<(", ")", _process),
    (">(", ")", _process),
    ("${", "}", _parameter),
)
"""What pieces of a word begin and end with, and what reads what stands between."""
