"""Runtimes: which ONNX file is meant, what models may ask for, and what is missing from the system."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from guardrails.inference.hub.runtimes import (
    OnnxRuntime,
    TorchRuntime,
    choose_onnx_file,
    list_onnx_files,
    read_vocabulary,
)
from guardrails.inference.safety.folder import ModelError
from tests.cases import each_case

Make = Callable[..., Path]
GIVEN = {
    "input_ids": np.array([[2, 4, 3], [2, 5, 3]], dtype=np.int64),
    "attention_mask": np.ones((2, 3), dtype=np.int64),
    "token_type_ids": np.zeros((2, 3), dtype=np.int64),
}


@each_case(
    ("files", "named", "expected"),
    [
        (["model.onnx", "onnx/model_q4.onnx"], None, "model.onnx"),
        (["onnx/model.onnx", "onnx/model_q4.onnx"], None, "onnx/model.onnx"),
        (["onnx/model_q4.onnx"], None, "onnx/model_q4.onnx"),
        (["a.onnx", "onnx/b.onnx"], "onnx/b.onnx", "onnx/b.onnx"),
        (["a.onnx", "onnx/b.onnx"], None, "!several ONNX files: a.onnx, onnx/b.onnx"),
        (["a.onnx"], "b.onnx", "!no file 'b.onnx'"),
        (["a.onnx"], "../a.onnx", "!no file"),
        (["a.onnx"], "/etc/passwd", "!no file"),
        ([], None, "!no ONNX file"),
    ],
)
def test_the_onnx_file_is_found_or_asked_for(
    tmp_path: Path, files: list[str], named: str | None, expected: str
) -> None:
    """One that is called `model.onnx` or is the only one needs no name; none outside the folder is read."""
    folder = tmp_path / "m"
    (folder / "onnx").mkdir(parents=True)
    for file in [*files, "../a.onnx"]:
        (folder / file).write_bytes(b"")
    assert len(list_onnx_files(folder)) == len(files)
    if expected.startswith("!"):
        with pytest.raises(ModelError, match=expected[1:]) as caught:
            choose_onnx_file(folder, named)
        assert caught.value.field == ("model" if named is None else "file")
    else:
        assert choose_onnx_file(folder, named) == folder / expected


@pytest.mark.parametrize(
    "inputs",
    [("input_ids",), ("input_ids", "attention_mask"), ("input_ids", "attention_mask", "token_type_ids")],
)
def test_a_model_takes_the_inputs_that_it_names(sequence_folder: Make, inputs: tuple[str, ...]) -> None:
    """Not every architecture has types of tokens."""
    folder = sequence_folder({"fine": {}, "bad": {"bad": 2.0}}, inputs=inputs)
    found = OnnxRuntime(folder / "model.onnx").run(GIVEN)
    assert found.dtype == np.float32
    assert found.tolist() == [[0.0, 0.0], [0.0, 2.0]]


def identity(kind: int, output: str = "logits") -> bytes:
    """Return a model that gives the tokens back as scores, and something else before."""
    graph = helper.make_graph(
        [
            helper.make_node("Identity", ["input_ids"], ["states"]),
            helper.make_node("Cast", ["input_ids"], [output], to=TensorProto.FLOAT),
        ],
        "g",
        [helper.make_tensor_value_info("input_ids", kind, ["batch", "tokens"])],
        [
            helper.make_tensor_value_info("states", kind, ["batch", "tokens"]),
            helper.make_tensor_value_info(output, TensorProto.FLOAT, ["batch", "tokens"]),
        ],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(made.SerializeToString())


def test_logits_are_the_output_of_that_name(tmp_path: Path) -> None:
    """Whichever comes first; tokens are given as the numbers that the model wants."""
    for kind in (TensorProto.INT32, TensorProto.INT64):
        (tmp_path / "m.onnx").write_bytes(identity(kind))
        assert OnnxRuntime(tmp_path / "m.onnx").run(GIVEN).tolist() == GIVEN["input_ids"].tolist()


@each_case(
    ("data", "message"),
    [(b"no model", r"m\.onnx: "), (identity(TensorProto.FLOAT), "wants inputs that no text has: input_ids")],
)
def test_what_is_no_model_of_texts_is_an_error(tmp_path: Path, data: bytes, message: str) -> None:
    """Neither other bytes nor a model of other things."""
    (tmp_path / "m.onnx").write_bytes(data)
    with pytest.raises(ModelError, match=message):
        OnnxRuntime(tmp_path / "m.onnx")


def test_a_model_of_boxes_is_refused(sequence_folder: Make) -> None:
    """No text has them."""
    folder = sequence_folder({"bad": {}}, inputs=("input_ids", "bbox"))
    with pytest.raises(ModelError, match="wants inputs that no text has: bbox"):
        OnnxRuntime(folder / "model.onnx")


@each_case("missing", ["onnxruntime", "torch"])
def test_a_missing_library_is_named_with_its_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    """The error is the runtime's, and says what to install."""
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ModelError, match=f"needs the package '{missing}'") as caught:
        OnnxRuntime(tmp_path / "m.onnx") if missing == "onnxruntime" else TorchRuntime(tmp_path, "AutoModel")
    assert (caught.value.field, caught.value.code) == ("runtime", "missing_extra")
    assert caught.value.hint.startswith("pip install")


def test_older_tokenizers_need_transformers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It makes `tokenizer.json` of their files; a folder with neither has no tokenizer, and one that has it needs nothing."""
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ModelError, match=r"the folder has no tokenizer\.json$"):
        read_vocabulary(tmp_path)
    (tmp_path / "vocab.txt").write_text("[UNK]")
    with pytest.raises(
        ModelError, match="transformers, which makes one of older files, is not installed"
    ) as caught:
        read_vocabulary(tmp_path)
    assert "save_pretrained" in caught.value.hint
    (tmp_path / "tokenizer.json").write_text("{}")
    assert read_vocabulary(tmp_path) == b"{}"
