"""What the labels of a row say."""

from __future__ import annotations

from guardrails.authoring.labels.label_truth import category_truth, is_harmful, label_truth
from tests.cases import each_case


@each_case(
    ("labels", "categories", "answer"),
    [
        ({"hate": True}, ["hate"], True),
        ({"hate": False}, ["hate"], False),
        ({}, ["hate"], None),
        ({"violence": False}, ["hate"], None),
        ({"violence": True}, ["hate"], None),
        # A child says so of its parent, a parent that is not says so of its children.
        ({"hate_threatening": True}, ["hate"], True),
        ({"hate_threatening": False}, ["hate"], None),
        ({"hate": False}, ["hate.threatening"], False),
        ({"violence": True}, ["unsafe"], True),
        ({"unsafe": False}, ["violence"], False),
        ({"unsafe": True}, ["violence"], None),
        # What a label says of the category itself decides.
        ({"jailbreak": True, "unsafe": False}, ["unsafe"], False),
        # One of several is enough; none is where all are not.
        ({"injection": True}, ["injection", "jailbreak"], True),
        ({"injection": False}, ["injection", "jailbreak"], None),
        ({"injection": False, "jailbreak": False}, ["injection", "jailbreak"], False),
        ({"benign": True}, ["injection", "jailbreak"], False),
        # Only known not to be benign: it is of what is asked for.
        ({"benign": False}, ["hate"], True),
        ({"benign": False, "violence": True}, ["hate"], None),
        ({"benign": False, "hate": True}, ["hate"], True),
        ({"misinformation": True}, ["unsafe"], None),
        ({"custom.word": True}, ["unsafe"], None),
    ],
)
def test_labels_say_yes_no_or_nothing(
    labels: dict[str, bool], categories: list[str], answer: bool | None
) -> None:
    """A label that is missing is not 0."""
    assert category_truth(labels, categories) is answer


@each_case(
    ("labels", "answer"),
    [
        ({"spam": True}, True),
        ({"spam": False}, False),
        ({"benign": True}, False),
        ({"hate": True}, None),
        ({}, None),
    ],
)
def test_one_label_can_count_alone(labels: dict[str, bool], answer: bool | None) -> None:
    """Whatever it is called; benign rows have none."""
    assert label_truth(labels, "spam") is answer


@each_case(
    ("labels", "answer"),
    [
        ({"hate": True}, True),
        ({"misinformation": True, "benign": False}, True),
        ({"benign": False}, True),
        ({"benign": True, "hate": False}, False),
        ({"unsafe": False}, False),
        ({"hate": False}, None),
        ({}, None),
    ],
)
def test_a_row_is_harmful_harmless_or_nobody_knows(labels: dict[str, bool], answer: bool | None) -> None:
    """Not to be of one category is not to be harmless."""
    assert is_harmful(labels) is answer
