"""Maps pixels of high-range (HDR) films to what an ordinary screen shows.

Such a film stores light by another curve: PQ (SMPTE ST 2084) or HLG (ARIB STD-B67), both in ITU-R BT.2100. Shown as they are,
its colours are grey and flat, so that a detector sees less in it than people do. A player turns them into light, and that into
what its screen can show: white as paper has 203 cd/m² (ITU-R BT.2408), what is brighter is pressed into the rest. What a film
says of its curve may be a lie, and some players do not know it: who looks has to see both.

Runs in the process that decodes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    from av.video.frame import VideoFrame
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]
    Light = NDArray[np.float32]

PQ, HLG = 16, 18
"""Numbers of the curves, in ITU-T H.273."""

WIDE: Final = 9
"""That of the wide colours of ITU-R BT.2020."""

WHITE: Final = 203.0
"""Light of paper, in cd/m²."""

PEAK: Final = 1_000.0
"""The brightest light of the screen that HLG is made for."""

KNEE: Final = 0.7
"""Light, of 1 for paper, from which more is pressed into what is left."""

NARROW: Final = (
    (1.6605, -0.5876, -0.0728),
    (-0.1246, 1.1329, -0.0083),
    (-0.0182, -0.1006, 1.1187),
)
"""Colours of ITU-R BT.2020 as those of BT.709 (ITU-R BT.2087)."""

STEPS: Final = 4_096


def tone_map(pixels: Pixels, frame: VideoFrame) -> Pixels | None:
    """Return pixels, uint8 [height, width, 3], as an ordinary screen shows them; None of a frame that is made for one."""
    import numpy as np

    if frame.color_trc not in (PQ, HLG):
        return None
    light = curve_lights(int(frame.color_trc))[pixels]
    if frame.color_primaries == WIDE:
        light = light @ np.array(NARROW, np.float32).T
    return display_curve()[(np.clip(light, 0, 1) * (STEPS - 1)).astype(np.uint16)]


@lru_cache(2)
def curve_lights(curve: int) -> Light:
    """Return the light of each of 256 numbers, 1 for paper, already pressed into 0..1."""
    import numpy as np

    stored = np.arange(256) / 255
    if curve == PQ:
        power = stored ** (1 / 78.84375)
        light = (
            10_000
            / WHITE
            * (np.maximum(power - 0.8359375, 0) / (18.8515625 - 18.6875 * power)) ** (1 / 0.1593017578125)
        )
    else:
        bright = (np.exp((stored - 0.55991073) / 0.17883277) + 0.28466892) / 12
        light = PEAK / WHITE * np.where(stored <= 0.5, stored**2 / 3, bright) ** 1.2
    pressed = KNEE + (1 - KNEE) * (1 - np.exp(-(light - KNEE) / (1 - KNEE)))
    return np.where(light <= KNEE, light, pressed).astype(np.float32)


@lru_cache(1)
def display_curve() -> Pixels:
    """Return what an ordinary screen is told to show light of 0..1, in so many steps (sRGB, IEC 61966-2-1)."""
    import numpy as np

    light = np.arange(STEPS) / (STEPS - 1)
    made = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(255 * made), np.uint8)
