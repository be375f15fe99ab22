"""Transcribes the sound of a film or of a file of sound, with times, for all rules on texts.

Without a transcriber speech is `unchecked: audio`; silence is nothing to read. A transcriber that fails has left something unread
that was to be read, which is `unchecked: part`; so has a file whose sound cannot be decoded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from guardrails.detectors.binding import BoundDetector
from guardrails.detectors.images.text_layout import PlacedText
from guardrails.errors import MissingExtra
from guardrails.media.errors import MediaError
from guardrails.types import UnavailableReason, Unchecked

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from guardrails.detectors.speech.transcript import SoundTranscript
    from guardrails.media.audio.recording import Recording
    from guardrails.media.video.film_source import Film

    Hears = Callable[[Iterable[tuple[int, NDArray[Any]]]], SoundTranscript]


class SoundCheck:
    """What is heard of a film's tracks."""

    def __init__(self, film: Film | Recording, hearers: Sequence[BoundDetector]) -> None:
        """Take a film and the transcribers of the policies; none: only tell whether somebody speaks."""
        self._film = film
        self._hearers = [bound.hears for bound in hearers if bound.hears is not None] or [_silent()]
        self.tracks = [track.index for track in film.tracks if track.kind == "audio"]
        self.texts: list[PlacedText] = []
        self.unchecked: dict[Unchecked, None] = {}
        self._spoken = False
        self._left = len(self.tracks)

    @property
    def state(self) -> str:
        """What is known of the sound: `absent`, `silent`, `checked` or `not_checked`."""
        if not self.tracks:
            return "absent"
        if self.unchecked or self._left:
            return "not_checked"
        return "checked" if self._spoken else "silent"

    def listen(self, track: int) -> None:
        """Listen to a track: to the mix of its channels, and to what some of them have that the mix has not."""
        self._left -= 1
        for hears in self._hearers:
            for channel in self._listen_to(hears, track, None):
                self._listen_to(hears, track, channel)

    def _listen_to(self, hears: Hears, track: int, channel: int | None) -> list[int]:
        """Listen to a channel, or to the mix; return the channels that are to be heard by themselves."""
        try:
            with self._film.sound(track=track, channel=channel) as sound:
                heard = hears(sound)
                stopped, corrupt, apart = sound.stopped, sound.corrupt, sound.apart
        except (MediaError, MissingExtra) as error:
            self._note_unheard(f"the sound cannot be decoded: {error}")
            return []
        self._spoken = self._spoken or bool(heard.stretches)
        self.unchecked.update(dict.fromkeys(heard.unchecked))
        if heard.text is not None:
            self.texts.append(heard.text)
        if heard.error is not None:
            self._note_unheard(f"what is said in it could not be transcribed: {heard.error}", heard.reason)
        if stopped is not None:
            kind = "limit" if stopped == "seconds" else "part"
            self.unchecked[Unchecked(kind, f"the sound was not heard to its end: {stopped}")] = None
        if corrupt:
            self._note_unheard(f"{corrupt} packets of the sound are damaged")
        return [] if heard.error or heard.lacks_transcriber else sorted(apart)

    def _note_unheard(self, reason: str, failure: UnavailableReason | None = None) -> None:
        self.unchecked[Unchecked("part", reason, failure=failure)] = None


def _silent() -> Any:
    from guardrails.detectors.speech.transcript import TranscriptConfig, TranscriptExtractor

    return TranscriptExtractor(TranscriptConfig(use="transcript"), None).hears
