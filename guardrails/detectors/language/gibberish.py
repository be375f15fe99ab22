"""The `gibberish` detector: finds the stretches of a text that are no language.

Four things are looked for, each in one pass: letters in an order that no language has (keyboard mash, random letters), by
a table of trigrams over 45 languages; floods of one character or syllable; letters of many scripts mixed; words stuck together
by signs, as in suffixes that were searched for to break a model's rules. Stretches of Latin letters count only where
`identification.py` knows no language for them either, so that names and rare languages are left alone; other scripts
are judged by floods and mixtures alone. Code, links, and words with digits in them (hashes, numbers of products, base64)
are neither language nor gibberish.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from pydantic import Field

from guardrails.detectors import ConfigProblems, PolicyFiles
from guardrails.detectors.config import Config
from guardrails.detectors.formats.code import blank_code
from guardrails.detectors.kinds import Kind
from guardrails.detectors.language._generate_gibberish import FIRST, LETTERS, STEPS, plain
from guardrails.detectors.language._gibberish_table import BITS
from guardrails.detectors.language.identification import language_probabilities
from guardrails.detectors.language.prose_words import without_noise
from guardrails.detectors.language.scripts import SCRIPTS
from guardrails.detectors.patterns.patterns_detector import category_problem
from guardrails.text import replace_surrogates
from guardrails.types import CLEAN, Content, Detection, Finding, Text

RANDOM: Final = 4.9
"""Bits of a letter that is as likely as any other: more than that a word has no language for it."""

WORST: Final = 22.0
"""The most bits that one word of up to 12 letters counts for: no single name is enough. Each further letter adds 4."""

BEST: Final = -14.0
"""The most bits that one word of a language takes away."""

MASHED: Final = -4.0
"""Bits from which a word of the letters of one row of a keyboard counts for `BONUS` more."""

BONUS: Final = 8.0

HALF: Final = 30.0
"""Bits of a stretch for score 0.5; twice as many make 0.75."""

KNOWN: Final = 0.5
"""Probability of a language, and not of noise, from which a stretch is left alone."""

NOISE: Final = 0.15
"""The least probability of noise for a finding by letters."""

LEAST: Final = 15.0
"""Bits below which a stretch of words is none."""

KINDS: Final = 3
"""The fewest different signs that stick words together in one stretch: fewer are somebody's notation."""

FLOOD: Final = 24
"""Characters of a flood for score 0.5."""

_LETTERS: Final = LETTERS[1:]
_LONE: Final = frozenset("\\+={};^")
_INDEX: Final = {letter: at for at, letter in enumerate(LETTERS)}
_CHUNK: Final = re.compile(r"\S+")
_WORD: Final = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)?")
# A unit of up to four letters, again and again; digits only as zeros of nobody's number.
_REPEATED: Final = re.compile(r"([^\W\d_]{1,4}?)\1{7,}")
_MARKS: Final = re.compile(r"([^\w\s.$\-=*#~+|/\\:<>\u2010-\u2015\u2500-\u259f\u2022_])\1{23,}")
_CAMEL: Final = re.compile("[a-z]{3}[A-Z][a-z]{2}")
_GLUED: Final = re.compile(r"[A-Za-z](?:[\])}\[({;!?=\\\"*<>|]{1,6}|\*\*)[A-Za-z]")
_CLUSTER: Final = re.compile(r"[!-/:-@\[-^`{-~]{2,}")
_PLACE: Final = re.compile(r"\\[*_#]|\$?\{\{?\w{1,40}\}?\}")
_ORDINARY: Final = re.compile(
    r"[\"'(\[{*_~`\u201c\u2018\u00ab\u00bf\u00a1#>-]*"
    r"|(?:\(\))?[.,!?;:\u2026%)/#]*[\"')\]}*_~`\u201d\u2019\u00bb]*[.,!?;:\u2026-]*"
    r"|[\\\"'\[\]{},:]+|-+>?|=+>?|<-+|\.\.\.+|//+|:-?[)(DP/|]|\|+|&&|[-=_*#~+]+"
)
_ROW: Final = re.compile(
    "[asdfghjkl]{4,}|[qwertyuiop]{5,}|[zxcvbnm]{4,}|[yxcvbnm]{4,}|[azertyuiop]{6,}|[qsdfghjklm]{5,}"
)
_LINE: Final = re.compile(r"[^\n]+")


@dataclass(slots=True)
class _Run:
    """A running sum of evidence: the stretch from where it last was 0 to its peak."""

    start: int = 0
    total: float = 0.0
    peak: float = 0.0
    end: int = 0
    bad: int = 0


