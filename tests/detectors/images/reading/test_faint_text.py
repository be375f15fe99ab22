"""What is faint is made plain, and most pictures have nothing faint."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

from guardrails.detectors.images.reading.faint_text import enhance_faint
from tests.cases import each_case


def plain(height: int = 60, width: int = 90, shade: int = 255) -> Any:
    """Return a view of one shade."""
    return np.full((height, width, 3), shade, dtype=np.uint8)


@each_case(("ground", "ink"), [(255, 250), (255, 253), (0, 6), (128, 120), (40, 58)])
def test_what_is_faint_is_made_plain(ground: int, ink: int) -> None:
    """Dark on white, whatever the ground; what was plain already stays so."""
    view = plain(120, 180, ground)
    view[20:30, 20:120] = ink
    view[80:84, 20:120] = 255 - ground
    made = enhance_faint(view)
    assert made is not None
    assert made[0, 0].tolist() == [255] * 3
    assert made[25, 40].max() <= 215
    assert ground == 128 or made[82, 40].max() <= 15


def test_a_colour_can_be_faint_as_well() -> None:
    """Yellow that is nearly white differs in one channel."""
    view = plain(120, 180)
    view[20:30, 20:120, 2] = 245
    made = enhance_faint(view)
    assert made is not None
    assert made[25, 40].max() < 100


@each_case("kind", ["plain", "bold", "jpeg", "photo", "gradient"])
def test_a_picture_without_anything_faint_is_read_once(kind: str) -> None:
    """One of a single shade or of plain letters has nothing faint, nor what a JPEG makes of edges; a photo has no ground."""
    view = plain(200, 300)
    if kind in ("bold", "jpeg"):
        view[20:60, 20:60] = (200, 30, 30)
    if kind == "jpeg":
        out = io.BytesIO()
        Image.fromarray(view).resize((251, 167), Image.Resampling.LANCZOS).save(out, "JPEG", quality=60)
        view = np.asarray(Image.open(out))
    if kind == "photo":
        view = np.random.default_rng(0).integers(0, 255, view.shape, dtype=np.uint8)
    if kind == "gradient":
        view[:] = np.linspace(0, 255, 300).astype(np.uint8)[None, :, None]
    assert enhance_faint(view) is None
