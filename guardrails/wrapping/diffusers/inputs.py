"""What a pipeline of diffusers is called with: prompts, pictures and films to judge, and numbers in the place of these, which
nobody can read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.content.payload import body
from guardrails.engine.media.frame_batches import (
    FPS,
    Film,
    as_frame,
    build_film,
    find_films,
    frames_of_film,
    pixels_of,
    replace_films,
)
from guardrails.engine.values.media import is_pixels, is_tensor
from guardrails.types import AsksFor, Place, Stage
from guardrails.wrapping.argument_roles import ArgumentPlace, ArgumentRoles, place_of, read_roles
from guardrails.wrapping.function_call import FunctionCall, Steps, in_turn
from guardrails.wrapping.guarded_call import Check

NUMBERS: Final = ("latents", "generator", "sigmas", "timesteps", "noise")
"""Arguments that are numbers to begin with, not what is to be seen."""

COLOURS: Final = (1, 3)
"""Channels of pictures; other tensors in their place are latents."""


def read_prompts(call: Callable[..., Any], asks_for: AsksFor) -> ArgumentRoles:
    """Return what the arguments of a pipeline are: whatever is called a prompt is one, whatever else it is called.

    Args:
        call: how the pipeline is called, without the pipeline.
        asks_for: what it makes.
    """
    known = read_roles(call, {})
    places: dict[str | int, ArgumentPlace] = {}
    for name, found in known.places.items():
        if isinstance(name, str) and "prompt" in name and not _is_embedded(name):
            found = place_of("avoided" if name.startswith("negative") else "prompt")
        if found.role == "prompt":
            found = replace(found, place=replace(found.place, asks_for=asks_for))
        places[name] = found
    return ArgumentRoles(known.positions, places)


def name_arguments(roles: ArgumentRoles, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a call by name.

    Raises:
        TypeError: there are more than the pipeline takes, or one is given twice.
    """
    names = roles.positions[: len(args)]
    if len(names) < len(args) or (twice := {*names} & {*kwargs}):
        told = ", ".join(sorted(twice)) if len(names) == len(args) else f"{len(args)} by position"
        raise TypeError(f"cannot check the call of a pipeline: arguments that it does not take: {told}")
    return {**dict(zip(names, args, strict=True)), **kwargs}


def find_unread(given: Mapping[str, Any], output_type: str) -> dict[str, str]:
    """Return what nobody can judge of a call, by the names of its arguments, and why."""
    found = {
        name: f"{name}: an embedding in the place of a text or a picture is not read"
        for name, value in given.items()
        if value is not None and _is_embedded(name) and not name.startswith("negative")
    }
    for name, value in given.items():
        if name not in NUMBERS and name not in found and any(map(_is_latent, _each(value))):
            found[name] = f"{name}: latents in the place of a picture are not read"
    if output_type == "latent":
        found["output_type"] = "output_type='latent': what is made cannot be seen in latents"
    return found


def _is_embedded(name: str) -> bool:
    return "embed" in name


def _each(value: Any) -> list[Any]:
    return [*value] if isinstance(value, list | tuple) else [value]


def _is_latent(value: Any) -> bool:
    return is_tensor(value) and value.ndim >= 4 and value.shape[-3] not in COLOURS


def check_inputs(call: FunctionCall, given: Mapping[str, Any], output_type: str) -> Steps:
    """Check the arguments of a call of a pipeline, what nobody can judge first; returns those to use.

    Args:
        call: the checks of this call.
        given: the arguments by name.
        output_type: in which form what is made is wanted.
    """
    if unread := find_unread(given, output_type):
        tree = ContentTree()
        for name, reason in unread.items():
            tree.cannot("latent", reason, (name,), Place(Stage.INPUT))
        call.settled((yield Check(body(dict(unread), tree), Stage.INPUT)))
    used = dict(given)
    words: dict[str, Any] = {}
    for name, value in given.items():
        if name in unread or name in NUMBERS or _is_embedded(name):
            continue
        if _holds_arrays(value):
            used[name] = yield from _check_arrays(call, value)
        else:
            words[name] = value
    _, checked = yield from call.before((), words)
    return used | checked


def _holds_arrays(value: Any) -> bool:
    """Tell whether a value is tensors, or arrays of several pictures: what functions are not called with."""
    return any(is_tensor(each) or (is_pixels(each) and getattr(each, "ndim", 0) > 3) for each in _each(value))


def _check_arrays(call: FunctionCall, value: Any) -> Steps:
    """Check pictures or films in tensors and arrays; those that are numbers of another kind go on."""
    if isinstance(value, list | tuple):
        new = yield from in_turn([_check_arrays(call, each) for each in value])
        changed = any(one is not other for one, other in zip(new, value, strict=True))
        return type(value)(new) if changed else value
    if is_tensor(value) and (value.ndim < 3 or value.shape[-3] not in COLOURS):
        return value
    if (found := find_films(value)) is None:
        verdict = yield Check(pixels_of(value), Stage.INPUT, call.vault)
        new = call.kept(value, verdict)
        return value if new is value else as_frame(value, new)
    check = _check_pictures if value.ndim == 4 else _check_film
    return replace_films(value, found, (yield from in_turn([check(call, frames) for frames in found[0]])))


def _check_pictures(call: FunctionCall, pictures: Film) -> Steps:
    made = yield from in_turn([_check_arrays(call, each) for each in pictures])
    return pictures if all(new is old for new, old in zip(made, pictures, strict=True)) else made


def _check_film(call: FunctionCall, frames: Film) -> Steps:
    film = build_film(frames, call.fps or FPS, Stage.INPUT, call.terms.guard.pipeline.policies)
    verdict = yield Check(film, Stage.INPUT, call.vault)
    call.settled(verdict)
    return frames_of_film(frames, film, verdict)
