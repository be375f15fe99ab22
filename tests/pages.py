"""Pages that show commands, done as a reader would: their blocks in, what they show and what comes out side by side.

Blocks are done in their order, in a folder: a block with a title that is a file (```` ```yaml title="shop.yaml" ````) writes it, with
the class `.append` (```` ```yaml { title="shop.yaml" .append } ````) goes on at its end, and as `diff` changes it; of a `console` block
each line `$ command` is run. A line `…` of the output stands for any lines, `…` in a line for anything. Durations count for
nothing, and numbers with a fraction, which are a model's scores and figures made of them, may differ by a tenth from one processor
to another.
"""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import pytest

from guardrails.cli import main

ROOT = Path(__file__).resolve().parents[1]
ANY = "…"
GUIDE = ROOT / "docs/pages/guides/tutorial.md"
"""The guide for policy editors, from nothing to a promoted rule."""

_FENCE = re.compile(r"^```(\w*)[ ]?(.*)\n((?:.*\n)*?)```$", re.MULTILINE)
_TITLE = re.compile(r'title="([^"]+)"')
_REASON = re.compile(r'data-reason="([^"]+)"')
_CLASS = re.compile(r"(?<=[ {])\.([\w-]+)")
_DURATION = re.compile(r"\d+(?:\.\d+)? (m?s)\b")
_FRACTION = re.compile(r"\d+\.\d+")

Run = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: what it is written in, the file that it is of, its classes, the reason that it gives for one, and its line."""

    language: str
    file: str
    classes: frozenset[str]
    reason: str
    text: str
    line: int = 0

    @property
    def more(self) -> bool:
        """Whether it goes on at the end of its file."""
        return "append" in self.classes


@dataclass(frozen=True, slots=True)
class Shown:
    """A command of a page, what the page says that it prints, and what it printed."""

    command: str
    expected: str
    printed: str


def bring_rows(folder: Path) -> None:
    """Copy the guide's rows of data into a folder, as it asks its readers to do."""
    for path in sorted((ROOT / "tests/guide").iterdir()):
        shutil.copy(path, folder)


def blocks(text: str) -> list[Block]:
    """Return the fenced blocks of a text."""
    return [_block(text, match) for match in _FENCE.finditer(text)]


def _block(text: str, match: re.Match[str]) -> Block:
    language, info, body = match.groups()
    title, reason = _TITLE.search(info), _REASON.search(info)
    return Block(
        language,
        title[1] if title else "",
        frozenset(_CLASS.findall(info)),
        reason[1] if reason else "",
        body,
        text.count("\n", 0, match.start()) + 1,
    )


def walk(text: str, folder: Path, run: Run) -> Iterator[Shown]:
    """Do what a text shows, in a folder; yield each command once it was run."""
    for block in blocks(text):
        if block.language == "console":
            for command, expected in commands_of(block.text):
                yield Shown(command, expected, run(command))
        elif block.file:
            write_block(block, folder)


def write_block(block: Block, folder: Path) -> Path:
    """Write the file of a block, or what the block adds to it or changes in it; return where it is."""
    path = folder / block.file
    path.parent.mkdir(parents=True, exist_ok=True)
    before = path.read_text(encoding="utf-8") if block.more or block.language == "diff" else ""
    path.write_text(changed(before, block.text) if block.language == "diff" else before + block.text, "utf-8")
    return path


def commands_of(console: str) -> Iterator[tuple[str, str]]:
    """Yield each command of a console's text, and what it shows that is printed."""
    for part in re.split(r"^\$ ", console, flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        yield command, expected


def changed(text: str, diff: str) -> str:
    """Return a text with the hunks of a diff done, which empty lines and `…` part; each must be found once."""
    for hunk in re.split(rf"^(?:{ANY})?\n", diff, flags=re.MULTILINE):
        lines = hunk.splitlines(keepends=True)
        before = "".join(line[1:] for line in lines if line[0] in " -")
        after = "".join(line[1:] for line in lines if line[0] in " +")
        assert text.count(before) == 1, f"{text.count(before)} times in the file:\n{before}"
        text = text.replace(before, after)
    return text


def running(capsys: pytest.CaptureFixture[str]) -> Run:
    """Return what runs a command where the test is: `guardrails` and `cp`."""

    def run(command: str) -> str:
        name, *arguments = shlex.split(command)
        if name == "cp":
            shutil.copy(*arguments)
            return ""
        assert name == "guardrails", command
        capsys.readouterr()
        assert main(arguments) < 2, command
        printed = capsys.readouterr()
        return printed.out + printed.err

    return run


def agrees(expected: str, printed: str) -> bool:
    """Tell whether a command printed what a page says."""
    wanted, lines = ([*map(_plain, text.splitlines())] for text in (expected, printed))
    at = 0
    while wanted:
        loose = wanted[0] == ANY
        run = [*takewhile(lambda line: line != ANY, wanted[loose:])]
        wanted = wanted[loose + len(run) :]
        last = len(lines) - len(run)
        starts = ([last] if not wanted else range(at, last + 1)) if loose else [at]
        found = [start for start in starts if at <= start <= last and _alike(run, lines[start:])]
        if not found:
            return False
        at = found[0] + len(run)
        if not wanted:
            return at == len(lines)
    return at == len(lines)


def _plain(line: str) -> str:
    return " ".join(_DURATION.sub(r"N \1", line).split())


def _alike(run: list[str], lines: list[str]) -> bool:
    return all(_line(*pair) for pair in zip(run, lines, strict=False))


def _line(wanted: str, line: str) -> bool:
    pattern = re.escape(_FRACTION.sub("\0", wanted)).replace("\0", r"(\d+\.\d+)").replace(ANY, ".*?")
    found = re.fullmatch(pattern, line)
    pairs = zip(_FRACTION.findall(wanted), found.groups() if found else (), strict=False)
    return found is not None and all(abs(float(a) - float(b)) <= max(0.02, 0.1 * float(a)) for a, b in pairs)
