"""The `classifier` detector over the shipped safety model: a fast linear tier, and an encoder where that is not sure.

The model (`guardrails/inference`) has two tiers, and the fast one decides alone where it is sure. It reads a view
of a text, and the readings in which spelling tricks are undone where there are any, in windows; each finding's span
is its window in the text, so that neighbours neither overlap nor leave anything out. A reply is judged beside its prompt:
`context["prompt"]` says that a text is one ("" where the prompt is not known), and `unsafe` is then the reply's. A reply is
no attack on the model that wrote it, so it has neither `jailbreak` nor `injection`.

That is the shipped model, and those with a `manifest.json` like it; every other is a sequence classifier, see
`any_classifier.py`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from guardrails import taxonomy
from guardrails.detectors import ConfigProblem, ConfigProblems, PolicyFiles
from guardrails.detectors.classifier.any_classifier import SequenceClassifier, build_sequence_classifier
from guardrails.detectors.classifier.border_reading import StretchBatch
from guardrails.detectors.classifier.classifier_config import (
    SEQUENCE_ONLY_FIELDS,
    ClassifierConfig,
    filter_categories,
    find_unused_fields,
    list_categories,
    resolve_labels,
)
from guardrails.detectors.classifier.classifier_windows import TierWindows, cut_tier_windows
from guardrails.detectors.classifier.window_stream import WindowStream
from guardrails.detectors.kinds import Kind
from guardrails.inference.memory import ResultCache
from guardrails.inference.safety.folder import FewWords, ModelError
from guardrails.inference.safety.model import FastScores, SafetyModel, load_safety_model
from guardrails.inference.safety.scores import Scores
from guardrails.inference.safety.windows import TokenRow
from guardrails.types import CLEAN, Content, Detection, Finding, Place, Stage, Text

SHIPPED: Final = {"text-safety": Path(__file__).parents[2] / "models" / "text_safety"}
"""Models that come with the package, by name."""

REPLY: Final = "unsafe_reply"
"""The head that says `unsafe` of a reply; `unsafe` itself is of every other text."""

ATTACKS: Final = ("jailbreak", "injection")
"""The heads of what a model reads, and not of what it writes."""

HEADS: Final = (
    *("toxic", "hate", "harassment", "sexual", "sexual.minors", "violence", "self_harm", "illicit", "unsafe"),
    *(REPLY, *ATTACKS),
)
"""What the shipped models tell, and what others are taken to tell unless `categories:` says otherwise."""

Columns = NDArray[np.bool_]
"""Which heads, or which windows."""

AT_ONCE: Final = 1_000
"""Characters up to which the caller's thread may ask the fast tier: under a millisecond."""

LONGEST_WORD: Final = 12
"""Characters of a word, for a few of them."""

REMEMBERED: Final = 400_000
"""Characters of texts whose windows are kept between the fast tier's turn and the encoder's, and for the next detector."""

CLEAR_BY_FAR: Final = 0.25
"""The part of a head's threshold below which it is settled in a window in which heads that are not asked for are not. If they
were asked for, the encoder would read the window, and change now and then what the fast tier settles: above that it still does.
"""

WEIGHT: Final = 64
"""Characters that a text counts for besides its own: what is kept of a short one is more than that."""


class TextInput(NamedTuple):
    """A text to cut: what it replies to (None: nothing), and how many windows it may have."""

    text: str
    prompt: str | None
    most: int


PreparedText = tuple[TierWindows, FastScores]
"""The windows of a text, with what the fast tier says of them."""

PreparedTexts = ResultCache[TextInput, PreparedText]

_PREPARED: WeakKeyDictionary[SafetyModel, PreparedTexts] = WeakKeyDictionary()
"""The texts that each model cut last, for all detectors that read them by it."""


class HeadGroups(NamedTuple):
    """The heads that a text needs: `groups` of them, each with whether it reads the text beside its prompt; all `wanted`."""

    groups: tuple[tuple[Columns, bool], ...]
    wanted: Columns

    @classmethod
    def make(cls, alone: Sequence[Columns], beside: Sequence[Columns] = ()) -> HeadGroups:
        """Return the groups that have any heads: those that read a text alone, and those that read it beside its prompt."""
        groups = [(each, False) for each in alone] + [(each, True) for each in beside]
        return cls(
            tuple(group for group in groups if group[0].any()), np.logical_or.reduce([*alone, *beside])
        )


class HeadTable(NamedTuple):
    """The heads that texts need which are no reply, a reply to a prompt that is not known, and one to a prompt that is."""

    text: HeadGroups
    reply: HeadGroups
    pair: HeadGroups

    def of(self, prompt: tuple[int, ...] | None) -> HeadGroups:
        """Return the heads of a text beside that prompt."""
        if prompt is None:
            return self.text
        return self.pair if prompt else self.reply


