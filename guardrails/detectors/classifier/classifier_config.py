"""The configuration of `use: classifier`, what its labels mean, and which fields a model does not take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal, Protocol

from pydantic import Field

from guardrails import taxonomy
from guardrails.detectors import ConfigProblem
from guardrails.detectors.classifier.known_models import find_known_model
from guardrails.detectors.config import Config

SHIPPED_ONLY_FIELDS: Final = ("effort", "escalate_to", "sha256")
"""Fields of models in two tiers alone (with `manifest.json`)."""

SEQUENCE_ONLY_FIELDS: Final = (
    *("labels", "runtime", "file", "activation", "device", "precision", "window", "batch", "languages"),
    *("revision", "download"),
)
"""Fields of all other models alone (with `config.json`)."""

Device = Literal[
    "cpu", "cuda", "mps", "cuda:0", "cuda:1", "cuda:2", "cuda:3", "cuda:4", "cuda:5", "cuda:6", "cuda:7"
]  # fmt: skip
"""Where torch can run a model."""

LabelMeanings = Mapping[str, Sequence[str]]
"""A model's label → the categories that it tells."""


class LabelledConfig(Protocol):
    """A configuration of a classifier of any kind."""

    @property
    def model(self) -> str: ...

    @property
    def labels(self) -> dict[str, str | list[str]] | None: ...

    @property
    def categories(self) -> list[str] | None: ...


class ClassifierConfig(Config):
    """Harms, jailbreaks and injections, by a model: one that comes with the package, or any sequence classifier."""

    use: Literal["classifier"]
    """The kind of detector."""
    model: str = Field(
        default="text-safety", examples=["text-safety", "models/own", "meta-llama/Llama-Prompt-Guard-2-86M"]
    )
    """A model that comes with the package, by name; or a folder, relative to the policy or to the operator's folder
    (GUARDRAILS_MODELS); or the name of a model that lies in the Hugging Face cache of this machine. A folder holds
    `manifest.json` (one like the shipped model, with the sha256 of its files), or `config.json`, `tokenizer.json` and
    an ONNX file or safetensors."""
    sha256: str | None = Field(default=None, pattern=r"^[0-9A-Fa-f]{64}$", examples=["1a6a5450" * 8])
    """The digest of the folder's `manifest.json` (`sha256sum manifest.json`), which holds thresholds and the digests of all other
    files: a folder with another one is refused. That of a model that comes with the package is compared in any case."""
    categories: list[str] | None = Field(default=None, min_length=1, examples=[["injection", "jailbreak"]])
    """What to look for, leaves included (`sexual` is `sexual.minors` too); by default all that the model tells."""
    labels: dict[str, str | list[str]] | None = Field(
        default=None, min_length=1, examples=[{"INJECTION": "injection", "LABEL_1": ["toxic", "harassment"]}]
    )
    """What a model's labels mean: the category, or several; labels that are not named are ignored. `LABEL_1` is the second
    one, whatever it is called. Well-known models need none."""
    effort: Literal["auto", "full", "fast"] = "auto"
    """Shipped model: `auto` asks the fast tier first (0.1 to 0.3 ms a window), and the encoder (2 to 15 ms) where that is not
    sure; `full` asks both always, `fast` never the encoder."""
    escalate_to: str | None = Field(default=None, examples=["text-safety-large"])
    """Shipped model: a larger one of the same heads, which judges the windows again where a score is grey, neither low nor high:
    from 0.3 to 0.97 unless its manifest says otherwise; its score counts then. `text-safety-large` comes in a package of its own
    (`pip install guardrails-middleware-large`); another is a folder with `manifest.json`. By default none."""
    min_score: float = Field(default=0.1, ge=0, le=1)
    """The score below which nothing is reported, so that most texts have no findings at all."""
    windows: int = Field(default=400, ge=1, le=100_000)
    """Windows of one text that are judged; the rest is `unchecked: limit`. Where it is left out, the policy's
    `limits: windows` holds."""
    languages: list[str] | None = Field(default=None, min_length=1, examples=[["en", "de"]])
    """The languages that the model was validated on, by ISO 639 code; a window that is for certain in another is
    `unchecked: language`. By default what is known of a well-known model, else none is unchecked."""
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
    precision: Literal["float32", "bfloat16", "float16"] | None = None
    """Torch: what the model computes with; by default `float32`."""
    window: int | None = Field(default=None, ge=16, le=32_768)
    """Tokens that the model sees at once, special ones included; by default 512, or what it has positions for."""
    batch: int | None = Field(default=None, ge=1, le=1024)
    """Torch: windows that run at once, of all requests together; by default 16 on a device, 1 on a processor."""
    revision: str | None = Field(default=None, examples=["main", "a1b2c3d4e5f60718293a4b5c6d7e8f9001122334"])
    """A model of the hub: the branch, the tag or the whole commit."""
    download: bool = False
    """A model of the hub: whether it may be downloaded at load where it is not on this machine. The operator must allow it
    too: GUARDRAILS_DOWNLOAD=1."""


def resolve_labels(config: ClassifierConfig) -> LabelMeanings | None:
    """Return what the labels of a model mean, from the policy or from the table; None where neither says."""
    if config.labels is not None:
        return read_labels(config.labels)
    found = find_known_model(config.model)
    return None if found is None else found.labels


def read_labels(labels: Mapping[str, str | list[str]]) -> LabelMeanings:
    """Return what a policy says that labels mean."""
    return {label: (told,) if isinstance(told, str) else tuple(told) for label, told in labels.items()}


def list_categories(by: LabelMeanings) -> tuple[str, ...]:
    """Return the categories that labels tell, each once, in order."""
    return tuple(dict.fromkeys(each for categories in by.values() for each in categories))


def filter_categories(found: Iterable[str], categories: Sequence[str] | None) -> tuple[str, ...]:
    """Return those of the names that are some of these categories, or a leaf of one; all where there are none."""
    return tuple(
        each
        for each in found
        if categories is None or any(f"{each}.".startswith(f"{wanted}.") for wanted in categories)
    )


def find_label_problems(config: LabelledConfig) -> list[ConfigProblem]:
    """Return a problem for each category that labels are said to mean and that is none, and each label without any."""
    hint = "name a category, or leave the label out: those that are not named are ignored"
    without = [
        ConfigProblem("no_category", f"label {label!r} has no category", ("labels", label), hint=hint)
        for label, written in (config.labels or {}).items()
        if not written
    ]
    return without + [
        ConfigProblem(
            "unknown_category",
            f"{category!r} is not a category",
            ("labels", label) if isinstance(written, str) else ("labels", label, index),
            hint="name one of the taxonomy, or 'custom.' and a name of your own",
        )
        for label, written in (config.labels or {}).items()
        for index, category in enumerate([written] if isinstance(written, str) else written)
        if written and not taxonomy.is_valid(category)
    ]


def find_unused_fields(config: Config, fields: Iterable[str], whose: str) -> list[ConfigProblem]:
    """Return a problem for each of the fields that the policy writes; `whose` says what they are for instead."""
    return [
        ConfigProblem("unused_field", f"{field!r} is for {whose}", (field,), hint=f"remove {field!r}")
        for field in fields
        if field in config.model_fields_set
    ]
