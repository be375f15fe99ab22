"""A cascade of two models: which scores are judged again, what they are then, and models that do not go together."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from guardrails.inference.safety.escalation import Escalation
from guardrails.inference.safety.folder import ModelError
from guardrails.inference.safety.model import SafetyModel, load_safety_model
from guardrails.inference.safety.scores import Scores
from tests.cases import each_case
from tests.conftest import HEADS

Make = Callable[..., Path]
Load = Callable[..., SafetyModel]

SMALLER = {"bad": {"toxic": 1.0, "unsafe": 2.0}, "good": {}}
LARGER = {"bad": {"toxic": 3.0, "unsafe": -2.0}, "good": {}}
FAST = {"bad": {"toxic": 1.0}}


@pytest.fixture(scope="module")
def load(text_folder: Make, tmp_path_factory: pytest.TempPathFactory) -> Load:
    """Return a function: the logits of words and what its manifest has otherwise in, a model out. `rows_of` adds to rows of heads."""
    made: dict[str, Path] = {}

    def make(
        words: Any, fast: Any = FAST, heads: Any = HEADS, rows_of: Any = None, **more: Any
    ) -> SafetyModel:
        key = json.dumps([words, fast, heads])
        if key not in made:
            made[key] = text_folder(words, fast, heads=heads)
        folder = tmp_path_factory.mktemp("variant") / "model"
        shutil.copytree(made[key], folder)
        manifest = json.loads((folder / "manifest.json").read_text())
        for head, row in (rows_of or {}).items():
            manifest["scores"][head] |= row
        (folder / "manifest.json").write_text(json.dumps(manifest | more))
        return load_safety_model(folder)

    return make


def scores(toxic: float, unsafe: float = 0.0) -> Scores:
    """Return a row of scores."""
    return np.array([[toxic, 0, 0, unsafe, 0, 0]], dtype=np.float32)


@each_case(
    ("more", "toxic", "grey"),
    [
        ({}, 0.29, False),
        ({}, 0.3, True),
        ({}, 0.97, True),
        ({}, 0.98, False),
        ({"grey": [0.5, 0.6]}, 0.49, False),
        ({"grey": [0.5, 0.6]}, 0.55, True),
        ({"grey": [0.5, 0.6]}, 0.61, False),
        ({"rows_of": {"toxic": {"grey": [0.1, 0.2]}}}, 0.15, True),
        ({"rows_of": {"toxic": {"grey": [0.1, 0.2]}}}, 0.5, False),
        ({"rows_of": {"unsafe": {"grey": [0.1, 0.2]}}}, 0.5, True),
        ({"grey": [0, 1]}, 0.0, True),
        ({"grey": [0, 1]}, 1.0, True),
        ({"grey": [0.1, 0.2], "rows_of": {"toxic": {"grey": [0.8, 0.9]}}}, 0.85, True),
    ],
)
def test_a_score_between_the_bounds_is_grey(
    load: Load, more: dict[str, Any], toxic: float, grey: bool
) -> None:
    """Those of its head, else those of all, else the ones for models that say nothing; both bounds are inside."""
    cascade = Escalation(load(SMALLER), load(LARGER, **more))
    found = cascade.is_grey(scores(toxic))
    assert found.shape == (1, len(HEADS))
    assert found[0, 0] == grey


@each_case(
    ("blend", "toxic"),
    [
        (None, 3.0),
        ([1, 0, 0], 3.0),
        ([0, 1, 0], 1.0),
        ([0.5, 0.5, 0], 2.0),
        ([1, 1, -0.5], 3.5),
        ([2, 0, 0], 6.0),
    ],
)
def test_the_larger_model_counts_as_far_as_its_manifest_says(
    load: Load, blend: list[float] | None, toxic: float
) -> None:
    """Alone, or in a blend of both in logits; a head without a blend has the larger model's own score."""
    smaller = load(SMALLER)
    rows_of = {} if blend is None else {"toxic": {"blend": blend}}
    cascade = Escalation(smaller, load(LARGER, rows_of=rows_of))
    rows, hashed = [smaller.tokens.row(smaller.tokens.ids("bad"))], smaller.fast(["bad"]).logits
    found = cascade.judge(rows, hashed, smaller.both(rows, hashed))
    assert found[0, 0] == pytest.approx(1 / (1 + np.exp(-toxic)), abs=1e-4)
    assert found[0, 3] == pytest.approx(1 / (1 + np.exp(2)), abs=1e-4)


