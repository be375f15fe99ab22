"""The account of the work that a server has promised, and what it still lets in.

**Requests.** `backlog_s` says how long the machine would take for all that was promised and is not done: it grows by what a
request of a size takes, and shrinks as time passes. A request that would wait for longer than `max_wait_s` behind it is refused.
What it really took is put right when it ends. The work for its answer is promised with it, whenever that may come.

**Streams.** Each takes a part of the machine for as long as it is open: what it took lately, and at first what streams take on
the average. One is let in where all of them together take no more than `STREAM_SHARE`, so that those that began finish, and the
rest is left to requests. Where requests want more than that rest, the part of streams falls, down to `LEAST_STREAM_SHARE`: as
streams end, each kind gets half of the machine.

**Fairness.** The last part of either bound is for clients that hold less than their share: one more than there are get equal
parts. So who floods leaves room for whoever comes next.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from math import ceil
from time import perf_counter
from typing import Final, Literal

from guardrails.errors import GuardUnavailable
from guardrails.processor.work_meter import WorkMeter
from guardrails.proxy.access.capacity.costs import Cost, CostsByClient
from guardrails.proxy.access.capacity.speed import Delay, MachineSpeed

STREAM_SHARE: Final = 0.75
"""Part of the machine that streams may take together; the rest is for requests, and for streams that take more than expected."""

LEAST_STREAM_SHARE: Final = 0.5
"""That part where requests are at work on the rest all the time."""

CALM: Final = 0.5
PRESSED: Final = 0.9
"""Parts of the time for which requests are at work: up to which streams have their whole part, and from which the least."""

OWN_BOUND: Final = 0.85
LEAST_BOUND: Final = 0.25
"""Parts of a bound up to which a client may go that holds its share, and one that holds many times that."""

SILENT_S: Final = 10.0
"""Seconds after which half of what is kept for a stream that has not begun is given to others."""

PRESS_S: Final = 1.0
RELAX_S: Final = 15.0
"""Seconds over which it is averaged how busy requests are, while they grow busier, and while they grow less so: a stream is open for
longer than requests pause."""

WINDOW_S: Final = 3.0
"""Seconds over which what a stream takes is averaged: its work comes in pieces."""

REQUEST_CPU_S: Final = 1e-4
"""Processor seconds of a request that no meter sees, at least."""

LARGEST_PART: Final = 0.125
"""Part of `max_wait_s` that a request of a size that nobody has asked in is expected to take at most: such an estimate may be
wrong by orders, and one request must not keep all others out for that."""

LONGEST_RETRY_S: Final = 30
"""Seconds after which who is refused is told to come back, at most."""

SMALL_S: Final = 1e-3
"""Backlog of a client that is forgotten."""

LEAST_SCALE: Final = 1e-9
"""How little may be left of what the backlogs of clients are written down in, before they are begun anew."""

FIRST_REQUEST: Final = Cost(0.01, 0.01)
FIRST_STREAM: Final = Cost(0.02, 0.02)
"""What a request takes, and a stream each second, until something was measured."""

Kind = Literal["request", "stream"]


class Ticket:
    """One request that was let in: `CapacityAccount.admit` gives it, and `close` takes it back.

    Attributes:
        meter: of its work.
        caller: who asks.
        size: of its body.
        promised_s: what it added to the backlog.
        rate: of a stream, what it takes each second; None for a request.
        refused: whether it was to be a stream for which there was no room: what it took tells nothing of requests.
    """

    __slots__ = (
        "begun",
        "caller",
        "meter",
        "opened",
        "promised_s",
        "rate",
        "refused",
        "seen",
        "size",
        "spoke",
    )

    def __init__(self, caller: str, size: int, promised_s: float) -> None:
        self.meter = WorkMeter()
        self.caller, self.size, self.promised_s = caller, size, promised_s
        self.rate: Cost | None = None
        self.opened = 0.0
        self.seen = Cost(0.0, 0.0)
        self.begun = self.spoke = self.refused = False


class CapacityAccount:
    """The account of one process.

    Args:
        cores: that the process may use.
        threads: of the pool of workers.
        max_wait_s: for how long a request may be expected to wait.
        queue_wait: returns for how long work of a client would wait in the queue of the workers.
        queue_delay: returns how late the workers are, whoever waits.
        on_refusal: is told of each that is refused.
        clock: tells the time in seconds.
        jitter: returns a number from 0 to 1, so that not all come back at once.

    Attributes:
        max_wait_s: as given; it may be set anew.
        refused: how many were refused.
        stream_load: the part of the machine that open streams take.
    """

    def __init__(
        self,
        cores: float,
        threads: int,
        *,
        max_wait_s: float = 2.0,
        queue_wait: Callable[[str], float] = lambda caller: 0.0,
        queue_delay: Callable[[], float] = lambda: 0.0,
        on_refusal: Callable[[Kind], None] = lambda kind: None,
        clock: Callable[[], float] = perf_counter,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.max_wait_s = max_wait_s
        self.speed = MachineSpeed(cores)
        self.refused = 0
        self.stream_load = 0.0
        self._threads = threads
        self._share = (threads + 1) // 2  # what one client holds at most (`worker_pool`)
        self._queue_wait, self._queue_delay, self._on_refusal = queue_wait, queue_delay, on_refusal
        self._clock, self._jitter = clock, jitter
        self._requests, self._openings = CostsByClient(FIRST_REQUEST), CostsByClient(FIRST_REQUEST)
        self._stream_rate, self._stream_s = FIRST_STREAM, 10.0
        self._backlog_s, self._drained, self._scale = 0.0, clock(), 1.0
        self._backlogs: dict[str, float] = {}
        self._loads: dict[str, float] = {}
        self._open: dict[Ticket, None] = {}
        self._streams: dict[Ticket, None] = {}
        self._closed_s = self._metered_s = 0.0
        self._pressed_s = self._pressure = 0.0
        self._refused_before = 0
        self._saturated_since: float | None = None

    @property
    def backlog_s(self) -> float:
        """How long the machine would take for all that is promised; may be asked from any thread."""
        return max(0.0, self._backlog_s - max(0.0, self._clock() - self._drained))

    @property
    def streams(self) -> int:
        """How many streams are open."""
        return len(self._streams)

    @property
    def saturated_s(self) -> float:
        """For how many seconds requests have been refused, without a pause."""
        return 0.0 if self._saturated_since is None else self._clock() - self._saturated_since

    def seed(self, requests: Mapping[int, Cost], stream: Cost | None) -> None:
        """Take first estimates: what requests of some sizes take, and what a stream takes each second, if it is known."""
        for size, cost in requests.items():
            for table in (self._requests, self._openings):
                table.shared.learn(size, cost)
        if stream is not None and not self._streams:  # which tell more
            self._stream_rate = stream

    @property
    def delay_s(self) -> float:
        """For how many seconds requests wait by now, whoever asks; may be asked from any thread."""
        return max(self.backlog_s, self._queue_delay())

    @property
    def stream_share(self) -> float:
        """Part of the machine that streams may take together: less where requests want the rest all the time."""
        pressure = min(1.0, max(0.0, (self._pressure - CALM) / (PRESSED - CALM)))
        return (STREAM_SHARE - (STREAM_SHARE - LEAST_STREAM_SHARE) * pressure) * min(1.0, self.speed.gain)

    def expected_wait(self, caller: str) -> float:
        """Return for how many seconds a request of a client would wait; may be asked from any thread."""
        return max(self.backlog_s, self._queue_wait(caller))

    def check(self, caller: str) -> None:
        """Raise `GuardUnavailable` where a request of a client would be refused."""
        wait = self.expected_wait(caller)
        if wait <= self.max_wait_s * LEAST_BOUND:  # whatever the client holds
            return
        self._drain()
        if wait > self._bound(self.max_wait_s, self._backlog_s / self._scale, self._backlogs, caller):
            self._refuse("request", wait)

    def admit(self, caller: str, size: int) -> Ticket:
        """Let a request in; raises `GuardUnavailable` where it would wait for too long."""
        self.check(caller)
        self._drain()
        ticket = Ticket(caller, size, self._expect(self._requests, caller, size))
        self._promise(caller, ticket.promised_s)
        self._open[ticket] = None
        return ticket

    def open_stream(self, ticket: Ticket) -> None:
        """Count a request as one whose answer streams, before it is judged; raises `GuardUnavailable` where those that are open
        leave no room.
        """
        load = self._load_of(self._stream_rate)
        bound = self._bound(self.stream_share, self.stream_load, self._loads, ticket.caller)
        if self._streams and self.stream_load + load > bound:
            ticket.refused = True
            self._refuse("stream", self._stream_s / 4)  # others end all the time
        ticket.rate, ticket.opened = self._stream_rate, self._clock()
        ticket.meter.streams = True
        self._streams[ticket] = None
        self.stream_load += load
        self._loads[ticket.caller] = self._loads.get(ticket.caller, 0.0) + load
        opening_s = self._expect(self._openings, ticket.caller, ticket.size)
        self._promise(ticket.caller, opening_s - ticket.promised_s)
        ticket.promised_s = opening_s

    def begin_stream(self, ticket: Ticket) -> None:
        """Take that a streamed request was judged, and is asked: what it takes from here on is the stream's."""
        if ticket.rate is not None and not ticket.begun:
            ticket.begun = True
            self._settle(ticket, self._openings)
            ticket.seen = Cost(ticket.meter.cpu_s, ticket.meter.busy_s)

    def close(self, ticket: Ticket) -> None:
        """Take the end of a request, whatever came of it."""
        del self._open[ticket]
        self._closed_s += ticket.meter.cpu_s + REQUEST_CPU_S
        if ticket.refused:
            self._drain()
            self._promise(ticket.caller, -ticket.promised_s)
            return
        if ticket.rate is None:
            self._settle(ticket, self._requests)
            return
        del self._streams[ticket]
        load = self._load_of(ticket.rate)
        self.stream_load = max(0.0, self.stream_load - load) if self._streams else 0.0
        self._loads[ticket.caller] = max(0.0, self._loads.get(ticket.caller, 0.0) - load)
        if not ticket.begun:
            self._settle(ticket, self._openings)
        else:
            self._stream_s += (self._clock() - ticket.opened - self._stream_s) * 0.1

    def measure(self, seconds: float, process_s: float, loop_s: float, delay_s: float) -> None:
        """Take what clocks say of the last so many seconds.

        Args:
            seconds: since the last time.
            process_s: processor seconds of the process in them.
            loop_s: processor seconds of the event loop's thread in them.
            delay_s: how late the loop is.
        """
        self._drain()
        metered = self._closed_s + sum(ticket.meter.cpu_s for ticket in self._open)
        self.speed.observe(max(0.0, metered - self._metered_s), process_s, loop_s)
        self._metered_s = metered
        refused = self.refused > self._refused_before
        self._refused_before = self.refused
        self.speed.follow_delay(
            Delay(delay_s, self._queue_delay(), self.backlog_s, self.max_wait_s), refused=refused
        )
        change, self._pressed_s = min(1.0, self._pressed_s / seconds) - self._pressure, 0.0
        self._pressure += change * min(1.0, seconds / (PRESS_S if change > 0.0 else RELAX_S))
        for caller in [name for name, held in self._backlogs.items() if held * self._scale < SMALL_S]:
            del self._backlogs[caller]
        if not refused:
            self._saturated_since = None
        elif self._saturated_since is None:
            self._saturated_since = self._clock()
        self._measure_streams(seconds)

    def _measure_streams(self, seconds: float) -> None:
        """Take what each stream took in the last so many seconds."""
        now, weight = self._clock(), min(1.0, seconds / WINDOW_S)
        cpu_s = busy_s = 0.0
        spoke = 0
        self._loads.clear()
        for ticket in self._streams:
            assert ticket.rate is not None  # it is one of the streams
            if ticket.begun:
                meter, seen = ticket.meter, ticket.seen
                took = Cost((meter.cpu_s - seen.cpu_s) / seconds, (meter.busy_s - seen.busy_s) / seconds)
                ticket.seen = Cost(meter.cpu_s, meter.busy_s)
                ticket.spoke = ticket.spoke or took.cpu_s > 0.0
                if ticket.spoke:
                    ticket.rate = ticket.rate.approach(took, weight)
                    cpu_s, busy_s, spoke = cpu_s + ticket.rate.cpu_s, busy_s + ticket.rate.busy_s, spoke + 1
                elif now - ticket.opened > SILENT_S:  # until then what is kept for it is what it will need
                    ticket.rate = ticket.rate.scale(0.5 ** (seconds / SILENT_S))
            load = self._load_of(ticket.rate)
            self._loads[ticket.caller] = self._loads.get(ticket.caller, 0.0) + load
        self.stream_load = sum(self._loads.values())
        is_late = self.speed.gain < 1.0
        # Streams that are late take less than they would.
        if spoke and not (is_late and cpu_s / spoke < self._stream_rate.cpu_s):
            self._stream_rate = self._stream_rate.approach(Cost(cpu_s / spoke, busy_s / spoke), weight)
        if is_late:
            self.stream_load = max(self.stream_load, len(self._streams) * self._load_of(self._stream_rate))

    def _load_of(self, rate: Cost) -> float:
        """Return the part of the machine that takes so much each second."""
        speed = self.speed
        threads = self._threads if len(self._loads) > 1 else self._share
        return max(rate.cpu_s * speed.overhead / speed.usable_cores, rate.busy_s / threads)

    def _worth(self, cpu_s: float, busy_s: float) -> float:
        """Return for how long the machine, as far as streams leave it, is at work."""
        speed = self.speed
        worth = (cpu_s + REQUEST_CPU_S) * speed.overhead / speed.usable_cores
        if busy_s:
            threads = self._threads if len(self._backlogs) > 1 else self._share
            worth = max(worth, busy_s / threads)
        return worth / (max(1.0 - STREAM_SHARE, 1.0 - self.stream_load) * speed.gain)

    def _expect(self, costs: CostsByClient, caller: str, size: int) -> float:
        """Return for how long the machine is expected to be at work for a request of a client."""
        worth = self._worth(*costs.estimate(caller, size))
        return worth if costs.shared.has_measured(size) else min(worth, self.max_wait_s * LARGEST_PART)

    def _settle(self, ticket: Ticket, costs: CostsByClient) -> None:
        """Put right what was promised for a request, now that it is known what it took."""
        cpu_s, busy_s = ticket.meter.cpu_s, ticket.meter.busy_s
        if cpu_s or busy_s:  # one that was refused before any check says nothing of what checks take
            costs.learn(ticket.caller, ticket.size, Cost(cpu_s, busy_s))
        self._drain()
        # What it took beyond that is done by now: nobody waits for it.
        self._promise(ticket.caller, min(0.0, self._worth(cpu_s, busy_s) - ticket.promised_s))

    def _promise(self, caller: str, seconds: float) -> None:
        """Add work of a client to the backlog, or take it away."""
        backlog, own = self._backlog_s + seconds, self._backlogs.get(caller, 0.0) + seconds / self._scale
        self._backlog_s = backlog if backlog > 0.0 else 0.0
        self._backlogs[caller] = own if own > 0.0 else 0.0

    def _drain(self) -> None:
        """Take away what was done since the last time, of each client in proportion."""
        now = self._clock()
        passed, self._drained = now - self._drained, now
        left = self._backlog_s - passed
        if len(self._open) > len(self._streams):
            self._pressed_s += min(passed, self._backlog_s)
        if left <= 0.0:
            # Parts of clients may be left all the same, where one took less than was promised for it.
            self._backlog_s, self._scale = 0.0, 1.0
            self._backlogs.clear()
        elif self._scale < LEAST_SCALE:
            self._backlog_s, self._scale = left, 1.0
            self._backlogs.clear()
        else:
            self._scale *= left / self._backlog_s
            self._backlog_s = left

    @staticmethod
    def _bound(bound: float, total: float, held: Mapping[str, float], caller: str) -> float:
        """Return up to where a client may go: all of a bound if it holds less than its share of what all hold together, a part
        of it if it holds that, and less of it the more it holds.
        """
        own = held.get(caller, 0.0)
        if own <= total / (len(held) + 1):
            return bound
        return bound * max(LEAST_BOUND, OWN_BOUND * min(1.0, total / len(held) / own))

    def _refuse(self, kind: Kind, wait_s: float) -> None:
        self.refused += 1
        self._on_refusal(kind)
        seconds = ceil(max(1.0, wait_s) * (1.0 + self._jitter()))
        message = (
            f"the guard is at its capacity: a request would wait for {wait_s:.1f} s"
            if kind == "request"
            else f"the guard is at its capacity: {len(self._streams)} streams are open"
        )
        raise GuardUnavailable(message, min(LONGEST_RETRY_S, seconds))
