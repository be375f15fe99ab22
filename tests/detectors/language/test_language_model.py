"""The table of the language model: its scores, and those of py3langid."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.detectors.language._generate_language_model import make_model
from guardrails.detectors.language.language_model import LanguageModel, load_language_model
from tests.cases import each_case

SENTENCES: dict[str, str] = json.loads(
    (Path(__file__).parents[1] / "sentences.json").read_text(encoding="utf-8")
)


@cache
def _upstream() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # type: ignore[import-untyped]

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def _assert_same(text: str) -> None:
    assert load_language_model().probabilities(text) == pytest.approx(dict(_upstream().rank(text)), abs=1e-5)


def test_sentences_have_the_probabilities_of_py3langid() -> None:
    """In each language, short and long, in capitals too."""
    for text in SENTENCES.values():
        for each in (text, text[:7], text * 20, text.upper()):
            _assert_same(each)


@each_case("text", ["", " ", "x", "İ", "\n\nAn", "a\ud800b", "x" * 3000, "\U0001f600", "\uff21\u0301"])
def test_odd_texts_have_them_too(text: str) -> None:
    """Without a letter, with a lone surrogate, all the same letter."""
    _assert_same(text)


@given(st.text(max_size=80))
def test_any_text_has_them(text: str) -> None:
    """Whatever it is made of."""
    _assert_same(text)


def _small() -> LanguageModel:
    """Two languages, one of them in two scripts; what `ab` says is not what `b` says."""
    weights = np.array([[-4, -8, -8], [-8, -2, -8]], dtype=np.float16)
    return make_model(["de", "sr", "sr"], np.zeros(3), weights, {b"b": 0, b"ab": 1})


@each_case(("text", "expected"), [("b", "de"), ("ab", "sr"), ("abab b", "sr"), ("b b b b b ab", "de")])
def test_the_longest_ngram_counts(text: str, expected: str) -> None:
    """Where `ab` ends `b` does not count."""
    found = _small().probabilities(text)
    assert max(found, key=found.__getitem__) == expected


def test_a_language_in_two_scripts_has_the_probability_of_both() -> None:
    """Where nothing is known all columns are alike, and of those it has two."""
    assert _small().probabilities("zz") == pytest.approx({"de": 1 / 3, "sr": 2 / 3})


def test_a_model_is_read_as_it_was_written(tmp_path: Path) -> None:
    """All of its parts."""
    _small().save(tmp_path / "model.npz")
    again = LanguageModel.load(tmp_path / "model.npz")
    assert again.languages == ("de", "sr", "sr")
    assert again.probabilities("abb") == _small().probabilities("abb")
