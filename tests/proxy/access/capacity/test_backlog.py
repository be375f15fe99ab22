"""What is promised and not done: clocks are set by hand."""

from __future__ import annotations

import pytest

from guardrails.proxy.access.capacity.backlog import Backlog, RequestBacklog
from guardrails.proxy.access.capacity.fairness import OWN_BOUND
from tests.cases import each_case


class Clock:
    """A clock that is set by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@each_case(
    ("short_s", "long_s", "passed_s", "short_wait_s", "long_wait_s"),
    [
        (0.5, 0.0, 0.2, 0.3, 0.3),
        (0.0, 9.0, 2.0, 0.0, 7.0),
        (0.5, 9.0, 0.0, 1.0, 9.5),
        (0.5, 9.0, 0.6, 0.4, 8.9),
        (0.5, 9.0, 2.0, 0.0, 7.5),
        (2.0, 0.5, 1.0, 1.5, 1.5),
        (0.5, 0.5, 5.0, 0.0, 0.0),
    ],
)
def test_what_is_short_waits_for_as_much_long_work_at_most(
    short_s: float, long_s: float, passed_s: float, short_wait_s: float, long_wait_s: float
) -> None:
    """Each kind gets half of the machine where there is some of both, and all of it else; what is long waits for all."""
    clock = Clock()
    backlog = RequestBacklog(clock)
    backlog.short.add("a", short_s)
    backlog.long.add("b", long_s)
    clock.now += passed_s
    for _ in range(2):  # also before anybody has looked at the clock
        assert backlog.wait_s() == pytest.approx(short_wait_s)
        assert backlog.wait_s(long=True) == pytest.approx(long_wait_s)
        backlog.advance(counts=True)
    assert backlog.busy_s == pytest.approx(min(passed_s, short_s + long_s))
    backlog.advance(counts=False)


def test_time_in_which_nothing_counts_is_not_busy() -> None:
    """The caller knows whose work it is."""
    clock = Clock()
    backlog = RequestBacklog(clock)
    backlog.short.add("a", 1.0)
    clock.now += 0.5
    backlog.advance(counts=False)
    assert backlog.busy_s == 0.0


def test_parts_of_clients_shrink_alike() -> None:
    """Who holds more than its share may go less far; who is done is forgotten."""
    backlog = Backlog()
    backlog.add("a", 0.6)
    backlog.add("b", 0.2)
    backlog.drain(0.4)
    assert backlog.seconds == pytest.approx(0.4)
    assert backlog.bound_for("c", 1.0) == 1.0
    assert backlog.bound_for("a", 1.0) == pytest.approx(OWN_BOUND * 0.2 / 0.3)
    backlog.add("b", -0.1)
    backlog.forget_small()
    assert backlog.clients == 1
    backlog.drain(5.0)
    assert (backlog.seconds, backlog.clients) == (0.0, 0)


@each_case(("caller", "wait_s"), [("loud", 2.9), ("other", 0.8), ("new", 0.6)])
def test_clients_take_turns(caller: str, wait_s: float) -> None:
    """Of each other one as much comes first as the client has itself, and a turn."""
    backlog = RequestBacklog(Clock())
    for each, seconds in (("loud", 2.5), ("other", 0.2), ("third", 0.2)):
        backlog.long.add(each, seconds)
    assert backlog.wait_of(caller, 0.2, long=True) == pytest.approx(wait_s)
    assert backlog.wait_of(caller, 0.2, long=False) == 0.0
    assert backlog.wait_s(long=True) == pytest.approx(2.9)


def test_parts_of_clients_are_begun_anew_before_they_are_too_small_to_be_written_down() -> None:
    """A backlog that never ends shrinks by a part again and again."""
    backlog = Backlog()
    for _ in range(200):
        backlog.add("a", 1.0)
        backlog.drain(backlog.seconds * 0.9)
    assert 0.0 < backlog.seconds < 1.0
    assert backlog.bound_for("b", 1.0) == 1.0
