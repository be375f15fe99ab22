"""The values that the modules on films share: limits, sampling, tracks, samples and accounts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

Why = Literal["first", "rate", "cut", "new", "last", "dense"]
"""Why a frame was handed out: it is the first or the last of its track, due by the base rate, unlike what was before, has
something in a part of it that was not there before, or is of a clip.
"""

Stop = Literal[
    "budget",
    "seconds",
    "frames",
    "pixels",
    "wall_clock",
    "memory",
    "tracks",
    "truncated",
    "corrupt",
    "crashed",
    "closed",
]
"""Why a watch ended before its film did: a limit (the first six), tracks that begin
in the middle of a stream and were not watched, a file that breaks off or cannot be read on, a process that
broke down or was killed, or who watched left."""


@dataclass(frozen=True, slots=True)
class VideoLimits:
    """What may be spent on a film. Over `bytes`, `pixels`, `frame_rate` or `tracks` it is not opened; the others end a watch.

    `bytes` of the file: what generators and phones make in ten minutes. `seconds` of film are looked at; with `refuse_long` a
    film that says that it is longer is not opened either. `pixels` of a frame, before it is turned: those of 4K, for cinemas too;
    what is handed out is smaller. `frame_rate`, frames a second on average by what the file says: 240 is what phones make for
    slow motion. `frames` of all tracks together: ten minutes at that. `tracks` of video that are watched, each with a decoder of
    its own.

    `grace` and `wall_factor` are the clock: seconds that the process may be waited for, and seconds more for each second of
    film that it went through, so that a film costs at most its own length however slow it was made; time in which nobody asks
    for the next sample does not count. `memory` is the process's, in bytes of addresses: libraries and threads take 600 MB of
    that, and a decoder of 4K with 16 reference frames 800 MB more. `threads` of a decoder. With `by_bytes` a
    file is what its bytes are, whatever somebody says that it is.
    """

    bytes: int = 200_000_000
    seconds: float = 600.0
    pixels: int = 4096 * 2304
    frame_rate: float = 240.0
    frames: int = 144_000
    tracks: int = 4
    grace: float = 10.0
    wall_factor: float = 1.0
    memory: int = 3 << 30
    threads: int = 4
    refuse_long: bool = False
    by_bytes: bool = False


@dataclass(frozen=True, slots=True)
class Sampling:
    """Which frames are handed out. All of them are decoded and compared with what was before, whatever stands here.

    `fps` is the base rate. `cut` is the difference from which a new shot begins: the mean over 64x36 grey blocks, or over as
    many of colour, of 0..255. A frame that differs by less than `static` from the last sample, and nowhere strongly, is not
    handed out when it is due, but `again` seconds after it at the latest. `side` is the longer side of what is handed out, at
    most as large as the film. `budget` is how many samples there may be. `clip` (from, to, in milliseconds) hands out each
    frame of a part and nothing else; `track` watches one track alone (its number among `Film.tracks`).
    """

    fps: float = 1.0
    cut: float = 12.0
    static: float = 2.0
    again: float = 30.0
    side: int = 512
    budget: int = 2_000
    clip: tuple[int, int] | None = None
    track: int | None = None


@dataclass(frozen=True, slots=True)
class MediaTrack:
    """One track: its number, what kind, what codec; `read` tells whether anything here can look into it. The codec of an
    attachment is the type that it is said to be.
    """

    index: int
    kind: Literal["video", "audio", "subtitle", "data", "attachment"]
    codec: str
    language: str = ""
    title: str = ""
    read: bool = True
    picture: bool = False
    """A cover, which is one picture and not a film."""


@dataclass(frozen=True, slots=True, eq=False)
class FrameSample:
    """A frame that was handed out: when it is shown, in milliseconds from the start of the film, and how it looks.

    `pixels` are uint8 [height, width, 3], upright; `views` are all ways in which somebody may see it: where it is
    transparent, over white (`pixels`), over black, and with what is under it shown. `index` counts the frames of its track;
    in a clip it is reckoned by the frame rate. `shot` counts the shots of its track. `hidden` frames are in the file, and a
    player that follows its edit list does not show them; their times are those of the file.
    """

    index: int
    start_ms: int
    end_ms: int
    pixels: Pixels
    why: Why
    shot: int
    track: int
    hidden: bool = False
    corrupt: bool = False
    views: tuple[Pixels, ...] = ()


@dataclass(frozen=True, slots=True)
class WatchAccount:
    """What was looked at. Everything that was not shows here.

    `frames_total` is what the container says, where it does. `decoded` frames were examined, `sampled` ones handed out.
    `corrupt` counts frames and packets that were damaged, `lost` the frames that the container has beyond those decoded.
    `hidden` frames were examined, too, and are not shown by players. `seconds` of film were gone through. `largest_gap_ms` is
    the longest time in which there was no frame, or only damaged ones. `unread` bytes of the file belong to no track: what a
    container needs for itself, and whatever stands behind or between. `captioned` packets have captions inside. `stopped` tells
    why it ended early; `done` that it ended.
    """

    frames_total: int | None = None
    decoded: int = 0
    sampled: int = 0
    corrupt: int = 0
    lost: int = 0
    hidden: int = 0
    cuts: int = 0
    seconds: float = 0.0
    largest_gap_ms: int = 0
    unread: int = 0
    captioned: int = 0
    stopped: Stop | None = None
    done: bool = False

    @property
    def whole(self) -> bool:
        """Whether every frame was looked at, undamaged."""
        return self.done and self.stopped is None and not self.corrupt and not self.lost


@dataclass(frozen=True, slots=True)
class Caption:
    """One text of a subtitle track, without its markup."""

    start_ms: int
    end_ms: int
    text: str
    track: int


@dataclass(frozen=True, slots=True)
class FilmDescription:
    """What a file says of itself: what `Film` is made of. `behind` are bytes that belong to nothing that is read of it."""

    width: int
    height: int
    seconds: float | None
    frame_rate: float | None
    rotation: int
    tracks: tuple[MediaTrack, ...]
    metadata: tuple[tuple[str, str], ...] = field(default=())
    behind: int = 0
