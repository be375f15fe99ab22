"""Sequence classifiers: what makes scores of logits, windows and pairs, one model for all, and faults that are no scores."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guardrails.inference.hub.sequence import (
    LEAST,
    SequenceModel,
    SequenceOptions,
    apply_activation,
    load_sequence_model,
)
from guardrails.inference.safety.folder import ModelError
from tests.cases import each_case, scale

Make = Callable[..., Path]
WORDS = {"fine": {}, "bad": {"bad": 2.0}, "worse": {"bad": 4.0}, ".": {}}


def scores(model: SequenceModel, text: str) -> dict[str, float]:
    """Return the scores of a short text by label, rounded."""
    [found] = model.scores([model.tokens.row(model.tokens.ids(text))])
    return {label: round(float(score), 3) for label, score in zip(model.labels, found, strict=True)}


@pytest.mark.parametrize(
    ("config", "options", "expected"),
    [
        ({}, {}, {"safe": 0.119, "bad": 0.881}),
        ({"problem_type": "single_label_classification"}, {}, {"safe": 0.119, "bad": 0.881}),
        ({"problem_type": "multi_label_classification"}, {}, {"safe": 0.5, "bad": 0.881}),
        ({"problem_type": "regression"}, {}, {"safe": 0.0, "bad": 1.0}),
        ({}, {"activation": "sigmoid"}, {"safe": 0.5, "bad": 0.881}),
        (
            {"problem_type": "multi_label_classification"},
            {"activation": "softmax"},
            {"safe": 0.119, "bad": 0.881},
        ),
    ],
)
def test_scores_are_those_of_the_models_problem(
    sequence_folder: Make, config: dict[str, Any], options: dict[str, Any], expected: dict[str, float]
) -> None:
    """Labels that exclude one another, labels by themselves, and numbers; unless something else is asked for."""
    model = load_sequence_model(sequence_folder(WORDS, **config), SequenceOptions(**options))
    assert scores(model, "bad") == expected


@pytest.mark.parametrize(
    ("problem", "activation", "expected"),
    [(None, None, 0.881), ("regression", None, 1.0), (None, "sigmoid", 0.881)],
)
def test_a_single_label_is_judged_by_itself(
    sequence_folder: Make, problem: str | None, activation: Any, expected: float
) -> None:
    """It excludes no other, so softmax would say 1 of any text, and is refused."""
    folder = sequence_folder(WORDS, ["bad"], problem_type=problem)
    assert scores(load_sequence_model(folder, SequenceOptions(activation=activation)), "bad") == {
        "bad": expected
    }
    with pytest.raises(ModelError, match="has always the score 1") as caught:
        load_sequence_model(folder, SequenceOptions(activation="softmax"))
    assert caught.value.field == "activation"


@each_case("how", ["softmax", "sigmoid", "none"])
@each_case("wrong", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_an_error(how: Any, wrong: float) -> None:
    """It would be below every threshold."""
    logits = np.array([[0.5, wrong]], dtype=np.float32)
    for clipped in (True, False):
        with pytest.raises(ArithmeticError, match="no number"):
            apply_activation(logits, how, clipped=clipped)


@each_case(("logit", "fine"), [(0.0, True), (1.0, True), (1.0005, True), (1.2, False), (-0.2, False)])
def test_what_claims_to_be_a_score_must_be_one(logit: float, fine: bool) -> None:
    """Logits taken for scores would be above every threshold, or below; a regression's are clipped."""
    logits = np.array([[logit]], dtype=np.float32)
    assert 0 <= apply_activation(logits, "none", clipped=True)[0, 0] <= 1
    if fine:
        assert 0 <= apply_activation(logits, "none", clipped=False)[0, 0] <= 1
    else:
        with pytest.raises(ArithmeticError, match=r"outside of 0\.\.1"):
            apply_activation(logits, "none", clipped=False)


