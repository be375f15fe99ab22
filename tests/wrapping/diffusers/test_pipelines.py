"""How a pipeline is wrapped whole, without the library."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from guardrails import Blocked, Guard
from tests.cases import each_case
from tests.wrapping.diffusers.fake_pipeline import SIDE, Other, Pictures, PicturesOutput, draw

POLICY = """
detectors:
  green: {use: green_square}
  words: {use: terms, terms: [zqxbomb], category: custom.bad}
rules:
  - {id: green, on: [input, output], when: custom.green_square > 0.5, then: block}
  - {id: words, on: input, when: 'custom.bad > 0 && content.asks_for in ["picture", "absence"]', then: block}
"""


@pytest.fixture(scope="module")
def judging(guard_of: Callable[..., Guard]) -> Guard:
    """A guard that blocks green squares, and words in what a generator is asked for."""
    return guard_of(POLICY)


def test_it_is_one_of_the_same_class_whatever_it_goes_through(judging: Guard) -> None:
    """What gives the pipeline itself, its copies and what its class makes are guarded; it is not pickled, and the original is as
    it was.
    """
    pipeline = Pictures(draw())
    wrapped = judging.wrap(pipeline)
    assert isinstance(wrapped, Pictures)
    assert type(wrapped).__name__ == "Pictures"
    assert wrapped.components == pipeline.components
    for each in (
        wrapped,
        wrapped.to("cpu"),
        copy.copy(wrapped),
        copy.deepcopy(wrapped),
        wrapped.from_pipe(wrapped),
    ):
        assert each("a house").images
        with pytest.raises(Blocked):
            each("a zqxbomb")
    with pytest.raises(TypeError, match="by from_pipe: it would not be guarded"):
        Other.from_pipe(wrapped)
    with pytest.raises(TypeError, match="wrap it where it arrives"):
        pickle.dumps(wrapped)
    assert pipeline("a zqxbomb").images


def test_what_cannot_be_wrapped(judging: Guard) -> None:
    """A wrapped one, and one whose answers are to stand elsewhere."""
    with pytest.raises(TypeError, match="wrapped already"):
        judging.wrap(judging.wrap(Pictures()))
    with pytest.raises(ValueError, match="stands at output"):
        judging.wrap(Pictures(), output="retrieval")


@each_case("form", ["pil", "np"])
def test_a_block_is_answered_in_the_pipelines_own_shape(judging: Guard, form: str) -> None:
    """Black pictures that are flagged, of what was made and of what was not."""
    pipeline = Pictures(draw(), draw(green=True))
    wrapped = judging.wrap(pipeline, on_block="answer")
    made = wrapped("two houses", output_type=form)
    assert type(made) is PicturesOutput
    assert made.nsfw_content_detected == made["nsfw_content_detected"] == [False, True]
    assert [np.asarray(each).max() > 0 for each in made.images] == [True, False]
    assert wrapped("two houses", output_type=form, return_dict=False)[1] == [False, True]
    count = len(pipeline.asked)
    refused = wrapped(["a", "a zqxbomb"], output_type=form, num_images_per_prompt=2)
    assert (len(pipeline.asked), type(refused)) == (count, PicturesOutput)
    assert refused.nsfw_content_detected == [True] * 4
    assert {np.shape(each) for each in refused.images} == {(SIDE, SIDE, 3)}
    shown, flags = wrapped("a zqxbomb", return_dict=False, height=16, width=24)
    assert (shown[0].size, flags) == ((24, 16), [True])


def test_latents_are_refused_before_the_work(judging: Guard) -> None:
    """Unless the policy lets them pass."""
    pipeline = Pictures(draw())
    for asked in ({"output_type": "latent"}, {"prompt_embeds": [0.5]}):
        with pytest.raises(Blocked, match=next(iter(asked))):
            judging.wrap(pipeline)("a house", **asked)
    assert pipeline.asked == []
    assert judging.wrap(pipeline, on_block="answer")(
        "a house", output_type="latent"
    ).nsfw_content_detected == [True]


def test_calls_are_called_as_the_pipeline_is(judging: Guard) -> None:
    """By position or name; every prompt is judged, and a picture that is sent."""
    pipeline = Pictures(draw())
    wrapped = judging.wrap(pipeline)
    wrapped("a house", None, "blood")
    assert pipeline.asked[-1] == ("a house", "blood", None)
    sent: list[dict[str, Any]] = [
        {"prompt": "a", "prompt_2": "zqxbomb"},
        {"prompt": "a", "negative_prompt": "zqxbomb"},
        {"prompt": "a", "image": draw(green=True)},
        {"prompt": "a", "image": np.stack([draw(), draw(green=True)])},
    ]
    for asked in sent:
        with pytest.raises(Blocked):
            wrapped(**asked)
    assert wrapped("a", image=np.stack([draw(), draw()])).images
    with pytest.raises(TypeError, match="does not take: prompt"):
        wrapped("a", prompt="b")
