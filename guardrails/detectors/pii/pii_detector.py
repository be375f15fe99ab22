"""The `pii` detector: personal data by one of two engines and, where a policy names one, a model.

`fast` is one table of patterns (`entities.py`): microseconds, every score 1. `presidio` is presidio-analyzer
(`presidio.py`): milliseconds, scores by context. Names, places and organizations take a model (`ner.py`). All share
one set of names (`names.py`). What finds the same stretch twice makes one finding.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Literal, Protocol

from pydantic import Field

from guardrails.detectors import ConfigProblem, ConfigProblems, PolicyFiles
from guardrails.detectors.config import Config, make_item_snippets
from guardrails.detectors.kinds import Kind
from guardrails.detectors.patterns.builtin_table import BuiltinTable, Specimens
from guardrails.detectors.patterns.patterns_detector import PatternsDetector, category_problem
from guardrails.detectors.pii.entities import SPECIMENS, TABLE
from guardrails.detectors.pii.identifiers.validators import us_ssn, us_ssn_form
from guardrails.detectors.pii.names import LABELS, NATIONAL, EntityHit, presidio_entities
from guardrails.text import deobfuscate_text, normalize_text, replace_surrogates
from guardrails.types import CLEAN, Content, Detection, Detector, Finding, Text

CHOICE = BuiltinTable(
    "pii",
    TABLE,
    "entities",
    ("unknown_entity", "a kind of personal data"),
    reported={us_ssn: us_ssn_form},
    made_up=SPECIMENS,
)
ENTITIES = CHOICE.names


class NerConfig(Config):
    """A token-classification model that finds names, places, organizations and whatever else it has labels for."""

    model: str = Field(examples=["models/ner"])
    """A folder below the policy's own, or below the one that the environment's GUARDRAILS_MODELS names: `config.json`,
    `tokenizer.json` and an ONNX file or safetensors. Nothing is ever downloaded."""
    file: str | None = Field(default=None, examples=["onnx/model_quantized.onnx"])
    """The ONNX file in that folder; by default the only one there, in it or in its folder `onnx`."""
    runtime: Literal["onnx", "torch"] = "onnx"
    """What runs the model: onnxruntime on one thread, or transformers (`pip install 'guardrails-middleware[models]'`)."""
    labels: dict[str, str] = Field(default={}, examples=[{"EMPLOYEE_ID": "employee_id", "TITLE": "person"}])
    """What the model's labels mean, without `B-` and `I-`, where the table of well-known labels does not say or says
    something else."""
    min_score: float = Field(default=0.5, gt=0, le=1)
    """The score from which on it is a finding: the mean probability of its words."""
    window: int = Field(default=256, ge=16, le=8192)
    """Tokens that the model sees at once; windows share a quarter. Never more than the model has positions for."""


class PiiConfig(Config):
    """Personal data."""

    use: Literal["pii"]
    """The kind of detector."""
    entities: list[str] | None = Field(
        default=None,
        min_length=1,
        examples=[["email", "credit_card"]],
        json_schema_extra=make_item_snippets(*ENTITIES, *LABELS.values()),
    )
    """Which kinds to look for; by default all that the engine and the model find."""
    exclude: list[str] = Field(
        default=[],
        examples=[["email", "phone"]],
        json_schema_extra=make_item_snippets(*ENTITIES, *LABELS.values()),
    )
    """Kinds not to look for, of those."""
    specimens: Specimens = "skip"
    """Engine `fast`: numbers that are never given out to a person, and so are shown and tested with (the social security number
    078-05-1120 and those that begin with 9 or 666, national insurance numbers with QQ): `skip` them, or `report` them."""
    engine: Literal["fast", "presidio"] = "fast"
    """`fast`: one table of patterns, microseconds. `presidio`: presidio-analyzer's recognizers with scores by context,
    milliseconds (`pip install 'guardrails-middleware[pii]'`)."""
    languages: list[Literal["en", "de", "es", "fi", "it", "ko", "pl", "sv", "th", "tr"]] = Field(
        default=["en"], min_length=1
    )
    """Presidio: the languages whose countries' recognizers run, besides the recognizers that serve all languages."""
    min_score: float = Field(default=0.4, gt=0, le=1)
    """Presidio: the score from which on it is a finding. By default that which a word of context gives to any form, so
    that forms which are weak alone need one."""
    phone_regions: list[str] = Field(
        default=["US", "GB", "DE", "FR", "IL", "IN", "CA", "BR"], min_length=1, examples=[["US", "GB"]]
    )
    """Presidio: regions whose telephone numbers are found without their +. Each makes it some two percent slower."""
    ner: NerConfig | None = None
    """A model for names, places and organizations, beside either engine."""


