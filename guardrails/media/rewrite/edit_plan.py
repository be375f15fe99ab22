"""Plans the edits of a film, in which clips and boxes have grown as far as they must.

What was found was found at samples, and what is between them looks alike: what is covered or cut grows by half a second on both
sides, boxes by the margin of pictures, and every frame that is shown in any part of that is covered. What is muted is said by
words, which have times of their own: it grows by a tenth of a second, and to whole pieces of the encoder (`recode_sound`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from guardrails.media.images.edit import Box, How, widen_box
from guardrails.media.images.redact import MARGIN
from guardrails.media.rewrite.time_spans import Span, grow_clips

MARGINS_MS: Final[Mapping[str, int]] = MappingProxyType(
    {"solid": 500, "pixelate": 500, "blur": 500, "placeholder": 500, "cut": 500, "mute": 100}
)
"""By how much a clip grows on each side, by what is done to it."""


@dataclass(frozen=True, slots=True)
class FilmEdit:
    """What is done to a clip of a film, from its first millisecond to the one that is no more in it; one that is both is in it.

    `boxes` are (x, y, width, height) in pixels of the upright film, as large as `Film` says that it is; without any the whole
    frame is covered. `cut` takes the clip out of pictures and sound, `mute` makes it silent: they have no boxes.
    """

    clip: tuple[int, int]
    how: Literal["solid", "pixelate", "blur", "placeholder", "cut", "mute"]
    boxes: tuple[Box, ...] = ()


@dataclass(frozen=True, slots=True)
class FrameCover:
    """What is covered in each frame that is shown in a span: boxes of a picture of `size`, or all of it where there are none."""

    span: Span
    how: How
    size: tuple[int, int]
    boxes: tuple[Box, ...] = ()

    def boxes_in(self, size: tuple[int, int]) -> Iterator[tuple[Box, How]]:
        """Yield what is covered in a picture of any size: in one that is stored smaller, never less."""
        if not self.boxes:
            yield (0, 0, *size), self.how
        for x, y, width, height in self.boxes:
            left, top = x * size[0] // self.size[0], y * size[1] // self.size[1]
            right, bottom = (
                -(-(x + width) * size[0] // self.size[0]),
                -(-(y + height) * size[1] // self.size[1]),
            )
            yield (left, top, right - left, bottom - top), self.how


@dataclass(frozen=True, slots=True)
class EditPlan:
    """Spans are microseconds, sorted and apart; `found` are the clips that are cut, and `cuts` the same, grown."""

    covers: tuple[FrameCover, ...] = ()
    found: tuple[Span, ...] = ()
    cuts: tuple[Span, ...] = ()
    mutes: tuple[Span, ...] = ()

    @property
    def sounds(self) -> bool:
        """Whether anything of the sound changes."""
        return bool(self.cuts or self.mutes)


def plan_edits(
    edits: Sequence[FilmEdit],
    size: tuple[int, int],
    margins: Mapping[str, int] = MARGINS_MS,
    margin: float = MARGIN,
) -> EditPlan:
    """Return the plan for a film of a size.

    Raises:
        ValueError: a clip ends before it begins, or begins before the film, a box lies outside of it, or is of what has none.
    """
    covers = []
    for edit in edits:
        if not 0 <= edit.clip[0] <= edit.clip[1]:
            raise ValueError(f"the clip {edit.clip} is none: it has milliseconds from 0 on, in order")
        if edit.how == "cut" or edit.how == "mute":
            if edit.boxes:
                raise ValueError(f"to {edit.how} is done to all of a clip: it has no boxes")
            continue
        boxes = tuple(widen_box(box, margin, size) for box in edit.boxes)
        (span,) = grow_clips([_clip(edit)], margins[edit.how])
        covers.append(FrameCover(span, edit.how, size, boxes))
    cut, mute = ([_clip(edit) for edit in edits if edit.how == how] for how in ("cut", "mute"))
    return EditPlan(
        tuple(sorted(covers, key=lambda cover: cover.span)),
        tuple(grow_clips(cut, 0)),
        tuple(grow_clips(cut, margins["cut"])),
        tuple(grow_clips(mute, margins["mute"])),
    )


def _clip(edit: FilmEdit) -> tuple[int, int]:
    return edit.clip[0], max(edit.clip[1], edit.clip[0] + 1)
