"""Runs sequence classifiers from a local folder: a score in 0..1 for each label of the model.

    model = load_sequence_model(folder, SequenceOptions(runtime="onnx"))
    windows = list(model.windows(text))
    scores = model.scores([model.tokens.row(window.ids) for window in windows])     # [windows, labels]
    scores = model.scores([model.tokens.pair(premise, hypothesis)])                 # of models that read two texts

A folder holds `config.json`, `tokenizer.json`, and an ONNX file or safetensors. The same folder with the same options is
one model for all who ask, it runs once at its longest before the first text, and rows that were judged are remembered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal
from weakref import WeakMethod

import numpy as np

from guardrails.inference.batcher import Batcher
from guardrails.inference.hub.labels import (
    Activation,
    column_labels,
    infer_activation,
    max_positions,
    read_config,
)
from guardrails.inference.hub.runtimes import (
    ModelRuntime,
    OnnxRuntime,
    Precision,
    TorchRuntime,
    choose_onnx_file,
    list_onnx_files,
    read_vocabulary,
)
from guardrails.inference.hub.tokens import ModelTokenizer
from guardrails.inference.memory import ResultCache
from guardrails.inference.pool import get_pool
from guardrails.inference.safety.folder import ModelError, first_line
from guardrails.inference.safety.scores import Scores
from guardrails.inference.safety.session import pad_rows
from guardrails.inference.safety.windows import TokenRow, TokenWindow
from guardrails.inference.shared_models import SharedModels

WINDOW: Final = 512
"""Tokens of a window where nothing is said and the model can read as many."""

LEAST: Final = 8
"""Tokens of a text that a window must have room for."""

BATCH: Final = 16
"""Rows that run at once on a device where nothing is said."""

REMEMBERED: Final = 2_048
"""Rows whose logits are kept: a conversation that comes again with one turn more costs that turn."""

NEAR: Final = 1e-3
"""How far outside of 0..1 a score may be by rounding."""


@dataclass(frozen=True, slots=True)
class SequenceOptions:
    """How to run a model; what is None is chosen by its folder. `device`, `precision` and `batch` are torch's, `file` is the
    ONNX file; `window` counts tokens, special ones included.
    """

    runtime: Literal["onnx", "torch"] | None = None
    file: str | None = None
    device: str | None = None
    precision: Precision | None = None
    window: int | None = None
    batch: int | None = None
    activation: Activation | None = None


class SequenceModel:
    """A model that is ready to run, by several threads at once."""

    def __init__(self, folder: Path, options: SequenceOptions) -> None:
        """Load the model and run it once; raises `ModelError`."""
        of = read_config(folder)
        self.labels = column_labels(of, unnamed=2)
        self.window = _window(options.window, max_positions(of))
        pad = of.get("pad_token_id")
        types = of.get("type_vocab_size")
        self.tokens = ModelTokenizer(
            read_vocabulary(folder),
            pad=pad if isinstance(pad, int) else 0,
            types=not isinstance(types, int) or types > 1,
        )
        if self.window - self.tokens.double < LEAST:
            raise ModelError(f"a window of {self.window} tokens has no room for a text", field="window")
        self._clipped = of.get("problem_type") == "regression" and options.activation is None
        self._activation = _activation(
            options.activation, infer_activation(of, len(self.labels)), len(self.labels)
        )
        self._runtime = _runtime(folder, options)
        self._memory = ResultCache[TokenRow, Scores](REMEMBERED)
        rows = (
            1 if not isinstance(pad, int) else options.batch or (BATCH if _is_device(options.device) else 1)
        )
        # The device's thread never ends, so it must not be what keeps the weights in memory.
        run = WeakMethod(self._run)
        self._batcher = (
            Batcher(lambda batch: _alive(run)(batch), rows)
            if rows > 1 and not self._runtime.concurrent
            else None
        )
        self._warm_up()

    def _warm_up(self) -> None:
        """Run a window of the full length, so that what does not fit is known before a text is that long."""
        once = self.tokens.ids("warm up ") or (0,)
        room = self.window - self.tokens.single
        try:
            self.scores([self.tokens.row((once * (room // len(once) + 1))[:room])])
        except ModelError:
            raise
        except Exception as error:
            raise ModelError(f"the model does not run: {first_line(error)}") from error

    def windows(self, text: str, beside: tuple[int, ...] = ()) -> Iterator[TokenWindow]:
        """Yield the windows of a text; with the tokens of another text beside it in each row (`tokens.pair`) there is less
        room. Raises `ValueError` where there is none, and `ModelError` for a model that reads one text.
        """
        if beside and self.tokens.double <= self.tokens.single:
            raise ModelError("tokenizer.json puts no mark between two texts")
        marks = self.tokens.double if beside else self.tokens.single
        room = self.window - len(beside) - marks
        if room < LEAST:
            raise ValueError(f"{len(beside)} tokens beside a text leave no room in a window of {self.window}")
        return self.tokens.windows(text, room)

    def scores(self, rows: Sequence[TokenRow]) -> Scores:
        """Return the scores of each row, one column a label.

        Raises:
            ArithmeticError: the model gave something else.
        """
        known = self._memory.get(rows, self._encode_rows)
        logits = np.array([known[row] for row in rows], dtype=np.float32).reshape(-1, len(self.labels))
        return apply_activation(logits, self._activation, clipped=self._clipped)

    def _encode_rows(self, rows: Sequence[TokenRow]) -> list[Scores]:
        """Return the logits of each row: on the process's cores, in batches on a device, or one after the other."""
        if self._batcher is not None:
            return self._batcher.map(rows)
        if self._runtime.concurrent:
            return get_pool().map(self._encode_row, rows)
        return [self._encode_row(row) for row in rows]

    def _encode_row(self, row: TokenRow) -> Scores:
        return self._memory.keep(row, self._run([row])[0])

    def _run(self, rows: Sequence[TokenRow]) -> Scores:
        ids, mask, types = pad_rows(rows, self.tokens.pad)
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}
        found = self._runtime.run(given)
        if found.shape != (len(rows), len(self.labels)):
            shape = " x ".join(map(str, found.shape))
            raise ModelError(
                f"the model gives {shape} scores for {len(rows)} x {len(self.labels)}",
                "the labels are those of id2label in config.json; a model of tokens or of words is no classifier of texts",
            )
        return found


