"""The `classifier` detector over any sequence classification model: one finding for each window and category.

The model (`guardrails/inference/hub/sequence.py`) reads a text as it is written, in windows, and where there are any, the
readings in which invisible characters, look-alikes and spelling tricks are undone. A category has the highest score of
the labels that tell it. Prompts and replies are judged alike: a rule's `on:` says which of them a category counts for.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from guardrails import taxonomy
from guardrails.detectors import ConfigProblem, ConfigProblems
from guardrails.detectors.classifier.border_reading import StretchBatch
from guardrails.detectors.classifier.classifier_config import (
    SHIPPED_ONLY_FIELDS,
    ClassifierConfig,
    LabelledConfig,
    LabelMeanings,
    filter_categories,
    find_label_problems,
    find_unused_fields,
    list_categories,
    resolve_labels,
)
from guardrails.detectors.classifier.classifier_windows import ModelWindows, cut_model_windows
from guardrails.detectors.classifier.known_models import find_known_model
from guardrails.detectors.language.scripts import NAMES, suggest_code
from guardrails.inference.hub import hub_cache
from guardrails.inference.hub.sequence import SequenceModel, SequenceOptions, load_sequence_model
from guardrails.inference.safety.folder import ModelError
from guardrails.inference.safety.scores import Scores
from guardrails.text import TextView, normalize_text
from guardrails.types import CLEAN, Content, Detection, Finding, Text

Columns = Mapping[str, Sequence[int]]
"""A category → the columns of the model's scores that tell it."""

LATIN: Final = 0.9
"""The part of a text's letters that is ASCII where look-alikes were put for Latin ones; a text in Cyrillic has less."""

_HIDDEN: Final = (
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0"
    "\U000e0000-\U000e0fff]"
)
_WORD: Final = re.compile(r"\w+")
_INVISIBLE: Final = re.compile(_HIDDEN)
_TOUCHING: Final = re.compile(rf"\w{_HIDDEN}|{_HIDDEN}\w")
_NUMBERED: Final = re.compile(r"label_(\d{1,4})")


class SequenceClassifier:
    """The detector: windows of all texts of a batch, judged together."""

    inline = False
    passages = True
    prose = True

    def __init__(
        self,
        name: str,
        model: SequenceModel,
        columns: Columns,
        languages: frozenset[str],
        config: ClassifierConfig,
    ) -> None:
        """Take what `build_sequence_classifier` found; a table may name labels and languages: they are part of the identity."""
        self.identity = json.dumps([sorted((each, *at) for each, at in columns.items()), sorted(languages)])
        self._name = name
        self._model = model
        self._categories = tuple(columns)
        self._columns = [np.array(at, dtype=np.intp) for at in columns.values()]
        self.languages = languages
        self._min_score = config.min_score
        self._most = config.windows

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        stretches = StretchBatch(batch, self._most)
        texts = [
            self._cut_windows(content.text) if isinstance(content, Text) else None
            for content in stretches.contents
        ]
        rows = [self._model.tokens.row(ids) for each in texts if each is not None for ids in each.ids]
        scores = self._model.scores(rows)
        found = []
        for each in texts:
            if each is None:
                found.append(CLEAN)
                continue
            found.append(self._detection(each, scores[: len(each.ids)]))
            scores = scores[len(each.ids) :]
        return stretches.merge(found)

    def _cut_windows(self, text: str) -> ModelWindows:
        return cut_model_windows(
            text, TextView, self._model.windows, self.languages, self._most, strip_disguise
        )

    def _detection(self, text: ModelWindows, scores: Scores) -> Detection:
        highest = np.stack([scores[:, at].max(axis=1) for at in self._columns], axis=1)
        findings = tuple(
            Finding(self._categories[at], float(highest[row, at]), self._name, text.spans[row])
            for row, at in np.argwhere(highest >= self._min_score)
        )
        return Detection(findings, unchecked=text.unchecked) if findings or text.unchecked else CLEAN


def strip_disguise(text: str) -> str | None:
    """Return what a reader sees where that has other words than the characters: none invisible, look-alikes as Latin letters
    where they make Latin words. None for what is no disguise: quotes, dashes, other scripts.
    """
    if text.isascii():
        return None
    plain = normalize_text(text).text
    words = _WORD.findall(plain)
    if words == _WORD.findall(text) and not _TOUCHING.search(text):
        return None
    if sum(map(len, words)) * LATIN <= sum(len(word) for word in words if word.isascii()):
        return plain
    shown = _INVISIBLE.sub("", text)
    return shown if shown != text else None