class PiiSearcher(Protocol):
    """What finds personal data in a text that can be encoded."""

    def search(self, text: str) -> list[EntityHit]:
        """Return what is found; raise `TimeoutError` with the reason when it takes too long."""
        ...


class PiiDetector:
    """The detector where it takes more than patterns: each searcher sees the plain text and, where they differ, the
    normalized view and the readings in which codes are undone.
    """

    inline = False
    tier = 1

    def __init__(
        self, name: str, patterns: PatternsDetector | None, searchers: Sequence[PiiSearcher]
    ) -> None:
        self._name = name
        self._patterns = patterns
        self._searchers = searchers

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        known = [CLEAN] * len(batch) if self._patterns is None else self._patterns.detect(batch)
        return [self._detect_one(content, found) for content, found in zip(batch, known, strict=True)]

    def _detect_one(self, content: Content, known: Detection) -> Detection:
        if not isinstance(content, Text):
            return known
        try:
            hits = self._hits(replace_surrogates(content.text))
        except TimeoutError as error:
            return replace(known, error=known.error or str(error), reason="timeout")
        found = [
            Finding(f"pii.{hit.name}", hit.score, self._name, (hit.start, hit.end))
            for hit in hits
            if hit.start < hit.end
        ]
        return replace(known, findings=_drop_contained([*known.findings, *found])) if found else known

    def _hits(self, text: str) -> list[EntityHit]:
        hits = [hit for searcher in self._searchers for hit in searcher.search(text)]
        plain = normalize_text(text)
        for view in (*([plain] if plain.text != text else []), *deobfuscate_text(text, letters=False)):
            for hit in [hit for searcher in self._searchers for hit in searcher.search(view.text)]:
                start, end = view.original(hit.start, hit.end)
                hits.append(hit._replace(start=start, end=end))
        return hits


