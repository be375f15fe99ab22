"""The circuit breaker: when requests are sent, and when not."""

from __future__ import annotations

from guardrails.remote.breaker import CircuitBreaker
from tests.cases import each_case


def failed(breaker: CircuitBreaker, times: int, now: float) -> None:
    """Let requests fail."""
    for _ in range(times):
        breaker.record_start()
        breaker.record_end(now, well=False)


@each_case(
    ("ended", "wait"),
    [
        ([False, False], 0.0),
        ([False, False, False], 10.0),
        ([False, False, True, False, False], 0.0),
        ([False, None, False, None, None], 0.0),
        ([False, None, False, False], 10.0),
        ([None] * 9, 0.0),
        ([True] * 9, 0.0),
        ([False] * 9, 10.0),
    ],
)
def test_it_opens_after_failures_in_a_row(ended: list[bool | None], wait: float) -> None:
    """A success begins the count anew; a request that tells nothing neither counts nor interrupts."""
    breaker = CircuitBreaker(3, 10.0)
    for well in ended:
        breaker.record_start()
        breaker.record_end(100.0, well=well)
    assert breaker.remaining_wait(100.0) == wait


@each_case(("now", "wait"), [(100.0, 10.0), (104.0, 6.0), (109.5, 0.5), (110.0, 0.0), (500.0, 0.0)])
def test_open_it_says_for_how_long(now: float, wait: float) -> None:
    """Nothing is sent until the time is over."""
    breaker = CircuitBreaker(1, 10.0)
    failed(breaker, 1, 100.0)
    assert breaker.remaining_wait(now) == wait


def test_then_one_request_is_sent_to_see() -> None:
    """While it is under way no other is."""
    breaker = CircuitBreaker(2, 10.0)
    failed(breaker, 2, 100.0)
    assert breaker.remaining_wait(110.0) == 0.0
    breaker.record_start()
    assert breaker.remaining_wait(110.0) > 0
    assert breaker.remaining_wait(999.0) > 0


@each_case(("well", "wait"), [(True, 0.0), (False, 10.0), (None, 0.0)])
def test_how_that_one_ends_decides(well: bool | None, wait: float) -> None:
    """Well closes it, badly opens it for as long again; where it tells nothing, the next one is sent to see."""
    breaker = CircuitBreaker(2, 10.0)
    failed(breaker, 2, 100.0)
    breaker.record_start()
    breaker.record_end(111.0, well=well)
    assert breaker.remaining_wait(111.0) == wait


def test_asking_changes_nothing() -> None:
    """Whoever asks need not send."""
    breaker = CircuitBreaker(1, 10.0)
    failed(breaker, 1, 100.0)
    assert [breaker.remaining_wait(110.0) for _ in range(3)] == [0.0, 0.0, 0.0]


def test_closed_again_it_counts_from_nothing() -> None:
    """One failure after a recovery is one."""
    breaker = CircuitBreaker(2, 10.0)
    failed(breaker, 2, 100.0)
    breaker.record_start()
    breaker.record_end(111.0, well=True)
    failed(breaker, 1, 112.0)
    assert breaker.remaining_wait(112.0) == 0.0


def test_it_is_closed_until_it_opens_and_once_it_is_proved() -> None:
    """That it is time to see whether things are well again does not mean that they are."""
    breaker = CircuitBreaker(2, 10.0)
    seen = [breaker.is_closed]
    failed(breaker, 1, 100.0)
    seen.append(breaker.is_closed)
    failed(breaker, 1, 100.0)
    assert breaker.remaining_wait(110.0) == 0.0
    seen.append(breaker.is_closed)
    breaker.record_start()
    breaker.record_end(111.0, well=True)
    assert [*seen, breaker.is_closed] == [True, True, False, True]
