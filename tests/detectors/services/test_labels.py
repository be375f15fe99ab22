"""Labels of services, and the categories that a policy wants of them."""

from __future__ import annotations

from guardrails.detectors.services.labels import ServiceLabels, best_scores, is_wanted, nearest_category
from tests.cases import each_case

TABLE = {"S": ("sexual",), "M": ("sexual.minors",), "V": ("violence", "illicit.violent"), "N": ()}


@each_case(
    ("wanted", "expected", "categories"),
    [
        (None, ("S", "M", "V"), {"sexual", "sexual.minors", "violence", "illicit.violent"}),
        (["sexual"], ("S", "M"), {"sexual", "sexual.minors"}),
        (["sexual.minors"], ("M",), {"sexual.minors"}),
        (["illicit"], ("V",), {"illicit.violent"}),
        (["hate"], (), set()),
        (["sex"], (), set()),
    ],
)
def test_what_is_wanted_decides_what_is_expected(wanted, expected, categories) -> None:
    """A label without a category that is wanted need not be there; a leaf of what is wanted is wanted."""
    labels = ServiceLabels(TABLE, wanted)
    assert (labels.expected, labels.categories()) == (expected, categories)


@each_case(
    ("label", "wanted", "of"),
    [
        ("V", None, ("violence", "illicit.violent")), ("V", ["violence"], ("violence",)), ("V", ["hate"], ()),
        ("N", None, ()), ("X", None, ("custom.x",)), ("X", ["custom"], ("custom.x",)), ("X", ["hate"], ()),
    ],
)  # fmt: skip
def test_a_label_stands_for_categories(label, wanted, of) -> None:
    """One that is not in the table for what the service says; one that is ignored for none."""
    assert ServiceLabels(TABLE, wanted).resolve(label, "custom.x") == of


def test_the_table_knows_what_it_ignores() -> None:
    """A label without categories is no unknown one."""
    labels = ServiceLabels(TABLE, ["hate"])
    assert [labels.knows(each) for each in ("N", "S", "X")] == [True, True, False]
    assert labels.resolve("X") == ()


@each_case(
    ("category", "wanted", "is_within"),
    [("sexual", ["sexual"], True), ("sexual.minors", ["sexual"], True), ("sexual", ["sexual.minors"], False),
     ("sexuals", ["sexual"], False), ("hate", [], False)],
)  # fmt: skip
def test_a_leaf_is_within_its_parent(category, wanted, is_within) -> None:
    """And not the other way round."""
    assert is_wanted(category, wanted) is is_within


@each_case(
    ("category", "known", "nearest"),
    [
        ("pii.email", {"pii.email", "pii"}, "pii.email"), ("pii.email", {"pii"}, "pii"), ("pii.email", {"hate"}, None),
        ("custom.a.b", {"custom.a", "custom"}, "custom.a"), ("hate.threatening", {"unsafe"}, "unsafe"),
    ],
)  # fmt: skip
def test_the_nearest_is_itself_or_a_parent(category, known, nearest) -> None:
    """`unsafe` is the parent of all harm."""
    assert nearest_category(category, frozenset(known)) == nearest


def test_the_highest_counts() -> None:
    """For each category."""
    assert best_scores([("a", 0.1), ("b", 0.0), ("a", 0.9), ("a", 0.3)]) == {"a": 0.9, "b": 0.0}
