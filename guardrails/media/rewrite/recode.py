"""Redacts films and sounds: a new file with the edits done, and with nothing but frames and sound in it.

    with open_film(Path("a.mp4")) as film:
        recode_film(film, [FilmEdit((1_000, 2_500), "solid", ((10, 10, 80, 20),)), FilmEdit((4_000, 5_000), "mute")])

Time stamps stay as they are, but for what `cut` takes away, from pictures and sound alike. Frames stand upright, in 8 bits, with
even sides. A sound alone stays in its container, and in its codec where that can be written; only what is muted changes in it.
Frames that an edit list hides, covers, subtitles, data, attachments, chapters and all texts are left out. All of it
is done in a process that can be killed. What comes out is judged again by who asked, before anybody sees it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import IO, TYPE_CHECKING, Final, cast

from guardrails.media.audio.recording import AudioLimits
from guardrails.media.errors import MediaError
from guardrails.media.images.redact import MARGIN
from guardrails.media.rewrite.edit_plan import MARGINS_MS, FilmEdit, plan_edits
from guardrails.media.rewrite.recode_child import encode_task
from guardrails.media.video.film_parts import VideoLimits
from guardrails.media.video.processes.film_process import SMALL, FilmProcess, OutOfTime, ProcessEnded

if TYPE_CHECKING:
    from guardrails.media.audio.recording import Recording
    from guardrails.media.video.film_source import Film

__all__ = ["MARGINS_MS", "FilmEdit", "family_of", "mute_sound", "recode_film"]

FAMILIES: Final[Mapping[str, str]] = MappingProxyType({"matroska": "matroska", "webm": "webm"})
"""What is written for a format (`Film.format`), where that is not mp4."""

MEDIA: Final[Mapping[str, str]] = MappingProxyType(
    {"mp4": "video/mp4", "webm": "video/webm", "matroska": "video/x-matroska", "mov": "video/quicktime"}
    | {"wav": "audio/wav", "mp3": "audio/mpeg", "m4a": "audio/mp4", "aac": "audio/aac", "ogg": "audio/ogg"}
    | {"flac": "audio/flac", "aiff": "audio/aiff"}
)
"""The media types of what is written."""

SLOWER: Final = 4.0
"""How much more time than watching a film writing it may take."""


def family_of(format_: str) -> str:
    """Return the format of what `recode_film` makes of a film: `matroska`, `webm`, or `mp4`, as which all others are written."""
    return FAMILIES.get(format_, "mp4")


def recode_film(
    film: Film,
    edits: Sequence[FilmEdit],
    limits: VideoLimits | None = None,
    *,
    margins: Mapping[str, int] = MARGINS_MS,
    margin: float = MARGIN,
    went: Callable[[float], None] | None = None,
) -> bytes:
    """Return a new film as a file (`family_of`); without edits the same without its texts.

    Clips grow by `margins` (milliseconds, by `FilmEdit.how`), boxes by `margin` (a share of their sides). `went` is told how many
    seconds of the film are done.

    Raises:
        ValueError: an edit lies outside of the film.
        MediaError: it cannot be done: the film cannot be read, is over a limit, or nothing of it would be left.
        GuardUnavailable: all processes that decode are busy.
    """
    size = (film.width, film.height)
    plan_edits(edits, size, margins, margin)
    task = encode_task(edits, size, margins, margin)
    return _written(film, task, family_of(film.format), limits or VideoLimits(), went)


def mute_sound(
    sound: Recording, clips: Sequence[tuple[int, int]], limits: AudioLimits | None = None
) -> bytes:
    """Return a sound that is silent in clips (milliseconds), as a file of the same type, without its texts and covers.

    Raises:
        MediaError: it cannot be done, as `recode_film` says.
        GuardUnavailable: all processes that decode are busy.
    """
    limits = limits or AudioLimits()
    task = encode_task([FilmEdit(clip, "mute") for clip in clips], (0, 0), MARGINS_MS, MARGIN)
    return _written(sound, task, f"sound/{sound.format}", limits.of_film(), None)


def _written(
    source: Film | Recording,
    task: bytes,
    family: str,
    limits: VideoLimits,
    went: Callable[[float], None] | None,
) -> bytes:
    with tempfile.TemporaryFile() as file:
        target = cast(IO[bytes], file)
        target.write(task)
        target.flush()
        slow = replace(limits, wall_factor=SLOWER * limits.wall_factor)
        _done(source.process("recode", SMALL, target=target, limits=slow, family=family), went)
        target.seek(0)
        made = target.read(limits.bytes + 1)
    if len(made) > limits.bytes:
        raise MediaError("too_many_bytes", f"what is written is more than {limits.bytes} bytes")
    return made


def _done(process: FilmProcess, went: Callable[[float], None] | None) -> None:
    """Wait for a process.

    Raises:
        MediaError: it did not do it.
    """
    try:
        for head, _ in process.answers():
            seconds = float(head["seconds"])
            process.grant(seconds)
            if went is not None:
                went(seconds)
    except OutOfTime as error:
        raise MediaError("timeout", "it could not be written again in time") from error
    except (ProcessEnded, KeyError, TypeError) as error:
        raise MediaError("undecodable", "the process that wrote it again broke down") from error
