"""One check from end to end: tiers, deadline, workers, loops, cache, and what must not mix. No sleeps: events
decide.
"""

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

from guardrails import Action, Content, Detection, Finding, Guard, Overloaded, Text, Verdict
from guardrails.cancellation import Cancelled, check
from guardrails.detectors import Kind
from guardrails.engine.core import pipeline
from guardrails.engine.core.findings_cache import FindingsCache
from guardrails.engine.core.worker_pool import Workers
from guardrails.types import CLEAN

WAIT = 10.0
HANG = 60.0
HIT = Detection((Finding("custom.own", 1.0, "slow", (0, 1)),))


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """An event on which detectors hang until the test is over."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Workers:
    """A pool of the test's own: four threads, eight places to wait, four spares."""
    own = Workers(4, queue=8, spare=4)
    monkeypatch.setattr(pipeline, "workers", lambda: own)
    return own


Slow = Callable[..., Guard]


@pytest.fixture
def slow(guard_of: Callable[..., Guard], kind_of: Callable[..., Kind]) -> Slow:
    """Return a function: a judge in, a guard out that has it run by workers; the word `quickbad` blocks
    before.
    """

    def make(judge: Callable[[Any], Any], rule: str = "", deadline_ms: int = 10_000, more: str = "") -> Guard:
        return guard_of(
            f"""
detectors:
  words: {{use: terms, terms: [quickbad], category: custom.quick}}
  slow: {{use: own}}
rules:
  - {{id: quick, on: [input, output], when: custom.quick > 0, then: block}}
  - {{id: slow, on: [input, output], when: custom.own > 0, then: {rule or "block"}}}
limits: {{deadline_ms: {deadline_ms}}}
{more}""",
            detectors={"own": kind_of(judge, tier=1)},
        )

    return make


def both(guard: Guard, content: Any, **more: Any) -> list[Verdict]:
    """Return the verdicts of `check` and of `acheck`."""
    return [guard.check(content, **more), asyncio.run(guard.acheck(content, **more))]


def test_check_and_acheck_say_the_same(slow: Slow) -> None:
    """The logic stands once; only who waits differs."""
    guard = slow(lambda content: HIT if "bad" in content.text else CLEAN)
    for text, action in (
        ("good", "allow"),
        ("bad", "block"),
        ("x" * 50_000, "allow"),
        ("bad" * 20_000, "block"),
    ):
        guard.pipeline.cache = FindingsCache()
        first = guard.check(text)
        guard.pipeline.cache = FindingsCache()
        second = asyncio.run(guard.acheck(text))
        assert str(first.action) == str(second.action) == action
        assert first.rules == second.rules
        assert first.findings == second.findings
        assert first.coverage == second.coverage
        assert first.timings_ms.keys() == second.timings_ms.keys() == {"words", "slow", "total"}


@pytest.mark.parametrize(("rule", "action"), [("block", "block"), ("flag", "flag"), ("redact", "block")])
def test_a_deadline_returns_on_time_and_abandons_the_work(
    slow: Slow, pool: Workers, gate: threading.Event, rule: str, action: str
) -> None:
    """The detector hangs for ever: the check returns, its rule follows `on_error`, the thread is counted."""
    guard = slow(lambda content: gate.wait(HANG) and CLEAN, rule, deadline_ms=200)
    started = time.perf_counter()
    for verdict in both(guard, "text"):
        assert str(verdict.action) == action
        assert [(r.id, r.reason) for r in verdict.rules] == [("slow", "error")]
        assert [(e.detector, e.error) for e in verdict.errors] == [("slow", "not done after 200 ms")]
    assert time.perf_counter() - started < WAIT / 2
    assert pool.abandoned == 2


def test_on_error_allow_is_the_policy_s_own_choice(slow: Slow, pool: Workers, gate: threading.Event) -> None:
    """The verdict still says what failed."""
    guard = slow(lambda content: gate.wait(HANG) and CLEAN, "block, on_error: allow", deadline_ms=20)
    verdict = guard.check("text")
    assert str(verdict.action) == "allow"
    assert len(verdict.errors) == 1


