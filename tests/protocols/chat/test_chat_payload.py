"""Messages, chat requests and responses, read and given back in the same shape."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from guardrails import Guard, ToolCall
from guardrails.protocols.chat.chat_payload import is_conversation, is_message, is_messages
from tests.cases import each_case

# Beside a term a letter of its own, in any script, would be a repeat, and part of it.
BESIDE = st.text(" .,;:!?'()\n\u00e4\u00df\u4e2d\u3042gkw", max_size=5)

BAD, GOOD = "a zqxbomb b", "a [BOMB] b"


def user(content: Any) -> dict[str, Any]:
    """Return a user's message."""
    return {"role": "user", "content": content}


def test_log_probabilities_of_an_edited_choice_go(bomb_redactor: Guard) -> None:
    """They spell the text as it was; those of the other choices stay."""
    tokens = {"content": [{"token": "zqx"}, {"token": "bomb"}]}
    body = {
        "choices": [
            {"index": index, "message": {"content": text}, "logprobs": tokens, "token_ids": [1, 2]}
            for index, text in enumerate([BAD, "x"])
        ]
    }
    content: Any = bomb_redactor.check(body, "output").content
    assert [choice["logprobs"] for choice in content["choices"]] == [None, tokens]
    assert content["choices"][0]["token_ids"] is None
    assert "zqx" not in str(content["choices"][0])
    assert body["choices"][0]["logprobs"] == tokens


@each_case(
    "body", [{"choices": [], "odd": BAD}, {"choices": BAD}, {"choices": {"a": BAD}}, {"choices": [BAD]}]
)
def test_responses_of_odd_shapes_are_edited_where_the_text_stands(
    bomb_redactor: Guard, body: dict[str, Any]
) -> None:
    """Fields beside the choices, and choices that are no list of mappings, are read and edited all the same."""
    content = bomb_redactor.check(body, "output").content
    assert str(content) == str(body).replace(BAD, GOOD)


def test_a_client_cannot_have_its_request_read_as_a_response(guard_of: Any) -> None:
    """Rules on input hold although the request has a field `choices`; a response may have `messages` of its
    own.
    """
    word = "detectors:\n  w: {use: terms, terms: [badword], category: custom.w}\n"
    guard = guard_of(word + "rules:\n  - {id: r, on: input, when: custom.w > 0, then: block}")
    assert guard.check({"messages": [user("a badword")], "choices": []}).blocked
    assert str(guard.check({"choices": [{"text": "a badword"}], "messages": []}, "output").action) == "allow"


def test_an_assistant_s_message_is_forgeable_only_where_a_client_sent_it(guard_of: Any) -> None:
    """As input it meets input rules too; as output it is what the model just said."""
    word = "detectors:\n  w: {use: terms, terms: [badword], category: custom.w}\n"
    guard = guard_of(word + "rules:\n  - {id: r, on: input, when: custom.w > 0, then: block}")
    for given_ in (
        {"role": "assistant", "content": "a badword"},
        [{"role": "assistant", "content": "a badword"}],
    ):
        assert guard.check(given_, "input").blocked
        assert not guard.check(given_, "output").blocked


def test_a_message_alone_has_paths_from_its_own_top(bomb_redactor: Guard) -> None:
    """A pointer leads into what was given."""
    assert [finding.path for finding in bomb_redactor.check(user(BAD)).findings] == ["/content"]
    assert [finding.path for finding in bomb_redactor.check([user(BAD)]).findings] == ["/0/content"]
    assert [finding.path for finding in bomb_redactor.check(BAD).findings] == [""]


@each_case(
    "given_",
    [
        {"zqxbomb": "x"},
        user([{"type": "text", "text": "x", "zqxbomb": 1}]),
        {"role": "user", "content": "x", "name": "zqxbomb"},
        ToolCall("zqxbomb", "{}"),
        ToolCall("f", '{"zqxbomb": 1}'),
        ToolCall("f", "zqxbomb, but no JSON"),
        [{"role": "tool", "tool_call_id": "zqxbomb", "content": "x"}],
    ],
)
def test_names_and_identifiers_are_blocked_not_edited(bomb_redactor: Guard, given_: Any) -> None:
    """Replacing a key or an id would break the structure that hangs on it."""
    verdict = bomb_redactor.check(given_)
    assert verdict.blocked
    assert verdict.content is None
    assert [rule.reason for rule in verdict.rules] == ["unsafe_edit"]


@given(st.integers(0, 6), st.integers(1, 6), BESIDE, BESIDE)
def test_a_word_split_over_parts_leaves_no_piece(
    bomb_redactor: Guard, cut: int, step: int, before: str, after: str
) -> None:
    """However a term is cut into parts it is found, and the redacted parts together hold one placeholder for
    it.
    """
    whole = f"{before}{'zqxbomb'}{after}"
    pieces = [whole[:cut], *(whole[i : i + step] for i in range(cut, len(whole), step))]
    verdict = bomb_redactor.check(user([{"type": "text", "text": piece} for piece in pieces if piece]))
    content: Any = verdict.content
    assert "".join(part["text"] for part in content["content"]) == f"{before}[BOMB]{after}"


@each_case(
    ("value", "conversation"),
    [
        (user("x"), True),
        ({"role": "assistant", "tool_calls": []}, True),
        ({"role": "root", "content": "x"}, True),
        ([user("x"), "y"], True),
        ((user("x"),), True),
        ({"messages": []}, True),
        ({"messages": [user("x")], "choices": []}, True),
        ({"choices": [{"message": {"content": "x"}}]}, True),
        ({"choices": [{"text": "x", "index": 0}]}, True),
        ({"role": "editor", "name": "Jo"}, False),
        ([{"role": "editor"}], False),
        ({"messages": "none"}, False),
        ({"messages": [{"text": "x"}]}, False),
        ({"choices": ["a", "b"]}, False),
        ({"choices": [{"text": "x"}]}, False),
        ("role content", False),
        (["role", "content"], False),
        (None, False),
        (b"x", False),
    ],
)
def test_a_conversation_is_told_by_its_shape(value: Any, conversation: bool) -> None:
    """Not by the name of a field alone."""
    assert is_conversation(value) is conversation


def test_messages_are_lists_with_messages_in_them() -> None:
    """What else stands among them is refused where they are read."""
    assert is_message(user("x"))
    assert is_messages(["x", user("y")])
    assert not is_messages(user("x"))
    assert not is_messages([])
