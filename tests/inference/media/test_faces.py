"""Faces: what a network's outputs tell, and the network that is shipped, on a face that is drawn here."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import guardrails
from guardrails.inference.media.faces import (
    STRIDE,
    Face,
    FaceModel,
    FaceOptions,
    decode_faces,
    load_face_model,
    merge_faces,
    overlap_share,
    pad_view,
    resize_view,
    suppress_overlaps,
)
from guardrails.inference.safety.folder import ModelError
from tests.cases import each_case

SHIPPED = Path(guardrails.__file__).parent / "models" / "centerface"
Drawn = Callable[..., Any]


def outputs(rows: int, columns: int, *faces: tuple[int, int, float, float, float]) -> tuple[Any, Any, Any]:
    """Return what a network gives for faces: the row and column of each middle, its height, width and score."""
    heat = np.full((rows, columns), 0.01, np.float32)
    size, offset = np.zeros((2, rows, columns), np.float32), np.zeros((2, rows, columns), np.float32)
    for row, column, height, width, score in faces:
        heat[row, column] = score
        size[:, row, column] = np.log([height / STRIDE, width / STRIDE])
        offset[:, row, column] = (0.25, -0.25)
    return heat, size, offset


def test_a_peak_is_a_face_with_its_box() -> None:
    """The middle is that of the place, and what it is beside it; sides are heights and widths of the picture."""
    [face] = decode_faces(*outputs(20, 30, (5, 8, 40, 24, 0.9)), least=0.3)
    middle_y, middle_x = (5 + 0.25 + 0.5) * 4, (8 - 0.25 + 0.5) * 4
    assert (face.x, face.y, face.width, face.height, face.score) == pytest.approx(
        (middle_x - 12, middle_y - 20, 24, 40, 0.9), rel=1e-4
    )


def test_only_peaks_that_are_high_enough_are_faces() -> None:
    """A neighbour of a higher place is the same face; so is what lies over it; the likeliest come first."""
    heat, size, offset = outputs(
        40, 40, (5, 5, 16, 16, 0.5), (5, 6, 16, 16, 0.4), (20, 20, 40, 40, 0.8), (22, 22, 40, 40, 0.7), (30, 5, 9, 9, 0.29)
    )  # fmt: skip
    found = decode_faces(heat, size, offset, least=0.3)
    assert [round(face.score, 2) for face in found] == [0.8, 0.5]
    assert decode_faces(heat, size, offset, least=0.9) == []


@given(
    st.lists(
        st.tuples(
            st.integers(0, 5), st.integers(0, 7), st.floats(8, 24), st.floats(8, 24), st.floats(0.31, 1)
        ),
        unique_by=lambda each: each[:2],
        max_size=12,
    )
)
def test_faces_that_stand_apart_are_all_found(cells: list[tuple[int, int, float, float, float]]) -> None:
    """Each once, whatever their sizes and scores."""
    faces = [(8 * row + 4, 8 * column + 4, *rest) for row, column, *rest in cells]
    found = decode_faces(*outputs(48, 64, *faces), least=0.3)  # type: ignore[arg-type] # five numbers each
    assert len(found) == len(faces)
    assert [face.score for face in found] == sorted((face.score for face in found), reverse=True)
    # Sizes that hardly differ may come in either order.
    told = sorted((round(float(face.height), 2), round(float(face.width), 2)) for face in found)
    sizes = sorted((round(height, 2), round(width, 2)) for _, _, height, width, _ in faces)
    assert np.allclose(told, sizes, atol=0.02)


def test_a_size_beyond_all_bounds_is_a_number() -> None:
    """So that no box is infinite."""
    heat, size, offset = outputs(4, 4, (1, 1, 8, 8, 0.9))
    size[:] = 1e9
    [face] = decode_faces(heat, size, offset, least=0.3)
    assert np.isfinite([face.x, face.y, face.width, face.height]).all()


def test_how_much_boxes_share() -> None:
    """Of what they cover together; an empty one shares nothing."""
    boxes = np.array([(0, 0, 10, 10), (5, 0, 10, 10), (20, 20, 5, 5), (3, 3, 0, 0)], dtype=float)
    assert overlap_share(boxes[0], boxes).tolist() == pytest.approx([1, 1 / 3, 0, 0])
    assert suppress_overlaps(boxes) == [0, 2, 3]
    assert suppress_overlaps(boxes, same=0.5) == [0, 1, 2, 3]
    assert suppress_overlaps(np.zeros((0, 4))) == []


def test_what_was_seen_twice_is_one_face() -> None:
    """With the box around both, so that nothing of it is left out, and the higher score."""
    found = merge_faces([Face(0, 0, 10, 10, 0.5), Face(2, 1, 10, 10, 0.8), Face(50, 50, 4, 4, 0.4)])
    assert found == [Face(0, 0, 12, 11, 0.8), Face(50, 50, 4, 4, 0.4)]
    assert merge_faces([]) == []


@each_case(("height", "width"), [(1, 1), (32, 64), (33, 65)])
def test_the_network_reads_whole_grains(height: int, width: int) -> None:
    """With black beside the picture, as it is."""
    view = np.full((height, width, 3), 7, np.uint8)
    made = pad_view(view)
    assert [side % 32 for side in made.shape] == [1, 3, 0, 0]
    assert (made[0, :, :height, :width] == 7).all()
    assert made.sum() == 7 * 3 * height * width


def test_a_picture_is_reduced_as_a_whole() -> None:
    """A thin one keeps at least a pixel; one that is not to change is the same."""
    view = np.zeros((10, 4_000, 3), np.uint8)
    assert resize_view(view, 1) is view
    assert resize_view(view, 0.01).shape == (1, 40, 3)


@each_case("size", [40, 96, 256, 600, 1_400])
def test_the_shipped_network_finds_a_drawn_face(face_drawn: Drawn, size: int) -> None:
    """Small or large, where it is: its box has the middle of the face, and no more than twice its size."""
    view = face_drawn(size, (100 + size * 2, 100 + size * 2), (60, 40))
    [faces] = load_face_model(SHIPPED).faces([view])
    assert faces, "no face was found"
    best = faces[0]
    assert abs(best.x + best.width / 2 - (60 + size / 2)) < size / 4
    assert abs(best.y + best.height / 2 - (40 + size / 2)) < size / 4
    assert size / 5 < best.height < size


def test_the_shipped_network_finds_none_where_there_is_none() -> None:
    """On fields, noise and slopes."""
    noise = np.random.default_rng(1).integers(0, 255, (200, 300, 3), dtype=np.uint8)
    slope = np.repeat(np.linspace(0, 255, 256, dtype=np.uint8)[None, :, None], 99, axis=0).repeat(3, axis=2)
    views = [np.zeros((5, 5, 3), np.uint8), np.full((300, 90, 3), 200, np.uint8), noise, slope]
    assert load_face_model(SHIPPED).faces(views) == [[], [], [], []]


def test_what_is_found_does_not_depend_on_others(face_drawn: Drawn) -> None:
    """Nor on who asks beside it."""
    model = load_face_model(SHIPPED)
    views = [face_drawn(size, (256, 200), (10, 10)) for size in (64, 96, 128, 180)]
    alone = [model.faces([view])[0] for view in views]
    assert model.faces(views) == alone
    with ThreadPoolExecutor(3) as pool:
        assert [*pool.map(lambda view: model.faces([view])[0], views)] == alone


def test_the_shipped_file_is_checked(tmp_path: Path) -> None:
    """By the digest that its manifest and its card name; a licence lies beside it."""
    named = json.loads((SHIPPED / "manifest.json").read_text())["files"]
    assert {*named} == {"model.onnx"}
    assert named["model.onnx"] in (SHIPPED / "CARD.md").read_text()
    assert "MIT License" in (SHIPPED / "LICENSE").read_text()
    folder = tmp_path / "copy"
    shutil.copytree(SHIPPED, folder)
    assert FaceModel(folder, FaceOptions()).faces([]) == []
    data = bytearray((folder / "model.onnx").read_bytes())
    data[1_000_000] ^= 1
    (folder / "model.onnx").write_bytes(data)
    with pytest.raises(ModelError, match=r"model\.onnx is not the file that manifest\.json names"):
        load_face_model(folder)


@pytest.fixture
def network(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that makes the folder of a network of a few bytes, which gives the same for each pixel."""

    def make(value: float = 0.0, names: tuple[str, ...] = ("heat", "size", "offset"), heat: int = 1) -> Path:
        import onnx
        from onnx import TensorProto, helper, numpy_helper

        nodes, outputs_, weights = [], [], []
        for name, count in zip(names, (heat, 2, 2), strict=False):
            weights.append(numpy_helper.from_array(np.full((count, 3, 4, 4), 0, np.float32), f"w_{name}"))
            weights.append(numpy_helper.from_array(np.full(count, value, np.float32), f"b_{name}"))
            nodes.append(
                helper.make_node("Conv", ["pixels", f"w_{name}", f"b_{name}"], [name], strides=[4, 4])
            )
            outputs_.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", count, "r", "c"]))
        pixels = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["n", 3, "h", "w"])
        graph = helper.make_graph(nodes, "faces", [pixels], outputs_, weights)
        opset = [helper.make_opsetid("", 17)]
        onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), str(tmp_path / "model.onnx"))
        return tmp_path

    return make


def test_a_network_of_the_same_form_may_take_its_place(network: Callable[..., Path]) -> None:
    """One that sees faces everywhere tells them all, each once."""
    assert load_face_model(network()).faces([np.zeros((40, 40, 3), np.uint8)]) == [[]]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"names": ("heat", "size")}, "a model of faces gives heat, size, offset"),
        ({"heat": 2}, "'heat' has another form"),
    ],
)
def test_a_network_of_another_form_is_an_error(
    network: Callable[..., Path], fields: dict[str, Any], message: str
) -> None:
    """At load."""
    with pytest.raises(ModelError, match=message):
        load_face_model(network(**fields))


def test_no_number_is_an_error(network: Callable[..., Path]) -> None:
    """It is not as if nothing had been found."""
    with pytest.raises(ModelError, match="no number in 'heat'"):
        load_face_model(network(value=float("nan")))


def test_what_is_no_network_is_an_error(tmp_path: Path) -> None:
    """With the file's name."""
    (tmp_path / "model.onnx").write_bytes(b"zqx")
    with pytest.raises(ModelError, match=r"model\.onnx: "):
        load_face_model(tmp_path)
