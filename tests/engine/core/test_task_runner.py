"""What runs where, and until when: deadlines, workers, event loops, services. No sleeps: events decide."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

import pytest
from blockbuster import blockbuster_ctx

from guardrails import Action, Content, Detection, Finding, Guard, GuardUnavailable, Verdict, cancellation
from guardrails.cancellation import Cancelled, check, current
from guardrails.detectors.kinds import Kind
from guardrails.engine import detector_task
from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.content.payload import Payload
from guardrails.engine.core import task_runner
from guardrails.engine.core.worker_pool import Workers
from guardrails.engine.model import Request
from guardrails.types import CLEAN, Place, Stage, Unavailable
from tests.cases import each_case
from tests.waiting import wait_until

Slow = Callable[..., Guard]

WAIT = 10.0
HANG = 60.0
HIT = Detection((Finding("custom.own", 1.0, "slow", (0, 1)),))


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


def both(guard: Guard, content: Any, **more: Any) -> list[Verdict]:
    """Return the verdicts of `check` and of `acheck`."""
    return [guard.check(content, **more), asyncio.run(guard.acheck(content, **more))]


def take_all_threads(pool: Workers, gate: threading.Event, *, bulk: bool = False) -> None:
    """Have every thread of a pool's lane wait for a gate; returns once all do."""
    begun = [threading.Event() for _ in range(4)]
    for event in begun:
        pool.submit(lambda event=event: (event.set(), gate.wait(HANG)), bulk=bulk)  # type: ignore[misc]
    assert all(event.wait(WAIT) for event in begun)


@pytest.mark.parametrize(("rule", "action"), [("block", "block"), ("flag", "flag"), ("redact", "block")])
def test_a_deadline_returns_on_time_and_abandons_the_work(
    slow: Slow, pool: Workers, gate: threading.Event, rule: str, action: str
) -> None:
    """The detector hangs for ever: the check returns, its rule follows `on_error`, the thread is counted."""
    guard = slow(lambda content: gate.wait(HANG) and CLEAN, rule, deadline_ms=200)
    started = time.perf_counter()
    for verdict in both(guard, "text"):
        assert str(verdict.action) == action
        fired = [("slow", "error")] if action == "flag" else []
        assert [(r.id, r.reason) for r in verdict.rules] == fired
        assert verdict.unavailable == (None if fired else Unavailable("timeout", ("slow",)))
        assert [(e.error, e.reason) for e in verdict.errors] == [("not done after 200 ms", "timeout")]
    assert time.perf_counter() - started < WAIT / 2
    assert pool.abandoned == 2


def test_work_that_never_started_misses_its_deadline_too(
    slow: Slow, pool: Workers, gate: threading.Event
) -> None:
    """All threads are taken: what waits behind them fails on time, and gives its place in the queue away."""
    take_all_threads(pool, gate)
    for verdict in both(slow(lambda content: CLEAN, deadline_ms=20), "text"):
        assert verdict.blocked
        assert verdict.errors[0].error == "not done after 20 ms: no worker was free"
        assert verdict.unavailable == Unavailable("capacity", ("slow",))
    assert (pool.waiting, pool.abandoned) == (0, 0)


