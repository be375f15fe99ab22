"""What a policy says of a classifier of pictures: which categories that gives, before any model is loaded."""

from __future__ import annotations

import json
from typing import Any

from guardrails import taxonomy
from guardrails.detectors.images.image_classifier_config import (
    ImageClassifierConfig,
    find_categories,
    find_way_problems,
    number_prompts,
    resolve_labels,
)
from guardrails.detectors.images.known_image_models import KNOWN_IMAGE_MODELS
from tests.cases import each_case

PROMPTS = {"custom.knife": ["a knife", "a blade"], "custom.tree": "a tree"}


def config(**fields: Any) -> ImageClassifierConfig:
    """Return a configuration."""
    return ImageClassifierConfig.model_validate({"use": "image_classifier", **fields})


@each_case(
    ("fields", "given"),
    [
        ({}, {"sexual.explicit", "sexual.suggestive"}),
        ({"categories": ["sexual"]}, {"sexual.explicit", "sexual.suggestive"}),
        ({"categories": ["sexual.explicit"]}, {"sexual.explicit"}),
        ({"categories": ["violence"]}, set()),
        ({"labels": {"Sexy": "custom.sexy"}}, {"custom.sexy"}),
        ({"model": "models/own"}, set()),
        (
            {"model": "models/own", "labels": {"a": ["hate", "custom.a"], "b": "nothing"}},
            {"hate", "custom.a"},
        ),
        ({"model": "Falconsai/nsfw_image_detection"}, {"sexual"}),
        ({"model": "models/clip", "prompts": PROMPTS}, {"custom.knife", "custom.tree"}),
        ({"model": "models/clip", "prompts": PROMPTS, "categories": ["custom.tree"]}, {"custom.tree"}),
        ({"model": "models/clip", "prompts": {"nothing": "a"}}, set()),
    ],
)
def test_what_a_detector_can_find_is_known_before_it_is_built(
    fields: dict[str, Any], given: set[str]
) -> None:
    """So that a rule on anything else is an error at load."""
    assert find_categories("d", config(**fields)) == given


def test_models_that_come_with_the_package_are_whole() -> None:
    """What their labels mean is a table, and they have these labels."""
    for known in KNOWN_IMAGE_MODELS.values():
        if known.folder is not None:
            named = json.loads((known.folder / "config.json").read_text())["id2label"]
            assert tuple(named[str(at)] for at in range(len(named))) == known.labels
            assert {*known.means} <= {*known.labels}


def test_what_labels_mean_are_categories() -> None:
    """Of every model whose labels are known."""
    for name, known in KNOWN_IMAGE_MODELS.items():
        by = resolve_labels(config(model=name))
        assert (by is None) == (known.prompts or bool(known.form))
        assert all(taxonomy.is_valid(each) for told in (by or {}).values() for each in told)
    assert resolve_labels(config(model="models/own")) is None


def test_the_texts_of_a_category_are_columns_one_after_the_other() -> None:
    """Also where only some of them are wanted."""
    of = config(model="models/clip", prompts=PROMPTS)
    assert {name: [*at] for name, at in number_prompts(of).items()} == {
        "custom.knife": [0, 1],
        "custom.tree": [2],
    }
    some = config(model="models/clip", prompts=PROMPTS, categories=["custom.tree"])
    assert {name: [*at] for name, at in number_prompts(some).items()} == {"custom.tree": [2]}


@each_case(
    ("fields", "codes"),
    [
        ({}, []),
        ({"neutral": ["a photo"]}, ["unused_field"]),
        ({"prompts": PROMPTS}, ["no_prompts"]),
        ({"prompts": PROMPTS, "model": "models/clip", "neutral": ["a photo"]}, []),
        ({"prompts": {"knife": "a"}, "model": "models/clip", "labels": {"a": "hate"}}, ["unused_field", "unknown_category"]),
    ],
)  # fmt: skip
def test_fields_that_do_not_go_together_are_named(fields: dict[str, Any], codes: list[str]) -> None:
    """Each with its code."""
    assert [problem.code for problem in find_way_problems(config(**fields))] == codes
