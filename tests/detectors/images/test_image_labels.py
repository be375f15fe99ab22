"""Scores of labels become findings: which are added up, which are told, and what the findings depend on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from guardrails.detectors.images.image_classifier_config import ImageClassifierConfig
from guardrails.detectors.images.image_labels import DECIDED, ImageClassifier, load_labelled_model
from guardrails.media.images.picture import open_picture
from guardrails.types import Image
from tests.cases import each_case


def build(folder: Path, columns: dict[str, list[int]], **fields: Any) -> ImageClassifier:
    """Return the detector over a real model of colours."""
    config = ImageClassifierConfig.model_validate({"use": "image_classifier", "model": "colours", **fields})
    return ImageClassifier("d", config, folder, columns, model=load_labelled_model(folder, config))


def scores(of: ImageClassifier, *colour: int) -> dict[str, float]:
    """Return what is found in a picture of one colour."""
    picture = open_picture(np.full((9, 9, 3), colour, dtype=np.uint8))
    [detection] = of.detect([Image(source=picture)])
    return {each.category: each.score for each in detection.findings}


@each_case(("how", "score"), [("mean", 0.5), ("any", 0.8), ("all", 0.2)])
def test_two_scores_make_one(how: str, score: float) -> None:
    """Their mean, the higher, or the lower."""
    assert DECIDED[how](0.2, 0.8) == pytest.approx(score)


def test_labels_of_other_models_are_not_added_up(folder: Path) -> None:
    """Nobody says that they exclude one another: the highest counts."""
    of = build(folder, {"custom.a": [1, 2]})
    assert scores(of, 0, 102, 204) == pytest.approx({"custom.a": 0.8}, abs=0.01)


@pytest.mark.parametrize(
    ("fields", "told"), [({}, False), ({"min_score": 0.05}, True), ({"min_score": 0.0}, True)]
)
def test_what_is_hardly_there_is_not_told_unless_it_is_asked_for(
    folder: Path, fields: Any, told: bool
) -> None:
    """Below 0.1, where nothing is said."""
    assert bool(scores(build(folder, {"custom.a": [1]}, **fields), 0, 20, 0)) is told


def test_findings_depend_on_the_columns(folder: Path) -> None:
    """So does the digest of a policy."""
    assert build(folder, {"custom.a": [1]}).identity != build(folder, {"custom.a": [2]}).identity
