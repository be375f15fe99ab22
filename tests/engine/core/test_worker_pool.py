"""The pool of threads: what it runs, what it abandons, and when it sheds load. No sleeps: events decide."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextvars import copy_context

import pytest

from guardrails import GuardUnavailable
from guardrails.engine.core.worker_pool import CALLER, Workers, workers
from guardrails.processor.work_meter import METER, WorkMeter
from tests.waiting import wait_until

WAIT = 10.0
HANG = 60.0


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """An event on which jobs hang until the test is over."""
    event = threading.Event()
    yield event
    event.set()


def hanging(gate: threading.Event) -> tuple[Callable[[], str], threading.Event]:
    """Return a job that hangs on the gate, and an event that tells that it has begun."""
    begun = threading.Event()

    def job() -> str:
        begun.set()
        gate.wait(HANG)
        return "late"

    return job, begun


def hang(pool: Workers, gate: threading.Event, *, bulk: bool = False) -> Future[str]:
    """Have a thread of a pool hang on the gate; return its job once that has begun."""
    job, begun = hanging(gate)
    future = pool.submit(job, bulk=bulk)
    assert begun.wait(WAIT)
    return future


def test_a_future_carries_the_result() -> None:
    """What the function returns is what the future gives."""
    assert Workers(1, queue=4, spare=0).submit(lambda: 7).result(WAIT) == 7


def test_a_future_carries_the_error() -> None:
    """What the function raises is raised to whoever waits, also what is no Exception; the thread lives on."""

    class Panic(BaseException):
        pass

    def fails() -> None:
        raise Panic

    pool = Workers(1, queue=4, spare=0)
    with pytest.raises(Panic):
        pool.submit(fails).result(WAIT)
    assert pool.submit(lambda: 1).result(WAIT) == 1


def test_threads_are_reused() -> None:
    """Jobs one after the other run on one thread, which is a daemon and so never delays exit."""
    pool = Workers(4, queue=4, spare=0)
    threads = set()
    for _ in range(20):
        thread = pool.submit(threading.current_thread).result(WAIT)
        threads.add(thread)
        wait_until(lambda: pool._idle == 1)  # the future is done a moment before its thread asks for more
    assert len(threads) == 1
    assert threads.pop().daemon


def test_jobs_run_side_by_side_up_to_the_number_of_threads(gate: threading.Event) -> None:
    """Two threads run two jobs at once; the third waits its turn and runs when one is done."""
    pool = Workers(2, queue=8, spare=0)
    first, first_begun = hanging(gate)
    second, second_begun = hanging(gate)
    futures = [pool.submit(first), pool.submit(second), pool.submit(lambda: "third")]
    assert first_begun.wait(WAIT)
    assert second_begun.wait(WAIT)
    assert not futures[2].done()
    assert pool.waiting == 1
    gate.set()
    assert [future.result(WAIT) for future in futures] == ["late", "late", "third"]


def test_a_full_queue_sheds_load(gate: threading.Event) -> None:
    """More than the queue holds is refused at once, and says when to try again."""
    pool = Workers(1, queue=2, spare=0)
    hang(pool, gate)
    for _ in range(2):
        pool.submit(lambda: None)
    with pytest.raises(GuardUnavailable) as caught:
        pool.submit(lambda: None)
    assert caught.value.retry_after >= 1


def test_an_abandoned_thread_is_counted_and_replaced(gate: threading.Event) -> None:
    """Stuck work holds no place: the next job runs on a new thread, and the old one goes when it wakes."""
    pool = Workers(1, queue=4, spare=1)
    stuck = hang(pool, gate)
    pool.abandon(stuck)
    assert pool.abandoned == 1
    assert pool.submit(lambda: 1).result(WAIT) == 1
    gate.set()
    assert stuck.result(WAIT) == "late"
    wait_until(lambda: pool.abandoned == 0)
    assert pool.submit(lambda: 2).result(WAIT) == 2


def test_replaced_threads_leave_once_they_are_free(gate: threading.Event) -> None:
    """There are no more threads than both lanes have places, once nothing is stuck."""
    pool = Workers(1, queue=4, spare=4)
    for _ in range(2):
        for bulk in (False, True):
            stuck = hang(pool, gate, bulk=bulk)
            pool.abandon(stuck)
    assert pool._alive == 4
    gate.set()
    wait_until(lambda: (pool._alive, pool.abandoned) == (2, 0))
    assert pool.submit(lambda: 2).result(WAIT) == 2


def test_short_work_does_not_wait_for_long_work(gate: threading.Event) -> None:
    """Long texts hold the threads of their own lane alone."""
    pool = Workers(1, queue=4, spare=0)
    job, begun = hanging(gate)
    pool.submit(job, bulk=True)
    assert begun.wait(WAIT)
    waiting = pool.submit(job, bulk=True)
    assert pool.submit(lambda: "quick").result(WAIT) == "quick"
    assert (waiting.running(), pool.waiting) == (False, 1)


def submit_for(pool: Workers, caller: str, job: Callable[[], str]) -> Future[str]:
    """Submit a job for a client."""
    return copy_context().run(lambda: (CALLER.set(caller), pool.submit(job))[1])


def test_a_turn_needs_no_thread() -> None:
    """Work in a turn is done by who asked, and counts: what comes behind it waits, whoever does it."""
    pool = Workers(1, queue=4, spare=0)
    with pool.turn(wait_s=WAIT) as has_turn:
        assert has_turn
        assert pool._alive == 0
        waiting = pool.submit(threading.current_thread)
        assert (pool.waiting, waiting.running()) == (1, False)
        with pool.turn(wait_s=0.0) as other:
            assert not other
        assert pool.waiting == 1
    assert waiting.result(WAIT) is not threading.current_thread()
    assert pool.waiting == 0


def test_turns_and_jobs_begin_in_the_order_in_which_they_were_asked_for(gate: threading.Event) -> None:
    """Behind a job of the pool as behind a turn."""
    pool = Workers(1, queue=8, spare=0)
    hang(pool, gate)
    order: list[str] = []

    def take_turn(name: str) -> None:
        with pool.turn(wait_s=WAIT) as has_turn:
            order.append(name if has_turn else "late")

    callers = []
    for at, name in enumerate("abcd"):
        if name in "bc":
            pool.submit(lambda name=name: order.append(name))  # type: ignore[misc]
        else:
            callers.append(threading.Thread(target=take_turn, args=[name]))
            callers[-1].start()
        wait_until(lambda at=at: pool.waiting == at + 1)  # type: ignore[misc]
    gate.set()
    for caller in callers:
        caller.join(WAIT)
    assert order == [*"abcd"]


def test_work_that_fails_in_its_turn_lets_others_begin() -> None:
    """What it raises is raised."""
    pool = Workers(1, queue=4, spare=0)
    with pytest.raises(OSError, match="lost"), pool.turn():
        raise OSError("lost")
    assert pool.submit(lambda: "ran").result(WAIT) == "ran"


def test_a_turn_is_refused_as_a_job_is(gate: threading.Event) -> None:
    """Where the queue is full, and where it would come too late."""
    pool = Workers(1, queue=1, spare=0)
    hang(pool, gate)
    pool.submit(lambda: None)
    with pytest.raises(GuardUnavailable, match="waiting for a worker"):
        pool.turn()
    wait_until(lambda: pool.expected_wait("") > 0.01)
    with pytest.raises(GuardUnavailable, match=r"wait .* for a worker"):
        pool.turn(within_s=0.01)
    assert pool.waiting == 1


@pytest.mark.parametrize(("threads", "share"), [(1, 1), (4, 2), (5, 3)])
def test_one_client_holds_at_most_half_of_the_threads(
    gate: threading.Event, threads: int, share: int
) -> None:
    """The rest is for the others, whose turn also comes before the jobs that one client has waiting."""
    pool = Workers(threads, queue=64, spare=0)
    hang = [hanging(gate) for _ in range(threads + 2)]
    greedy = [submit_for(pool, "greedy", job) for job, _ in hang]
    for _, begun in hang[:share]:
        assert begun.wait(WAIT)
    if threads > share:
        assert submit_for(pool, "other", lambda: "served").result(WAIT) == "served"
    assert [future.running() for future in greedy] == [True] * share + [False] * (threads + 2 - share)
    gate.set()
    assert [future.result(WAIT) for future in greedy] == ["late"] * (threads + 2)


def test_one_client_fills_at_most_half_of_the_queue(gate: threading.Event) -> None:
    """Who asks too much is refused; the others are not."""
    pool = Workers(2, queue=4, spare=0)
    job, begun = hanging(gate)
    submit_for(pool, "greedy", job)
    assert begun.wait(WAIT)
    for _ in range(2):
        submit_for(pool, "greedy", job)
    with pytest.raises(GuardUnavailable, match="of this client"):
        submit_for(pool, "greedy", job)
    assert submit_for(pool, "other", lambda: "served").result(WAIT) == "served"


def test_clients_that_wait_take_turns(gate: threading.Event) -> None:
    """A client with one job waits for one job of each other client, not for all that those have waiting."""
    pool = Workers(1, queue=64, spare=0)
    hang(pool, gate)
    order: list[str] = []
    futures = [submit_for(pool, who, lambda who=who: order.append(who) or "") for who in "aaaabaac"]  # type: ignore[misc]
    gate.set()
    for future in futures:
        future.result(WAIT)
    assert order == [*"abcaaaaa"]


def test_a_waiting_job_starts_when_the_thread_before_it_is_abandoned(gate: threading.Event) -> None:
    """It needs no further job to come for the replacement to start."""
    pool = Workers(1, queue=4, spare=1)
    stuck = hang(pool, gate)
    waiting = pool.submit(lambda: "ran")
    pool.abandon(stuck)
    assert waiting.result(WAIT) == "ran"


def test_an_abandoned_job_that_has_not_begun_gives_its_place_away(gate: threading.Event) -> None:
    """It never runs, and the queue is free for those who still wait."""
    pool = Workers(1, queue=1, spare=0)
    hang(pool, gate)
    ran: list[int] = []
    dropped = pool.submit(lambda: ran.append(1))
    pool.abandon(dropped)
    assert (dropped.cancelled(), pool.waiting, pool.abandoned) == (True, 0, 0)
    kept = pool.submit(lambda: ran.append(2))
    gate.set()
    kept.result(WAIT)
    assert ran == [2]


def test_too_many_stuck_threads_shed_load(gate: threading.Event) -> None:
    """Replacements are bounded; beyond the bound new work is refused."""
    pool = Workers(1, queue=4, spare=1, stuck_s=0.0)
    for _ in range(2):
        stuck = hang(pool, gate)
        pool.abandon(stuck)
    with pytest.raises(GuardUnavailable, match="stuck"):
        pool.submit(lambda: None)


def test_work_that_was_given_up_just_now_is_not_stuck(gate: threading.Event) -> None:
    """Its callers may have gone all at once; it ends within a window of a model."""
    pool = Workers(1, queue=4, spare=1)
    jobs = [hanging(gate) for _ in range(2)]
    for job, begun in jobs:
        given_up = pool.submit(job)
        assert begun.wait(WAIT)
        pool.abandon(given_up)
    waiting = pool.submit(lambda: "served")
    assert (pool.abandoned, pool.stuck) == (2, 0)
    gate.set()
    assert waiting.result(WAIT) == "served"


def test_who_would_wait_for_too_long_is_refused_at_once(gate: threading.Event) -> None:
    """It says when to come back; who has more time is let in."""
    pool = Workers(1, queue=8, spare=0)
    hang(pool, gate)
    pool.submit(lambda: None)
    wait_until(lambda: pool.delay_s > 0.01)
    with pytest.raises(GuardUnavailable, match=r"checks wait .* s for a worker") as caught:
        pool.submit(lambda: None, within_s=0.01)
    assert caught.value.retry_after >= 1
    assert not pool.submit(lambda: None, within_s=WAIT).done()


def test_a_meter_gets_what_its_work_took(gate: threading.Event) -> None:
    """On whichever threads it ran, and what that submits belongs to it too."""
    meter, pool = WorkMeter(), Workers(2, queue=8, spare=0)
    submitted = copy_context().run(lambda: (METER.set(meter), pool.submit(METER.get))[1])
    assert submitted.result(WAIT) is meter
    wait_until(lambda: meter.busy_s > 0.0)
    assert 0.0 < meter.cpu_s < WAIT


def test_abandoning_what_is_done_changes_nothing() -> None:
    """A future that was done a moment before its deadline is no stuck thread."""
    pool = Workers(1, queue=4, spare=0)
    future = pool.submit(lambda: 1)
    assert future.result(WAIT) == 1
    wait_until(lambda: pool._idle == 1)
    pool.abandon(future)
    assert pool.abandoned == 0


def run(script: str) -> str:
    """Run a script in a process of its own and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_stuck_detector_does_not_delay_the_end_of_the_process() -> None:
    """The interpreter exits although a worker hangs for ever."""
    script = """
import threading
from guardrails.engine.core import worker_pool
worker_pool.END_S = 0.2
begun = threading.Event()
worker_pool.workers().submit(lambda: (begun.set(), threading.Event().wait()))
assert begun.wait(10)
print("end")
"""
    assert run(script) == "end"


