"""What a pipeline is called with."""

from __future__ import annotations

from typing import Any

import pytest

from guardrails.wrapping.diffusers.inputs import find_unread, name_arguments, read_prompts
from tests.cases import each_case
from tests.wrapping.diffusers.fake_pipeline import Pictures


def test_whatever_is_called_a_prompt_is_one() -> None:
    """It asks for a picture or a film, a negative one for absence; embeddings are none."""
    places = read_prompts(Pictures().__call__, "film").places
    asked = {name: places[name].place.asks_for for name in ("prompt", "prompt_2", "negative_prompt", "image")}
    assert asked == {"prompt": "film", "prompt_2": "film", "negative_prompt": "absence", "image": ""}
    assert places["prompt_embeds"].role != "prompt"


def test_arguments_have_names() -> None:
    """Those that the pipeline does not take are an error."""
    roles = read_prompts(Pictures().__call__, "picture")
    assert name_arguments(roles, ("a", "b"), {"image": 1}) == {"prompt": "a", "prompt_2": "b", "image": 1}
    with pytest.raises(TypeError, match="12 by position"):
        name_arguments(roles, (None,) * 12, {})


@each_case(
    ("given", "output_type", "names"),
    [
        ({"prompt": "a", "generator": 1}, "pil", []),
        (
            {"prompt_embeds": [0.5], "pooled_prompt_embeds": [0.5]},
            "np",
            ["prompt_embeds", "pooled_prompt_embeds"],
        ),
        ({"negative_prompt_embeds": [0.5], "prompt_embeds": None}, "pt", []),
        ({"prompt": "a"}, "latent", ["output_type"]),
    ],
)
def test_what_nobody_can_judge_is_named(given: dict[str, Any], output_type: str, names: list[str]) -> None:
    """By the argument."""
    assert [*find_unread(given, output_type)] == names