def test_waiting_for_a_worker_takes_no_time_of_the_deadline(
    slow: Slow, pool: Workers, gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All threads are taken for almost as long as the check may work: it has all of its time once one is free."""
    now = Clock()
    for module in (cancellation, detector_task, task_runner):
        monkeypatch.setattr(module, "perf_counter", now)
    left: list[float] = []

    def judge(content: Any) -> Detection:
        left.append(current().deadline - now())
        return CLEAN

    async def main() -> Verdict:
        await asyncio.to_thread(take_all_threads, pool, gate)
        checking = asyncio.ensure_future(slow(judge, deadline_ms=60_000).acheck("text"))
        await asyncio.sleep(0)
        assert pool.waiting == 1
        now.seconds += 59.0
        gate.set()
        return await checking

    assert not asyncio.run(main()).blocked
    assert left == [pytest.approx(60.0)]


def test_a_step_that_finds_no_worker_is_said_to_be_overload(
    guard_of: Callable[..., Guard], kind_of: Callable[..., Kind], pool: Workers, gate: threading.Event
) -> None:
    """A check of many contents runs on a worker as a whole; where none is free for as long as it may take, nothing was judged."""
    take_all_threads(pool, gate, bulk=True)
    guard = guard_of(INLINE_POLICY, detectors={"own": kind_of(Inline())})

    with pytest.raises(GuardUnavailable, match=r"no worker was free for 0\.2 s"):
        asyncio.run(guard.acheck(said(1_000)))

    assert (pool.waiting, pool.abandoned) == (0, 0)


def guard_of_late_workers(slow: Slow, pool: Workers, gate: threading.Event) -> Guard:
    """Return a guard for whose checks the workers are too late: a job waits for longer than its deadline already."""
    take_all_threads(pool, gate)
    pool.submit(lambda: None)
    guard = slow(lambda content: CLEAN, deadline_ms=50)
    wait_until(lambda: pool.delay_s > 0.05)
    return guard


def test_a_check_that_would_wait_for_longer_than_its_deadline_is_refused_at_once(
    slow: Slow, pool: Workers, gate: threading.Event
) -> None:
    """By how long the first job waits already; from any thread, and from a loop."""
    guard = guard_of_late_workers(slow, pool, gate)

    for ask in (lambda: guard.check("text"), lambda: asyncio.run(guard.acheck("text"))):
        with pytest.raises(GuardUnavailable, match=r"wait .* for a worker") as caught:
            ask()
        assert (caught.value.reason, caught.value.retry_after) == ("capacity", 1)
    assert pool.waiting == 1


def test_what_has_begun_may_wait_for_a_thread_beyond_its_deadline(
    slow: Slow, pool: Workers, gate: threading.Event
) -> None:
    """A stream is late rather than broken off; what it takes once a thread comes to it counts as ever."""
    guard = guard_of_late_workers(slow, pool, gate)
    tree = ContentTree()
    tree.text("text", (), Place(Stage.INPUT))

    async def judge() -> Action:
        asyncio.get_running_loop().call_later(0.3, gate.set)
        steps = guard.pipeline.check_steps(tree, Request(), task_runner.INLINE_ON_LOOP)
        return (await guard.pipeline.adrive(steps, least_queue_s=WAIT)).action

    assert asyncio.run(judge()) is Action.ALLOW


def test_a_full_pool_sheds_load(slow: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
    """`GuardUnavailable` is raised, never a verdict without the detector."""
    full = Workers(1, queue=0, spare=0)
    monkeypatch.setattr(task_runner, "workers", lambda: full)
    guard = slow(lambda content: CLEAN)
    with pytest.raises(GuardUnavailable):
        guard.check("text")
    with pytest.raises(GuardUnavailable):
        asyncio.run(guard.acheck("text"))


def test_a_cancelled_check_gives_its_threads_up(slow: Slow, pool: Workers, gate: threading.Event) -> None:
    """The client hung up: nobody waits for the detector any more, so its thread counts as stuck."""
    begun = threading.Event()
    guard = slow(lambda content: (begun.set(), gate.wait(HANG)) and CLEAN)

    async def main() -> None:
        task = asyncio.ensure_future(guard.acheck("text"))
        await asyncio.to_thread(begun.wait, WAIT)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert pool.abandoned == 1


@pytest.mark.parametrize("fails", [ValueError("with the text"), SystemExit(3), None])
def test_a_late_or_failing_worker_leaves_no_noise(
    slow: Slow,
    pool: Workers,
    gate: threading.Event,
    caplog: pytest.LogCaptureFixture,
    fails: BaseException | None,
) -> None:
    """A detector that ends after its loop is closed, or fails then, logs nothing but the verdict and warns of nothing."""
    ended = threading.Event()

    def judge(content: Any) -> Detection:
        gate.wait(HANG)
        ended.set()
        if fails is not None:
            raise fails
        return CLEAN

    guard = slow(judge, deadline_ms=200)
    with caplog.at_level(logging.DEBUG):
        assert asyncio.run(guard.acheck("text")).blocked
        gate.set()
        assert ended.wait(WAIT)
        assert pool.submit(lambda: 1).result(WAIT) == 1
        gc.collect()
    [line] = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert line.getMessage().startswith(
        "block at input as unavailable (timeout, undecided: slow), slow failed"
    )  # of the verdict, which rests on that


def test_acheck_does_not_block_the_loop(slow: Slow, gate: threading.Event) -> None:
    """While a detector hangs, other work of the same loop goes on: it is what lets the detector end."""
    guard = slow(lambda content: HIT if gate.wait(HANG) else CLEAN)

    async def main() -> list[Verdict]:
        async def release() -> None:
            gate.set()

        verdict, _ = await asyncio.gather(guard.acheck("text"), release())
        return [verdict]

    with blockbuster_ctx():
        [verdict] = asyncio.run(main())
    assert [rule.id for rule in verdict.rules] == ["slow"]
    assert verdict.errors == ()


def test_long_texts_leave_the_loop_also_for_quick_detectors(bomb_guard: Guard) -> None:
    """Well under a millisecond may run on the loop; what may take longer runs on a worker."""
    threads: list[threading.Thread] = []

    class Spy:
        def __init__(self, inner: Any) -> None:
            self.inner = inner

        def detect(self, batch: Any) -> Any:
            threads.append(threading.current_thread())
            return self.inner.detect(batch)

    [bound] = bomb_guard.pipeline.bounds()
    spy = Spy(bound.detector)
    object.__setattr__(bound, "detector", spy)
    try:
        for length in (10, task_runner.INLINE_ON_LOOP + 1):
            assert asyncio.run(bomb_guard.acheck("x" * length)).rules == ()
            assert bomb_guard.check("x" * length).rules == ()
    finally:
        object.__setattr__(bound, "detector", spy.inner)
    main = threading.main_thread()
    assert [thread is main for thread in threads] == [True, True, False, True]


def test_one_guard_serves_many_loops_and_threads(slow: Slow) -> None:
    """Each loop and each thread gets the verdict of its own text, whatever the others do."""
    guard = slow(
        lambda content: Detection((Finding("custom.own", 1.0, "slow", (0, len(content.text))),)), "redact"
    )
    other = slow(lambda content: HIT if "bad" in content.text else CLEAN)

    def one(number: int) -> bool:
        texts = [f"{number}-{i}" + "x" * (i * 5) for i in range(10)]

        async def main() -> list[Verdict]:
            return await asyncio.gather(*(guard.acheck(text) for text in texts))

        verdicts = asyncio.run(main()) if number % 2 else [guard.check(text) for text in texts]
        spans = [(verdict.content, verdict.findings[0].span) for verdict in verdicts]
        blocked = [other.check(f"{word} {number}").blocked for word in ("good", "bad")]
        return spans == [("[OWN]", (0, len(text))) for text in texts] and blocked == [False, True]

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(one, range(16)))


def test_check_works_inside_a_running_loop(slow: Slow) -> None:
    """It blocks that loop, and nothing else happens."""
    guard = slow(lambda content: HIT)

    async def main() -> Verdict:
        return guard.check("text")

    assert asyncio.run(main()).blocked


class Service:
    """A detector that waits for a service: it answers as an event says, and counts who waits and who gave up."""

    inline = False

    def __init__(self) -> None:
        self.open = threading.Event()
        self.waiting = 0
        self.some, self.gone = threading.Semaphore(0), threading.Semaphore(0)

    def detect(self, batch: Any) -> list[Detection]:
        """Never called: the pipeline awaits."""
        raise AssertionError

    async def adetect(self, batch: Any) -> list[Detection]:
        """Wait on the process's loop until the event is set."""
        self.waiting += 1
        self.some.release()
        try:
            await asyncio.to_thread(self.open.wait, HANG)
        except asyncio.CancelledError:
            self.gone.release()
            raise
        return [HIT if "bad" in content.text else CLEAN for content in batch]


@pytest.fixture
def service() -> Iterator[Service]:
    """A service that answers nobody until its event is set."""
    made = Service()
    yield made
    made.open.set()


RULE = "{id: own.block, on: input, when: custom.own > 0, then: block}"


@pytest.fixture
def asking(guard_of: Callable[..., Guard], kind_of: Callable[..., Kind], service: Service) -> Slow:
    """Return a function: a deadline in, a guard whose one detector asks the service out."""

    def make(deadline_ms: int = 60_000) -> Guard:
        return guard_of(
            f"detectors: {{slow: {{use: own}}}}\nrules: [{RULE}]\nlimits: {{deadline_ms: {deadline_ms}}}",
            detectors={"own": kind_of(service, tier=2)},
        )

    return make


def test_waiting_for_a_service_takes_no_worker(asking: Slow, service: Service, pool: Workers) -> None:
    """Many more checks than the pool has threads and places wait at the same time, and all are answered."""
    guard = asking()

    async def all_of_them() -> list[Verdict]:
        checks = [asyncio.ensure_future(guard.acheck(f"text {at} {'bad' * (at % 2)}")) for at in range(64)]
        await asyncio.to_thread(lambda: [service.some.acquire(timeout=WAIT) for _ in checks])
        assert service.waiting == len(checks)
        service.open.set()
        return await asyncio.gather(*checks)

    verdicts = asyncio.run(all_of_them())
    assert [verdict.blocked for verdict in verdicts] == [bool(at % 2) for at in range(64)]
    assert not pool.waiting


def test_a_deadline_cancels_the_request(asking: Slow, service: Service, pool: Workers) -> None:
    """The service is not waited for any longer, and the text is blocked; no thread is stuck for it."""
    verdict = asking(50).check("text")
    assert verdict.blocked
    assert [each.error for each in verdict.errors] == ["not done after 50 ms"]
    assert service.gone.acquire(timeout=WAIT)
    assert service.waiting == 1
    assert not pool.abandoned


def test_check_and_acheck_ask_a_service_alike(asking: Slow, service: Service) -> None:
    """From a thread and from a loop; the loop of the caller is never the one that waits."""
    service.open.set()
    guard = asking()
    both = [guard.check("bad one"), asyncio.run(guard.acheck("bad two"))]
    assert [verdict.blocked for verdict in both] == [True, True]


class Inline:
    """A detector that is asked where the pipeline runs; it remembers on which thread that was."""

    inline = True

    def __init__(self, judge: Callable[[], None] = lambda: None) -> None:
        self.judge = judge
        self.threads: set[threading.Thread] = set()

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        """Find nothing."""
        self.threads.add(threading.current_thread())
        self.judge()
        return [CLEAN] * len(batch)


def spin(stopped: threading.Event, begun: threading.Event | None = None) -> NoReturn:
    """Do what a detector does that never comes to an end, until it is told to stop."""
    if begun is not None:
        begun.set()
    try:
        while True:
            check()
    except Cancelled:
        stopped.set()
        raise


INLINE_POLICY = """
detectors: {own: {use: own}}
rules: [{id: own, on: [input], when: custom.own > 0, then: block}]
limits: {deadline_ms: 200}
"""


def said(count: int, length: int = 1) -> list[dict[str, str]]:
    """Return so many messages of so many characters."""
    return [{"role": "user", "content": "x" * length}] * count


@each_case(
    ("content", "on_loop"),
    [
        (said(1), True),
        (said(task_runner.CONTENTS_ON_LOOP), True),
        (said(task_runner.CONTENTS_ON_LOOP + 1), False),
        (said(task_runner.BULK_CONTENTS + 1), False),
        (said(1, task_runner.INLINE_ON_LOOP), True),
        (said(3, task_runner.INLINE_ON_LOOP), False),
        (said(1, task_runner.BULK_CHARACTERS + 1), False),
    ],
)
def test_many_contents_are_judged_off_the_event_loop(
    guard_of: Callable[..., Guard], kind_of: Callable[..., Kind], content: Any, on_loop: bool
) -> None:
    """All of their check runs on a worker, so that the loop serves others; short ones save the way there."""
    detector = Inline()
    guard = guard_of(INLINE_POLICY, detectors={"own": kind_of(detector)})
    assert asyncio.run(guard.acheck(content)).action == Action.ALLOW
    assert detector.threads
    assert all((thread is threading.main_thread()) is on_loop for thread in detector.threads)


@each_case(
    ("contents", "characters", "lane"),
    [
        (1, 1, None),
        (task_runner.CONTENTS_ON_LOOP + 1, 1, task_runner.QUICK_WORK),
        (1, task_runner.INLINE_ON_LOOP + 1, task_runner.QUICK_WORK),
        (task_runner.BULK_CONTENTS + 1, 1, task_runner.LONG_WORK),
        (2, task_runner.BULK_CHARACTERS, task_runner.LONG_WORK),
    ],
)
def test_what_takes_tenths_of_a_second_waits_with_its_like(contents, characters, lane) -> None:
    """What takes hundredths does not wait behind it."""
    tree = ContentTree()
    for number in range(contents):
        tree.text("x" * characters, (number,), Place(Stage.INPUT))

    assert task_runner.choose_lane(tree) is lane


def test_a_verdict_on_many_contents_is_made_off_the_event_loop(guard_of, kind_of) -> None:
    """It puts thousands of values back into their places; the caller is told of it on the loop."""
    threads: list[threading.Thread] = []
    told: list[threading.Thread] = []
    guard = guard_of(INLINE_POLICY, detectors={"own": kind_of(Inline())})
    guard.on_verdict = lambda verdict: told.append(threading.current_thread())
    tree = ContentTree()
    for number in range(task_runner.CONTENTS_ON_LOOP + 1):
        tree.text("x", (number,), Place(Stage.INPUT))

    def put_back(outcome: Any) -> None:
        threads.append(threading.current_thread())

    asyncio.run(guard.acheck(Payload(tree, put_back)))

    assert told == [threading.main_thread()]
    assert threads
    assert threading.main_thread() not in threads


def test_the_loop_goes_on_while_many_contents_are_judged(
    guard_of: Callable[..., Guard], kind_of: Callable[..., Kind], gate: threading.Event
) -> None:
    """Other tasks of the loop run meanwhile: here the one that the check waits for."""
    guard = guard_of(
        INLINE_POLICY,
        detectors={
            "own": kind_of(Inline(lambda: None if gate.wait(WAIT) else pytest.fail("the loop stood still")))
        },
    )

    async def main() -> Verdict:
        async with asyncio.TaskGroup() as group:
            checking = group.create_task(guard.acheck(said(1_000)))
            await asyncio.sleep(0)
            gate.set()
        return checking.result()

    assert not asyncio.run(main()).blocked


@each_case("count", [1, 1_000])
def test_a_detector_that_runs_where_it_is_asked_stops_at_the_deadline(
    guard_of: Callable[..., Guard], kind_of: Callable[..., Kind], count: int
) -> None:
    """Its loops look at the clock, so a check takes no longer than it may; what it would have said is unknown."""
    guard = guard_of(INLINE_POLICY, detectors={"own": kind_of(Inline(lambda: spin(threading.Event())))})
    verdict = guard.check(said(count))
    assert verdict.blocked
    assert {error.error for error in verdict.errors} == {"was not done in time"}
    assert verdict.unavailable == Unavailable("timeout", ("own",))


class Cancellable:
    """A detector that ends by itself once its time is up; keeps the threads on which it judged."""

    cancellable = True
    tier = 1

    def __init__(self, judge: Callable[[Any], Detection] = lambda content: CLEAN) -> None:
        self.judge, self.threads = judge, list[threading.Thread]()

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        self.threads.append(threading.current_thread())
        return [self.judge(content) for content in batch]


def test_what_ends_by_itself_runs_on_the_thread_that_goes_on(
    guard_of: Callable[..., Guard], kind_of: Callable[..., Kind], pool: Workers
) -> None:
    """A check from a thread needs no other, one from a loop a worker, which makes the verdict as well; a long text has its own."""
    made: list[threading.Thread] = []
    detector = Cancellable(lambda content: HIT)
    guard = guard_of(INLINE_POLICY, detectors={"own": kind_of(detector)})
    make = guard._build_verdict

    def spy(*given: Any) -> Verdict:
        made.append(threading.current_thread())
        return make(*given)

    guard._build_verdict = spy  # type: ignore[method-assign]
    main = threading.main_thread()
    assert guard.check("text").blocked
    assert (detector.threads, made, pool._alive) == ([main], [main], 0)
    assert asyncio.run(guard.acheck("texts")).blocked
    assert detector.threads[1] is made[1] is not main
    assert guard.check("x" * (task_runner.INLINE_ON_LOOP + 1)).blocked
    assert detector.threads[2] is not main


def test_what_ends_by_itself_waits_for_its_turn(
    guard_of: Callable[..., Guard], kind_of: Callable[..., Kind], pool: Workers, gate: threading.Event
) -> None:
    """As many are judged at a time as there are threads in the pool, whoever judges them."""
    take_all_threads(pool, gate)
    detector = Cancellable()
    policy = INLINE_POLICY.replace("200", "20")
    for verdict in both(guard_of(policy, detectors={"own": kind_of(detector)}), "text"):
        assert verdict.errors[0].error == "not done after 20 ms: no worker was free"
        assert verdict.unavailable == Unavailable("capacity", ("own",))
    assert (detector.threads, pool.waiting, pool.abandoned) == ([], 0, 0)


@pytest.mark.parametrize("text", ["text", "text " * task_runner.INLINE_ON_LOOP], ids=["short", "long"])
def test_a_worker_that_asks_a_guard_needs_no_other(
    slow: Slow, guard_of: Callable[..., Guard], kind_of: Callable[..., Kind], pool: Workers, text: str
) -> None:
    """Detectors of plugins on all threads at once, each of which has a guard judge something: nobody waits for another."""
    inner = guard_of(INLINE_POLICY, detectors={"own": kind_of(Cancellable())})
    all_work = threading.Barrier(pool.threads)

    def judge(content: Any) -> Detection:
        all_work.wait(WAIT)
        return HIT if inner.check(text).blocked else CLEAN

    outer = slow(judge)
    with ThreadPoolExecutor(pool.threads) as callers:
        verdicts = [*callers.map(outer.check, map(str, range(pool.threads)))]
    assert [verdict.action for verdict in verdicts] == [Action.ALLOW] * pool.threads


def test_what_ends_by_itself_ends_at_the_deadline(
    guard_of: Callable[..., Guard], kind_of: Callable[..., Kind], pool: Workers
) -> None:
    """From a thread and from a loop; nothing is left behind."""
    detector = Cancellable(lambda content: spin(threading.Event()))
    for verdict in both(guard_of(INLINE_POLICY, detectors={"own": kind_of(detector)}), "text"):
        assert [(each.error, each.reason) for each in verdict.errors] == [("was not done in time", "timeout")]
    assert (pool.waiting, pool.abandoned) == (0, 0)


def test_a_caller_that_leaves_stops_what_ends_by_itself(
    guard_of: Callable[..., Guard], kind_of: Callable[..., Kind], pool: Workers
) -> None:
    """Its worker is told."""
    begun, stopped = threading.Event(), threading.Event()
    detector = Cancellable(lambda content: spin(stopped, begun))
    guard = guard_of(INLINE_POLICY.replace("200", "60000"), detectors={"own": kind_of(detector)})

    async def main() -> None:
        checking = asyncio.ensure_future(guard.acheck("text"))
        assert await asyncio.to_thread(begun.wait, WAIT)
        checking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await checking

    asyncio.run(main())
    assert stopped.wait(WAIT)


def test_a_worker_that_is_given_up_stops(slow: Slow, pool: Workers) -> None:
    """Its detector is told, and its thread is free for others."""
    stopped = threading.Event()
    assert slow(lambda content: spin(stopped), deadline_ms=500).check("text").blocked
    assert stopped.wait(WAIT)


def test_a_caller_that_leaves_stops_what_is_judged_for_it(
    guard_of: Callable[..., Guard], kind_of: Callable[..., Kind]
) -> None:
    """Also where that runs on a worker because there is much of it."""
    begun, stopped = threading.Event(), threading.Event()
    detector = Inline(lambda: spin(stopped, begun))
    policy = INLINE_POLICY.replace("200", "60000")
    guard = guard_of(policy, detectors={"own": kind_of(detector)})

    async def main() -> None:
        checking = asyncio.ensure_future(guard.acheck(said(1_000)))
        assert await asyncio.to_thread(begun.wait, WAIT)
        checking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await checking

    asyncio.run(main())
    assert stopped.wait(WAIT)
