"""Tensors of torch are refused with what to give in their place: no picture goes on that nobody judged."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from guardrails import Guard

CURE = r"give a tensor as an array of pixels, \[height, width, 3\]: tensor\.detach\(\)\.cpu\(\)\.numpy\(\)"


def test_a_tensor_says_what_to_give(bomb_guard: Guard) -> None:
    """It may be on another device, and in another order."""
    with pytest.raises(TypeError, match=f"cannot check a Tensor: .*{CURE}"):
        bomb_guard.check(torch.zeros(4, 4, 3))


@pytest.mark.parametrize(
    ("shape", "refused"),
    [((1, 3, 8, 8), True), ((3, 8, 8), True), ((8, 8, 3), True), ((1, 4, 8, 8), False), ((3, 768), False)],
)
def test_arguments_that_are_pictures_by_their_shape_are_refused(
    bomb_guard: Guard, shape: tuple[int, ...], *, refused: bool
) -> None:
    """Latents and vectors go on as they are."""
    wrapped: Any = bomb_guard.wrap(lambda value: type(value).__name__)
    if refused:
        with pytest.raises(TypeError, match=f"cannot check a tensor of pixels: {CURE}"):
            wrapped(torch.zeros(*shape))
    else:
        assert wrapped(torch.zeros(*shape)) == "Tensor"
