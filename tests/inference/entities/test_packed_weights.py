"""Packed weights: four bits each in the file, eight in memory, and what is wrong with a file is said."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from guardrails.inference.entities.packed_weights import GRAPH, open_packed_session, unpack_weights
from guardrails.inference.safety.folder import ModelError
from tests.cases import each_case


def packed(levels: NDArray[Any], ratios: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Return what a file has of a weight of so many levels."""
    half = len(levels) // 2
    low, high = levels[:half].astype(np.uint8), levels[half:].astype(np.uint8)
    return {"w.levels": low | high << 4, "w.ratios": ratios.astype(np.float32)}


@given(st.integers(1, 3), st.integers(1, 5), st.randoms(use_true_random=False))
def test_each_level_is_multiplied_by_the_ratio_of_its_block(blocks: int, columns: int, random: Any) -> None:
    """Level 8 is zero; what comes out is rounded, and in the place of its row and column."""
    rows = 4 * blocks
    levels = np.array([[random.randrange(16) for _ in range(columns)] for _ in range(rows)])
    ratios = np.array([[random.uniform(0.1, 15.0) for _ in range(columns)] for _ in range(blocks)])
    (weight,) = unpack_weights(packed(levels, ratios)).values()
    of_rows = np.repeat(ratios.astype(np.float32), 4, axis=0)
    assert weight.dtype == np.int8
    assert weight.flags.c_contiguous
    assert np.array_equal(weight, np.rint((levels - 8).astype(np.float32) * of_rows))


def test_other_arrays_are_weights_as_they_are() -> None:
    """But for the network itself."""
    table = np.arange(6, dtype=np.uint8)
    assert {*unpack_weights({"table": table, GRAPH: table})} == {"table"}


def archive(arrays: Mapping[str, Any]) -> bytes:
    """Return a file with these arrays."""
    data = io.BytesIO()
    np.savez(data, **arrays)
    return data.getvalue()


def network() -> bytes:
    """Return a network that adds a weight, which lies outside of it, to what it is given."""
    from onnx import TensorProto, helper

    entry = TensorProto(name="w", data_type=TensorProto.INT8, dims=(2, 2), data_location=TensorProto.EXTERNAL)
    for key, value in {"location": "beside", "offset": "0", "length": "4"}.items():
        entry.external_data.add(key=key, value=value)
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2, 2]) for name in ("x", "y")]
    nodes = [
        helper.make_node("Cast", ["w"], ["f"], to=TensorProto.FLOAT),
        helper.make_node("Add", ["x", "f"], ["y"]),
    ]
    graph = helper.make_graph(nodes, "sum", values[:1], values[1:], [entry])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(made.SerializeToString())


def test_a_network_runs_with_the_weights_beside_it() -> None:
    """They are handed over, and no file is read for them."""
    arrays = packed(np.array([[0, 15], [8, 9]]), np.array([[2.0, 1.0]]))
    session = open_packed_session(archive({GRAPH: np.frombuffer(network(), np.uint8), **arrays}), "m.npz")
    (found,) = session.run(None, {"x": np.zeros((2, 2), np.float32)})
    assert found.tolist() == [[-16.0, 7.0], [0.0, 1.0]]


@each_case(
    "data",
    [
        b"",
        b"nonsense",
        archive({}),
        archive({GRAPH: np.frombuffer(b"zqx", np.uint8)}),
        archive({GRAPH: np.frombuffer(b"zqx", np.uint8), "w.levels": np.zeros((1, 1), np.uint8)}),
        archive({GRAPH: np.array([{}], dtype=object)}),
        archive({GRAPH: np.frombuffer(network(), np.uint8)}),
    ],
)
def test_what_is_no_such_file_is_an_error(data: bytes) -> None:
    """Nothing in it is run as a pickle, and nothing is missing from it."""
    with pytest.raises(ModelError, match=r"m\.npz: "):
        open_packed_session(data, "m.npz")
