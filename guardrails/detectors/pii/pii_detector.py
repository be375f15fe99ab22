"""The `pii` detector: personal data by one of two engines and, where a policy names one, a model.

`fast` is one table of patterns (`entities.py`): microseconds, every score 1. `presidio` is presidio-analyzer
(`presidio.py`): milliseconds, scores by context. Names, places and organizations take a model: the one that comes with the
package (`shipped_names/`), or one that the policy names (`ner.py`). All share one set of names (`names.py`). What finds the same
stretch twice makes one finding.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

from pydantic import Field, model_validator

from guardrails.detectors import ConfigProblem, ConfigProblems, PolicyFiles
from guardrails.detectors.config import Config, make_item_snippets
from guardrails.detectors.kinds import Kind
from guardrails.detectors.patterns.builtin_table import BuiltinTable, Specimens
from guardrails.detectors.patterns.patterns_detector import PatternsDetector, category_problem
from guardrails.detectors.pii.entities import SPECIMENS, TABLE
from guardrails.detectors.pii.identifiers.validators import us_ssn, us_ssn_form
from guardrails.detectors.pii.names import LABELS, NATIONAL, EntityHit, presidio_entities
from guardrails.detectors.pii.pii_stream import PiiStream, drop_contained, make_finding
from guardrails.text import deobfuscate_text, normalize_text, replace_surrogates
from guardrails.types import CLEAN, Content, Detection, Detector, Stage, Stream, Text, Unchecked

if TYPE_CHECKING:
    from guardrails.detectors.pii.shipped_names.shipped_searcher import ShippedNames

CHOICE = BuiltinTable(
    "pii",
    TABLE,
    "entities",
    ("unknown_entity", "a kind of personal data"),
    reported={us_ssn: us_ssn_form},
    made_up=SPECIMENS,
)
ENTITIES = CHOICE.names

CALLED: Final = {
    **dict.fromkeys(("name", "names", "full_name", "first_name", "last_name", "people"), "person"),
    **dict.fromkeys(("address", "postal_address", "home_address"), "street_address"),
    **dict.fromkeys(("company", "companies", "org"), "organization"),
    **dict.fromkeys(("city", "country", "place", "places"), "location"),
}
"""What kinds of personal data are called elsewhere."""

SHIPPED: Final = {"pii-names": Path(__file__).parents[2] / "models" / "pii_names"}
"""The model that comes with the package, by name."""

OF_SHIPPED: Final = frozenset({"person", "location", "organization", "street_address", "postal_code"})
"""What it finds: two of these the table of patterns finds as well, by their form."""

OF_MODELS: Final = OF_SHIPPED - {*ENTITIES}
"""What takes a model: a policy that names one of these gets the shipped one, unless it names another."""

OF_OTHERS: Final = ("file", "runtime", "labels", "window")
"""Fields that are for other models than the shipped one."""


class NerConfig(Config):
    """A model that finds names, places, organizations and whatever else it has labels for."""

    model: str = Field(default="pii-names", examples=["pii-names", "models/ner"])
    """The model that comes with the package, by name; or a folder with a token-classification model, below the policy's own or
    below the one that the environment's GUARDRAILS_MODELS names: `config.json`, `tokenizer.json` and an ONNX file or
    safetensors. Nothing is ever downloaded."""
    file: str | None = Field(default=None, examples=["onnx/model_quantized.onnx"])
    """The ONNX file in that folder; by default the only one there, in it or in its folder `onnx`."""
    runtime: Literal["onnx", "torch"] = "onnx"
    """What runs the model: onnxruntime on one thread, or transformers (`pip install 'guardrails-middleware[models]'`)."""
    labels: dict[str, str] = Field(default={}, examples=[{"EMPLOYEE_ID": "employee_id", "TITLE": "person"}])
    """What the model's labels mean, without `B-` and `I-`, where the table of well-known labels does not say or says
    something else."""
    min_score: float = Field(default=0.5, gt=0, le=1)
    """The score from which on it is a finding: the mean probability of its words. That of a person by the shipped model is its
    square where it is of one word, and as much nearer to 1 where it is of several."""
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
    """Which kinds to look for; by default all that the engine finds, and the model under `ner:`. To name one of `person`,
    `location` and `organization` is to have the shipped model run, which takes milliseconds."""
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
    """A model for names, places and organizations, beside either engine; by default the shipped one where `entities` name any."""

    @model_validator(mode="before")
    @classmethod
    def _take_shipped_model(cls, given: Any) -> Any:
        """Name the shipped model where entities are named that take one, so that all who read a configuration see it."""
        if not isinstance(given, dict) or given.get("ner") is not None:
            return given
        wanted = given.get("entities")
        named = isinstance(wanted, list) and any(
            isinstance(each, str) and each in OF_MODELS for each in wanted
        )
        return {**given, "ner": {}} if named else given


class PiiSearcher(Protocol):
    """What finds personal data in a text that can be encoded."""

    def search(self, text: str) -> list[EntityHit]:
        """Return what is found; raise `TimeoutError` with the reason when it takes too long."""
        ...


class PiiDetector:
    """The detector where it takes more than patterns.

    Each searcher sees the plain text and, where they differ, the normalized view and the readings in which codes are undone. The
    shipped model reads a text its own way.

    Args:
        name: of the detector.
        patterns: of the engine `fast`, where it is asked for anything.
        searchers: what is asked beside.
        names: the shipped model, where it is asked for anything.
        at: the stages at which that is; None: all.
    """

    inline = False
    tier = 1

    def __init__(
        self,
        name: str,
        patterns: PatternsDetector | None,
        searchers: Sequence[PiiSearcher],
        names: ShippedNames | None = None,
        at: Collection[Stage] | None = None,
    ) -> None:
        self._name = name
        self._patterns = patterns
        self._searchers = searchers
        self._names, self._at = names, at
        self.identity = [] if names is None else [names.identity]
        # The shipped model takes milliseconds for a sentence, whatever that is; of others nobody knows.
        self.cancellable = names is not None and not searchers
        self.stream = self._begin_stream if self.cancellable else None

    def narrow(self, asked: Mapping[Stage, frozenset[str]]) -> Detector:
        """Return a detector that asks the shipped model only where something is asked for that it finds."""
        if self._names is None:
            return self
        found = {f"pii.{name}" for name in self._names.wanted}
        at = frozenset(stage for stage, categories in asked.items() if not found.isdisjoint(categories))
        if at or self._patterns is None or self._searchers:
            return PiiDetector(self._name, self._patterns, self._searchers, self._names, at)
        return self._patterns

    def _begin_stream(self, context: Mapping[str, str] | None) -> Stream:
        """Begin a text that grows: sentence by sentence as far as names are asked for."""
        assert self._names is not None
        patterns = None if self._patterns is None else self._patterns.stream(context)
        return PiiStream(self._name, patterns, self._names.begin())

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        known = [CLEAN] * len(batch) if self._patterns is None else self._patterns.detect(batch)
        return [self._detect_one(content, found) for content, found in zip(batch, known, strict=True)]

    def _detect_one(self, content: Content, known: Detection) -> Detection:
        if not isinstance(content, Text):
            return known
        unchecked: tuple[Unchecked, ...] = ()
        try:
            hits = self._hits(replace_surrogates(content.text)) if self._searchers else []
        except TimeoutError as error:
            return replace(known, error=known.error or str(error), reason="timeout")
        place = content.place
        if self._names is not None and (
            self._at is None or not {place.stage, *place.also}.isdisjoint(self._at)
        ):
            named = self._names.read(content.text)
            hits, unchecked = [*hits, *named.hits], named.unchecked
        if not hits and not unchecked:
            return known
        found = [make_finding(self._name, hit) for hit in hits if hit.start < hit.end]
        return replace(known, findings=drop_contained([*known.findings, *found]), unchecked=unchecked)

    def _hits(self, text: str) -> list[EntityHit]:
        hits = [hit for searcher in self._searchers for hit in searcher.search(text)]
        plain = normalize_text(text)
        for view in (*([plain] if plain.text != text else []), *deobfuscate_text(text, letters=False)):
            for hit in [hit for searcher in self._searchers for hit in searcher.search(view.text)]:
                start, end = view.original(hit.start, hit.end)
                hits.append(hit._replace(start=start, end=end))
        return hits


def _by_engine(config: PiiConfig) -> frozenset[str]:
    """Return the names that the engine finds."""
    return frozenset(ENTITIES if config.engine == "fast" else presidio_entities(config.languages).values())


def _by_model(config: PiiConfig) -> frozenset[str]:
    """Return the names that a model finds, as far as that is known before it is loaded."""
    if config.ner is None:
        return frozenset()
    if config.ner.model in SHIPPED:
        return OF_SHIPPED
    return frozenset({*LABELS.values(), *config.ner.labels.values()})


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
    if config.ner is not None and config.ner.model in SHIPPED:
        problems += [
            ConfigProblem(
                "unused_field", f"{field!r} is for other models than the shipped one", ("ner", field)
            )
            for field in OF_OTHERS
            if field in config.ner.model_fields_set
        ]
    for label, name in config.ner.labels.items() if config.ner else ():
        wrong = category_problem(f"pii.{name}", ("ner", "labels", label))
        if wrong is not None:
            problems.append(replace(wrong, hint="lower-case letters, digits and _, such as 'employee_id'"))
    return problems


def _unknown(name: str, index: int, everything: Sequence[str]) -> ConfigProblem:
    plain = name.removeprefix("pii.").replace("-", "_")
    meant = presidio_entities(()).get(plain.upper())
    meant = meant or CALLED.get(plain.lower())
    known = [meant] if meant in everything else []
    close = known or difflib.get_close_matches(plain.lower(), everything, n=1)
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
    if name in OF_SHIPPED:
        ways.append("the shipped model, 'ner: {}'")
    elif name in LABELS.values():
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


def _shipped(config: PiiConfig, names: frozenset[str]) -> ShippedNames:
    from guardrails.detectors.pii.shipped_names.shipped_searcher import ShippedNames
    from guardrails.inference.safety.folder import ModelError

    assert config.ner is not None
    try:
        return ShippedNames(SHIPPED[config.ner.model], names, config.ner.min_score)
    except ModelError as error:
        problem = ConfigProblem("unreadable_model", str(error), ("ner", error.field), hint=error.hint)
        raise ConfigProblems([problem]) from error


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
    is_shipped = config.ner is not None and config.ner.model in SHIPPED
    if of_model and not is_shipped:
        parts.append(lambda: _ner(config, of_model, files))
    if patterns is not None and not parts and not of_model:
        return patterns
    searchers = []
    for part in parts:
        try:
            searchers.append(part())
        except ConfigProblems as error:
            problems += error.problems
    if problems:
        raise ConfigProblems(problems)
    names = _shipped(config, of_model) if of_model and is_shipped else None
    return PiiDetector(name, patterns, searchers, names)


KIND = Kind(
    name="pii",
    doc=f"Personal data: {', '.join(ENTITIES)}; names, places and organizations by a model; more with engine 'presidio'.",
    config=PiiConfig,
    categories=lambda _name, config: frozenset(f"pii.{name}" for name in _select_names(config)),
    build=_build,
    version=5,
)
