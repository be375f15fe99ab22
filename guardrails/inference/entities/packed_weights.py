"""Opens a network whose weights lie packed in one file: 4 bits each there, 8 bits in memory, by which processors multiply fast.

The file is an `npz` archive: `graph` is the network as ONNX without its weights; of a weight of so many rows and columns it has
`….levels`, the 4 bits of the first half of the rows in the lower half of each byte and those of the second half in the upper, and
`….ratios`, by how much the levels are multiplied in each block of rows of a column, counted from the middle one. Any other
array is a weight as it is.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from guardrails.inference.onnx import open_session
from guardrails.inference.safety.folder import ModelError, first_line

GRAPH: Final = "graph"

LEVELS: Final = ".levels"

RATIOS: Final = ".ratios"

MIDDLE: Final = 8
"""The level that is zero."""

Weights = Mapping[str, NDArray[Any]]


def unpack_weights(arrays: Weights) -> dict[str, NDArray[Any]]:
    """Return the weights by name, of those that a file has."""
    return {
        name.removesuffix(LEVELS): (
            _unpack(array, arrays[name.removesuffix(LEVELS) + RATIOS]) if name.endswith(LEVELS) else array
        )
        for name, array in arrays.items()
        if name != GRAPH and not name.endswith(RATIOS)
    }


def _unpack(levels: NDArray[Any], ratios: NDArray[Any]) -> NDArray[np.int8]:
    columns = levels.shape[1]
    rows = np.concatenate([levels & 15, levels >> 4]).astype(np.float32) - MIDDLE
    scaled = rows.reshape(len(ratios), -1, columns) * ratios[:, None]
    return np.asarray(np.rint(scaled), dtype=np.int8).reshape(-1, columns)


def open_packed_session(data: bytes, name: str) -> Any:
    """Return the session of a packed network.

    Args:
        data: the file.
        name: of the file, for errors.

    Raises:
        ModelError: it is no such file.
        ModuleNotFoundError: ONNX Runtime is not installed.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            arrays = dict(archive)
        graph, weights = arrays[GRAPH].tobytes(), unpack_weights(arrays)
    except Exception as error:
        raise ModelError(f"{name}: {first_line(error)}") from error
    return open_session(graph, name, weights)
