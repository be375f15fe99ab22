"""The `similar` detector: finds texts that resemble those of an index of known attacks.

Two things count: how near the embeddings lie, measured against how near ordinary texts come to the index
(`similarity_scores.py` has the embedding's figures), and how many of a known text's runs of three words stand in the piece,
which finds a known attack inside of other text, and with words put between. The index is the operator's to grow:

    guardrails index add attacks.jsonl --category jailbreak --text "..."

    use: similar
    index: attacks.jsonl
    category: jailbreak
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Final, Literal

import numpy as np
from pydantic import Field

from guardrails import taxonomy
from guardrails.detectors import ConfigProblem, ConfigProblems, PolicyFiles
from guardrails.detectors.config import Config
from guardrails.detectors.kinds import Kind
from guardrails.detectors.llm.llm_detector import JudgeAdapter, JudgeRequest, LocalDetector
from guardrails.detectors.llm.llm_detector import Scores as Found
from guardrails.detectors.patterns.patterns_detector import category_problem
from guardrails.detectors.semantic.known_texts import IndexFormatError, KnownText, embed_entries, parse_index
from guardrails.detectors.semantic.shared_models import load_embedder
from guardrails.detectors.semantic.topic_judges import read_ordinary_texts
from guardrails.inference.hub.embedding import Embedder
from guardrails.inference.safety.folder import ModelError
from guardrails.inference.safety.scores import Scores
from guardrails.text import fold_text

ORDINARY: Final = 0.99
"""The share of ordinary texts that stay below `far`."""

HALF: Final = 0.4
"""How far from `far` to 1 a cosine must be for a score of 0.5."""

STEEP: Final = math.log(9) / 0.25
"""The score goes from 0.5 to 0.9 over a quarter of that way."""

RUN: Final = 3
"""Words of a run."""

FEWEST: Final = 4
"""Runs of a known text from which on they are counted: the shorter may stand anywhere."""

MOST_NEW: Final = 5_000
"""Known texts that are embedded at load; more take minutes, and are to be embedded once."""


class SimilarityJudge:
    """The judge: known texts by their vectors and by their runs of words."""

    most = 16

    def __init__(self, encoder: Embedder, known: Sequence[KnownText], categories: Sequence[str]) -> None:
        """Embed what has no vector yet; raises what the encoder raises, and `IndexFormatError`."""
        self._encoder = encoder
        self._categories = np.array(categories)
        self._names = sorted({*categories})
        self._rows, self.made = embed_entries(known, encoder)
        nearest = (encoder.vectors(read_ordinary_texts()) @ self._rows.T).max(axis=1)
        self._far = float(np.quantile(nearest, ORDINARY))
        self._runs: dict[tuple[str, ...], list[int]] = defaultdict(list)
        self._counts = []
        for at, entry in enumerate(known):
            runs = _runs(entry.text)
            self._counts.append(len(runs))
            for run in runs if len(runs) >= FEWEST else ():
                self._runs[run].append(at)

    def score(self, asks: Sequence[JudgeRequest]) -> list[Found]:
        """Answer each ask."""
        cosines = self._encoder.vectors([ask.read for ask in asks]) @ self._rows.T
        way = (cosines - self._far) / max(1.0 - self._far, 1e-3)
        near = 1.0 / (1.0 + np.exp(-STEEP * (way - HALF)))
        for row, ask in zip(near, asks, strict=True):
            for at, share in self._find_shared_runs(ask.read):
                row[at] = max(row[at], share)
        return [self._best_scores(row) for row in near]

    def _find_shared_runs(self, text: str) -> list[tuple[int, float]]:
        """Return known texts of whose runs some stand in a text, and the share of them that do."""
        seen = Counter(at for run in _runs(text) for at in self._runs.get(run, ()))
        return [(at, min(count / self._counts[at], 1.0)) for at, count in seen.items()]

    def _best_scores(self, row: Scores) -> Found:
        return {name: float(row[self._categories == name].max()) for name in self._names}


def _runs(text: str) -> set[tuple[str, ...]]:
    words = fold_text(text).text.split()
    return {*zip(*(words[at:] for at in range(RUN)), strict=False)}


class SimilarConfig(Config):
    """Texts like known ones."""

    use: Literal["similar"]
    """The kind of detector."""
    index: str = Field(min_length=1, examples=["attacks.jsonl"])
    """The file of known texts, below the policy's folder: `.jsonl` as `guardrails index` writes it, else a text a line."""
    category: str = Field(default="custom.known", examples=["jailbreak"])
    """What is found, for entries that do not say it themselves."""
    categories: list[str] = Field(default=[], examples=[["injection"]])
    """Further categories that entries of the index have."""
    model: str = Field(default="text-safety", examples=["text-safety"])
    """What embeds the texts: a shipped model by name, a folder, or a model of the hub."""
    revision: str | None = None
    """The revision of a model of the hub."""
    download: bool = False
    """Whether a model of the hub may be fetched, where the operator allows it."""
    min_score: float = Field(default=0.1, ge=0, le=1)
    """The score below which nothing is reported."""
    characters: int = Field(default=400, ge=40, le=100_000)
    """Characters of a piece."""
    windows: int = Field(default=400, ge=1, le=100_000)
    """Pieces of one text that are judged; the rest is `unchecked: limit`. Where it is left out, the policy's
    `limits: windows` holds."""
    languages: list[str] = Field(default=[])
    """Languages that the model reads; texts in others are judged, and `unchecked: language`. None given: all."""


