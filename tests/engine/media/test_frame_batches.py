"""Pictures and frames that a function returned or yields."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from guardrails import Guard
from guardrails.engine.media.frame_batches import (
    FrameWindow,
    build_film,
    find_films,
    frames_of_film,
    is_frame,
)
from guardrails.media.errors import MediaError
from guardrails.policy.compiled import CompiledPolicy
from guardrails.policy.schema import FilmsDoc
from guardrails.types import Stage
from tests.cases import each_case

POLICY = """
detectors: {green: {use: green_square}}
rules: [{id: green, on: output, when: custom.green_square > 0.5, then: redact}]
"""


def pixels(value: int = 9) -> Any:
    """Return one frame."""
    return np.full((8, 12, 3), value, np.uint8)


@each_case(
    ("value", "counts"),
    [
        ([pixels(), pixels()], [2]),
        ((pixels(),), [1]),
        ([Image.fromarray(pixels())] * 3, [3]),
        ([[pixels()], [pixels()] * 2], [1, 2]),
        (np.stack([pixels()] * 4), [4]),
        (np.zeros((2, 3, 8, 12, 3), np.float32), [3, 3]),
        ([np.stack([pixels()] * 4), np.stack([pixels()] * 2)], [4, 2]),
    ],
    ids=["list", "tuple", "pillow", "lists", "array", "batch", "arrays"],
)
def test_films_are_found_in_every_shape_that_pipelines_have(value: Any, counts: list[int]) -> None:
    """And put together again as they were."""
    found = find_films(value)
    assert found is not None
    films, put = found
    assert [len(each) for each in films] == counts
    again = put(films)
    assert type(again) is type(value)
    assert np.array_equal(np.asarray(again[0]), np.asarray(value[0]))


@each_case(
    "value",
    [
        "text",
        [],
        [pixels(), "text"],
        [[pixels()], "text"],
        [[[pixels()]], []],
        np.zeros((1,) * 6),
        pixels(),
        None,
    ],
)
def test_what_is_no_film_is_none(value: Any) -> None:
    """A frame by itself neither, and frames with something else between them."""
    assert find_films(value) is None


def test_a_frame_is_one_picture() -> None:
    """Neither several nor a text."""
    assert all(map(is_frame, (pixels(), pixels()[..., 0], Image.fromarray(pixels()))))
    assert not any(map(is_frame, (np.stack([pixels()]), "text", b"bytes", [pixels()], 1.0)))


def test_frames_that_nothing_is_done_to_are_handed_on_themselves(guard_of: Callable[..., Guard]) -> None:
    """And what cannot be judged is named, and does not pass."""
    guard = guard_of(POLICY)
    frames = [pixels(at) for at in range(4)]
    film = build_film(frames, 8, Stage.OUTPUT, guard.pipeline.policies)
    assert frames_of_film(frames, film, guard.check(film, "output")) is frames
    broken = build_film([np.full((4, 4, 3), np.nan)], 8, Stage.OUTPUT, guard.pipeline.policies)
    assert isinstance(broken.source, MediaError)
    assert guard.check(broken, "output").blocked


@given(count=st.integers(0, 40), fps=st.floats(0.5, 12), more=st.integers(1, 4))
def test_each_frame_goes_out_once_and_in_order(count: int, fps: float, more: int) -> None:
    """When so many before and after it were judged with it, or all there are; and no later than that."""
    policy = CompiledPolicy.__new__(CompiledPolicy)
    object.__setattr__(policy, "films", FilmsDoc(of=more))
    window = FrameWindow(fps, [policy])
    out: list[int] = []

    def passed(known: list[Any] | None) -> None:
        if known is not None:
            first, last = (int(known[at][0, 0, 0]) for at in (0, -1))
            gone = [int(frame[0, 0, 0]) for frame in window.passed(known)]
            assert first <= max(0, gone[0] - window.around)
            assert last >= min(count - 1, gone[-1] + window.around)
            out.extend(gone)

    for at in range(count):
        passed(window.feed(np.full((1, 1, 3), at, np.uint8)))
        assert at + 1 - len(out) < 2 * window.around
    passed(window.rest())
    assert out == [*range(count)]
    assert window.around >= max(more, fps)


def test_a_stream_of_frames_has_nothing_else_in_it() -> None:
    """As nobody would have judged it."""
    with pytest.raises(TypeError, match="cannot check a str among frames"):
        FrameWindow(8, []).feed("text")
