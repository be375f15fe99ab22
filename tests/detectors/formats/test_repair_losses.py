"""Words, numbers and names that a repair of JSON kept, or lost."""

from __future__ import annotations

import json
import time
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from guardrails.detectors.formats.repair_losses import loses_something
from tests.cases import each_case

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text("ab .,:'\n", max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("xy_", max_size=4), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip

KEPT: dict[str, tuple[str, Any]] = {
    "other quotes": ("{'a': 'one two'}", {"a": "one two"}),
    "no quotes": ("{a: one two}", {"a": "one two"}),
    "a comment": ('{"a": 1, // so much\n"b": 2}', {"a": 1, "b": 2}),
    "words of Python": ("[None, True]", [None, True]),
    "an escape": (r'{"a": "\u0041\n\"b\""}', {"a": 'A\n"b"'}),
    "a number in another spelling": ("[03, 1.50]", [3, 1.5]),
    "prose behind": ('{"a": 1} That is all.', {"a": 1}),
    "an empty text": ('{"a": ""}', {"a": ""}),
    "dots": ("[1, 2, ...]", [1, 2]),
}

LOST: dict[str, tuple[str, Any]] = {
    "a word": ('{"a": one two}', {"a": "one"}),
    "half a number": ('{"a": 1 200}', {"a": 1}),
    "a value made of one": ("[12 cm, 14]", [12, "cm", 14]),
    "a first value": ('{"a": 1, "a": 2}', {"a": 2}),
    "another number": ("[10]", [1]),
    "a second object": ('{"a": 1} {"b": 2}', {"a": 1}),
    "a value that was never there": ('{"a": }', {"a": ""}),
    "a null that was never there": ('{"a": }', {"a": None}),
    "all of it": ("[one]", []),
}


@each_case(("source", "value"), KEPT.values(), ids=[*KEPT])
def test_what_is_only_written_otherwise_is_kept(source: str, value: Any) -> None:
    """Quotes, brackets, commas, comments and dots say nothing."""
    assert not loses_something(source, value)


@each_case(("source", "value"), LOST.values(), ids=[*LOST])
def test_what_is_gone_or_invented_is_a_loss(source: str, value: Any) -> None:
    """A repair that does so has guessed."""
    assert loses_something(source, value)


@each_case("piece", ["/*", r"\"", r"\'", "'", '"', "#", "//", "{", "a ", "...", "\\"])
def test_hostile_texts_take_no_square_of_their_length(piece: str) -> None:
    """Ten times the text takes some ten times as long, not a hundred times."""
    took = []
    for count in (5_000, 50_000):
        before = time.process_time()
        loses_something(piece * count, {})
        took.append(max(time.process_time() - before, 0.002))
    assert took[1] < 50 * took[0]


@given(value=st.lists(VALUES, max_size=3) | st.dictionaries(st.text("xy_", max_size=4), VALUES, max_size=3))
def test_valid_json_loses_nothing(value: Any) -> None:
    """However it is nested, with and without escapes."""
    for ascii_only in (True, False):
        assert not loses_something(json.dumps(value, ensure_ascii=ascii_only), value)
