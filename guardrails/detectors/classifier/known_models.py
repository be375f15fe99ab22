"""A table of well-known classifiers: what their labels mean, their licence and their languages.

Labels are as `config.json` has them (`LABEL_1`: the second). Licences are those of the models' own pages: whoever uses a
model keeps to its licence, nothing of one comes with this package.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class KnownModel:
    """What is known of a model: label → categories, its licence, and the languages it was made for (none: not said)."""

    labels: Mapping[str, tuple[str, ...]]
    licence: str
    languages: frozenset[str] = field(default=frozenset())


_ATTACK: Final = ("jailbreak", "injection")
_ENGLISH: Final = frozenset({"en"})
_EIGHT: Final = frozenset({"en", "fr", "de", "hi", "it", "pt", "es", "th"})
_SEE: Final = "see the model's page"

KNOWN_MODELS: Final[Mapping[str, KnownModel]] = {
    "meta-llama/Llama-Prompt-Guard-2-86M": KnownModel(
        {"LABEL_1": _ATTACK}, "Llama 4 Community License", _EIGHT
    ),
    "meta-llama/Llama-Prompt-Guard-2-22M": KnownModel(
        {"LABEL_1": _ATTACK}, "Llama 4 Community License", _ENGLISH
    ),
    "meta-llama/Prompt-Guard-86M": KnownModel(
        {"INJECTION": ("injection",), "JAILBREAK": ("jailbreak",)}, "Llama 3.1 Community License", _EIGHT
    ),
    "protectai/deberta-v3-base-prompt-injection-v2": KnownModel(
        {"INJECTION": ("injection",)}, "Apache-2.0", _ENGLISH
    ),
    "protectai/deberta-v3-base-prompt-injection": KnownModel(
        {"INJECTION": ("injection",)}, "Apache-2.0", _ENGLISH
    ),
    "deepset/deberta-v3-base-injection": KnownModel(
        {"INJECTION": ("injection",)}, "MIT", frozenset({"en", "de"})
    ),
    "qualifire/prompt-injection-sentinel": KnownModel({"jailbreak": _ATTACK}, _SEE, _ENGLISH),
    "jackhhao/jailbreak-classifier": KnownModel({"jailbreak": ("jailbreak",)}, "Apache-2.0", _ENGLISH),
    "madhurjindal/Jailbreak-Detector": KnownModel({"jailbreak": ("jailbreak",)}, _SEE),
    "unitary/toxic-bert": KnownModel(
        {
            "toxic": ("toxic",),
            "severe_toxic": ("toxic",),
            "obscene": ("profanity",),
            "threat": ("harassment.threatening",),
            "insult": ("harassment",),
            "identity_hate": ("hate",),
        },
        "Apache-2.0",
        _ENGLISH,
    ),
    "unitary/unbiased-toxic-roberta": KnownModel(
        {
            "toxicity": ("toxic",),
            "severe_toxicity": ("toxic",),
            "obscene": ("profanity",),
            "identity_attack": ("hate",),
            "insult": ("harassment",),
            "threat": ("harassment.threatening",),
            "sexual_explicit": ("sexual",),
        },
        "Apache-2.0",
        _ENGLISH,
    ),
    "ibm-granite/granite-guardian-hap-38m": KnownModel({"LABEL_1": ("toxic",)}, "Apache-2.0", _ENGLISH),
    "ibm-granite/granite-guardian-hap-125m": KnownModel({"LABEL_1": ("toxic",)}, "Apache-2.0", _ENGLISH),
    "s-nlp/roberta_toxicity_classifier": KnownModel({"toxic": ("toxic",)}, "OpenRAIL++", _ENGLISH),
    "textdetox/xlmr-base-toxicity-classifier": KnownModel({"toxic": ("toxic",)}, _SEE),
    "facebook/roberta-hate-speech-dynabench-r4-target": KnownModel({"hate": ("hate",)}, _SEE, _ENGLISH),
    "KoalaAI/Text-Moderation": KnownModel(
        {
            "S": ("sexual",),
            "S3": ("sexual.minors",),
            "H": ("hate",),
            "H2": ("hate.threatening",),
            "V": ("violence",),
            "V2": ("violence.graphic",),
            "HR": ("harassment",),
            "SH": ("self_harm",),
        },
        _SEE,
        _ENGLISH,
    ),
    "eliasalbouzidi/distilbert-nsfw-text-classifier": KnownModel(
        {"nsfw": ("sexual",)}, "Apache-2.0", _ENGLISH
    ),
    "michellejieli/NSFW_text_classifier": KnownModel({"NSFW": ("sexual",)}, _SEE, _ENGLISH),
}
"""A model's name on the hub → what is known of it."""

_BY_NAME: Final = {each.casefold(): name for name in KNOWN_MODELS for each in (name, name.rpartition("/")[2])}


def find_known_model(model: str) -> KnownModel | None:
    """Return what is known of a model, by its name on the hub or by a folder that ends in it, or in its last part."""
    parts = [part for part in model.replace("\\", "/").split("/") if part]
    for name in ("/".join(parts[-2:]), parts[-1] if parts else ""):
        if (found := _BY_NAME.get(name.casefold())) is not None:
            return KNOWN_MODELS[found]
    return None
