"""Tokens: until when work is wanted, and who is told."""

from __future__ import annotations

import threading
from time import perf_counter

import pytest

from guardrails.cancellation import Cancelled, Token, check, current, within
from tests.cases import each_case


@each_case(
    ("seconds", "cancelled"),
    [(None, False), (60, False), (-1, True)],
)
def test_a_token_is_cancelled_once_its_time_is_up(seconds: float | None, cancelled: bool) -> None:
    """One without a time never is."""
    token = Token() if seconds is None else Token(perf_counter() + seconds)
    assert token.cancelled is cancelled
    with within(token):
        if cancelled:
            with pytest.raises(Cancelled):
                check()
        else:
            check()


def test_work_is_cancelled_from_another_thread() -> None:
    """What checks within the token stops, and nobody else does."""
    token = Token()
    with within(token):
        check()
        canceller = threading.Thread(target=token.cancel)
        canceller.start()
        canceller.join()
        with pytest.raises(Cancelled):
            check()
    check()


def test_the_innermost_token_counts() -> None:
    """Work within work has a time of its own; behind it the outer one counts again."""
    outer, inner = Token(), Token()
    with within(outer):
        with within(inner):
            assert current() is inner
        assert current() is outer


def test_what_nobody_waits_for_gets_no_more_time() -> None:
    """A deadline that begins with the work does not bring it back."""
    token = Token()
    token.set_deadline(perf_counter() + 60)
    assert not token.cancelled
    token.cancel()
    token.set_deadline(perf_counter() + 60)
    assert token.cancelled
