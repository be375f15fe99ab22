"""The `guard_model` detector: harms, as judged by a guard model that answers in words.

Llama Guard, ShieldGemma, Granite Guardian, Qwen3Guard, WildGuard and gpt-oss-safeguard differ in how they are asked and how
they answer; each has a form (`guards/`). A model runs behind an OpenAI-compatible server that the operator declares, or in this
process, by transformers. A reply is judged beside its prompt. ShieldGemma and Granite Guardian up to 3.3 take what they are
asked for as arguments of the chat template: their server must take `chat_template_kwargs`, as vLLM and SGLang do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import Field

from guardrails import taxonomy
from guardrails.detectors import ConfigProblem, ConfigProblems, PolicyFiles
from guardrails.detectors.config import Config
from guardrails.detectors.kinds import Kind
from guardrails.detectors.llm.guards import GUARD_FORMS, find_form
from guardrails.detectors.llm.guards.form import GuardForm, Labels
from guardrails.detectors.llm.guards.judges import GuardPrompter, LocalGuardModel, ServedGuardModel
from guardrails.detectors.llm.llm_detector import JudgeAdapter, JudgeRequest, LocalDetector, RemoteDetector
from guardrails.inference.hub.generative import GenerativeOptions, load_generative_model
from guardrails.inference.hub.runtimes import Precision
from guardrails.inference.safety.folder import ModelError, first_line
from guardrails.types import Text

LOCAL = ("device", "precision", "revision", "download")
"""The fields that say how a model runs in this process."""


class GuardModelConfig(Config):
    """Harms, by a guard model that answers in words."""

    use: Literal["guard_model"]
    """The kind of detector."""
    model: str = Field(min_length=1, examples=["meta-llama/Llama-Guard-3-8B", "models/own"])
    """The name that the server serves the model under; without an endpoint its name on the hub (org/name), or its folder:
    relative to the policy, or to the operator's folder (GUARDRAILS_MODELS)."""
    endpoint: str | None = Field(default=None, min_length=1, examples=["vllm"])
    """The server, by the name that the operator declares it under; where it is left out the model runs in this process, which
    needs transformers and torch."""
    form: (
        Literal[
            "llama-guard-3",
            "llama-guard-4",
            "shieldgemma",
            "granite-guardian-3",
            "granite-guardian-3.3",
            "granite-guardian-4",
            "qwen3guard",
            "wildguard",
            "gpt-oss-safeguard",
        ]
        | None
    ) = None
    """How the model is asked and answers; where it is left out the model's name tells."""
    categories: list[str] | None = Field(default=None, min_length=1, examples=[["hate", "violence"]])
    """What to look for, leaves included; by default all that the model tells. A model that is asked once for each risk
    (`shieldgemma`, `granite-guardian-…`) is not asked for the rest."""
    labels: dict[str, str | list[str]] = Field(
        default_factory=dict, examples=[{"S6": "custom.advice", "S7": []}]
    )
    """What the model's labels find, where that is not what they find by default: a category, some, or none."""
    policies: dict[str, str] = Field(
        default_factory=dict, examples=[{"custom.medical": "No medical advice is given."}]
    )
    """Category → what violates it, in words, for models that judge by such texts: all that `gpt-oss-safeguard` looks for, and
    guidelines of `shieldgemma` and criteria of `granite-guardian-…` beside their own."""
    probabilities: bool = True
    """Scores are made of the probabilities of tokens, which the server must give (`logprobs`); without them they are 1 or 0."""
    min_score: float = Field(default=0.1, ge=0, le=1)
    """The score below which nothing is reported."""
    max_tokens: int | None = Field(default=None, ge=1, le=65_536)
    """Tokens of an answer at most; one that is longer has failed. By default what the form needs."""
    characters: int = Field(default=8_000, ge=80, le=1_000_000)
    """Characters that the model reads at a time; longer texts are judged in pieces. The model must have room for as many of a
    prompt beside those of a reply."""
    windows: int = Field(default=400, ge=1, le=100_000)
    """Pieces of one text that are judged; the rest is `unchecked: limit`. Where it is left out, the policy's
    `limits: windows` holds."""
    languages: list[str] | None = None
    """Languages (ISO 639-1) that the model was validated on: others are judged, and `unchecked: language`. By default those of
    the model's card; an empty list means all."""
    device: str | None = Field(default=None, min_length=1, examples=["cpu", "cuda:0"])
    """Without an endpoint: where the model runs; by default on a graphics card, if there is one."""
    precision: Precision | None = None
    """Without an endpoint: what it computes with; by default what its weights are saved in."""
    revision: str | None = Field(default=None, min_length=1)
    """Without an endpoint: the branch, tag or commit on the hub."""
    download: bool = False
    """Without an endpoint: it may be downloaded from the hub, if the operator allows that too (GUARDRAILS_DOWNLOAD=1)."""