def _stretches(items: Iterable[tuple[int, int, float]], gap: float) -> Iterator[_Run]:
    """Yield the stretches in which evidence adds up: `(start, end, bits)` in order, up to a fall of `gap` from the peak."""
    run = _Run()
    for start, end, bits in items:
        if run.total <= 0:
            if run.peak > 0:
                yield run
            run = _Run(start)
        run.total += bits
        run.bad += bits > 0
        if run.total > run.peak:
            run.peak, run.end = run.total, end
        elif run.total < run.peak - gap:
            yield run
            run = _Run(end)
    if run.peak > 0:
        yield run


@lru_cache(maxsize=8192)
def measure_surprise(word: str) -> float:
    """Return by how many bits random letters explain a word better than language does; below 0 for words."""
    letters = plain(word[:40])
    if (
        len(letters) < 2
        or letters in _LETTERS
        or len(letters) != len(word[:40])
        or (word.isupper() and len(word) < 6)
    ):
        return 0.0  # one letter, another script, an abbreviation
    first = second = 0
    bits = 0.0
    for letter in f"{letters}_":
        last = _INDEX[letter]
        bits += (ord(BITS[(first * len(LETTERS) + second) * len(LETTERS) + last]) - FIRST) / STEPS
        first, second = second, last
    bits -= RANDOM * (len(letters) + 1)
    if bits > MASHED and _ROW.fullmatch(letters):
        bits += BONUS
    return max(BEST, min(WORST + 4.0 * max(len(letters) - 12, 0), bits))


def _words(text: str) -> Iterator[tuple[int, int, float]]:
    for chunk in _CHUNK.finditer(text):
        token = chunk[0]
        if token.isalpha() and (token.islower() or token.istitle()):
            yield chunk.start(), chunk.end(), measure_surprise(token.lower())
            continue
        if _is_opaque(token):
            continue
        for word in _WORD.finditer(token):
            start = chunk.start() + word.start()
            yield (
                start,
                start + len(word[0]),
                measure_surprise(word[0].lower() if not word[0].isupper() else word[0]),
            )


def _is_opaque(token: str) -> bool:
    """Say whether a token is a name for machines: a path, a key, capitals in the middle."""
    core = token.strip(".,;:!?()[]{}\"'*\u201c\u201d\u2018\u2019\u2026")
    return (
        any(char in "_/\\=@#$%^&+<>|~" for char in core)
        or bool(len(core) > 8 and re.search("[a-z][A-Z].*[a-z][A-Z]", core))
        or "." in core
        or ":" in core
    )


def _joints(line: str, offset: int) -> Iterator[tuple[int, int, float]]:
    for chunk in _CHUNK.finditer(line):
        token = chunk[0]
        bits = -4.0
        if token in _LONE:
            bits = 2.0
        elif not token.isalpha() or not (token.islower() or token.istitle()):
            odd = 6.0 * bool(_CAMEL.search(token)) + 11.0 * len(_signs(token[:80]))
            bits = min(odd, 14.0) or bits
        yield offset + chunk.start(), offset + chunk.end(), bits


def _signs(token: str) -> list[str]:
    """Return the signs in a token that stand where no sign does in ordinary writing."""
    token = _PLACE.sub("", token)
    clusters = [cluster for cluster in _CLUSTER.findall(token) if not _ORDINARY.fullmatch(cluster)]
    return clusters or [glue.strip("".join((_LETTERS, _LETTERS.upper()))) for glue in _GLUED.findall(token)]


def _floods(text: str) -> Iterator[tuple[int, int, float]]:
    for pattern in (_REPEATED, _MARKS):
        for match in pattern.finditer(text):
            length = match.end() - match.start()
            # One letter again and again is a cry; it takes more of them.
            if length >= FLOOD:
                yield match.start(), match.end(), _score(length, FLOOD)


def _mixtures(text: str) -> Iterator[_Run]:
    """Yield the stretches in which letters of at least three scripts follow one another within words."""
    scripts: list[tuple[int, int, str]] = []
    for match in _script_runs().finditer(text):
        script = str(match.lastgroup)
        scripts.append((*match.span(), "East" if script in ("Han", "Kana", "Hangul") else script))
    before = [(0, 0, ""), *scripts]
    changes = [
        (start, end, 6.0 if script != last and start == at and end - start <= 3 else -2.0 * (end - start))
        for (start, end, script), (_, at, last) in zip(scripts, before, strict=False)
    ]
    for run in _stretches(changes, 20.0):
        kinds = {script for start, _, script in scripts if run.start <= start < run.end}
        if run.bad >= 5 and len(kinds) >= 3:
            yield run


