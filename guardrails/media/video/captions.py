"""Tells whether a packet of pictures has captions that say something.

Television has its captions (CEA-608 and CEA-708) not in a track, but in notes beside each picture, and phones, players and web
sites show them on demand. How they lie there is ATSC A/53 Part 4, 6.2.3, in a note of ITU-T T.35 (H.264, HEVC, AV1) or behind a
start code (MPEG-2). Nobody reads them here, so that it is named where there are some. Most notes are empty: pairs that are not
valid, or of zeros.

Runs in the process that decodes. The packet is searched and not the decoder's frame, as one whose notes were read stays in
memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from typing_extensions import Buffer

MARK: Final = b"GA94\x03"
"""What all such notes have: ATSC's name, and that it is captions."""

BEFORE: Final = (b"\xb5\x00\x31", b"\x00\x00\x01\xb2")
"""What stands before that."""

SOME, COUNT, VALID, PARITY = 0x40, 0x1F, 0x04, 0x80
"""Bits: that a note has captions, how many, that one counts; and of each of its two letters the one that is none."""


def has_captions(packet: Buffer) -> bool:
    """Tell whether a packet has captions that say something."""
    data = bytes(packet)
    at = data.find(MARK)
    while at >= 0:
        note = at + len(MARK)
        if data.endswith(BEFORE, 0, at) and _says(data[note : note + 2 + 3 * COUNT]):
            return True
        at = data.find(MARK, note)
    return False


def _says(note: bytes) -> bool:
    """Tell whether a note says something: flags with a number, a byte without a meaning, and so many times three bytes."""
    if len(note) < 2 or not note[0] & SOME:
        return False
    end = min(2 + 3 * (note[0] & COUNT), len(note) - 2)
    return any(note[at] & VALID and (note[at + 1] | note[at + 2]) & ~PARITY for at in range(2, end, 3))
