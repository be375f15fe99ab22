"""Detects shots by small grey pictures of all frames, and decides which frames are looked at.

A cut is where a frame is unlike the one before. That alone misses three tricks, each of which has a rule of its own: what
comes slowly (each frame is like the one before, and after half a second all is different: compared with the last sample),
what is shown in a part of the picture for a frame or two and is gone again (`flash`), or for longer, and was not there in
any of the last samples (`_appears`), and what is as bright as all around it (colour counts too).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from guardrails.media.video.film_parts import Sampling, Why

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Small = NDArray[np.int16]

COLUMNS: Final = 64
ROWS: Final = 36
"""Blocks of brightness; each of the two colours has as many, and alpha. A small picture is int16 [3 | 4, rows, columns]."""

SLOW: Final = 3.0
"""So many times `Sampling.cut` from the last sample are a cut, too, `SLOW_S` after it at the earliest."""

SLOW_S: Final = 0.2

ROUNDED_S: Final = 0.002
"""Seconds by which containers round times: what is due a moment later is due."""

STRONG: Final = 12
"""So many times `Sampling.static` in one block are a change that is no noise of a codec."""

FLASH: Final = 40
"""A block that changes by more may be one of a flash."""

FLASH_BACK: Final = 10
"""It is one if it comes back as near as this to what it was."""

FLASH_BLOCKS: Final = 12
"""Blocks of a flash: half a hundredth of the picture."""

FLASH_SHARE: Final = 0.7
"""Share of all blocks that change so much that come back: of what moves, as much comes as goes."""

FLASHES: Final = 4
"""Flashes that are known again: what flickers is looked at once in each of its states."""

FLASH_FRAMES: Final = 3
"""Frames that a flash is shown at most; what stays longer appears."""

APPEARS: Final = 3
"""Blocks of two by two that are unlike all of the last samples by `FLASH` or more where something appears."""

APPEARS_S: Final = 0.1
"""Seconds from the last sample from which what comes slowly appears, too."""

MOVES: Final = 6
"""A block that changes by more may move."""

PLACE: Final = 0.5
"""Share of the picture in which everything lies that changes where something comes slowly: all over, it is the camera."""

SAMPLES: Final = 4
"""Samples in which what appears may be known: what blinks is looked at once in each of its states."""

AHEAD: Final = 4.0
"""Frames that may be handed out at once because something appears in them."""

RETURNS: Final = 0.5
"""So many times `Sampling.fps` of them a second are on the long run: in what moves fast there is always something new."""


class ShotDetector:
    """The decisions for one track, frame by frame. `shot` is the number of the shot of the last frame that was fed."""

    def __init__(self, sampling: Sampling) -> None:
        self._how = sampling
        self._before: list[Small] = []
        self._samples: list[Small] = []
        self._ahead = AHEAD
        self._before_s = 0.0
        self._flashed: list[Small] = []
        self._at = 0.0
        self._due = 0.0
        self.shot = -1
        self.cuts = 0

    def feed(self, small: Small, seconds: float, *, resized: bool = False) -> tuple[Why | None, bool]:
        """Return why a frame is to be handed out, if it is, and whether the one before it is to be, as it was a flash.

        `seconds` is when it is shown; where that goes back, it is looked at. One of another size or format begins a shot.
        """
        flash = False
        why: Why | None
        if not self._before or resized:
            why = "first" if self.shot < 0 else "cut"
            self._before, self._flashed, self._samples = [], [], []
            self._begin()
        else:
            changes = abs(small - self._before[-1])
            flash = self._flash(small, changes)
            why = self._why(small, changes, seconds)
            if why is None and self._ahead >= 1 and self._appears(small, changes, seconds - self._at):
                self._ahead -= 1
                why = "new"
            elif why == "rate" and self._appears(small, changes, 0.0):
                why = "new"
        self._before = [*self._before[-FLASH_FRAMES:], small]
        if why is not None:
            self._samples = [*self._samples[1 - SAMPLES :], small]
            self._at = seconds
            if why != "new" or seconds + ROUNDED_S >= self._due:
                self._due = seconds + 1 / self._how.fps
        return why, flash

    def _begin(self) -> None:
        self.shot += 1
        self.cuts += self.shot > 0

    def _why(self, small: Small, changes: Small, seconds: float) -> Why | None:
        sampled = self._samples[-1]
        passed, self._before_s = max(0.0, seconds - self._before_s), seconds
        self._ahead = min(AHEAD, self._ahead + passed * RETURNS * self._how.fps)
        if _mean(changes) > self._how.cut:
            self._begin()
            return "cut"
        if seconds + ROUNDED_S >= self._due or seconds < self._at:
            since = _distance(small, sampled)
            same = since < self._how.static and _most(small, sampled) < STRONG * self._how.static
            if not same or seconds - self._at >= self._how.again or seconds < self._at:
                return "rate"
            self._due = seconds + 1 / self._how.fps
        elif seconds - self._at >= SLOW_S and _distance(small, sampled) > SLOW * self._how.cut:
            self._begin()
            return "cut"
        return None

    def _appears(self, small: Small, changes: Small, since: float) -> bool:
        """Whether there is something in a part of the picture that was in none of the last samples, the last one `since` seconds
        ago: at once, or slowly in a place where nothing else moves.
        """
        most = changes.max(axis=0)
        new = most > (0 if since >= APPEARS_S and _in_place(most > MOVES) else FLASH)
        for each in self._samples if new.any() else ():
            new &= (abs(small - each) > FLASH).any(axis=0)
        rows = new[1:].astype("int8") + new[:-1]
        return bool((rows[:, 1:] + rows[:, :-1] >= APPEARS).any())

    def _flash(self, small: Small, changes: Small) -> bool:
        """Whether the frame before showed something in a part of the picture that is gone again."""
        before = self._before
        if len(before) < 2:
            return False
        gone = changes > FLASH
        least = max(FLASH_BLOCKS, FLASH_SHARE * int(gone.sum()))
        if least > gone.sum():
            return False
        back = any((gone & (abs(small - each) < FLASH_BACK)).sum() >= least for each in before[:-1])
        if not back or any(_most(each, before[-1]) < FLASH for each in self._flashed):
            return False
        self._flashed = [*self._flashed[1 - FLASHES :], before[-1]]
        return True


def _in_place(blocks: NDArray[np.bool_]) -> bool:
    """Whether blocks lie in one place of the picture."""
    import numpy as np

    sides = (np.flatnonzero(blocks.any(axis=axis)) for axis in (0, 1))
    spans = [int(side[-1] - side[0]) + 1 if side.size else 0 for side in sides]
    return spans[0] * spans[1] < PLACE * blocks.size


def _distance(one: Small, other: Small) -> float:
    """Return the mean difference, of brightness or of the colour that differs more."""
    return _mean(abs(one - other))


def _mean(changes: Small) -> float:
    return int(changes.reshape(len(changes), -1).sum(axis=1).max()) / (ROWS * COLUMNS)


def _most(one: Small, other: Small) -> float:
    return float(abs(one - other).max())
