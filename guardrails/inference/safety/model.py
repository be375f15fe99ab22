"""Loads the shipped classifier and scores windows of texts, with one set of weights per process.

    model = load_safety_model(folder)
    windows = list(model.windows(view.text))                # of the view that the manifest names
    fast = model.fast([folded(view.text[w.start:w.end]).text for w in windows])
    both = model.both([model.tokens.row(w.ids) for w in windows], fast.logits)

Files are checked against the sha256 in the manifest, the encoder runs once before the first text, and nothing is ever
downloaded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from guardrails.fork_safety import fork_safe_lock
from guardrails.inference.batcher import Batcher
from guardrails.inference.memory import ResultCache
from guardrails.inference.onnx import defers_sessions
from guardrails.inference.pool import get_pool
from guardrails.inference.safety.folder import (
    Manifest,
    ModelError,
    first_line,
    locate_file,
    read_contents,
    read_manifest,
)
from guardrails.inference.safety.hashed import HashedHeads
from guardrails.inference.safety.scores import HeadCalibration, Scores
from guardrails.inference.safety.session import EncoderSession, OnnxSession, pad_rows
from guardrails.inference.safety.windows import BertTokenizer, GrowingWindows, TokenRow, TokenWindow

SINGLE: Final = 2
"""Special tokens around one text."""

PAIR: Final = 3
"""Special tokens around two."""

REMEMBERED: Final = 2_048
"""Rows whose logits are kept, about 6 kB each, and as many embeddings: a conversation that comes again with one turn more
costs that turn."""


@dataclass(frozen=True, slots=True)
class FastScores:
    """What the fast tier says: its `logits`, the `scores` that it would give, and which of those are `settled`."""

    logits: Scores
    scores: Scores
    settled: NDArray[np.bool_]


class SafetyModel:
    """A model that is ready to run, by several threads at once; `identity` is a digest of all that its scores depend on, and
    `manifest` what its folder says of it.
    """

    def __init__(
        self, of: Manifest, tokens: BertTokenizer, session: EncoderSession, hashed: HashedHeads
    ) -> None:
        """Put the parts together and run them once; raises `ModelError` where they do not fit."""
        self.manifest = of
        self.name, self.version, self.identity = of.name, of.version, of.identity
        self.heads = of.heads
        self.languages = frozenset(of.languages)
        self.tokens = tokens
        self.view = of.view
        self.few_words = of.few_words
        self._window, self._prompt = of.window, of.prompt_tokens
        self._session = session
        self._hashed = hashed
        self._calibration = HeadCalibration(of.heads, of.scores)
        self._memory = ResultCache[TokenRow, Scores](REMEMBERED)
        self._about = ResultCache[TokenRow, Scores](REMEMBERED)
        self._hashed_memory = ResultCache[str, Scores](REMEMBERED)
        self._batcher = Batcher(self._run, session.rows) if session.rows > 1 else None
        if hashed.heads != of.heads:
            raise ModelError("hashed.npz and manifest.json do not name the same heads in the same order")
        self._warm_up()

    def _warm_up(self) -> None:
        self.fast(["warm up"])
        if defers_sessions():
            return
        try:
            found = self._run([self.tokens.row(self.tokens.ids("warm up"))])
        except Exception as error:
            raise ModelError(f"the model does not run: {first_line(error)}") from error
        if found.shape != (1, len(self.heads)):
            raise ModelError(f"encoder.onnx gives scores of shape {found.shape}, for {len(self.heads)} heads")

    def prompt(self, text: str) -> tuple[int, ...]:
        """Return the tokens of a prompt that are read beside its reply: its end, where a long one asks."""
        return self.tokens.ids(text)[-self._prompt :]

    def windows(self, text: str, prompt: tuple[int, ...] = ()) -> Iterator[TokenWindow]:
        """Yield the windows of a text that leave room for the tokens of a prompt."""
        return self.tokens.windows(text, self._room(prompt))

    def growing_windows(self, prompt: tuple[int, ...] = ()) -> GrowingWindows:
        """Begin the windows of a text that grows; they leave room for the tokens of a prompt."""
        return GrowingWindows(self.tokens, self._room(prompt))

    def _room(self, prompt: tuple[int, ...]) -> int:
        return self._window - len(prompt) - (PAIR if prompt else SINGLE)

    def fast(self, texts: Sequence[str]) -> FastScores:
        """Judge folded texts by the fast tier alone, each once: about 0.1 ms for each."""
        known = self._hashed_memory.get(texts, lambda new: [*self._hashed.logits(new)])
        logits = np.array([known[text] for text in texts], dtype=np.float32).reshape(-1, len(self.heads))
        scores = self._calibration.fast(logits)
        return FastScores(logits, scores, self._calibration.is_settled(scores))

    def is_clear(self, fast: Scores, part: float) -> NDArray[np.bool_]:
        """Tell which scores of the fast tier are below some part of what is clear."""
        return self._calibration.is_clear(fast, part)

    def both(self, rows: Sequence[TokenRow], hashed: Scores) -> Scores:
        """Judge rows by both tiers; `hashed` are the logits of the fast tier for the same texts, one row each."""
        known = self._memory.get(rows, self._encode_rows)
        found = np.array([known[row] for row in rows], dtype=np.float32)
        return self._calibration.both(found.reshape(-1, len(self.heads)), hashed)

    def embed(self, texts: Sequence[str]) -> Scores:
        """Return what each text is about, by its first window: vectors of length 1, one row a text.

        Raises:
            ModelError: the model does not tell.
        """
        room = self._window - SINGLE
        rows = [self.tokens.row(self.tokens.ids(text)[:room]) for text in texts]
        known = self._about.get(rows, self._embed_rows)
        return np.array([known[row] for row in rows], dtype=np.float32)

    def _embed_rows(self, rows: Sequence[TokenRow]) -> list[Scores]:
        return get_pool().map(lambda row: self._session.embed(pad_rows([row], self.tokens.pad))[0], rows)

    def _encode_rows(self, rows: Sequence[TokenRow]) -> list[Scores]:
        """Return the logits of the encoder for each row: one by one on the process's cores, or in batches on a device."""
        if self._batcher is not None:
            return self._batcher.map(rows)
        return get_pool().map(lambda row: self._memory.keep(row, self._run([row])[0]), rows)

    def _run(self, rows: Sequence[TokenRow]) -> Scores:
        return self._session.run(pad_rows(rows, self.tokens.pad))


_LOADED: WeakValueDictionary[str, SafetyModel] = WeakValueDictionary()
_LOADING = fork_safe_lock()


def load_safety_model(folder: Path, sha256: str | None = None) -> SafetyModel:
    """Return the model in a folder; the same for all who ask for the same files.

    Args:
        folder: of the model.
        sha256: the digest that its manifest must have.

    Raises:
        ModelError: what is wrong with the folder, or with a file of it.
    """
    of = read_manifest(folder, sha256)
    with _LOADING:
        model = _LOADED.get(of.identity)
        if model is None:
            data = read_contents(folder, of)
            try:
                hashed = HashedHeads.load(locate_file(folder, "hashed.npz", of.shares))
            except Exception as error:
                raise ModelError(f"hashed.npz: {first_line(error)}") from error
            tokens = BertTokenizer(data["tokenizer.json"])
            model = _LOADED[of.identity] = SafetyModel(of, tokens, OnnxSession(data["encoder.onnx"]), hashed)
        return model
