"""The `classifier` detector over the shipped safety model: a fast linear tier, an encoder where that is not sure, and where the
policy names one a larger encoder for what both together are not sure of.

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
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final, Literal, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

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
from guardrails.detectors.classifier.head_table import (
    AskedText,
    Columns,
    HeadGroups,
    HeadTable,
    OpenWindows,
    doubt,
)
from guardrails.detectors.classifier.window_stream import WindowStream
from guardrails.detectors.kinds import Kind
from guardrails.inference.memory import ResultCache
from guardrails.inference.safety.escalation import Escalation
from guardrails.inference.safety.folder import TEXT_MODELS, ModelError, locate_packaged_model
from guardrails.inference.safety.model import FastScores, SafetyModel, load_safety_model
from guardrails.inference.safety.packages import PACKAGES
from guardrails.inference.safety.scores import Scores
from guardrails.inference.safety.windows import TokenRow
from guardrails.types import CLEAN, Content, Detection, Finding, Place, Stage, Text

SHIPPED: Final = TEXT_MODELS
"""Models that come with the package, by name."""

OWN_MODELS: Final = SHIPPED.keys() | PACKAGES.keys()
"""The names of these and of those that come in packages of their own."""

REPLY: Final = "unsafe_reply"
"""The head that says `unsafe` of a reply; `unsafe` itself is of every other text."""

ATTACKS: Final = ("jailbreak", "injection")
"""The heads of what a model reads, and not of what it writes."""

HEADS: Final = (
    *("toxic", "hate", "harassment", "sexual", "sexual.minors", "violence"),
    *("self_harm", "self_harm.intent", "self_harm.instructions", "illicit", "unsafe"),
    *(REPLY, *ATTACKS),
    *("privacy", "misinformation", "intellectual_property"),
)
"""What the shipped models tell, and what others are taken to tell unless `categories:` says otherwise."""

AT_ONCE: Final = 1_000
"""Characters up to which the caller's thread may ask the fast tier: under a millisecond."""

IDEOGRAPHS: Final = "\u2e80"
"""The first of the scripts that are written without spaces."""

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

Select = Callable[[AskedText, Scores], Iterator[OpenWindows]]
"""A text and the scores of its windows so far → the windows that a model has to judge."""

Judge = Callable[[Sequence[TokenRow], Scores, Scores], Scores]
"""Rows, the logits of the fast tier and the scores so far → scores."""

_PREPARED: WeakKeyDictionary[SafetyModel, PreparedTexts] = WeakKeyDictionary()
"""The texts that each model cut last, for all detectors that read them by it."""


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
        escalation: Escalation | None = None,
    ) -> None:
        """Take what `_build` found; `asked` are the categories that are looked for at each stage (None: all, everywhere)."""
        self.identity = model.identity if escalation is None else escalation.identity
        self.languages = model.languages
        # A window takes milliseconds; of others' models nobody knows.
        self.cancellable = {config.model, config.escalate_to or config.model} <= OWN_MODELS
        self._name = name
        self._model = model
        self._categories = tuple(map(head_category, model.heads))
        self._heads, self._config, self._asked, self._escalation = heads, config, asked, escalation
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
        return ShippedClassifier(self._name, self._model, self._heads, self._config, asked, self._escalation)

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
        """Return what the models say of the windows of each content, and how many tokens their encoders are asked for."""
        scores = [None if each is None else each.fast.scores.copy() for each in asked]
        tokens = self._read(asked, scores, self._open, lambda rows, hashed, _: self._model.both(rows, hashed))
        if self._escalation is not None:
            tokens += self._read(asked, scores, self._open_grey, self._escalation.judge)
        return self._answers(asked, scores), tokens

    def _read(
        self, asked: Sequence[AskedText | None], scores: Sequence[Scores | None], select: Select, judge: Judge
    ) -> int:
        """Have a model judge the windows that need it, and change their scores; of all contents together, so that every core has
        some.

        Args:
            asked: the contents.
            scores: of the windows of each, by now.
            select: gives the windows.
            judge: makes scores of their rows, the logits of the fast tier and the scores so far.

        Returns:
            how many tokens the rows have.
        """
        rows: list[TokenRow] = []
        logits: list[Scores] = []
        before: list[Scores] = []
        places: list[tuple[AskedText, Scores, OpenWindows]] = []
        for each, own in zip(asked, scores, strict=True):
            if each is None or own is None:
                continue
            for opened in select(each, own):
                rows += map(each.windows.pair if opened.beside else each.windows.row, opened.at.tolist())
                logits.append(each.fast.logits[opened.at])
                before.append(own[opened.at])
                places.append((each, own, opened))
        if rows:
            judged = judge(rows, np.concatenate(logits), np.concatenate(before))
            for each, own, (at, columns, _, short) in places:
                found, judged = judged[: len(at)], judged[len(at) :]
                if short.any():
                    certain = doubt(found, each.fast.scores[at], self._model.few_words)
                    found = np.where(short[:, None], certain, found)
                own[at] = np.where(columns, found, own[at])
        return sum(len(row.ids) for row in rows)

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
        for each in asked:
            if each is not None and any(
                True for select in (self._open, self._open_grey) for _ in select(each, each.fast.scores)
            ):
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

    def _open(self, text: AskedText, _: Scores) -> Iterator[OpenWindows]:
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

    def _open_grey(self, text: AskedText, scores: Scores) -> Iterator[OpenWindows]:
        """Yield the windows with a score that needs the larger model."""
        if self._escalation is None or not text.windows.folded:
            return
        grey = self._escalation.is_grey(scores)
        for columns, beside in text.heads.groups:
            at = np.any(grey & columns, axis=1).nonzero()[0]
            if len(at):
                short = np.array([self._is_short(text.windows.folded[each]) for each in at.tolist()])
                yield OpenWindows(at, grey[at] & columns, beside, short)

    def _is_short(self, folded: str) -> bool:
        """Tell whether a window has so few words that both tiers must find what is found."""
        words = self._model.few_words.words  # a long name is one without spaces
        if len(folded) > LONGEST_WORD * words or len(folded.split()) > words:
            return False
        return (
            sum(map(IDEOGRAPHS.__le__, folded)) <= words
        )  # scripts without spaces have a word in each sign or two

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


