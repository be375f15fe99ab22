"""Another proxy of this package: the real one judges, and its verdict is taken over; then verdicts that are none."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from guardrails import Detection, Guard
from guardrails.proxy.configuration.settings import Settings
from guardrails.proxy.server.serve import running
from guardrails.types import Finding, Place, Stage, Text, Unchecked
from tests.cases import each_case

THERE = """
detectors:
  words: {use: terms, terms: [zqxbomb], category: custom.bomb}
  rude: {use: terms, terms: [zqxrude], category: profanity}
  mail: {use: pii, entities: [email]}
rules:
  - {id: bomb, on: [input, tool_result], when: custom.bomb > 0, then: block}
  - {id: rude, on: [input, output], when: profanity > 0, then: flag}
  - {id: mail, on: [input, output], when: pii.email > 0, then: redact}
"""


@pytest.fixture
def serve() -> Iterator[Callable[[Guard], str]]:
    """Return a function: a guard in, the address of a real proxy with it out."""
    with ExitStack() as stack:
        yield lambda guard: stack.enter_context(running(Settings("http://127.0.0.1:9", port=0), guard))


@pytest.fixture
def near(guard: Any, guard_of: Any, serve: Any) -> Callable[..., Guard]:
    """Return a function: a policy for the other side (and kinds of it) and one's own fields in, the guard on this side out."""

    def make(
        fields: str = "",
        when: str = "custom.bomb > 0",
        there: str = THERE,
        detectors: Any = None,
        **more: Any,
    ) -> Guard:
        url = serve(guard_of(there, detectors=detectors))
        return guard(f"service: guardrails{fields}", when, url=f"{url}/v1", **more)

    return make


def test_findings_are_taken_over(near, kit) -> None:
    """With category, score and span, in code points; leaves under open roots are named by the policy."""
    guarded = near(
        ", categories: [custom, pii.email, profanity], labels: {custom.bomb: custom.bomb}",
        "profanity > 0",
        then="flag",
    )
    text = "\U0001f600 zqxrude, mail jo@example.com"
    verdict = guarded.check(text)
    start = text.index("jo@")
    assert kit.found(verdict) == [("pii.email", 1.0, (start, len(text))), ("profanity", 1.0, (2, 9))]
    assert str(verdict.action) == "flag"


def test_a_leaf_that_nobody_named_is_its_parent(near, kit) -> None:
    """Nothing that was found is left out because its name is not known here."""
    verdict = near("", "pii > 0", then="redact").check("mail jo@example.com now")
    assert kit.found(verdict) == [("pii", 1.0, (5, 19))]
    assert verdict.content == "mail [PII] now"


def test_a_block_there_is_known_here(near, kit) -> None:
    """As a category of its own, whatever it was blocked for."""
    verdict = near("", "custom.blocked > 0").check("a zqxbomb b")
    assert kit.found(verdict) == [("custom", 1.0, (2, 9)), ("custom.blocked", 1.0, (0, 11))]
    assert str(verdict.action) == "block"


def test_a_block_for_no_finding_is_unsafe(near, kit) -> None:
    """It blocks for what cannot be seen from here."""
    there = "rules:\n  - {id: long, on: input, when: content.length > 3, then: block}\n"
    verdict = near(", categories: [hate]", "unsafe > 0.5", there=there).check("a text")
    assert kit.found(verdict) == [("unsafe", 1.0, (0, 6))]


@pytest.mark.parametrize(
    ("stage", "action"), [("input", "block"), ("tool_result", "block"), ("output", "allow")]
)
def test_the_other_side_knows_the_stage(near, stage, action) -> None:
    """Its rules are for stages too; so are the findings that are made for them."""
    assert str(near("", "custom.blocked > 0").check("a zqxbomb b", stage).action) == action


def test_a_turn_that_may_be_forged_meets_both(near) -> None:
    """A client's own assistant turn is a reply, and input."""
    guarded = near("", "custom.blocked > 0")
    assert guarded.check(Text("a zqxbomb b", Place(Stage.OUTPUT, also=(Stage.INPUT,)))).blocked
    assert not guarded.check(Text("a zqxbomb b", Place(Stage.OUTPUT))).blocked


def test_a_long_text_goes_in_pieces(near, kit) -> None:
    """Each find once, where it stands in the whole text."""
    text = "All is well. " * 100 + "A zqxrude word. " + "All is well. " * 100
    verdict = near(", characters: 200", "profanity > 0", then="flag").check(text)
    start = text.index("zqxrude")
    assert kit.found(verdict) == [("profanity", 1.0, (start, start + 7))]


OWN = """
detectors:
  o: {use: own}
rules:
  - {id: o, on: [input, output], when: custom.own > 0, then: flag, on_error: allow}
unchecked: {limit: allow, part: allow, language: allow}
"""


def test_a_failure_there_is_a_failure_here(near, kit, kind_of) -> None:
    """Also where the policy of the other side lets it pass."""
    failing = kind_of(lambda content: Detection(error="zqx broke" if content.text == "a text" else None))
    said = kit.failed(near("", "custom.blocked > 0", there=OWN, detectors={"own": failing}).check("a text"))
    assert said == "endpoint 'far': 1 of its detectors failed"


