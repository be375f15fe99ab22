"""The shipped model in a detector: one for all, loaded late, and its digest known before."""

from __future__ import annotations

from pathlib import Path

import pytest

from guardrails.detectors.pii.pii_detector import SHIPPED
from guardrails.detectors.pii.shipped_names.shipped_searcher import ShippedNames
from guardrails.inference.entities.entity_model import manifest_digest
from guardrails.inference.safety.folder import ModelError

FOLDER = SHIPPED["pii-names"]


def test_searchers_share_a_model_and_nothing_else() -> None:
    """What each looks for is its own."""
    people = ShippedNames(FOLDER, frozenset({"person"}), 0.6)
    places = ShippedNames(FOLDER, frozenset({"location"}), 0.6)
    text = "My name is Ann Lee and I live in Boston."
    assert [hit.name for hit in people.read(text).hits] == ["person"]
    assert [hit.name for hit in places.read(text).hits] == ["location"]
    assert people._loaded is not None
    assert places._loaded is not None
    assert people._loaded[0] is places._loaded[0]


def test_nothing_is_loaded_before_a_text_comes() -> None:
    """The digest of the manifest tells which model it will be."""
    names = ShippedNames(FOLDER, frozenset({"person"}), 0.6)
    assert names._loaded is None
    assert names.identity == manifest_digest(FOLDER)


def test_a_folder_without_a_model_is_an_error(tmp_path: Path) -> None:
    """Before any text."""
    with pytest.raises(ModelError, match=r"no manifest\.json"):
        ShippedNames(tmp_path, frozenset({"person"}), 0.6)
