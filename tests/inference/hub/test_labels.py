"""What folders say of themselves: labels, positions and problems, as `config.json` has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from guardrails.inference.hub.labels import (
    column_labels,
    infer_activation,
    max_positions,
    read_config,
    read_tokenizer,
)
from guardrails.inference.safety.folder import ModelError
from tests.cases import each_case


@each_case(
    ("content", "message"),
    [(None, "has no config.json"), ("{", "config.json: Expecting"), ("[1]", "is no mapping")],
)
def test_a_folder_without_settings_is_an_error(tmp_path: Path, content: str | None, message: str) -> None:
    """What is missing or broken is said."""
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    with pytest.raises(ModelError, match=message):
        read_config(tmp_path)


@each_case(
    ("of", "unnamed", "expected"),
    [
        ({"id2label": {"0": "a", "1": "b"}}, None, ("a", "b")),
        ({"id2label": {"1": "b", "0": "a"}}, 2, ("a", "b")),
        ({}, 2, ("LABEL_0", "LABEL_1")),
        ({"num_labels": 3}, 2, ("LABEL_0", "LABEL_1", "LABEL_2")),
        ({}, None, None),
        ({"id2label": {"1": "b"}}, 2, None),
        ({"id2label": {}}, 2, None),
        ({"id2label": ["a"]}, 2, None),
        ({"num_labels": "three"}, 2, None),
    ],
)
def test_labels_are_those_of_the_columns(
    of: dict[str, Any], unnamed: int | None, expected: tuple[str, ...] | None
) -> None:
    """In their order; without names they are numbered, where that is allowed."""
    if expected is None:
        with pytest.raises(ModelError, match="no id2label with the numbers from 0"):
            column_labels(of, unnamed=unnamed)
    else:
        assert column_labels(of, unnamed=unnamed) == expected


@each_case(
    ("of", "expected"),
    [
        ({"model_type": "bert", "max_position_embeddings": 512}, 512),
        ({"model_type": "roberta", "max_position_embeddings": 514, "pad_token_id": 1}, 512),
        ({"model_type": "xlm-roberta", "max_position_embeddings": 514}, 512),
        ({"model_type": "mpnet", "max_position_embeddings": 514, "pad_token_id": 1}, 512),
        ({"model_type": "roberta", "max_position_embeddings": 130, "pad_token_id": 0}, 129),
        ({"model_type": "gpt2", "n_positions": 1024}, 1024),
        ({"model_type": "t5"}, None),
        ({"max_position_embeddings": 0}, None),
        ({"max_position_embeddings": "512"}, None),
        ({"max_position_embeddings": True}, None),
    ],
)
def test_positions_are_those_that_can_be_used(of: dict[str, Any], expected: int | None) -> None:
    """Some architectures use up a few of those that they name."""
    assert max_positions(of) == expected


@each_case(
    ("problem", "count", "expected"),
    [
        (None, 2, "softmax"),
        (None, 1, "sigmoid"),
        ("single_label_classification", 3, "softmax"),
        ("multi_label_classification", 3, "sigmoid"),
        ("regression", 1, "none"),
    ],
)
def test_the_problem_says_what_makes_scores(problem: str | None, count: int, expected: str) -> None:
    """Labels that exclude one another, labels by themselves, and numbers that are scores already."""
    assert infer_activation({"problem_type": problem}, count) == expected
    for said in ("softmax", "sigmoid", "none"):
        assert infer_activation({"problem_type": problem, "function_to_apply": said}, count) == said


def test_a_missing_tokenizer_is_an_error_with_its_cure(tmp_path: Path) -> None:
    """The hint says how to make one; a folder in its place is named as such."""
    with pytest.raises(ModelError, match=r"no tokenizer\.json") as caught:
        read_tokenizer(tmp_path)
    assert "save_pretrained" in caught.value.hint
    (tmp_path / "tokenizer.json").mkdir()
    with pytest.raises(ModelError, match=r"tokenizer\.json: Is a directory"):
        read_tokenizer(tmp_path)
