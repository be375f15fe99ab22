"""What of a completion passes, choice by choice."""

from __future__ import annotations

import json

import pytest

from guardrails.engine import chat
from guardrails.engine.outcome import Outcome
from guardrails.errors import BackendError
from guardrails.proxy import answer
from guardrails.types import Action, Coverage, FiredRule, PolicyRef, Stage, Verdict


def outcome(edits=None, blocked=()) -> Outcome:
    """Return an outcome that edits and blocks these leaves."""
    return Outcome(
        Action.BLOCK, (), (), (), Coverage(), (), True, edits=edits or {}, blocked=frozenset(blocked)
    )


def at(leaves, path: str) -> int:
    """Return the index of the leaf at a path."""
    return next(index for index, leaf in enumerate(leaves.found) if leaf.content.place.path == path)


def test_what_has_no_leaf_refuses_every_choice(kit) -> None:
    """A block whose place is not known (a sound, say) lets no choice pass."""
    body = kit.completion("a", "b")

    passed = answer.withheld(body, chat.response(body), outcome(blocked=[-1]), "No.")

    assert [choice["message"]["refusal"] for choice in passed["choices"]] == ["No.", "No."]
    assert body == kit.completion("a", "b")


def test_choices_are_told_apart_by_their_place(kit) -> None:
    """Two choices that claim one index, or none, are still two."""
    body = kit.completion("a", "b", "c")
    for choice, index in zip(body["choices"], (0, 0, "x"), strict=True):
        choice["index"] = index
    leaves = chat.response(body)

    passed = answer.withheld(body, leaves, outcome(blocked=[at(leaves, "/choices/1/message/content")]), "No.")

    assert [choice["finish_reason"] for choice in passed["choices"]] == ["stop", "content_filter", "stop"]
    assert passed["choices"][1]["index"] == 0


def test_a_blocked_and_an_edited_choice_stand_side_by_side(kit) -> None:
    """Edits of one choice hold although another is blocked."""
    body = kit.completion("a", "b")
    body["choices"][0]["logprobs"] = {"content": []}
    leaves = chat.response(body)
    first, second = at(leaves, "/choices/0/message/content"), at(leaves, "/choices/1/message/content")

    passed = answer.withheld(body, leaves, outcome({first: "A"}, [second]), "No.")["choices"]

    assert (passed[0]["message"]["content"], passed[0]["logprobs"]) == ("A", None)
    assert passed[1]["message"] == {"role": "assistant", "content": None, "refusal": "No."}


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"[]", b"null", b"<html>", b"{}", b'{"choices":null}', b'{"choices":"x"}', b'{"choices":[1]}',
        b'{"choices":[],"choices":[]}', b'{"choices":[],"x":NaN}', b'{"choices":[],"x":"\\ud800"}', b'{"choices":[]} x',
        b'{"error":{"message":"x"}}', b"\xff\xfe",
    ],
)  # fmt: skip
def test_what_is_no_completion_is_the_upstreams_fault(raw: bytes) -> None:
    """502 for whatever two clients could read in two ways, or cannot be judged as a completion."""
    with pytest.raises(BackendError) as caught:
        answer.parsed(raw)
    assert (caught.value.status, caught.value.code) == (502, "upstream_invalid")


def test_a_completion_is_parsed(kit) -> None:
    """A well-formed one comes back as it is."""
    assert answer.parsed(json.dumps(kit.completion("x")).encode()) == kit.completion("x")


def test_a_message_comes_from_the_rule_that_blocks() -> None:
    """A rule that only redacts lends its words to no refusal; without any there is a plain sentence."""

    def verdict(*rules: FiredRule) -> Verdict:
        return Verdict("vd", Action.BLOCK, Stage.OUTPUT, PolicyRef("p", "1", "sha256:0"), None, rules=rules)

    redacts, blocks = FiredRule("a", Action.REDACT, "A"), FiredRule("b", Action.BLOCK, "B")
    assert answer.message_of(verdict(redacts, blocks)) == "B"
    assert answer.message_of(verdict(redacts)) == answer.REFUSAL
