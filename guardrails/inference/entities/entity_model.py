"""Loads a model that labels word pieces, once for a process, and says how likely each label is for each piece.

    model = load_entity_model(folder)
    pieces = model.pieces(text)                           # tokens, and where they stand
    [scores] = model.probabilities([pieces.ids])          # one row a piece, one column a label of `model.labels`

`manifest.json` of its folder names `files` (file → sha256), `labels` in the order of the columns and `languages`, those that the
model was made for. Rows are judged one by one: the scale of 8-bit activations is that of all that is judged together.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from guardrails.inference.entities.packed_weights import open_packed_session
from guardrails.inference.memory import ResultCache
from guardrails.inference.pool import get_pool
from guardrails.inference.safety.folder import ModelError, first_line, read_files, read_manifest_file
from guardrails.inference.safety.scores import Scores
from guardrails.inference.safety.session import pad_rows
from guardrails.inference.safety.windows import BertTokenizer, TextPieces
from guardrails.inference.shared_models import SharedModels

NETWORK: Final = "model.npz"

TOKENIZER: Final = "tokenizer.json"

REMEMBERED: Final = 60_000
"""Pieces whose probabilities are kept, 140 bytes each: a stream's text is judged once more as a whole."""

Ids = tuple[int, ...]


class EntityModel:
    """A model that is ready to run, by several threads at once.

    Attributes:
        labels: of its columns.
        languages: those that it was made for.
    """

    def __init__(self, folder: Path, _: None) -> None:
        """Load the model and run it once; raises `ModelError`."""
        self.labels, self.languages, data = _read(folder)
        self._tokens = BertTokenizer(data[TOKENIZER])
        self._session = open_packed_session(data[NETWORK], NETWORK)
        self._memory = ResultCache[Ids, Scores](REMEMBERED, len)
        pieces = self.pieces("Jo Doe, 1 Main St")
        try:
            found = self._run(pieces.ids)
        except Exception as error:
            raise ModelError(f"the model does not run: {first_line(error)}") from error
        if found.shape != (len(pieces.ids), len(self.labels)):
            raise ModelError(f"{NETWORK} gives scores of shape {found.shape}, for {len(self.labels)} labels")

    def pieces(self, text: str) -> TextPieces:
        """Return the word pieces of a text, which must be encodable as UTF-8."""
        return self._tokens.pieces(text)

    def probabilities(self, rows: Sequence[Ids]) -> list[Scores]:
        """Return for each row of pieces, of which none is empty, how likely each label is for each of them."""
        known = self._memory.get(rows, lambda new: get_pool().map(self._run_once, new))
        return [known[row] for row in rows]

    def _run_once(self, ids: Ids) -> Scores:
        """Return what a row gives, which is kept even if nobody waits for the others any more."""
        return self._memory.keep(ids, self._run(ids))

    def _run(self, ids: Ids) -> Scores:
        tokens, mask, types = pad_rows([self._tokens.row(ids)], self._tokens.pad)
        given = {"input_ids": tokens, "attention_mask": mask, "token_type_ids": types}
        logits = self._session.run(None, given)[0][0, 1:-1]
        raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
        return np.asarray(raised / raised.sum(axis=-1, keepdims=True), dtype=np.float32)


def _read(folder: Path) -> tuple[tuple[str, ...], frozenset[str], dict[str, bytes]]:
    """Return what a manifest says, and the files that it names."""
    try:
        named = json.loads(read_manifest_file(folder))
        labels, languages = tuple(map(str, named["labels"])), frozenset(map(str, named["languages"]))
        files = {name: str(named["files"][name]) for name in (NETWORK, TOKENIZER)}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"manifest.json: {first_line(error)}") from error
    return labels, languages, read_files(folder, files)


def manifest_digest(folder: Path) -> str:
    """Return a digest of all that a model's scores depend on, without loading it; raises `ModelError`."""
    return hashlib.sha256(read_manifest_file(folder)).hexdigest()


_SHARED = SharedModels[EntityModel, None](EntityModel)


def load_entity_model(folder: Path) -> EntityModel:
    """Return the model in a folder, the same for all who ask for it; raises `ModelError`."""
    return _SHARED.get(folder, None)
