"""Boxes of a view are boxes of the picture, whatever its size."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from guardrails.detectors.images.view_boxes import scale_box


@given(st.integers(1, 5000), st.integers(1, 5000), st.data())
def test_a_scaled_box_lies_inside_and_covers(width: int, height: int, data: st.DataObject) -> None:
    """Of a picture that was made smaller to be looked at."""
    view = np.zeros((max(1, height // 3), max(1, width // 3), 3), dtype=np.uint8)
    x = data.draw(st.integers(0, view.shape[1] - 1))
    y = data.draw(st.integers(0, view.shape[0] - 1))
    picture = type("Sized", (), {"width": width, "height": height})()
    left, top, wide, high = scale_box((x, y, 1, 1), view, picture)
    assert 0 <= left < left + wide <= width
    assert 0 <= top < top + high <= height
    assert left <= x * width / view.shape[1]
    assert left + wide >= (x + 1) * width / view.shape[1] - 1e-6
