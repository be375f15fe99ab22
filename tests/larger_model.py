"""Encoders of texts for tests: real ONNX models that give each row the highest logits of its tokens; and such a one in the place of
`text-safety-large`, which is not installed where the tests run.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer

from guardrails.inference.safety import folder as folders
from guardrails.inference.safety.folder import FILES, PINNED, TEXT_MODELS
from guardrails.inference.safety.packages import PACKAGES

NAME = "text-safety-large"


def save_encoder(table: NDArray[np.float32], path: Path) -> None:
    """Save an encoder; the table has one row a token, one column a head."""
    inputs = ("input_ids", "attention_mask", "token_type_ids")
    graph = helper.make_graph(
        [
            helper.make_node("Gather", ["scores", "input_ids"], ["each"]),
            helper.make_node("ReduceMax", ["each"], ["logits"], axes=[1], keepdims=0),
        ],
        "text",
        [helper.make_tensor_value_info(each, TensorProto.INT64, ["batch", "tokens"]) for each in inputs],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", table.shape[1]])],
        [numpy_helper.from_array(table, "scores")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(path))


def save_larger_model(folder: Path, logit: float, **more: Any) -> str:
    """Save a model that goes with the shipped one and shares its files; it gives every text this logit for every head.

    Args:
        folder: of the model, without its shared files.
        logit: for all.
        more: fields of its manifest.

    Returns:
        the SHA-256 of its manifest.
    """
    folder.mkdir(parents=True, exist_ok=True)
    of = json.loads((TEXT_MODELS["text-safety"] / "manifest.json").read_bytes())
    words = Tokenizer.from_file(str(TEXT_MODELS["text-safety"] / "tokenizer.json")).get_vocab_size()
    save_encoder(np.full((words, len(of["heads"])), logit, dtype=np.float32), folder / "encoder.onnx")
    files = {**of["files"], "encoder.onnx": digest(folder / "encoder.onnx")}
    scores: Mapping[str, Any] = {
        head: {"hashed": [1, 0], "both": [1, 0, 0], "clear": 0.05, "sure": 0.95} for head in of["heads"]
    }
    manifest = {**of, "name": NAME, "version": "1.0.0", "files": files, "scores": scores}
    manifest |= {"shares": "text-safety", **more}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert {*files} == {*FILES}
    return digest(folder / "manifest.json")


def install_larger_model(site: Path, patch: pytest.MonkeyPatch, logit: float, **more: Any) -> Path:
    """Install a model as `save_larger_model` makes it, as if it were the one that this release goes with; return its folder."""
    folder = site / PACKAGES[NAME].module
    sha256 = save_larger_model(folder, logit, **more)
    (folder / "__init__.py").write_text("raise RuntimeError('no code of the package is run')")
    patch.setattr(folders, "PINNED", {**PINNED, "stand_in": sha256})
    patch.setitem(PACKAGES, NAME, PACKAGES[NAME]._replace(folder="stand_in"))
    patch.syspath_prepend(site)
    return folder


def remove_larger_model(patch: pytest.MonkeyPatch) -> None:
    """Have it installed nowhere, and not in the sources of this project either."""
    patch.setitem(PACKAGES, NAME, PACKAGES[NAME]._replace(module="guardrails_none", folder="none"))


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