def test_a_forked_child_has_threads_of_its_own() -> None:
    """A server that forks after the first check does not wait for threads that stayed behind."""
    script = """
import os, warnings
warnings.simplefilter("ignore")
from guardrails.engine.core.worker_pool import workers
assert workers().submit(lambda: 1).result(10) == 1
child = os.fork()
if child == 0:
    os._exit(workers().submit(lambda: 7).result(10))
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert run(script) == "7"


def test_the_process_has_one_pool() -> None:
    """Guards share it, so that many guards do not mean many threads."""
    assert workers() is workers()


def test_the_end_waits_for_work_and_drops_what_has_not_begun(gate: threading.Event) -> None:
    """Who is in the middle of something comes to its end first; what waits is cancelled."""
    pool = Workers(1, queue=4, spare=0)
    job, begun = hanging(gate)
    running = pool.submit(job)
    assert begun.wait(WAIT)
    waiting = pool.submit(job)

    pool.end(0.0)  # in vain
    assert waiting.cancelled()
    assert not running.done()
    gate.set()
    pool.end(WAIT)

    assert running.result(WAIT) == "late"


def test_the_end_does_not_wait_for_what_is_stuck(gate: threading.Event) -> None:
    """Work that a deadline gave up is left where it is."""
    pool = Workers(1, queue=4, spare=1)
    stuck = hang(pool, gate)
    pool.abandon(stuck)

    pool.end(HANG)

    assert not gate.is_set()
    assert not stuck.done()