class AskedText(NamedTuple):
    """A text with what is asked of it."""

    windows: TierWindows
    fast: FastScores
    table: HeadTable

    @property
    def heads(self) -> HeadGroups:
        """The heads that it needs, by the rows that they read."""
        return self.table.of(self.windows.prompt)


class OpenWindows(NamedTuple):
    """Windows of a text that need the encoder, for some heads.

    Attributes:
        at: which windows.
        columns: which heads.
        beside: whether they are read beside the prompt.
        short: which of them have so few words that both tiers must find what is found.
    """

    at: NDArray[np.intp]
    columns: Columns
    beside: bool
    short: Columns


def _prepare(model: SafetyModel, inputs: Sequence[TextInput]) -> list[PreparedText]:
    """Cut texts into windows, and ask the fast tier about those of all texts together."""
    cut = [cut_tier_windows(each.text, each.prompt, model, each.most) for each in inputs]
    fast = model.fast([folded for each in cut for folded in each.folded])
    if len(cut) == 1:
        return [(cut[0], fast)]
    prepared: list[PreparedText] = []
    begin = 0
    for each in cut:
        own = slice(begin, begin := begin + len(each.folded))
        prepared.append((each, FastScores(fast.logits[own], fast.scores[own], fast.settled[own])))
    return prepared


def head_category(head: str) -> str:
    """Return what a head finds."""
    return "unsafe" if head == REPLY else head


def doubt(found: Scores, alone: Scores, few: FewWords) -> Scores:
    """Return the scores of both tiers for a few words, as far as the fast tier agrees."""
    return np.where(alone >= few.agreement, found, np.minimum(found, few.doubted)).astype(found.dtype)


