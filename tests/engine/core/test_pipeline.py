"""One check from end to end: tiers, the cache, conversations, and failures that never pass."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

from guardrails import Detection, Finding, Guard, Text, Verdict
from guardrails.detectors.kinds import Kind
from guardrails.engine.core import pipeline
from guardrails.engine.core.findings_cache import FindingsCache
from guardrails.engine.core.worker_pool import Workers
from guardrails.types import CLEAN, Unavailable
from tests.cases import each_case

Slow = Callable[..., Guard]

HANG = 60.0
HIT = Detection((Finding("custom.own", 1.0, "slow", (0, 1)),))


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


def test_on_error_allow_is_the_policy_s_own_choice(slow: Slow, pool: Workers, gate: threading.Event) -> None:
    """The verdict still says what failed."""
    guard = slow(lambda content: gate.wait(HANG) and CLEAN, "block, on_error: allow", deadline_ms=20)
    verdict = guard.check("text")
    assert str(verdict.action) == "allow"
    assert len(verdict.errors) == 1


@each_case("inline", [True, False])
def test_a_failing_detector_never_passes(
    guard_of: Callable[..., Guard], kind_of: Callable[..., Kind], inline: bool
) -> None:
    """What it raises is in the verdict as a kind, without the text that it may quote; it stops the content, and no rule has fired."""

    def judge(content: Any) -> Detection:
        raise RuntimeError(f"cannot read {content.text}")

    kinds = {"own": kind_of(judge, tier=0 if inline else 1)}
    guard = guard_of(
        "detectors:\n  d: {use: own}\nrules:\n  - {id: r, on: input, when: custom.own > 0, then: block}",
        detectors=kinds,
    )
    for verdict in both(guard, "my password"):
        assert verdict.blocked
        assert (verdict.rules, verdict.unavailable) == ((), Unavailable("crash", ("r",)))
        assert [e.to_dict() for e in verdict.errors] == [
            {"detector": "d", "error": "raised RuntimeError", "path": "", "reason": "crash"}
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


@each_case(
    ("reads", "expected"),
    [
        ((), False),
        (("stage",), False),
        (("prompt",), True),
        (("stage", "system"), True),
        (("sources",), True),
    ],
)
def test_a_pipeline_knows_whether_a_detector_reads_context(
    guard_of: Callable[..., Guard], kind_of: Callable[..., Kind], reads: tuple[str, ...], expected: bool
) -> None:
    """Of the policy or of the floor; the stage of a content is none."""
    kinds = {"own": kind_of(lambda content: CLEAN, reads=reads)}
    text = "detectors:\n  slow: {use: own}\nrules:\n  - {id: r, on: input, when: custom.own > 0, then: block}"
    none = "rules: []"
    assert guard_of(text, detectors=kinds).pipeline.reads_context is expected
    assert guard_of(none, floor=text, detectors=kinds).pipeline.reads_context is expected


def test_today_is_an_iso_date() -> None:
    """In UTC, for exceptions that expire."""
    before = time.strftime("%Y-%m-%d", time.gmtime())
    assert before <= pipeline.today() <= time.strftime("%Y-%m-%d", time.gmtime())


def test_the_total_time_holds_that_of_the_detectors(guard_of) -> None:
    """What the quick path took before something was found is part of the total."""
    guard = guard_of("detectors: {p: {use: pii}}\nrules: [{id: a, on: input, when: pii > 0, then: flag}]\n")
    timings = guard.check("mail jo@example.com " + "x " * 5000).timings_ms

    assert timings["total"] >= timings["p"] > 0


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
  - {{id: read, on: [input], when: custom.own > 0, then: flag, scope: conversation}}
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
