"""What a pipeline makes."""

from __future__ import annotations

import numpy as np
from PIL import Image as Pillow

from guardrails.wrapping.diffusers.outputs import black, find_output, makes_films, with_fields
from tests.wrapping.diffusers.fake_pipeline import Other, Pictures, PicturesOutput, draw


def test_the_output_is_the_one_that_the_module_knows() -> None:
    """Pictures here; a class that is not called has none."""
    assert find_output(Pictures) is PicturesOutput
    assert find_output(Other) is None
    assert not makes_films(PicturesOutput)
    assert not makes_films(None)


def test_black_is_of_the_same_kind() -> None:
    """Of Pillow, and of arrays in their type."""
    assert black(Pillow.new("L", (4, 5), 9)).getextrema() == (0, 0)
    assert black(draw()[None].astype(np.float16)).dtype == np.float16


def test_an_output_with_other_fields_is_another_one() -> None:
    """The fields are there by both ways to them."""
    before = PicturesOutput([1])
    made = with_fields(before, {"images": [2]})
    assert (before.images, made.images, made["images"]) == ([1], [2], [2])