def _folder(config: ClassifierConfig, field: Literal["model", "escalate_to"], files: PolicyFiles) -> Path:
    """Return the folder of the model that a field names; raises `ConfigProblems`."""
    name = str(getattr(config, field))
    if (shipped := SHIPPED.get(name)) is not None:
        return shipped
    if (package := PACKAGES.get(name)) is not None:
        if (packaged := locate_packaged_model(name)) is not None:
            return packaged
        message = f"model {name!r} is a package of its own, which is not installed"
        raise ConfigProblems([ConfigProblem("unreadable_model", message, (field,), hint=package.cure)])
    try:
        return files.model_folder(name, config.revision, download=config.download)
    except OSError as error:
        of_hub = error.__cause__
        hint = f"by name there is: {', '.join(sorted(OWN_MODELS))}"
        if isinstance(of_hub, ModelError):
            hint = f"{of_hub.hint}; {hint}" if of_hub.hint else hint
        message = f"model {name!r}: {error.strerror or error}"
        raise ConfigProblems([ConfigProblem("unreadable_model", message, (field,), hint=hint)]) from error


def _build(name: str, config: ClassifierConfig, files: PolicyFiles) -> ShippedClassifier | SequenceClassifier:
    folder = _folder(config, "model", files)
    if not (folder / "manifest.json").is_file() and (folder / "config.json").is_file():
        return build_sequence_classifier(name, config, folder)
    of_any = find_unused_fields(
        config, SEQUENCE_ONLY_FIELDS, "models without manifest.json, and this one has one or is shipped"
    )
    if config.escalate_to is not None and config.effort == "fast":
        of_any += find_unused_fields(
            config, ("escalate_to",), "what an encoder is not sure of: effort: auto, full"
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
    escalation = None if config.escalate_to is None else _escalate(config, model, files)
    heads = _select_heads(model.heads, config.categories)
    return ShippedClassifier(name, model, heads, config, escalation=escalation)


def _escalate(config: ClassifierConfig, model: SafetyModel, files: PolicyFiles) -> Escalation:
    """Return the model with the larger one that judges what it is not sure of; raises `ConfigProblems`."""
    folder = _folder(config, "escalate_to", files)
    try:
        return Escalation(model, load_safety_model(folder))
    except ModelError as error:
        message = f"model {config.escalate_to!r}: {error}"
        problem = ConfigProblem("unreadable_model", message, ("escalate_to",), hint=error.hint)
        raise ConfigProblems([problem]) from error


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
        for meant in [taxonomy.find_meant(each)]
        for close in [[meant] if meant in told else difflib.get_close_matches(each, told, n=1)]
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
