"""Finds the channels of a sound that hold something that the mix does not.

Who listens with two ears hears both sides; a mix of them has lost what is turned over on one side, and hides a voice on one side
behind a louder one on the other. What a mix lacks is what is left of a channel when the mix is taken out of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LEFT: Final = 0.1
"""The part of a channel's power that is left from which it holds something of its own: 10 dB below what the mix has of it."""

SILENT: Final = 1e-8
"""The power of a sample (80 dB below the loudest) below which a channel is silent."""

MOST: Final = 8
"""Channels of which this is told."""


class ChannelDifference:
    """What channels hold of their own, in what was added since it was last asked."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        import numpy as np

        self._left, self._whole, self._count = np.zeros(MOST), np.zeros(MOST), 0

    def add(self, channels: NDArray[np.float32], mix: NDArray[np.float32]) -> None:
        """Take some samples of all channels [channels, samples], and of their mix."""
        import numpy as np

        if len(channels) < 2:
            return
        given = channels[:MOST].astype(np.float64)
        own = mix.astype(np.float64)
        parts = given @ own / max(float(own @ own), 1e-12)
        self._left[: len(given)] += np.square(given - parts[:, None] * own).sum(axis=1)
        self._whole[: len(given)] += np.square(given).sum(axis=1)
        self._count += given.shape[1]

    def take(self) -> list[int]:
        """Return the numbers of the channels that hold something of their own, and begin anew."""
        import numpy as np

        loud = self._whole > SILENT * max(1, self._count)
        found = np.flatnonzero(loud & (self._left > LEFT * self._whole)).tolist()
        self._begin()
        return [int(each) for each in found]


def pick_channel(channels: NDArray[np.float32], number: int) -> NDArray[np.float32]:
    """Return a channel; silence where there is none of that number."""
    import numpy as np

    if number >= len(channels):
        return np.zeros(channels.shape[1], np.float32)
    return np.ascontiguousarray(channels[number], np.float32)