def build_sequence_classifier(name: str, config: ClassifierConfig, folder: Path) -> SequenceClassifier:
    """Build the detector over the model in a folder; raises `ConfigProblems`."""
    problems = [
        *find_unused_fields(config, SHIPPED_ONLY_FIELDS, "models with manifest.json, and this one has none"),
        *_of_hub(config, folder),
        *find_label_problems(config),
        *_languages(config),
    ]
    if problems:
        raise ConfigProblems(problems)
    try:
        model = load_sequence_model(folder, _options(config))
    except ModelError as error:
        at_model = error.field == "model"
        message = f"model {config.model!r}: {error}" if at_model else str(error)
        problem = ConfigProblem(error.code, message, (error.field,), hint=error.hint)
        raise ConfigProblems([problem]) from error
    columns = resolve_columns(config, resolve_labels(config), model.labels)
    of_table = find_known_model(config.model)
    languages = config.languages or (of_table.languages if of_table is not None else ())
    return SequenceClassifier(name, model, columns, frozenset(languages), config)


def _of_hub(config: ClassifierConfig, folder: Path) -> list[ConfigProblem]:
    """Return what is said of a model of the hub where it is none."""
    if not hub_cache.is_name(config.model):
        return find_unused_fields(
            config, ("revision", "download"), "models of the hub, which are called org/name"
        )
    if hub_cache.model_root(config.model).resolve() in folder.resolve().parents:
        return []
    return find_unused_fields(config, ("revision",), "models of the hub, and this one is a folder")


def _languages(config: ClassifierConfig) -> list[ConfigProblem]:
    return [
        ConfigProblem(
            "unknown_language",
            f"{wrong!r} is not a language that can be told",
            ("languages", index),
            hint=suggest_code(wrong),
        )
        for index, wrong in enumerate(config.languages or ())
        if wrong not in NAMES
    ]


def _options(config: ClassifierConfig) -> SequenceOptions:
    return SequenceOptions(
        runtime=config.runtime,
        file=config.file,
        device=config.device,
        precision=config.precision,
        window=config.window,
        batch=config.batch,
        activation=config.activation,
    )


def resolve_columns(config: LabelledConfig, by_label: LabelMeanings | None, labels: Sequence[str]) -> Columns:
    """Return the columns of each category that is looked for, by what labels mean; raises `ConfigProblems`."""
    if by_label is None:
        example = ", ".join(f"{label}: category" for label in labels[-2:])
        message = f"what the labels of model {config.model!r} mean is not known: {', '.join(labels)}"
        hint = f"say what its labels mean by labels: {{{example}}}; those that are not named are ignored"
        raise ConfigProblems([ConfigProblem("unnamed_labels", message, ("model",), hint=hint)])
    problems = [
        *_unknown_labels(config, by_label, labels),
        *_unknown_categories(config, list_categories(by_label)),
    ]
    if problems:
        raise ConfigProblems(problems)
    found: dict[str, list[int]] = {}
    for label, categories in by_label.items():
        for category in filter_categories(categories, config.categories):
            own = found.setdefault(category, [])
            own += [at for at in _label_columns(label, labels) if at not in own]
    return found


def _label_columns(label: str, labels: Sequence[str]) -> list[int]:
    """Return the columns that a label means: those called so, whatever the case, or the one of that number."""
    named = [at for at, each in enumerate(labels) if each == label]
    named = named or [at for at, each in enumerate(labels) if each.casefold() == label.casefold()]
    numbered = _NUMBERED.fullmatch(label.casefold())
    if named or numbered is None:
        return named
    return [int(numbered[1])] if int(numbered[1]) < len(labels) else []


def _unknown_labels(
    config: LabelledConfig, by_label: LabelMeanings, labels: Sequence[str]
) -> list[ConfigProblem]:
    of_table = config.labels is None
    return [
        ConfigProblem(
            "unknown_label",
            f"model {config.model!r} has no label {label!r}"
            + (", which the model known by that name has" if of_table else ""),
            ("model",) if of_table else ("labels", label),
            hint=f"did you mean {close[0]!r}?"
            if close and not of_table
            else f"it has {', '.join(labels)}" + ("; say what they mean by labels:" if of_table else ""),
        )
        for label in by_label
        if not _label_columns(label, labels)
        for close in [difflib.get_close_matches(label, labels, n=1)]
    ]


def _unknown_categories(config: LabelledConfig, given: Sequence[str]) -> list[ConfigProblem]:
    return [
        ConfigProblem(
            "unknown_category",
            f"{each!r} is nothing that model {config.model!r} tells",
            ("categories", index),
            hint=f"did you mean {close[0]!r}?" if close else f"one of: {', '.join(given)}",
        )
        for index, each in enumerate(config.categories or ())
        if not filter_categories(given, [each])
        for meant in [taxonomy.find_meant(each)]
        for close in [[meant] if meant in given else difflib.get_close_matches(each, given, n=1)]
    ]
