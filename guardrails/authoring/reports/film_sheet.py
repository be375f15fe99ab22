"""Renders some frames of a film as a contact sheet, those of findings first.

Frames are decoded for that alone, where something was found and spread over the rest, and no more than a few, all by one process:
nothing is watched from end to end once more.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from guardrails.authoring.markup import Html, tag
from guardrails.authoring.reports.contact_sheet import SIDE, Numbered, render_contact_sheet
from guardrails.errors import GuardUnavailable, MissingExtra
from guardrails.media.errors import MediaError
from guardrails.media.images.picture import Picture, PictureFrame
from guardrails.media.video.film_source import Film, VideoLimits, open_film
from guardrails.types import Video

if TYPE_CHECKING:
    from collections.abc import Iterator

OTHERS: Final = 3
"""One of so many frames is one in which nothing was found."""

SHARES: Final = (0.5, 0.1, 0.9)
"""Where in a stretch one looks at it, the best place first."""

SAME_MS: Final = 250
"""Milliseconds within which one frame is enough for two findings."""

MOVED_S: Final = 0.2
"""Seconds by which the length of a film may change without anything being cut out of it."""


def render_film_sheet(
    content: Video,
    marks: Sequence[Numbered],
    limits: VideoLimits,
    *,
    seconds: float = 0.0,
    pixelated: bool = False,
    most: int = 12,
) -> Html:
    """Return at most so many frames of a film that was so many seconds long when it was watched (0: it is as it was)."""
    source = content.data if content.source is None else content.source
    try:
        if isinstance(source, MediaError):
            raise source
        own = nullcontext(source) if isinstance(source, Film) else open_film(source, limits, content.declared)
        with own as film:
            return tag("div", *_sheets(film, marks, seconds, pixelated, most))
    except (MediaError, MissingExtra, GuardUnavailable) as error:
        code = error.code if isinstance(error, MediaError) else type(error).__name__
        return tag("p", f"This film cannot be shown: {code}: {error}.", class_="dim")
    except OSError as error:
        return tag("p", f"This film cannot be shown: {error.strerror or type(error).__name__}.", class_="dim")


def _sheets(
    film: Film, marks: Sequence[Numbered], seconds: float, pixelated: bool, most: int
) -> Iterator[Html]:
    length = min(film.seconds or seconds, seconds or film.seconds or 0.0)  # what was not watched is not shown
    moved = seconds > 0 and film.seconds is not None and film.seconds < seconds - MOVED_S
    marks = [] if moved else marks
    found = _times_of_findings(marks, most - most // OTHERS)
    clips = [each.clip for _, each in marks if each.clip is not None]
    rest = _times_between(round(1_000 * length), clips, most - len(found))
    if moved:
        yield tag(
            "p", f"Stretches of it are cut out: {length:.1f} s of {seconds:.1f} s are left.", class_="dim"
        )
    stills = {each.start_ms: each for each in film.stills(sorted({*found, *rest}), SIDE)}.values()
    for name, times in (("Frames in which something was found", found), ("Other frames", rest)):
        shown = (each for each in stills if any(each.start_ms <= at < each.end_ms for at in times))
        frames = [PictureFrame(each.views[:1], each.start_ms, each.end_ms) for each in shown]
        if frames:
            picture = Picture("film", film.width, film.height, frames, False, True, film.sha256)
            yield tag("p", name)
            yield render_contact_sheet(picture, marks, pixelated=pixelated, most=len(frames))


def _times_of_findings(marks: Sequence[Numbered], most: int) -> list[int]:
    """Return when to look at findings, those with the highest scores first: in their middle, and as far as there is room near
    their ends; in the order of time.
    """
    ranked = sorted(marks, key=lambda each: -each[1].score)
    clips = dict.fromkeys(each.clip for _, each in ranked if each.clip is not None)
    times: list[int] = []
    for share in SHARES:
        for start, end in clips:
            at = start + int(share * (end - start))
            if len(times) < most and all(abs(at - other) > SAME_MS for other in times):
                times.append(at)
    return sorted(times)


def _times_between(length: int, clips: Sequence[tuple[int, int]], most: int) -> list[int]:
    """Return when to look beside findings: all over the time that is left."""
    edges = [0, *sorted(min(length, edge) for clip in clips for edge in clip), length]
    free = [
        (start, end)
        for start, end in pairwise(edges)
        if start < end and not any(clip[0] <= start and end <= clip[1] for clip in clips)
    ]
    total = sum(end - start for start, end in free)
    times = []
    for at in range(most if total else 0):
        into = total * (2 * at + 1) // (2 * most)
        for start, end in free:
            if into < end - start:
                times.append(start + into)
                break
            into -= end - start
    return [*dict.fromkeys(times)]