@given(st.lists(st.lists(st.floats(-1e4, 1e4, width=32), min_size=3, max_size=3), min_size=1))
def test_scores_lie_in_0_to_1(rows: list[list[float]]) -> None:
    """Whatever the logits, and without a warning; those of labels that exclude one another add up to one."""
    logits = np.array(rows, dtype=np.float32)
    for how in ("softmax", "sigmoid"):
        found = apply_activation(logits, how, clipped=False)  # type: ignore[arg-type]
        assert found.shape == logits.shape
        assert ((found >= 0) & (found <= 1)).all()
    assert np.allclose(apply_activation(logits, "softmax", clipped=False).sum(axis=1), 1, atol=1e-5)


def test_a_nan_of_the_model_is_an_error(sequence_folder: Make) -> None:
    """Of that row's caller; others have their scores."""
    model = load_sequence_model(sequence_folder({"fine": {}, "nan": {"bad": math.nan}}), SequenceOptions())
    with pytest.raises(ArithmeticError, match="no number"):
        scores(model, "nan")
    assert scores(model, "fine") == {"safe": 0.5, "bad": 0.5}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=scale(50))
@given(st.lists(st.sampled_from(["bad", "fine", "worse", "."]), max_size=80))
def test_each_row_has_its_own_scores(sequence_folder: Make, words: list[str]) -> None:
    """In order, whatever stands beside it, again and alone."""
    model = load_sequence_model(sequence_folder(WORDS), SequenceOptions(window=16))
    rows = [model.tokens.row(window.ids) for window in model.windows(" ".join(words))]
    together = model.scores(rows)
    assert together.shape == (len(rows), 2)
    assert np.array_equal(model.scores(rows), together)
    for row, found in zip(rows, together, strict=True):
        assert np.array_equal(model.scores([row])[0], found)


@pytest.mark.parametrize(
    ("wanted", "positions", "expected"),
    [(None, 64, 64), (None, 8192, 512), (None, None, 512), (32, 64, 32), (64, 64, 64), (600, None, 600)],
)
def test_a_window_is_what_the_model_can_read(
    sequence_folder: Make, wanted: int | None, positions: int | None, expected: int
) -> None:
    """512 tokens at most where nothing is said, with the special ones."""
    model = load_sequence_model(
        sequence_folder(WORDS, max_position_embeddings=positions), SequenceOptions(window=wanted)
    )
    assert model.window == expected
    lengths = [len(model.tokens.row(window.ids).ids) for window in model.windows("bad " * 2000)]
    assert expected / 2 < max(lengths) <= expected


def test_a_window_beside_another_text_has_less_room(sequence_folder: Make) -> None:
    """Rows of two texts are no longer than those of one; what leaves no room is refused."""
    model = load_sequence_model(sequence_folder(WORDS), SequenceOptions(window=32))
    beside = model.tokens.ids("fine " * 10)
    rows = [model.tokens.pair(beside, window.ids) for window in model.windows("bad " * 100, beside)]
    assert max(len(row.ids) for row in rows) == 32
    assert model.scores(rows).shape == (len(rows), 2)
    with pytest.raises(ValueError, match="leave no room"):
        model.windows("bad", model.tokens.ids("fine " * (32 - LEAST)))


def test_a_tokenizer_that_joins_texts_without_a_mark_has_no_pairs(sequence_folder: Make) -> None:
    """The model could not tell one from the other."""
    folder = sequence_folder(WORDS)
    data = json.loads((folder / "tokenizer.json").read_text())
    (folder / "tokenizer.json").write_text(json.dumps({**data, "post_processor": None}))
    model = load_sequence_model(folder, SequenceOptions())
    assert len(list(model.windows("bad"))) == 1
    with pytest.raises(ModelError, match="no mark between two texts"):
        model.windows("bad", model.tokens.ids("fine"))


