"""Runs token-classification models from a local folder: word pieces with the probability of each label.

A folder holds `config.json` with `id2label`, `tokenizer.json`, and an ONNX file (onnxruntime on one thread) or safetensors
(transformers and torch). Pickled weights and code in the folder are never run, and nothing is downloaded. A long text is
read in windows that share a quarter of their tokens; each piece counts in the window where it has more around it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from guardrails.cancellation import check
from guardrails.detectors import ConfigProblem, ConfigProblems
from guardrails.inference.hub.labels import column_labels, read_config, read_tokenizer
from guardrails.inference.hub.runtimes import ModelRuntime, OnnxRuntime, TorchRuntime, choose_onnx_file
from guardrails.inference.safety.folder import ModelError, first_line
from guardrails.inference.safety.scores import Scores as Scores
from guardrails.inference.safety.windows import load_tokenizer


@dataclass(frozen=True, slots=True)
class WordPieces:
    """The word pieces of a text in order: `spans` in its characters, and a row of probabilities for each."""

    spans: tuple[tuple[int, int], ...]
    probabilities: Scores


class TokenModel:
    """A model that is ready to run, also from several threads; `labels` are those of its columns."""

    def __init__(
        self, labels: tuple[str, ...], tokenizer: Tokenizer, run: ModelRuntime, overlap: int
    ) -> None:
        self.labels = labels
        self._tokenizer = tokenizer
        self._run = run.run
        self._overlap = overlap

    def pieces(self, text: str) -> WordPieces:
        """Judge a text of any length; it must be encodable as UTF-8."""
        first = self._tokenizer.encode(text)
        windows = [first, *first.overflowing]
        spans: list[tuple[int, int]] = []
        rows = []
        for index, window in enumerate(windows):
            check()
            own = [at for at, special in enumerate(window.special_tokens_mask) if not special]
            # Half of what two windows share is the one's, half the other's.
            begin = self._overlap - self._overlap // 2 if index else 0
            end = len(own) - (self._overlap // 2 if index < len(windows) - 1 else 0)
            own = own[begin:end]
            spans += [window.offsets[at] for at in own]
            rows.append(_softmax(self._run(_inputs(window))[0])[own])
        return WordPieces(tuple(spans), np.concatenate(rows))


def _inputs(window: Encoding) -> dict[str, NDArray[np.int64]]:
    columns = {
        "input_ids": window.ids,
        "attention_mask": window.attention_mask,
        "token_type_ids": window.type_ids,
    }
    return {name: np.array([values], dtype=np.int64) for name, values in columns.items()}


def _softmax(scores: Scores) -> Scores:
    raised = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True), dtype=np.float32)


def load_token_model(folder: Path, file: str | None, runtime: str, window: int) -> TokenModel:
    """Load the model in `folder` and run it once, on the runtime `onnx` or `torch`, to read `window` tokens at a time.

    Raises `ConfigProblems` at the fields of a `ner:` block, with what is wrong in the folder or missing from the system.
    """
    try:
        return _load(folder, file, runtime, window)
    except ModelError as error:
        problem = ConfigProblem(error.code, str(error), ("ner", error.field), hint=error.hint)
        raise ConfigProblems([problem]) from error


def _load(folder: Path, file: str | None, runtime: str, window: int) -> TokenModel:
    of = read_config(folder)
    named = column_labels(of)
    cutter = load_tokenizer(read_tokenizer(folder))
    positions = of.get("max_position_embeddings")
    # Two less: RoBERTa and its kin begin to count after the number of padding.
    length = min(window, positions - 2) if isinstance(positions, int) and positions > 18 else window
    overlap = length // 4
    cutter.no_padding()
    cutter.encode_special_tokens = True  # `[SEP]` in a text is five characters, and no end of it
    cutter.enable_truncation(length, stride=overlap)
    auto = "AutoModelForTokenClassification"
    run: ModelRuntime = (
        TorchRuntime(folder, auto) if runtime == "torch" else OnnxRuntime(choose_onnx_file(folder, file))
    )
    model = TokenModel(named, cutter, run, overlap)
    try:
        columns = model.pieces("Jo Doe, 1 Main St").probabilities.shape[-1]
    except Exception as error:
        raise ModelError(f"the model does not run: {first_line(error)}") from error
    if columns != len(named):
        raise ModelError(
            f"the model gives {columns} scores a token, but config.json names {len(named)} labels"
        )
    return model
