"""Models in folders: whatever the length of a text, each piece is judged once; what is wrong in a folder is said."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from guardrails.detectors import ConfigProblem, ConfigProblems
from guardrails.detectors.pii.ner_model import load_token_model
from tests.cases import scale

WORDS = {"Ann": "B-PER", "##a": "I-PER", "lives": "O", "in": "O", "Bonn": "B-LOC", ",": "O"}
Make = Callable[..., Path]


def problem(folder: Path, file: str | None = None, runtime: str = "onnx") -> ConfigProblem:
    """Return the one problem of loading a folder."""
    with pytest.raises(ConfigProblems) as caught:
        load_token_model(folder, file, runtime, 64)
    (found,) = caught.value.problems
    return found


def test_pieces_have_their_places_and_probabilities(ner_folder: Make) -> None:
    """Special tokens are left out; each row adds up to one and is what the model gives."""
    model = load_token_model(ner_folder(WORDS), None, "onnx", 64)
    pieces = model.pieces("Anna lives in Bonn")
    assert pieces.spans == ((0, 3), (3, 4), (5, 10), (11, 13), (14, 18))
    assert np.allclose(pieces.probabilities.sum(axis=1), 1)
    assert [model.labels[at] for at in pieces.probabilities.argmax(axis=1)] == [
        "B-PER",
        "I-PER",
        "O",
        "O",
        "B-LOC",
    ]
    assert pieces.probabilities[0].max() == pytest.approx(0.9, abs=1e-5)


def test_special_tokens_in_a_text_are_text(ner_folder: Make) -> None:
    """Nobody ends a text for the model by writing what ends it."""
    pieces = load_token_model(ner_folder(WORDS), None, "onnx", 64).pieces("Ann [SEP] Bonn")
    assert pieces.spans == ((0, 3), (4, 5), (5, 8), (8, 9), (10, 14))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=scale(60))
@given(
    words=st.lists(st.sampled_from(["Anna", "lives", "in", "Bonn,", "xyz"]), max_size=120),
    window=st.integers(16, 40),
)
def test_windows_judge_each_piece_once(ner_folder: Make, words: list[str], window: int) -> None:
    """A text of any length gives the pieces of the whole text in order, none left out, none twice."""
    folder = ner_folder(WORDS)
    text = " ".join(words)
    pieces = load_token_model(folder, None, "onnx", window).pieces(text)
    whole = Tokenizer.from_file(str(folder / "tokenizer.json")).encode(text, add_special_tokens=False)
    assert [*pieces.spans] == whole.offsets
    assert len(pieces.probabilities) == len(whole.ids)
    at_once = load_token_model(folder, None, "onnx", 8192).pieces(text)
    assert np.allclose(pieces.probabilities, at_once.probabilities)


def test_a_window_is_never_longer_than_the_model_has_positions(ner_folder: Make) -> None:
    """The stored truncation and padding of a tokenizer do not count either."""
    folder = ner_folder(WORDS)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(4)
    tokenizer.enable_padding(length=700)
    tokenizer.save(str(folder / "tokenizer.json"))
    settings_ = json.loads((folder / "config.json").read_text()) | {"max_position_embeddings": 34}
    (folder / "config.json").write_text(json.dumps(settings_))
    model = load_token_model(folder, None, "onnx", 256)
    first = model._tokenizer.encode("Bonn " * 500)
    assert max(len(each.ids) for each in [first, *first.overflowing]) == 32
    assert len(model.pieces("Bonn " * 500).spans) == 500


@pytest.mark.parametrize(
    ("files", "named", "found"),
    [
        (("model.onnx", "onnx/model_q4.onnx"), None, True),
        (("onnx/model.onnx", "onnx/model_q4.onnx"), None, True),
        (("onnx/model_q4.onnx",), None, True),
        (("onnx/model_q4.onnx", "onnx/model_int8.onnx"), "onnx/model_int8.onnx", True),
        (("onnx/model_q4.onnx", "onnx/model_int8.onnx"), None, "onnx/model_int8.onnx, onnx/model_q4.onnx"),
        (("model.onnx",), "other.onnx", "no file 'other.onnx'"),
        (("model.onnx",), "../ner/../../model.onnx", "no file"),
        ((), None, "no ONNX file"),
    ],
)
def test_the_onnx_file_is_found_or_asked_for(
    ner_folder: Make, files: tuple[str, ...], named: str | None, found: bool | str
) -> None:
    """One that is called `model.onnx` or is the only one needs no name; none outside the folder is read."""
    folder = ner_folder(WORDS, files=files)
    if found is True:
        assert load_token_model(folder, named, "onnx", 64).pieces("Bonn").spans == ((0, 4),)
    else:
        assert str(found) in problem(folder, named).message


def broken(folder: Path, file: str, content: str | None) -> Path:
    """Replace a file of a folder, or remove it."""
    if content is None:
        (folder / file).unlink()
    else:
        (folder / file).write_text(content)
    return folder


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("config.json", None, "no config.json"),
        ("config.json", "{", "config.json: Expecting"),
        ("config.json", "[]", "no mapping"),
        ("config.json", "{}", "no id2label"),
        ("config.json", '{"id2label": {"1": "O"}}', "no id2label"),
        ("config.json", '{"id2label": {"0": "O"}}', "gives 8 scores a token, but config.json names 1 labels"),
        ("tokenizer.json", None, "no tokenizer.json"),
        ("tokenizer.json", "{}", "tokenizer.json: "),
        ("model.onnx", "nonsense", "model.onnx: "),
    ],
)
def test_what_is_wrong_in_a_folder_is_said(
    ner_folder: Make, file: str, content: str | None, message: str
) -> None:
    """Each file that is missing, broken or does not fit the others is a problem at the field `model`."""
    found = problem(broken(ner_folder(WORDS), file, content))
    assert (found.code, found.path) == ("unreadable_model", ("ner", "model"))
    assert message in found.message


def test_a_model_with_other_inputs_is_refused(ner_folder: Make) -> None:
    """A model of pictures or boxes is none of texts."""
    found = problem(ner_folder(WORDS, inputs=("input_ids", "bbox")))
    assert "bbox" in found.message


@pytest.mark.parametrize(("missing", "runtime"), [("onnxruntime", "onnx"), ("torch", "torch")])
def test_a_missing_library_is_named_with_its_cure(
    ner_folder: Make, monkeypatch: pytest.MonkeyPatch, missing: str, runtime: str
) -> None:
    """The problem stands at `runtime` and says what to install."""
    monkeypatch.setitem(sys.modules, missing, None)
    found = problem(ner_folder(WORDS), runtime=runtime)
    assert (found.code, found.path) == ("missing_extra", ("ner", "runtime"))
    assert missing in found.message
    assert found.hint.startswith("pip install")
