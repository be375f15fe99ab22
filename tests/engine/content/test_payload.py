"""Payloads: an outcome's edits in the value that was given."""

from __future__ import annotations

from typing import Any

from guardrails import Guard
from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.content.payload import Payload, body, text
from guardrails.types import Place, Stage


def test_a_text_is_given_back_edited(bomb_redactor: Guard) -> None:
    """The same object where nothing changes, None where it is blocked."""
    assert bomb_redactor.check(text("a zqxbomb b", Stage.INPUT)).content == "a [BOMB] b"
    fine = "all fine"
    assert bomb_redactor.check(text(fine, Stage.INPUT)).content is fine


def test_a_body_is_given_back_as_its_editor_says(bomb_redactor: Guard) -> None:
    """It gets the body, its tree and the outcome."""
    tree = ContentTree()
    tree.text("zqxbomb", ("a",), Place())
    given = {"a": "zqxbomb"}
    assert bomb_redactor.check(body(given, tree)).content == {"a": "[BOMB]"}

    def edit(value: Any, leaves: ContentTree, outcome: Any) -> Any:
        return [value, leaves, dict(outcome.edits)]

    assert bomb_redactor.check(body(given, tree, edit)).content == [given, tree, {0: "[BOMB]"}]


def test_a_payload_that_is_blocked_gives_nothing(bomb_guard: Guard) -> None:
    """Whatever would be made of it."""
    tree = ContentTree()
    tree.text("zqxbomb", (), Place())
    assert bomb_guard.check(Payload(tree, lambda outcome: "never")).content is None
