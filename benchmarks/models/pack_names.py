"""Makes `guardrails/models/pii_names/model.npz` of Rampart's `model_q4.onnx`: the same bytes each time.

    python benchmarks/models/pack_names.py model_q4.onnx model.npz

The file has 4 bits a weight, in blocks of 32 with a scale each, and ONNX Runtime multiplies by such weights as slowly as by
floats. So the network is written anew with weights of 8 bits, one scale a column, and activations that are rounded as they come.
That takes 18.8 MB; what is written are the 4 bits, and for each block by how much they are to be multiplied, of which loading
makes the 8 bits (`guardrails/inference/entities/packed_weights.py`). Nothing is trained, and no weight is changed but by the
second rounding.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from guardrails.inference.entities.packed_weights import GRAPH, LEVELS, RATIOS, unpack_weights

EMBEDDING = "bert.embeddings.word_embeddings.weight_quantized"
MOST = 127


def levels_of(node: onnx.NodeProto, arrays: dict[str, NDArray]) -> tuple[NDArray, NDArray]:
    """Return the weights of a product as the file has them, 0 to 15 a row of inputs and a column of outputs, and the scales of
    their blocks.
    """
    size = {each.name: each.i for each in node.attribute}
    assert (size["bits"], len(node.input)) == (4, 3)
    packed, scales = arrays[node.input[1]], arrays[node.input[2]].reshape(size["N"], -1)
    levels = np.stack([packed & 15, packed >> 4], axis=-1).reshape(size["N"], -1)[:, : size["K"]]
    return levels.T, scales.T


def pack(name: str, levels: NDArray, scales: NDArray) -> tuple[dict[str, NDArray], NDArray]:
    """Return what is written of a product's weights, and the scale of each column of the 8 bits that they become."""
    rows, columns = levels.shape
    blocks = levels.reshape(len(scales), -1, columns).astype(np.float32) - 8
    column_scales = np.abs(blocks * scales[:, None]).max(axis=(0, 1)) / np.float32(MOST)
    half = rows // 2
    return {
        name + LEVELS: np.ascontiguousarray(levels[:half] | levels[half:] << 4, dtype=np.uint8),
        name + RATIOS: np.ascontiguousarray(scales / column_scales, dtype=np.float32),
    }, column_scales.astype(np.float32)


def product(node: onnx.NodeProto, name: str, known: set[str]) -> list[onnx.NodeProto]:
    """Return the nodes of a product by weights of 8 bits; an input that several products share is rounded once."""
    given, out = node.input[0], node.output[0]
    parts = [f"{given}_{each}" for each in ("rounded", "scale", "zero")]
    nodes = [] if given in known else [helper.make_node("DynamicQuantizeLinear", [given], parts)]
    known.add(given)
    return [
        *nodes,
        helper.make_node("MatMulInteger", [parts[0], name, parts[2]], [f"{out}_sum"]),
        helper.make_node("Cast", [f"{out}_sum"], [f"{out}_float"], to=TensorProto.FLOAT),
        helper.make_node("Mul", [parts[1], f"{name}.scale"], [f"{out}_scale"]),
        helper.make_node("Mul", [f"{out}_float", f"{out}_scale"], [out]),
    ]


def convert(model: onnx.ModelProto) -> dict[str, NDArray]:
    """Return the arrays of the packed file; the model becomes its graph."""
    graph = model.graph
    arrays = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
    packed: dict[str, NDArray] = {}
    nodes: list[onnx.NodeProto] = []
    gone: set[str] = {EMBEDDING}
    scales = []
    known: set[str] = set()
    for node in graph.node:
        if node.op_type != "MatMulNBits":
            nodes.append(node)
            continue
        name = f"weights.{len(scales)}"
        written, of_columns = pack(name, *levels_of(node, arrays))
        packed |= written
        scales.append(numpy_helper.from_array(of_columns, f"{name}.scale"))
        nodes += product(node, name, known)
        gone |= {*node.input[1:]}
    packed[EMBEDDING] = arrays[EMBEDDING]
    kept = [each for each in graph.initializer if each.name not in gone]
    del graph.initializer[:], graph.node[:]
    graph.node.extend(nodes)
    graph.initializer.extend([*kept, *scales])
    for name, array in unpack_weights(packed).items():
        graph.initializer.append(outside(name, array))
    model.producer_name, model.doc_string = "guardrails", ""
    return {GRAPH: np.frombuffer(model.SerializeToString(deterministic=True), dtype=np.uint8), **packed}


def outside(name: str, array: NDArray) -> onnx.TensorProto:
    """Return the entry of weights that are handed over beside the graph."""
    kind = helper.np_dtype_to_tensor_dtype(array.dtype)
    entry = TensorProto(name=name, data_type=kind, dims=array.shape, data_location=TensorProto.EXTERNAL)
    for key, value in {"location": "beside", "offset": "0", "length": str(array.nbytes)}.items():
        entry.external_data.add(key=key, value=value)
    return entry


def main() -> int:
    """Write the packed file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    given = parser.parse_args()
    np.savez(given.target, **convert(onnx.load(str(given.source))))
    print(f"{given.target}: {given.target.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
