"""The `code` detector: finds blocks of source code in a text and guesses their language.

A block is a Markdown code fence (its info string names the language), or lines in a row that look like code. Each line is
searched once for all signals of `code_signals.py`, in linear time; a block needs enough of them for its length, so that
prose which mentions `if` and `for`, and code quoted within a line, are none.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal

from pydantic import Field

from guardrails.detectors import ConfigProblem, ConfigProblems, PolicyFiles
from guardrails.detectors.config import Config
from guardrails.detectors.formats.code_signals import LANGUAGES, PLAIN, SIGNALS
from guardrails.detectors.kinds import Kind
from guardrails.detectors.patterns.patterns_detector import category_problem
from guardrails.text import replace_surrogates
from guardrails.text.matching import linear_patterns as re2
from guardrails.types import CLEAN, Content, Detection, Finding, Text

UNKNOWN: Final = ""
"""The language of code of which no language can be told."""

MOST: Final = 3.0
"""Points that one line can have."""

ENOUGH: Final = 6.0
"""Points of a block without a fence for score 1, if it has at least `DENSE` of them for each line."""

DENSE: Final = 1.2
GAP: Final = 2
"""Lines without points that may stand between lines of one block: blank ones, comments, continued text."""

NO_CODE: Final = 0.4
"""What looks less like code is text to other detectors, whatever the info string of its fence says."""

WIDTH: Final = 400
"""Characters of a line, or of a piece of one."""

_MEMORY: Final = 64 << 20
# What is longer than any line of code is looked at in pieces.
_LINE: Final = re.compile(rf"[^\n]{{0,{WIDTH}}}(?:\n|\Z)|[^\n]{{{WIDTH}}}")
_OTHER_LETTERS: Final = re.compile(r"[^\W\x00-\x7f]")
_INDENTED: Final = re.compile(r" {4}|\t")
_VISIBLE: Final = re.compile(r"[^\n]")
_FENCE: Final = re.compile(r"[ \t>]{0,8}(`{3,}|~{3,})[ \t]*([^\s`]{0,40})[^`\n]*\n?\Z")
_CONTINUED: Final = re.compile(r"(?: {4}|\t)|[ \t]*(?:#|//|/\*|--|<!--) ?\w")
_NAMES: Final = {name: language for language, others in LANGUAGES.items() for name in (language, *others)}


@dataclass(frozen=True, slots=True)
class CodeBlock:
    """A block of code: its span, how sure it is code (0..1), its language (`UNKNOWN` if none can be told), and how
    much what it holds looks like code, whatever a fence says.
    """

    start: int
    end: int
    score: float
    language: str
    likeness: float


@dataclass(slots=True)
class _Tally:
    """What the lines of a block say so far. `end` is where its last line with points ends."""

    start: int = -1
    end: int = 0
    points: float = 0.0
    lines: int = 0
    waiting: int = 0
    gap: int = 0
    votes: dict[str, float] | None = None

    def score(self) -> float:
        return min(1.0, self.points / ENOUGH, self.points / (DENSE * self.lines)) if self.lines else 0.0

    def language(self) -> str:
        # The first of equals, in the order of the table.
        votes = {name: self.votes[name] for name in LANGUAGES if self.votes and name in self.votes}
        return max(votes, key=votes.__getitem__) if votes else UNKNOWN


@cache
def _set() -> Any:
    options = re2.Options()
    options.log_errors, options.max_mem = False, _MEMORY
    found = re2.Set.SearchSet(options)
    for _, _, pattern in SIGNALS:
        found.Add(pattern)
    found.Add("")  # found in any line, unless the automaton ran out of memory
    found.Compile()
    return found


@cache
def _singly() -> list[Any]:
    return [re2.compile(pattern) for _, _, pattern in SIGNALS]


def _signals(line: str) -> list[int]:
    hits = _set().Match(line) or ()
    if len(SIGNALS) in hits:
        return [hit for hit in hits if hit < len(SIGNALS)]
    return [at for at, pattern in enumerate(_singly()) if pattern.search(line)]


def _add(tally: _Tally, line: str, start: int) -> bool:
    """Count a line; say whether it looks like code."""
    plain = line.rstrip()
    # RE2 knows letters of ASCII only.
    hits = _signals(_OTHER_LETTERS.sub("x", plain)) if plain else []
    points = min(MOST, sum(SIGNALS[hit][1] for hit in hits))
    if not points:
        tally.waiting += bool(plain)
        # What is indented, or a comment, belongs to the code around it.
        tally.gap += not (tally.lines and _CONTINUED.match(plain))
        if tally.lines and _INDENTED.match(plain):
            tally.end = start + len(plain)
        return False
    tally.start = start if tally.start < 0 else tally.start
    tally.end = start + len(plain)
    tally.points += points
    tally.lines += 1 + tally.waiting
    tally.waiting = tally.gap = 0
    tally.votes = {} if tally.votes is None else tally.votes
    for hit in hits:
        languages, weight, _ = SIGNALS[hit]
        for language in languages.split():
            tally.votes[language] = tally.votes.get(language, 0.0) + weight
    return True


def measure_likeness(text: str) -> tuple[float, str]:
    """Return how much all of a text looks like code, in 0..1, and its language."""
    tally = _Tally()
    for match in _LINE.finditer(replace_surrogates(text)):
        _add(tally, match[0], match.start())
    tally.lines += tally.waiting
    return tally.score(), tally.language()


def find_code_blocks(text: str, min_lines: int = 2) -> Iterator[CodeBlock]:
    """Yield the blocks of code in a text, in order; `min_lines` is for those without a fence."""
    text = replace_surrogates(text)
    tally = _Tally()
    fence: tuple[str, str, int] | None = None  # mark, info string, where its content begins
    for match in _LINE.finditer(text):
        line, start = match[0], match.start()
        mark = _FENCE.match(line) if "```" in line or "~~~" in line else None
        if fence is not None:
            closes = mark is not None and mark[1].startswith(fence[0]) and not mark[2]
            if not closes and match.end() < len(text):
                continue
            yield from _read_fenced(text, fence, start if closes else len(text))
            fence = None
            continue
        if mark is None and _add(tally, line, start):
            continue
        if mark is not None or tally.gap > GAP:
            yield from _read_unfenced(tally, min_lines)
            tally = _Tally()
        if mark is not None and match.end() < len(text):
            fence = (mark[1], mark[2].lower(), match.end())
    yield from _read_unfenced(tally, min_lines)


def _read_fenced(text: str, fence: tuple[str, str, int], end: int) -> Iterator[CodeBlock]:
    _, info, start = fence
    inside = text[start:end].rstrip()
    if not inside.strip():
        return
    score, language = measure_likeness(inside)
    named = _NAMES.get(re.split(r"[{:,]", info)[0].lstrip("."))
    if named is not None:
        yield CodeBlock(start, start + len(inside), 1.0, named, score)
    elif info and info not in PLAIN:
        # Some other language, as it says of itself.
        yield CodeBlock(start, start + len(inside), 1.0, UNKNOWN, score)
    elif score >= 0.5 or (score >= 0.25 and "\n" not in inside):
        yield CodeBlock(start, start + len(inside), max(score, 0.5), language, score)


def _read_unfenced(tally: _Tally, min_lines: int) -> Iterator[CodeBlock]:
    if tally.lines >= min_lines and tally.score() > 0:
        score = tally.score()
        yield CodeBlock(tally.start, tally.end, score, tally.language(), score)


def blank_code(text: str, shown: str, kept: frozenset[str] = frozenset()) -> str:
    """Return `shown`, which is as long as `text`, with blank lines in place of the code in `text`.

    A fence alone does not make code of what it encloses. Languages in `kept`, such as markup, stay.
    """
    parts, last = [], 0
    for block in find_code_blocks(text):
        if block.likeness >= NO_CODE and block.language not in kept:
            parts += [shown[last : block.start], _VISIBLE.sub(" ", text[block.start : block.end])]
            last = block.end
    return "".join([*parts, shown[last:]])


class CodeDetector:
    """The detector: one finding for each block of code that is not allowed."""

    # Some 100 microseconds for 1,000 characters of code.
    inline = False

    def __init__(self, name: str, config: CodeConfig) -> None:
        self._name = name
        self._config = config
        self._allow = None if config.allow is None else frozenset(config.allow)
        self._deny = None if config.deny is None else frozenset(config.deny)
        find_code_blocks("import os\nprint(os)\n")

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        return [self._detect_one(content.text) if isinstance(content, Text) else CLEAN for content in batch]

    def _detect_one(self, text: str) -> Detection:
        config = self._config
        findings = tuple(
            Finding(
                _category(config, block.language), round(block.score, 3), self._name, (block.start, block.end)
            )
            for block in find_code_blocks(text, config.min_lines)
            if block.score >= config.min_score and self._is_unwanted(block.language)
        )
        return Detection(findings) if findings else CLEAN

    def _is_unwanted(self, language: str) -> bool:
        if self._deny is not None:
            return language in self._deny
        # What cannot be told is not known to be allowed.
        return self._allow is None or language not in self._allow


class CodeConfig(Config):
    """Source code in a text."""

    use: Literal["code"]
    """The kind of detector."""
    allow: list[str] | None = Field(default=None, examples=[["python", "json"]])
    """Languages that are no findings; all other code is, also code whose language cannot be told. Without `allow` and
    `deny` all code is."""
    deny: list[str] | None = Field(default=None, examples=[["bash", "powershell"]])
    """Languages that are findings; all other code is none."""
    min_lines: int = Field(default=2, ge=1, le=1000)
    """The fewest lines of a block without a Markdown fence."""
    min_score: float = Field(default=0.5, gt=0, le=1)
    """The least score of a finding: how sure it is that a block is code."""
    category: str = "custom.code"
    """What code is."""
    leaves: bool = False
    """Whether findings name the language as a leaf of the category: `custom.code.python`."""


def _category(config: CodeConfig, language: str) -> str:
    return f"{config.category}.{language}" if config.leaves and language else config.category


def _categories(_name: str, config: CodeConfig) -> frozenset[str]:
    names = LANGUAGES if config.leaves else ()
    return frozenset({config.category, *(_category(config, name) for name in names)})


def _hint(wrong: str) -> str:
    known = _NAMES.get(wrong.lower())
    close = [known] if known else difflib.get_close_matches(wrong.lower(), LANGUAGES, n=1)
    return f"did you mean {close[0]!r}?" if close else f"one of: {', '.join(LANGUAGES)}"


def _build(name: str, config: CodeConfig, files: PolicyFiles) -> CodeDetector:
    problems = [
        ConfigProblem(
            "unknown_language", f"{wrong!r} is no language of code", (field, index), hint=_hint(wrong)
        )
        for field, wanted in (("allow", config.allow), ("deny", config.deny))
        for index, wrong in enumerate(wanted or ())
        if wrong not in LANGUAGES
    ]
    if config.allow is not None and config.deny is not None:
        message = "'allow:' and 'deny:' say the same thing twice"
        problems.append(ConfigProblem("allow_and_deny", message, ("deny",), hint="keep one of them"))
    wrong_category = category_problem(config.category, ("category",))
    if wrong_category is not None:
        problems.append(wrong_category)
    if problems:
        raise ConfigProblems(problems)
    return CodeDetector(name, config)


KIND = Kind(
    name="code",
    doc="Source code, fenced or not, with a guess of its language.",
    config=CodeConfig,
    categories=_categories,
    build=_build,
)
