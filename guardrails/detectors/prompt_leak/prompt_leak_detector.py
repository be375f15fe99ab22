"""Leaks of the system prompt: text and `context["system"]` in, the stretches that repeat it out.

Both are folded and cut into words (letters of scripts without spaces one by one), so that case, punctuation, line
breaks and look-alikes do not matter; the text is read with spelling tricks undone as well. Stretches are runs of words,
at least `words` of them, all in the prompt in that order. With `share` = different word n-grams of the prompt that the
text repeats / all of the prompt's, each stretch has the score `0.5 + share / 2`: certain that it leaks, and the more the
higher. Canaries score 1: those of the policy, and the one that the guard itself plants (`engine/redaction/canary.py`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final, Literal

from pydantic import Field

from guardrails.cancellation import check
from guardrails.detectors import ConfigProblem, ConfigProblems, PolicyFiles
from guardrails.detectors.config import Config
from guardrails.detectors.kinds import Kind
from guardrails.detectors.patterns.patterns_detector import category_problem
from guardrails.detectors.prompt_leak.prompt_leak_stream import WORD, Gram, PromptLeakStream, PromptNgrams
from guardrails.detectors.terms.term_matcher import form
from guardrails.detectors.terms.terms_detector import TermsDetector
from guardrails.keys import digest
from guardrails.text import TextView, deobfuscate_text, fold_text, replace_surrogates
from guardrails.types import CLEAN, Content, Detection, Finding, Stream, Text

SHORTEST: Final = 4
"""Words of a system prompt below which nothing is compared: replies say `You are helpful` by chance."""


def make_canary(system: str) -> str:
    """Return the mark that is planted in a system prompt: 16 hexadecimal digits that only who has the key can know."""
    return digest("canary", system).hex()[:16]


def _grams(words: Sequence[str], size: int) -> list[Gram]:
    """Return every run of `size` words, in their order."""
    return list(zip(*(words[at:] for at in range(size)), strict=False))


@lru_cache(maxsize=64)
def _read_ngrams(system: str, size: int) -> tuple[int, frozenset[Gram]]:
    """Return the n-grams of a system prompt and their size: `size`, or all its words where it has fewer."""
    words = WORD.findall(fold_text(replace_surrogates(system)).text)
    if len(words) < SHORTEST:
        return size, frozenset()
    size = min(size, len(words))
    return size, frozenset(_grams(words, size))


@lru_cache(maxsize=64)
def _runs(system: str, size: int, mark: str) -> PromptNgrams | None:
    """Return the n-grams of a system prompt for streams, with the canary that was planted in it; None where there is neither."""
    size, known = _read_ngrams(system, size)
    return PromptNgrams(known, size, mark) if known or mark else None


class PromptLeakDetector:
    """The detector: sets of word n-grams for the prompt, one automaton for the canaries."""

    # The first text after a new system prompt pays for that, and nothing here knows how long it is.
    inline = False

    def __init__(
        self,
        name: str,
        category: str,
        *,
        words: int,
        min_share: float,
        canaries: Sequence[str],
        plant: bool = False,
    ) -> None:
        self.plants = plant
        self._name = name
        self._category = category
        self._words = words
        self._min_share = min_share
        self._canaries = (
            TermsDetector(name, canaries, category, score=1.0, words=False, fold=True) if canaries else None
        )

    def stream(self, context: Mapping[str, str] | None) -> Stream | None:
        """Begin a text that grows.

        A stretch is given when it can become no longer, with the score by what was repeated up to then. A later one may have a
        higher score, never a lower one, and the highest is that of the whole text: a condition on the score is met as soon as
        the share of the prompt is reached, not for what stood before. With `min_share` that would be true of whether there is
        a finding at all; the text is then held.

        Returns:
            The stream, or None where what is a finding is known at the end alone.
        """
        system = (context or {}).get("system")
        grams = _runs(system, self._words, make_canary(system) if self.plants else "") if system else None
        if grams is not None and grams.known and self._min_share > 0:
            return None
        canaries = None if self._canaries is None else self._canaries.stream(context)
        return PromptLeakStream(self._name, self._category, canaries, grams)

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        planted = [CLEAN] * len(batch) if self._canaries is None else self._canaries.detect(batch)
        return [self._one(content, found) for content, found in zip(batch, planted, strict=True)]

    def _one(self, content: Content, planted: Detection) -> Detection:
        if not isinstance(content, Text) or content.context is None:
            return planted
        system = content.context.get("system")
        if not system:
            return planted
        text = replace_surrogates(content.text)
        found: dict[tuple[int, int], Finding] = {}
        for outer in (TextView(text), *deobfuscate_text(text)):
            check()
            view = fold_text(outer.text)
            for (start, end), score in (*self._marks(view, system), *self._overlaps(view, system)):
                span = outer.original(*view.original(start, end))
                if span not in found or score > found[span].score:
                    found[span] = Finding(self._category, score, self._name, span)
        return Detection((*planted.findings, *found.values())) if found else planted

    def _marks(self, view: TextView, system: str) -> list[tuple[tuple[int, int], float]]:
        """Return where the canary stands that was planted in the system prompt."""
        if not self.plants:
            return []
        return [(match.span(), 1.0) for match in re.finditer(make_canary(system), view.text)]

    def _overlaps(self, view: TextView, system: str) -> list[tuple[tuple[int, int], float]]:
        size, known = _read_ngrams(system, self._words)
        grams = _grams(WORD.findall(view.text), size)
        common = known.intersection(grams)
        share = len(common) / len(known) if known else 0.0
        if not common or share < self._min_share:
            return []
        stretches: list[tuple[int, int]] = []
        for at, gram in enumerate(grams):
            if gram not in common:
                continue
            if stretches and at <= stretches[-1][1]:
                stretches[-1] = (stretches[-1][0], at + size)
            else:
                stretches.append((at, at + size))
        places = [match.span() for match in WORD.finditer(view.text)]
        score = 0.5 + share / 2
        return [((places[first][0], places[last - 1][1]), score) for first, last in stretches]


class PromptLeakConfig(Config):
    """The system prompt, repeated."""

    use: Literal["prompt_leak"]
    """The kind of detector."""
    words: int = Field(default=8, ge=SHORTEST, le=64)
    """Words in a row, as in the system prompt, that make a finding. A prompt with fewer (but four) counts as a whole."""
    min_share: float = Field(default=0.0, ge=0, le=1)
    """The share of the system prompt's runs of words that a text must repeat before they are findings."""
    canaries: list[str] = Field(default=[], examples=[["zx-canary-7f3a"]])
    """Texts planted in the prompt that must never appear, whatever their case and look-alike characters."""
    plant: bool = False
    """Whether the guard plants a canary of its own in the system prompt of each conversation that it lets pass, and looks
    for it in the answer."""
    category: str = "prompt_leak"
    """What a repeated stretch is. Its score is 0.5 and half the share of the prompt; that of a canary is 1."""


def _build(name: str, config: PromptLeakConfig, files: PolicyFiles) -> PromptLeakDetector:
    problems = [
        ConfigProblem(
            "empty_canary",
            f"canary {canary!r} has no character to look for",
            ("canaries", index),
            hint="use a random text of letters and digits",
        )
        for index, canary in enumerate(config.canaries)
        if not form(canary, fold=True)
    ]
    wrong = category_problem(config.category, ("category",))
    if wrong is not None:
        problems.append(wrong)
    if problems:
        raise ConfigProblems(problems)
    return PromptLeakDetector(
        name,
        config.category,
        words=config.words,
        min_share=config.min_share,
        canaries=config.canaries,
        plant=config.plant,
    )


KIND = Kind(
    name="prompt_leak",
    doc="The system prompt in a text: stretches of its words, and planted canaries.",
    config=PromptLeakConfig,
    categories=lambda _name, config: frozenset({config.category}),
    build=_build,
    reads=("system",),
)
