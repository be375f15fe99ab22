"""Interprets the labels of data rows: whether they name some categories, exclude them, or leave it open.

A label that is missing is unknown, not 0. The names of a label are those of the taxonomy, of the other systems that it has tables
of, or the same written otherwise (`sexual_minors`, `self-harm/intent`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from guardrails import taxonomy
from guardrails.authoring.labels.label_names import BENIGN
from guardrails.taxonomy import with_ancestors

ROOT: Final = "unsafe"
"""The category of any harm."""


def read_known_categories(labels: Mapping[str, bool]) -> dict[str, bool]:
    """Return what labels say by category; one that is named twice is true where either says so."""
    found: dict[str, bool] = {}
    for label, value in labels.items():
        if (category := taxonomy.find_meant(label)) is not None:
            found[category] = found.get(category, False) or value
    return found


def category_truth(labels: Mapping[str, bool], categories: Iterable[str]) -> bool | None:
    """Tell whether a row is of any of these categories, by its labels; None where they leave that open.

    Of a category its own label decides; without one it is where a label of what stands below says so, and is not where one of
    what stands above says so. What is benign is of none; what is only known not to be (`label: 1`) is of these.
    """
    said = read_known_categories(labels)
    found = [_of(said, each) for each in categories]
    benign = labels.get(BENIGN)
    if any(found) or (benign is False and len(labels) == 1):
        return True
    return False if benign or all(each is False for each in found) else None


def _of(said: Mapping[str, bool], category: str) -> bool | None:
    if category in said:
        return said[category]
    if any(value and category in with_ancestors(name) for name, value in said.items()):
        return True
    return False if any(said.get(above) is False for above in with_ancestors(category)) else None


def label_truth(labels: Mapping[str, bool], label: str) -> bool | None:
    """Tell whether a row has one label, whatever else it has; a benign one has not."""
    if label in labels:
        return labels[label]
    return False if labels.get(BENIGN) else None


def is_harmful(labels: Mapping[str, bool]) -> bool | None:
    """Tell whether a row is anything but benign; None where its labels leave that open."""
    if any(value for name, value in labels.items() if name != BENIGN):
        return True
    if BENIGN in labels:
        return not labels[BENIGN]
    return False if labels.get(ROOT) is False else None
