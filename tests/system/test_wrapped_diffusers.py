"""Pipelines of diffusers with tiny models of random weights, wrapped whole: what is asked, sent and made is judged in each form."""

from __future__ import annotations

import copy
import json
import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as Pillow
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from guardrails import Blocked, Guard

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of what the library uses of torch
    from diffusers import (
        AutoencoderKL,
        AutoPipelineForImage2Image,
        ControlNetModel,
        DDIMScheduler,
        EulerDiscreteScheduler,
        StableDiffusionControlNetPipeline,
        StableDiffusionImg2ImgPipeline,
        StableDiffusionInpaintPipeline,
        StableDiffusionPipeline,
        TextToVideoSDPipeline,
        UNet2DConditionModel,
        UNet3DConditionModel,
    )

pytestmark = pytest.mark.filterwarnings("ignore")

SIDE = 32
QUICK = {"num_inference_steps": 2, "height": SIDE, "width": SIDE}
POLICY = """
detectors:
  green: {use: green_square}
  words: {use: terms, terms: [zqxbomb], category: custom.bad}
  harm: {use: terms, terms: [zqxgore], category: violence.graphic}
rules:
  - {id: green, on: [input, output], when: custom.green_square > 0.5, then: %s}
  - {id: words, on: input, when: custom.bad > 0 || violence > 0, then: block, message: Not that.}
"""
FORMS = ("pil", "np", "pt")


def make_tokenizer(folder: Path) -> tuple[Any, int]:
    """Return a tokenizer of single letters, and how many tokens it has."""
    letters = [chr(code) for code in range(33, 127)]
    tokens = [*letters, *(f"{each}</w>" for each in letters), "<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({token: at for at, token in enumerate(tokens)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    return CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=77), len(
        tokens
    )


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The models of a pipeline of Stable Diffusion, each as small as it can be."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    tokenizer, tokens = make_tokenizer(tmp_path_factory.mktemp("clip"))
    text = CLIPTextConfig(
        vocab_size=tokens,
        hidden_size=32,
        intermediate_size=37,
        num_attention_heads=4,
        num_hidden_layers=2,
        bos_token_id=tokens - 2,
        eos_token_id=tokens - 1,
        pad_token_id=tokens - 1,
    )
    return {
        "tokenizer": tokenizer,
        "text_encoder": CLIPTextModel(text),
        "unet": make_unet(UNet2DConditionModel, "2D"),
        "vae": AutoencoderKL(
            block_out_channels=[4, 8],
            down_block_types=["DownEncoderBlock2D"] * 2,
            up_block_types=["UpDecoderBlock2D"] * 2,
            latent_channels=4,
            norm_num_groups=2,
        ),
        "scheduler": DDIMScheduler(clip_sample=False, steps_offset=1),
    }


def make_unet(kind: Any, form: str, **more: Any) -> Any:
    """Return the smallest model that removes noise."""
    return kind(
        block_out_channels=(4, 8),
        layers_per_block=1,
        sample_size=SIDE // 2,
        in_channels=4,
        out_channels=4,
        down_block_types=(f"DownBlock{form}", f"CrossAttnDownBlock{form}"),
        up_block_types=(f"CrossAttnUpBlock{form}", f"UpBlock{form}"),
        cross_attention_dim=32,
        norm_num_groups=2,
        attention_head_dim=2 if form == "2D" else 4,
        **more,
    )


