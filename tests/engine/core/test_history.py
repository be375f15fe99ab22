"""Which earlier turns are left out with one that is blocked."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.core.history import KEPT, History
from guardrails.types import Place
from tests.cases import each_case


@each_case(
    ("message", "roles", "gone"),
    [
        (0, ("user", "user", "user"), {0}),
        (1, ("assistant", "tool", "user"), {0, 1}),
        (1, ("user", "developer", "assistant", "user"), set()),
        (2, ("user", "developer", "assistant", "user"), {2}),
        (3, ("user", "assistant", "user", "user"), set()),
        (None, ("user", "user"), set()),
    ],
)
def test_what_goes_with_a_message(message: int | None, roles: tuple[str, ...], gone: set[int]) -> None:
    """The exchange of a message; nothing where it must stay."""
    history = History(ContentTree(roles=roles, current_from=len(roles) - 1))
    assert {*history.messages(history.removable([Place(message=message)]))} == gone


@given(
    st.lists(st.sampled_from(["user", "assistant", "tool", "system", "developer"]), min_size=2, max_size=12),
    st.data(),
)
def test_an_exchange_is_left_out_whole(roles: list[str], data: st.DataObject) -> None:
    """From the user's turn to the one before the next; the turn itself stays where an answer to it is blocked."""
    current = len(roles) - 1
    message = data.draw(st.integers(0, current - 1))
    first = max((at for at in range(message + 1) if roles[at] == "user"), default=0)
    last = min((at for at in range(message + 1, len(roles)) if roles[at] == "user"), default=len(roles))
    whole = roles[message] == "user"
    expected = {at for at in range(first, last) if roles[at] not in KEPT and (whole or roles[at] != "user")}

    history = History(ContentTree(roles=tuple(roles), current_from=current))
    gone = history.messages(history.removable([Place(message=message)]))

    assert {*gone} == (set() if roles[message] in KEPT else expected)


def test_one_place_that_must_stay_keeps_all() -> None:
    """What is blocked for the current turn too is blocked."""
    history = History(ContentTree(roles=("user", "assistant", "user"), current_from=2))
    assert history.removable([Place(message=0), Place(message=2)]) == set()