@lru_cache(maxsize=1)
def _script_runs() -> re.Pattern[str]:
    groups = "|".join(f"(?P<{name}>[{body}]+)" for name, (body, _) in SCRIPTS.items())
    return re.compile(f"{groups}|(?P<Latin>[A-Za-z\u00c0-\u024f\u1e00-\u1eff]+)")


def _score(amount: float, half: float) -> float:
    return round(1 - math.exp2(-amount / half), 3)


def _unspeakable(text: str) -> Iterator[tuple[int, int, float]]:
    # Most texts have too few odd words, wherever these stand.
    if sum(bits for bits in map(measure_surprise, _WORD.findall(text.lower())) if bits > 0) < LEAST:
        return
    for run in _stretches(_words(text), 30.0):
        enough = run.peak >= LEAST and (run.bad >= 2 or run.peak >= WORST)
        if enough and _is_no_language(text[run.start : run.end]):
            yield run.start, run.end, _score(run.peak, HALF)


def _find_glued(text: str) -> Iterator[tuple[int, int, float]]:
    for line in _LINE.finditer(text):
        if len(_CLUSTER.findall(line[0])) + len(_GLUED.findall(line[0])) < KINDS:
            continue
        for run in _stretches(_joints(line[0], line.start()), 18.0):
            signs = {sign for token in text[run.start : run.end].split() for sign in _signs(token[:80])}
            if run.bad > KINDS and len(signs) >= KINDS:
                yield run.start, run.end, _score(run.peak, HALF)


def find_gibberish(text: str) -> list[tuple[int, int, float]]:
    """Return the stretches of a text that are no language, and how sure that is, in 0..1; they may overlap."""
    text = replace_surrogates(text)
    readable = blank_code(text, without_noise(_CHUNK.sub(_without_digits, text)))
    found = [*_floods(readable), *_unspeakable(readable), *_find_glued(readable)]
    if not text.isascii():
        found += [(run.start, run.end, _score(run.peak, HALF)) for run in _mixtures(readable)]
    return found


def _without_digits(chunk: re.Match[str]) -> str:
    """Return spaces for a token with a digit in it: a hash, a number of a product, a time."""
    token = chunk[0]
    return " " * len(token) if any(map(str.isdigit, token)) else token


def _is_no_language(stretch: str) -> bool:
    chances = language_probabilities(stretch[:600])
    noise = chances.get("zxx", 0.0)
    return noise >= NOISE and max(chance for code, chance in chances.items() if code != "zxx") < KNOWN


class GibberishDetector:
    """The detector: stretches with enough evidence, overlapping ones as one."""

    inline = False

    def __init__(self, name: str, config: GibberishConfig) -> None:
        self._name = name
        self._config = config
        language_probabilities("The model is loaded now, not in a request.")

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        return [self._detect_one(content.text) if isinstance(content, Text) else CLEAN for content in batch]

    def _detect_one(self, text: str) -> Detection:
        config = self._config
        merged: list[tuple[int, int, float]] = []
        for start, end, score in sorted(find_gibberish(text)):
            if end - start < config.min_characters or score < config.min_score:
                continue
            if merged and start <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]), max(score, merged[-1][2]))
            else:
                merged.append((start, end, score))
        findings = tuple(
            Finding(config.category, score, self._name, (start, end)) for start, end, score in merged
        )
        return Detection(findings) if findings else CLEAN


class GibberishConfig(Config):
    """Text that is no language."""

    use: Literal["gibberish"]
    """The kind of detector."""
    min_score: float = Field(default=0.5, gt=0, le=1)
    """The least score of a finding: how sure it is that a stretch is no language."""
    min_characters: int = Field(default=12, ge=4, le=10_000)
    """The fewest characters of a finding."""
    category: str = "custom.gibberish"
    """What text without language is."""


def _build(name: str, config: GibberishConfig, files: PolicyFiles) -> GibberishDetector:
    wrong = category_problem(config.category, ("category",))
    if wrong is not None:
        raise ConfigProblems([wrong])
    return GibberishDetector(name, config)


KIND = Kind(
    name="gibberish",
    doc="Text that is no language: keyboard mash, random letters, floods, signs between scraps of words.",
    config=GibberishConfig,
    categories=lambda _name, config: frozenset({config.category}),
    build=_build,
    tier=1,
    decoded=False,
)
