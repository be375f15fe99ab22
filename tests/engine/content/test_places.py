"""Where contents stand, and whose words they are."""

from __future__ import annotations

from guardrails.engine.content.places import field_place, is_users_own, place_at, role_of
from guardrails.types import Place, Stage, Use
from guardrails.wire.pointers import KeyStep, Path
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


PLACES = (
    Place(),
    OWN,
    Place(Stage.OUTPUT, also=(Stage.INPUT,), role="assistant", message=1),
    Place(Stage.OUTPUT, role="assistant", choice_index=2),
    Place(Stage.TOOL_CALL, role="assistant", tool="t", use=Use((("t", ""),), "{}")),
    Place(Stage.INPUT, origin="base64"),
    Place(Stage.INPUT, role="system", message=0, declared=True),
)
PATHS: tuple[Path, ...] = ((), ("a",), ("a", 1, "b/~"), ("a", "1"), ("a", KeyStep("1")))


@each_case("place", PLACES)
def test_the_place_of_a_field_is_the_one_at_its_path(place: Place) -> None:
    """Whatever else it says, and however often it is asked for; the use of a tool is the same object."""
    for path in (*PATHS, *PATHS):
        found = field_place(place, path)
        assert found == place_at(place, path)
        assert found.use is place.use


def test_the_place_of_a_field_is_made_once() -> None:
    """Of a field that stands in many bodies alike; one with the use of a tool belongs to its body."""
    assert field_place(OWN, ("a", 1)) is field_place(OWN, ("a", 1))
    assert field_place(OWN, ("a", 1)) is not field_place(OWN, ("a", 2))
    used = Place(Stage.TOOL_CALL, use=Use(()))
    assert field_place(used, ("a",)) is not field_place(used, ("a",))
