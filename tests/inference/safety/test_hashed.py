"""The fast tier: what it counts as a feature, that buckets never change, and the arithmetic of its heads."""

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.inference.safety import hashed as module
from guardrails.inference.safety.hashed import BUCKETS, HashedHeads, hash_texts
from tests.cases import each_case

HEADS = ("toxic", "injection")


def hash_alone(text: str) -> list[int]:
    """Return the features of one text."""
    return hash_texts([text]).buckets.tolist()


def hash_by_the_book(text: str) -> list[int]:
    """Return the features of one text as the module's docstring describes them, byte by byte."""
    data = b" " + b" ".join(text.strip().encode("utf-8", "replace").split()) + b" "
    mask = (1 << 64) - 1
    at = [[int(value) for value in row] for row in module._AT]
    found: list[int] = []
    for size in (2, 3, 4, 5):
        for start in range(len(data) - size + 1):
            if b" " not in data[start + 1 : start + size - 1] and data.strip():
                total = sum(at[place][data[start + place]] for place in range(size)) & mask
                found.append(total ^ int(module._SALT[size]))
    words = []
    for word in re.findall(rb"[0-9A-Za-z'_\x80-\xff]+", data):
        values = (int(module._BYTE[byte]) * int(module._PLACE[min(at, 63)]) for at, byte in enumerate(word))
        words.append(sum(values) & mask)
    found += [word ^ int(module._SALT[0]) for word in words]
    second = int(module._SECOND)
    found += [(one + other * second & mask) ^ int(module._SALT[1]) for one, other in pairwise(words)]
    return sorted({((each ^ each >> 32) * int(module._MULTIPLIER) & mask) >> 46 for each in found})


def model(seed: int = 1) -> HashedHeads:
    """Return a model with random weights."""
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(BUCKETS, len(HEADS))).astype(np.float32)
    return HashedHeads.train_on(HEADS, weights, np.array([-1.0, 0.5], dtype=np.float32))


def test_the_buckets_of_a_text_never_change() -> None:
    """Weights are only worth something while a text lands in the buckets that it was trained in."""
    assert hash_alone("kill it")[:6] == [7546, 14878, 22041, 23311, 32398, 54984]
    assert len(hash_alone("kill it")) == 23


@each_case("text", ["", " ", "\n\t  \r\n"])
def test_a_blank_text_has_no_features_and_gets_the_bias(text: str) -> None:
    """Nothing to judge is neither harm nor an error."""
    assert len(hash_alone(text)) == 0
    assert model().logits([text]).tolist() == [[-1.0, 0.5]]


@each_case(
    ("one", "other"),
    [("a b", "a  b"), ("a b", "a\n\tb"), ("a b", " a b "), ("ignore  that", "ignore that")],
)
def test_white_space_is_one_space(one: str, other: str) -> None:
    """Spacing between words tells nothing."""
    assert hash_alone(one) == hash_alone(other)


@each_case(
    ("one", "other"),
    [("ignore that", "that ignore"), ("a.b", "a b"), ("kill", "kilt"), ("日本", "本日"), ("don't", "don t")],
)
def test_order_letters_and_marks_are_told_apart(one: str, other: str) -> None:
    """Pairs of words carry order, n-grams carry spelling."""
    assert hash_alone(one) != hash_alone(other)


@given(
    st.lists(
        st.one_of(st.text(), st.text(alphabet="ab \n\t.'_\u00e9\u65e5\x1c\u3000", max_size=20)),
        max_size=8,
    ),
    st.integers(min_value=1, max_value=3),
)
def test_texts_are_hashed_together_as_each_is_alone(texts: list[str], together: int) -> None:
    """Neighbours change nothing, blank ones neither, in whatever numbers texts are hashed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_TOGETHER", together)
        found = hash_texts(texts)
    ends = found.counts.cumsum().tolist()
    assert [
        found.buckets[end - count : end].tolist() for end, count in zip(ends, found.counts, strict=True)
    ] == [hash_by_the_book(text) for text in texts]
    heads = model()
    alone = [heads.logits([text])[0] for text in texts]
    np.testing.assert_array_equal(heads.logits(texts), np.array(alone, dtype=np.float32).reshape(-1, 2))


def test_a_feature_counts_once() -> None:
    """Saying a thing again adds only the pairs at the seam."""
    once, twice, often = (len(hash_alone(" ".join(["kill it"] * times))) for times in (1, 2, 50))
    assert once < twice == often


def test_the_logit_is_the_scaled_mean_of_the_weights() -> None:
    """The formula in the module's docstring, spelled out."""
    hashed, text = model(), "how do i kill a process"
    found = hash_alone(text)
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
    found = hash_alone(text)
    assert (np.diff(found) > 0).all()
    assert not len(found) or (found[0] >= 0 and found[-1] < BUCKETS)
