"""The account of the work that a server has promised, and what it still lets in.

**Requests.** A backlog says how long the machine would take for all that was promised and is not done: it grows by what a
request of a size takes, and shrinks as time passes. There are two, as what is short does not wait for what is long. A request
that would wait for longer than `max_wait_s` behind its own is refused. What it really took is put right when it ends. The work
for its answer is promised with it, whenever that may come.

**Streams.** What they take together (`stream_account`) is at most `STREAM_SHARE` of the machine, so that those that began finish,
and the rest is left to requests. Where requests want more than that rest, the part of streams falls, down to
`LEAST_STREAM_SHARE`: as streams end, each kind gets half of the machine.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from math import ceil
from time import perf_counter
from typing import Final, Literal

from guardrails.errors import GuardUnavailable
from guardrails.processor.work_meter import WorkMeter
from guardrails.proxy.access.capacity.backlog import Backlog, RequestBacklog
from guardrails.proxy.access.capacity.costs import Cost, CostsByClient
from guardrails.proxy.access.capacity.fairness import LEAST_BOUND
from guardrails.proxy.access.capacity.speed import Delay, MachineSpeed
from guardrails.proxy.access.capacity.stream_account import STREAM_SHARE, OpenStream, StreamAccount

LEAST_STREAM_SHARE: Final = 0.5
"""Part of the machine that streams have where requests are at work on the rest all the time, in the place of `STREAM_SHARE`."""

CALM: Final = 0.5
PRESSED: Final = 0.9
"""Parts of the time for which requests are at work: up to which streams have their whole part, and from which the least."""

PRESS_S: Final = 1.0
RELAX_S: Final = 15.0
"""Seconds over which it is averaged how busy requests are, while they grow busier, and while they grow less so: streams are open
for longer than requests pause."""

REQUEST_CPU_S: Final = 1e-4
"""Processor seconds of a request that no meter sees, at least."""

LARGEST_PART: Final = 0.125
"""Part of `max_wait_s` that a request of a size that nobody has asked in is expected to take at most: such an estimate may be
wrong by orders, and one request must not keep all others out for that. It is also what a client has at a turn."""

LONGEST_RETRY_S: Final = 30
"""Seconds after which who is refused is told to come back, at most."""

LONG_BYTES: Final = 20_000
LONG_S: Final = 0.25
"""What the body of a request holds at most, and what it is expected to take, whose work is short."""

FIRST_REQUEST: Final = Cost(0.01, 0.01)
"""What a request takes, until something was measured."""

Kind = Literal["request", "stream"]


class Ticket:
    """One request that was let in: `CapacityAccount.admit` gives it, and `close` takes it back.

    Attributes:
        meter: of its work.
        caller: who asks.
        size: of its body.
        backlog: that its work was added to.
        promised_s: what it added.
        stream: its answer, if that is streamed; None otherwise.
        refused: whether it was to be a stream for which there was no room: what it took tells nothing of requests.
    """

    __slots__ = ("backlog", "caller", "meter", "promised_s", "refused", "size", "stream")

    def __init__(self, caller: str, size: int, backlog: Backlog, promised_s: float) -> None:
        self.meter = WorkMeter()
        self.caller, self.size, self.backlog, self.promised_s = caller, size, backlog, promised_s
        self.stream: OpenStream | None = None
        self.refused = False


class CapacityAccount:
    """The account of one process.

    Args:
        cores: that the process may use.
        threads: of the pool of workers.
        max_wait_s: for how long a request may be expected to wait.
        queue_wait: returns for how long work of a client, long or not, would wait in the queue of the workers.
        queue_delay: returns how late the workers are, whoever waits.
        on_refusal: is told of each that is refused.
        clock: tells the time in seconds.
        jitter: returns a number from 0 to 1, so that not all come back at once.

    Attributes:
        max_wait_s: as given; it may be set anew.
        refused: how many were refused.
    """

    def __init__(
        self,
        cores: float,
        threads: int,
        *,
        max_wait_s: float = 2.0,
        queue_wait: Callable[[str, bool], float] = lambda caller, long: 0.0,
        queue_delay: Callable[[], float] = lambda: 0.0,
        on_refusal: Callable[[Kind], None] = lambda kind: None,
        clock: Callable[[], float] = perf_counter,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.max_wait_s = max_wait_s
        self.speed = MachineSpeed(cores)
        self.refused = 0
        self._threads = threads
        self._open_streams = StreamAccount(self.speed, self._threads_of, clock)
        self._queue_wait, self._queue_delay, self._on_refusal = queue_wait, queue_delay, on_refusal
        self._clock, self._jitter = clock, jitter
        self._requests, self._openings = CostsByClient(FIRST_REQUEST), CostsByClient(FIRST_REQUEST)
        self._backlog = RequestBacklog(clock)
        self._open: dict[Ticket, None] = {}
        self._closed_s = self._metered_s = 0.0
        self._pressure = 0.0
        self._refused_before = 0
        self._saturated_since: float | None = None

    @property
    def stream_load(self) -> float:
        """The part of the machine that open streams take."""
        return self._open_streams.load

    @property
    def streams(self) -> int:
        """How many streams are open."""
        return len(self._open_streams)

    @property
    def saturated_s(self) -> float:
        """For how many seconds requests have been refused, without a pause."""
        return 0.0 if self._saturated_since is None else self._clock() - self._saturated_since

    def seed(self, requests: Mapping[int, Cost], stream: Cost | None) -> None:
        """Take first estimates: what requests of some sizes take, and what a stream takes each second, if it is known."""
        for size, cost in requests.items():
            for table in (self._requests, self._openings):
                table.shared.learn(size, cost)
        if stream is not None:
            self._open_streams.seed(stream)

    @property
    def delay_s(self) -> float:
        """For how many seconds requests wait by now, whoever asks; may be asked from any thread."""
        return max(self._backlog.wait_s(), self._queue_delay())

    @property
    def stream_share(self) -> float:
        """Part of the machine that streams may take together: less where requests want the rest all the time."""
        pressure = min(1.0, max(0.0, (self._pressure - CALM) / (PRESSED - CALM)))
        return STREAM_SHARE - (STREAM_SHARE - LEAST_STREAM_SHARE) * pressure

    def expected_wait(self, caller: str, *, long: bool = False) -> float:
        """Return for how many seconds a request of a client would wait."""
        self._advance()
        turn_s = self.max_wait_s * LARGEST_PART
        return max(self._backlog.wait_of(caller, turn_s, long=long), self._queue_wait(caller, long))

    def check(self, caller: str, *, long: bool = False) -> None:
        """Raise `GuardUnavailable` where a request of a client would be refused; at first nobody knows whether it is `long`."""
        wait = max(self._backlog.wait_s(long=long), self._queue_wait(caller, long))
        if wait <= self.max_wait_s * LEAST_BOUND:  # whoever asks, and whatever the client holds
            return
        wait = self.expected_wait(caller, long=long)
        backlog = self._backlog.long if long else self._backlog.short
        if wait > backlog.bound_for(caller, self.max_wait_s):
            self._refuse("request", wait)

    def admit(self, caller: str, size: int) -> Ticket:
        """Let a request in; raises `GuardUnavailable` where it would wait for too long."""
        self._advance()
        cost = self._requests.estimate(caller, size)
        long = size > LONG_BYTES or max(cost) > LONG_S
        self.check(caller, long=long)
        backlog = self._backlog.long if long else self._backlog.short
        ticket = Ticket(caller, size, backlog, self._expect(self._requests, size, cost))
        backlog.add(caller, ticket.promised_s)
        self._open[ticket] = None
        return ticket

    def open_stream(self, ticket: Ticket) -> None:
        """Count a request as one whose answer streams, before it is judged; raises `GuardUnavailable` where those that are open
        leave no room.
        """
        if not self._open_streams.has_room(ticket.caller, self.stream_share):
            ticket.refused = True
            self._refuse("stream", self._open_streams.mean_s / 4)  # others end all the time
        ticket.stream = self._open_streams.open(ticket.caller, ticket.meter)
        cost = self._openings.estimate(ticket.caller, ticket.size)
        opening_s = self._expect(self._openings, ticket.size, cost)
        ticket.backlog.add(ticket.caller, opening_s - ticket.promised_s)
        ticket.promised_s = opening_s

    def begin_stream(self, ticket: Ticket) -> None:
        """Take that a streamed request was judged, and is asked: what it takes from here on is the stream's."""
        if ticket.stream is not None and ticket.stream.before is None:
            self._settle(ticket, self._openings)
            self._open_streams.begin(ticket.stream)

    def close(self, ticket: Ticket) -> None:
        """Take the end of a request, whatever came of it."""
        del self._open[ticket]
        self._closed_s += ticket.meter.cpu_s + REQUEST_CPU_S
        if ticket.refused:
            self._advance()
            ticket.backlog.add(ticket.caller, -ticket.promised_s)
            return
        if ticket.stream is None:
            self._settle(ticket, self._requests)
            return
        self._open_streams.close(ticket.stream)
        if ticket.stream.before is None:
            self._settle(ticket, self._openings)

    def measure(self, seconds: float, process_s: float, loop_s: float, delay_s: float) -> None:
        """Take what clocks say of the last so many seconds.

        Args:
            seconds: since the last time.
            process_s: processor seconds of the process in them.
            loop_s: processor seconds of the event loop's thread in them.
            delay_s: how late the loop is.
        """
        self._advance()
        metered = self._closed_s + sum(ticket.meter.cpu_s for ticket in self._open)
        self.speed.observe(max(0.0, metered - self._metered_s), process_s, loop_s)
        self._metered_s = metered
        refused = self.refused > self._refused_before
        self._refused_before = self.refused
        self.speed.follow_delay(
            Delay(delay_s, self._queue_delay(), self._backlog.wait_s(), self.max_wait_s),
            seconds,
            refused=refused,
        )
        change, self._backlog.busy_s = min(1.0, self._backlog.busy_s / seconds) - self._pressure, 0.0
        self._pressure += change * min(1.0, seconds / (PRESS_S if change > 0.0 else RELAX_S))
        self._backlog.forget_small()
        if not refused:
            self._saturated_since = None
        elif self._saturated_since is None:
            self._saturated_since = self._clock()
        self._open_streams.measure(seconds)

    def _threads_of(self, clients: int) -> int:
        """Return how many threads of the workers so many clients hold at most: one has half of them (`worker_pool`)."""
        return self._threads if clients > 1 else (self._threads + 1) // 2

    def _worth(self, cpu_s: float, busy_s: float) -> float:
        """Return for how long the machine, as far as streams leave it, is at work."""
        speed = self.speed
        worth = (cpu_s + REQUEST_CPU_S) * speed.overhead / speed.usable_cores
        if busy_s:
            worth = max(worth, busy_s / self._threads_of(self._backlog.short.clients))
        return worth / (max(1.0 - STREAM_SHARE, 1.0 - self.stream_load) * speed.gain)

    def _expect(self, costs: CostsByClient, size: int, cost: Cost) -> float:
        """Return for how long the machine is expected to be at work for a request of a size."""
        worth = self._worth(*cost)
        return worth if costs.shared.has_measured(size) else min(worth, self.max_wait_s * LARGEST_PART)

    def _settle(self, ticket: Ticket, costs: CostsByClient) -> None:
        """Put right what was promised for a request, now that it is known what it took."""
        cpu_s, busy_s = ticket.meter.cpu_s, ticket.meter.busy_s
        if cpu_s or busy_s:  # one that was refused before any check says nothing of what checks take
            costs.learn(ticket.caller, ticket.size, Cost(cpu_s, busy_s))
        self._advance()
        # What it took beyond that is done by now: nobody waits for it.
        ticket.backlog.add(ticket.caller, min(0.0, self._worth(cpu_s, busy_s) - ticket.promised_s))

    def _advance(self) -> None:
        """Take away what was done since the last time."""
        self._backlog.advance(counts=len(self._open) > self.streams)

    def _refuse(self, kind: Kind, wait_s: float) -> None:
        self.refused += 1
        self._on_refusal(kind)
        seconds = ceil(max(1.0, wait_s) * (1.0 + self._jitter()))
        message = (
            f"the guard is at its capacity: a request would wait for {wait_s:.1f} s"
            if kind == "request"
            else f"the guard is at its capacity: {self.streams} streams are open"
        )
        raise GuardUnavailable(message, min(LONGEST_RETRY_S, seconds))
