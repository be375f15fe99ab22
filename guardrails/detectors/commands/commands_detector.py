"""The `commands` detector: what commands and code in a text would do, as capabilities (`command.delete`, `command.escalate`, …).

A text is read as a script of the shell, by its literals as code or JSON, and as SQL. A call of a tool is read as a whole,
too: a command may be a list of words, or stand under several keys.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal

from pydantic import Field

from guardrails import cancellation
from guardrails.detectors import ConfigProblem, ConfigProblems
from guardrails.detectors.commands.call_reader import MENTIONED, CommandFinding, LimitExceeded
from guardrails.detectors.commands.embedded_code import (
    embedded_texts,
    find_function_leaves,
    is_json,
    join_arguments,
    read_arguments,
)
from guardrails.detectors.commands.invocation import program_name
from guardrails.detectors.commands.programs.program_table import program_names, severe_names
from guardrails.detectors.commands.shell_script import ShellReader
from guardrails.detectors.commands.sql_statements import find_destroying_statements
from guardrails.detectors.commands.targets import is_credential
from guardrails.detectors.config import Config, make_item_snippets
from guardrails.detectors.kinds import Kind
from guardrails.taxonomy import CATEGORIES
from guardrails.text import replace_surrogates
from guardrails.types import CLEAN, Content, Detection, Finding, Text, ToolCall, Unchecked

CAPABILITIES: Final = tuple(
    category.removeprefix("command.") for category in CATEGORIES if category.startswith("command.")
)
"""The leaves of `command.` in the taxonomy."""

SLICE: Final = 20_000
"""Characters that are parsed at once, up to the end of a line."""
DEEPEST_LITERAL: Final = 4
"""Literals in literals that are read."""
LONGEST_PATH: Final = 400
"""Characters of a text that may be the path of a file."""

Span = tuple[int, int]

_WORDS: Final = re.compile(r"[A-Za-z][\w.+-]*")
_MAY_BE_COMMAND: Final = re.compile(
    r"[$`\\|]|\w[\"'^]+\w|[\"']{2}\w|\{[^{}]*,|[*?]|/dev/|(?<!-)>|<\(|base64|~/|/etc/|/\.\w|\.env\b|:\s*\(\s*\)|%0|\w\s?\(\s*[\"'\[]"
    r"|\bfork\b|\b(?i:iex\b|invoke-|drop|truncate|delete|flush\w*|dropDatabase)\b"
)
"""Signs with which a text may be a command though it names no program that may do harm."""
_STATEMENT: Final = re.compile(r"\b(?:DROP|TRUNCATE|DELETE)\b|[;\"'`]")
"""Signs with which words that were put together are a statement of SQL, and no labels."""
_CODE: Final = re.compile(r"\w\s?\(\s*[rfbu]{0,2}[\"'`\[{]|\A\s*[\[{]")
"""Signs of code or JSON, which the grammar of the shell may read as something else."""


class CommandsDetector:
    """The detector."""

    contents = frozenset(("text", "tool_call"))

    def __init__(self, name: str, capabilities: Iterable[str]) -> None:
        self._name = name
        self._leaves = frozenset(capabilities)
        self._names, self._first = severe_names(), program_names()

    def at_once(self, batch: Sequence[Content]) -> list[Detection] | None:
        """Answer for short texts that hold neither the name of a program nor a sign of a command."""
        if all(
            isinstance(each, Text) and len(each.text) <= LONGEST_PATH and not self._may_hold(each.text)
            for each in batch
        ):
            return [CLEAN] * len(batch)
        return None

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        return [self._judge(content) for content in batch]

    def _may_hold(self, text: str) -> bool:
        """Tell whether a text may hold a command."""
        if _MAY_BE_COMMAND.search(text) or is_path_of_credentials(text):
            return True
        first = text.split(None, 1)[:1]
        if first and program_name(first[0]) in self._first:
            return True
        return any(word.lower() in self._names or word in self._names for word in _WORDS.findall(text))

    def _judge(self, content: Content) -> Detection:
        if isinstance(content, Text):
            text = replace_surrogates(content.text)
            if not self._may_hold(text):
                return CLEAN
            found, left = read_text(text)
        elif isinstance(content, ToolCall):
            found, left = read_call(content.name, replace_surrogates(content.arguments))
        else:
            return CLEAN
        spans = isinstance(content, Text)
        best: dict[tuple[str, int, int], float] = {}
        for leaf, start, end, score in found:
            if leaf in self._leaves:
                key = (leaf, start, end) if spans else (leaf, 0, 0)
                best[key] = max(score, best.get(key, 0.0))
        findings = tuple(
            Finding(f"command.{leaf}", score, self._name, (start, end) if spans else None)
            for (leaf, start, end), score in sorted(
                best.items(), key=lambda each: (each[0][1], each[0][2], each[0][0])
            )
        )
        unchecked = (Unchecked("limit", left, content.place.path),) if left else ()
        return Detection(findings, unchecked=unchecked) if findings or unchecked else CLEAN


def is_path_of_credentials(text: str) -> bool:
    """Tell whether a text is, as a whole, the path of a file that holds credentials."""
    return (
        len(text) <= LONGEST_PATH
        and re.search(r"[/\\]", text) is not None
        and " " not in text.strip()
        and is_credential(text)
    )


def read_text(text: str) -> tuple[list[CommandFinding], str]:
    """Return what commands and code in a text would do, and why not all of it was looked at, "" where it was."""
    found: list[CommandFinding] = []
    left = ""
    for start, end in _slices(text):
        cancellation.check()
        try:
            found += _read_slice(text[start:end], start)
        except LimitExceeded as limit:
            left = str(limit)
    if is_path_of_credentials(text):
        found.append(CommandFinding("read_credentials", 0, len(text)))
    return found, left


def _slices(text: str) -> Iterator[tuple[int, int]]:
    """Yield from where to where a text is read at once."""
    start = 0
    while start < len(text):
        end = start + SLICE
        if end < len(text):
            line = text.rfind("\n", start, end)
            end = line + 1 if line > start else end
        yield start, min(end, len(text))
        start = end


def _read_slice(text: str, offset: int) -> list[CommandFinding]:
    reader = ShellReader()
    plain = text.replace("\r", " ")
    sound = not is_json(plain) and reader.read(plain, offset)
    found = [*reader.found, *_functions(plain, offset, None), *_codes(reader, None, DEEPEST_LITERAL)]
    found += [
        CommandFinding("destroy_database", offset + a, offset + b)
        for a, b in find_destroying_statements(plain)
    ]
    if sound and not _CODE.search(plain):
        return found
    return [*found, *_literals(plain, offset, None, DEEPEST_LITERAL)]


def _functions(text: str, offset: int, span: Span | None) -> list[CommandFinding]:
    """Return what calls of functions in code would do. They stand where the code does if `span` says where that is."""
    return [
        CommandFinding(leaf, *(span or (offset + start, offset + end)))
        for leaf, start, end in find_function_leaves(text)
    ]


def _codes(reader: ShellReader, span: Span | None, depth: int) -> list[CommandFinding]:
    """Return what texts of other languages would do that commands run."""
    found: list[CommandFinding] = []
    for code, start, end in reader.calls.codes if depth else ():
        at = span or (start, end)
        found += _functions(code, 0, at)
        found += _literals(code, 0, at, depth - 1)
    return found


def _literals(text: str, offset: int, span: Span | None, depth: int) -> list[CommandFinding]:
    """Return what stands in the literals of a text."""
    found: list[CommandFinding] = []
    for each in embedded_texts(text):
        at = span or (offset + each.start, offset + each.end)
        reader = ShellReader()
        sound = not is_json(each.text) and reader.read(each.text)
        found += [CommandFinding(leaf, *at, score) for leaf, _, _, score in reader.found]
        found += _functions(each.text, 0, at)
        found += _codes(reader, at, depth)
        if is_path_of_credentials(each.text):
            found.append(CommandFinding("read_credentials", *at, MENTIONED))
        if not sound and depth and len(each.text) < len(text):
            found += _literals(each.text, 0, at, depth - 1)
    return found


def read_call(name: str, arguments: str) -> tuple[list[CommandFinding], str]:
    """Return what the arguments of a call are together; each text by itself is read as a text."""
    found: list[CommandFinding] = []
    try:
        for source in join_arguments(name, read_arguments(arguments)):
            reader = ShellReader()
            reader.read(source.replace("\r", " "))
            found += [*reader.found, *_codes(reader, (0, 0), DEEPEST_LITERAL)]
            said = (source[max(start - 1, 0) : end + 1] for start, end in find_destroying_statements(source))
            found += [CommandFinding("destroy_database", 0, 0) for each in said if _STATEMENT.search(each)]
    except LimitExceeded as limit:
        return found, str(limit)
    return found, ""


class CommandsConfig(Config):
    """Commands."""

    use: Literal["commands"]
    """The kind of detector."""
    capabilities: list[str] | None = Field(
        default=None,
        min_length=1,
        examples=[["delete", "download_and_run"]],
        json_schema_extra=make_item_snippets(*CAPABILITIES),
    )
    """Which leaves of `command.` to find; all by default."""


def _chosen(config: CommandsConfig) -> frozenset[str]:
    """Return the leaves that are wanted; all where one is not known, as the spelling is then the problem to report."""
    wanted = frozenset(config.capabilities or CAPABILITIES)
    return wanted if wanted <= {*CAPABILITIES} else frozenset(CAPABILITIES)


def _build(name: str, config: CommandsConfig) -> CommandsDetector:
    problems = [
        ConfigProblem(
            "unknown_capability",
            f"{each!r} is not a capability",
            ("capabilities", index),
            hint=f"did you mean {close[0]!r}?" if close else f"one of: {', '.join(CAPABILITIES)}",
        )
        for index, each in enumerate(config.capabilities or ())
        if each not in CAPABILITIES
        for close in [difflib.get_close_matches(each.removeprefix("command."), CAPABILITIES, n=1)]
    ]
    if problems:
        raise ConfigProblems(problems)
    return CommandsDetector(name, _chosen(config))


KIND = Kind(
    name="commands",
    doc="What commands in a text or a tool call would do: delete, overwrite disks, run what was loaded down, read credentials, "
    "carry files out, open a shell to somebody, escalate; shells are parsed, code and SQL read.",
    config=CommandsConfig,
    categories=lambda _name, config: {f"command.{leaf}" for leaf in _chosen(config)},
    build=_build,
    contents=CommandsDetector.contents,
)