def _resolve_form(config: GuardModelConfig) -> GuardForm | None:
    return find_form(config.model) if config.form is None else GUARD_FORMS[config.form]


def _labels(form: GuardForm, config: GuardModelConfig) -> dict[str, tuple[str, ...]]:
    """Return all that a form tells by a configuration, with the categories that it finds."""
    own = {label: (said,) if isinstance(said, str) else tuple(said) for label, said in config.labels.items()}
    return {**form.labels, **own, **{category: (category,) for category in config.policies}}


def _select_labels(labels: Labels, categories: list[str] | None) -> dict[str, tuple[str, ...]]:
    """Return the labels that find some of these categories, or a leaf of one, with those alone."""
    found = {}
    for label, told in labels.items():
        if kept := tuple(category for category in told if categories is None or _among(category, categories)):
            found[label] = kept
    return found


def _among(category: str, categories: list[str]) -> bool:
    return any(f"{category}.".startswith(f"{each}.") for each in categories)


def _categories(_name: str, config: GuardModelConfig) -> frozenset[str]:
    form = _resolve_form(config)
    told = _select_labels(_labels(form, config), config.categories).values() if form is not None else ()
    found = frozenset(category for categories in told for category in categories)
    # With an unknown form or a misspelt name any may be meant: then the one problem to report is that.
    return found or frozenset({*taxonomy.CATEGORIES, *config.policies, *(config.categories or ())})


def _build(name: str, config: GuardModelConfig, files: PolicyFiles) -> LocalDetector | RemoteDetector:
    form = _resolve_form(config)
    if form is None:
        message = f"the name {config.model!r} does not tell how the model is asked and answers"
        hint = f"write form: one of {', '.join(GUARD_FORMS)}"
        raise ConfigProblems([ConfigProblem("unknown_form", message, ("model",), hint=hint)])
    if problems := [*_problems(form, config)]:
        raise ConfigProblems(problems)
    languages = form.languages if config.languages is None else tuple(config.languages)
    asking = JudgeAdapter(
        name,
        _categories(name, config),
        size=config.characters,
        most=config.windows,
        min_score=config.min_score,
        languages=languages,
    )
    asked = GuardPrompter(
        form,
        _select_labels(_labels(form, config), config.categories),
        config.policies,
        prompt=config.characters,
        max_tokens=config.max_tokens,
        probabilities=config.probabilities,
    )
    detector: LocalDetector | RemoteDetector
    if config.endpoint is not None:
        detector = RemoteDetector(
            asking, ServedGuardModel(asked, files.endpoint(config.endpoint), config.model), form.name
        )
    else:
        detector = LocalDetector(asking, _build_local(asked, config, files), form.name)
    return detector


