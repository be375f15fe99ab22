"""Detects and reads in the frames of a film, one after the other, as it is watched.

What is written in a frame is read on each cut, where something appears and every five seconds, and told with the time for which
it may be seen: from the frame before that was read in the same shot to the next one, or to the end of the shot.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from guardrails.detectors.binding import BoundDetector
from guardrails.detectors.capabilities import FilmTrack
from guardrails.detectors.images.text_layout import PlacedText, TextLine, bounding_box, place_lines
from guardrails.engine.detector_task import Task
from guardrails.engine.media.film_findings import FrameFindings, SegmentSettings, segments
from guardrails.engine.redaction.film_redaction import RedactedFilm
from guardrails.media.images.picture import Picture, PictureFrame
from guardrails.types import Detection, Image, Place

if TYPE_CHECKING:
    from guardrails.media.video.film_source import Film, FrameSample

READ_MS: Final = 5_000
"""Milliseconds after which a shot is read again."""

UNTOUCHED: Final = RedactedFilm(b"")
"""Nothing was covered in a film."""

Seen = tuple[int, int, int]
"""Start and end of a frame, and its shot."""


@dataclass(slots=True)
class Track:
    """What was seen of one track: the frames, and by digest what each detector says of them, in the same order."""

    frames: list[Seen] = field(default_factory=list)
    found: dict[str, list[Detection]] = field(default_factory=dict)
    read: Seen | None = None
    """The last frame of which was read what is written in it."""
    own: dict[str, FilmTrack] = field(default_factory=dict)
    """By digest the detectors that look at more than single frames of it."""
    lines: dict[tuple[str, str], int] = field(default_factory=dict)
    """What was written there, by origin and text: the place among all lines."""

    def looks(self, digest: str) -> list[FrameFindings]:
        """Return what one detector says, in the order of time."""
        rows = sorted(zip(self.frames, self.found.get(digest, ()), strict=False), key=lambda row: row[0])
        return [FrameFindings(*frame, detection.findings) for frame, detection in rows]


class Frames:
    """What was seen of a film so far, over all its tracks."""

    def __init__(
        self,
        film: Film,
        place: Place,
        bounds: Sequence[BoundDetector],
        readers: Sequence[BoundDetector],
        redone: RedactedFilm = UNTOUCHED,
    ) -> None:
        """Take the film, where it stands, the detectors that look at pictures, what reads texts in them, and what was covered."""
        self._film, self._place, self._bounds, self._readers = film, place, bounds, readers
        self._redone = redone
        self.tracks: dict[int, Track] = {}
        self.read = 0
        """Frames of which was read what is written in them."""
        self.unread: str | None = None
        """Why some could not be."""
        self._errors: dict[str, Detection] = {}
        self._lines: dict[str, list[TextLine]] = {}

    @property
    def count(self) -> int:
        """The frames that detectors looked at."""
        return sum(len(track.frames) for track in self.tracks.values())

    def within(self, clip: tuple[float, float], *, last: bool) -> tuple[int, int]:
        """Return how many frames that detectors looked at begin in a clip, and how many shots, but for the first; `last`: also
        those that begin where it ends.
        """
        seen = [each for track in self.tracks.values() for each in track.frames]
        begun: dict[int, int] = {}
        for start, _, shot in seen:
            begun[shot] = min(start, begun.get(shot, start))
        first = min(begun, default=0)
        own = [clip[0] <= start < clip[1] or (last and start >= clip[1]) for start, _, _ in seen]
        cuts = (clip[0] <= start < clip[1] for shot, start in begun.items() if shot != first)
        return sum(own), sum(cuts)

    def add(self, samples: Sequence[FrameSample]) -> None:
        """Have every detector look at some frames."""
        if not samples:
            return
        pictures = [Image(place=self._place, source=self._picture(each)) for each in samples]
        for sample in samples:
            track = self.tracks.setdefault(sample.track, Track())
            track.frames.append((sample.start_ms, sample.end_ms, sample.shot))
        for bound in self._bounds:
            if bound.digest not in self._errors:
                self._ask(bound, samples, pictures)
        for sample, picture in zip(samples, pictures, strict=True) if self._readers else ():
            self._read(sample, picture)

    def _ask(self, bound: BoundDetector, samples: Sequence[FrameSample], pictures: Sequence[Image]) -> None:
        by_track: dict[int, list[Image]] = {}
        for sample, picture in zip(samples, pictures, strict=True):
            by_track.setdefault(sample.track, []).append(picture)
        for number, some in by_track.items():
            task = Task(self._bind_track(bound, self.tracks[number]), [*range(len(some))], [*some])
            task.run()
            for answer in task.answers:
                if answer.error is not None:
                    self._errors[bound.digest] = Detection(error=answer.error, reason=answer.reason)
                self.tracks[number].found.setdefault(bound.digest, []).append(answer)

    def _bind_track(self, bound: BoundDetector, track: Track) -> BoundDetector:
        """Return a detector as it looks at a track."""
        if bound.film is None:
            return bound
        own = track.own.get(bound.digest)
        if own is None:
            own = track.own[bound.digest] = bound.film(self._film.sha256)
        return replace(bound, detector=own)

    def _read(self, sample: FrameSample, picture: Image) -> None:
        track, now = self.tracks[sample.track], (sample.start_ms, sample.end_ms, sample.shot)
        before = track.read
        if (
            before is not None
            and before[2] == now[2]
            and 0 <= now[0] - before[0] < READ_MS
            and sample.why != "new"
        ):
            self._extend_lines(track.lines, now)
            return
        track.read, self.read = now, self.read + 1
        found: dict[tuple[str, str], int] = {}
        since = before[0] if before is not None and before[2] == now[2] else now[0]
        for origin, line in self._texts(picture):
            lines, key = self._lines.setdefault(origin, []), (origin, line.text)
            at = track.lines.get(key)
            if at is None:
                at = len(lines)
                lines.append(replace(line, clip=(since, now[1])))
            elif line.box is not None and (known := lines[at].box) is not None:
                lines[at] = replace(lines[at], box=bounding_box([known, line.box]))
            found[key] = at
        self._extend_lines(found | track.lines, now)
        track.lines = found

    def _extend_lines(self, lines: dict[tuple[str, str], int], now: Seen) -> None:
        """Let lines be seen until a frame ends: they may be until the next one that is read."""
        for (origin, _), at in lines.items():
            line = self._lines[origin][at]
            start, end = line.clip or (now[0], 0)
            self._lines[origin][at] = replace(line, clip=(start, max(end, now[1])))

    def _texts(self, picture: Image) -> Iterator[tuple[str, TextLine]]:
        for bound in self._readers:
            assert bound.extracts is not None
            try:
                (texts,) = bound.extracts([picture])
            except Exception as error:  # a reader that fails has read nothing, which is said
                self.unread = f"what is written in it could not be read ({type(error).__name__})"
                continue
            for text in texts:
                yield from ((text.origin, line) for _, line in text.lines)

    def texts(self) -> list[PlacedText]:
        """Return what is written in all frames that were read, one text for each way to read."""
        return [
            text for origin, lines in self._lines.items() if (text := place_lines(lines, origin)) is not None
        ]

    def detection(self, bound: BoundDetector, how: SegmentSettings, *, closed: bool) -> Detection:
        """Return what a detector says of the film; unless `closed`, more frames may come."""
        error = self._errors.get(bound.digest)
        if error is not None:
            return error
        tracks = self.tracks.values()
        found = [each for track in tracks for each in segments(track.looks(bound.digest), how, closed=closed)]
        own = [track.own[bound.digest] for track in tracks if bound.digest in track.own]
        found += dict.fromkeys(each for track in own for each in track.findings(closed=closed))
        answers = (answer for track in tracks for answer in track.found.get(bound.digest, ()))
        unchecked = dict.fromkeys(entry for answer in answers for entry in answer.unchecked)
        return Detection(tuple(found), unchecked=(*unchecked,))

    def _picture(self, sample: FrameSample) -> Picture:
        """Return a frame as a picture of the film's size, which is seen smaller."""
        size = (self._film.width, self._film.height)
        frame = PictureFrame(sample.views, sample.start_ms, sample.end_ms)
        digest = hashlib.sha256(sample.pixels.data).hexdigest()
        covered = self._redone.at(sample.start_ms, size)
        return Picture("frame", *size, (frame,), False, False, digest, covered=covered)
