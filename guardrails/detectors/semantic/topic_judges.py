"""Judges of what a text is about: a score for each denied topic, and for none of the allowed ones."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from guardrails.detectors.llm.llm_detector import JudgeRequest
from guardrails.detectors.llm.llm_detector import Scores as Found
from guardrails.detectors.semantic.similarity_scores import NearnessScorer, fit_nearness
from guardrails.inference.hub.embedding import Embedder, check_vectors
from guardrails.inference.hub.sequence import SequenceModel
from guardrails.inference.safety.scores import Scores
from guardrails.remote.client import get_client
from guardrails.remote.endpoint import Endpoint, RemoteError

OFF_TOPIC: Final = "custom.off_topic"

MOST: Final = 16
"""Pieces that are embedded at a time."""

MOST_REMOTE: Final = 64
"""Texts of one request to a server of embeddings."""

HYPOTHESIS: Final = "This text is about {}."


@lru_cache(maxsize=1)
def read_ordinary_texts() -> tuple[str, ...]:
    """Return texts about anything, as people and models write them."""
    return tuple(Path(__file__).with_name("ordinary.txt").read_text("utf-8").splitlines())


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic: texts about it (its definition among them), texts that are not, and the definition itself."""

    about: tuple[str, ...]
    not_about: tuple[str, ...] = ()
    definition: str = ""


@dataclass(frozen=True, slots=True)
class TopicSet:
    """What is looked for: topics by the category that they give, and those of which one must be talked about."""

    deny: Mapping[str, Topic]
    allow: tuple[Topic, ...] = ()

    @property
    def topics(self) -> tuple[Topic, ...]:
        """All topics, the denied first."""
        return (*self.deny.values(), *self.allow)

    def texts(self) -> list[str]:
        """Return every text that must be embedded before the first is judged."""
        own = [text for topic in self.topics for text in (*topic.about, *topic.not_about)]
        return [*dict.fromkeys([*read_ordinary_texts(), *own])]

    def to_scores(self, of: Sequence[Scores]) -> list[Found]:
        """Return the answers that the scores of all topics, one array each, come to."""
        columns = dict(zip(self.deny, of, strict=False))
        if self.allow:
            columns[OFF_TOPIC] = 1.0 - np.max(of[len(self.deny) :], axis=0)
        count = len(next(iter(columns.values())))
        return [{name: float(column[at]) for name, column in columns.items()} for at in range(count)]


def _learnt(wanted: TopicSet, vectors: Mapping[str, Scores]) -> list[NearnessScorer]:
    """Return what is near to each topic; what is about another is not about this one, unless they share it."""

    def rows(texts: Sequence[str]) -> Scores:
        width = len(next(iter(vectors.values())))
        return np.array([vectors[text] for text in texts], dtype=np.float32).reshape(-1, width)

    calm = rows(read_ordinary_texts())
    denied = len(wanted.deny)
    out = []
    for at, topic in enumerate(wanted.topics):
        # Allowed topics may overlap: they are no examples against each other.
        others = [
            text
            for place, other in enumerate(wanted.topics)
            if place != at and (at < denied or place < denied)
            for text in other.about
            if text not in topic.about
        ]
        out.append(fit_nearness(rows(topic.about), rows([*topic.not_about, *others]), calm))
    return out


class EmbeddingTopicJudge:
    """By the embedding of a model in this process."""

    most = MOST

    def __init__(self, encoder: Embedder, wanted: TopicSet) -> None:
        """Embed all examples; raises what the encoder raises."""
        self._encoder, self._wanted = encoder, wanted
        texts = wanted.texts()
        self._near = _learnt(wanted, dict(zip(texts, encoder.vectors(texts), strict=True)))

    def score(self, asks: Sequence[JudgeRequest]) -> list[Found]:
        """Answer each ask."""
        vectors = self._encoder.vectors([ask.read for ask in asks])
        return self._wanted.to_scores([near.scores(vectors) for near in self._near])


class ServedTopicJudge:
    """By a server of embeddings, as OpenAI's API has them; the examples are sent before the first text."""

    most = MOST_REMOTE

    def __init__(self, endpoint: Endpoint, model: str, wanted: TopicSet) -> None:
        self._endpoint, self._model, self._wanted = endpoint, model, wanted
        self._near: list[NearnessScorer] | None = None
        self._learning = asyncio.Lock()

    async def score(self, asks: Sequence[JudgeRequest]) -> list[Found]:
        """Answer each ask."""
        async with self._learning:
            if self._near is None:
                texts = self._wanted.texts()
                groups = [texts[at : at + MOST_REMOTE] for at in range(0, len(texts), MOST_REMOTE)]
                rows = [row for group in groups for row in await self._vectors(group)]
                if len({len(row) for row in rows}) != 1:
                    raise RemoteError(f"endpoint {self._endpoint.name!r}: vectors of different widths")
                self._near = _learnt(self._wanted, dict(zip(texts, rows, strict=True)))
        vectors = await self._vectors([ask.read for ask in asks])
        if vectors.shape[1] != self._near[0].examples.shape[1]:
            raise RemoteError(f"endpoint {self._endpoint.name!r}: vectors of another width than before")
        return self._wanted.to_scores([near.scores(vectors) for near in self._near])

    async def _vectors(self, texts: Sequence[str]) -> Scores:
        body = {"model": self._model, "input": [*texts], "encoding_format": "float"}
        answer = await get_client(self._endpoint).post("/embeddings", body)
        try:
            rows = np.array(_rows(answer, len(texts)), dtype=np.float32)
            return check_vectors(rows / np.linalg.norm(rows, axis=1, keepdims=True), len(texts))
        except Exception:
            raise RemoteError(f"endpoint {self._endpoint.name!r}: the answer holds no vectors") from None


def _rows(answer: Any, count: int) -> list[Any]:
    """Return the vectors of an answer in the order of the texts; raises where they are not all there."""
    by_index = {entry["index"]: entry["embedding"] for entry in answer["data"]}
    if len(answer["data"]) != count:
        raise ValueError
    return [by_index[at] for at in range(count)]


class InferenceTopicJudge:
    """By a model for natural language inference: whether the text entails that it is about a topic."""

    most = MOST

    def __init__(self, model: SequenceModel, entails: int, denies: int | None, wanted: TopicSet) -> None:
        self._model, self._wanted = model, wanted
        self._entails, self._denies = entails, denies
        self._claims = [
            model.tokens.ids(HYPOTHESIS.format(topic.definition.rstrip("."))) for topic in wanted.topics
        ]

    def score(self, asks: Sequence[JudgeRequest]) -> list[Found]:
        """Answer each ask."""
        tokens, columns = self._model.tokens, []
        read = [tokens.ids(ask.read) for ask in asks]
        for claim in self._claims:
            room = self._model.window - len(claim) - tokens.double
            found = self._model.scores([tokens.pair(each[:room], claim) for each in read])
            columns.append(entailment_scores(found, self._entails, self._denies))
        return self._wanted.to_scores(columns)


def entailment_scores(found: Scores, entails: int, denies: int | None) -> Scores:
    """Return how far each row is entailed, against being contradicted where the model tells that."""
    yes = found[:, entails]
    return yes if denies is None else yes / np.maximum(yes + found[:, denies], 1e-9)
