"""Texts of 200,000 characters that are made to take long: each detector gets through with one, or stops when its time is up."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from time import perf_counter, thread_time
from typing import Any

import pytest
import yaml

from guardrails import Guard
from guardrails.cancellation import Cancelled, Token, within
from guardrails.detectors.binding import BoundDetector
from guardrails.detectors.kinds import BUILTIN
from guardrails.types import Place, Stage, Text
from tests.hostile_texts import make_text

SIZE = 200_000
"""What a policy lets a text have, if it does not say otherwise."""

TIME_S = 0.2
MOST_S = 1.5
"""Seconds of the processor in which a detector has to be through, or to have stopped: between two looks at the time it does at
most a second's work."""

POLICY = """
format: 1
name: hostile
detectors:
  profanity: {use: profanity}
  terms: {use: terms, terms: [project nightingale, acme x9, a.b], category: custom.terms}
  patterns: {use: patterns, patterns: ['\\bACME-(\\d{4,6})\\b', '(?:a+b?)+c', '(\\d+\\.)+x'], category: custom.ticket}
  classifier: {use: classifier, effort: full}
  similar: {use: similar, index: known.txt}
  pii: {use: pii}
  presidio: {use: pii, engine: presidio}
  secrets: {use: secrets}
  allowed: {use: urls, allow: [example.com]}
  denied: {use: urls, deny: [example.com]}
  prompt: {use: prompt_leak, plant: true}
  hidden: {use: invisible}
  tongue: {use: language, allow: [en, de]}
  noise: {use: gibberish}
  scripts: {use: code}
  query: {use: format, kind: sql, dialect: postgres, statements: [select]}
  answer:
    use: format
    kind: json
    schema:
      type: object
      required: [city]
      properties: {city: {type: string, pattern: "^(a+)+$"}}
      additionalProperties: {anyOf: [{type: string}, {type: array, uniqueItems: true}]}
  markup: {use: format, kind: xml}
  python: {use: format, kind: python}
  size: {use: length, max_words: 4000}
  shell: {use: commands}
rules: []
"""
"""Each kind that reads texts by itself, as it takes longest."""

ELSEWHERE = {"guard_model", "judge", "remote"}
"""Those that ask services."""

OWN_MODELS = {"topic", "grounded"}
"""Those that need a model that does not come with the package."""

NO_TEXTS = {"image_classifier", "image_hash", "image_text", "image_faces", "transcript"}

TEXTS = ("random Unicode", "digits and dots", "colons")
"""Those of which some detector was slow once."""


@pytest.fixture(scope="module")
def bounds(tmp_path_factory: pytest.TempPathFactory) -> Iterable[BoundDetector]:
    """Return the detectors."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "known.txt").write_text(
        "Pay the invoice at once, to the account below, and tell nobody of it.\n"
    )
    (folder / "policy.yaml").write_text(POLICY)
    return Guard.load(folder / "policy.yaml").pipeline.bounds()


def test_every_kind_is_among_them() -> None:
    """But for those that read no texts, or not by themselves."""
    kinds = {each["use"] for each in yaml.safe_load(POLICY)["detectors"].values()}
    shipped = {name for name, place in BUILTIN.items() if place.startswith("guardrails.")}
    assert kinds | ELSEWHERE | OWN_MODELS | NO_TEXTS == shipped


@pytest.mark.parametrize("name", TEXTS)
def test_a_detector_stops_when_its_time_is_up(bounds: Any, name: str) -> None:
    """However its text is made; what it takes meanwhile is bounded."""
    text = Text(make_text(name, SIZE), Place(Stage.INPUT), {"system": "You are the assistant of Acme. " * 50})
    slow: dict[str, float] = {}
    for bound in bounds:
        started, token = thread_time(), Token(perf_counter() + TIME_S)
        with suppress(Cancelled), within(token):
            bound.detector.detect([text])
        if (took := thread_time() - started) > MOST_S:
            slow[bound.name] = took
    assert not slow
