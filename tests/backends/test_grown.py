"""Values that grow in pieces: the whole is what the pieces say, and its changes find their way back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails import BackendError
from guardrails.backends.grown import Grown, Unplaced, Where
from guardrails.engine.fields import edited


def grown(*events: Any) -> Grown:
    """Return what events say."""
    whole = Grown()
    for at, event in enumerate(events):
        whole.add(event, (at, ()))
    return whole


def changed(events: list[Any], new: Any) -> list[Any]:
    """Return events as they say something else."""
    whole = grown(*events)
    out: dict[Where, Any] = {}
    whole.put(whole.value(), new, out)
    for (at, path), value in out.items():
        events = [
            edited(event, {(path, None): value}) if at == index else event
            for index, event in enumerate(events)
        ]
    return events


@pytest.mark.parametrize(
    ("events", "whole"),
    [
        ([{"a": "x"}, {"a": "y"}], {"a": "xy"}),
        ([{"a": None}, {"a": "y"}], {"a": "y"}),
        ([{"a": "\ud83d"}, {"a": "\ude00"}], {"a": "\N{GRINNING FACE}"}),
        ([{"id": "x"}, {"id": "x"}, {"id": "y"}], {"id": "xy"}),
        ([{"n": 1}, {"n": 1}, {"n": 2}], {"n": 2}),
        ([{"n": 4111111111111111}, {"n": 2}], {"n": [4111111111111111, 2]}),
        ([{"a": {"b": "x"}}, {"a": {"b": "y", "c": 1}}], {"a": {"b": "xy", "c": 1}}),
        ([{"l": [{"index": 1, "a": "x"}]}, {"l": [{"index": 0, "a": "p"}, {"index": 1, "a": "y"}]}], {"l": [{"index": 1, "a": "xy"}, {"index": 0, "a": "p"}]}),
        ([{"l": [{"id": "a", "t": "x"}]}, {"l": [{"t": "y"}]}], {"l": [{"id": "a", "t": "xy"}]}),
        ([{"l": [{"id": "a", "t": "x"}]}, {"l": [{"id": "b", "t": "y"}]}], {"l": [{"id": "a", "t": "x"}, {"id": "b", "t": "y"}]}),
        ([{"l": [{"type": "a"}]}, {"l": [{"type": "b"}]}], {"l": [{"type": "a"}, {"type": "b"}]}),
        ([{"annotations": [{"t": "x"}]}, {"annotations": [{"t": "y"}]}], {"annotations": [{"t": "x"}, {"t": "y"}]}),
        ([{"a": "x"}, {"a": {"b": 1}}], {"a": ["x", {"b": 1}]}),
        ([{"l": ["x"]}, {"l": ["y"]}], {"l": ["x", "y"]}),
    ],
)  # fmt: skip
def test_pieces_make_up_a_whole(events: list[Any], whole: Any) -> None:
    """Texts grow, entries of lists are told apart, what is said twice is said once."""
    assert grown(*events).value() == whole


def test_half_a_character_is_refused() -> None:
    """It could become another one."""
    with pytest.raises(BackendError):
        grown({"a": "\ud83d"}, {"a": "x"}).value()


@given(st.text(min_size=1), st.data(), st.text())
def test_a_new_text_stands_where_the_first_piece_stood(text: str, data: st.DataObject, new: str) -> None:
    """Whatever the cuts: the pieces make up the new text, and their number stays."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    events = changed([{"t": piece, "n": 1} for piece in pieces], {"t": new, "n": 1})
    assert "".join(event["t"] for event in events) == new
    assert len(events) == len(pieces)
    if new != text:
        assert [event["t"] for event in events if event["t"]] == [new][: len(new)]


@pytest.mark.parametrize(
    ("events", "new", "after"),
    [
        ([{"id": "x"}, {"id": "x"}], {"id": "y"}, [{"id": "y"}, {"id": "y"}]),
        ([{"a": "", "b": 1}, {"a": "xy"}], {"a": "z", "b": 1}, [{"a": "", "b": 1}, {"a": "z"}]),
        ([{"p": {"a": 1}}, {"p": {"a": 1}}], {"p": None}, [{"p": None}, {"p": None}]),
        ([{"l": ["x", "y"]}], {"l": ["x", "z"]}, [{"l": ["x", "z"]}]),
        ([{"a": {"b": "x"}, "c": 1}], {"a": {"b": "y"}, "c": 1}, [{"a": {"b": "y"}, "c": 1}]),
        ([{"a": "x"}, {"b": 1}], {"b": 1}, [{"a": None}, {"b": 1}]),
    ],
)
def test_changes_find_their_pieces(events: list[Any], new: Any, after: list[Any]) -> None:
    """And nothing else changes."""
    assert changed(events, new) == after


@pytest.mark.parametrize(
    ("events", "new"),
    [
        ([{"l": ["x", "y"]}], {"l": ["x"]}),
        ([{"a": "x"}, {"a": {"b": "y"}}], {"a": ["z", {"b": "y"}]}),
        ([{"n": 1}], {"n": 2}),
    ],
)
def test_a_change_that_has_no_place_is_told(events: list[Any], new: Any) -> None:
    """An entry that is gone, or a value that was said in several ways."""
    with pytest.raises(Unplaced):
        changed(events, new)


def test_entries_are_asked_for_by_index() -> None:
    """And appended without one."""
    whole = Grown()
    whole.field("l").slot(3).add("x", (0, ()))
    whole.field("l").slot(3).add("y", (1, ()))
    whole.field("l").append("z", (2, ()))
    assert whole.value() == {"l": ["xy", "z"]}
