"""Sessions: rows in batches and arrays, and what ONNX Runtime makes of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.inference.folder import ModelError
from guardrails.inference.session import OnnxSession, batches, inputs
from guardrails.inference.windows import Row

ROWS = st.lists(
    st.lists(st.integers(4, 9), min_size=1, max_size=12).map(lambda ids: Row(tuple(ids), (0,) * len(ids)))
)


@given(ROWS, st.integers(1, 5))
def test_batches_hold_each_row_once_and_like_lengths_together(rows: list[Row], most: int) -> None:
    """No batch has a row that is longer than one of a batch before it."""
    found = list(batches(rows, most))
    assert sorted(at for batch in found for at in batch) == list(range(len(rows)))
    assert all(len(batch) <= most for batch in found)
    lengths = [len(rows[at].ids) for batch in found for at in batch]
    assert lengths == sorted(lengths, reverse=True)


def test_rows_are_padded_to_the_longest() -> None:
    """The mask says what is padding."""
    ids, mask, types = inputs([Row((5, 6), (0, 1)), Row((7,), (1,))], 3)
    assert ids.tolist() == [[5, 6], [7, 3]]
    assert mask.tolist() == [[1, 1], [1, 0]]
    assert types.tolist() == [[0, 1], [1, 0]]


def test_a_session_gives_logits(text_folder: Callable[..., Path]) -> None:
    """One row for each, one column for each head."""
    folder = text_folder({"a": {"toxic": 2.0}, "b": {}}, {}, heads=("toxic", "unsafe"))
    session = OnnxSession((folder / "encoder.onnx").read_bytes())
    logits = session.run(inputs([Row((4, 5), (0, 0)), Row((5, 5), (0, 0))], 0))
    assert logits.dtype == np.float32
    assert logits.tolist() == [[2.0, -6.0], [-6.0, -6.0]]


def test_what_is_no_model_is_an_error(ner_folder: Callable[..., Path]) -> None:
    """Neither other bytes nor a model that takes other inputs."""
    with pytest.raises(ModelError, match=r"encoder\.onnx: "):
        OnnxSession(b"no model")
    other = (ner_folder({"Ann": "B-PER"}) / "model.onnx").read_bytes()
    with pytest.raises(ModelError, match="takes attention_mask, input_ids, not tokens, a mask and types"):
        OnnxSession(other)