def test_what_is_unchecked_there_is_unchecked_here(near, kind_of) -> None:
    """Also where the policy of the other side lets it pass; with its place."""
    partly = kind_of(lambda content: Detection(unchecked=(Unchecked("limit", "zqx", span=(2, 6)),)))
    verdict = near("", "custom.blocked > 0", there=OWN, detectors={"own": partly}).check("a text")
    assert [(each.kind, each.reason, each.span) for each in verdict.coverage.unchecked] == [
        ("limit", "not checked at endpoint 'far'", (2, 6))
    ]
    assert [rule.id for rule in verdict.rules] == ["unchecked.limit"]


def test_what_it_left_out_is_unchecked(near, kind_of) -> None:
    """Sure to block, it does not run its slower detectors, so nobody knows what they would have found."""
    there = (
        THERE.replace("rules:", "  o: {use: own}\nrules:")
        + "  - {id: o, on: input, when: hate > 0, then: flag}\n"
    )
    slow = kind_of(lambda content: Detection((Finding("hate", 1.0, "o"),)), "hate", tier=1)
    guarded = near("", "hate > 0", there=there, detectors={"own": slow}, then="flag")
    verdict = guarded.check("a zqxbomb b")
    assert [rule.id for rule in verdict.rules] == ["unchecked.part"]
    assert str(verdict.action) == "block"
    assert [each.category for each in guarded.check("a text").findings] == ["hate"]


def verdict_of(**changed: Any) -> dict[str, Any]:
    """Return a verdict as `/v1/check` writes it."""
    given = {
        "id": "vd_1", "action": "allow", "stage": "input", "complete": True,
        "policy": {"name": "x", "version": "1", "digest": "sha256:0"}, "rules": [], "findings": [], "content": "a",
        "coverage": {"text": {"parts": 1, "checked": 1, "characters": 1}, "unchecked": []}, "errors": [], "removed": [],
        "timings_ms": {},
    }  # fmt: skip
    return {name: value for name, value in {**given, **changed}.items() if value is not Ellipsis}


def finding(**changed: Any) -> dict[str, Any]:
    """Return a verdict with one finding."""
    given = {
        "category": "hate",
        "score": 0.5,
        "detector": "x",
        "span": [0, 1],
        "box": None,
        "clip": None,
        "path": "",
    }
    return verdict_of(findings=[{**given, **changed}])


def unchecked(**changed: Any) -> dict[str, Any]:
    """Return a verdict with something unchecked."""
    return verdict_of(
        coverage={"unchecked": [{"kind": "limit", "reason": "zqx", "path": "", "span": None, **changed}]}
    )


@each_case(
    "body",
    [
        None, [], {}, "allow", {"error": {"message": "zqx", "type": "x", "param": None, "code": None}},
        verdict_of(action=...), verdict_of(action=None), verdict_of(action="zqx"), verdict_of(action=0),
        verdict_of(errors=...), verdict_of(errors=None), verdict_of(errors={}), verdict_of(errors=[{"detector": "zqx"}]),
        verdict_of(findings=...), verdict_of(findings=None), verdict_of(findings={}), verdict_of(findings=[None]),
        verdict_of(complete=...), verdict_of(complete=None), verdict_of(complete="true"), verdict_of(coverage=...),
        verdict_of(coverage=[]), verdict_of(coverage={}), verdict_of(coverage={"unchecked": None}),
        finding(category=None), finding(category="zqx"), finding(category=""), finding(category="zqx.a"),
        finding(score=None), finding(score="1"), finding(score=True), finding(score=1.5), finding(score=math.nan),
        finding(span="0-1"), finding(span=[0]), finding(span=[0, 1, 2]), finding(span=[1, 1]), finding(span=[-1, 1]),
        finding(span=[0, 999]), finding(span=[0, 1.0]), finding(span=[None, None]), finding(span={}),
        unchecked(kind=None), unchecked(kind="zqx"), unchecked(span=[0, 999]), unchecked(span="x"),
    ],
)  # fmt: skip
def test_a_verdict_that_is_none_has_failed(far, guard, kit, body) -> None:
    """Every part of it is read strictly, and nothing of it is quoted."""
    far.says(body)
    said = kit.failed(guard("service: guardrails", url=f"{far.url}/v1").check("a text"))
    assert said.startswith("endpoint 'far': ") or said == "gave a place outside of what it read"
    assert "zqx" not in said


def test_a_request_holds_text_and_stage(far, guard) -> None:
    """And nothing else of what is known here."""
    far.says(verdict_of())
    guard("service: guardrails", url=f"{far.url}/v1").check("a text", "retrieval", user={"id": "zqx"})
    assert (far.asked[0].path, far.asked[0].json) == ("/v1/check", {"text": "a text", "stage": "retrieval"})


def test_a_policy_there_that_still_loads_is_a_failure(far, guard, kit) -> None:
    """The other proxy answers 503 then."""
    far.says(
        {"error": {"message": "not ready", "type": "server_error", "param": None, "code": "not_ready"}}, 503
    )
    assert kit.failed(guard("service: guardrails").check("a text")) == "endpoint 'far': answered 503"
