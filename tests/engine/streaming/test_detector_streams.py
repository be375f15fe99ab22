"""Growing texts as detectors judge them: what others wrote holds nobody up."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest

from guardrails import Content, Detection, Guard
from guardrails.detectors.kinds import Kind
from guardrails.engine.core import task_runner
from guardrails.engine.core.worker_pool import Workers
from guardrails.types import CLEAN
from tests.cases import each_case

HANG_S = 30.0
DEADLINE_MS = 200
POLICY = (
    "detectors: {own: {use: own}}\nrules: [{id: own, on: output, when: custom.own > 0, then: block}]\n"
    f"limits: {{deadline_ms: {DEADLINE_MS}}}"
)

Step = Callable[[str], None]
GuardOf = Callable[..., Guard]
KindOf = Callable[..., Kind]


class Stepping:
    """A detector that finds nothing, and tells of each step of its streams before it makes it."""

    def __init__(self, step: Step, **capabilities: Any) -> None:
        self.step = step
        vars(self).update(capabilities)

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        """Find nothing."""
        return [CLEAN for _ in batch]


class ByCharacters(Stepping):
    """One that settles each character as it comes."""

    settled_at = 0

    def stream(self, context: Mapping[str, str] | None) -> ByCharacters:
        """Begin a text."""
        self.step("stream")
        return ByCharacters(self.step)

    @property
    def settled(self) -> int:
        """Say how far it is."""
        self.step("settled")
        return self.settled_at

    def feed(self, delta: str) -> Detection:
        """Take a part."""
        self.step("feed")
        self.settled_at += len(delta)
        return CLEAN

    def flush(self) -> Detection:
        """Take the end."""
        self.step("flush")
        return CLEAN


class ByPassages(Stepping):
    """One that judges passage by passage."""

    passages = True

    def passage_stream(self, context: Mapping[str, str] | None) -> Passage:
        """Begin a text."""
        self.step("passage_stream")
        return Passage(self.step)


class Passage(Stepping):
    """A text for it."""

    def is_due(self, characters: int, *, busy: bool) -> bool:
        """Have each passage judged."""
        self.step("is_due")
        return True

    def fork(self) -> Passage:
        """Go on from here."""
        self.step("fork")
        return Passage(self.step)


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Workers:
    """Return the pool in which detectors run, of the test's own."""
    own = Workers(2, queue=8, spare=8)
    monkeypatch.setattr(task_runner, "workers", lambda: own)
    return own


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Return what a hanging detector waits for, to the end of the test at most."""
    event = threading.Event()
    yield event
    event.set()


STREAMED = ("stream", "feed", "settled", "flush")
BY_PASSAGES = ("passage_stream", "is_due", "fork")


@each_case(
    ("detector", "capabilities", "expected"),
    [
        (ByCharacters, {}, dict.fromkeys(STREAMED, "worker")),
        (ByCharacters, {"inline": True}, dict.fromkeys(STREAMED, "caller")),
        (ByPassages, {}, dict.fromkeys(BY_PASSAGES, "worker")),
        (ByPassages, {"inline": True}, dict.fromkeys(BY_PASSAGES, "caller")),
    ],
)
def test_what_others_wrote_runs_on_a_worker(
    guard_of: GuardOf,
    kind_of: KindOf,
    detector: type[Stepping],
    capabilities: Mapping[str, Any],
    expected: Mapping[str, str],
) -> None:
    """Whatever a stream is asked; only what says that it takes no time runs where the part comes."""
    caller, seen = threading.get_ident(), dict[str, str]()

    def step(name: str) -> None:
        seen[name] = "caller" if threading.get_ident() == caller else "worker"

    stream = guard_of(POLICY, detectors={"own": kind_of(detector(step, **capabilities))}).stream("output")
    parts = ("One. Two. ", "Three. ", "Four. ", "Five. Six.")
    assert "".join([*map(stream.feed, parts), stream.flush()]) == "".join(parts)
    assert seen == expected


@each_case(
    ("detector", "hangs", "expected"),
    [
        (ByCharacters, "stream", ""),
        (ByCharacters, "feed", ""),
        (ByCharacters, "settled", ""),
        (ByPassages, "passage_stream", ""),
        (ByPassages, "fork", "One. "),  # which was judged before
    ],
)
def test_a_stream_that_hangs_fails_at_the_deadline(
    guard_of: GuardOf,
    kind_of: KindOf,
    pool: Workers,
    gate: threading.Event,
    detector: type[Stepping],
    hangs: str,
    expected: str,
) -> None:
    """The event loop goes on meanwhile; the text is held, or stops, and nothing is shown that was not judged."""
    hanging = threading.Event()

    def step(name: str) -> None:
        if name == hangs:
            hanging.set()
            gate.wait(HANG_S)

    guard = guard_of(POLICY, detectors={"own": kind_of(detector(step))})

    async def main() -> str:
        stream = guard.stream("output")

        async def feed() -> str:
            return await stream.afeed("One. Two. ") + await stream.afeed("Three. Four. ")

        feeding = asyncio.ensure_future(feed())
        assert await asyncio.to_thread(hanging.wait, HANG_S)
        assert not feeding.done()
        return await feeding

    assert asyncio.run(main()) == expected
    assert pool.abandoned > 0
