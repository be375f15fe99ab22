"""What is withheld of a chat completion, choice by choice, and what is none."""

from __future__ import annotations

import json

import pytest

from guardrails.engine.model import Outcome
from guardrails.errors import BackendError
from guardrails.protocols.chat import chat_fields
from guardrails.protocols.chat.protocol import CHAT, withhold
from guardrails.proxy.exchange.answer import parse_answer
from guardrails.types import Action, Coverage
from tests.cases import each_case
from tests.proxy.conftest import completion


def outcome(edits=None, blocked=()) -> Outcome:
    """Return an outcome that edits and blocks these leaves."""
    return Outcome(
        Action.BLOCK, (), (), (), Coverage(), (), True, edits=edits or {}, blocked=frozenset(blocked)
    )


def at(leaves, path: str) -> int:
    """Return the index of the leaf at a path."""
    return next(index for index, leaf in enumerate(leaves.leaves) if leaf.content.place.path == path)


def test_what_has_no_leaf_refuses_every_choice() -> None:
    """A block whose place is not known (a sound, say) lets no choice pass."""
    body = completion("a", "b")

    passed = withhold(body, chat_fields.read_response(body), outcome(blocked=[-1]), "No.")

    assert [choice["message"]["refusal"] for choice in passed["choices"]] == ["No.", "No."]
    assert body == completion("a", "b")


def test_choices_are_told_apart_by_their_place() -> None:
    """Two choices that claim one index, or none, are still two."""
    body = completion("a", "b", "c")
    for choice, index in zip(body["choices"], (0, 0, "x"), strict=True):
        choice["index"] = index
    leaves = chat_fields.read_response(body)

    passed = withhold(body, leaves, outcome(blocked=[at(leaves, "/choices/1/message/content")]), "No.")

    assert [choice["finish_reason"] for choice in passed["choices"]] == ["stop", "content_filter", "stop"]
    assert passed["choices"][1]["index"] == 0


def test_a_blocked_and_an_edited_choice_stand_side_by_side() -> None:
    """Edits of one choice hold although another is blocked."""
    body = completion("a", "b")
    body["choices"][0]["logprobs"] = {"content": []}
    leaves = chat_fields.read_response(body)
    first, second = at(leaves, "/choices/0/message/content"), at(leaves, "/choices/1/message/content")

    passed = withhold(body, leaves, outcome({first: "A"}, [second]), "No.")["choices"]

    assert (passed[0]["message"]["content"], passed[0]["logprobs"]) == ("A", None)
    assert passed[1]["message"] == {"role": "assistant", "content": None, "refusal": "No."}


@each_case(
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
        parse_answer(CHAT, raw)
    assert (caught.value.status, caught.value.code) == (502, "upstream_invalid")


def test_a_completion_is_parsed() -> None:
    """A well-formed one comes back as it is."""
    assert parse_answer(CHAT, json.dumps(completion("x")).encode()) == completion("x")
