"""Watches pictures in memory as one film.

footage = FramesFilm([image, image, …], fps=8) footage.covered([FilmEdit((0, 500), "solid")]).frames      # of the same kinds;
those that nothing is done to are the same objects

There is nothing to decode, so all of it is done in this process. Which frames are handed out is decided as for files
(`ShotDetector`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import IO, TYPE_CHECKING, Any, Final, cast

from guardrails.media.errors import MediaError
from guardrails.media.images.picture import PictureFrame, open_picture
from guardrails.media.images.redact import redact_picture
from guardrails.media.limits import PictureLimits
from guardrails.media.rewrite.edit_plan import MARGINS_MS, FilmEdit
from guardrails.media.rewrite.time_spans import MICRO, grow_clips, spans_meet
from guardrails.media.video.film_parts import (
    FrameSample,
    MediaTrack,
    Sampling,
    Stop,
    VideoLimits,
    WatchAccount,
    Why,
)
from guardrails.media.video.film_source import Film
from guardrails.media.video.frames.frame_pixels import block_means
from guardrails.media.video.frames.shots import ShotDetector

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from guardrails.media.images.edit import How
    from guardrails.media.video.processes.film_process import Answer, FilmProcess

    Pixels = NDArray[np.uint8]
    Small = NDArray[np.int16]

COLOURS: Final = ((0.257, 0.504, 0.098), (-0.148, -0.291, 0.439), (0.439, -0.368, -0.071))
"""What of red, green and blue brightness and both colours are, as most films count them."""

MIDDLE: Final = (16, 128, 128)

FASTEST: Final = 1_000
"""Frames a second that nothing has more of."""


class FramesFilm(Film):
    """A film of frames: Pillow images or arrays [height, width, 3], all of one size. `close` does nothing: it holds no file."""

    def __init__(
        self,
        frames: Sequence[Any],
        fps: float,
        limits: VideoLimits | None = None,
        picture_limits: PictureLimits | None = None,
    ) -> None:
        """Take frames, so many a second.

        Raises:
            MediaError: there is none, or what is to be the first one is no picture.
            ValueError: no film has so many frames a second.
            TypeError: what is to be a frame is none.
        """
        if not 0 < fps <= FASTEST:
            raise ValueError(f"fps must be above 0 and at most {FASTEST}, not {fps}")
        if not frames:
            raise MediaError("empty", "there are no frames")
        self._limits, self._pictures = limits or VideoLimits(), picture_limits or PictureLimits()
        self.frames, self.fps = frames, fps
        first = open_picture(frames[0], self._pictures)
        self.format, self.size, self.sha256 = "frames", 0, ""
        self.width, self.height, self.rotation = first.width, first.height, 0
        self.seconds, self.frame_rate = len(frames) / fps, fps
        self.tracks, self.metadata, self.behind = (MediaTrack(0, "video", "frames"),), (), 0

    def process(
        self,
        call: str,
        most: int,
        *,
        target: IO[bytes] | None = None,
        limits: VideoLimits | None = None,
        **more: Any,
    ) -> FilmProcess:
        """Return what stands for the process that watches a file."""
        assert call == "watch", "frames have neither subtitles nor sound"
        sampling = dict(more["sampling"])
        clip = sampling.pop("clip")
        how = Sampling(**sampling, clip=None if clip is None else (clip[0], clip[1]))
        return cast("FilmProcess", _InProcessRun(self, how, limits or self._limits, self._pictures))

    def stills(self, times: Sequence[int], side: int) -> Iterator[FrameSample]:
        """Yield the frames that are shown at some times."""
        for at in times:
            with self.watch(Sampling(side=side, clip=(at, at + 1))) as watch:
                yield from islice(watch, 1)

    def close(self) -> None:
        """Do nothing."""

    def when(self, number: int) -> int:
        """Return the millisecond in which a frame begins to be shown."""
        return round(1_000 * number / self.fps)

    def apply_edits(self, edits: Sequence[FilmEdit]) -> FramesFilm:
        """Return the same with edits done; a frame that would be cut out is black, so that there are as many as before.

        Raises:
            MediaError: a frame is none that can be written.
        """
        frames = list(self.frames)
        for edit in edits:
            if edit.how == "mute":
                continue
            how: How = "solid" if edit.how == "cut" else edit.how
            clip = (edit.clip[0], max(edit.clip[1], edit.clip[0] + 1))
            spans = grow_clips([clip], MARGINS_MS[edit.how])
            for number in range(len(frames)):
                start, end = (round(MICRO * (number + at) / self.fps) for at in (0, 1))
                if spans_meet(spans, start, end):
                    picture = open_picture(frames[number], self._pictures)
                    frames[number] = redact_picture(picture, edit.boxes, how, whole=not edit.boxes)
        return FramesFilm(frames, self.fps, self._limits, self._pictures)


@dataclass(slots=True)
class _HeldFrame:
    """A frame that waits for the next one: only then it is known whether it was a flash, and whether it was the last."""

    number: int
    frame: PictureFrame
    shot: int
    why: Why | None


class _InProcessRun:
    """What `WatchRun` and `SoundRun` use of a process, for what is watched in this one."""

    def __init__(self, film: FramesFilm, how: Sampling, limits: VideoLimits, pictures: PictureLimits) -> None:
        self._film, self._how, self._limits, self._pictures = film, how, limits, pictures
        self._shots = ShotDetector(how)
        self._decoded = self._sampled = 0
        self._stopped: Stop | None = None

    def grant(self, seconds: float) -> None:
        """Give no more time: each frame takes its own."""

    def end(self) -> None:
        """There is nothing to kill."""

    def answers(self) -> Iterator[Answer]:
        """Yield samples, and the account at the end; raises `MediaError` for a frame that is none."""
        held: _HeldFrame | None = None
        for number in range(len(self._film.frames)):
            frame, why, flash = self._look(number)
            if self._stopped is not None:
                break
            if held is not None and flash:
                held.why = held.why or "cut"
            if held is not None and held.why is not None and (answer := self._sample(held)) is not None:
                yield answer
            held = None if frame is None else _HeldFrame(number, frame, max(0, self._shots.shot), why)
        if held is not None and self._stopped is None:
            held.why = held.why or "last"
            if (answer := self._sample(held)) is not None:
                yield answer
        yield {"kind": "seen", "seen": self._make_account(done=True)}, b""

    def _look(self, number: int) -> tuple[PictureFrame | None, Why | None, bool]:
        """Look at a frame: return it, unless it is not to be watched, why it is to be handed out, and whether the one before it
        is, as it was a flash.
        """
        film, clip = self._film, self._how.clip
        if clip is not None and (film.when(number + 1) <= clip[0] or film.when(number) >= clip[1]):
            return None, None, False
        if number >= self._limits.frames:
            self._stopped = "frames"
        elif number / film.fps > self._limits.seconds:
            self._stopped = "seconds"
        if self._stopped is not None:
            return None, None, False
        picture = open_picture(film.frames[number], self._pictures)
        if len(picture.frames) > 1:
            raise MediaError("unsupported_type", "what moves is no frame of a film")
        if (picture.width, picture.height) != (film.width, film.height):
            raise MediaError("undecodable", "its frames are of several sizes")
        (frame,) = picture.frames
        self._decoded += 1
        if clip is not None:
            return frame, "dense", False
        # What may be seen in several ways is not told by one of them: each is a shot of its own.
        why, flash = self._shots.feed(_small(frame.views[0]), number / film.fps, resized=len(frame.views) > 1)
        return frame, why, flash

    def _sample(self, held: _HeldFrame) -> Answer | None:
        """Return a sample, or None where the budget is spent, which ends it."""
        if self._sampled >= self._how.budget:
            self._stopped = "budget"
            return None
        self._sampled += 1
        views = [_fit_side(view, self._how.side) for view in held.frame.views]
        head = {
            "kind": "sample",
            "seen": self._make_account(),
            "index": held.number,
            "start": self._film.when(held.number),
            "end": self._film.when(held.number + 1),
            "why": held.why,
            "shot": held.shot,
            "track": 0,
            "hidden": False,
            "corrupt": False,
            "shapes": [view.shape for view in views],
        }
        return head, b"".join(view.tobytes() for view in views)

    def _make_account(self, *, done: bool = False) -> dict[str, Any]:
        return asdict(
            WatchAccount(
                frames_total=len(self._film.frames),
                decoded=self._decoded,
                sampled=self._sampled,
                cuts=self._shots.cuts,
                seconds=round(self._decoded / self._film.fps, 3),
                stopped=self._stopped,
                done=done,
            )
        )


def _small(pixels: Pixels) -> Small:
    """Return brightness and colours of a frame in blocks, as `video_pixels.small_of` does."""
    import numpy as np

    if pixels.shape[0] > pixels.shape[1]:
        pixels = pixels.swapaxes(0, 1)
    means = np.stack([block_means(pixels[:, :, number]) for number in range(3)]).astype(np.float32)
    made = np.tensordot(np.asarray(COLOURS, np.float32), means, 1)
    small: Small = (made + np.asarray(MIDDLE, np.float32)[:, None, None]).round().astype(np.int16)
    return small


def _fit_side(pixels: Pixels, side: int) -> Pixels:
    """Return a frame whose longer side has so many pixels at most."""
    import numpy as np
    from PIL import Image

    if max(pixels.shape[:2]) <= side:
        return np.ascontiguousarray(pixels)
    image = Image.fromarray(pixels)
    image.thumbnail((side, side), Image.Resampling.BOX)
    return np.asarray(image)
