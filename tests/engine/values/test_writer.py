"""Edits of values, in the shape that was given."""

from __future__ import annotations

import copy
import json
from collections import Counter, deque
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.engine.values.walk import find_strings
from guardrails.engine.values.writer import (
    find_changes,
    find_value,
    nest_value,
    rebuild,
    remove_entries,
    replace_values,
    value_at,
)
from guardrails.wire.pointers import KeyStep
from tests.cases import each_case
from tests.engine.values.test_walk import bodies, texts


@given(bodies, st.data())
def test_an_edit_changes_one_place_and_never_its_input(body: Any, data: st.DataObject) -> None:
    """Everything beside the edited strings stays equal, and the body that was given stays as it was."""
    places = [(path, text) for path, text, editable in find_strings(body) if editable and path]
    before = copy.deepcopy(body)
    chosen = data.draw(st.lists(st.sampled_from(places), max_size=3, unique=True)) if places else []
    changed = replace_values(body, {(path, None): "NEW" for path, _ in chosen})
    assert body == before
    paths = {path for path, _ in chosen}
    expected = [(path, "NEW" if path in paths and ok else text) for path, text, ok in find_strings(before)]
    assert [(path, text) for path, text, _ in find_strings(changed)] == expected


@each_case(
    ("value", "renamed", "left"),
    [
        ({"a": 1, "b": 2}, {"a": "x"}, {"x": 1, "b": 2}),
        ({"a": 1, "b": 2}, {"a": "x", "b": "x"}, {"x": 1, "x 2": 2}),
        ({"a": 1, "x": 2}, {"a": "x"}, {"x 2": 1, "x": 2}),
        (Counter(a=1), {"a": "x"}, Counter(x=1)),
    ],
)
def test_a_key_is_renamed_and_no_entry_is_lost(value: Any, renamed: dict[str, str], left: Any) -> None:
    """In its place, in a mapping of the same type, beside a change of what it leads to."""
    edits: dict[Any, Any] = {((KeyStep(old),), None): new for old, new in renamed.items()}
    made = replace_values(value, edits)
    assert (made, [*made], type(made)) == (left, [*left], type(value))
    both = replace_values({"a": {"b": 1}}, {((KeyStep("a"),), None): "x", (("a", "b"), None): 2})
    assert both == {"x": {"b": 2}}


@given(st.dictionaries(texts, bodies, min_size=1, max_size=3), texts)
def test_an_edit_inside_json_text_keeps_the_rest(arguments: dict[str, Any], new: str) -> None:
    """One decoded leaf of the arguments changes; the others decode to what they were."""
    arguments = {**arguments, "mail": "old"}
    body = {"arguments": json.dumps(arguments), "other": [1]}
    changed = replace_values(body, {(("arguments",), ("mail",)): new})
    assert json.loads(changed["arguments"]) == {**arguments, "mail": new}
    assert changed["other"] is body["other"]
    assert json.loads(body["arguments"])["mail"] == "old"


def test_half_a_surrogate_pair_survives_an_edit_as_an_escape() -> None:
    """The edited JSON text can always be sent as UTF-8."""
    body = r'{"a": "\ud800", "b": "old"}'
    changed = replace_values(body, {((), ("b",)): "new"})
    assert json.loads(changed.encode()) == {"a": "\ud800", "b": "new"}


def test_a_place_is_edited_as_a_whole_or_inside_not_both() -> None:
    """Two readings of one text would lose one of two edits: that is an error, not a leak."""
    with pytest.raises(ValueError, match="as a whole and inside"):
        replace_values({"a": '{"b": "c"}'}, {(("a",), None): "x", (("a",), ("b",)): "y"})


def test_tuples_stay_tuples() -> None:
    """A body comes back in the shape that was given."""
    assert replace_values(("a", {"b": ("c", "d")}), {((1, "b", 0), None): "x"}) == ("a", {"b": ("x", "d")})


def test_an_edit_inside_arguments_leaves_numbers_as_they_were(bomb_redactor) -> None:
    """A redaction in a call's arguments changes the text that it replaces and no number beside it."""
    call = {
        "id": "c",
        "type": "function",
        "function": {"name": "f", "arguments": '{"t":"zqxbomb","n":1.10,"z":-0}'},
    }
    verdict = bomb_redactor.check([{"role": "assistant", "content": None, "tool_calls": [call]}])

    assert (
        verdict.content[0]["tool_calls"][0]["function"]["arguments"] == '{"t": "[BOMB]", "n": 1.10, "z": -0}'
    )


def test_a_place_leads_through_objects() -> None:
    """By the steps that findings have in their paths."""
    value = {"a": [SimpleNamespace(b=deque(["x"]))]}
    assert value_at(value, ("a", 0, "b", 0)) == "x"
    made = replace_values(value, {(("a", 0, "b", 0), None): "y"})
    assert made == {"a": [SimpleNamespace(b=deque(["y"]))]}
    with pytest.raises(KeyError):
        value_at(value, ("a", 0, "c"))


def test_another_value_takes_the_place_of_a_container() -> None:
    """Of any type; what is below it goes with it, also where that was edited before."""
    value = {"a": {"b": "x"}, "c": None}
    edits = {(("a", "b"), None): "y", (("a",), None): [1], (("c",), None): {"d": 2}}
    assert replace_values(value, edits) == {"a": [1], "c": {"d": 2}}


@each_case(
    ("value", "edits", "says"),
    [
        ([Decimal(7)], {((0,), None): "x"}, "a Decimal cannot be changed"),
        ([object()], {((0, "a"), None): "x"}, "a object has no parts"),
        ({"a": {"b": "x"}}, {(("a",), None): "y", (("a", "b"), None): "z"}, "as a whole and inside"),
        (["no JSON"], {((0,), ("a",)): "x"}, "no JSON text"),
    ],
)
def test_what_cannot_be_written_is_an_error(value: Any, edits: Any, says: str) -> None:
    """Never a value that is left as it was."""
    with pytest.raises(ValueError, match=says):
        replace_values(value, edits)


def test_a_container_with_no_changes_is_itself() -> None:
    """Of whatever type it is."""
    value = object()
    assert rebuild(value, {}) is value
    with pytest.raises(ValueError, match="nothing in a object can be changed"):
        rebuild(value, {"a": 1})


@each_case("value", [["a", "b", "c"], ("a", "b", "c"), deque(["a", "b", "c"])])
def test_entries_are_left_out(value: Any) -> None:
    """Of lists and what is like one."""
    made = remove_entries(value, [0, 2])
    assert (list(made), type(made)) == (["b"], type(value))
    assert remove_entries(value, []) is value


@given(bodies, bodies)
def test_changes_make_one_value_of_the_other(old: Any, new: Any) -> None:
    """None of a value and itself."""
    assert find_changes(old, old) == {}
    made = replace_values(old, find_changes(old, new))
    assert made == new


def test_a_value_is_nested_at_a_path() -> None:
    """Where it is found again, with nothing beside it."""
    assert nest_value(("a", "b"), "x") == {"a": {"b": "x"}}
    assert value_at(nest_value(("a", "b"), "x"), ("a", "b")) == "x"
    assert nest_value((), "x") == "x"


def test_what_is_missing_in_nested_mappings_is_none() -> None:
    """Wherever the path ends too early, or stands on something else."""
    for path, expected in ((("a", "b"), 1), (("a", "c"), None), (("c", "b"), None), (("a", "b", "c"), None)):
        assert find_value({"a": {"b": 1}}, path) == expected
