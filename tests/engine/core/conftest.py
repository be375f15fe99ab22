"""What the tests of one check share: detectors that hang, and a pool of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from guardrails import Guard
from guardrails.detectors.kinds import Kind
from guardrails.engine.core import task_runner
from guardrails.engine.core.worker_pool import Workers


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """An event on which detectors hang until the test is over."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Workers:
    """A pool of the test's own: four threads, eight places to wait, four spares."""
    own = Workers(4, queue=8, spare=4)
    monkeypatch.setattr(task_runner, "workers", lambda: own)
    return own


@pytest.fixture
def slow(guard_of: Callable[..., Guard], kind_of: Callable[..., Kind]) -> Callable[..., Guard]:
    """Return a function: a judge in, a guard out that has it run by workers; the word `quickbad` blocks
    before.
    """

    def make(judge: Callable[[Any], Any], rule: str = "", deadline_ms: int = 10_000, more: str = "") -> Guard:
        return guard_of(
            f"""
detectors:
  words: {{use: terms, terms: [quickbad], category: custom.quick}}
  slow: {{use: own}}
rules:
  - {{id: quick, on: [input, output], when: custom.quick > 0, then: block}}
  - {{id: slow, on: [input, output], when: custom.own > 0, then: {rule or "block"}}}
limits: {{deadline_ms: {deadline_ms}}}
{more}""",
            detectors={"own": kind_of(judge, tier=1)},
        )

    return make
