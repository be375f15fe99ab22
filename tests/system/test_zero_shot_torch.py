"""Pictures and words on torch: a small CLIP and a small SigLIP of random weights, and what a folder can lack."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import CLIPConfig, CLIPModel, SiglipConfig, SiglipModel

from guardrails.detectors import PolicyFolder
from guardrails.detectors.binding import bind
from guardrails.detectors.images.image_classifier import KIND
from guardrails.detectors.images.image_classifier_config import ImageClassifierConfig
from guardrails.inference.media.zero_shot import ZeroShotTexts, load_zero_shot_model
from guardrails.inference.safety.folder import ModelError
from guardrails.media.images.picture import open_picture
from guardrails.types import Finding, Image

WORDS = ("<start>", "<end>", "a", "photo", "of", "knife", "tree", "dog")
TEXTS = ("a photo of a knife", "a tree", "dog")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a real CLIP model, as transformers saves one."""
    torch.manual_seed(5)
    sides = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = CLIPConfig(
        text_config={
            **sides,
            "vocab_size": len(WORDS),
            "max_position_embeddings": 12,
            "bos_token_id": 0,
            "eos_token_id": 1,
            "pad_token_id": 1,
        },
        vision_config={**sides, "image_size": 32, "patch_size": 16},
        projection_dim=8,
    )
    made = tmp_path / "clip"
    CLIPModel(config).save_pretrained(made)
    write_words(made)
    return made


@pytest.fixture
def siglip(tmp_path: Path) -> Path:
    """The folder of a real SigLIP model; SigLIP 2 of a fixed size is of the same class."""
    torch.manual_seed(6)
    sides = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = SiglipConfig(
        text_config={
            **sides,
            "vocab_size": len(WORDS),
            "max_position_embeddings": 12,
            "pad_token_id": 1,
            "projection_size": 16,
        },
        vision_config={**sides, "image_size": 32, "patch_size": 16},
    )
    model = SiglipModel(config)
    model.logit_scale.data.fill_(2.0)
    model.logit_bias.data.fill_(-1.5)
    made = tmp_path / "siglip"
    model.save_pretrained(made)
    write_words(made)
    return made


