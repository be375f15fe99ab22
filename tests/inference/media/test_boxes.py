"""Networks that find parts: what each form gives becomes boxes in the pixels of a view."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.inference.media.boxes import (
    FORMS,
    BoxOptions,
    FoundBox,
    fit_square,
    load_box_model,
    read_end2end,
    read_yolov5,
    read_yolov8,
    split_overlapping,
)
from guardrails.inference.safety.folder import ModelError
from tests.cases import each_case
from tests.inference.media.box_networks import CELL, LABELS, draw, write_network


@each_case(
    ("form", "turned", "score"),
    [("yolov8", False, 1.0), ("yolov8", True, 1.0), ("yolov5", False, 0.5), ("end2end", False, 1.0)],
)
def test_each_form_is_read(tmp_path: Path, form: str, turned: bool, score: float) -> None:
    """By itself: what the network gives tells its form; with the class and the score."""
    model = load_box_model(write_network(tmp_path / form, form, turned=turned), BoxOptions())
    assert model.labels == LABELS
    found = model.find_boxes(draw(green=(CELL, 0, CELL, CELL), blue=(0, 2 * CELL, CELL, CELL)))
    assert found == [
        FoundBox((CELL, 0, CELL, CELL), 1, pytest.approx(score, abs=1e-3)),
        FoundBox((0, 2 * CELL, CELL, CELL), 2, pytest.approx(score, abs=1e-3)),
    ]
    assert model.find_boxes(draw()) == []


def test_boxes_are_in_the_pixels_of_the_view(tmp_path: Path) -> None:
    """Whatever its size and shape; what the network finds beside a picture that is no square is none of it."""
    model = load_box_model(write_network(tmp_path / "n"), BoxOptions(large=10_000))
    view = draw(640, 320, green=(160, 0, 160, 160))
    [found] = model.find_boxes(view)
    assert (found.box, found.label) == ((160, 0, 160, 160), 1)
    assert model.find_boxes(np.full((320, 640, 3), 60, dtype=np.uint8)) == []


def test_what_is_small_in_a_large_picture_is_found_once(tmp_path: Path) -> None:
    """In its part; and what parts have in common is one thing."""
    model = load_box_model(write_network(tmp_path / "n"), BoxOptions(large=200, least=0.6))
    small = draw(640, 640, red=(0, 0, 96, 96))
    assert [each.box for each in model.find_boxes(small)] == [(0, 0, 96, 96)]
    assert load_box_model(tmp_path / "n", BoxOptions(large=10_000, least=0.6)).find_boxes(small) == []


def test_labels_of_a_folder_come_before_those_of_the_file(tmp_path: Path) -> None:
    """As config.json has them; and what neither names is an error, unless the table does."""
    folder = write_network(tmp_path / "n", names=False)
    with pytest.raises(ModelError, match="names the classes"):
        load_box_model(folder, BoxOptions())
    assert load_box_model(folder, BoxOptions(("a", "b", "c"))).labels == ("a", "b", "c")
    (folder / "config.json").write_text(json.dumps({"id2label": {"0": "x", "1": "y", "2": "z"}}))
    assert load_box_model(folder, BoxOptions()).labels == ("x", "y", "z")


@each_case(
    ("options", "said"),
    [
        (BoxOptions(("a", "b")), "none of yolov8, yolov5, end2end"),
        (BoxOptions(form="yolov5"), "is not yolov5 for 3 labels"),
        (BoxOptions(file="other.onnx"), "no file"),
    ],
)
def test_what_does_not_fit_is_told_at_load(tmp_path: Path, options: BoxOptions, said: str) -> None:
    """With what the model gives."""
    with pytest.raises(ModelError, match=said):
        load_box_model(write_network(tmp_path / "n"), options)


def test_a_form_that_may_be_two_must_be_named(tmp_path: Path) -> None:
    """Six numbers for a box are one class by YOLOv5, or corners, score and class."""
    folder = write_network(tmp_path / "n", "end2end", names=False)
    with pytest.raises(ModelError, match="may be yolov5 or end2end"):
        load_box_model(folder, BoxOptions(("thing",)))
    assert load_box_model(folder, BoxOptions(("thing",), "end2end")).labels == ("thing",)


def test_a_model_of_labels_is_none_of_boxes(tmp_path: Path) -> None:
    """What it gives has another form."""
    import onnx
    from onnx import TensorProto, helper

    graph = helper.make_graph(
        [helper.make_node("ReduceMean", ["pixels"], ["probs"], axes=[2, 3], keepdims=0)],
        "colours",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["batch", 3, 16, 16])],
        [helper.make_tensor_value_info("probs", TensorProto.FLOAT, ["batch", 3])],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(made, str(tmp_path / "model.onnx"))
    with pytest.raises(ModelError, match="not \\[1, …, …\\]"):
        load_box_model(tmp_path, BoxOptions(LABELS))


ROWS = st.lists(
    st.tuples(
        st.floats(0, 60),
        st.floats(0, 60),
        st.floats(1, 30),
        st.floats(1, 30),
        st.floats(0, 1),
        st.integers(0, 2),
    ),
    min_size=1,
    max_size=9,
)


@given(ROWS)
def test_all_forms_say_the_same(rows: Any) -> None:
    """The same things written in each form are read as the same boxes and scores."""
    count = 3
    corners = np.array([(x, y, x + wide, y + high) for x, y, wide, high, *_ in rows], dtype=np.float32)
    middles = np.array(
        [(x + wide / 2, y + high / 2, wide, high) for x, y, wide, high, *_ in rows], dtype=np.float32
    )
    scores = np.zeros((len(rows), count), dtype=np.float32)
    for at, (*_, score, label) in enumerate(rows):
        scores[at, label] = score
    ones = np.ones((len(rows), 1), dtype=np.float32)
    last = np.array([(score, label) for *_, score, label in rows], dtype=np.float32)
    read = [
        read_yolov8(np.concatenate([middles, scores], axis=1).T, count) if len(rows) != 7 else None,
        read_yolov5(np.concatenate([middles, ones, scores], axis=1), count),
        read_end2end(np.concatenate([corners, last], axis=1), count),
    ]
    assert FORMS.keys() == {"yolov8", "yolov5", "end2end"}
    for each in read:
        if each is not None:
            assert each[0] == pytest.approx(corners, abs=1e-3)
            assert each[1] == pytest.approx(scores, abs=1e-6)


@given(st.integers(1, 400), st.integers(1, 400), st.integers(64, 300))
def test_parts_cover_a_view_and_a_square_holds_it(width: int, height: int, large: int) -> None:
    """All of it, and nothing outside."""
    view = np.zeros((height, width, 3), dtype=np.uint8)
    seen = np.zeros((height, width), dtype=bool)
    for x, y, wide, high in split_overlapping(view, large):
        assert 0 <= x < x + wide <= width
        assert 0 <= y < y + high <= height
        seen[y : y + high, x : x + wide] = True
    assert seen.all()
    square, scale = fit_square(view, 32)
    assert square.shape == (32, 32, 3)
    assert max(width, height) * scale == pytest.approx(32)
