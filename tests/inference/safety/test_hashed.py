"""The fast tier: what it counts as a feature, that buckets never change, and the arithmetic of its heads."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.inference.safety.hashed import BUCKETS, HashedHeads, hash_features
from tests.cases import each_case

HEADS = ("toxic", "injection")


def model(seed: int = 1) -> HashedHeads:
    """Return a model with random weights."""
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(BUCKETS, len(HEADS))).astype(np.float32)
    return HashedHeads.train_on(HEADS, weights, np.array([-1.0, 0.5], dtype=np.float32))


def test_the_buckets_of_a_text_never_change() -> None:
    """Weights are only worth something while a text lands in the buckets that it was trained in."""
    assert hash_features("kill it").tolist()[:6] == [7546, 14878, 22041, 23311, 32398, 54984]
    assert len(hash_features("kill it")) == 23


@each_case("text", ["", " ", "\n\t  \r\n"])
def test_a_blank_text_has_no_features_and_gets_the_bias(text: str) -> None:
    """Nothing to judge is neither harm nor an error."""
    assert len(hash_features(text)) == 0
    assert model().logits([text]).tolist() == [[-1.0, 0.5]]


@each_case(
    ("one", "other"),
    [("a b", "a  b"), ("a b", "a\n\tb"), ("a b", " a b "), ("ignore  that", "ignore that")],
)
def test_white_space_is_one_space(one: str, other: str) -> None:
    """Spacing between words tells nothing."""
    assert hash_features(one).tolist() == hash_features(other).tolist()


@each_case(
    ("one", "other"),
    [("ignore that", "that ignore"), ("a.b", "a b"), ("kill", "kilt"), ("日本", "本日"), ("don't", "don t")],
)
def test_order_letters_and_marks_are_told_apart(one: str, other: str) -> None:
    """Pairs of words carry order, n-grams carry spelling."""
    assert hash_features(one).tolist() != hash_features(other).tolist()


def test_a_feature_counts_once() -> None:
    """Saying a thing again adds only the pairs at the seam."""
    once, twice, often = (len(hash_features(" ".join(["kill it"] * times))) for times in (1, 2, 50))
    assert once < twice == often


def test_the_logit_is_the_scaled_mean_of_the_weights() -> None:
    """The formula in the module's docstring, spelled out."""
    hashed, text = model(), "how do i kill a process"
    found = hash_features(text)
    expected = (
        hashed.bias + hashed.scale * hashed.weights[found].sum(axis=0, dtype=np.int64) / len(found) ** 0.5
    )
    np.testing.assert_allclose(hashed.logits([text])[0], expected, rtol=1e-5)


def test_eight_bits_are_close_to_the_float_weights() -> None:
    """Rounding moves a weight by at most half a step."""
    weights = np.random.default_rng(3).normal(size=(BUCKETS, 2)).astype(np.float32)
    hashed = HashedHeads.train_on(HEADS, weights, np.zeros(2, dtype=np.float32))
    assert np.abs(hashed.weights * hashed.scale - weights).max() <= hashed.scale.max() * 0.51


def test_a_saved_file_loads_as_it_was(tmp_path: Path) -> None:
    """Same heads, same logits."""
    saved = model()
    saved.save(tmp_path / "hashed.npz")
    loaded = HashedHeads.load(tmp_path / "hashed.npz")
    assert loaded.heads == HEADS
    assert loaded.logits(["some text"]).tolist() == saved.logits(["some text"]).tolist()


def test_a_file_of_another_shape_is_refused(tmp_path: Path) -> None:
    """Weights that do not fit the hash would give scores that mean nothing."""
    few = np.zeros((10, 2), dtype=np.int8)
    one = np.ones(2, dtype=np.float32)
    np.savez(tmp_path / "bad.npz", heads=np.array(HEADS), weights=few, scale=one, bias=one)
    with pytest.raises(ValueError, match="int8"):
        HashedHeads.load(tmp_path / "bad.npz")


@given(st.lists(st.text(max_size=80), max_size=4))
def test_texts_are_judged_each_alone(texts: list[str]) -> None:
    """A batch changes nothing, whatever it holds; every logit is a number."""
    hashed = model()
    together = hashed.logits(texts)
    assert together.shape == (len(texts), 2)
    assert np.isfinite(together).all()
    for row, text in zip(together, texts, strict=True):
        assert row.tolist() == hashed.logits([text])[0].tolist()


@given(st.text(max_size=200))
def test_buckets_are_sorted_distinct_and_in_range(text: str) -> None:
    """What indexes the weights is always sound."""
    found = hash_features(text)
    assert (np.diff(found) > 0).all()
    assert not len(found) or (found[0] >= 0 and found[-1] < BUCKETS)
