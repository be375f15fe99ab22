"""What a pipeline of diffusers makes: each part of it judged, and the same shape with what the policy leaves.

Where blocks are answered, a picture that is blocked is black, as the library's own safety checker makes it, and
`nsfw_content_detected` tells which ones are; so are all frames of a film.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any, Final

from guardrails.engine.content.value_reader import read_unread
from guardrails.engine.media.frame_batches import (
    FPS,
    Film,
    as_frame,
    build_film,
    find_films,
    frames_of_film,
    is_frame,
    pixels_of,
)
from guardrails.engine.values.media import is_pixels, is_tensor
from guardrails.errors import block_error
from guardrails.types import Stage, Verdict
from guardrails.wrapping.function_call import FunctionCall, Steps

FLAGS: Final = "nsfw_content_detected"
"""The field of an output that tells of each picture whether it was blocked."""

PICTURED: Final = ("images", "image", "frames")
"""Fields of outputs that are pictures, or films."""


def find_output(pipeline: type) -> Any:
    """Return the class of what a pipeline returns: the one with pictures or frames that its module knows; None: none is known."""
    call: Any = pipeline.__call__
    known = getattr(getattr(call, "__wrapped__", call), "__globals__", {})
    for value in known.values():
        is_output = isinstance(value, type) and any(
            base.__name__ == "BaseOutput" for base in value.__mro__[1:]
        )
        if is_output and {"images", "frames"} & {each.name for each in fields(value)}:
            return value
    return None


def makes_films(output: Any) -> bool:
    """Tell whether a pipeline with such an output makes films."""
    return output is not None and "frames" in {each.name for each in fields(output)}


def black(frame: Any) -> Any:
    """Return a picture of the same kind, form and type that shows nothing."""
    if is_tensor(frame):
        return frame.new_zeros(frame.shape)
    if hasattr(frame, "ndim"):
        return frame * 0
    from PIL import Image

    return Image.new(frame.mode, frame.size)


def check_output(call: FunctionCall, made: Any, output: Any, output_type: str) -> Steps:
    """Check what a pipeline returned; returns what the caller may have.

    Args:
        call: the checks of this call.
        made: what it returned: an output of the library, or a tuple of the same.
        output: the class of its outputs, None where that is not known.
        output_type: the form that was asked for; latents were judged before.
    """
    if isinstance(made, tuple):
        names: list[Any] = [each.name for each in fields(output)] if output is not None else []
        given = {(*names, *range(len(names), len(made)))[at]: value for at, value in enumerate(made)}
    else:
        given = {name: getattr(made, name) for name in made}
    new: dict[Any, Any] = {}
    stopped: list[bool] = []
    for name, value in given.items():
        if output_type == "latent" and (name in PICTURED or is_tensor(value)):
            new[name] = value
        else:
            new[name], blocked = yield from _check_part(call, name, value)
            stopped += blocked
    if any(stopped):
        new = _flagged(new, given, output, stopped)
    changes = {name: value for name, value in new.items() if value is not given.get(name)}
    if not changes:
        return made
    return tuple(new.values()) if isinstance(made, tuple) else with_fields(made, changes)


def _flagged(
    new: dict[Any, Any], given: Mapping[Any, Any], output: Any, stopped: list[bool]
) -> dict[Any, Any]:
    """Return the parts of an output with a flag for each picture that was stopped, where it has such flags."""
    if FLAGS not in given and (output is None or FLAGS not in {each.name for each in fields(output)}):
        return new
    before = given.get(FLAGS) or [False] * len(stopped)
    return new | {FLAGS: [old or now for old, now in zip(before, stopped, strict=False)]}


def with_fields(made: Any, changes: Mapping[str, Any]) -> Any:
    """Return an output with other values in fields."""
    return type(made)(
        **{each.name: changes.get(each.name, getattr(made, each.name)) for each in fields(made)}
    )


def _check_part(call: FunctionCall, name: Any, value: Any) -> Steps:
    """Check one part of an output; returns what stands in its place, and for each picture or film whether it was stopped."""
    if value is None or name == FLAGS or _says_nothing(value):
        return value, []
    if name == "frames" or (name not in PICTURED and _is_nested(value)) or getattr(value, "ndim", 0) == 5:
        if (found := find_films(value)) is not None:
            films, put = found
            return (yield from _each(call, value, films, put, _check_film))
    elif is_frame(value) and not isinstance(value, list):
        new, blocked = yield from _check_picture(call, value)
        return new, [blocked]
    elif isinstance(value, list | tuple) and all(map(is_frame, value)):
        return (yield from _each(call, value, value, type(value), _check_picture))
    elif (is_tensor(value) or is_pixels(value)) and value.ndim == 4:
        return (yield from _each(call, value, [*value], lambda made: _stack(value, made), _check_picture))
    kind = "audio" if str(name).startswith("audio") else "part"
    readable = isinstance(value, str) or (
        isinstance(value, list | tuple) and all(isinstance(each, str) for each in value)
    )
    if readable:
        return (yield from call.part(value)), []
    verdict = yield call.answer_check(read_unread(value, Stage.OUTPUT, kind))
    call.settled(verdict)
    return value, []


def _says_nothing(value: Any) -> bool:
    """Tell whether a value is a flag or a number, or a list of these."""
    return all(each is None or isinstance(each, bool | int | float) for each in _flat(value))


def _flat(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list | tuple) else (value,)


def _is_nested(value: Any) -> bool:
    return isinstance(value, list | tuple) and bool(value) and isinstance(value[0], list | tuple)


def _stack(before: Any, made: Iterable[Any]) -> Any:
    if is_tensor(before):
        import torch

        return torch.stack([*made])
    import numpy as np

    return np.stack([*made])


def _each(call: FunctionCall, value: Any, parts: Any, put: Any, check: Any) -> Steps:
    """Check each of several pictures or films; returns the value with what is left of them, and which were stopped."""
    made, stopped = [], []
    for part in parts:
        new, blocked = yield from check(call, part)
        made.append(new)
        stopped.append(blocked)
    same = all(new is old for new, old in zip(made, parts, strict=True))
    return (value if same else put(made)), stopped


def _check_picture(call: FunctionCall, picture: Any) -> Steps:
    verdict: Verdict = yield call.answer_check(pixels_of(picture))
    if _is_stopped(call, verdict):
        return black(picture), True
    new = call.kept(picture, verdict)
    return (picture if new is picture else as_frame(picture, new)), False


def _check_film(call: FunctionCall, frames: Film) -> Steps:
    if not frames:
        return frames, False
    film = build_film(frames, call.fps or FPS, Stage.OUTPUT, call.terms.guard.pipeline.policies)
    verdict = yield call.answer_check(film)
    if _is_stopped(call, verdict):
        return [*map(black, frames)], True
    return frames_of_film(frames, film, verdict), False


def _is_stopped(call: FunctionCall, verdict: Verdict) -> bool:
    """Tell whether a part is blocked; raises `Blocked` where blocks are not answered, or it could not be checked."""
    if not verdict.blocked:
        return False
    if not call.terms.answers or verdict.unavailable is not None:
        raise block_error(verdict)
    return True
