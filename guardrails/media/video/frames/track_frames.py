"""Watches the frames of one track in the order in which they are shown.

Runs in the process that decodes. A frame is held until the next one is there: only then it is known how long it is shown,
whether it was a flash, and whether it was the last.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from guardrails.media.video.film_opening import rate_of
from guardrails.media.video.film_parts import Sampling, Why
from guardrails.media.video.frames.frame_pixels import frame_views, shrink_frame
from guardrails.media.video.frames.shots import ShotDetector

if TYPE_CHECKING:
    import numpy as np
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream
    from numpy.typing import NDArray

    Emit = Callable[[dict[str, Any], list[NDArray[np.uint8]]], None]

USUAL: Final = 1 / 25
"""Seconds that a frame is shown where nothing says how long."""

LATE: Final = 1.5
"""Frames that may be between two before it is a gap: clocks of containers are rounded."""

TAGGED: Final = ("DURATION", "DURATION-eng")
"""Where Matroska says how long a track is."""


@dataclass(slots=True)
class HeldFrame:
    """A frame that waits for the next one."""

    frame: VideoFrame
    index: int
    start: float
    shown: float
    shot: int
    why: Why | None


class TrackWatch:
    """What looks at one track. Times are seconds from the start of the film."""

    def __init__(
        self, stream: VideoStream, sampling: Sampling, origin: float, emit: Emit, *, hidden: bool = False
    ) -> None:
        from av.video.reformatter import VideoReformatter

        self.stream = stream
        self.shots = ShotDetector(sampling)
        self.rate = rate_of(stream)
        self.decoded = self.corrupt = 0
        self.gap = 0.0
        self.first = self.covered = self.end = 0.0
        self._how, self._origin, self._emit, self._hidden = sampling, origin, emit, hidden
        self._reformatter = VideoReformatter()
        self._held: HeldFrame | None = None
        self._size: tuple[int, int, str] | None = None

    @property
    def seconds(self) -> float:
        """Seconds of the track that were gone through."""
        return self.end - self.first if self.decoded else 0.0

    def when(self, frame: VideoFrame) -> float:
        """Return when a frame is shown: by its time, or else after the one before."""
        time = frame.pts if frame.pts is not None else frame.dts
        base = frame.time_base or self.stream.time_base
        return self.end if time is None or base is None else float(time * base) - self._origin

    def has_missed(self, frame: VideoFrame) -> bool:
        """Tell whether the first frame after a seek is one behind the beginning of the clip."""
        assert self._how.clip is not None
        return (
            self.end == 0.0
            and (self.when(frame) - LATE * (1 / self.rate if self.rate else USUAL)) * 1000 > self._how.clip[0]
        )

    def feed(self, frame: VideoFrame) -> None:
        """Look at the next frame."""
        start = self.when(frame)
        shown = float(frame.duration * frame.time_base) if frame.duration and frame.time_base else 0.0
        shown = shown or (1 / self.rate if self.rate else USUAL)
        self._account(frame, start, shown)
        clip = self._how.clip
        why: Why | None
        if clip is not None:
            if round((start + shown) * 1000) <= clip[0] or round(start * 1000) >= clip[1]:
                return
            index, why, flash = round(start * (self.rate or 1 / USUAL)), "dense", False
        else:
            index = self.decoded
            size, self._size = self._size, (frame.width, frame.height, frame.format.name)
            resized = self._size != (size or self._size)
            why, flash = self.shots.feed(shrink_frame(frame), start, resized=resized)
        if flash and self._held is not None:
            self._held.why = self._held.why or "cut"
        self.decoded += 1
        self._give(start)
        self._held = HeldFrame(frame, index, start, shown, self.shots.shot, why)

    def _account(self, frame: VideoFrame, start: float, shown: float) -> None:
        if not self.decoded:
            self.first = self.covered = self.end = start
        self.end = max(self.end, start + shown)
        if frame.is_corrupt:
            self.corrupt += 1
            return
        if start - self.covered > (LATE - 1) * shown:
            self.gap = max(self.gap, start - self.covered)
        self.covered = max(self.covered, start + shown)

    def _give(self, following: float | None) -> None:
        """Hand out the frame that was held, if it is to be."""
        held, self._held = self._held, None
        if held is None or held.why is None:
            return
        end = following if following is not None and following > held.start else held.start + held.shown
        views = frame_views(held.frame, self.stream.sample_aspect_ratio, self._how.side, self._reformatter)
        head = {
            "index": held.index,
            "start": max(0, round(held.start * 1000)),
            "end": max(0, round(end * 1000)),
            "why": held.why,
            "shot": held.shot,
            "track": self.stream.index,
            "hidden": self._hidden,
            "corrupt": held.frame.is_corrupt,
        }
        held = None
        gc.collect()  # a frame whose side data was read holds on to itself
        self._emit(head, views)

    def close(self, *, last: bool) -> None:
        """Hand out the last frame; with `last`, whatever it is like."""
        if self._held is not None and last:
            self._held.why = self._held.why or "last"
        self._give(None)

    def short(self) -> float:
        """Return how many seconds of the track were not there at its end."""
        if not self.decoded:
            return 0.0
        left = max(self.end, self._ends()) - self.covered
        return left if left > LATE / (self.rate or 1 / USUAL) else 0.0

    def _ends(self) -> float:
        """Return when the track ends by what the file says: the track, a text that Matroska has for it, or the container."""
        stream = self.stream
        if stream.duration and stream.time_base:
            counted = stream.frames / self.rate if self.rate else 0.0
            return self.first + max(counted, float(stream.duration * stream.time_base))
        for name in TAGGED:
            hours, _, rest = stream.metadata.get(name, "").partition(":")
            minutes, _, seconds = rest.partition(":")
            try:
                return int(hours) * 3600 + int(minutes) * 60 + float(seconds) - self._origin
            except ValueError:
                continue
        container: Any = stream.container
        alone = len(container.streams) == 1 and container.duration
        return container.duration / 1_000_000 - self._origin if alone else 0.0
