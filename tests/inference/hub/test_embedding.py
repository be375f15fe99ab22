"""Embeddings: what a model says a text is about, as vectors of length 1; whatever is none is an error."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from guardrails.detectors.classifier.shipped_classifier import SHIPPED
from guardrails.inference.hub.embedding import SentenceEmbedder, ShippedEmbedder, check_vectors
from guardrails.inference.safety.folder import ModelError
from guardrails.inference.safety.model import load_safety_model
from tests.cases import each_case

WORDS = {"up": [1.0, 0.0], "down": [0.0, 1.0], "back": [-1.0, 0.0]}


@pytest.fixture
def sentence_folder(tmp_path: Path) -> Callable[..., Path]:
    """Return a function: vectors of words in, the folder of a real model of tokens (or, `pooled`, of sentences) out."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]

    def make(words: dict[str, Sequence[float]], *, pooled: bool = False, **pooling: Any) -> Path:
        folder = tmp_path / "sentences"
        folder.mkdir()
        made = Tokenizer(
            models.WordLevel({word: at for at, word in enumerate([*special, *words])}, unk_token="[UNK]")
        )
        made.pre_tokenizer = pre_tokenizers.Whitespace()
        made.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]",
            pair="[CLS] $A [SEP] $B [SEP]",
            special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
        )
        made.save(str(folder / "tokenizer.json"))
        (folder / "config.json").write_text(json.dumps({"max_position_embeddings": 16, "pad_token_id": 0}))
        if pooling:
            (folder / "1_Pooling").mkdir()
            (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
        table = np.array([[0.3, 0.3]] * len(special) + [*words.values()], dtype=np.float32)
        nodes = [helper.make_node("Gather", ["table", "input_ids"], ["last_hidden_state"])]
        shape: list[Any] = ["batch", "tokens", 2]
        if pooled:
            nodes.append(
                helper.make_node(
                    "ReduceMean", ["last_hidden_state"], ["sentence_embedding"], axes=[1], keepdims=0
                )
            )
            shape = ["batch", 2]
        name = "sentence_embedding" if pooled else "last_hidden_state"
        graph = helper.make_graph(
            nodes,
            "sentences",
            [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "tokens"])],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)],
            [numpy_helper.from_array(table, "table")],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.save(model, str(folder / "model.onnx"))
        return folder

    return make


def test_the_shipped_model_tells_what_texts_are_about() -> None:
    """Two questions about money lie nearer to each other than to what is said about a cat."""
    encoder = ShippedEmbedder(load_safety_model(SHIPPED["text-safety"]), str)
    rows = encoder.vectors(
        ["Which fund should I buy?", "Is gold a safe investment?", "My cat sleeps on the sofa all day."]
    )
    assert np.allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-3)
    assert rows[0] @ rows[1] > max(rows[0] @ rows[2], rows[1] @ rows[2]) + 0.1


def test_a_text_has_one_vector_whatever_stands_beside_it() -> None:
    """Alone or among others, and longer than a window too."""
    encoder = ShippedEmbedder(load_safety_model(SHIPPED["text-safety"]), str)
    texts = ["Which fund should I buy?", "word " * 400, "Will it rain?"]
    assert np.array_equal(encoder.vectors(texts), np.concatenate([encoder.vectors([text]) for text in texts]))


def test_a_model_without_embeddings_says_so(text_folder: Callable[..., Path]) -> None:
    """It is an error when it is named, not when the first text comes."""
    model = load_safety_model(text_folder({"bad": {"toxic": 4.0}}, {}))
    with pytest.raises(ModelError, match="no output 'embedding'"):
        ShippedEmbedder(model, str)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, [(1.0 + 0.6) / 3, 0.6 / 3]),
        ({"pooling_mode_mean_tokens": True}, [(1.0 + 0.6) / 3, 0.6 / 3]),
        ({"pooling_mode_cls_token": True}, [0.3, 0.3]),
        ({"pooled": True}, [(1.0 + 0.6) / 3, 0.6 / 3]),
    ],
)
def test_a_model_of_sentences_is_pooled_as_it_says(
    sentence_folder: Callable[..., Path], given: dict[str, Any], expected: list[float]
) -> None:
    """The mean of the tokens, the first one, or what the model gives for the whole text."""
    (row,) = SentenceEmbedder(sentence_folder(WORDS, **given)).vectors(["up"])
    assert np.allclose(row, np.array(expected) / np.linalg.norm(expected), atol=1e-5)


def test_what_is_not_a_number_is_an_error(sentence_folder: Callable[..., Path]) -> None:
    """And so it is no vector that everything is far from."""
    encoder = SentenceEmbedder(sentence_folder({**WORDS, "odd": [float("nan"), 0.0]}))
    with pytest.raises(ArithmeticError):
        encoder.vectors(["odd"])


@pytest.mark.parametrize("change", ["tokenizer", "config", "pooling"])
def test_a_folder_that_lacks_something_is_named(sentence_folder: Callable[..., Path], change: str) -> None:
    """With the file that is wrong."""
    folder = sentence_folder(WORDS, pooling_mode_cls_token=True)
    file = {"tokenizer": "tokenizer.json", "config": "config.json", "pooling": "1_Pooling/config.json"}[
        change
    ]
    (folder / file).write_text("{")
    with pytest.raises(ModelError, match=file):
        SentenceEmbedder(folder)


@each_case(
    ("rows", "count", "error"),
    [
        (np.ones((1, 4), np.float32) / 2, 1, None),
        (np.ones((1, 4), np.float32) / 2, 2, ModelError),
        (np.ones(4, np.float32) / 2, 1, ModelError),
        (np.ones((1, 4), np.float32), 1, ArithmeticError),
        (np.full((1, 4), np.inf, np.float32), 1, ArithmeticError),
    ],
)
def test_vectors_are_checked(rows: Any, count: int, error: type[Exception] | None) -> None:
    """One row a text, of length 1."""
    if error is None:
        assert check_vectors(rows, count) is rows
    else:
        with pytest.raises(error):
            check_vectors(rows, count)
