"""Films of pictures and frames that a function returned or yields, in any of the shapes that pipelines have; and the same
shape with other frames.

A stream of frames is judged in windows: those of a second go out once the second after them came, too, so that a detector has
seen what bears a lone score out, and what is to be covered around a stretch that is found is covered before it leaves.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from math import ceil
from typing import TYPE_CHECKING, Any, Final

from guardrails.engine.media.film_findings import AROUND_MS
from guardrails.engine.media.film_settings import film_limits
from guardrails.engine.media.picture_decoding import limits_of
from guardrails.engine.values.media import is_pixels, is_tensor
from guardrails.media.errors import MediaError
from guardrails.media.video.frames_in_memory import FramesFilm
from guardrails.types import Place, Stage, Verdict, Video

if TYPE_CHECKING:
    from guardrails.policy.compiled import CompiledPolicy

FPS: Final = 8.0
"""Frames a second of what pipelines make, where nobody says: what most models of films were trained on."""

CHANNELS: Final = (1, 3, 4)

Film = list[Any]
"""The frames of one film."""

Films = tuple[list[Film], Callable[[list[Film]], Any]]
"""Films, and what makes of others the shape that these were in."""


def is_frame(value: Any) -> bool:
    """Tell whether something is one picture: of Pillow, an array, or a tensor of torch."""
    if is_tensor(value):
        return bool(value.ndim in (2, 3))
    return is_pixels(value) and getattr(value, "ndim", 3) <= 3


def find_films(value: Any) -> Films | None:
    """Return the films of frames, of one ([frames, …]) or of several ([films, frames, …]); None for anything else."""
    if is_frame(value):
        return None
    if is_tensor(value) or is_pixels(value):
        if value.ndim == 4:
            return [[*value]], lambda films: _stack(films[0])
        if value.ndim == 5:
            return [[*film] for film in value], lambda films: _stack([_stack(film) for film in films])
        return None
    if not isinstance(value, list | tuple) or not value:
        return None
    kind = type(value)
    if all(map(is_frame, value)):
        return [[*value]], lambda films: kind(films[0])
    inner = [find_films(each) for each in value]
    known = [each for each in inner if each is not None and len(each[0]) == 1]
    if len(known) < len(inner):
        return None
    return [films[0] for films, _ in known], lambda made: kind(
        put([film]) for (_, put), film in zip(known, made, strict=True)
    )


def _stack(entries: Sequence[Any]) -> Any:
    if is_tensor(entries[0]):
        import torch

        return torch.stack([*entries])
    import numpy as np

    return np.stack(entries)


def films_of_pipeline(value: Any) -> Films | None:
    """Return the films of what a pipeline of diffusers returned (`frames`); None for anything else.

    Raises:
        TypeError: its frames are of no shape that is known.
    """
    if not _is_of_diffusers(value):
        return None
    frames: Any = getattr(value, "frames", None)
    if frames is None:
        return None
    found = find_films(frames)
    if found is None:
        raise TypeError(f"cannot check frames that are a {type(frames).__name__} of no known shape")
    films, put = found

    def put_back(made: list[Film]) -> Any:
        new = copy.copy(value)
        new.frames = put(made)
        return new

    return films, put_back


def _is_of_diffusers(value: Any) -> bool:
    return any(base.__module__.partition(".")[0] == "diffusers" for base in type(value).__mro__)


def replace_films(value: Any, framed: Films, made: list[Film]) -> Any:
    """Return what a function returned with other frames in the place of its own, itself where nothing changes."""
    films, put = framed
    return value if all(new is old for new, old in zip(made, films, strict=True)) else put(made)


def pictures_of_pipeline(value: Any) -> list[Any] | None:
    """Return the pictures of what a pipeline of diffusers returned, None for anything else."""
    if not _is_of_diffusers(value):
        return None
    images: Any = getattr(value, "images", None)
    return [*images] if isinstance(images, list | tuple) or getattr(images, "ndim", 0) == 4 else None


def replace_pictures(value: Any, before: list[Any], images: list[Any]) -> Any:
    """Return what a pipeline returned with pictures in the place of its own, itself where nothing changes."""
    if all(new is old for new, old in zip(images, before, strict=True)):
        return value
    made = copy.copy(value)
    if isinstance(value.images, list | tuple):
        made.images = type(value.images)(images)
    else:
        import numpy as np

        made.images = np.stack(images)
    return made


def build_film(frames: Film, fps: float, stage: Stage, policies: Sequence[CompiledPolicy]) -> Video:
    """Return frames as a film to check at a stage."""
    source: FramesFilm | MediaError
    try:
        source = FramesFilm([*map(pixels_of, frames)], fps, film_limits(policies), limits_of(policies))
    except MediaError as error:
        source = error
    return Video(place=Place(stage), source=source)


def frames_of_film(frames: Film, film: Video, verdict: Verdict) -> Film:
    """Return the frames that a verdict, which does not block, leaves of a film of frames: the same objects but for those that it
    changes, the same list where it changes none.
    """
    left = verdict.content.source if isinstance(verdict.content, Video) else None
    if not isinstance(left, FramesFilm) or not isinstance(film.source, FramesFilm) or left is film.source:
        return frames
    return [
        frame if new is old else as_frame(frame, new)
        for frame, old, new in zip(frames, film.source.frames, left.frames, strict=True)
    ]


def pixels_of(frame: Any) -> Any:
    """Return a frame, or a picture, as Pillow or NumPy has it."""
    if not is_tensor(frame):
        return frame
    plain = frame.detach().cpu()
    plain = plain.float() if plain.is_floating_point() else plain
    made = plain.numpy()
    return made.transpose(1, 2, 0) if _is_planar(frame) else made


def _is_planar(frame: Any) -> bool:
    return bool(frame.ndim == 3 and frame.shape[0] in CHANNELS)


def as_frame(frame: Any, made: Any) -> Any:
    """Return pixels, as `pixels_of` has those of a frame, as the kind of frame that they stand for."""
    if not is_tensor(frame):
        return made.astype(frame.dtype) if hasattr(frame, "dtype") else made
    import torch

    new = torch.from_numpy(made.transpose(2, 0, 1).copy() if _is_planar(frame) else made.copy())
    return new.to(dtype=frame.dtype, device=frame.device)


class FrameWindow:
    """The frames of a stream that are known: `feed` takes one, and returns what is to be judged once enough are there; `passed`
    takes what became of that, and returns what goes out; `rest` is what is to be judged at the end.
    """

    def __init__(self, fps: float, policies: Iterable[CompiledPolicy]) -> None:
        """Take how many frames are shown in a second, and the policies, which say how many bear a score out."""
        self.around = max(1, ceil(fps * AROUND_MS / 1_000), *(policy.films.of for policy in policies))
        self._known: Film = []
        self._gone = 0
        self._last = False

    def feed(self, frame: Any) -> Film | None:
        """Take the next frame.

        Raises:
            TypeError: it is none: what is said between frames would be judged as neither.
        """
        if not is_frame(frame):
            raise TypeError(f"cannot check a {type(frame).__name__} among frames")
        self._known.append(frame)
        return self._known if len(self._known) == self._gone + 2 * self.around else None

    def rest(self) -> Film | None:
        """Return what is left at the end, None where that is nothing."""
        self._last = True
        return self._known if len(self._known) > self._gone else None

    def passed(self, frames: Film) -> Film:
        """Take what became of the frames that were to be judged."""
        end = len(frames) if self._last else self._gone + self.around
        out = frames[self._gone : end]
        self._known = self._known[max(0, end - self.around) :]
        self._gone = min(end, self.around)
        return out