@pytest.mark.parametrize(
    ("options", "field", "code", "message"),
    [
        ({"window": 65}, "window", "unreadable_model", "reads 64 tokens at most"),
        ({"window": 9}, "window", "unreadable_model", "no room for a text"),
        ({"runtime": "onnx", "device": "cuda"}, "device", "unused_field", "'device' is of runtime 'torch'"),
        ({"runtime": "onnx", "precision": "float16"}, "precision", "unused_field", "'precision' is of"),
        ({"file": "model.onnx", "batch": 4}, "batch", "unused_field", "'batch' is of runtime 'torch'"),
        ({"runtime": "torch", "file": "model.onnx"}, "file", "unused_field", "reads safetensors"),
        ({"file": "other.onnx"}, "file", "unreadable_model", "no file 'other.onnx'"),
    ],
)
def test_options_that_do_not_fit_are_errors(
    sequence_folder: Make, options: dict[str, Any], field: str, code: str, message: str
) -> None:
    """At the option, with what would."""
    with pytest.raises(ModelError, match=message) as caught:
        load_sequence_model(sequence_folder(WORDS), SequenceOptions(**options))
    assert (caught.value.field, caught.value.code) == (field, code)
    assert caught.value.hint or field == "file" or options.get("window") == 9


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("config.json", None, "no config.json"),
        ("config.json", '{"id2label": {"1": "bad"}}', "no id2label"),
        ("config.json", '{"id2label": {"0": "bad"}}', "gives 1 x 2 scores for 1 x 1"),
        ("config.json", '{"num_labels": 3}', "gives 1 x 2 scores for 1 x 3"),
        ("tokenizer.json", None, "no tokenizer.json"),
        ("tokenizer.json", "{}", "tokenizer.json: "),
        ("model.onnx", "nonsense", "model.onnx: "),
    ],
)
def test_what_is_wrong_in_a_folder_is_said(
    sequence_folder: Make, file: str, content: str | None, message: str
) -> None:
    """Each file that is missing, broken or does not fit the others."""
    folder = sequence_folder(WORDS)
    if content is None:
        (folder / file).unlink()
    else:
        (folder / file).write_text(content)
    with pytest.raises(ModelError, match=message):
        load_sequence_model(folder, SequenceOptions())


def test_a_model_without_names_of_labels_numbers_them(sequence_folder: Make) -> None:
    """As the library that saved it does for two."""
    folder = sequence_folder(WORDS)
    (folder / "config.json").write_text("{}")
    assert load_sequence_model(folder, SequenceOptions()).labels == ("LABEL_0", "LABEL_1")


def test_a_model_of_tokens_is_no_classifier_of_texts(ner_folder: Make) -> None:
    """Its scores have one row too many, which is said at load."""
    with pytest.raises(ModelError, match="the model gives 1 x 512 x 8 scores for 1 x 8"):
        load_sequence_model(ner_folder({"Ann": "B-PER"}), SequenceOptions())


def test_one_model_for_all_who_ask_for_the_same(sequence_folder: Make) -> None:
    """Other options, or changed files, are another model."""
    folder = sequence_folder(WORDS)
    first = load_sequence_model(folder, SequenceOptions())
    assert load_sequence_model(folder, SequenceOptions()) is first
    assert load_sequence_model(folder, SequenceOptions(window=32)) is not first
    config = json.loads((folder / "config.json").read_text()) | {"problem_type": "multi_label_classification"}
    (folder / "config.json").write_text(json.dumps(config))
    assert load_sequence_model(folder, SequenceOptions()) is not first


def test_32_callers_get_the_scores_of_one(sequence_folder: Make) -> None:
    """Nothing is shared between callers but weights."""
    model = load_sequence_model(sequence_folder(WORDS), SequenceOptions(window=16))
    texts = ["fine " * count + "bad " + "worse " * count for count in range(32)]
    rows = [[model.tokens.row(window.ids) for window in model.windows(text)] for text in texts]
    alone = [model.scores(each) for each in rows]
    other = SequenceModel(sequence_folder(WORDS), SequenceOptions(window=16))
    with ThreadPoolExecutor(32) as callers:
        found = list(callers.map(other.scores, rows))
    assert all(np.array_equal(one, two) for one, two in zip(alone, found, strict=True))
