"""Whose words a content is, by its place."""

from __future__ import annotations

from guardrails.engine.content.places import is_users_own, role_of
from guardrails.types import Place, Stage
from tests.cases import each_case

OWN = Place(Stage.INPUT, role="user", message=0)


@each_case(
    ("place", "own", "whose"),
    [
        (Place(Stage.INPUT), True, "user"),
        (OWN, True, "user"),
        (Place(Stage.INPUT, role="user"), False, "user"),  # a field of the request, such as its metadata
        (Place(Stage.INPUT, role="system", message=0), False, "system"),
        (Place(Stage.OUTPUT, also=(Stage.INPUT,), role="assistant", message=1), False, "assistant"),
        (Place(Stage.TOOL_RESULT, role="tool", message=1), False, "tool"),
        (Place(Stage.TOOL_CALL, role="assistant", message=1), False, "assistant"),
        (Place(Stage.OUTPUT), False, "assistant"),
        (Place(Stage.RETRIEVAL), False, "tool"),
        (Place(Stage.TOOL_RESULT, role="user", message=0), False, "user"),
    ],
)
def test_a_place_tells_whose_words_stand_there(place: Place, own: bool, whose: str) -> None:
    """The user's own are their messages, and texts that come alone."""
    assert (is_users_own(place), role_of(place)) == (own, whose)
