"""Pixels for a model: what its folder says is what it reads, and nothing of a picture is left out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from guardrails.inference.media.pixels import (
    LARGE,
    PixelPreparation,
    prepare_pixels,
    read_preparation,
    split_view,
)
from guardrails.inference.safety.folder import ModelError
from tests.cases import each_case

PLAIN = PixelPreparation(4, 4, 2, 1 / 255, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


def read(folder: Path, of: Any) -> PixelPreparation:
    """Read what a folder says."""
    (folder / "preprocessor_config.json").write_text(of if isinstance(of, str) else json.dumps(of))
    return read_preparation(folder)


@each_case(
    ("size", "wanted"),
    [
        ({"size": {"height": 224, "width": 192}}, (224, 192)),
        ({"size": 224}, (224, 224)),
        ({"size": [224, 192]}, (224, 192)),
        ({"size": {"shortest_edge": 256}}, (256, 256)),
        (
            {
                "size": {"shortest_edge": 256},
                "do_center_crop": True,
                "crop_size": {"height": 224, "width": 224},
            },
            (224, 224),
        ),
        ({"size": {"shortest_edge": 256}, "do_center_crop": False, "crop_size": 224}, (256, 256)),
    ],
)
def test_a_size_is_said_in_several_ways(
    tmp_path: Path, size: dict[str, Any], wanted: tuple[int, int]
) -> None:
    """What is left after a crop is what the model reads."""
    found = read(tmp_path, size)
    assert (found.height, found.width) == wanted


def test_what_is_not_said_is_as_the_library_has_it(tmp_path: Path) -> None:
    """Pixels become numbers in 0..1, and are normalized where there is something to do it with."""
    found = read(tmp_path, {"size": 32})
    assert (found.resample, found.mean, found.deviation) == (2, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    assert found.factor == pytest.approx(1 / 255)
    found = read(
        tmp_path,
        {"size": 32, "image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.2, 0.1], "do_rescale": False},
    )
    assert (found.factor, found.mean, found.deviation) == (1.0, (0.5, 0.4, 0.3), (0.2, 0.2, 0.1))


@each_case(
    ("of", "message"),
    [
        ("{", "preprocessor_config.json: "),
        ("[]", "is no mapping"),
        ({}, "does not say a size"),
        ({"size": {"longest_edge": 300}}, "does not say a size"),
        ({"size": 4_096}, "does not say a size"),
        ({"size": 32, "resample": 9}, "none of Pillow's numbers"),
        ({"size": 32, "do_normalize": True}, "image_mean"),
        ({"size": 32, "image_mean": [1, 2], "image_std": [1, 1, 1]}, "not enough values"),
        ({"size": 32, "image_mean": [1, 2, float("nan")], "image_std": [1, 1, 1]}, "is no number"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, of: Any, message: str) -> None:
    """By the name of the file."""
    with pytest.raises(ModelError, match=message):
        read(tmp_path, of)


def test_a_folder_that_says_nothing_of_pixels_is_no_model_of_pictures(tmp_path: Path) -> None:
    """The cure is to save it."""
    with pytest.raises(ModelError, match="no preprocessor_config") as caught:
        read_preparation(tmp_path)
    assert "AutoImageProcessor" in caught.value.hint


def test_colours_come_first() -> None:
    """As numbers that the model was trained with."""
    view = np.zeros((4, 4, 3), np.uint8)
    view[1, 2] = (255, 51, 0)
    found = prepare_pixels(view, PLAIN)
    assert (found.shape, found.dtype) == ((3, 4, 4), np.float32)
    assert found[:, 1, 2].tolist() == pytest.approx([1.0, 0.2, 0.0])
    normal = PixelPreparation(4, 4, 2, 1 / 255, (0.5, 0.5, 0.5), (0.5, 0.25, 0.5))
    assert prepare_pixels(view, normal)[:, 1, 2].tolist() == pytest.approx([1.0, -1.2, -1.0])


@each_case(("height", "width"), [(40, 400), (400, 40), (9, 9), (2, 2), (1, 700)])
def test_all_of_a_picture_is_read(height: int, width: int) -> None:
    """Whatever its shape: what stands at its edge is there."""
    view = np.zeros((height, width, 3), np.uint8)
    view[:, -max(1, width // 4) :] = 255
    assert prepare_pixels(view, PLAIN)[:, :, -1].mean() > 0.3


@each_case("side", [40, 400])
def test_a_part_is_read_as_if_it_were_cut_out(side: int) -> None:
    """But for its edge, into which goes what lies beside it."""
    view = np.zeros((side, side, 3), np.uint8)
    view[: side // 2, : side // 2] = 255
    box = (0, 0, side // 2, side // 2)
    cut = prepare_pixels(np.ascontiguousarray(view[: side // 2, : side // 2]), PLAIN)
    for source in (view, Image.fromarray(view)):
        assert np.abs(prepare_pixels(source, PLAIN, box) - cut)[:, :-1, :-1].max() < 0.05


def test_a_part_of_what_is_as_large_as_the_model_reads_is_made_larger() -> None:
    """It is not taken for the whole."""
    view = np.zeros((4, 4, 3), np.uint8)
    view[:2, :2] = 255
    assert prepare_pixels(view, PLAIN, (0, 0, 2, 2)).mean() > 0.7
    assert prepare_pixels(view, PLAIN, (0, 0, 4, 4)).mean() == pytest.approx(0.25)


@given(st.integers(1, 3_000), st.integers(1, 3_000))
def test_parts_cover_a_large_picture(height: int, width: int) -> None:
    """All of it at once, and the quarters without a gap."""
    view = np.broadcast_to(np.uint8(0), (height, width, 3))
    whole, *quarters = split_view(view)
    assert whole == (0, 0, width, height)
    assert bool(quarters) is (max(height, width) > LARGE and min(height, width) > 1)
    if quarters:
        assert sum(wide * high for _, _, wide, high in quarters) == width * height
        assert len({*quarters}) == 4
        assert all(x + wide <= width and y + high <= height for x, y, wide, high in quarters)
