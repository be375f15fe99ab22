"""What the tests of classifiers of pictures share: a real small model of colours."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

LABELS = ("red", "green", "blue")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a real model: each label is as likely as the picture has of that colour."""
    import onnx
    from onnx import TensorProto, helper

    graph = helper.make_graph(
        [helper.make_node("ReduceMean", ["pixels"], ["probs"], axes=[2, 3], keepdims=0)],
        "colours",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["batch", 3, 16, 16])],
        [helper.make_tensor_value_info("probs", TensorProto.FLOAT, ["batch", 3])],
    )
    made = tmp_path / "colours"
    made.mkdir()
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8),
        str(made / "model.onnx"),
    )
    named = {str(at): label for at, label in enumerate(LABELS)}
    (made / "config.json").write_text(json.dumps({"id2label": named, "function_to_apply": "none"}))
    (made / "preprocessor_config.json").write_text(json.dumps({"size": {"height": 16, "width": 16}}))
    return made
