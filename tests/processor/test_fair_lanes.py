"""Lanes: whose job begins next, and how long one waits."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import Future
from time import perf_counter

import pytest

from guardrails.processor.fair_lanes import Job, Lane
from guardrails.processor.work_meter import WorkMeter
from tests.cases import each_case


def test_jobs_of_streams_and_others_take_turns() -> None:
    """A short request does not wait for what all streams of its client have waiting. Nobody knows yet what they take."""
    lane, meters = Lane(1), {"s": WorkMeter(), "o": WorkMeter()}
    meters["s"].streams = True
    jobs = [Job(Future(), lambda: None, "one", meters[kind], since=0.0) for kind in "sssssooos"]
    for job in jobs:
        lane.push(job)
    lane.remove(jobs[1].future)
    order = ""
    while (next_job := lane.pop()) is not None:
        order += "s" if next_job.is_of_stream else "o"
        lane.finish(next_job, 0.0, stuck=False)
    assert order == "osososss"


@each_case(
    ("waiting", "caller", "wait_s"),
    [(0, "", 1.0), (0, "other", 2.0), (2, "", 2.0), (9, "other", 2.0), (2, "own", 6.0), (9, "own", 20.0)],
)
def test_a_wait_is_foretold_by_what_jobs_took(waiting: int, caller: str, wait_s: float) -> None:
    """Two threads, jobs of two seconds: who has jobs that wait already has half of the threads, and takes turns with others."""
    assert full_lane(waiting).expected_wait(caller, now=50.0) == pytest.approx(wait_s)


@each_case(("waiting", "now", "delay_s"), [(0, 60.0, 0.0), (2, 50.5, 3.0), (9, 50.5, 10.0), (1, 75.0, 25.0)])
def test_a_lane_is_as_late_as_whoever_waits_longest(waiting: int, now: float, delay_s: float) -> None:
    """By how long the first waits already, or all that wait will; a lane in which nobody waits is not late."""
    assert full_lane(waiting).delay(now) == pytest.approx(delay_s)


def full_lane(waiting: int) -> Lane:
    """Return a lane of two threads that are both taken, and in which so many jobs of one client wait since second 50; jobs take
    two seconds.
    """
    lane = Lane(2)
    for caller in ("done", "first", "second"):
        lane.push(Job(Future(), lambda: None, caller, None, since=50.0))
        job = lane.pop()
        assert job is not None
        if caller == "done":
            lane.finish(job, 2.0, stuck=False)
    for _ in range(waiting):
        lane.push(Job(Future(), lambda: None, "own", None, since=50.0))
    return lane


def test_a_wait_is_no_shorter_than_the_longest_so_far() -> None:
    """Where threads hang, nothing tells what jobs take."""
    assert full_lane(1).expected_wait("other", now=75.0) == 25.0


def test_who_floods_is_not_waited_for() -> None:
    """One client holds its half of the threads and has a long queue: who comes next gets a thread at once. The pool is late."""
    lane = Lane(4)
    for _ in range(50):
        lane.push(Job(Future(), lambda: None, "loud", None, since=50.0))
    while (job := lane.pop()) is not None:
        running = job
    lane.finish(running, 2.0, stuck=False)
    lane.pop()
    assert (lane.working, lane.size) == (2, 47)
    assert lane.expected_wait("quiet", now=60.0) == 0.0
    assert lane.delay(now=60.0) == pytest.approx(24.0)
    assert lane.expected_wait("loud", now=60.0) == pytest.approx(48.0)


def test_an_old_job_behind_others_of_its_client_tells_nobody_else_to_wait() -> None:
    """Each client waits for its own turn: that of the others came a moment ago."""
    lane = Lane(1)
    for _ in range(3):
        lane.push(Job(Future(), lambda: None, "loud", None, since=perf_counter() - 100.0))
    job = lane.pop()
    assert job is not None
    lane.finish(job, 0.5, stuck=False)
    assert lane.pop() is not None
    now = perf_counter()
    assert lane.expected_wait("quiet", now) == pytest.approx(1.0)
    assert lane.expected_wait("loud", now) >= 100.0


def test_jobs_of_streams_get_as_much_time_as_others_of_their_client() -> None:
    """A window of a stream takes four times as long as a short question: four questions come to one window. Who had none for a
    while is owed nothing for it.
    """
    lane, meters = Lane(1), {"question": WorkMeter(), "window": WorkMeter()}
    meters["window"].streams = True

    def add(kind: str, many: int) -> None:
        for _ in range(many):
            lane.push(Job(Future(), lambda: None, "own", meters[kind], since=0.0))

    def run(many: int) -> Counter[str]:
        ran: Counter[str] = Counter()
        for _ in range(many):
            job = lane.pop()
            assert job is not None
            kind = "window" if job.is_of_stream else "question"
            lane.finish(job, {"question": 0.01, "window": 0.04}[kind], stuck=False)
            ran[kind] += 1
        return ran

    add("window", 60)
    run(20)
    add("question", 100)
    run(5)
    assert run(25) == {"window": 5, "question": 20}


@each_case(
    ("running", "waiting", "caller", "free"),
    [
        ("", "", "one", True),
        ("a", "", "a", False),
        ("a", "", "b", True),
        ("a", "", "", True),
        ("ab", "", "c", False),
        ("ab", "", "", False),
        ("a", "a", "b", False),
    ],
)
def test_a_job_begins_at_once_where_none_waits_and_its_client_has_threads_left(
    running: str, waiting: str, caller: str, free: bool
) -> None:
    """Of two threads each client has one; who asks in a process of its own has no share to keep to."""
    lane = Lane(2)
    for name in running:
        lane.begin(Job(Future(), lambda: None, name, None, since=0.0))
    for name in waiting:
        lane.push(Job(Future(), lambda: None, name, None, since=0.0))
    assert lane.is_free(caller) is free
