"""The weights of an exported encoder, read back into the network that it was exported from.

An int8 file is all that is left of a model once its checkpoints are gone. Each weight comes back as its rounded value, so that
the network answers as the file does but for the rounding of activations, and can be trained further (`train.py --part retrain`).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from encoder import Encoder
from onnx import numpy_helper


def restore(model: Encoder, path: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """Load the weights of an exported file into `model`; returns the `center` and the `directions` of its embedding."""
    graph = onnx.load(str(path)).graph
    arrays = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
    sources = {output: node for node in graph.node for output in node.output}
    found = {
        name.removesuffix("_quantized"): _values(arrays, name.removesuffix("_quantized"))
        for name in arrays
        if name.endswith("_quantized")
    }
    matrices = {
        name.removesuffix("bias"): found[matrix].T
        for node in graph.node
        if node.op_type == "Add"
        for name in node.input
        if name.endswith(".bias") and name in arrays
        for matrix in [_multiplied(node, name, sources)]
        if matrix is not None
    }
    state = {
        name: array
        for name, array in arrays.items()
        if name.startswith("model.") and "_quantized" not in name
    }
    state |= {
        name: array for name, array in found.items() if name.startswith("model.") and "embeddings" in name
    }
    state |= {f"{name}weight": array for name, array in matrices.items()}
    loaded = {
        name.removeprefix("model."): torch.from_numpy(np.array(array, dtype=np.float32))
        for name, array in state.items()
        if name.removeprefix("model.") in model.state_dict()
    }
    missing = (
        set(model.state_dict())
        - set(loaded)
        - {"bert.embeddings.position_ids", "bert.embeddings.token_type_ids"}
    )
    if missing:
        raise SystemExit(f"{path}: no weights for {', '.join(sorted(missing))}")
    model.load_state_dict(loaded, strict=False)
    directions = torch.from_numpy(np.array(found["directions"], dtype=np.float32))
    return torch.from_numpy(np.array(arrays["center"], dtype=np.float32)), directions


def _values(arrays: dict[str, np.ndarray], name: str) -> np.ndarray:
    """Return what a quantized tensor stands for; scales are of the whole tensor or of its last axis."""
    zero = arrays.get(f"{name}_zero_point", np.zeros((), np.int32)).astype(np.float32)
    return (arrays[f"{name}_quantized"].astype(np.float32) - zero) * arrays[f"{name}_scale"]


def _multiplied(node: onnx.NodeProto, bias: str, sources: dict[str, onnx.NodeProto]) -> str | None:
    """Return the name of the matrix whose product the bias is added to."""
    product = next(name for name in node.input if name != bias)
    for _ in range(4):
        if product not in sources:
            return None
        before = sources[product]
        if before.op_type == "MatMulInteger":
            return before.input[1].removesuffix("_quantized")
        product = before.input[0]
    return None
