"""The configuration of `use: image_classifier`, with its categories, its columns and what is wrong with it.

There are four ways of telling what a picture shows: a classifier with labels, a model that compares pictures with texts
(`prompts`), a network that finds parts with their boxes (`boxes`), and a vision model behind an endpoint (`endpoint`). `FIELDS`
says which fields belong to which of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Literal

from pydantic import Field

from guardrails import taxonomy
from guardrails.detectors import ConfigProblem
from guardrails.detectors.classifier.classifier_config import (
    Device,
    LabelMeanings,
    filter_categories,
    find_unused_fields,
    list_categories,
    read_labels,
)
from guardrails.detectors.config import Config
from guardrails.detectors.images.known_image_models import find_known_model

if TYPE_CHECKING:
    from guardrails.detectors.images.vision.form import VisionForm


class SecondDoc(Config):
    """Another classifier of pictures, asked where the first one is not sure."""

    model: str = Field(examples=["models/own"])
    """Its folder or name, as of the first one."""
    labels: dict[str, str | list[str]] | None = Field(default=None, min_length=1)
    """What its labels mean; it counts for categories of the first one alone."""
    unsure: tuple[float, float] = Field(default=(0.2, 0.8), examples=[[0.2, 0.8]])
    """From which score to which of the first one it is asked."""
    decide: Literal["mean", "any", "all"] = "mean"
    """What their scores make: the mean, the higher one, or the lower one."""
    file: str | None = None
    """Its ONNX file, as of the first one."""
    activation: Literal["softmax", "sigmoid", "none"] | None = None
    """What makes scores of what it gives, as of the first one."""


class ImageClassifierConfig(Config):
    """What pictures show, by a model: the one that comes with the package, any classifier of pictures, one that compares them
    with texts, one that finds parts with their boxes, or a vision model behind an endpoint.
    """

    use: Literal["image_classifier"]
    """The kind of detector."""
    model: str = Field(default="nsfw", examples=["nsfw", "models/own", "Falconsai/nsfw_image_detection"])
    """A model that comes with the package, by name; or a folder, relative to the policy or to the operator's folder
    (GUARDRAILS_MODELS); or the name of a model that lies in the Hugging Face cache of this machine. A folder holds `config.json`
    (with `id2label`), `preprocessor_config.json`, and an ONNX file or safetensors. With `endpoint` it is the name that the server
    has for the model."""
    categories: list[str] | None = Field(default=None, min_length=1, examples=[["sexual.explicit"]])
    """What to look for, leaves included; by default all that the model tells."""
    labels: dict[str, str | list[str]] | None = Field(
        default=None, min_length=1, examples=[{"nsfw": "sexual", "LABEL_2": "violence.graphic"}]
    )
    """What a model's labels mean: the category, or several; labels that are not named are ignored. `LABEL_1` is the second
    one, whatever it is called. The shipped model and well-known ones need none. With `endpoint`: what the model's labels find,
    where that is not what they find by default."""
    prompts: dict[str, str | list[str]] | None = Field(
        default=None, min_length=1, examples=[{"custom.weapon": ["a photo of a gun", "a photo of a knife"]}]
    )
    """For a model that compares pictures with texts (CLIP, SigLIP, SigLIP 2) in place of labels: category → what pictures of it
    are, in words."""
    neutral: list[str] = Field(
        default=["an ordinary photo", "a drawing or a diagram", "a screenshot of a text"], min_length=1
    )
    """With `prompts`: what other pictures are, in words. The texts of all categories and these exclude one another, unless each
    is judged by itself (`activation: sigmoid`, as SigLIP does by default)."""
    temperature: float = Field(default=1.0, gt=0, le=100)
    """With `prompts`: what the model gives is divided by this before it becomes scores: above 1 they are less extreme."""
    boxes: Literal["auto", "yolov8", "yolov5", "end2end"] | None = Field(default=None, examples=["auto"])
    """The model finds parts with their boxes, so that redaction covers the place alone: an ONNX file of YOLO's kind. `yolov8`:
    YOLOv8 to 12 and NudeNet, `yolov5`: YOLOv5 and 7, `end2end`: YOLOv10, and exports that leave out overlaps themselves; `auto`
    goes by what the model gives."""
    endpoint: str | None = Field(default=None, min_length=1, examples=["vllm"])
    """A vision model behind an OpenAI-compatible server, by the name that the operator declares it under."""
    form: Literal["llama-guard-4", "shieldgemma-2", "llavaguard", "described"] | None = None
    """With `endpoint`: how the model is asked and answers; where it is left out the model's name tells. `described` is any vision
    model, which judges by `policies`."""
    policies: dict[str, str] = Field(
        default_factory=dict,
        examples=[{"weapons": "No firearms, knives that threaten, or explosives are shown."}],
    )
    """With `endpoint`: category → what violates it, in words: all that `described` looks for, and policies of `shieldgemma-2`
    beside its own three (`No … content: The image shall not contain …`)."""
    probabilities: bool = True
    """With `endpoint`: scores are made of the probabilities of tokens, which the server must give (`logprobs`); without them, and
    of `described`, they are 1 or 0."""
    frames: int = Field(default=16, ge=1, le=1_000)
    """With `endpoint`: frames of an animation that the model is shown, those that differ most; the rest is `unchecked: limit`."""
    side: int = Field(default=1_024, ge=64, le=8_192)
    """With `endpoint`: pixels of the longer side of what is sent, at most."""
    max_tokens: int | None = Field(default=None, ge=1, le=65_536)
    """With `endpoint`: tokens of an answer at most; one that is longer has failed. By default what the form needs."""
    min_score: float | None = Field(default=None, ge=0, le=1)
    """The score below which nothing is reported, so that most pictures have no findings at all. By default 0.1; with `boxes`
    0.25; of texts that are judged each by itself (SigLIP) 0.001, as that gives low numbers."""
    partial_score: float = Field(default=0.97, ge=0, le=1)
    """The score below which nothing is reported of a picture on its way in a stream (a partial picture): it is blurred, and takes
    models in. The finished picture is judged by `min_score`."""
    second: SecondDoc | None = None
    """A model that is asked as well where this one is not sure."""
    large: int = Field(default=1_200, ge=64, le=100_000)
    """A picture with a side of more pixels is judged as a whole and in parts."""
    runtime: Literal["onnx", "torch"] | None = None
    """What runs the model: onnxruntime on the processor, or transformers and torch (`pip install
    'guardrails-middleware[models]'`). By default `onnx` where the folder has an ONNX file."""
    file: str | None = Field(default=None, examples=["onnx/model_quantized.onnx"])
    """The ONNX file in the folder; by default `model.onnx`, or the only one there, in it or in its folder `onnx`."""
    activation: Literal["softmax", "sigmoid", "none"] | None = None
    """What makes scores of what the model gives: `softmax` where labels exclude one another, `sigmoid` where each stands by
    itself, `none` where the model does so itself. By default what `config.json` says of the problem."""
    device: Device | None = None
    """Torch: where the model runs; by default `cpu`."""
    revision: str | None = Field(default=None, examples=["main", "a1b2c3d4e5f60718293a4b5c6d7e8f9001122334"])
    """A model of the hub: the branch, the tag or the whole commit."""
    download: bool = False
    """A model of the hub: whether it may be downloaded at load where it is not on this machine. The operator must allow it
    too: GUARDRAILS_DOWNLOAD=1."""


RUNS: Final = ("runtime", "file", "activation", "device", "revision", "download")
"""Fields of models that do not come with the package."""


Way = Literal["labels", "prompts", "boxes", "endpoint"]

WAYS: Final[Mapping[Way, str]] = {
    "labels": "classifiers with labels",
    "prompts": "models that compare pictures with texts: write prompts",
    "boxes": "networks that find parts: write boxes",
    "endpoint": "vision models behind a server: write endpoint",
}
"""The ways of telling what a picture shows, with what models of them are."""

_HERE: Final[tuple[Way, ...]] = ("labels", "prompts", "boxes")

FIELDS: Final[Mapping[str, tuple[Way, ...]]] = {
    "labels": ("labels", "boxes", "endpoint"),
    **dict.fromkeys(("prompts", "neutral", "temperature"), ("prompts",)),
    "boxes": ("boxes",),
    "second": ("labels", "prompts"),
    "runtime": ("labels",),
    "file": ("labels", "boxes"),
    "activation": ("labels", "prompts"),
    "device": ("labels", "prompts"),
    **dict.fromkeys(("large", "revision", "download"), _HERE),
    **dict.fromkeys(("form", "policies", "probabilities", "frames", "side", "max_tokens"), ("endpoint",)),
}
"""Field → the ways that it is for; the others are for all."""


def find_way(config: ImageClassifierConfig) -> Way:
    """Return how a configuration tells what pictures show."""
    if config.endpoint is not None:
        return "endpoint"
    known = find_known_model(config.model)
    if config.boxes is not None or (known is not None and known.boxes):
        return "boxes"
    return "labels" if config.prompts is None else "prompts"


def find_form(config: ImageClassifierConfig) -> VisionForm:
    """Return how the model behind an endpoint is asked."""
    from guardrails.detectors.images.vision import VISION_FORMS, find_vision_form

    return find_vision_form(config.model) if config.form is None else VISION_FORMS[config.form]


def resolve_labels(config: ImageClassifierConfig) -> LabelMeanings | None:
    """Return what the labels of a model mean, from the policy or from the table; None where neither says."""
    written = read_labels(config.labels or {})
    if find_way(config) == "endpoint":
        own = {category: (category,) for category in config.policies}
        return {**find_form(config).labels, **written, **own}
    if config.labels is not None:
        return written
    known = find_known_model(config.model)
    return None if known is None or known.prompts or known.form else known.means


def find_categories(_name: str, config: ImageClassifierConfig) -> frozenset[str]:
    """Return what the detector can find, before its model is loaded."""
    told = config.prompts if find_way(config) == "prompts" else list_categories(resolve_labels(config) or {})
    return frozenset(filter(taxonomy.is_valid, filter_categories(told or (), config.categories)))


def number_prompts(config: ImageClassifierConfig) -> dict[str, Sequence[int]]:
    """Return the columns of each category: its texts come one after the other."""
    found: dict[str, Sequence[int]] = {}
    at = 0
    for category, texts in read_labels(config.prompts or {}).items():
        if filter_categories([category], config.categories):
            found[category] = range(at, at + len(texts))
        at += len(texts)
    return found


def find_way_problems(config: ImageClassifierConfig) -> list[ConfigProblem]:
    """Return what is wrong with fields that go with the way of a configuration or do not, and with the model for that way."""
    way = find_way(config)
    problems = [
        problem
        for field, ways in FIELDS.items()
        if way not in ways
        for problem in find_unused_fields(config, (field,), " or ".join(WAYS[each] for each in ways))
    ]
    hint = "name one of the taxonomy, or 'custom.' and a name of your own"
    problems += [
        ConfigProblem("unknown_category", f"{each!r} is not a category", (field, each), hint=hint)
        for field in ("prompts", "policies")
        for each in getattr(config, field) or ()
        if not taxonomy.is_valid(each)
    ]
    return problems or [*_find_model_problems(config, way)]


def _find_model_problems(config: ImageClassifierConfig, way: Way) -> Iterator[ConfigProblem]:
    """Yield what is wrong between a model that is known and the way that it is asked in."""
    known = find_known_model(config.model)
    if way == "endpoint":
        yield from _find_endpoint_problems(config)
    elif way == "prompts" and config.activation == "none":
        message = "what compares pictures with texts gives no scores itself"
        hint = "write softmax, where texts exclude one another, or sigmoid, where each is judged by itself"
        yield ConfigProblem("unused_field", message, ("activation",), hint=hint)
    if known is None:
        return
    if way == "prompts" and known.means:
        message = f"model {config.model!r} has labels, and compares nothing with texts"
        hint = "name the folder of a CLIP or SigLIP model, such as one of openai/clip-vit-base-patch32"
        yield ConfigProblem("no_prompts", message, ("prompts",), hint=hint)
    if way == "labels" and known.prompts:
        message, hint = (
            f"model {config.model!r} compares pictures with texts",
            "write prompts: category → texts",
        )
        yield ConfigProblem("no_prompts", message, ("model",), hint=hint)
    if way != "endpoint" and known.form:
        message = f"model {config.model!r} answers in words, behind a server"
        hint = "write endpoint: the name of the server that the operator declares"
        yield ConfigProblem("missing_field", message, ("model",), hint=hint)


def _find_endpoint_problems(config: ImageClassifierConfig) -> Iterator[ConfigProblem]:
    """Yield what is wrong between a configuration and the form that it means."""
    form = find_form(config)
    if "model" not in config.model_fields_set:
        hint = "write model: the name that the server has for it"
        yield ConfigProblem(
            "missing_field", "which model the server is asked for is not said", ("endpoint",), hint=hint
        )
    if config.policies and form.policies == "none":
        message = f"form {form.name!r} judges by what the model was trained on, not by policies in words"
        yield ConfigProblem("unused_field", message, ("policies",), hint="remove it")
    if form.policies == "all" and not config.policies:
        message = f"form {form.name!r} judges by policies in words, and there are none"
        hint = "add policies: a mapping of categories to what violates them; or write form: of the model"
        yield ConfigProblem("missing_policies", message, ("model",), hint=hint)
    for label in config.labels or {}:
        if label not in form.labels:
            hint = f"it has {', '.join(form.labels)}" if form.labels else "remove it"
            message = f"{label!r} is no label of form {form.name!r}"
            yield ConfigProblem("unknown_label", message, ("labels", label), hint=hint)
    told = list_categories(resolve_labels(config) or {})
    for index, category in enumerate(config.categories or ()):
        if told and not filter_categories(told, [category]):
            message = f"{category!r} is nothing that form {form.name!r} tells"
            hint = f"it tells {', '.join(told)}"
            yield ConfigProblem("unknown_category", message, ("categories", index), hint=hint)