class ShippedClassifier:
    """The detector: windows, the fast tier for all of them, the encoder for those that it does not settle."""

    inline = False
    passages = True
    prose = True

    def __init__(
        self,
        name: str,
        model: SafetyModel,
        heads: Sequence[str],
        config: ClassifierConfig,
        asked: Mapping[Stage, frozenset[str]] | None = None,
    ) -> None:
        """Take what `_build` found; `asked` are the categories that are looked for at each stage (None: all, everywhere)."""
        self.identity = model.identity
        self.cancellable = (
            config.model in SHIPPED
        )  # a window takes milliseconds; of others' models nobody knows
        self._name = name
        self._model = model
        self._categories = tuple(map(head_category, model.heads))
        self._heads, self._config, self._asked = heads, config, asked
        self._tables: dict[tuple[Stage, ...], HeadTable] = {}
        self._full = self._make_table(frozenset(self._categories))
        self._effort = config.effort
        self._min_score = config.min_score
        self._most = config.windows
        self._prepared = _PREPARED.setdefault(
            model, PreparedTexts(REMEMBERED, lambda each: WEIGHT + len(each.text) + len(each.prompt or ""))
        )

    def narrow(self, asked: Mapping[Stage, frozenset[str]]) -> ShippedClassifier:
        """Return a detector that looks for what is asked for at each stage."""
        return ShippedClassifier(self._name, self._model, self._heads, self._config, asked)

    def _make_table(self, categories: frozenset[str]) -> HeadTable:
        """Return the heads that texts need where some categories are looked for."""
        heads = self._model.heads
        own = np.array([head in self._heads for head in heads])
        wanted = own & np.array([category in categories for category in self._categories])
        reply = np.array([head == REPLY for head in heads])
        prompt = np.array([head == "unsafe" for head in heads]) & bool((own & reply).any())
        attack = np.array([head in ATTACKS for head in heads])
        # Heads of any text but a reply; of a reply alone; of a reply beside its prompt.
        of_any, of_reply = wanted & ~reply, wanted & reply
        alone = wanted & ~reply & ~prompt & ~attack
        return HeadTable(
            HeadGroups.make([of_any]),
            HeadGroups.make([alone | of_reply]),
            HeadGroups.make([alone], [of_reply]),
        )

    def _table_at(self, place: Place) -> HeadTable:
        """Return the heads that texts need which stand there."""
        if self._asked is None:
            return self._full
        stages = (place.stage, *place.also)
        table = self._tables.get(stages)
        if table is None:  # at most one for each combination of six stages
            categories = frozenset().union(*(self._asked.get(stage, frozenset()) for stage in stages))
            table = self._tables[stages] = self._make_table(categories)
        return table

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        stretches = StretchBatch(batch, self._most)
        return stretches.merge(self._judge(self._prepare_batch(stretches.contents))[0])

    def passage_stream(self, context: Mapping[str, str] | None) -> WindowStream:
        """Begin a text that grows and is judged in the windows in which the whole would be."""
        prompt = None if context is None else context.get("prompt")
        return WindowStream(self._model, prompt, self._most, self._judge_windows)

    def _judge_windows(self, windows: TierWindows) -> tuple[Detection, int]:
        [found], tokens = self._judge([AskedText(windows, self._model.fast(windows.folded), self._full)])
        return found, tokens

    def _judge(self, asked: Sequence[AskedText | None]) -> tuple[list[Detection], int]:
        """Return what both tiers say of the windows of each content, and how many tokens the encoder is asked for."""
        scores = [None if each is None else each.fast.scores.copy() for each in asked]
        # All windows of all contents together, so that every core has some.
        rows: list[TokenRow] = []
        logits: list[Scores] = []
        places: list[tuple[Scores, OpenWindows]] = []
        for each, own in zip(asked, scores, strict=True):
            if each is None or own is None:
                continue
            for opened in self._open(each):
                rows += map(each.windows.pair if opened.beside else each.windows.row, opened.at.tolist())
                logits.append(each.fast.logits[opened.at])
                places.append((own, opened))
        if rows:
            both = self._model.both(rows, logits[0] if len(logits) == 1 else np.concatenate(logits))
            for own, (at, columns, _, short) in places:
                found, both = both[: len(at)], both[len(at) :]
                alone = own[at]
                if short.any():
                    found = np.where(short[:, None], doubt(found, alone, self._model.few_words), found)
                own[at] = np.where(columns, found, alone)
        return self._answers(asked, scores), sum(len(row.ids) for row in rows)

    def at_once(self, batch: Sequence[Content]) -> list[Detection] | None:
        """Return what the fast tier alone can answer, or None where that is not all, or would take long."""
        size = sum(len(content.text) for content in batch if isinstance(content, Text))
        if self._effort == "full" or size > AT_ONCE:
            return None
        stretches = StretchBatch(batch, self._most)
        texts = [content for content in stretches.contents if isinstance(content, Text)]
        if self._prepared.has_running([self._input_of(content) for content in texts]):
            return None  # who works at it may have many more texts to cut, and an event loop waits for nobody
        asked = self._prepare_batch(stretches.contents)
        if any(True for each in asked if each is not None for _ in self._open(each)):
            return None
        return stretches.merge(
            self._answers(asked, [None if each is None else each.fast.scores for each in asked])
        )

    def _prepare_batch(self, batch: Sequence[Content]) -> list[AskedText | None]:
        """Return what is asked of each text; equal texts are cut once."""
        inputs = [self._input_of(content) if isinstance(content, Text) else None for content in batch]
        prepared = self._prepared.get(
            [each for each in inputs if each is not None], partial(_prepare, self._model)
        )
        return [
            None if each is None else AskedText(*prepared[each], self._table_at(content.place))
            for each, content in zip(inputs, batch, strict=True)
        ]

    def _answers(self, asked: Sequence[AskedText | None], scores: Sequence[Scores | None]) -> list[Detection]:
        return [
            CLEAN if each is None or own is None else self._detection(each, own)
            for each, own in zip(asked, scores, strict=True)
        ]

    def _input_of(self, content: Text) -> TextInput:
        prompt = None if content.context is None else content.context.get("prompt")
        return TextInput(content.text, prompt, self._most)

    def _open(self, text: AskedText) -> Iterator[OpenWindows]:
        """Yield the windows that need the encoder."""
        fast = text.fast
        if self._effort == "fast" or not text.windows.folded:
            return
        settled = fast.settled
        if text.table is not self._full:
            others = self._full.of(text.windows.prompt).wanted & ~text.heads.wanted
            doubtful = np.any(others & ~settled, axis=1)
            clear = self._model.is_clear(fast.scores, CLEAR_BY_FAR)
            settled = settled & (clear | ~doubtful[:, None])
        short = np.array([self._is_short(folded) for folded in text.windows.folded])
        for columns, beside in text.heads.groups:
            needs: Columns = np.ones(len(short), dtype=np.bool_)
            if self._effort != "full":
                needs = np.any(columns & ~settled, axis=1)
                if short.any():  # what the fast tier alone finds in a few words is not settled
                    found = columns & (fast.scores >= self._model.few_words.agreement)
                    needs |= short & np.any(found, axis=1)
            at = needs.nonzero()[0]
            if len(at):
                yield OpenWindows(at, columns, beside, short[at])

    def _is_short(self, folded: str) -> bool:
        """Tell whether a window has so few words that both tiers must find what is found."""
        words = self._model.few_words.words  # a long name is one without spaces
        return len(folded) <= LONGEST_WORD * words and len(folded.split()) <= words

    def _detection(self, text: AskedText, scores: Scores) -> Detection:
        windows = text.windows
        rows, heads = ((scores >= self._min_score) & text.heads.wanted).nonzero()
        findings = tuple(
            Finding(
                self._categories[head], min(float(scores[row, head]), 1.0), self._name, windows.spans[row]
            )
            for row, head in zip(rows.tolist(), heads.tolist(), strict=True)
        )
        return Detection(findings, unchecked=windows.unchecked) if findings or windows.unchecked else CLEAN


