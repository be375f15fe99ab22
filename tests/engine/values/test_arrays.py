"""Arrays of NumPy, and tables of pandas as far as they can be told without it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from guardrails.engine.values.known_types import adapter_of
from guardrails.engine.values.walk import find_leaves
from guardrails.engine.values.writer import replace_values
from tests.cases import each_case

CARD = 4111111111111111


@each_case(
    ("value", "says"),
    [
        (np.array(["a", "bc"]), [((0,), "a", True), ((1,), "bc", True)]),
        (np.array([["a"], ["b"]]), [((0,), "a", True), ((1,), "b", True)]),
        (np.array(["a", None, CARD], dtype=object), [((0,), "a", True), ((2,), str(CARD), True)]),
        (np.array([b"a"]), [((0,), "a", True)]),
        (np.array([1, CARD, 2]), [((1,), str(CARD), False)]),
        (np.array([1.5, 123456.5]), []),
        (np.array([True]), []),
        (np.array(["2000-01-01"], dtype="datetime64[D]"), []),
        (np.int64(CARD), [((), str(CARD), False)]),
        (np.float64(1.5), []),
        (np.bool_(True), []),
        (np.str_("a"), [((), "a", True)]),
    ],
)
def test_what_an_array_says(value: Any, says: list[Any]) -> None:
    """Texts, and whole numbers that are long; numbers with a fraction are vectors."""
    assert [each[:3] for each in find_leaves(value)] == says


@each_case(
    "value", [np.array(["a", "b"]), np.array([[b"a", b"b"]]), np.array(["a", 1], dtype=object), np.str_("a")]
)
def test_an_array_keeps_its_type_and_no_text_is_cut_short(value: Any) -> None:
    """A longer text than any before has room; the array that was given is not touched."""
    before = value.copy()
    path = () if isinstance(value, str) else (0,)
    made = replace_values(value, {(path, None): "a long placeholder"})
    assert type(made) is type(value)
    assert "a long placeholder" in str(made)
    assert made.shape == value.shape
    assert np.array_equal(value, before)


def test_a_record_of_an_array_is_not_read() -> None:
    """It has fields of fixed widths."""
    value = np.array([("a", 1)], dtype=[("text", "U4"), ("n", "i4")])
    assert adapter_of(value) is None
    [(_, found, *_)] = find_leaves(value[0])
    assert getattr(found, "kind", "") == "part"


def test_numbers_of_an_array_cannot_be_changed() -> None:
    """A rule that would redact one blocks; the writer refuses it."""
    with pytest.raises(ValueError, match="nothing in a ndarray can be changed"):
        replace_values(np.array([CARD]), {((0,), None): "x"})
