"""Frames that are tensors of torch, as pipelines with `output_type="pt"` return and generators of frames yield them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import numpy as np
import pytest
import torch

from guardrails import Blocked, Guard
from tests.films import SQUARE, green, scene

POLICY = """
detectors: {green: {use: green_square}}
rules: [{id: green, on: output, when: custom.green_square > 0.5, then: %s}]
"""
X, Y, WIDE, HIGH = SQUARE


class Output:
    """What a pipeline of diffusers returns."""

    def __init__(self, frames: Any) -> None:
        self.frames = frames


Output.__module__ = "diffusers.pipelines.animatediff.pipeline_output"


def tensor(frames: list[Any], dtype: torch.dtype) -> torch.Tensor:
    """Return frames as [frames, channels, height, width]."""
    made = torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2)
    return made if dtype == torch.uint8 else (made / 255).to(dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.uint8], ids=str)
@pytest.mark.parametrize("batch", [True, False])
def test_tensors_are_judged_as_films(guard_of: Callable[..., Guard], dtype: torch.dtype, batch: bool) -> None:
    """Blocked, or covered in the same shape and type with all other frames as they were, or the same object."""
    found = tensor([*chain(scene(24), green(8), scene(24, 2))], dtype)
    clean = Output(tensor([*scene(24)], dtype)[None] if batch else tensor([*scene(24)], dtype))
    output = Output(found[None] if batch else found)
    with pytest.raises(Blocked):
        guard_of(POLICY % "block").wrap(lambda: output)()
    assert guard_of(POLICY % "block").wrap(lambda: clean)() is clean
    made = guard_of(POLICY % "redact").wrap(lambda: output)()
    assert (made.frames.shape, made.frames.dtype) == (output.frames.shape, output.frames.dtype)
    frames = made.frames[0] if batch else made.frames
    changed = [at for at in range(len(found)) if not torch.equal(frames[at], found[at])]
    assert changed == [*range(20, 36)]
    assert not frames[25][:, Y : Y + HIGH, X : X + WIDE].any()


def test_tensors_come_one_after_the_other(guard_of: Callable[..., Guard]) -> None:
    """The same ones; none of those in which something is found."""
    frames = [*tensor([*chain(scene(24), green(8))], torch.float32)]

    def made() -> Iterator[torch.Tensor]:
        yield from frames

    came: list[torch.Tensor] = []

    def taken() -> None:
        came.extend(guard_of(POLICY % "block").wrap(made, fps=8)())

    with pytest.raises(Blocked):
        taken()
    assert all(new is old for new, old in zip(came, frames, strict=False))
    assert 8 <= len(came) <= 24
