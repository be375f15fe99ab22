"""Reads a trained encoder back out of its shipped ONNX file, where no checkpoint of it is left to go on from.

What `export.py` wrote goes in, an `Encoder` comes out: matrices in 8 bits as they are there, by the scale of each output, the
rest as it was trained; word and position embeddings, which are never trained, from the seed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import torch
from encoder import STUDENT_LAYERS, Encoder
from onnx import numpy_helper

OF_LAYERS = {"/model/head/Gemm_MatMul_quant": "head.weight", "/model/about/Gemm_MatMul": "about.weight"}
"""What the layers behind the encoder are in the file, and the model's names of their matrices."""


def load(path: Path, seed: Path) -> Encoder:
    """Return the small encoder of an ONNX file; `seed` is the folder that its embeddings of words and positions are in."""
    model = Encoder(seed, len(STUDENT_LAYERS))
    found = weights(path)
    left, unknown = model.load_state_dict(found, strict=False)
    frozen = {name for name, each in model.named_parameters() if not each.requires_grad}
    if unknown or set(left) - frozen:
        raise SystemExit(f"{path}: not the file of such an encoder: {unknown or sorted(set(left) - frozen)}")
    return model


def weights(path: Path) -> dict[str, torch.Tensor]:
    """Return the trained parameters of an ONNX file by the names of `Encoder`."""
    graph = onnx.load(str(path)).graph
    stored = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
    trained = {
        name.removeprefix("model."): value
        for name, value in stored.items()
        if name.endswith((".bias", ".weight")) and "position_embeddings" not in name
    }
    for node in graph.node:
        if node.op_type in ("MatMul", "MatMulInteger") and node.input[1] in stored:
            trained[_parameter(node.name)] = _whole(stored, node.input[1]).T
    return {name: torch.from_numpy(np.array(value, dtype=np.float32)) for name, value in trained.items()}


def _parameter(node: str) -> str:
    """Return the model's name of the matrix that a node multiplies by."""
    layer = node.removeprefix("/model/").partition("/MatMul")[0]
    return OF_LAYERS.get(node, f"{layer.replace('/', '.')}.weight")


def _whole(stored: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    """Return a matrix as numbers, inputs by outputs."""
    if not name.endswith("_quantized"):
        return stored[name]
    part = name.removesuffix("_quantized")
    zero = stored[f"{part}_zero_point"].astype(np.float32)
    return (stored[name].astype(np.float32) - zero) * stored[f"{part}_scale"]
