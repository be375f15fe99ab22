"""Forms of vision models by the names of models."""

from __future__ import annotations

from typing import get_args

from guardrails.detectors.images.image_classifier_config import ImageClassifierConfig
from guardrails.detectors.images.known_image_models import KNOWN_IMAGE_MODELS
from guardrails.detectors.images.vision import VISION_FORMS, find_vision_form
from tests.cases import each_case


@each_case(
    ("model", "form"),
    [
        ("meta-llama/Llama-Guard-4-12B", "llama-guard-4"),
        ("llama-guard4", "llama-guard-4"),
        ("meta-llama/Llama-Guard-3-11B-Vision", "described"),
        ("google/shieldgemma-2-4b-it", "shieldgemma-2"),
        ("google/shieldgemma-2b", "described"),
        ("AIML-TUDA/LlavaGuard-v1.2-0.5B-OV", "llavaguard"),
        ("gpt-4o", "described"),
        ("Qwen/Qwen3-VL-8B-Instruct", "described"),
    ],
)
def test_a_name_tells_how_a_model_is_asked(model: str, form: str) -> None:
    """A name that tells nothing is that of any vision model, which judges by policies in words."""
    assert find_vision_form(model).name == form


def test_the_forms_of_the_field_are_those_of_the_table() -> None:
    """And those that known models are asked in."""
    field = ImageClassifierConfig.model_fields["form"].annotation
    assert {*get_args(get_args(field)[0])} == {*VISION_FORMS}
    for name, known in KNOWN_IMAGE_MODELS.items():
        if known.form:
            assert find_vision_form(name).name == known.form