def _alive(run: WeakMethod[Any]) -> Callable[[Sequence[TokenRow]], Scores]:
    """Return a method of a model, which those who wait for its answer hold."""
    found: Callable[[Sequence[TokenRow]], Scores] | None = run()
    assert found is not None
    return found


def apply_activation(logits: Scores, how: Activation, *, clipped: bool) -> Scores:
    """Return the scores that logits stand for; with `clipped` those outside of 0..1 are brought to its ends.

    Raises:
        ArithmeticError: a logit is no number, or what should be a score is outside of 0..1.
    """
    if not np.isfinite(logits).all():  # NaN is below every threshold, and would pass
        raise ArithmeticError("the model gave a score that is no number")
    match how:
        case "softmax":
            raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
            return np.asarray(raised / raised.sum(axis=-1, keepdims=True), dtype=np.float32)
        case "sigmoid":
            return np.asarray(1.0 / (1.0 + np.exp(-np.clip(logits, -80.0, 80.0))), dtype=np.float32)
        case "none":
            if not clipped and ((logits < -NEAR) | (logits > 1 + NEAR)).any():
                raise ArithmeticError("the model gave a score outside of 0..1: its activation is not 'none'")
            return np.clip(logits, 0.0, 1.0)


def _window(wanted: int | None, most: int | None) -> int:
    if wanted is None:
        return min(WINDOW, most or WINDOW)
    if most is not None and wanted > most:
        raise ModelError(f"the model reads {most} tokens at most", f"write window: {most}", field="window")
    return wanted


def _activation(wanted: Activation | None, own: Activation, count: int) -> Activation:
    if wanted == "softmax" and count == 1:
        message = "one label that excludes no other has always the score 1 by softmax"
        raise ModelError(message, "write activation: sigmoid", field="activation")
    return wanted or own


def _is_device(device: str | None) -> bool:
    return device not in (None, "cpu")


def _runtime(folder: Path, options: SequenceOptions) -> ModelRuntime:
    """Return the runtime that the options name, or that they and the folder make the likeliest."""
    of_torch = [
        name
        for name, set_ in (
            ("device", _is_device(options.device)),
            ("precision", options.precision is not None),
            ("batch", options.batch is not None),
        )
        if set_
    ]
    of_onnx = options.file is not None or (not of_torch and bool(list_onnx_files(folder)))
    if (options.runtime or ("onnx" if of_onnx else "torch")) == "torch":
        if options.file is not None:
            message = "'file' names an ONNX file, and runtime 'torch' reads safetensors"
            raise ModelError(message, "remove one of both", field="file", code="unused_field")
        auto = "AutoModelForSequenceClassification"
        return TorchRuntime(folder, auto, options.device or "cpu", options.precision or "float32")
    if of_torch:
        message = f"{of_torch[0]!r} is of runtime 'torch'; 'onnx' runs rows one by one on the processor"
        raise ModelError(
            message, "remove it, or write runtime: torch", field=of_torch[0], code="unused_field"
        )
    return OnnxRuntime(choose_onnx_file(folder, options.file))


_SHARED = SharedModels(SequenceModel)


def load_sequence_model(folder: Path, options: SequenceOptions) -> SequenceModel:
    """Return the model in a folder; the same for all who ask for the same files with the same options.

    Raises:
        ModelError: what is wrong with the folder or the options, or what is missing from the system.
    """
    return _SHARED.get(folder, options)
