"""The shipped model as a part of the `pii` detector: what it finds, and where it lies. It is loaded with the first text."""

from __future__ import annotations

from pathlib import Path

from guardrails.detectors.pii.names import LABELS, normalize_label
from guardrails.detectors.pii.shipped_names.name_reader import NameReader, NamesFound
from guardrails.detectors.pii.span_builder import LabelTable, split_label
from guardrails.inference.entities.entity_model import EntityModel, load_entity_model, manifest_digest


class ShippedNames:
    """What is found by the shipped model of the names that are wanted.

    Args:
        folder: of the model.
        wanted: names, of those that it is asked for.
        min_score: the score from which on a span counts.

    Attributes:
        identity: a digest of the model.

    Raises:
        ModelError: there is none, or another than the one that the package came with.
    """

    def __init__(self, folder: Path, wanted: frozenset[str], min_score: float) -> None:
        self.identity = manifest_digest(folder)
        self.wanted = wanted
        self._folder, self._min_score = folder, min_score
        self._loaded: tuple[EntityModel, LabelTable] | None = None

    def begin(self) -> NameReader:
        """Begin a text; raises `ModelError` where the model cannot be loaded."""
        if self._loaded is None:  # by two threads twice, which is the same model
            model = load_entity_model(self._folder)
            bases = {split_label(label)[1] for label in model.labels}
            meanings = {
                base: LABELS[normalize_label(base)] for base in bases if normalize_label(base) in LABELS
            }
            self._loaded = model, LabelTable(model.labels, meanings, self.wanted)
        return NameReader(*self._loaded, self.wanted, self._min_score)

    def read(self, text: str) -> NamesFound:
        """Return what is found in a text."""
        reader = self.begin()
        first, rest = reader.add(text), reader.close()
        return NamesFound((*first.hits, *rest.hits), (*first.unchecked, *rest.unchecked))
