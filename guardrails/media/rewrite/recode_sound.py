"""Mutes and cuts the sound of a film that is written again.

Samples stand on one line from the first one on: a hole in the source becomes silence, and what overlaps is left out, so that the
place of a sample is its time. What is muted is zero from three pieces before the span to three behind it, as an encoder lets each
piece sound into its neighbours; a short ramp on either side of that, and of a cut, keeps it from clicking.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from guardrails.media.rewrite.time_spans import (
    MICRO,
    Span,
    count_cut_time,
    merge_spans,
    remaining_spans,
    spans_meet,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.float32]

BESIDES: Final = 3
"""Pieces that are silent before and behind what is muted, where an encoder loses something."""

RAMP: Final = 256
"""Samples over which sound fades out and in."""

SLACK: Final = 0.03
"""Seconds by which a time stamp may differ from the line before the line follows: containers round them."""


class SoundLine:
    """Mutes and cuts samples; instants are numbers of samples from the film's beginning."""

    def __init__(
        self, rate: int, piece: int, mutes: Sequence[Span], cuts: Sequence[Span], besides: int = BESIDES
    ) -> None:
        """`mutes` and `cuts` are microseconds, sorted and apart; `piece` is how many samples the encoder takes at once, and
        `besides` how many pieces are silent before and behind what is muted.
        """
        more = besides * piece
        silent = [(start * rate // MICRO - more, -(-end * rate // MICRO) + more) for start, end in mutes]
        self._cuts = merge_spans(
            (round(start * rate / MICRO), round(end * rate / MICRO)) for start, end in cuts
        )
        self._silent = merge_spans([*silent, *self._cuts])
        self._faded = merge_spans((start - RAMP, end + RAMP) for start, end in self._silent)
        self._rate = rate
        self._piece = piece
        self._end: int | None = None  # of what was put on the line
        self._at = 0  # where the next piece is, after cutting
        self._rest: Samples | None = None

    def feed(self, samples: Samples, at: int) -> Iterator[tuple[int, Samples]]:
        """Take samples, [channels, count], of an instant; yield whole pieces, each with its instant after cutting."""
        import numpy as np

        if self._end is None:
            self._end, self._at = at, at - count_cut_time(self._cuts, at)
        gap, slack = at - self._end, int(SLACK * self._rate)
        if gap < -slack:
            samples = samples[:, -gap:]
        while gap > slack:
            hole = np.zeros((samples.shape[0], min(gap, self._rate)), np.float32)
            yield from self._put(hole)
            gap -= hole.shape[1]
            slack = 0
        yield from self._put(samples)

    def rest(self) -> Iterator[tuple[int, Samples]]:
        """Yield what is left when there is no more: less than a piece."""
        if self._rest is not None and self._rest.shape[1]:
            yield self._at, self._rest

    def _put(self, samples: Samples) -> Iterator[tuple[int, Samples]]:
        import numpy as np

        assert self._end is not None
        start, self._end = self._end, self._end + samples.shape[1]
        if spans_meet(self._faded, start, self._end):
            samples = samples * self._loudness(start, self._end)
        parts = [
            samples[:, first - start : last - start]
            for first, last in remaining_spans(self._cuts, start, self._end)
        ]
        if self._rest is not None:
            parts.insert(0, self._rest)
        whole = np.concatenate(parts, axis=1) if parts else samples[:, :0]
        while whole.shape[1] >= self._piece:
            yield self._at, whole[:, : self._piece]
            self._at, whole = self._at + self._piece, whole[:, self._piece :]
        self._rest = whole

    def _loudness(self, start: int, end: int) -> Samples:
        """Return by what samples are multiplied: 0 in what is muted or cut, 1 away from it."""
        import numpy as np

        place, found = np.arange(start, end), np.ones(end - start)
        for first, last in self._silent:
            away = np.maximum(first - place, place - (last - 1))
            found = np.minimum(found, np.clip(away / RAMP, 0, 1))
        return found.astype(np.float32)
