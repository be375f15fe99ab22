"""Prompts that generators write into their pictures are read apart from what was not to be shown, and from settings."""

from __future__ import annotations

import json
from collections.abc import Callable

from guardrails.media.metadata.generator_texts import add_json, add_parameters
from guardrails.media.metadata.written_texts import WrittenTexts

PARAMETERS = """a lighthouse at dusk, oil on canvas <lora:sea:0.8>
Negative prompt: nude, bad hands
Steps: 20, Sampler: DPM++ 2M Karras, CFG scale: 7, Seed: 1234567890, Size: 512x512, Model hash: 6ce0161689, Model: sea_v1, \
ADetailer prompt: "a face, close", Version: v1.6.0"""

GRAPH = {
    "3": {
        "class_type": "KSampler",
        "inputs": {
            "seed": 1,
            "sampler_name": "euler",
            "positive": ["6", 0],
            "negative": ["7", 0],
            "latent_image": ["5", 0],
        },
    },
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 512}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a lighthouse", "clip": ["4", 1]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "nude, blurry", "clip": ["4", 1]}},
}

WORKFLOW = {
    "nodes": [
        {
            "id": 3,
            "type": "KSampler",
            "inputs": [{"name": "positive", "link": 4}, {"name": "negative", "link": 6}],
        },
        {
            "id": 6,
            "type": "CLIPTextEncode",
            "widgets_values": ["a lighthouse"],
            "inputs": [{"name": "clip", "link": None}],
        },
        {"id": 7, "type": "CLIPTextEncode", "widgets_values": ["nude, blurry"]},
    ],
    "links": [[4, 6, 0, 3, 1, "CONDITIONING"], [6, 7, 0, 3, 2, "CONDITIONING"]],
}


def read(add: Callable[[str, str, WrittenTexts], bool], text: str) -> dict[str, tuple[str, bool]] | None:
    """Return the texts, and whether each is what was not to be shown; None where it is none of that kind."""
    texts = WrittenTexts()
    if not add("png.x", text, texts):
        return None
    return {each.text: (each.place, each.avoided) for each in texts}


def test_parameters() -> None:
    """Prompt, negative prompt and each setting by its name."""
    found = read(add_parameters, PARAMETERS)
    assert found is not None
    assert found["a lighthouse at dusk, oil on canvas <lora:sea:0.8>"] == ("png.x.prompt", False)
    assert found["nude, bad hands"] == ("png.x.negative_prompt", True)
    assert found["DPM++ 2M Karras"] == ("png.x.Sampler", False)
    assert found['"a face, close"'] == ("png.x.ADetailer prompt", False)
    assert read(add_parameters, "only words, no steps") is None


def test_what_stands_behind_settings_is_read() -> None:
    """However it is written."""
    found = read(add_parameters, "a cat\nSteps: 20, Sampler: Euler\nand one more line; with: words")
    assert found is not None
    assert "with: words" in " ".join(found)


def test_graphs_tell_what_is_not_to_be_shown() -> None:
    """By what leads to it, as a program and as people see it; a node that leads to both is shown."""
    for graph in (GRAPH, WORKFLOW):
        found = read(add_json, json.dumps(graph))
        assert found is not None
        assert (found["a lighthouse"][1], found["nude, blurry"][1]) == (False, True)
    both = {**GRAPH, "9": {"class_type": "KSampler", "inputs": {"positive": ["7", 0]}}}
    found = read(add_json, json.dumps(both))
    assert found is not None
    assert not found["nude, blurry"][1]


def test_other_mappings_and_what_is_no_json() -> None:
    """InvokeAI and NovelAI write keys; deep nesting and broken JSON are no mapping."""
    found = read(
        add_json, json.dumps({"positive_prompt": "a cat", "negative_prompt": "nude", "uc": ["bad"], "a b": 1})
    )
    assert found == {
        "a cat": ("png.x.positive_prompt", False), "nude": ("png.x.negative_prompt", True), "bad": ("png.x.uc", True),
        "a b": ("png.x", False),
    }  # fmt: skip
    assert read(add_json, "[1, 2") is None
    assert read(add_json, "plain words") is None
    assert read(add_json, "[" * 100_000 + "]" * 100_000) in (None, {})
