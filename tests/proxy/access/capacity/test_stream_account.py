"""Open streams: what they count for. `test_account.py` has how many are let in; clocks are set by hand."""

from __future__ import annotations

import pytest

from guardrails.processor.work_meter import WorkMeter
from guardrails.proxy.access.capacity.costs import Cost
from guardrails.proxy.access.capacity.speed import MachineSpeed
from guardrails.proxy.access.capacity.stream_account import LATE_S, OpenStream, StreamAccount
from tests.cases import each_case


class Streams:
    """An account on a clock that is set by hand, of one core without overhead and eight threads."""

    def __init__(self) -> None:
        self.now = 100.0
        self.speed = MachineSpeed(1.0)
        self.speed.observe(1e6, 1e6, 0.0)
        self.account = StreamAccount(self.speed, lambda clients: 8, lambda: self.now)
        self.account.seed(Cost(0.1, 0.0))

    def begin(self, caller: str = "a") -> OpenStream:
        """Return a stream for which a model is asked."""
        stream = self.account.open(caller, WorkMeter())
        self.account.begin(stream)
        return stream

    def run(self, streams: list[OpenStream], seconds: float, cpu_s: float) -> None:
        """Let time go by, in which each stream takes so much a second."""
        for _ in range(round(seconds * 4)):
            self.now += 0.25
            for each in streams:
                each.meter.cpu_s += cpu_s / 4
            self.account.measure(0.25)

    def end(self, stream: OpenStream, cpu_s: float) -> None:
        """Have a stream take so much, and end."""
        stream.meter.cpu_s += cpu_s
        self.account.close(stream)


@each_case(("work_s", "load"), [(0.01, 0.01 / LATE_S), (0.1, 0.1 / LATE_S), (4.0, 0.1)])
def test_a_short_stream_counts_with_all_its_work(work_s: float, load: float) -> None:
    """Over the time for which it may be late; a long one with what it takes each second."""
    streams = Streams()
    streams.end(streams.begin(), work_s)
    assert streams.begin().load == pytest.approx(load)
    assert streams.account.load == pytest.approx(load)


def test_a_hundred_fast_streams_are_let_in_that_are_done_in_a_second() -> None:
    """Each takes all of the machine for ten milliseconds: together they are late by a second."""
    streams = Streams()
    for _ in range(20):
        each = streams.begin()
        streams.run([each], 0.25, 0.04)
        streams.end(each, 0.0)
    opened = 0
    while streams.account.has_room("a", 0.75) and opened < 1_000:
        streams.begin()
        opened += 1
    assert 100 <= opened <= 150


def test_a_stream_that_is_longer_than_others_counts_with_what_it_takes_each_second() -> None:
    """Nobody knows what is to come: a client cannot teach that streams are short, and then have long ones for nothing."""
    streams = Streams()
    for _ in range(100):
        streams.end(streams.begin(), 0.01)
    long = streams.begin()
    assert long.load < 0.01
    streams.run([long], 20.0, 0.2)
    assert long.load == pytest.approx(0.2, rel=0.01)
    streams.end(long, 0.0)
    assert streams.begin().load > 0.1


def test_a_stream_that_ends_before_it_began_teaches_nothing() -> None:
    """Its request was refused: no answer was streamed."""
    streams = Streams()
    stream = streams.account.open("a", WorkMeter())
    streams.end(stream, 0.001)
    assert (len(streams.account), streams.account.load) == (0, 0.0)
    assert streams.begin().load == pytest.approx(0.1)


def test_on_a_late_machine_who_has_none_still_gets_a_stream() -> None:
    """One client filled its part before the machine was late: it gets no more, and others get theirs."""
    streams = Streams()
    while streams.account.has_room("loud", 0.75):
        streams.begin("loud")
    streams.speed.gain = 0.5
    assert streams.account.has_room("quiet", 0.5)
    streams.begin("quiet")
    assert not streams.account.has_room("loud", 0.5)
