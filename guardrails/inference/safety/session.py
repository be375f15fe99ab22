"""Runs rows of tokens through an encoder and returns the logits of each row. ONNX Runtime on single threads.

Texts run beside one another (`pool.py`), so a session has one thread and never spins: two spinning threads were 10 to
30 times slower under load (reference/text-models.md §2). ONNX Runtime lets go of Python's lock while it runs, and a
session may be run by several threads at once over one set of weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from guardrails.inference.onnx import defers_sessions, open_session
from guardrails.inference.safety.folder import ModelError
from guardrails.inference.safety.scores import Scores
from guardrails.inference.safety.windows import TokenRow

Inputs = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
"""Tokens, mask and types, each one row a text."""


EMBEDDING: Final = "embedding"
"""The output that says what a text is about."""


class EncoderSession(Protocol):
    """An encoder that is ready to run. `rows` is how many rows at a time are the fastest: with 1 it is run by several threads at
    once (a processor), else by one (a device, `batcher.py`).
    """

    rows: int

    def run(self, inputs: Inputs) -> Scores:
        """Return the logits: one row a row, one column a head."""
        ...

    def embed(self, inputs: Inputs) -> Scores:
        """Return what each row is about: a vector of length 1. Raises `ModelError` where the model does not tell."""
        ...


class OnnxSession:
    """ONNX Runtime on the CPU.

    One row at a time: more at once cost as much a row, and the scale of 8-bit activations is that of the whole batch, so
    that the score of a text would depend on its neighbours. Raises `ModelError` for what is no such model.
    """

    rows = 1

    def __init__(self, data: bytes) -> None:
        self._data = data if defers_sessions() else b""
        self._opened = None if defers_sessions() else _open(data)

    @property
    def _parts(self) -> tuple[Any, str, str | None]:
        if self._opened is None:  # by two threads twice, which is as good
            self._opened = _open(self._data)
        return self._opened

    def run(self, inputs: Inputs) -> Scores:
        """Return the logits."""
        session, logits, _ = self._parts
        return self._output(session, logits, inputs)

    def embed(self, inputs: Inputs) -> Scores:
        """Return what each row is about."""
        session, _, about = self._parts
        if about is None:
            raise ModelError(f"the model has no output {EMBEDDING!r}", "name another model")
        return self._output(session, about, inputs)

    @staticmethod
    def _output(session: Any, name: str, inputs: Inputs) -> Scores:
        ids, mask, types = inputs
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}
        return np.asarray(session.run([name], given)[0], dtype=np.float32)


def _open(data: bytes) -> tuple[Any, str, str | None]:
    """Return the session of an encoder, its output of logits, and that which says what a text is about, where it has one."""
    session = open_session(data, "encoder.onnx")
    names = {each.name for each in session.get_inputs()}
    if names != {"input_ids", "attention_mask", "token_type_ids"}:
        raise ModelError(f"encoder.onnx takes {', '.join(sorted(names))}, not tokens, a mask and types")
    given = [each.name for each in session.get_outputs()]
    return session, given[0], EMBEDDING if EMBEDDING in given else None


def pad_rows(rows: Sequence[TokenRow], pad: int) -> Inputs:
    """Return rows as arrays, padded to the longest of them."""
    if len(rows) == 1:
        ids = np.array([rows[0].ids], dtype=np.int64)
        return ids, np.ones_like(ids), np.array([rows[0].types], dtype=np.int64)
    longest = max(len(row.ids) for row in rows)
    ids = np.full((len(rows), longest), pad, dtype=np.int64)
    mask = np.zeros_like(ids)
    types = np.zeros_like(ids)
    for at, row in enumerate(rows):
        length = len(row.ids)
        ids[at, :length] = row.ids
        mask[at, :length] = 1
        types[at, :length] = row.types
    return ids, mask, types