def write_words(made: Path) -> None:
    """Write a tokenizer, and how pictures are made ready, into a folder."""
    tokenizer = Tokenizer(models.WordLevel({word: at for at, word in enumerate(WORDS)}, unk_token="a"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<start> $A <end>", special_tokens=[("<start>", 0), ("<end>", 1)]
    )
    tokenizer.save(str(made / "tokenizer.json"))
    size = {"size": {"height": 32, "width": 32}, "image_mean": [0.5] * 3, "image_std": [0.25] * 3}
    (made / "preprocessor_config.json").write_text(json.dumps(size))


def reference(folder: Path, view: Any, texts: Any) -> Any:
    """Return the logits of SigLIP itself for a picture and texts, filled up to the length that it was trained with."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_padding(length=12, pad_id=1)
    ids = torch.tensor([tokenizer.encode(text).ids for text in texts])
    pixels = torch.from_numpy((view.transpose(2, 0, 1)[None] / 255 - 0.5) / 0.25).float()
    with torch.inference_mode():
        return (
            SiglipModel.from_pretrained(folder).eval()(input_ids=ids, pixel_values=pixels).logits_per_image[0]
        )


def test_siglip_judges_each_text_by_itself(siglip: Path) -> None:
    """By sigmoid, as it was trained; texts are read in small letters."""
    view = np.random.default_rng(2).integers(0, 255, (32, 32, 3), dtype=np.uint8)
    model = load_zero_shot_model(siglip, ZeroShotTexts(("A Photo of a KNIFE", "a tree", "dog")))
    [scores] = model.scores([view])
    logits = reference(siglip, view, TEXTS)
    assert model.activation == "sigmoid"
    assert scores == pytest.approx(logits.sigmoid().numpy(), abs=1e-4)


def test_siglip_can_be_read_as_clip_is_and_a_temperature_softens(siglip: Path) -> None:
    """The texts exclude one another then; logits are divided by the temperature."""
    view = np.random.default_rng(2).integers(0, 255, (32, 32, 3), dtype=np.uint8)
    logits = reference(siglip, view, TEXTS)
    [scores] = load_zero_shot_model(siglip, ZeroShotTexts(TEXTS, "softmax", 2.0)).scores([view])
    assert scores == pytest.approx((logits / 2).softmax(0).numpy(), abs=1e-4)
    [scores] = load_zero_shot_model(siglip, ZeroShotTexts(TEXTS, None, 3.0)).scores([view])
    assert scores == pytest.approx((logits / 3).sigmoid().numpy(), abs=1e-4)


def test_clip_has_no_measure_for_a_text_alone(folder: Path) -> None:
    """Only beside others."""
    with pytest.raises(ModelError) as caught:
        load_zero_shot_model(folder, ZeroShotTexts(TEXTS, "sigmoid"))
    assert caught.value.field == "activation"


def test_a_category_of_siglip_has_the_highest_of_its_texts(siglip: Path) -> None:
    """And low numbers are told, too."""
    pixels = np.random.default_rng(3).integers(0, 255, (40, 40, 3), dtype=np.uint8)
    prompts = {"custom.knife": ["a knife", "knife knife"], "weapons": "a"}
    scores = {each.category: each.score for each in found(siglip, pixels, prompts=prompts, min_score=None)}
    texts = (
        "a knife",
        "knife knife",
        "a",
        "an ordinary photo",
        "a drawing or a diagram",
        "a screenshot of a text",
    )
    [row] = load_zero_shot_model(siglip, ZeroShotTexts(texts)).scores([pixels])
    assert scores == pytest.approx({"custom.knife": max(row[:2]), "weapons": row[2]}, abs=1e-5)


def test_scores_are_those_of_the_model_itself(folder: Path) -> None:
    """Each text alone with each picture, and softmax over all texts."""
    model = load_zero_shot_model(folder, ZeroShotTexts(TEXTS))
    views = [np.random.default_rng(at).integers(0, 255, (32, 32, 3), dtype=np.uint8) for at in range(2)]
    scores = model.scores(views)
    assert model.labels == TEXTS
    assert scores.sum(axis=1) == pytest.approx([1, 1], abs=1e-5)
    clip = CLIPModel.from_pretrained(folder).eval()
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    for view, row in zip(views, scores, strict=True):
        pixels = torch.from_numpy((view.transpose(2, 0, 1)[None] / 255 - 0.5) / 0.25).float()
        with torch.inference_mode():
            logits = [
                clip(
                    input_ids=torch.tensor([tokenizer.encode(text).ids]), pixel_values=pixels
                ).logits_per_image
                for text in TEXTS
            ]
        expected = torch.cat(logits, dim=1).softmax(dim=1)[0].numpy()
        assert row == pytest.approx(expected, abs=1e-4)


def test_a_large_picture_is_judged_in_parts_too(folder: Path) -> None:
    """As by any other classifier."""
    view = np.random.default_rng(1).integers(0, 255, (100, 100, 3), dtype=np.uint8)
    assert len(load_zero_shot_model(folder, ZeroShotTexts(TEXTS, large=64)).score_parts(view)) == 5


def test_the_same_texts_are_one_model(folder: Path) -> None:
    """Others are another."""
    model = load_zero_shot_model(folder, ZeroShotTexts(TEXTS))
    assert load_zero_shot_model(folder, ZeroShotTexts(TEXTS)) is model
    assert load_zero_shot_model(folder, ZeroShotTexts(("a dog",))) is not model


@pytest.mark.parametrize(
    "gone", ["tokenizer.json", "preprocessor_config.json", "model.safetensors", "config.json"]
)
def test_what_is_missing_is_named(folder: Path, gone: str) -> None:
    """At load."""
    (folder / gone).unlink()
    with pytest.raises(ModelError):
        load_zero_shot_model(folder, ZeroShotTexts(TEXTS))


def test_a_model_of_another_kind_is_refused(folder: Path) -> None:
    """One that compares nothing."""
    from transformers import ViTConfig, ViTModel

    sides = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    (folder / "model.safetensors").unlink()
    ViTModel(ViTConfig(image_size=32, patch_size=16, **sides)).save_pretrained(folder)
    with pytest.raises(ModelError, match="as CLIP does"):
        load_zero_shot_model(folder, ZeroShotTexts(TEXTS))


def found(folder: Path, pixels: Any, **fields: Any) -> list[Finding]:
    """Return what a detector with prompts finds."""
    config = ImageClassifierConfig.model_validate(
        {"use": "image_classifier", "model": folder.name, "min_score": 0, **fields}
    )
    [detection] = bind("d", KIND, config, PolicyFolder(folder.parent)).detector.detect(
        [Image(source=open_picture(pixels))]
    )
    return list(detection.findings)


def test_a_policy_can_say_in_words_what_pictures_show(folder: Path) -> None:
    """A category is as likely as all its texts together, beside those of others and the neutral ones."""
    pixels = np.random.default_rng(3).integers(0, 255, (40, 40, 3), dtype=np.uint8)
    fields: dict[str, Any] = {
        "prompts": {"custom.knife": ["a knife", "knife knife"], "custom.other": "a"},
        "neutral": ["a a", "a a a"],
    }
    scores = {each.category: each.score for each in found(folder, pixels, **fields)}
    [row] = load_zero_shot_model(
        folder, ZeroShotTexts(("a knife", "knife knife", "a", "a a", "a a a"))
    ).scores([pixels])
    assert scores == pytest.approx({"custom.knife": row[0] + row[1], "custom.other": row[2]}, abs=1e-5)
    some = found(folder, pixels, categories=["custom.other"], **fields)
    assert [each.category for each in some] == ["custom.other"]
