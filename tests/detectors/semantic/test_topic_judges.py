"""The judges of topics: what is looked for, what is learnt from it, and what entailment is worth."""

from __future__ import annotations

import numpy as np

from guardrails.detectors.semantic.topic_judges import (
    OFF_TOPIC,
    Topic,
    TopicSet,
    entailment_scores,
    read_ordinary_texts,
)
from tests.cases import each_case


def test_there_are_ordinary_texts_to_compare_with() -> None:
    """Some hundred of them, each once, none empty."""
    texts = read_ordinary_texts()
    assert len(texts) == len(set(texts)) >= 200
    assert all(text.strip() for text in texts)


def test_every_text_is_embedded_once() -> None:
    """Examples that topics share are not made twice."""
    wanted = TopicSet({"custom.a": Topic(("one", "two"), ("two",))}, (Topic(("one", "three")),))
    assert wanted.texts()[len(read_ordinary_texts()) :] == ["one", "two", "three"]


def test_off_topic_is_what_no_allowed_topic_claims() -> None:
    """The most that any of them claims counts; denied ones say nothing of it."""
    wanted = TopicSet({"custom.a": Topic(("x",))}, (Topic(("y",)), Topic(("z",))))
    found = wanted.to_scores([np.array([0.9, 0.0]), np.array([0.2, 0.1]), np.array([0.7, 0.3])])
    assert [(each["custom.a"], round(each[OFF_TOPIC], 6)) for each in found] == [(0.9, 0.3), (0.0, 0.7)]


@each_case(("denies", "expected"), [(1, [0.75, 0.0]), (None, [0.6, 0.0])])
def test_entailment_counts_against_contradiction(denies: int | None, expected: list[float]) -> None:
    """What a model calls neutral is left out, where it tells a contradiction; nothing divides by zero."""
    found = np.array([[0.6, 0.2, 0.2], [0.0, 0.0, 1.0]], dtype=np.float32)
    assert np.allclose(entailment_scores(found, 0, denies), expected)
