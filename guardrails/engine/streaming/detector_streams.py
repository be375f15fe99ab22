"""Growing texts as detectors judge them by streams of their own.

What most of this package's detectors do with a part costs microseconds, and they are asked where the part comes. Those that ask a
model, and what others wrote, which may take any time, are asked on a worker and before the deadline of a check, as their `detect`
is, and so is what begins a stream. One that is too late has failed. Nobody asks it again, whatever it still does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Generic, TypeVar

from guardrails.cancellation import is_interrupt, within
from guardrails.detectors.binding import Begin, BoundDetector
from guardrails.detectors.capabilities import PassageStream
from guardrails.engine.detector_task import Task, find_undeclared
from guardrails.types import CLEAN, Content, Detection, Stream

T = TypeVar("T")


def ask_safely(ask: Callable[..., T], *about: object) -> T | None:
    """Return an answer of detectors, None where they break: what they raise stays out, as it may quote the text."""
    try:
        return ask(*about)
    except BaseException as error:  # libraries in Rust panic with no Exception at all
        if is_interrupt(error):
            raise
        return None


def needs_worker(bounds: Sequence[BoundDetector]) -> bool:
    """Tell whether detectors are asked on a worker: models are, and those of others unless they say that they take no time."""
    return any(not bound.inline and (bound.foreign or bound.tier > 0) for bound in bounds)


class DetectorStream:
    """One growing text, as one detector or several together judge it.

    Args:
        bounds: the detectors.
        begin: begins the text for them.
        context: what the text is judged beside.

    Attributes:
        bounds: the detectors.
        settled: the offset before which they will find nothing more.
        is_held: whether the text is held to its end, because they must see all of it, or have failed.
        on_worker: whether `feed` is called on a worker, by a `StreamCall`.
    """

    def __init__(
        self, bounds: Sequence[BoundDetector], begin: Begin, context: Mapping[str, str] | None
    ) -> None:
        self.bounds = bounds
        self.settled = 0
        self.is_held = False
        self.on_worker = needs_worker(bounds)
        self._begin = partial(begin, context)
        self._stream: Stream | None = None
        if not self.on_worker:
            self._stream = ask_safely(self._begin)
            self.is_held = self._stream is None

    def feed(self, delta: str, *, last: bool) -> list[Detection]:
        """Return what the detectors say of a part, and of the end where it is the `last`.

        Raises:
            TypeError: that is no `Detection`, or they do not say how far they are.
            ValueError: they find what they did not declare.
        """
        if self._stream is None:
            self._stream = self._begin()
        stream = self._stream
        if stream is None:
            self.is_held = True
            return []
        said = [*([stream.feed(delta)] if delta else []), *([stream.flush()] if last else [])]
        settled = stream.settled
        if not all(isinstance(each, Detection) for each in said) or type(settled) is not int:
            raise TypeError
        if any(find_undeclared(each, bound) for each in said if each is not CLEAN for bound in self.bounds):
            raise ValueError
        self.settled = settled
        return said


class StreamCall(Task, Generic[T]):
    """A call of a detector's stream, on a worker; `answer` is what it returns, None where it fails.

    Args:
        bound: the detector.
        function: calls its stream.
    """

    __slots__ = ("_function", "answer")

    def __init__(self, bound: BoundDetector, function: Callable[[], T]) -> None:
        super().__init__(replace(bound, inline=False, at_once=None, adetect=None), [0])
        self._function = function
        self.answer: T | None = None

    def run(self) -> None:
        """Ask the detector."""
        with within(self.token), self._record_errors():
            self.answer = self._function()


class WorkerPassageStream:
    """A `PassageStream` of a detector that is asked on a worker: it is begun, and forked, when it is asked.

    Args:
        begin: returns the detector's own.
    """

    def __init__(self, begin: Callable[[], PassageStream]) -> None:
        self._begin = begin
        self._stream: PassageStream | None = None

    def is_due(self, characters: int, *, busy: bool) -> bool:
        """Tell whether so much that follows is to be judged now."""
        return self._open().is_due(characters, busy=busy)

    def fork(self) -> WorkerPassageStream:
        """Return a stream that goes on from here."""
        return WorkerPassageStream(self._begin if self._stream is None else self._stream.fork)

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        """Judge what follows in the text."""
        return self._open().detect(batch)

    def _open(self) -> PassageStream:
        if self._stream is None:
            self._stream = self._begin()
        return self._stream


def begin_passages(bound: BoundDetector, context: Mapping[str, str] | None) -> PassageStream | None:
    """Begin a text that a detector judges one passage after the other, where it goes on from one to the next."""
    if bound.passage_stream is None:
        return None
    begin = partial(bound.passage_stream, context)
    return WorkerPassageStream(begin) if needs_worker((bound,)) else ask_safely(begin)
