"""What every API does with an answer: read it strictly, and find the words for what is withheld."""

from __future__ import annotations

from typing import Any

import pytest

from guardrails.errors import BackendError
from guardrails.proxy.access.keys import hash_key
from guardrails.proxy.exchange import answer
from guardrails.types import CLEAN, Action, Detection, FiredRule, PolicyRef, Stage, Verdict
from tests.cases import each_case


@each_case(
    "raw",
    [
        b"", b"[]", b"null", b"<html>", b'{"x":1,"x":2}', b'{"x":NaN}', b'{"x":"\\ud800"}', b"{} x", b"\xff\xfe",
    ],
)  # fmt: skip
def test_what_is_no_object_is_the_upstreams_fault(raw: bytes) -> None:
    """502 for whatever two clients could read in two ways, or cannot be judged at all."""
    with pytest.raises(BackendError) as caught:
        answer.parse_object(raw)
    assert (caught.value.status, caught.value.code) == (502, "upstream_invalid")


def test_a_message_comes_from_the_rule_that_blocks() -> None:
    """A rule that only redacts lends its words to no refusal; without any there is a plain sentence."""

    def verdict(*rules: FiredRule) -> Verdict:
        return Verdict("vd", Action.BLOCK, Stage.OUTPUT, PolicyRef("p", "1", "sha256:0"), None, rules=rules)

    redacts, blocks = FiredRule("a", Action.REDACT, "A"), FiredRule("b", Action.BLOCK, "B")
    assert verdict(redacts, blocks).refusal == "B"
    assert verdict(redacts).refusal == "Stopped by policy."
    assert verdict(redacts, FiredRule("c", Action.FLAG, "Call somebody.")).refusal == "Call somebody."


def test_another_model_answers_only_where_client_and_policy_allow_it(serve, fakes, kit) -> None:
    """The key must let the client ask it, and the same policy must judge it."""
    first, second, _ = fakes
    first.answers({"error": {"message": "broken"}}, 500)
    second.answers(kit.completion("Hello."))
    keys = {"all": [], "big": ["big*"]}
    url = serve(
        upstream=None,
        upstreams={
            "a": {"url": first.url, "models": ["big*"]},
            "b": {"url": second.url, "models": ["small", "tiny"]},
        },
        fallbacks={"big": ["tiny", "small"]},
        keys=[{"id": name, "sha256": hash_key(name), "models": models} for name, models in keys.items()],
        policies=[{"policy": "pii-only", "models": ["tiny"]}],
    )

    found = {
        name: kit.chat(url, kit.asking("hi", model="big"), authorization=f"Bearer {name}") for name in keys
    }

    assert {name: answer.status for name, answer in found.items()} == {"all": 200, "big": 500}
    assert found["all"].headers["x-guardrails-model"] == "small"
    assert b'"small"' in second.asked[0].raw


def test_a_request_that_was_late_before_is_not_to_be_tried_again(serve, guard_of, kind_of, kit) -> None:
    """Its content takes as long another time. A full queue says when to come again."""

    def judge(content: Any) -> Detection:
        if "late" in content.text:
            return Detection(error="was late", reason="timeout")
        return Detection(error="no room", reason="capacity") if "full" in content.text else CLEAN

    guard = guard_of(
        "detectors: {d: {use: own}}\nrules: [{id: r, on: input, when: custom.own > 0, then: block}]",
        detectors={"own": kind_of(judge)},
    )
    url = serve(guard)

    def told(text: str) -> tuple[int, str | None, str | None]:
        answer = kit.chat(url, kit.asking(text))
        return answer.status, answer.headers.get("x-should-retry"), answer.headers.get("retry-after")

    assert [told("late"), told("late"), told("late too")] == [
        (503, None, None),
        (503, "false", None),
        (503, None, None),
    ]
    assert told("full") == told("full") == (503, None, "1")
