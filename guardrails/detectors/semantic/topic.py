"""The `topic` detector: scores what a text is about by topics' names, definitions and examples.

`deny` names topics that are found where they come up (`custom.topic.NAME`); `allow` names those that all talk must be about,
and what is about none of them is `custom.off_topic`. By default texts are compared with the examples by the embedding of the
shipped model, 2 ms for a piece of 140 characters, and 0.5 s once for all that they are compared with. `competitors` are
names of brands (`detectors/terms/competitors.py`).

    use: topic
    deny:
      investing:
        definition: What to buy, sell or hold, and forecasts of prices.
        examples: [Which fund should I buy?, Is gold safe?, Sell my bonds now or later?]
        counterexamples: [What is a dividend?]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Literal

from pydantic import Field, model_validator

from guardrails.detectors import ConfigProblem, ConfigProblems, PolicyFiles
from guardrails.detectors.config import Config
from guardrails.detectors.kinds import Kind
from guardrails.detectors.llm.llm_detector import JudgeAdapter, LocalDetector, RemoteDetector
from guardrails.detectors.patterns.patterns_detector import category_problem
from guardrails.detectors.semantic.shared_models import load_embedder, load_inference
from guardrails.detectors.semantic.topic_judges import (
    OFF_TOPIC,
    EmbeddingTopicJudge,
    InferenceTopicJudge,
    ServedTopicJudge,
    Topic,
    TopicSet,
)
from guardrails.detectors.terms.competitors import (
    COMPETITOR,
    CompetitorDoc,
    Competitors,
    as_competitor,
    topic_name,
)
from guardrails.types import CLEAN, Content, Detection

SMALL_TALK: Final = Topic(
    (
        *("Hello!", "Good morning, how are you?", "Thanks a lot, that helps.", "Yes, please.", "No, thanks."),
        *(
            "OK, go on.",
            "What can you do?",
            "Who are you?",
            "Can you help me?",
            "Sorry, I meant the other one.",
        ),
        *(
            "Could you explain that again?",
            "That is not what I asked.",
            "Great, see you!",
            "Bye!",
            "One moment.",
        ),
    ),
    definition="greetings, thanks or small talk",
)
"""What any conversation has, whatever it is about."""


class TopicDoc(Config):
    """A topic, in words."""

    definition: str | None = Field(default=None, min_length=1, examples=["What to buy, sell or hold."])
    """What it is about, in a sentence."""
    examples: list[str] = Field(default=[], examples=[["Which fund should I buy?"]])
    """Texts about it, as people write them: five or more are worth most."""
    counterexamples: list[str] = Field(default=[])
    """Texts that are near, and not about it."""
    category: str | None = Field(default=None, examples=["custom.investing"])
    """What is found; by default `custom.topic.` and the name. Only for topics under `deny`."""

    @model_validator(mode="after")
    def _said(self) -> TopicDoc:
        if self.definition is None and not self.examples:
            raise ValueError("needs a definition or examples")
        return self


class TopicConfig(Config):
    """What a text is about."""

    use: Literal["topic"]
    """The kind of detector."""
    deny: dict[str, TopicDoc] = Field(default={}, examples=[{"investing": {"definition": "What to buy."}}])
    """Topics that are found where they come up, by name."""
    allow: dict[str, TopicDoc] = Field(default={})
    """Topics that all talk must be about, by name; what is about none of them is `custom.off_topic`."""
    small_talk: bool = True
    """Whether greetings, thanks and the like are allowed, too."""
    competitors: list[str | CompetitorDoc] = Field(default=[], examples=[["Globex", "Initech"]])
    """Names of brands, found as words: `custom.competitor`."""
    method: Literal["embedding", "nli"] = "embedding"
    """`embedding` compares with the examples; `nli` asks a model for natural language inference whether the text is about
    the definition."""
    model: str = Field(
        default="text-safety", examples=["text-safety", "sentence-transformers/all-MiniLM-L6-v2"]
    )
    """What reads the texts: a shipped model by name, a folder, a model of the hub, or what the
    endpoint calls it."""
    endpoint: str | None = Field(default=None, examples=["embeddings"])
    """A server of embeddings, by the name under which the operator declares it."""
    revision: str | None = None
    """The revision of a model of the hub."""
    download: bool = False
    """Whether a model of the hub may be fetched, where the operator allows it."""
    min_score: float = Field(default=0.1, ge=0, le=1)
    """The score below which nothing is reported. 0.5 is halfway between ordinary texts and the examples."""
    characters: int = Field(default=140, ge=40, le=100_000)
    """Characters of a piece: about a sentence, as what is mentioned in passing is lost in a larger one."""
    windows: int = Field(default=400, ge=1, le=100_000)
    """Pieces of one text that are judged; the rest is `unchecked: limit`. Where it is left out, the policy's
    `limits: windows` holds."""
    languages: list[str] = Field(default=[])
    """Languages that the model reads; texts in others are judged, and `unchecked: language`. None given: all."""


class TopicDetector:
    """The detector: topics by a judge, and names of brands."""

    inline = False

    def __init__(self, judge: LocalDetector | RemoteDetector | None, brands: Competitors) -> None:
        self.identity = "" if judge is None else judge.identity
        self._judge, self._brands = judge, brands
        if isinstance(judge, RemoteDetector):
            self.adetect = self._adetect

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        """Judge each content."""
        return self._with(batch, [CLEAN] * len(batch) if self._judge is None else self._judge.detect(batch))

    async def _adetect(self, batch: Sequence[Content]) -> list[Detection]:
        assert isinstance(self._judge, RemoteDetector)
        return self._with(batch, await self._judge.adetect(batch))

    def _with(self, batch: Sequence[Content], judged: Sequence[Detection]) -> list[Detection]:
        out = []
        for content, each in zip(batch, judged, strict=True):
            if each.error is not None:
                out.append(each)
                continue
            found = tuple(
                finding for finding in each.findings if not finding.category.startswith(f"{COMPETITOR}:")
            )
            found += self._brands.find(content, each)
            out.append(replace(each, findings=found) if found or each.unchecked else CLEAN)
        return out


def _category(name: str, doc: TopicDoc) -> str:
    return doc.category or f"custom.topic.{name}"


def _categories(_name: str, config: TopicConfig) -> frozenset[str]:
    found = {_category(name, doc) for name, doc in config.deny.items()}
    found |= {OFF_TOPIC} if config.allow else set()
    return frozenset(found | ({COMPETITOR} if config.competitors else set()))


def _topic(name: str, doc: TopicDoc) -> Topic:
    words = name.replace("_", " ")
    said = doc.definition or words
    about = (*([f"{words}: {said}"] if doc.definition else []), *doc.examples)
    return Topic(about, tuple(doc.counterexamples), said)


def _read_topics(config: TopicConfig) -> TopicSet:
    deny = {_category(name, doc): _topic(name, doc) for name, doc in config.deny.items()}
    for brand in map(as_competitor, config.competitors):
        if brand.about:
            deny[topic_name(brand)] = Topic(tuple(brand.about), definition=brand.name)
    allow = [_topic(name, doc) for name, doc in config.allow.items()]
    return TopicSet(deny, (*allow, *([SMALL_TALK] if allow and config.small_talk else [])))


def _build(name: str, config: TopicConfig, files: PolicyFiles) -> TopicDetector:
    if problems := _problems(config):
        raise ConfigProblems(problems)
    brands = Competitors(name, [as_competitor(each) for each in config.competitors])
    wanted = _read_topics(config)
    if not wanted.topics:
        return TopicDetector(None, brands)
    asking = JudgeAdapter(
        name,
        frozenset({*wanted.deny, OFF_TOPIC}),
        size=config.characters,
        most=config.windows,
        min_score=config.min_score,
        languages=config.languages,
    )
    if config.endpoint is not None:
        server = ServedTopicJudge(files.endpoint(config.endpoint), config.model, wanted)
        return TopicDetector(RemoteDetector(asking, server, f"{config.endpoint} {config.model}"), brands)
    where = (files, config.model, config.revision)
    if config.method == "nli":
        model, entails, denies = load_inference(*where, download=config.download)
        return TopicDetector(
            LocalDetector(asking, InferenceTopicJudge(model, entails, denies, wanted)), brands
        )
    encoder = load_embedder(*where, download=config.download)
    return TopicDetector(
        LocalDetector(asking, EmbeddingTopicJudge(encoder, wanted), encoder.identity), brands
    )


def _problems(config: TopicConfig) -> list[ConfigProblem]:
    """Return what is wrong with a configuration whose fields are each valid."""
    problems = []
    if not (config.deny or config.allow or config.competitors):
        message = "there is nothing to look for"
        problems.append(ConfigProblem("nothing_to_find", message, hint="name topics under deny or allow"))
    for kind, topics in (("deny", config.deny), ("allow", config.allow)):
        for name, doc in topics.items():
            if wrong := category_problem(_category(name, doc), (kind, name)):
                problems.append(wrong)
            if doc.category is not None and kind == "allow":
                message = "what is about none of the allowed topics is custom.off_topic"
                problems.append(
                    ConfigProblem("unused_field", message, (kind, name, "category"), hint="remove it")
                )
    if config.endpoint is not None and "model" not in config.model_fields_set:
        message = "an endpoint is asked for a model by its name"
        problems.append(ConfigProblem("missing_field", message, ("endpoint",), hint="add 'model:'"))
    if config.endpoint is not None and config.method == "nli":
        message = "an endpoint gives embeddings, and no inference"
        problems.append(ConfigProblem("unused_field", message, ("endpoint",), hint="remove one of both"))
    if config.method == "nli" and "model" not in config.model_fields_set:
        message = "method: nli needs a model for natural language inference"
        hint = "such as model: cross-encoder/nli-deberta-v3-xsmall"
        problems.append(ConfigProblem("missing_field", message, ("method",), hint=hint))
    return problems


KIND = Kind(
    name="topic",
    doc="Topics to keep to or to stay away from, by examples; names of competitors.",
    config=TopicConfig,
    categories=_categories,
    build=_build,
    tier=1,
    limits=("windows",),
)
