"""Wrapped calls that make films: what a pipeline returns as frames, and frames that come one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import chain
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from guardrails import Blocked, Guard
from tests.cases import each_case
from tests.films import SQUARE, green, scene

FPS = 8
CLEAN = [*chain(scene(24), scene(24, 2))]
GREEN = [*chain(scene(24), green(8), scene(24, 2))]
FOUND = range(24, 32)
"""The frames in which something is found."""


class Output:
    """What a pipeline of diffusers returns."""

    def __init__(self, frames: Any) -> None:
        self.frames = frames


Output.__module__ = "diffusers.pipelines.animatediff.pipeline_output"


@pytest.fixture(scope="module")
def seeing(guard_of: Callable[..., Guard]) -> Callable[[str], Guard]:
    """Return a function: an action in, a guard that does that to green squares out."""
    policy = (
        "detectors:\n  green: {use: green_square}\n  words: {use: terms, terms: [badword], category: custom.bad}\n"
        "rules:\n  - {id: green, on: output, when: custom.green_square > 0.5, then: %s}\n"
        "  - {id: words, on: input, when: custom.bad > 0, then: block, message: Not that.}\n"
    )
    return lambda action: guard_of(policy % action)


def called(guard: Guard, answer: Callable[[], Any], way: str, **more: Any) -> Any:
    """Return what a wrapped function of some kind answers."""

    async def coroutine(prompt: str) -> Any:
        return answer()

    if way == "async":
        return asyncio.run(guard.wrap(coroutine, **more)("a prompt"))
    return guard.wrap(lambda prompt: answer(), **more)("a prompt")


def is_green(frame: Any) -> bool:
    """Tell whether the square is there, in a frame of any kind."""
    pixels = np.asarray(frame).astype(float)
    x, y, wide, high = SQUARE
    inside = pixels[y + 10 : y + high - 10, x + 10 : x + wide - 10].reshape(-1, 3).mean(0)
    return bool(inside[1] > 0.7 * max(1.0, pixels.max()) and inside[0] < 0.4 * pixels.max())


SHAPES: dict[str, Callable[[list[Any]], Any]] = {
    "lists": lambda frames: [[Pillow.fromarray(each) for each in frames], [Pillow.fromarray(CLEAN[0])] * 3],
    "list": lambda frames: [Pillow.fromarray(each) for each in frames],
    "array": lambda frames: np.stack([np.stack(frames), np.stack(frames)]),
    "floats": lambda frames: (np.stack([np.stack(frames)]) / 255).astype(np.float32),
    "arrays": lambda frames: [np.stack(frames)],
}
"""Frames in each shape that a pipeline may return."""


@each_case("shape", SHAPES)
@each_case("way", ["sync", "async"])
def test_frames_of_a_pipeline_are_judged_as_a_film(
    seeing: Callable[[str], Guard], shape: str, way: str
) -> None:
    """One with something in it is blocked, or has it covered with all else as it was; one without is the same object."""
    output, clean = Output(SHAPES[shape](GREEN)), Output(SHAPES[shape](CLEAN))
    with pytest.raises(Blocked) as stopped:
        called(seeing("block"), lambda: output, way)
    assert [each.clip for each in stopped.value.verdict.findings] == [(3_000, 4_000)]
    assert called(seeing("block"), lambda: clean, way) is clean
    made = called(seeing("redact"), lambda: output, way)
    assert type(made) is Output
    assert made is not output
    assert type(made.frames) is type(output.frames)
    assert np.shape(made.frames[0]) == np.shape(output.frames[0])
    before, after = (output.frames, made.frames) if shape == "list" else (output.frames[0], made.frames[0])
    changed = [
        at
        for at, (old, new) in enumerate(zip(before, after, strict=True))
        if np.any(np.asarray(old) != np.asarray(new))
    ]
    assert changed == [*range(20, 36)]  # half a second around
    assert all(is_green(before[at]) and not is_green(after[at]) for at in FOUND)
    assert {(np.asarray(each).dtype, type(each)) for each in after} == {
        (np.asarray(each).dtype, type(each)) for each in before
    }


def test_who_says_how_many_frames_a_second_there_are_gets_their_times(seeing: Callable[[str], Guard]) -> None:
    """Eight where nobody says."""
    for fps, clip in ((None, (3_000, 4_000)), (16, (1_500, 2_000))):
        verdict_of = called(seeing("flag"), lambda: Output([GREEN]), "sync", fps=fps)
        assert len(verdict_of.frames[0]) == len(GREEN)
        with pytest.raises(Blocked) as stopped:
            called(seeing("block"), lambda: Output([GREEN]), "sync", fps=fps)
        assert [each.clip for each in stopped.value.verdict.findings] == [clip]
    for fps_ in (0, -1, 2_000):
        with pytest.raises(ValueError, match="fps"):
            seeing("block").wrap(lambda: None, fps=fps_)


def test_frames_of_no_known_shape_are_refused(seeing: Callable[[str], Guard]) -> None:
    """Nothing is handed on that was not judged; frames that are no pictures are blocked."""
    with pytest.raises(TypeError, match="no known shape"):
        called(seeing("block"), lambda: Output({"a": 1}), "sync")
    with pytest.raises(Blocked):
        called(seeing("block"), lambda: Output([[np.full((4, 4, 3), np.nan)]]), "sync")
    empty = Output([[]])
    with pytest.raises(TypeError, match="no known shape"):
        called(seeing("block"), lambda: empty, "sync")


def test_lists_of_pictures_are_a_film_where_somebody_says_so(seeing: Callable[[str], Guard]) -> None:
    """With `fps`; without, each is a picture of its own, where an odd one has no others that bear it out."""
    frames = [Pillow.fromarray(each) for each in GREEN]
    with pytest.raises(Blocked) as stopped:
        called(seeing("block"), lambda: frames, "sync", fps=FPS)
    assert stopped.value.verdict.findings[0].clip == (3_000, 4_000)
    with pytest.raises(Blocked) as stopped:
        called(seeing("block"), lambda: frames, "sync")
    assert stopped.value.verdict.findings[0].clip is None
    assert called(seeing("block"), lambda: "a text", "sync", fps=FPS) == "a text"


class Source:
    """Generators of frames that count how many were asked for."""

    def __init__(self, frames: list[Any]) -> None:
        self.frames, self.made, self.closed = frames, 0, False

    def sync(self, prompt: str) -> Iterator[Any]:
        """Yield the frames."""
        try:
            for frame in self.frames:
                self.made += 1
                yield frame
        finally:
            self.closed = True

    async def later(self, prompt: str) -> AsyncIterator[Any]:
        """Yield the frames."""
        try:
            for frame in self.frames:
                self.made += 1
                yield frame
        finally:
            self.closed = True


def streamed(guard: Guard, source: Source, way: str, prompt: str = "a prompt", **more: Any) -> Any:
    """Return the frames that came, how many had been asked for as each came, and what stopped them, if anything did."""
    came: list[Any] = []
    asked: list[int] = []

    def take(frame: Any) -> None:
        came.append(frame)
        asked.append(source.made)

    async def collect() -> None:
        async for frame in guard.wrap(source.later, fps=FPS, **more)(prompt):
            take(frame)

    try:
        if way == "async":
            asyncio.run(collect())
        else:
            for frame in guard.wrap(source.sync, fps=FPS, **more)(prompt):
                take(frame)
    except Blocked as error:
        return came, asked, error
    return came, asked, None


WAYS = pytest.mark.parametrize("way", ["sync", "async"])


@WAYS
@each_case("shape", [lambda pixels: pixels, Pillow.fromarray], ids=["array", "pillow"])
def test_a_frame_goes_out_once_those_after_it_were_judged(
    seeing: Callable[[str], Guard], way: str, shape: Callable[[Any], Any]
) -> None:
    """The same objects in their order, each a second to two after it was made: not all at the end."""
    frames = [shape(each) for each in CLEAN]
    came, asked, stopped = streamed(seeing("block"), Source(frames), way)
    assert stopped is None
    assert len(came) == len(frames)
    assert all(new is old for new, old in zip(came, frames, strict=True))
    late = [made - at - 1 for at, made in enumerate(asked[:-FPS])]
    assert min(late) >= FPS
    assert max(late) < 2 * FPS


@WAYS
def test_frames_of_a_stretch_that_is_found_never_leave(seeing: Callable[[str], Guard], way: str) -> None:
    """What stood before goes out, nothing of it does, and the rest is not asked for."""
    source = Source([*GREEN, *scene(80, 3)])
    came, _, stopped = streamed(seeing("block"), source, way)
    assert isinstance(stopped, Blocked)
    assert len(came) >= FOUND.start - 2 * FPS
    assert not any(map(is_green, came))
    assert all(new is old for new, old in zip(came, source.frames, strict=False))
    assert source.made <= FOUND.stop + 2 * FPS
    assert source.closed


@WAYS
@each_case("at", [0, 1, 7, 8, 15, 16, 30, 46, 47])
def test_a_single_odd_frame_never_leaves(seeing: Callable[[str], Guard], way: str, at: int) -> None:
    """Wherever it is: at the beginning, at the end, or at the border of what is judged together."""
    frames = [*scene(48)]
    frames[at] = next(green(1))
    came, _, stopped = streamed(seeing("block"), Source(frames), way)
    assert isinstance(stopped, Blocked)
    assert not any(map(is_green, came))


@WAYS
def test_what_is_covered_is_so_before_it_leaves(seeing: Callable[[str], Guard], way: str) -> None:
    """The same frames as of the whole film: half a second around as well; all others are the same objects."""
    came, _, stopped = streamed(seeing("redact"), Source(GREEN), way)
    assert stopped is None
    changed = [at for at, (new, old) in enumerate(zip(came, GREEN, strict=True)) if new is not old]
    assert changed == [*range(20, 36)]
    assert not any(map(is_green, came))


@WAYS
def test_a_block_may_be_answered_in_kind(seeing: Callable[[str], Guard], way: str) -> None:
    """A prompt that is blocked asks for no frame."""
    source = Source(CLEAN)
    came, _, stopped = streamed(seeing("block"), source, way, "badword", on_block="answer")
    assert (came, stopped, source.made) == (["Not that."], None, 0)


@WAYS
@each_case("frames", [[], CLEAN[:1], CLEAN[:9]], ids=["none", "one", "few"])
def test_a_short_stream_comes_whole(seeing: Callable[[str], Guard], way: str, frames: list[Any]) -> None:
    """At its end."""
    came, _, stopped = streamed(seeing("block"), Source(frames), way)
    assert stopped is None
    assert [id(each) for each in came] == [id(each) for each in frames]


@WAYS
def test_what_is_no_frame_among_frames_is_refused(seeing: Callable[[str], Guard], way: str) -> None:
    """As nobody would have judged it."""
    with pytest.raises(TypeError, match="cannot check a str among frames"):
        streamed(seeing("block"), Source([CLEAN[0], None, "text"]), way)
