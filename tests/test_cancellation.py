"""Tokens: until when work is wanted, and who is told; and which exceptions end the program."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import perf_counter
from typing import Any, NoReturn

import pytest

from guardrails.cancellation import Cancelled, Token, check, current, is_interrupt, within
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


def leave(*_: Any) -> NoReturn:
    """End the program, as a handler of SIGTERM often does."""
    sys.exit(3)


def ignore(*_: Any) -> None:
    """Take note of a signal, as servers do, and raise nothing."""


class Handler:
    """A handler that is no function."""

    def leave(self, *_: Any) -> NoReturn:
        """End the program."""
        sys.exit(3)

    def __call__(self, *_: Any) -> NoReturn:
        sys.exit(3)


def catch(action: Callable[[], object]) -> BaseException:
    """Return what an action raises."""
    try:
        action()
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


def press_ctrl_c() -> None:
    """Interrupt this thread as the terminal does."""
    signal.raise_signal(signal.SIGINT)


def raise_interrupt() -> NoReturn:
    """Raise the exception of Ctrl-C where nobody pressed it."""
    raise KeyboardInterrupt


@each_case(
    ("handler", "action", "expected"),
    [
        (signal.default_int_handler, press_ctrl_c, True),
        (leave, press_ctrl_c, True),
        (partial(leave, "a signal"), press_ctrl_c, True),
        (Handler().leave, press_ctrl_c, True),
        (Handler(), press_ctrl_c, True),
        # Without a handler that raises it, nobody pressed Ctrl-C; with Python's own that cannot be told.
        (signal.default_int_handler, raise_interrupt, True),
        (ignore, raise_interrupt, False),
        (signal.SIG_IGN, raise_interrupt, False),
        (signal.SIG_DFL, raise_interrupt, False),
        (leave, raise_interrupt, False),
        (signal.default_int_handler, partial(sys.exit, 3), False),
        (ignore, partial(sys.exit, 3), False),
        (signal.default_int_handler, partial(int, "x"), False),
    ],
)
def test_what_a_handler_of_a_signal_raises_ends_the_program(
    handler: Any, action: Callable[[], object], expected: bool
) -> None:
    """What a handler raised is an interrupt, and what code raised by itself is not, whatever its class."""
    before = signal.signal(signal.SIGINT, handler)
    try:
        assert is_interrupt(catch(action)) is expected
    finally:
        signal.signal(signal.SIGINT, before)


@each_case("action", [raise_interrupt, partial(sys.exit, 3)])
def test_no_other_thread_is_interrupted(action: Callable[[], object]) -> None:
    """Handlers run on the main thread, so that what other threads raise is their failure."""
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: is_interrupt(catch(action))).result() is False


def test_an_event_loop_is_interrupted_by_its_own_handler() -> None:
    """`asyncio.run` has a handler of its own: what a coroutine raises by itself is no interrupt there."""

    async def main() -> bool:
        return is_interrupt(catch(raise_interrupt))

    assert asyncio.run(main()) is False
