"""The pool: results in order, no more parts at a time than cores, errors to whoever asked."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import pytest

from guardrails.cancellation import Cancelled, Token, within
from guardrails.inference.pool import Slots, WorkerPool, get_pool
from guardrails.processor.work_meter import METER, WorkMeter
from tests.cases import each_case
from tests.waiting import wait_until


@each_case("cores_", [1, 2, 4])
@each_case("count", [0, 1, 2, 50])
def test_results_are_in_the_order_of_the_parts(cores_: int, count: int) -> None:
    """Whoever did them."""
    assert WorkerPool(cores_).map(lambda part: part * 2, range(count)) == [part * 2 for part in range(count)]


def test_free_cores_help() -> None:
    """Two parts that wait for one another are done, by two threads."""
    both = threading.Barrier(2)

    def part(_: int) -> str:
        both.wait(timeout=30)
        return threading.current_thread().name

    assert len({*WorkerPool(2).map(part, range(2))}) == 2


def test_no_more_parts_run_than_there_are_cores() -> None:
    """However many callers ask."""
    pool = WorkerPool(2)
    lock = threading.Lock()
    running: set[int] = set()
    most = []

    def part(number: int) -> None:
        with lock:
            running.add(number)
            most.append(len(running))
        with lock:
            running.discard(number)

    with ThreadPoolExecutor(8) as callers:
        list(callers.map(lambda caller: pool.map(part, range(caller * 100, caller * 100 + 50)), range(8)))
    assert max(most) <= 2
    assert len(most) == 8 * 50


@each_case("count", [1, 5])
def test_an_error_goes_to_the_caller(count: int) -> None:
    """What is left of the caller's parts is not done; the pool goes on."""
    pool = WorkerPool(2)

    def part(number: int) -> int:
        if number == 0:
            raise ValueError("of the part")
        return number

    with pytest.raises(ValueError, match="of the part"):
        pool.map(part, range(count))
    assert pool.map(part, [1, 2, 3]) == [1, 2, 3]


def test_the_process_has_one_pool() -> None:
    """All models share the cores."""
    assert get_pool() is get_pool()


def test_parts_of_a_cancelled_caller_are_not_begun() -> None:
    """On any thread; the caller is told, and the pool goes on for the others."""
    pool, token, done = WorkerPool(2), Token(), []

    def part(number: int) -> None:
        token.cancel()
        done.append(number)

    with within(token), pytest.raises(Cancelled):
        pool.map(part, range(1_000))
    assert len(done) <= 2
    assert pool.map(lambda number: number, range(3)) == [0, 1, 2]


def test_a_short_call_waits_for_one_part_of_a_long_one() -> None:
    """Who works part after part gives its place to whoever asked meanwhile."""
    pool, order = WorkerPool(1), []

    def long(number: int) -> None:
        if number == 0:
            short.start()
            end = time.monotonic() + 10
            while not pool._slots.waiting:
                assert time.monotonic() < end
        order.append("long")

    short = threading.Thread(target=lambda: pool.map(lambda _: order.append("short"), [0]))
    pool.map(long, range(50))
    short.join()
    assert order.index("short") == 1


def test_a_thread_that_is_interrupted_while_it_waits_takes_no_place_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The others go on, whether its turn had come or not."""
    slots = Slots(1)

    class Interrupted(BaseException):
        pass

    class Turn:
        """A lock whose second acquisition is interrupted, after it was released or before."""

        def __init__(self) -> None:
            self.acquired = 0

        def acquire(self, timeout: float = -1) -> bool:
            self.acquired += 1
            if self.acquired == 2:
                if late:
                    slots.__exit__()
                raise Interrupted
            return True

        def release(self) -> None:
            pass

    for late in (False, True):
        with monkeypatch.context() as patched:
            slots.__enter__()
            patched.setattr(threading, "Lock", Turn)
            with pytest.raises(Interrupted):
                slots.__enter__()
            if not late:
                slots.__exit__()
        with slots:
            assert slots.waiting == 0


def test_who_has_no_core_in_time_waits_no_longer() -> None:
    """The place goes to those who still wait."""
    pool = WorkerPool(1)
    with pool._slots, within(Token(time.perf_counter() + 0.02)), pytest.raises(Cancelled):
        pool.map(str, [1])
    assert pool._slots.waiting == 0
    assert pool.map(str, [1]) == ["1"]


def test_parts_on_any_thread_are_measured_for_who_asked() -> None:
    """The caller's own thread is measured by whoever gave it its work; what others help with is added."""
    meter, both = WorkMeter(), threading.Barrier(2)

    def part(_: int) -> int:
        both.wait(timeout=30)
        return sum(range(100_000))

    copy_context().run(lambda: (METER.set(meter), WorkerPool(2).map(part, range(2))))
    wait_until(lambda: meter.cpu_s > 0.0)  # the caller has its results a moment before
    assert meter.busy_s == 0.0
