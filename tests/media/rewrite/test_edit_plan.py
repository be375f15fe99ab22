"""Plans: how far clips and boxes grow, and what is no edit."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.media.images.edit import Box
from guardrails.media.rewrite.edit_plan import EditPlan, FilmEdit, FrameCover, plan_edits
from tests.cases import each_case

SIZE = (320, 240)


def test_edits_become_a_plan() -> None:
    """What is covered stays apart, by time; what is cut and what is muted is one each."""
    plan = plan_edits(
        [
            FilmEdit((3_000, 4_000), "solid", ((100, 100, 40, 20),)),
            FilmEdit((1_000, 2_000), "blur"),
            FilmEdit((5_000, 6_000), "cut"),
            FilmEdit((6_500, 7_000), "cut"),
            FilmEdit((50, 800), "mute"),
        ],
        SIZE,
    )
    assert plan.covers == (
        FrameCover((500_000, 2_500_000), "blur", SIZE),
        FrameCover((2_500_000, 4_500_000), "solid", SIZE, ((94, 97, 52, 26),)),
    )
    assert plan.found == ((5_000_000, 6_000_000), (6_500_000, 7_000_000))
    assert plan.cuts == ((4_500_000, 7_500_000),)
    assert plan.mutes == ((0, 900_000),)


@each_case("how", ["solid", "cut", "mute"])
def test_an_instant_is_a_millisecond(how: Any) -> None:
    """What was found there is there, however short it is."""
    plan = plan_edits([FilmEdit((7, 7), how)], SIZE, {how: 0, "cut": 0, "mute": 0})
    assert [*(cover.span for cover in plan.covers), *plan.cuts, *plan.mutes] == [(7_000, 8_000)]


def test_margins_are_given() -> None:
    """For who knows better how exact the clips are."""
    margins = dict.fromkeys(("solid", "cut"), 0)
    plan = plan_edits([FilmEdit((10, 20), "solid", ((10, 10, 10, 10),))], SIZE, {**margins, "mute": 0}, 0.0)
    assert plan.covers == (FrameCover((10_000, 20_000), "solid", SIZE, ((10, 10, 10, 10),)),)


@each_case(
    ("edit", "message"),
    [
        (FilmEdit((5, 4), "solid"), "in order"),
        (FilmEdit((-1, 5), "cut"), "from 0 on"),
        (FilmEdit((0, 5), "cut", ((0, 0, 4, 4),)), "no boxes"),
        (FilmEdit((0, 5), "mute", ((0, 0, 4, 4),)), "no boxes"),
        (FilmEdit((0, 5), "blur", ((320, 0, 4, 4),)), "outside"),
        (FilmEdit((0, 5), "blur", ((0, 0, 0, 4),)), "outside"),
    ],
)
def test_what_is_no_edit(edit: FilmEdit, message: str) -> None:
    """It is a mistake of who asks, and is never taken for something else."""
    with pytest.raises(ValueError, match=message):
        plan_edits([edit], SIZE)


@each_case(
    ("plan", "expected"),
    [
        (EditPlan(), False),
        (plan_edits([FilmEdit((0, 5), "blur")], SIZE), False),
        (plan_edits([FilmEdit((0, 5), "mute")], SIZE), True),
        (plan_edits([FilmEdit((0, 5), "cut")], SIZE), True),
    ],
)
def test_which_plans_change_the_sound(plan: EditPlan, expected: bool) -> None:
    """All others copy it as it is."""
    assert plan.sounds is expected


@given(
    st.integers(1, 400),
    st.integers(1, 400),
    st.tuples(st.integers(0, 300), st.integers(0, 200), st.integers(1, 20), st.integers(1, 40)),
)
def test_boxes_fit_a_picture_of_another_size(width: int, height: int, box: Box) -> None:
    """Whatever was in the box is in the new one, which lies in the picture."""
    ((found, how),) = FrameCover((0, 1), "solid", SIZE, (box,)).boxes_in((width, height))
    x, y, wide, high = found
    assert how == "solid"
    assert x * 320 <= box[0] * width
    assert y * 240 <= box[1] * height
    assert (x + wide) * 320 >= (box[0] + box[2]) * width
    assert (y + high) * 240 >= (box[1] + box[3]) * height
    assert 0 <= x < x + wide <= width
    assert 0 <= y < y + high <= height


def test_no_box_is_the_whole_frame() -> None:
    """Of any size."""
    assert [*FrameCover((0, 1), "blur", SIZE).boxes_in((641, 479))] == [((0, 0, 641, 479), "blur")]
