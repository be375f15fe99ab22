"""Embeds texts as vectors of length 1 that lie near each other where texts are about the same.

    vectors = embedder.vectors(["Which fund should I buy?", "Is gold safe?"])     # float32 [2, width]

What is read of a text goes no further than the model's window; long texts are cut by who asks.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Protocol

import numpy as np

from guardrails.inference.hub.hub_cache import file_digests
from guardrails.inference.hub.labels import max_positions, read_config, read_tokenizer
from guardrails.inference.hub.runtimes import OnnxRuntime, TorchRuntime, choose_onnx_file, list_onnx_files
from guardrails.inference.hub.tokens import ModelTokenizer
from guardrails.inference.memory import ResultCache
from guardrails.inference.pool import get_pool
from guardrails.inference.safety.folder import ModelError, first_line
from guardrails.inference.safety.model import SafetyModel
from guardrails.inference.safety.scores import Scores
from guardrails.inference.safety.session import pad_rows
from guardrails.inference.safety.windows import TokenRow

NEAR_ONE: Final = 1e-2
"""How far the length of a vector may be from 1."""

WINDOW: Final = 256
"""Tokens that are read of a text where the model can read as many."""

REMEMBERED: Final = 2_048
"""Texts whose vectors are kept."""

OUTPUTS: Final = ("sentence_embedding", "last_hidden_state", "token_embeddings")
"""What the ONNX file of such a model gives, the best first."""


class Embedder(Protocol):
    """What turns texts into vectors; safe to share by threads. `identity` is a digest of all that they depend on."""

    identity: str

    def vectors(self, texts: Sequence[str]) -> Scores:
        """Return one row a text, each of length 1; raises `ModelError` or `ArithmeticError` where that cannot be had."""
        ...


class ShippedEmbedder:
    """The embedding that a model of this package gives besides its scores."""

    def __init__(self, model: SafetyModel, view: Callable[[str], str]) -> None:
        """Take the model and the view that it reads, and run it once; raises `ModelError`."""
        self.identity = model.identity
        self._model, self._view = model, view
        self.vectors(["warm up"])

    def vectors(self, texts: Sequence[str]) -> Scores:
        return check_vectors(self._model.embed([self._view(text) for text in texts]), len(texts))


class SentenceEmbedder:
    """A model of sentences in a folder: `config.json`, `tokenizer.json`, and an ONNX file or safetensors.

    The vector is the mean of the tokens' (or the first one's, where `1_Pooling/config.json` says so), at length 1.
    """

    def __init__(self, folder: Path) -> None:
        """Load the model and run it once; raises `ModelError`."""
        of = read_config(folder)
        pad = of.get("pad_token_id")
        self.identity = " ".join(file_digests(folder))
        self._tokens = ModelTokenizer(read_tokenizer(folder), pad=pad if isinstance(pad, int) else 0)
        self._window = min(WINDOW, max_positions(of) or WINDOW)
        self._first = _reads_first(folder)
        self._runtime = (
            OnnxRuntime(choose_onnx_file(folder, None), OUTPUTS)
            if list_onnx_files(folder)
            else TorchRuntime(folder, "AutoModel", given="last_hidden_state", spare="pooler")
        )
        self._memory = ResultCache[TokenRow, Scores](REMEMBERED)
        try:
            self.vectors(["warm up"])
        except ModelError:
            raise
        except Exception as error:
            raise ModelError(f"the model does not run: {first_line(error)}") from error

    def vectors(self, texts: Sequence[str]) -> Scores:
        room = self._window - self._tokens.single
        rows = [self._tokens.row(self._tokens.ids(text)[:room]) for text in texts]
        known = self._memory.get(rows, self._run)
        return check_vectors(np.array([known[row] for row in rows], dtype=np.float32), len(texts))

    def _run(self, rows: Sequence[TokenRow]) -> list[Scores]:
        return (
            get_pool().map(self._embed_one, rows)
            if self._runtime.concurrent
            else [self._embed_one(row) for row in rows]
        )

    def _embed_one(self, row: TokenRow) -> Scores:
        ids, mask, types = pad_rows([row], self._tokens.pad)
        found = self._runtime.run({"input_ids": ids, "attention_mask": mask, "token_type_ids": types})[0]
        if found.ndim == 2:
            found = found[0] if self._first else found.mean(axis=0)
        if found.ndim != 1:
            raise ModelError("the model gives no vectors of texts")
        return np.asarray(found / max(float(np.linalg.norm(found)), 1e-12), dtype=np.float32)


def _reads_first(folder: Path) -> bool:
    """Tell whether the first token stands for the text."""
    try:
        pooling = json.loads((folder / "1_Pooling" / "config.json").read_text("utf-8"))
    except FileNotFoundError:
        return False
    except (OSError, ValueError) as error:
        raise ModelError(f"1_Pooling/config.json: {error}") from error
    return isinstance(pooling, dict) and pooling.get("pooling_mode_cls_token") is True


def check_vectors(vectors: Scores, count: int) -> Scores:
    """Return vectors that are what they should be.

    Raises:
        ModelError: they are not one row a text.
        ArithmeticError: they hold what is no number, or are not of length 1.
    """
    if vectors.ndim != 2 or len(vectors) != count:
        raise ModelError(f"the model gives vectors of shape {vectors.shape} for {count} texts")
    if not (np.abs(np.linalg.norm(vectors, axis=1) - 1.0) <= NEAR_ONE).all():  # NaN is no number at all
        raise ArithmeticError("the model gave a vector that is none")
    return vectors
