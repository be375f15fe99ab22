"""A turn is a conversation that ends with what is judged."""

from __future__ import annotations

from guardrails.detectors.llm.guards.form import GuardTurn
from tests.cases import each_case


@each_case(
    ("turn", "roles", "last"),
    [
        (GuardTurn("hello"), ["user"], "hello"),
        (GuardTurn("a reply", "its prompt"), ["user", "assistant"], "a reply"),
        (GuardTurn("a reply to nothing known", ""), ["user", "assistant"], "a reply to nothing known"),
    ],
)
def test_what_is_judged_is_the_last_turn(turn: GuardTurn, roles: list[str], last: str) -> None:
    """A reply is an assistant's turn behind the user's, also where nobody knows what was asked."""
    messages = turn.messages()
    assert [message["role"] for message in messages] == roles
    assert messages[-1]["content"] == last
