"""Loads the embedding and inference models that semantic detectors share."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from guardrails.detectors import ConfigProblem, ConfigProblems, ModelFolders
from guardrails.detectors.classifier.classifier_windows import VIEWS
from guardrails.detectors.classifier.shipped_classifier import SHIPPED
from guardrails.inference.hub import sequence
from guardrails.inference.hub.embedding import Embedder, SentenceEmbedder, ShippedEmbedder
from guardrails.inference.hub.sequence import SequenceModel, SequenceOptions
from guardrails.inference.safety import model as shipped
from guardrails.inference.safety.folder import ModelError

ENTAILS: Final = re.compile(r"entail(s|ed|ment)?", re.IGNORECASE)
DENIES: Final = re.compile(r"contradict(s|ed|ion|ory)?", re.IGNORECASE)
"""How models for natural language inference call these labels."""


def load_embedder(files: ModelFolders, name: str, revision: str | None, *, download: bool) -> Embedder:
    """Return what embeds texts: a shipped model, a folder, or a model of the hub.

    Raises:
        ConfigProblems: at the field `model`.
    """
    try:
        if name in SHIPPED:
            model = shipped.load_safety_model(SHIPPED[name])
            view = VIEWS[model.view]
            return ShippedEmbedder(model, lambda text: view(text).text)
        return SentenceEmbedder(_folder(files, name, revision, download=download))
    except ModelError as error:
        raise _unreadable(name, error) from error


def load_inference(
    files: ModelFolders, name: str, revision: str | None, *, download: bool
) -> tuple[SequenceModel, int, int | None]:
    """Return a model for natural language inference, and the columns of entailment and, where it has one, contradiction.

    Raises:
        ConfigProblems: at the field `model`.
    """
    try:
        model = sequence.load_sequence_model(
            _folder(files, name, revision, download=download), SequenceOptions()
        )
    except ModelError as error:
        raise _unreadable(name, error) from error
    entails = [at for at, label in enumerate(model.labels) if ENTAILS.fullmatch(label)]
    denies = [at for at, label in enumerate(model.labels) if DENIES.fullmatch(label)]
    if len(entails) != 1:
        seen = ", ".join(model.labels)
        raise _unreadable(name, ModelError(f"tells nothing of what follows: its labels are {seen}"))
    return model, entails[0], denies[0] if denies else None


def _folder(files: ModelFolders, name: str, revision: str | None, *, download: bool) -> Path:
    try:
        return files.model_folder(name, revision, download=download)
    except OSError as error:
        cause = error.__cause__
        hint = cause.hint if isinstance(cause, ModelError) else f"by name there is: {', '.join(SHIPPED)}"
        raise ModelError(str(error.strerror or error), hint) from error


def _unreadable(name: str, error: ModelError) -> ConfigProblems:
    code = error.code or "unreadable_model"
    return ConfigProblems([ConfigProblem(code, f"model {name!r}: {error}", ("model",), hint=error.hint)])