def _drop_contained(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings in order of place, without those that lie within one of their category, which takes their
    score if it is higher.
    """
    widest: dict[str, int] = {}
    kept: list[Finding] = []
    for finding in sorted(findings, key=lambda each: (_span(each)[0], -_span(each)[1], each.category)):
        at = widest.get(finding.category)
        if at is not None and _span(finding)[1] <= _span(kept[at])[1]:
            kept[at] = replace(kept[at], score=max(kept[at].score, finding.score))
        else:
            widest[finding.category] = len(kept)
            kept.append(finding)
    return tuple(kept)


def _span(finding: Finding) -> tuple[int, int]:
    assert finding.span is not None
    return finding.span


def _by_engine(config: PiiConfig) -> frozenset[str]:
    """Return the names that the engine finds."""
    return frozenset(ENTITIES if config.engine == "fast" else presidio_entities(config.languages).values())


def _by_model(config: PiiConfig) -> frozenset[str]:
    """Return the names that a model may have labels for."""
    return frozenset() if config.ner is None else frozenset({*LABELS.values(), *config.ner.labels.values()})


def _select_names(config: PiiConfig) -> frozenset[str]:
    """Return the names that are looked for. With one that is not known any may be meant: it is the one to report."""
    known = _by_engine(config) | _by_model(config)
    wanted = frozenset(config.entities or known)
    return (wanted if wanted <= known else known) - {*config.exclude}


def _problems(config: PiiConfig) -> list[ConfigProblem]:
    known = _by_engine(config) | _by_model(config)
    everything = sorted({*ENTITIES, *presidio_entities(NATIONAL).values(), *LABELS.values(), *known})
    problems = [
        _elsewhere(name, index, config) if name in everything else _unknown(name, index, everything)
        for index, name in enumerate(config.entities or ())
        if name not in known
    ]
    problems += [
        replace(_unknown(name, index, everything), path=("exclude", index))
        for index, name in enumerate(config.exclude)
        if name not in everything
    ]
    if not problems and not _select_names(config):
        message, hint = "excludes every kind that it looks for", "leave some out of 'exclude:'"
        problems.append(ConfigProblem("nothing_left", message, ("exclude",), hint=hint))
    other = "presidio" if config.engine == "fast" else "fast"
    only = ("languages", "min_score", "phone_regions") if config.engine == "fast" else ("specimens",)
    problems += [
        ConfigProblem("unused_field", f"{field!r} is for engine {other!r} only", (field,))
        for field in only
        if field in config.model_fields_set
    ]
    if config.ner is not None and not _select_names(config) & _by_model(config):
        message, hint = "a model finds none of the entities", "add one, such as 'person', or leave out 'ner'"
        problems.append(ConfigProblem("unused_field", message, ("ner",), hint=hint))
    for label, name in config.ner.labels.items() if config.ner else ():
        wrong = category_problem(f"pii.{name}", ("ner", "labels", label))
        if wrong is not None:
            problems.append(replace(wrong, hint="lower-case letters, digits and _, such as 'employee_id'"))
    return problems


def _unknown(name: str, index: int, everything: Sequence[str]) -> ConfigProblem:
    close = difflib.get_close_matches(name.removeprefix("pii."), everything, n=1)
    return ConfigProblem(
        "unknown_entity",
        f"{name!r} is not a kind of personal data",
        ("entities", index),
        hint=f"did you mean {close[0]!r}?"
        if close
        else f"one of: {', '.join(dict.fromkeys([*ENTITIES, *everything]))}",
    )


def _elsewhere(name: str, index: int, config: PiiConfig) -> ConfigProblem:
    """Return the problem of a kind that this configuration does not find, but another would."""
    ways = ["engine: fast"] if name in ENTITIES else []
    if name in presidio_entities(()).values():
        ways.append("engine: presidio")
    ways += [
        f"engine: presidio with {language!r} among its languages"
        for language, table in NATIONAL.items()
        if name in table.values()
    ]
    if name in LABELS.values():
        ways.append("a model under 'ner:' that has a label for it")
    return ConfigProblem(
        "unavailable_entity",
        f"engine {config.engine!r} does not find {name!r}",
        ("entities", index),
        hint=f"found by {' or by '.join(ways)}",
    )


def _presidio(config: PiiConfig, names: frozenset[str]) -> PiiSearcher:
    try:
        from guardrails.detectors.pii.presidio import PresidioSearcher
    except ModuleNotFoundError as error:
        message = f"engine 'presidio' needs the package {error.name!r}, which is not installed"
        problem = ConfigProblem(
            "missing_extra", message, ("engine",), hint="pip install 'guardrails-middleware[pii]'"
        )
        raise ConfigProblems([problem]) from error
    return PresidioSearcher(
        names, languages=config.languages, min_score=config.min_score, regions=config.phone_regions
    )


def _ner(config: PiiConfig, names: frozenset[str], files: PolicyFiles) -> PiiSearcher:
    from guardrails.detectors.pii.ner import NerSearcher
    from guardrails.detectors.pii.ner_model import load_token_model

    assert config.ner is not None
    try:
        folder = files.model_folder(config.ner.model)
    except OSError as error:
        message = f"folder {config.ner.model!r}: {error.strerror or error}"
        raise ConfigProblems([ConfigProblem("unreadable_model", message, ("ner", "model"))]) from error
    model = load_token_model(folder, config.ner.file, config.ner.runtime, config.ner.window)
    found = NerSearcher(model, config.ner.labels, names, config.ner.min_score)
    lacking = [
        ConfigProblem(
            "unavailable_entity",
            f"the model in {config.ner.model!r} has no label for {name!r}",
            ("entities", index),
            hint=f"it finds {', '.join(sorted(found.names))}; say under 'labels:' what else its labels mean",
        )
        for index, name in enumerate(config.entities or ())
        if name not in found.names | _by_engine(config)
    ]
    if lacking:
        raise ConfigProblems(lacking)
    return found


def _build(name: str, config: PiiConfig, files: PolicyFiles) -> Detector:
    problems = _problems(config)
    if problems:
        raise ConfigProblems(problems)
    wanted = _select_names(config)
    of_engine, of_model = wanted & _by_engine(config), wanted & _by_model(config)
    patterns = (
        CHOICE.build(name, sorted(of_engine), specimens=config.specimens)
        if config.engine == "fast" and of_engine
        else None
    )
    parts: list[Callable[[], PiiSearcher]] = []
    if config.engine == "presidio" and of_engine:
        parts.append(lambda: _presidio(config, of_engine))
    if of_model:
        parts.append(lambda: _ner(config, of_model, files))
    if patterns is not None and not parts:
        return patterns
    searchers = []
    for part in parts:
        try:
            searchers.append(part())
        except ConfigProblems as error:
            problems += error.problems
    if problems:
        raise ConfigProblems(problems)
    return PiiDetector(name, patterns, searchers)


KIND = Kind(
    name="pii",
    doc=f"Personal data: {', '.join(ENTITIES)}; more with engine 'presidio' or a model.",
    config=PiiConfig,
    categories=lambda _name, config: frozenset(f"pii.{name}" for name in _select_names(config)),
    build=_build,
    version=2,
)
