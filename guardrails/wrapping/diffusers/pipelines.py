"""A pipeline of diffusers in, one of the same class out whose calls are guarded; both share the models.

All of the class is there: components, schedulers, offloading, callbacks. What a method returns that gives the pipeline itself
(`to`) is guarded, and so is what the class makes (`from_pipe`, `from_pretrained`). Another class gets the parts of a guarded
pipeline where it is given them (`Other(**pipeline.components)`), not by its `from_pipe`, which would make an unguarded
pipeline of a guarded one.
"""

from __future__ import annotations

import copy
import inspect
import sys
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from guardrails.types import Stage
from guardrails.wrapping.diffusers.inputs import check_inputs, name_arguments, read_prompts
from guardrails.wrapping.diffusers.outputs import FLAGS, check_output, find_output, makes_films
from guardrails.wrapping.frameworks.subclass import MARK, with_methods
from guardrails.wrapping.function_call import CallStopped, FunctionCall
from guardrails.wrapping.guarded_call import Call, Flow, run
from guardrails.wrapping.registry import Wrapper
from guardrails.wrapping.sdk.exchange import Terms

SIZE: Final = 512
"""Pixels of each side of a picture where the pipeline does not say how large its are."""

SCALE: Final = 8
"""Pixels for each latent, likewise."""


def wrap(pipeline: Any, terms: Terms) -> Any:
    """Return a pipeline of the same class whose calls are guarded.

    Raises:
        TypeError: it is wrapped already.
        ValueError: another stage is named for its answers.
    """
    if terms.output is not Stage.OUTPUT:
        raise ValueError("output is not for pipelines: what a pipeline makes stands at output")
    base: Any = type(pipeline)
    output = find_output(base)
    roles = read_prompts(pipeline.__call__, "film" if makes_films(output) else "picture")
    defaults = {name: each.default for name, each in inspect.signature(pipeline.__call__).parameters.items()}

    def __call__(self: Any, *args: Any, **kwargs: Any) -> Any:
        call = FunctionCall(terms, terms.fps, roles)
        given = name_arguments(roles, args, kwargs)
        steps = _flow(call, self, given, defaults | given, output)
        return run(steps, terms, partial(base.__call__, self))

    def __deepcopy__(self: Any, memo: dict[int, Any]) -> Any:
        made = object.__new__(type(self))
        made.__dict__.update(copy.deepcopy(self.__dict__, memo))
        return made

    def __copy__(self: Any) -> Any:
        made = object.__new__(type(self))
        made.__dict__.update(self.__dict__)
        return made

    def __reduce_ex__(self: Any, protocol: int) -> Any:
        raise TypeError(
            f"cannot pickle a guarded {base.__name__}: send the pipeline itself, and wrap it where it arrives"
        )

    def components(self: Any) -> Any:
        _refuse_from_pipe(base, sys._getframe(1))
        return base.components.fget(self)

    attributes = {
        "__deepcopy__": __deepcopy__,
        "__copy__": __copy__,
        "__reduce_ex__": __reduce_ex__,
        **({"components": property(components)} if isinstance(base.components, property) else {}),
    }
    return with_methods(pipeline, {"__call__": __call__}, attributes)


def _refuse_from_pipe(base: Any, frame: Any) -> None:
    """Raise `TypeError` where the `from_pipe` of another class asks for a guarded pipeline's components."""
    if frame.f_code.co_name == "from_pipe" and not hasattr(frame.f_locals.get("cls"), MARK):
        raise TypeError(
            f"cannot make another pipeline of a guarded {base.__name__} by from_pipe: it would not be guarded; "
            "make it of the components, and wrap it: guard.wrap(Other(**pipeline.components))"
        )


def _flow(
    call: FunctionCall, pipeline: Any, given: Mapping[str, Any], asked: Mapping[str, Any], output: Any
) -> Flow:
    """Describe one call; `asked` are its arguments with the defaults of those that were not given."""
    output_type = str(asked.get("output_type") or "")
    try:
        used = yield from check_inputs(call, given, output_type)
    except CallStopped:
        return _refused(pipeline, asked, output)
    made = yield Call((), used)
    return (yield from check_output(call, made, output, output_type))


def _refused(pipeline: Any, asked: Mapping[str, Any], output: Any) -> Any:
    """Return the output of a call that was stopped: as many black pictures or films as were asked for, each flagged."""
    prompt = asked.get("prompt")
    each = next(
        (asked[name] for name in asked if name.startswith("num_") and name.endswith("_per_prompt")), 1
    )
    count = (len(prompt) if isinstance(prompt, list | tuple) else 1) * (each or 1)
    shown: Any = [_blank(pipeline, asked) for _ in range(count)]
    if makes_films(output):
        shown = [[picture] * int(asked.get("num_frames") or 1) for picture in shown]
    values = {"frames" if makes_films(output) else "images": _in_form(shown, str(asked.get("output_type")))}
    names = [] if output is None else [*output.__dataclass_fields__]
    if FLAGS in names:
        values[FLAGS] = [True] * count
    if asked.get("return_dict") is False or output is None:
        return tuple(values.get(name) for name in names or values)
    return output(**{name: values.get(name) for name in names})


def _blank(pipeline: Any, asked: Mapping[str, Any]) -> Any:
    """Return a black picture of the size that a call asks for."""
    from PIL import Image

    model = getattr(pipeline, "unet", None) or getattr(pipeline, "transformer", None)
    latents = getattr(getattr(model, "config", None), "sample_size", None)
    size = latents if isinstance(latents, int) else SIZE // SCALE
    side = size * int(getattr(pipeline, "vae_scale_factor", SCALE))
    picture = asked.get("image")
    wide, high = picture.size if isinstance(picture, Image.Image) else (side, side)
    return Image.new("RGB", (int(asked.get("width") or wide), int(asked.get("height") or high)))


def _in_form(shown: Any, output_type: str) -> Any:
    """Return black pictures, or films of them, in the form that was asked for."""
    if output_type not in ("np", "pt"):
        return shown
    import numpy as np

    films = [each if isinstance(each, list) else [each] for each in shown]
    made = np.asarray([[np.asarray(frame) for frame in film] for film in films], np.float32)
    if not isinstance(shown[0], list):
        made = made[:, 0]
    if output_type == "np":
        return made
    import torch

    return torch.from_numpy(np.moveaxis(made, -1, -3).copy())


WRAPPER: Final = Wrapper("diffusers.DiffusionPipeline", "Guards the calls of a pipeline of diffusers.", wrap)