def _build(name: str, config: SimilarConfig, files: PolicyFiles) -> LocalDetector:
    wanted = (config.category, *config.categories)
    wrong = [
        problem
        for at, each in enumerate(wanted)
        if (problem := category_problem(each, ("categories", at - 1) if at else ("category",)))
    ]
    if wrong:
        raise ConfigProblems(wrong)
    try:
        content, shown = files.read(config.index)
    except OSError as error:
        message = f"index {config.index!r}: {error.strerror or error}"
        raise ConfigProblems([ConfigProblem("unreadable_file", message, ("index",))]) from error
    encoder = load_embedder(files, config.model, config.revision, download=config.download)
    try:
        known = [*parse_index(content, plain=not config.index.endswith(".jsonl"))]
        _check(known, wanted, config.index)
        judge = SimilarityJudge(encoder, known, [entry.category or config.category for entry in known])
    except IndexFormatError as error:
        place = (shown, error.line, 1)
        problem = ConfigProblem("invalid_index", f"line {error.line} {error}", ("index",), place=place)
        raise ConfigProblems([problem]) from error
    except (ModelError, ArithmeticError) as error:
        raise ConfigProblems([ConfigProblem("unreadable_model", str(error), ("model",))]) from error
    asking = JudgeAdapter(
        name,
        frozenset(wanted),
        size=config.characters,
        most=config.windows,
        min_score=config.min_score,
        languages=config.languages,
    )
    return LocalDetector(asking, judge, encoder.identity)


def _check(known: Sequence[KnownText], wanted: Sequence[str], index: str) -> None:
    """Raise for what cannot be an index of these categories."""
    for entry in known:
        if entry.category is not None and entry.category not in wanted:
            cure = (
                f"add it to 'categories:' ({', '.join(wanted)})" if taxonomy.is_valid(entry.category) else ""
            )
            raise IndexFormatError(entry.line, f"is of category {entry.category!r}: {cure or 'that is none'}")
    if not known:
        hint = "guardrails index add"
        message = f"index {index!r} has no entry"
        raise ConfigProblems([ConfigProblem("nothing_to_find", message, ("index",), hint=hint)])
    new = sum(entry.vector is None for entry in known)
    if new > MOST_NEW:
        hint = f"guardrails index embed {index}"
        message = f"{new} entries of index {index!r} have no vector, which would take minutes at each start"
        raise ConfigProblems([ConfigProblem("too_large", message, ("index",), hint=hint)])


KIND = Kind(
    name="similar",
    doc="Texts like known attacks, from an index that grows.",
    config=SimilarConfig,
    categories=lambda _name, config: frozenset({config.category, *config.categories}),
    build=_build,
    tier=1,
    limits=("windows",),
)
