"""Patches build a whole answer, however the texts in it are cut."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails import BackendError
from guardrails.protocols.streaming.assembler import Assembler, has_half_pair, join_surrogates
from guardrails.protocols.streaming.codec import Patch
from tests.cases import each_case


def built(*patches: Patch) -> Any:
    """Return the answer that patches build, some of them at a time."""
    made = Assembler()
    made.apply(patches[:1])
    made.apply(patches[1:])
    return made.answer()


def append(value: Any, *path: str | int) -> Patch:
    """Return a patch that appends a value."""
    return Patch("append", path, value)


def put(value: Any, *path: str | int) -> Patch:
    """Return a patch that sets a value."""
    return Patch("set", path, value)


def merged(*said: Any) -> Any:
    """Return the value that is merged of pieces."""
    return built(*(Patch("merge", (), each) for each in said))


@each_case(
    ("patches", "whole"),
    [
        ([], None),
        ([append({})], {}),
        ([put({"a": 1})], {"a": 1}),
        ([put({"a": 1}), put(2, "b")], {"a": 1, "b": 2}),
        ([put(1, "a", "b"), put({"c": 2}, "a")], {"a": {"c": 2}}),
        ([put({"a": {"b": "x"}}), append("y", "a", "b"), append("z", "a", "b")], {"a": {"b": "xyz"}}),
        ([put({"a": None}), append("y", "a")], {"a": "y"}),
        ([append("x", "a"), append("", "a"), append("y", "a")], {"a": "xy"}),
        ([append("", "a")], {"a": ""}),
        ([append([], "a"), append([1], "a"), append([1], "a")], {"a": [1, 1]}),
        ([put({"a": [{"b": 1}]}), append([{"b": 2}, {"b": 3}], "a")], {"a": [{"b": 1}, {"b": 2}, {"b": 3}]}),
        ([append({"id": "x", "t": "a"}), append({"id": "x", "t": "b"})], {"id": "x", "t": "ab"}),
        ([append("x", "l", 0, "t"), append("y", "l", 1, "t"), append("z", "l", 0, "t")], {"l": [{"t": "xz"}, {"t": "y"}]}),
        ([append("x", "l", 2), append("y", "l", 0), append("z", "l", 1)], {"l": ["y", "z", "x"]}),
        ([put({"l": [{"t": "x"}, {"t": "y"}]}), append("z", "l", 1, "t")], {"l": [{"t": "x"}, {"t": "yz"}]}),
        ([append("x", "l", 0), put("y", "l", 0)], {"l": ["y"]}),
        ([append("x", "a"), put({"b": 1})], {"b": 1}),
        ([append("x", "a"), append({"b": 1}, "a"), append([2], "a"), append(3, "a")], {"a": ["x", {"b": 1}, [2], 3]}),
        ([append(1, "a"), append(1, "a"), append(2, "a")], {"a": 2}),
        ([append("\ud83d", "a"), append("\ude00", "a")], {"a": "\N{GRINNING FACE}"}),
        ([put({"a": "\ud83d"}), append("\ude00", "a")], {"a": "\N{GRINNING FACE}"}),
    ],
)  # fmt: skip
def test_patches_build_an_answer(patches: list[Patch], whole: Any) -> None:
    """In their order; what nothing stands before is begun, and what is said differently is kept, all of it."""
    assert built(*patches) == whole


def test_what_is_set_is_not_changed_by_what_grows_in_it() -> None:
    """An event that is told once more says what it said."""
    given: dict[str, Any] = {"a": {"b": "x", "l": [1]}}
    assert built(put(given), append("y", "a", "b"), append([2], "a", "l")) == {"a": {"b": "xy", "l": [1, 2]}}
    assert given == {"a": {"b": "x", "l": [1]}}


@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    st.lists(st.integers(0, 40), max_size=8),
    st.sampled_from(["append", "merge"]),
)
def test_a_text_is_that_of_its_pieces(text: str, cuts: list[int], operation: Any) -> None:
    """However it is cut, within its characters too: they are two halves where JSON has them so."""
    units = text.encode("utf-16-le")
    ends = [0, *sorted(min(2 * cut, len(units)) for cut in cuts), len(units)]
    pieces = [units[a:b].decode("utf-16-le", "surrogatepass") for a, b in itertools.pairwise(ends)]
    assert built(*(Patch(operation, ("l", 0, "t"), piece) for piece in pieces)) == {"l": [{"t": text}]}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("ab"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=12,
)


@given(VALUES, st.booleans())
def test_a_value_is_what_was_set_or_appended(value: Any, opened: bool) -> None:
    """Whether anything beside it grows or not."""
    beside = [append("x", "beside")] * opened
    assert built(put({"v": value}), *beside)["v"] == value
    assert built(append(value, "v"), *beside)["v"] == value
    assert built(put({"v": value}), append(value, "w"), put(value, "l", 0))["l"] == [value]


@given(st.permutations(range(5)), st.lists(st.integers(0, 4), max_size=8))
def test_entries_stand_in_the_order_of_their_indexes(order: list[int], more: list[int]) -> None:
    """In whatever order they come."""
    patches = [append("x", "l", index, "t") for index in (*order, *more)]
    assert built(*patches) == {"l": [{"t": "x" * (1 + more.count(index))} for index in range(5)]}


@each_case(
    ("said", "whole"),
    [
        ([{"a": "x"}, {"a": "y"}], {"a": "xy"}),
        ([{"a": None}, {"a": "y"}], {"a": "y"}),
        ([{"a": "\ud83d"}, {"a": "\ude00"}], {"a": "\N{GRINNING FACE}"}),
        ([{"id": "x"}, {"id": "x"}, {"id": "y"}], {"id": "x\ny\nxy"}),
        ([{"finish_reason": "zorblatt"}, {"finish_reason": "stop"}], {"finish_reason": "zorblatt\nstop\nzorblattstop"}),
        ([{"type": "auto"}, {"type": "none"}], {"type": "autonone"}),
        ([{"name": "get_x"}, {"name": "y z"}], {"name": "get_xy z"}),
        ([{"n": 1}, {"n": 1}, {"n": 2}], {"n": 2}),
        ([{"n": 4111111111111111}, {"n": 2}], {"n": [4111111111111111, 2]}),
        ([{"a": {"b": "x"}}, {"a": {"b": "y", "c": 1}}], {"a": {"b": "xy", "c": 1}}),
        ([{"l": [{"index": 1, "a": "x"}]}, {"l": [{"index": 0, "a": "p"}, {"index": 1, "a": "y"}]}], {"l": [{"index": 0, "a": "p"}, {"index": 1, "a": "xy"}]}),
        ([{"l": [{"id": "a", "t": "x"}]}, {"l": [{"t": "y"}]}], {"l": [{"id": "a", "t": "xy"}]}),
        ([{"l": [{"id": "a", "t": "x"}]}, {"l": [{"id": "b", "t": "y"}]}], {"l": [{"id": "a", "t": "x"}, {"id": "b", "t": "y"}]}),
        ([{"l": [{"type": "a"}]}, {"l": [{"type": "b"}]}], {"l": [{"type": "a"}, {"type": "b"}]}),
        ([{"annotations": [{"t": "x"}]}, {"annotations": [{"t": "y"}]}], {"annotations": [{"t": "x"}, {"t": "y"}]}),
        ([{"a": "x"}, {"a": {"b": 1}}], {"a": ["x", {"b": 1}]}),
        ([{"l": ["x"]}, {"l": ["y"]}], {"l": ["x", "y"]}),
        ([], None),
    ],
)  # fmt: skip
def test_pieces_make_up_a_whole(said: list[Any], whole: Any) -> None:
    """Texts grow, entries of lists are told apart, what is said twice is said once."""
    assert merged(*said) == whole


def test_halves_of_a_character_are_joined() -> None:
    """Where both are there; names count as well."""
    assert join_surrogates("a") == "a"
    assert join_surrogates("\ud83d\ude00") == "\N{GRINNING FACE}"
    for lonely in ("\ud83d", "\ude00 \ud83d"):
        with pytest.raises(BackendError):
            join_surrogates(lonely)
        with pytest.raises(BackendError):
            built(append({"a": [lonely]}))
    assert [
        has_half_pair(each) for each in ({"a": ["\ud83d"]}, {"\ud83d": 1}, {"a": "\N{GRINNING FACE}"})
    ] == [
        True,
        True,
        False,
    ]
