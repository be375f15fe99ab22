"""The configuration of `use: image_classifier`, with its categories, its columns and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

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


@dataclass(frozen=True, slots=True)
class KnownImageModel:
    """A model whose labels are known: what they mean, and, where it comes with the package, its folder and all labels."""

    means: LabelMeanings
    folder: Path | None = None
    labels: tuple[str, ...] = ()


KNOWN_IMAGE_MODELS: Final[Mapping[str, KnownImageModel]] = {
    "nsfw": KnownImageModel(
        {"Porn": ("sexual.explicit",), "Hentai": ("sexual.explicit",), "Sexy": ("sexual.suggestive",)},
        Path(__file__).parents[2] / "models" / "nsfw_mid",
        ("Drawing", "Hentai", "Neutral", "Porn", "Sexy"),
    ),
    "Falconsai/nsfw_image_detection": KnownImageModel({"nsfw": ("sexual",)}),
    "AdamCodd/vit-base-nsfw-detector": KnownImageModel({"nsfw": ("sexual",)}),
}
"""Models by name; those with a folder come with the package."""


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
    """What pictures show, by a model: the one that comes with the package, or any classifier of pictures."""

    use: Literal["image_classifier"]
    """The kind of detector."""
    model: str = Field(default="nsfw", examples=["nsfw", "models/own", "Falconsai/nsfw_image_detection"])
    """A model that comes with the package, by name; or a folder, relative to the policy or to the operator's folder
    (GUARDRAILS_MODELS); or the name of a model that lies in the Hugging Face cache of this machine. A folder holds `config.json`
    (with `id2label`), `preprocessor_config.json`, and an ONNX file or safetensors."""
    categories: list[str] | None = Field(default=None, min_length=1, examples=[["sexual.explicit"]])
    """What to look for, leaves included; by default all that the model tells."""
    labels: dict[str, str | list[str]] | None = Field(
        default=None, min_length=1, examples=[{"nsfw": "sexual", "LABEL_2": "violence.graphic"}]
    )
    """What a model's labels mean: the category, or several; labels that are not named are ignored. `LABEL_1` is the second
    one, whatever it is called. The shipped model and well-known ones need none."""
    prompts: dict[str, str | list[str]] | None = Field(
        default=None, min_length=1, examples=[{"custom.weapon": ["a photo of a gun", "a photo of a knife"]}]
    )
    """For a model that compares pictures with texts (CLIP) in place of labels: category → what pictures of it are, in words."""
    neutral: list[str] = Field(
        default=["an ordinary photo", "a drawing or a diagram", "a screenshot of a text"], min_length=1
    )
    """With `prompts`: what other pictures are, in words. The texts of all categories and these exclude one another."""
    min_score: float = Field(default=0.1, ge=0, le=1)
    """The score below which nothing is reported, so that most pictures have no findings at all."""
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


def resolve_labels(config: ImageClassifierConfig) -> LabelMeanings | None:
    """Return what the labels of a model mean, from the policy or from the table; None where neither says."""
    if config.labels is not None:
        return read_labels(config.labels)
    return KNOWN_IMAGE_MODELS[config.model].means if config.model in KNOWN_IMAGE_MODELS else None


def find_categories(_name: str, config: ImageClassifierConfig) -> frozenset[str]:
    """Return what the detector can find, before its model is loaded."""
    if config.prompts is not None:
        return frozenset(filter(taxonomy.is_valid, filter_categories(config.prompts, config.categories)))
    return frozenset(
        filter(
            taxonomy.is_valid,
            filter_categories(list_categories(resolve_labels(config) or {}), config.categories),
        )
    )


def number_prompts(config: ImageClassifierConfig) -> dict[str, Sequence[int]]:
    """Return the columns of each category: its texts come one after the other."""
    found: dict[str, Sequence[int]] = {}
    at = 0
    for category, texts in read_labels(config.prompts or {}).items():
        if filter_categories([category], config.categories):
            found[category] = range(at, at + len(texts))
        at += len(texts)
    return found


def find_prompt_problems(config: ImageClassifierConfig) -> list[ConfigProblem]:
    """Return what is wrong with prompts, and with fields that go with them or do not."""
    if config.prompts is None:
        return find_unused_fields(
            config, ("neutral",), "models that compare pictures with texts: write prompts"
        )
    problems = find_unused_fields(
        config, ("labels", "file", "activation", "runtime"), "models with labels, and this one has prompts"
    )
    hint = "name one of the taxonomy, or 'custom.' and a name of your own"
    problems += [
        ConfigProblem("unknown_category", f"{each!r} is not a category", ("prompts", each), hint=hint)
        for each in config.prompts
        if not taxonomy.is_valid(each)
    ]
    if config.model in KNOWN_IMAGE_MODELS:
        message = f"model {config.model!r} has labels, and compares nothing with texts"
        hint = "name the folder of a CLIP model, such as one of openai/clip-vit-base-patch32"
        problems.append(ConfigProblem("no_prompts", message, ("prompts",), hint=hint))
    return problems
