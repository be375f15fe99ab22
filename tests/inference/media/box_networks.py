"""Small real networks that find parts: each of sixteen cells of a picture is a thing of the colour that it has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

SIDE = 64
CELL = SIDE // 4
LABELS = ("red", "green", "blue")


def write_network(folder: Path, form: str = "yolov8", *, names: bool = True, turned: bool = False) -> Path:
    """Write the network of a form (`inference.media.boxes.FORMS`) into a folder, and return that.

    Args:
        folder: where; it is made.
        form: what it gives.
        names: the file names its classes, as Ultralytics writes them.
        turned: of `yolov8`: boxes before numbers.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    at = [(x, y) for y in range(4) for x in range(4)]
    middles = np.array([(CELL * (x + 0.5), CELL * (y + 0.5), CELL, CELL) for x, y in at], np.float32)
    corners = np.array([(CELL * x, CELL * y, CELL * (x + 1), CELL * (y + 1)) for x, y in at], np.float32)
    constants: dict[str, Any] = {"flat": np.array([1, 3, 16])}
    cells = [
        helper.make_node(
            "AveragePool", ["pixels"], ["pooled"], kernel_shape=[CELL, CELL], strides=[CELL, CELL]
        ),
        helper.make_node("Reshape", ["pooled", "flat"], ["scores"]),
    ]
    if form == "yolov8":
        constants["boxes"] = middles.T[None]
        cells += [helper.make_node("Concat", ["boxes", "scores"], ["made"], axis=1)]
        shape = [1, 7, 16]
        if turned:
            cells += [helper.make_node("Transpose", ["made"], ["turned"], perm=[0, 2, 1])]
            shape = [1, 16, 7]
    elif form == "yolov5":
        constants |= {"boxes": middles[None], "there": np.full((1, 16, 1), 0.5, np.float32)}
        cells += [
            helper.make_node("Transpose", ["scores"], ["each"], perm=[0, 2, 1]),
            helper.make_node("Concat", ["boxes", "there", "each"], ["made"], axis=2),
        ]
        shape = [1, 16, 8]
    else:
        constants |= {"boxes": corners[None], "one": np.array([1, 16, 1])}
        cells += [
            helper.make_node("ReduceMax", ["scores"], ["best"], axes=[1], keepdims=0),
            helper.make_node("ArgMax", ["scores"], ["which"], axis=1, keepdims=0),
            helper.make_node("Cast", ["which"], ["label"], to=TensorProto.FLOAT),
            helper.make_node("Reshape", ["best", "one"], ["best1"]),
            helper.make_node("Reshape", ["label", "one"], ["label1"]),
            helper.make_node("Concat", ["boxes", "best1", "label1"], ["made"], axis=2),
        ]
        shape = [1, 16, 6]
    graph = helper.make_graph(
        cells,
        "cells",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, [1, 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("turned" if turned else "made", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(values, name) for name, values in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    if names:
        named = model.metadata_props.add()
        named.key, named.value = "names", str(dict(enumerate(LABELS)))
    folder.mkdir(exist_ok=True)
    onnx.save(model, str(folder / "model.onnx"))
    return folder


def draw(width: int = SIDE, height: int = SIDE, **boxes: tuple[int, int, int, int]) -> np.ndarray:
    """Return black pixels with boxes of these colours."""
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    for colour, (x, y, wide, high) in boxes.items():
        pixels[y : y + high, x : x + wide, LABELS.index(colour)] = 255
    return pixels
