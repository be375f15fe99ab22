"""Makes what hardly differs from its plain ground dark on white: a person passes over it, a model does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from guardrails.detectors.images.reading.view_parts import FAINT, PART, find_ground, measure_away

if TYPE_CHECKING:
    from guardrails.media.images.picture import Pixels

SOME: Final = 4
"""Squares with something faint in them, away from all that is not, from which it may be letters."""

LARGE: Final = 20
"""By what differences from the ground are multiplied."""


def enhance_faint(view: Pixels) -> Pixels | None:
    """Return a view with what is faint on its plain ground made dark on white; None where there is no such ground, or nothing."""
    import numpy as np

    ground = find_ground(view, 1)
    if ground is None:
        return None
    differs = measure_away(view, ground)
    rows = np.maximum.reduceat(differs, range(0, view.shape[0], PART), axis=0)
    parts = np.maximum.reduceat(rows, range(0, view.shape[1], PART), axis=1)
    high, wide = parts.shape
    plain = np.pad(parts > FAINT, 1)
    beside = [plain[y : y + high, x : x + wide] for y in range(3) for x in range(3)]
    if ((parts > 1) & ~np.any(beside, axis=0)).sum() < SOME:
        return None
    made = 255 - np.minimum(differs, 255 // LARGE) * np.uint8(LARGE)
    return np.repeat(made[:, :, None], 3, axis=2)
