"""The account of open streams: what part of the machine they take together, and whether there is room for one more.

A stream takes a part of the machine for as long as it is open: what it took lately, and at first what streams take on average.
One that is short counts less: with all that it will take, over the time for which it may be late. A model that writes hundreds of
words a second is through in a moment, and its readers get them a second or two later.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Final

from guardrails.processor.work_meter import WorkMeter
from guardrails.proxy.access.capacity.costs import Cost, CostsByClient
from guardrails.proxy.access.capacity.fairness import bound_for
from guardrails.proxy.access.capacity.speed import MachineSpeed

STREAM_SHARE: Final = 0.75
"""Part of the machine that streams may take together; the rest is for requests, and for streams that take more than expected."""

LATE_S: Final = 2.0
"""Seconds by which a stream may be late that is short."""

SILENT_S: Final = 10.0
"""Seconds after which half of what is kept for a stream that has not begun is given to others."""

WINDOW_S: Final = 3.0
"""Seconds over which what a stream takes is averaged: its work comes in pieces."""

RECENT: Final = 0.1
"""Weight of the last stream in how long streams are open."""

FIRST_RATE: Final = Cost(0.02, 0.02)
FIRST_S: Final = 10.0
"""What a stream takes each second, and for how long it is open, until something was measured."""

UNKNOWN_WORK: Final = Cost(inf, inf)
"""What a stream takes in all, until one has ended."""


class OpenStream:
    """A stream that is open: `StreamAccount.open` gives it, and `close` takes it back.

    Attributes:
        caller: who asks.
        meter: of its work.
        rate: what it takes each second, lately.
        load: the part of the machine that it counts for.
        opened: when it was let in.
        before: what its meter said when it began; None until then.
        seen: what its meter said last.
        spoke: whether it has taken anything since it began.
    """

    __slots__ = ("before", "caller", "load", "meter", "opened", "rate", "seen", "spoke")

    def __init__(self, caller: str, meter: WorkMeter, rate: Cost, load: float, opened: float) -> None:
        self.caller, self.meter, self.rate, self.load, self.opened = caller, meter, rate, load, opened
        self.before: Cost | None = None
        self.seen = Cost(0.0, 0.0)
        self.spoke = False


class StreamAccount:
    """The account of one process's streams.

    Args:
        speed: of the machine.
        threads: returns how many threads of the workers so many clients may hold.
        clock: tells the time in seconds.

    Attributes:
        load: the part of the machine that open streams take.
        mean_s: for how long streams are open.
    """

    def __init__(
        self, speed: MachineSpeed, threads: Callable[[int], int], clock: Callable[[], float]
    ) -> None:
        self.load, self.mean_s = 0.0, FIRST_S
        self._speed, self._threads, self._clock = speed, threads, clock
        self._rate = FIRST_RATE
        self._work = CostsByClient(UNKNOWN_WORK)
        self._loads: dict[str, float] = {}
        self._open: dict[OpenStream, None] = {}

    def __len__(self) -> int:
        return len(self._open)

    def seed(self, rate: Cost) -> None:
        """Take a first estimate of what a stream takes each second."""
        if not self._open:  # which tell more
            self._rate = rate

    def has_room(self, caller: str, share: float) -> bool:
        """Tell whether there is room for one more stream of a client; the only one always has it.

        Args:
            caller: the client.
            share: the part of the machine for clients that hold their share of it. Others have `STREAM_SHARE`, also where the
                machine is late: those who came before them filled it, and have to wait first.
        """
        bound = bound_for(caller, self._loads, self.load, STREAM_SHARE)
        if bound < STREAM_SHARE:
            bound *= min(1.0, self._speed.gain) * share / STREAM_SHARE
        return not self._open or self.load + self._expected_load(caller) <= bound

    def open(self, caller: str, meter: WorkMeter) -> OpenStream:
        """Count one more stream."""
        meter.streams = True
        stream = OpenStream(caller, meter, self._rate, self._expected_load(caller), self._clock())
        self._open[stream] = None
        self.load += stream.load
        self._loads[caller] = self._loads.get(caller, 0.0) + stream.load
        return stream

    def begin(self, stream: OpenStream) -> None:
        """Take that a model is asked: what its meter says from here on is the stream's."""
        stream.before = stream.seen = Cost(stream.meter.cpu_s, stream.meter.busy_s)

    def close(self, stream: OpenStream) -> None:
        """Take the end of a stream, whatever came of it."""
        del self._open[stream]
        self.load = max(0.0, self.load - stream.load) if self._open else 0.0
        self._loads[stream.caller] = max(0.0, self._loads.get(stream.caller, 0.0) - stream.load)
        if stream.before is not None:
            self.mean_s += (self._clock() - stream.opened - self.mean_s) * RECENT
            self._work.learn(stream.caller, 0, _took_since(stream.before, stream.meter))

    def measure(self, seconds: float) -> None:
        """Take what each stream took in the last so many seconds."""
        weight, is_late = min(1.0, seconds / WINDOW_S), self._speed.gain < 1.0
        for stream in self._open:
            self._follow(stream, seconds, weight)
        spoke = [stream.rate for stream in self._open if stream.spoke]
        if spoke:
            mean = Cost(
                sum(rate.cpu_s for rate in spoke) / len(spoke),
                sum(rate.busy_s for rate in spoke) / len(spoke),
            )
            if (
                not is_late or mean.cpu_s >= self._rate.cpu_s
            ):  # streams that are late take less than they would
                self._rate = self._rate.approach(mean, weight)
        self._loads.clear()
        for stream in self._open:
            stream.load = self._load_of(self._cap(stream))
            if is_late:
                stream.load = max(stream.load, self._expected_load(stream.caller))
            self._loads[stream.caller] = self._loads.get(stream.caller, 0.0) + stream.load
        self.load = sum(self._loads.values())

    def _follow(self, stream: OpenStream, seconds: float, weight: float) -> None:
        """Take what one stream took in the last so many seconds."""
        if stream.before is None:
            return
        took = _took_since(stream.seen, stream.meter).scale(1.0 / seconds)
        stream.seen = Cost(stream.meter.cpu_s, stream.meter.busy_s)
        stream.spoke = stream.spoke or took.cpu_s > 0.0
        if stream.spoke:
            stream.rate = stream.rate.approach(took, weight)
        elif self._clock() - stream.opened > SILENT_S:  # until then what is kept for it is what it will need
            stream.rate = stream.rate.scale(0.5 ** (seconds / SILENT_S))

    def _cap(self, stream: OpenStream) -> Cost:
        """Return what counts of what a stream takes each second: at most all that it will take, over the time for which it may be
        late.
        """
        work = self._work.estimate(stream.caller, 0)
        if stream.before is not None and _took_since(stream.before, stream.meter).cpu_s > work.cpu_s:
            return stream.rate  # it is longer than others: nobody knows what is to come
        return _least(stream.rate, work.scale(1.0 / LATE_S))

    def _expected_load(self, caller: str) -> float:
        """Return the part of the machine that a stream of a client counts for before it has begun."""
        work = self._work.estimate(caller, 0)
        return self._load_of(_least(self._rate, work.scale(1.0 / LATE_S)))

    def _load_of(self, rate: Cost) -> float:
        """Return the part of the machine that takes so much each second."""
        speed = self._speed
        return max(
            rate.cpu_s * speed.overhead / speed.usable_cores, rate.busy_s / self._threads(len(self._loads))
        )


def _took_since(before: Cost, meter: WorkMeter) -> Cost:
    return Cost(meter.cpu_s - before.cpu_s, meter.busy_s - before.busy_s)


def _least(one: Cost, other: Cost) -> Cost:
    return Cost(min(one.cpu_s, other.cpu_s), min(one.busy_s, other.busy_s))