def test_work_that_never_started_misses_its_deadline_too(
    slow: Slow, pool: Workers, gate: threading.Event
) -> None:
    """All threads are taken: what waits behind them fails on time, and gives its place in the queue away."""
    begun = [threading.Event() for _ in range(4)]
    for event in begun:
        pool.submit(lambda event=event: (event.set(), gate.wait(HANG)))
    assert all(event.wait(WAIT) for event in begun)
    for verdict in both(slow(lambda content: CLEAN, deadline_ms=20), "text"):
        assert verdict.blocked
        assert verdict.errors[0].error == "not done after 20 ms"
    assert (pool.waiting, pool.abandoned) == (0, 0)


def test_a_full_pool_sheds_load(slow: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
    """`Overloaded` is raised, never a verdict without the detector."""
    full = Workers(1, queue=0, spare=0)
    monkeypatch.setattr(pipeline, "workers", lambda: full)
    guard = slow(lambda content: CLEAN)
    with pytest.raises(Overloaded):
        guard.check("text")
    with pytest.raises(Overloaded):
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
    """A detector that ends after its loop is closed, or fails then, logs nothing and warns of nothing."""
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
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.parametrize("inline", [True, False])
def test_a_failing_detector_never_passes(
    guard_of: Callable[..., Guard], kind_of: Callable[..., Kind], inline: bool
) -> None:
    """What it raises is in the verdict as a kind, without the text that it may quote; its rule blocks."""

    def judge(content: Any) -> Detection:
        raise RuntimeError(f"cannot read {content.text}")

    kinds = {"own": kind_of(judge, tier=0 if inline else 1)}
    guard = guard_of(
        "detectors:\n  d: {use: own}\nrules:\n  - {id: r, on: input, when: custom.own > 0, then: block}",
        detectors=kinds,
    )
    for verdict in both(guard, "my password"):
        assert verdict.blocked
        assert [(r.id, r.reason) for r in verdict.rules] == [("r", "error")]
        assert [e.to_dict() for e in verdict.errors] == [
            {"detector": "d", "error": "raised RuntimeError", "path": ""}
        ]
        assert "password" not in str(verdict.to_dict())


def test_later_tiers_are_skipped_once_a_block_is_certain(slow: Slow) -> None:
    """Nothing stricter can happen, so the slow detector is not asked; `complete` asks it all the same."""
    seen: list[str] = []
    guard = slow(lambda content: seen.append(content.text) or CLEAN)
    for verdict in both(guard, "a quickbad b"):
        assert (verdict.blocked, verdict.complete, seen) == (True, False, [])
    for verdict in both(guard, "a quickbad b", complete=True):
        assert (verdict.blocked, verdict.complete) == (True, True)
    assert seen == ["a quickbad b"] * 2
    assert guard.check("a good b").complete


def test_a_block_of_history_is_not_the_end(slow: Slow) -> None:
    """An old turn is only left out, so the current one is judged by every tier."""
    guard = slow(lambda content: HIT if content.text == "now" else CLEAN)
    old = [{"role": "user", "content": "quickbad"}, {"role": "assistant", "content": "no"}]
    verdict = guard.check([*old, {"role": "user", "content": "now"}])
    assert verdict.blocked
    assert verdict.complete
    assert [rule.id for rule in verdict.rules] == ["slow", "quick"]


def test_a_shadow_block_is_not_the_end(slow: Slow) -> None:
    """A rule that is only recorded does not save the other tiers."""
    guard = slow(lambda content: HIT)
    shadow = slow(lambda content: HIT, "block, mode: shadow")
    assert [rule.id for rule in guard.check("x").rules] == ["slow"]
    verdict = shadow.check("x")
    assert (str(verdict.action), verdict.rules, [rule.id for rule in verdict.shadow]) == (
        "allow",
        (),
        ["slow"],
    )


def test_what_a_later_tier_redacts_is_not_blocked_before_it_ran(
    guard_of: Callable[..., Guard], kind_of: Callable[..., Kind]
) -> None:
    """The condition holds already, but what it redacts is found by a tier that is still to come."""
    guard = guard_of(
        """
detectors:
  words: {use: terms, terms: [internal], category: custom.quick}
  slow: {use: own}
rules:
  - {id: r, on: input, when: custom.quick > 0, redact: [custom.own], then: redact}
""",
        detectors={"own": kind_of(lambda content: HIT, tier=1)},
    )
    verdict = guard.check("x internal")
    assert (str(verdict.action), verdict.content) == ("redact", "[OWN] internal")


def test_findings_that_only_together_would_block_wait_for_the_last_tier(
    guard_of: Callable[..., Guard], kind_of: Callable[..., Kind]
) -> None:
    """Nothing found so far can be redacted alone; what the last tier finds can."""
    guard = guard_of(
        """
detectors:
  a: {use: terms, terms: [aa], category: custom.a, score: 0.2}
  b: {use: terms, terms: [bb], category: custom.b, score: 0.2}
  slow: {use: own}
rules:
  - {id: r, on: input, when: "custom.own > 0.5 || (custom.a > 0.1 && custom.b > 0.1)", then: redact}
""",
        detectors={"own": kind_of(lambda content: HIT if content.text[0] == "x" else CLEAN, tier=1)},
    )
    assert guard.check("x aa bb").content == "[OWN] aa bb"
    assert guard.check("aa bb").blocked


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
        for length in (10, pipeline.INLINE_ON_LOOP + 1):
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


def test_a_conversation_costs_its_new_turn_only(slow: Slow) -> None:
    """Findings of texts that were judged come from the cache, and still count."""
    seen: list[str] = []

    def judge(content: Any) -> Detection:
        seen.append(content.text)
        return HIT if "old" in content.text else CLEAN

    guard = slow(judge, "flag")
    turns = [
        {"role": "user", "content": f"{word} turn of the conversation, long enough to keep"}
        for word in ("old", "second", "third")
    ]
    for end in (1, 2, 3):
        verdict = guard.check(turns[:end])
        assert [rule.id for rule in verdict.rules] == ["slow"]
    assert seen == [turn["content"] for turn in turns]


def test_only_rules_of_conversation_scope_see_words_across_messages(guard_of: Callable[..., Guard]) -> None:
    """A word that is split over two messages of one person is a word for them, and for no other rule."""
    policy = "detectors:\n  w: {use: terms, terms: [forbidden], category: custom.w}\nrules:\n  - {id: r, on: input, when: custom.w > 0, then: %s}"
    chat = [
        {"role": "user", "content": "say for"},
        {"role": "assistant", "content": "ok"},
        {"role": "user", "content": "bidden now"},
    ]
    assert str(guard_of(policy % "block").check(chat).action) == "allow"
    assert guard_of(policy % "block, scope: conversation").check(chat).blocked
    verdict = guard_of(policy % "redact, scope: conversation").check(chat)
    content: Any = verdict.content
    assert [message["content"] for message in content] == ["say [W]", "ok", " now"]
    assert [finding.path for finding in verdict.findings] == [""]
    counted = policy.replace("custom.w > 0", "'count(\"custom.w\") >= 2'") % "block, scope: conversation"
    assert str(guard_of(counted).check(chat).action) == "allow"
    parts = [
        {"role": "user", "content": [{"type": "text", "text": "for"}, {"type": "text", "text": "bidden"}]}
    ]
    assert str(guard_of(counted).check(parts).action) == "allow"
    assert guard_of(counted).check([*parts, {"role": "assistant", "content": "ok"}, *parts]).blocked


def test_a_check_may_be_given_texts_with_context(
    guard_of: Callable[..., Guard], kind_of: Callable[..., Kind]
) -> None:
    """A detector that declares to read the prompt gets it."""
    kinds = {
        "own": kind_of(
            lambda content: HIT if content.context == {"prompt": "p"} else CLEAN, reads=("prompt",)
        )
    }
    guard = guard_of(
        "detectors:\n  slow: {use: own}\nrules:\n  - {id: r, on: input, when: custom.own > 0, then: block}",
        detectors=kinds,
    )
    assert guard.check(Text("t", context={"prompt": "p"})).blocked
    assert not guard.check(Text("t")).blocked


def test_today_is_an_iso_date() -> None:
    """In UTC, for exceptions that expire."""
    before = time.strftime("%Y-%m-%d", time.gmtime())
    assert before <= pipeline.today() <= time.strftime("%Y-%m-%d", time.gmtime())


def test_the_total_time_holds_that_of_the_detectors(guard_of) -> None:
    """What the quick path took before something was found is part of the total."""
    guard = guard_of("detectors: {p: {use: pii}}\nrules: [{id: a, on: input, when: pii > 0, then: flag}]\n")
    timings = guard.check("mail jo@example.com " + "x " * 5000).timings_ms

    assert timings["total"] >= timings["p"] > 0


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


@pytest.mark.parametrize(
    ("content", "on_loop"),
    [
        (said(1), True),
        (said(pipeline.CONTENTS_ON_LOOP), True),
        (said(pipeline.CONTENTS_ON_LOOP + 1), False),
        (said(1, pipeline.INLINE_ON_LOOP), True),
        (said(3, pipeline.INLINE_ON_LOOP), False),
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


@pytest.mark.parametrize("count", [1, 1_000])
def test_a_detector_that_runs_where_it_is_asked_stops_at_the_deadline(
    guard_of: Callable[..., Guard], kind_of: Callable[..., Kind], count: int
) -> None:
    """Its loops look at the clock, so a check takes no longer than it may; what it would have said is unknown."""
    guard = guard_of(INLINE_POLICY, detectors={"own": kind_of(Inline(lambda: spin(threading.Event())))})
    verdict = guard.check(said(count))
    assert verdict.blocked
    assert {error.error for error in verdict.errors} == {"was not done in time"}
    assert [(rule.id, rule.reason) for rule in verdict.rules] == [("own", "error")]


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


def test_a_conversation_is_read_again_a_bounded_number_of_times(
    guard_of: Callable[..., Guard], own: Any, kind_of: Callable[..., Kind]
) -> None:
    """Words nested in words come to light one by one as turns are left out; what is blocked in the end stays so."""
    depth = 3 * pipeline.READINGS
    turns = [*(f"({n}" for n in range(depth)), *(f"{n})" for n in reversed(range(depth)))]
    words = ", ".join(f'"({n}{n})"' for n in range(depth))
    reader = own(lambda content: CLEAN)
    guard = guard_of(
        f"""
detectors:
  words: {{use: terms, terms: [{words}], category: custom.word, match: substring}}
  bombs: {{use: terms, terms: [bomb], category: custom.bomb}}
  reader: {{use: own}}
rules:
  - {{id: word, on: [input], when: custom.word > 0, then: block, scope: conversation}}
  - {{id: bomb, on: [input], when: custom.bomb > 0, then: block}}
  - {{id: read, on: [input], when: custom.own > 0, then: flag}}
""",
        detectors={"own": kind_of(reader)},
    )
    chat = [
        message
        for turn in turns
        for message in ({"role": "user", "content": turn}, {"role": "assistant", "content": "Yes."})
    ]
    verdict = guard.check([*chat, {"role": "user", "content": "bomb"}], complete=True)
    assert verdict.blocked
    joined = {content.text for content in reader.seen if content.text.endswith("bomb")} - {"bomb"}
    assert 1 < len(joined) <= pipeline.READINGS
