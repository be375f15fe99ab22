"""Renders the frames of a picture, small, with numbered boxes over what was found in them.

What is to be covered is covered in the pixels that go into the page, so that nobody can uncover it there.
"""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from guardrails.authoring.markup import Html, tag
from guardrails.media.images.edit import Box, cover_boxes
from guardrails.types import Finding

if TYPE_CHECKING:
    from guardrails.media.images.picture import Picture, PictureFrame, Pixels

Numbered = tuple[int, Finding]
"""A finding with its number in the legend."""

SIDE: Final = 320
"""Pixels of the longer side of a small picture."""

LABELS: Final = 16
"""How many times smaller than the picture a number is written."""

EDGE: Final[Mapping[str, str]] = MappingProxyType(
    {"fill": "none", "stroke": "#000000", "stroke_width": "6", "vector_effect": "non-scaling-stroke"}
)
LINE: Final[Mapping[str, str]] = MappingProxyType({**EDGE, "stroke": "#ffd400", "stroke_width": "3"})
NUMBER: Final[Mapping[str, str]] = MappingProxyType(
    {**EDGE, "fill": "#ffffff", "stroke_width": "4", "paint_order": "stroke", "font_weight": "bold"}
)
"""How a box is drawn, yellow within black, and its number, white within black: to be seen on any picture."""

GROUNDS: Final = ("over white", "over black", "without its transparency")
"""The views of a frame that has transparent pixels."""


def render_contact_sheet(
    picture: Picture, marks: Sequence[Numbered] = (), *, pixelated: bool = False, most: int = 12
) -> Html:
    """Return at most so many frames of a picture, those in which something was found first, each in all its views."""
    chosen = _chosen(picture, marks, most)
    figures = [
        _figure(picture, number, view, marks, pixelated)
        for number in chosen
        for view in range(len(picture.frames[number].views))
    ]
    total = len(picture.frames)
    note = f"{len(chosen)} of {total} frames are shown." if len(chosen) < total else None
    return tag("div", tag("div", *figures, class_="sheet"), tag("p", note, class_="dim") if note else None)


def _chosen(picture: Picture, marks: Sequence[Numbered], most: int) -> list[int]:
    numbers = range(len(picture.frames))
    timed = [finding for _, finding in marks if finding.clip is not None]
    hits = [at for at in numbers if any(_is_seen(each, picture.frames[at]) for each in timed)]
    hits = _spread(hits, most)
    rest = [at for at in numbers if at not in set(hits)]
    return sorted([*hits, *_spread(rest, most - len(hits))])


def _spread(numbers: Sequence[int], most: int) -> list[int]:
    """Return at most so many of some numbers, from all over them."""
    count = min(len(numbers), most)
    return [numbers[at * len(numbers) // count] for at in range(count)]


def _is_seen(finding: Finding, frame: PictureFrame) -> bool:
    if finding.clip is None:
        return True
    start, end = finding.clip
    return (start < frame.end_ms and frame.start_ms < end) or finding.clip == (frame.start_ms, frame.end_ms)


def _figure(picture: Picture, number: int, view: int, marks: Sequence[Numbered], pixelated: bool) -> Html:
    frame = picture.frames[number]
    here = [(at, each) for at, each in marks if _is_seen(each, frame)]
    own = [(at, each) for at, each in here if each.box is not None]
    if picture.format == "film":
        found = ", ".join(str(at) for at, each in here if each.clip is not None)
        said = [f"{frame.start_ms / 1_000:.2f} s" + (f": {found}" if found else "")]
    else:
        said = [f"frame {number + 1}" if len(picture.frames) > 1 else "picture"]
        said += [f"at {frame.start_ms:,} ms"] if picture.animated else []
    if len(frame.views) > 1:
        said.append(GROUNDS[min(view, 2)])
    if pixelated:
        said.append("pixelated")
    caption = ", ".join(said)
    boxes = f"; boxes {', '.join(str(at) for at, _ in own)}" if own else ""
    source, width, height = _small(frame.views[view], pixelated)
    shown = tag("img", src=source, width=width, height=height, alt=f"{caption}{boxes}")
    over = _over(picture, own) if own else None
    return tag("figure", tag("div", shown, over, class_="frame"), tag("figcaption", caption))


def _over(picture: Picture, own: Sequence[Numbered]) -> Html:
    """Return the boxes as a drawing that lies over a small picture; the legend says the same in words."""
    size = max(1, max(picture.width, picture.height) // LABELS)
    drawn: list[Html] = []
    for number, finding in own:
        box = _inside(picture, finding.box)
        if box is None:
            continue
        x, y, width, height = box
        place = {"x": x, "y": y, "width": width, "height": height}
        drawn += [tag("rect", **place, **EDGE), tag("rect", **place, **LINE)]
        drawn.append(tag("text", str(number), x=x, y=y + size, font_size=size, **NUMBER))
    view = f"0 0 {picture.width} {picture.height}"
    return tag("svg", *drawn, viewBox=view, preserveAspectRatio="none", aria_hidden="true")


def _inside(picture: Picture, box: Box | None) -> Box | None:
    """Return what of a box lies in the picture; None where nothing does."""
    if box is None:
        return None
    left, top = max(0, box[0]), max(0, box[1])
    right, bottom = min(picture.width, box[0] + box[2]), min(picture.height, box[1] + box[3])
    return (left, top, right - left, bottom - top) if left < right and top < bottom else None


def _small(view: Pixels, pixelated: bool) -> tuple[str, int, int]:
    """Return a small picture as a data URI, and its width and height."""
    from PIL import Image

    image = Image.fromarray(view)
    if pixelated:
        cover_boxes(image, [(0, 0, *image.size)], "pixelate")
    image.thumbnail((SIDE, SIDE))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=85)
    return f"data:image/jpeg;base64,{b64encode(out.getvalue()).decode()}", *image.size
