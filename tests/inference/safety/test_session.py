"""Sessions: rows as arrays, and what ONNX Runtime makes of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from guardrails.inference.onnx import defer_sessions
from guardrails.inference.safety.folder import ModelError
from guardrails.inference.safety.session import OnnxSession, pad_rows
from guardrails.inference.safety.windows import TokenRow


def test_rows_are_padded_to_the_longest() -> None:
    """The mask says what is padding."""
    ids, mask, types = pad_rows([TokenRow((5, 6), (0, 1)), TokenRow((7,), (1,))], 3)
    assert ids.tolist() == [[5, 6], [7, 3]]
    assert mask.tolist() == [[1, 1], [1, 0]]
    assert types.tolist() == [[0, 1], [1, 0]]


def test_a_session_gives_logits(text_folder: Callable[..., Path]) -> None:
    """One row for each, one column for each head."""
    folder = text_folder({"a": {"toxic": 2.0}, "b": {}}, {}, heads=("toxic", "unsafe"))
    session = OnnxSession((folder / "encoder.onnx").read_bytes())
    logits = session.run(pad_rows([TokenRow((4, 5), (0, 0)), TokenRow((5, 5), (0, 0))], 0))
    assert logits.dtype == np.float32
    assert logits.tolist() == [[2.0, -6.0], [-6.0, -6.0]]


def test_a_session_is_opened_when_a_text_needs_it_where_that_is_wanted(
    text_folder: Callable[..., Path],
) -> None:
    """What is wrong with the file shows then; it gives the same logits, and again and again."""
    folder = text_folder({"a": {"toxic": 2.0}, "b": {}}, {}, heads=("toxic", "unsafe"))
    rows = pad_rows([TokenRow((4, 5), (0, 0))], 0)
    with defer_sessions():
        deferred, broken = OnnxSession((folder / "encoder.onnx").read_bytes()), OnnxSession(b"no model")
    assert [deferred.run(rows).tolist() for _ in range(2)] == [[[2.0, -6.0]]] * 2
    with pytest.raises(ModelError, match=r"encoder\.onnx: "):
        broken.run(rows)
    with pytest.raises(ModelError, match=r"encoder\.onnx: "):
        OnnxSession(b"no model")


def test_what_is_no_model_is_an_error(ner_folder: Callable[..., Path]) -> None:
    """Neither other bytes nor a model that takes other inputs."""
    with pytest.raises(ModelError, match=r"encoder\.onnx: "):
        OnnxSession(b"no model")
    other = (ner_folder({"Ann": "B-PER"}) / "model.onnx").read_bytes()
    with pytest.raises(ModelError, match="takes attention_mask, input_ids, not tokens, a mask and types"):
        OnnxSession(other)
