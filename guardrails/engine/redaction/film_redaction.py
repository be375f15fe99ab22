"""Redacts films and sounds: makes a new film in which what was found is covered, cut or silent.

What is said is made silent; what is shown is covered in every frame of its stretch, where it stands or all over, or the stretch
is cut out, as the rule says. A sound alone is made silent, whatever the rule says. A new film has no subtitles and no texts about
itself: about those nothing else is to be done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

from guardrails.media.audio.recording import AudioLimits, Recording
from guardrails.media.images.edit import Box, How
from guardrails.media.rewrite.edit_plan import FrameCover, plan_edits
from guardrails.media.rewrite.recode import FilmEdit, mute_sound, recode_film
from guardrails.media.video.film_source import Film, VideoLimits
from guardrails.media.video.frames_in_memory import FramesFilm
from guardrails.policy.compiled import Rule
from guardrails.types import Finding

DROPPED: Final = frozenset({"metadata", "subtitle"})
"""Origins of texts that no film has any more once it was written again."""

WHOLE: Final = (0, 1 << 40)
"""From when until when a film is at most."""

SAID: Final = frozenset({"speech"})
"""Origins of what is heard."""


@dataclass(frozen=True, slots=True, eq=False)
class RedactedFilm:
    """A film that was made anew (a file, or frames where it was frames), and what was covered in it: what a detector infers from
    around that is what was covered.
    """

    data: bytes | FramesFilm
    covers: tuple[FrameCover, ...] = ()

    def at(self, instant_ms: int, size: tuple[int, int]) -> tuple[Box, ...]:
        """Return what is covered of a frame of a film of that size."""
        now = [cover for cover in self.covers if cover.span[0] <= 1_000 * instant_ms < cover.span[1]]
        return tuple(box for cover in now for box, _ in cover.boxes_in(size))


def redact_film(film: Film, found: Sequence[tuple[Rule, Finding]], limits: VideoLimits) -> RedactedFilm:
    """Return a film with findings covered.

    Raises:
        MediaError: it cannot be written again.
        GuardUnavailable: all processes that decode are busy.
    """
    edits = media_edits(found)
    made = film.apply_edits(edits) if isinstance(film, FramesFilm) else recode_film(film, edits, limits)
    if any(edit.how == "cut" for edit in edits):
        return RedactedFilm(made)  # its frames are shown at other times
    return RedactedFilm(made, plan_edits(edits, (film.width, film.height)).covers)


def silence_sound(
    sound: Recording, found: Sequence[tuple[Rule, Finding]], limits: AudioLimits
) -> RedactedFilm:
    """Return a sound that is silent where something was found.

    Raises:
        MediaError: it cannot be written again.
        GuardUnavailable: all processes that decode are busy.
    """
    return RedactedFilm(mute_sound(sound, [edit.clip for edit in media_edits(found)], limits))


def media_edits(found: Sequence[tuple[Rule, Finding]]) -> list[FilmEdit]:
    """Return what is to be done about findings; one of no time of its own is of the whole film."""
    edits: dict[FilmEdit, None] = {}
    for rule, finding in found:
        origin = (finding.origin or "").partition(">")[0]
        if origin in DROPPED:
            continue
        clip = finding.clip or WHOLE
        if origin in SAID:
            edits[FilmEdit(clip, "mute")] = None
        elif rule.cover_film == "cut":
            edits[FilmEdit(clip, "cut")] = None
        else:
            boxes = () if finding.box is None else (finding.box,)
            edits[FilmEdit(clip, cast(How, rule.cover_film), boxes)] = None
    return [*edits]