def _build_local(asked: GuardPrompter, config: GuardModelConfig, files: PolicyFiles) -> LocalGuardModel:
    """Return the model in this process, tried out; raises `ConfigProblems`."""
    try:
        folder = files.model_folder(config.model, config.revision, download=config.download)
    except OSError as error:
        hint = error.__cause__.hint if isinstance(error.__cause__, ModelError) else ""
        message = f"model {config.model!r}: {error.strerror or error}"
        raise ConfigProblems([ConfigProblem("unreadable_model", message, ("model",), hint=hint)]) from error
    try:
        judge = LocalGuardModel(
            asked, load_generative_model(folder, GenerativeOptions(config.device, config.precision))
        )
        for prompt in (None, "warm up"):
            judge.try_out(JudgeRequest("Warm up.", Text("Warm up."), prompt))
    except ModelError as error:
        message = f"model {config.model!r}: {error}"
        raise ConfigProblems([ConfigProblem(error.code, message, (error.field,), hint=error.hint)]) from error
    except Exception as error:
        message = f"model {config.model!r} does not run: {first_line(error)}"
        raise ConfigProblems([ConfigProblem("unreadable_model", message, ("model",))]) from error
    return judge


def _problems(form: GuardForm, config: GuardModelConfig) -> Iterator[ConfigProblem]:
    """Yield what is wrong between a configuration and the form that it means."""
    if config.endpoint is not None:
        for field in LOCAL:
            if field in config.model_fields_set:
                message = (
                    f"{field!r} is for a model in this process, and endpoint {config.endpoint!r} serves it"
                )
                yield ConfigProblem("unused_field", message, (field,), hint="remove it")
    if config.policies and form.policies == "none":
        message = f"form {form.name!r} judges by what the model was trained on, not by policies in words"
        yield ConfigProblem("unused_field", message, ("policies",), hint="remove it")
    if form.policies == "all" and not config.policies:
        message = f"form {form.name!r} judges by policies in words, and there are none"
        hint = "add policies: a mapping of categories to what violates them"
        yield ConfigProblem("missing_policies", message, ("model",), hint=hint)
    yield from _unknown_labels(form, config)
    told = {category for each in _labels(form, config).values() for category in each}
    if form.labels and not told:
        hint = f"let one of them find a category: {', '.join(form.labels)}"
        yield ConfigProblem("no_category", "'labels' leaves nothing to find", ("labels",), hint=hint)
    for index, category in enumerate(config.categories or ()):
        if told and not any(_among(each, [category]) for each in told):
            message = f"{category!r} is nothing that form {form.name!r} tells"
            hint = _nearest(category, told)
            yield ConfigProblem("unknown_category", message, ("categories", index), hint=hint)


def _unknown_labels(form: GuardForm, config: GuardModelConfig) -> Iterator[ConfigProblem]:
    for label, said in config.labels.items():
        if label not in form.labels:
            message = f"{label!r} is no label of form {form.name!r}"
            hint = _nearest(label, form.labels) if form.labels else "remove it"
            yield ConfigProblem("unknown_label", message, ("labels", label), hint=hint)
        for category in [said] if isinstance(said, str) else said:
            yield from _invalid(category, ("labels", label))
    for category in config.policies:
        yield from _invalid(category, ("policies", category))


def _invalid(category: str, path: tuple[str | int, ...]) -> Iterator[ConfigProblem]:
    if not taxonomy.is_valid(category):
        hint = f"{_nearest(category, taxonomy.CATEGORIES)}, or 'custom.' and a name"
        yield ConfigProblem("unknown_category", f"{category!r} is no category", path, hint=hint)


def _nearest(name: str, names: Mapping[str, object] | set[str]) -> str:
    close = difflib.get_close_matches(name, [*names], n=1)
    return f"did you mean {close[0]!r}?" if close else f"one of: {', '.join(sorted(names))}"


KIND = Kind(
    name="guard_model",
    doc="Harms, by a guard model that answers in words (Llama Guard, Qwen3Guard and others), served or in this process.",
    config=GuardModelConfig,
    categories=_categories,
    build=_build,
    tier=2,
    reads=("prompt",),
    limits=("windows",),
)