def test_scores_at_the_ends_are_blended(load: Load) -> None:
    """A score of exactly 0 or 1 has no logit of its own, and the result is a number all the same."""
    smaller = load(SMALLER)
    words = {"bad": {"toxic": 200.0}, "good": {"toxic": -200.0}}
    rows_of = {"toxic": {"blend": [0.5, 0.5, 0]}}
    cascade = Escalation(smaller, load(words, rows_of=rows_of))
    for word, before, least, most in (
        ("bad", 1.0, 0.99, 1.0),
        ("good", 0.0, 0.0, 0.01),
        ("bad", 0.0, 0.4, 0.6),
    ):
        rows = [smaller.tokens.row(smaller.tokens.ids(word))]
        found = cascade.judge(rows, smaller.fast([word]).logits, scores(before))
        assert least <= found[0, 0] <= most


def test_no_row_is_no_score(load: Load) -> None:
    """As with one model."""
    smaller = load(SMALLER)
    cascade = Escalation(smaller, load(LARGER, rows_of={"toxic": {"blend": [0.5, 0.5, 0]}}))
    hashed = smaller.fast([])
    assert cascade.judge([], hashed.logits, hashed.scores).shape == (0, len(HEADS))


def test_the_identity_is_of_both(load: Load) -> None:
    """Each of the two changes it."""
    one, other = load(SMALLER), load(SMALLER, languages=["en"])
    larger, more = load(LARGER), load(LARGER, grey=[0.1, 0.2])
    found = [Escalation(*each).identity for each in ((one, larger), (other, larger), (one, more))]
    assert len({json.dumps(each) for each in found}) == 3
    assert Escalation(one, larger).identity == found[0]


@each_case(
    ("words", "more", "wrong"),
    [
        ({**LARGER, "more": {}}, {}, r"does not read what tiny 1 reads: another tokenizer\.json"),
        (LARGER, {"fast": {}}, r"another hashed\.npz"),
        (LARGER, {"heads": HEADS[:3]}, r"another hashed\.npz, heads"),
        (LARGER, {"view": "normalized"}, "another view"),
        (LARGER, {"window": 18}, None),
        (SMALLER, {}, "is tiny itself"),
        (LARGER, {"grey": [0.9, 0.1]}, "0 <= low <= high <= 1"),
        (LARGER, {"grey": [-0.1, 0.1]}, "0 <= low <= high <= 1"),
        (LARGER, {"grey": [0.5, 1.1]}, "0 <= low <= high <= 1"),
        (LARGER, {"grey": [0.5]}, "'grey' in 'scores' is not 2 finite"),
        (LARGER, {"grey": "high"}, "could not convert string"),
        (LARGER, {"rows_of": {"toxic": {"grey": [0.5]}}}, "'grey'"),
        (LARGER, {"rows_of": {"toxic": {"blend": [1, 0]}}}, "'blend'"),
        (
            LARGER,
            {"rows_of": {"toxic": {"blend": [1, 0, float("nan")]}}},
            "'blend' in 'scores' is not 3 finite",
        ),
    ],
)
def test_models_that_do_not_go_together(
    load: Load, words: Any, more: dict[str, Any], wrong: str | None
) -> None:
    """What one does not read of the other is named; so are zones and blends that are none."""
    smaller = load(SMALLER)
    if wrong is None:
        assert Escalation(smaller, load(words, **more))
        return
    with pytest.raises(ModelError, match=wrong):
        Escalation(smaller, load(words, **more))


def test_a_smaller_window_does_not_hold_the_rows(load: Load) -> None:
    """Rows are cut for the smaller model."""
    with pytest.raises(ModelError, match="another window"):
        Escalation(load(SMALLER, window=18), load(LARGER))


def test_a_score_that_is_no_number_is_an_error(load: Load) -> None:
    """It would be below every threshold."""
    smaller = load(SMALLER)
    cascade = Escalation(smaller, load({"bad": {"toxic": float("inf")}, "good": {}}))
    rows = [smaller.tokens.row(smaller.tokens.ids("bad"))]
    with pytest.raises(ArithmeticError):
        cascade.judge(rows, smaller.fast(["bad"]).logits, scores(0.5))
