"""Classifiers of pictures on torch: a folder that the transformers library saved scores as the library scores."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import ViTConfig, ViTForImageClassification, ViTImageProcessor

from guardrails.inference.media.picture_model import PictureOptions, load_picture_model
from guardrails.inference.safety.folder import ModelError


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model with random weights, of three labels."""
    torch.manual_seed(3)
    of = ViTConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        image_size=32,
        patch_size=8,
        id2label={0: "normal", 1: "nsfw", 2: "other"},
    )
    place = tmp_path_factory.mktemp("vit")
    ViTForImageClassification(of).save_pretrained(place, safe_serialization=True)
    processor = ViTImageProcessor(size={"height": 32, "width": 32}, image_mean=[0.5] * 3, image_std=[0.5] * 3)
    processor.save_pretrained(place)
    return place


def test_scores_are_those_of_the_library(folder: Path) -> None:
    """For pictures that need not be resized, as libraries differ there."""
    views = [np.random.default_rng(seed).integers(0, 256, (32, 32, 3), dtype=np.uint8) for seed in range(3)]
    model = load_picture_model(folder)
    found = model.scores(views)
    library = ViTForImageClassification.from_pretrained(folder).eval()
    pixels = torch.from_numpy(np.stack(views)).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        wanted = library((pixels - 0.5) / 0.5).logits.softmax(-1).numpy()
    assert model.labels == ("normal", "nsfw", "other")
    assert found == pytest.approx(wanted, abs=1e-5)


def test_a_device_that_is_not_there_is_named(folder: Path) -> None:
    """By its field."""
    with pytest.raises(ModelError, match="device 'meta-zqx'") as caught:
        load_picture_model(folder, PictureOptions(device="meta-zqx"))
    assert caught.value.field == "device"
