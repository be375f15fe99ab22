"""A table of well-known models of pictures: what their labels mean, their licence, and how good they are by whose account.

Licences and figures are those of the models' own pages and papers, which are named; none of them was measured here, and nothing
of a model but the shipped one comes with this package. Whoever uses one keeps to its licence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from guardrails.detectors.classifier.classifier_config import LabelMeanings

Commerce = Literal["yes", "conditions", "no"]
"""Whether a licence allows commercial use: with no more than a notice, under conditions, or not."""


@dataclass(frozen=True, slots=True)
class KnownImageModel:
    """What is known of a model.

    Attributes:
        means: label → categories; empty where a policy says in words what to look for (`prompts`).
        folder: where it comes with the package.
        labels: all labels, where the model's own files do not have them.
        licence: of its weights.
        commerce: whether that allows commercial use.
        figures: how good it is, as its authors say.
        source: where licence and figures are from.
        boxes: it finds parts with their boxes.
        prompts: it compares pictures with texts.
        form: how it is asked behind an endpoint.
    """

    means: LabelMeanings = field(default_factory=dict)
    folder: Path | None = None
    labels: tuple[str, ...] = ()
    licence: str = ""
    commerce: Commerce = "yes"
    figures: str = "none published"
    source: str = ""
    boxes: bool = False
    prompts: bool = False
    form: str = ""


NUDENET: Final = (
    "FEMALE_GENITALIA_COVERED",
    "FACE_FEMALE",
    "BUTTOCKS_EXPOSED",
    "FEMALE_BREAST_EXPOSED",
    "FEMALE_GENITALIA_EXPOSED",
    "MALE_BREAST_EXPOSED",
    "ANUS_EXPOSED",
    "FEET_EXPOSED",
    "BELLY_COVERED",
    "FEET_COVERED",
    "ARMPITS_COVERED",
    "ARMPITS_EXPOSED",
    "FACE_MALE",
    "BELLY_EXPOSED",
    "MALE_GENITALIA_EXPOSED",
    "ANUS_COVERED",
    "FEMALE_BREAST_COVERED",
    "BUTTOCKS_COVERED",
)
"""The labels of NudeNet 3, in the order of its output."""

EXPOSED: Final = (
    "BUTTOCKS_EXPOSED",
    "FEMALE_BREAST_EXPOSED",
    "FEMALE_GENITALIA_EXPOSED",
    "ANUS_EXPOSED",
    "MALE_GENITALIA_EXPOSED",
)
"""Those of nudity."""

_EXPLICIT: Final = ("sexual.explicit",)
_HUB: Final = "model card on Hugging Face"

KNOWN_IMAGE_MODELS: Final[Mapping[str, KnownImageModel]] = {
    "nsfw": KnownImageModel(
        {"Porn": _EXPLICIT, "Hentai": _EXPLICIT, "Sexy": ("sexual.suggestive",)},
        Path(__file__).parents[2] / "models" / "nsfw_mid",
        ("Drawing", "Hentai", "Neutral", "Porn", "Sexy"),
        licence="MIT",
        figures="accuracy 93 %",
        source="README of nsfwjs; guardrails/models/nsfw_mid/CARD.md",
    ),
    "Falconsai/nsfw_image_detection": KnownImageModel(
        {"nsfw": ("sexual",)},
        licence="Apache-2.0",
        figures="accuracy 98 % on its own 80,000 pictures",
        source=_HUB,
    ),
    "AdamCodd/vit-base-nsfw-detector": KnownImageModel(
        {"nsfw": ("sexual",)}, licence="Apache-2.0", figures="accuracy 96.5 % on its own set", source=_HUB
    ),
    "Marqo/nsfw-image-detection-384": KnownImageModel(
        {"NSFW": ("sexual",)}, licence="Apache-2.0", figures="accuracy 98.6 % on its own set", source=_HUB
    ),
    "OwenElliott/image-safety-classifier-s": KnownImageModel(
        {"NSFL": ("violence.graphic",), "NSFW": ("sexual",)},
        licence="MIT, by its metadata alone",
        source=_HUB,
    ),
    "notAI-tech/NudeNet": KnownImageModel(
        dict.fromkeys(EXPOSED, _EXPLICIT),
        labels=NUDENET,
        licence="AGPL-3.0",
        commerce="conditions",
        source="LICENSE in the package nudenet 3.4, whose metadata says MIT",
        boxes=True,
    ),
    "openai/clip-vit-base-patch32": KnownImageModel(
        licence="MIT", figures="ImageNet 63 % without training", source="arXiv 2103.00020", prompts=True
    ),
    "laion/CLIP-ViT-B-32-laion2B-s34B-b79K": KnownImageModel(
        licence="MIT", figures="ImageNet 66.6 % without training", source=_HUB, prompts=True
    ),
    "google/siglip-base-patch16-224": KnownImageModel(
        licence="Apache-2.0",
        figures="ImageNet 76 % without training",
        source="arXiv 2502.14786",
        prompts=True,
    ),
    "google/siglip2-base-patch16-224": KnownImageModel(
        licence="Apache-2.0",
        figures="ImageNet 78 % without training",
        source="arXiv 2502.14786",
        prompts=True,
    ),
    "google/shieldgemma-2-4b-it": KnownImageModel(
        licence="Gemma Terms of Use",
        commerce="conditions",
        figures="precision and recall: sexual 88 and 90 %, dangerous 96 and 92 %, violence 80 and 90 % (its own benchmark)",
        source="model card; arXiv 2504.01081",
        form="shieldgemma-2",
    ),
    "meta-llama/Llama-Guard-4-12B": KnownImageModel(
        licence="Llama 4 Community License: grants nothing to people and companies in the EU, as it reads pictures",
        commerce="conditions",
        figures="recall 41 % at 9 % false alarms on single pictures (its own set)",
        source="model card",
        form="llama-guard-4",
    ),
    "AIML-TUDA/LlavaGuard-v1.2-7B-OV": KnownImageModel(
        licence="none named; for research, as its page says",
        commerce="no",
        figures="precision and recall by ShieldGemma 2: sexual 48 and 93 %, dangerous 68 and 47 %, violence 37 and 100 %",
        source="model card; arXiv 2504.01081",
        form="llavaguard",
    ),
}
"""Models by name; those with a folder come with the package."""


def find_known_model(name: str) -> KnownImageModel | None:
    """Return what is known of a model by its name, or by that of its folder: `models/NudeNet` is one of `notAI-tech/NudeNet`."""
    if name in KNOWN_IMAGE_MODELS:
        return KNOWN_IMAGE_MODELS[name]
    last = name.rstrip("/").rpartition("/")[2].casefold()
    named = (
        of
        for each, of in KNOWN_IMAGE_MODELS.items()
        if "/" in each and each.rpartition("/")[2].casefold() == last
    )
    return next(named, None)