@pytest.fixture(scope="module")
def made_of(parts: dict[str, Any]) -> Callable[..., Any]:
    """Return a function: a class of pipelines in, one of it with these models out."""

    def make(kind: Any, **more: Any) -> Any:
        extra = (
            {}
            if kind is TextToVideoSDPipeline
            else {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
        )
        pipeline = kind(**{**parts, **extra, **more})
        pipeline.set_progress_bar_config(disable=True)
        return pipeline

    return make


@pytest.fixture(scope="module")
def plain(made_of: Callable[..., Any]) -> Any:
    """A pipeline that makes pictures of texts."""
    return made_of(StableDiffusionPipeline)


@pytest.fixture(scope="module")
def judging(guard_of: Callable[..., Guard]) -> Callable[[str], Guard]:
    """Return a function: an action in, a guard that does that to green squares out; words are blocked."""
    return lambda action: guard_of(POLICY % action)


def paint(pipeline: Any, *, green: bool) -> Any:
    """Have a pipeline make pictures with or without a green square whatever is asked, from the second on of several."""
    decode = pipeline.vae.__class__.decode

    class Painted(type(pipeline.vae)):
        def decode(self, *args: Any, **kwargs: Any) -> Any:
            made = decode(self, *args, **kwargs)
            pixels = made[0] if isinstance(made, tuple) else made.sample
            pixels.fill_(0.5)
            if green:
                pixels[-1, :, 8:28, 8:28] = -1
                pixels[-1, 1, 8:28, 8:28] = 1
            return made

    pipeline = copy.copy(pipeline)
    pipeline.vae = copy.copy(pipeline.vae)
    pipeline.vae.__class__ = Painted
    return pipeline


def picture(*, green: bool = False) -> Any:
    """Return a picture that is sent."""
    pixels = np.full((SIDE, SIDE, 3), 200, np.uint8)
    if green:
        pixels[8:28, 8:28] = (0, 255, 0)
    return Pillow.fromarray(pixels)


def test_all_of_the_class_is_there(plain: Any, judging: Callable[[str], Guard]) -> None:
    """Components, schedulers, offloading; what gives the pipeline itself gives the guarded one."""
    wrapped = judging("block").wrap(plain)
    assert isinstance(wrapped, StableDiffusionPipeline)
    assert type(wrapped).__name__ == "StableDiffusionPipeline"
    assert wrapped.unet is plain.unet
    assert wrapped.components.keys() == plain.components.keys()
    wrapped.scheduler = EulerDiscreteScheduler.from_config(wrapped.scheduler.config)
    assert type(wrapped.scheduler) is not type(plain.scheduler)
    wrapped.enable_attention_slicing()
    assert wrapped.to("cpu") is wrapped
    for each in (wrapped, wrapped.to(torch.float32), copy.copy(wrapped), copy.deepcopy(wrapped), type(wrapped).from_pipe(plain), wrapped.from_pipe(wrapped)):  # fmt: skip
        with pytest.raises(Blocked):
            each("a zqxbomb", **QUICK)
    with pytest.raises(TypeError, match="wrap it where it arrives"):
        pickle.dumps(wrapped)
    with pytest.raises(TypeError, match="wrapped already"):
        judging("block").wrap(wrapped)
    assert plain("a zqxbomb", **QUICK).images


@pytest.mark.parametrize("other", [StableDiffusionImg2ImgPipeline, AutoPipelineForImage2Image])
def test_no_other_class_makes_an_unguarded_pipeline_of_it(
    plain: Any, judging: Callable[[str], Guard], other: Any
) -> None:
    """By `from_pipe`; it takes the components where it is given them."""
    wrapped = judging("block").wrap(plain)
    with pytest.raises(TypeError, match="by from_pipe: it would not be guarded"):
        other.from_pipe(wrapped)
    again = judging("block").wrap(
        StableDiffusionImg2ImgPipeline(**wrapped.components, requires_safety_checker=False)
    )
    with pytest.raises(Blocked):
        again("a zqxbomb", image=picture(), num_inference_steps=4)


def test_it_is_saved_as_the_other_is(plain: Any, judging: Callable[[str], Guard], tmp_path: Path) -> None:
    """Under the name of its class."""
    judging("block").wrap(plain).save_pretrained(tmp_path)
    assert json.loads((tmp_path / "model_index.json").read_text())["_class_name"] == "StableDiffusionPipeline"
    assert type(StableDiffusionPipeline.from_pretrained(tmp_path)) is StableDiffusionPipeline


@pytest.mark.parametrize("form", FORMS)
def test_pictures_of_each_form_are_judged_each(
    plain: Any, judging: Callable[[str], Guard], form: str
) -> None:
    """One of two is blocked, or covered in its form and type; nothing changes where nothing is found."""
    asked = {"prompt": "two cats", "num_images_per_prompt": 2, "output_type": form, **QUICK}
    green = paint(plain, green=True)
    with pytest.raises(Blocked):
        judging("block").wrap(green)(**asked)
    before, made = green(**asked).images, judging("redact").wrap(green)(**asked).images
    assert type(made) is type(before)
    assert getattr(made, "dtype", None) == getattr(before, "dtype", None)
    assert np.array_equal(np.asarray(made[0]), np.asarray(before[0]))
    inside = np.asarray(made[1])[..., 10:26, 10:26] if form == "pt" else np.asarray(made[1])[10:26, 10:26]
    assert inside.max() == 0
    clean = judging("redact").wrap(paint(plain, green=False))(**asked).images
    assert np.asarray(clean[0]).max() > 0


@pytest.mark.parametrize("form", FORMS)
def test_a_block_is_answered_as_the_library_does(
    plain: Any, judging: Callable[[str], Guard], form: str
) -> None:
    """A black picture, flagged: of what was made, and of what was not."""
    asked = {"num_images_per_prompt": 2, "output_type": form, **QUICK}
    wrapped = judging("block").wrap(paint(plain, green=True), on_block="answer")
    made = wrapped("two cats", **asked)
    assert type(made) is type(plain("two cats", **asked))
    assert made.nsfw_content_detected == [False, True]
    assert [bool(np.asarray(each).max() > 0) for each in made.images] == [True, False]
    images, flags = wrapped("two cats", return_dict=False, **asked)
    assert (len(images), flags) == (2, [False, True])
    refused = wrapped(["a cat", "a zqxbomb"], **asked)
    assert type(refused) is type(made)
    assert refused.nsfw_content_detected == [True] * 4
    assert {np.shape(each) for each in refused.images} == {np.shape(each) for each in made.images}
    assert np.asarray(refused.images[0]).max() == 0
    assert len(wrapped("a zqxbomb", return_dict=False, **asked)[0]) == 2


def test_prompts_and_what_is_not_to_be_seen(plain: Any, judging: Callable[[str], Guard]) -> None:
    """Each of a list is judged; a negative prompt may name what it is against, and no attack on the guard."""
    wrapped = judging("block").wrap(paint(plain, green=False))
    assert len(wrapped(["a cat", "a dog"], negative_prompt=["zqxgore", "blood"], **QUICK).images) == 2
    for asked in ({"prompt": ["a cat", "a zqxbomb"]}, {"prompt": "zqxgore"}, {"prompt": "a", "negative_prompt": "zqxbomb"}):  # fmt: skip
        with pytest.raises(Blocked):
            wrapped(**asked, **QUICK)


def test_numbers_that_nobody_can_read_are_refused_before_the_work(
    plain: Any, guard_of: Callable[..., Guard]
) -> None:
    """Latents that are wanted or sent, and embeddings of a prompt, by their names; a policy may allow them."""
    steps: list[int] = []

    def noted(_: Any, step: int, __: Any, values: dict[str, Any]) -> dict[str, Any]:
        steps.append(step)
        return values

    embedded, _ = plain.encode_prompt("a cat", "cpu", 1, False)
    wrapped = guard_of(POLICY % "block").wrap(plain)
    for asked, name in (({"prompt": "a cat", "output_type": "latent"}, "output_type='latent'"), ({"prompt_embeds": embedded}, "prompt_embeds: an embedding")):  # fmt: skip
        with pytest.raises(Blocked, match=name) as stopped:
            wrapped(callback_on_step_end=noted, **asked, **QUICK)
        assert [each.kind for each in stopped.value.verdict.coverage.unchecked] == ["latent"]
    assert steps == []
    free = guard_of(POLICY % "block" + "unchecked: {latent: allow}\n").wrap(plain)
    assert free("a cat", output_type="latent", callback_on_step_end=noted, **QUICK).images.shape[1] == 4
    assert len(steps) == 2
    assert free(prompt_embeds=embedded, negative_prompt_embeds=embedded, **QUICK).images
    noise = torch.zeros(1, 4, SIDE // 2, SIDE // 2)
    assert wrapped("a cat", latents=noise, generator=torch.manual_seed(1), **QUICK).images


def test_pictures_that_are_sent_are_judged(
    made_of: Callable[..., Any], judging: Callable[[str], Guard]
) -> None:
    """Of any form, and masks; latents in their place are refused."""
    guard = judging("block")
    change = guard.wrap(paint(made_of(StableDiffusionImg2ImgPipeline), green=False))
    forms = [
        lambda each: each,
        lambda each: [each],
        np.asarray,
        lambda each: np.asarray(each)[None],
        as_tensor,
    ]
    for form in forms:
        assert change("a cat", image=form(picture()), num_inference_steps=4).images
        with pytest.raises(Blocked):
            change("a cat", image=form(picture(green=True)), num_inference_steps=4)
    with pytest.raises(Blocked, match="image: latents"):
        change("a cat", image=torch.zeros(1, 4, SIDE // 2, SIDE // 2), num_inference_steps=4)
    paint_in = guard.wrap(paint(made_of(StableDiffusionInpaintPipeline), green=False))
    sent = {
        "image": picture(),
        "mask_image": picture().convert("L"),
        "num_inference_steps": 4,
        "height": SIDE,
        "width": SIDE,
    }
    assert paint_in("a cat", **sent).images
    with pytest.raises(Blocked):
        paint_in("a cat", **sent | {"image": picture(green=True)})


def as_tensor(each: Any) -> Any:
    """Return a picture as models take it."""
    return torch.from_numpy(np.asarray(each) / 255).permute(2, 0, 1)[None].float()


def test_controls_are_judged(
    made_of: Callable[..., Any], parts: dict[str, Any], judging: Callable[[str], Guard]
) -> None:
    """The picture that a ControlNet follows."""
    net = ControlNetModel.from_unet(parts["unet"], conditioning_embedding_out_channels=(4, 8))
    wrapped = judging("block").wrap(
        paint(made_of(StableDiffusionControlNetPipeline, controlnet=net), green=False)
    )
    assert wrapped("a cat", image=picture(), num_inference_steps=2).images
    with pytest.raises(Blocked):
        wrapped("a cat", image=picture(green=True), num_inference_steps=2)


@pytest.mark.parametrize("form", FORMS)
def test_films_are_judged(made_of: Callable[..., Any], judging: Callable[[str], Guard], form: str) -> None:
    """As films, in each form; a prompt asks for one."""
    films = made_of(TextToVideoSDPipeline, unet=make_unet(UNet3DConditionModel, "3D"))
    asked = {"prompt": "a cat", "num_frames": 4, "output_type": form, **QUICK}
    green = paint(films, green=True)
    with pytest.raises(Blocked):
        judging("block").wrap(green)(**asked)
    assert len(judging("block").wrap(paint(films, green=False), fps=4)(**asked).frames[0]) == 4
    answered = judging("block").wrap(green, on_block="answer")
    made = answered(**asked).frames
    assert np.shape(made) == np.shape(green(**asked).frames)
    assert np.asarray(made[0][3]).max() == 0
    refused = answered(**asked | {"prompt": "zqxbomb"}).frames
    assert np.shape(refused) == np.shape(made)
    assert np.asarray(refused[0][0]).max() == 0
