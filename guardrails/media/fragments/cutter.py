"""Cuts a film that is made of fragments while it comes: `FilmCutter` chooses the reader of its container by its first bytes.

    cutter = Cutter()
    for piece in pieces:
        for fragment in cutter.feed(piece):
            fragment.start, fragment.end    # where it lies among all that came; together they are all of it
    last = cutter.close()

What cannot be judged piece by piece is refused with `UncuttableFilm`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from guardrails.media.fragments.fragment import Fragment, FragmentCutter, UncuttableFilm
from guardrails.media.fragments.mp4_boxes import Mp4Cutter
from guardrails.media.fragments.ts_packets import TsCutter
from guardrails.media.video.file_type import HEAD, TRANSPORT, detect_file_type

MOST: Final = 50_000
"""Fragments that a film may have: more than pictures that are looked at."""


class FilmCutter:
    """Cuts a film of either kind, which its first bytes tell."""

    def __init__(self) -> None:
        self._first = bytearray()
        self._cuts: FragmentCutter | None = None
        self._count = 0

    @property
    def head(self) -> bytes:
        """What stands before each shorter film."""
        return b"" if self._cuts is None else self._cuts.head

    def feed(self, data: bytes) -> list[Fragment]:
        """Take what comes, in pieces of any size; return the fragments that are all there by now.

        Raises:
            Uncut: why it cannot be cut any further.
        """
        if self._cuts is None:
            self._first += data
            if len(self._first) < HEAD:
                return []
            data, self._cuts = bytes(self._first), _cuts(self._first)
            self._first.clear()
        return self._counted(self._cuts.feed(data))

    def close(self) -> list[Fragment]:
        """Return what is left at the end.

        Raises:
            Uncut: something is missing.
        """
        found: list[Fragment] = []
        if self._cuts is None:
            data, self._cuts = bytes(self._first), _cuts(self._first)
            found = self._counted(self._cuts.feed(data))
        left = self._cuts.close()
        return found if left is None else [*found, left]

    def _counted(self, fragments: Iterable[Fragment]) -> list[Fragment]:
        found = [*fragments]
        self._count += len(found)
        if self._count > MOST:
            raise UncuttableFilm(f"it has more than {MOST} fragments")
        return found


def _cuts(first: bytes | bytearray) -> FragmentCutter:
    kind = detect_file_type(bytes(first[:HEAD]))
    if kind is not None and kind.format == "mp4" and first[4:8] == b"ftyp":
        return Mp4Cutter()
    if kind is TRANSPORT and first[:1] == b"G":
        return TsCutter()
    raise UncuttableFilm("it is neither an MP4 file nor a transport stream")
