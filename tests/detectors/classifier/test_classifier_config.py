"""The fields of `use: classifier`: what labels mean, which categories are looked for, and what does not belong together."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from guardrails.detectors.classifier.classifier_config import (
    SEQUENCE_ONLY_FIELDS,
    SHIPPED_ONLY_FIELDS,
    ClassifierConfig,
    filter_categories,
    find_label_problems,
    find_unused_fields,
    list_categories,
    resolve_labels,
)
from tests.cases import each_case


def config(**fields: Any) -> ClassifierConfig:
    """Return a configuration."""
    return ClassifierConfig.model_validate({"use": "classifier", **fields})


@each_case(
    ("fields", "expected"),
    [
        ({"labels": {"A": "toxic", "B": ["hate", "toxic"]}}, {"A": ("toxic",), "B": ("hate", "toxic")}),
        ({"model": "org/toxic-bert", "labels": {"A": "toxic"}}, {"A": ("toxic",)}),
        ({"model": "jackhhao/jailbreak-classifier"}, {"jailbreak": ("jailbreak",)}),
        ({"model": "models/own"}, None),
    ],
)
def test_labels_mean_what_the_policy_or_the_table_says(
    fields: dict[str, Any], expected: dict[str, tuple[str, ...]] | None
) -> None:
    """The policy's own word comes first."""
    assert resolve_labels(config(**fields)) == expected


def test_categories_are_named_once() -> None:
    """In the order in which labels tell them."""
    assert list_categories({"A": ("toxic",), "B": ("hate", "toxic")}) == ("toxic", "hate")


@each_case(
    ("categories", "expected"),
    [
        (None, ("sexual", "sexual.minors", "toxic")),
        (["sexual"], ("sexual", "sexual.minors")),
        (["sexual.minors"], ("sexual.minors",)),
        (["sex"], ()),
    ],
)
def test_a_category_brings_its_leaves(categories: list[str] | None, expected: tuple[str, ...]) -> None:
    """And no other that begins alike."""
    assert filter_categories(("sexual", "sexual.minors", "toxic"), categories) == expected


def test_labels_must_mean_categories() -> None:
    """The problem stands at the label, or at its place in the list."""
    written = {"A": "toxicc", "B": ["hate", "Rude"], "C": "custom.rude", "D": [], "E": ""}
    found = find_label_problems(config(labels=written))
    assert [(each.code, each.path) for each in found] == [
        ("no_category", ("labels", "D")),
        ("no_category", ("labels", "E")),
        ("unknown_category", ("labels", "A")),
        ("unknown_category", ("labels", "B", 1)),
    ]


def test_fields_that_are_for_other_models_are_problems() -> None:
    """Those that are written, and none that is left out."""
    [found] = find_unused_fields(config(device="cpu", effort="auto"), SEQUENCE_ONLY_FIELDS, "other models")
    assert (found.code, found.path, found.message) == (
        "unused_field",
        ("device",),
        "'device' is for other models",
    )
    assert {*SEQUENCE_ONLY_FIELDS, *SHIPPED_ONLY_FIELDS} < {*ClassifierConfig.model_fields}


@each_case(
    "fields",
    [
        {"labels": {}},
        {"runtime": "tensorflow"},
        {"activation": "relu"},
        {"device": "tpu"},
        {"device": "cuda:x"},
        {"device": "cpu; rm"},
        {"precision": "int8"},
        {"window": 8},
        {"batch": 0},
        {"languages": []},
        {"download": "yes"},
    ],
)
def test_values_that_mean_nothing_are_refused(fields: dict[str, Any]) -> None:
    """Before anything is loaded."""
    with pytest.raises(ValidationError):
        config(**fields)