def _select_heads(heads: Sequence[str], categories: Sequence[str] | None) -> tuple[str, ...]:
    """Return the heads that tell some of these categories, or a leaf of one."""
    return tuple(head for head in heads if filter_categories([head_category(head)], categories))


def _categories(_name: str, config: ClassifierConfig) -> frozenset[str]:
    by_label = None if config.model in SHIPPED else resolve_labels(config)
    if by_label is not None:
        found = {*filter(taxonomy.is_valid, filter_categories(list_categories(by_label), config.categories))}
    else:
        found = {head_category(head) for head in _select_heads(HEADS, config.categories)}
        if config.model not in SHIPPED:
            found |= {each for each in config.categories or () if taxonomy.is_valid(each)}
    # With a misspelt name any may be meant: then the one problem to report is the spelling.
    return frozenset(found or map(head_category, HEADS))


def _folder(config: ClassifierConfig, files: PolicyFiles) -> Path:
    """Return the folder of the model; raises `ConfigProblems`."""
    if (shipped := SHIPPED.get(config.model)) is not None:
        return shipped
    try:
        return files.model_folder(config.model, config.revision, download=config.download)
    except OSError as error:
        of_hub = error.__cause__
        hint = f"by name there is: {', '.join(SHIPPED)}"
        if isinstance(of_hub, ModelError):
            hint = f"{of_hub.hint}; {hint}" if of_hub.hint else hint
        message = f"model {config.model!r}: {error.strerror or error}"
        raise ConfigProblems([ConfigProblem("unreadable_model", message, ("model",), hint=hint)]) from error


def _build(name: str, config: ClassifierConfig, files: PolicyFiles) -> ShippedClassifier | SequenceClassifier:
    folder = _folder(config, files)
    if not (folder / "manifest.json").is_file() and (folder / "config.json").is_file():
        return build_sequence_classifier(name, config, folder)
    of_any = find_unused_fields(
        config, SEQUENCE_ONLY_FIELDS, "models without manifest.json, and this one has one or is shipped"
    )
    if of_any:
        raise ConfigProblems(of_any)
    try:
        model = load_safety_model(folder, config.sha256)
    except ModelError as error:
        message = f"model {config.model!r}: {error}"
        raise ConfigProblems(
            [ConfigProblem("unreadable_model", message, (error.field,), hint=error.hint)]
        ) from error
    problems = _problems(config, model)
    if problems:
        raise ConfigProblems(problems)
    return ShippedClassifier(name, model, _select_heads(model.heads, config.categories), config)


def _problems(config: ClassifierConfig, model: SafetyModel) -> list[ConfigProblem]:
    """Return what is wrong between a configuration and a model that runs."""
    told = tuple(dict.fromkeys(map(head_category, model.heads)))
    invalid = [each for each in told if not taxonomy.is_valid(each)]
    if invalid:
        message = f"the model has heads that are no categories: {', '.join(invalid)}"
        hint = "name its heads in manifest.json by categories of the taxonomy, or 'custom.' and a name"
        return [ConfigProblem("unknown_category", message, ("model",), hint=hint)]
    unnamed = [each for each in told if each not in map(head_category, HEADS)]
    if config.categories is None:
        if not unnamed:
            return []
        hint = f"add categories: [{', '.join(told)}]"
        message = f"the model tells what the shipped one does not: {', '.join(unnamed)}"
        return [ConfigProblem("unnamed_categories", message, ("model",), hint=hint)]
    return [
        ConfigProblem(
            "unknown_category",
            f"{each!r} is nothing that model {config.model!r} tells",
            ("categories", index),
            hint=f"did you mean {close[0]!r}?" if close else f"one of: {', '.join(told)}",
        )
        for index, each in enumerate(config.categories)
        if not _select_heads(model.heads, [each])
        for close in [difflib.get_close_matches(each, told, n=1)]
    ]


KIND = Kind(
    name="classifier",
    doc="Harms, jailbreaks and injections that words alone do not tell, by a model: the package's own, or any other.",
    config=ClassifierConfig,
    categories=_categories,
    build=_build,
    tier=1,
    reads=("prompt", "borders"),
    limits=("windows",),
)
