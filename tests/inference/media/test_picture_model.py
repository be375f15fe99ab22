"""Classifiers of pictures: real models of a kilobyte, and the one that is shipped."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import guardrails
from guardrails.inference.media.picture_model import (
    OnnxPictures,
    PictureModel,
    PictureOptions,
    load_picture_model,
)
from guardrails.inference.safety.folder import ModelError
from tests.cases import each_case

Folder = Callable[..., Path]

SHIPPED = Path(guardrails.__file__).parent / "models" / "nsfw_mid"


def square(height: int = 100, width: int = 100, at: tuple[int, int] = (20, 20), side: int = 30) -> Any:
    """Return a grey picture with a green square in it."""
    view = np.full((height, width, 3), 90, np.uint8)
    view[at[0] : at[0] + side, at[1] : at[1] + side] = (0, 255, 0)
    return view


def test_a_green_square_is_seen(green_folder: Folder) -> None:
    """Each view has a row, each label a column."""
    model = load_picture_model(green_folder())
    scores = model.scores([square(), np.full((50, 80, 3), 90, np.uint8), square(at=(70, 70))])
    assert model.labels == ("other", "green")
    assert scores.shape == (3, 2)
    assert (scores[:, 1] > 0.9).tolist() == [True, False, True]
    assert scores.sum(axis=1) == pytest.approx([1, 1, 1])
    assert model.scores([]).shape == (0, 2)


def test_what_is_small_in_a_large_picture_is_seen_in_its_parts(green_folder: Folder) -> None:
    """And where; with a larger limit it is not."""
    folder, view = green_folder(), square(1_400, 1_400, at=(1_000, 1_100), side=85)
    assert load_picture_model(folder).scores([view])[0, 1] > 0.9
    assert load_picture_model(folder, PictureOptions(large=2_000)).scores([view])[0, 1] < 0.5
    found = load_picture_model(folder).score_parts(view)
    assert [part.box for part in found] == [
        (0, 0, 1_400, 1_400),
        (0, 0, 700, 700),
        (700, 0, 700, 700),
        (0, 700, 700, 700),
        (700, 700, 700, 700),
    ]
    assert max(found, key=lambda part: part.scores[1]).box == (700, 700, 700, 700)
    assert len(load_picture_model(folder).score_parts(square())) == 1


def test_the_score_of_a_picture_does_not_depend_on_others(green_folder: Folder) -> None:
    """Nor on who asks beside it."""
    model = load_picture_model(green_folder())
    views = [square(at=(each, each), side=10 + each) for each in range(12)]
    alone = [model.scores([view])[0].tolist() for view in views]
    assert model.scores(views).tolist() == alone
    with ThreadPoolExecutor(4) as pool:
        assert [*pool.map(lambda view: model.scores([view])[0].tolist(), views)] == alone


def test_colours_may_stand_last(green_folder: Folder) -> None:
    """As models from TensorFlow have them."""
    assert load_picture_model(green_folder(last=True)).scores([square()])[0, 1] > 0.9


def test_a_model_says_how_its_scores_are_made(green_folder: Folder) -> None:
    """Each label by itself, or all together; one that says it wrong does not load."""
    model = load_picture_model(green_folder(problem_type="multi_label_classification"))
    assert model.scores([np.zeros((9, 9, 3), np.uint8)])[0].tolist() == pytest.approx([0.5, 0.0], abs=1e-3)
    with pytest.raises(ModelError, match="its activation is not 'none'"):
        load_picture_model(green_folder(), PictureOptions(activation="none"))


def test_the_same_folder_is_one_model(green_folder: Folder) -> None:
    """With the same options."""
    folder = green_folder()
    model = load_picture_model(folder)
    assert load_picture_model(folder) is model
    assert load_picture_model(folder, PictureOptions(large=99)) is not model
    assert load_picture_model(folder, PictureOptions(large=99)).identity == model.identity


def test_a_model_of_something_else_is_named(green_folder: Folder, ner_folder: Folder, tmp_path: Path) -> None:
    """Of texts, of other numbers of labels, or none at all."""
    texts = ner_folder({"Ann": "B-PER"})
    shutil.copy(green_folder() / "preprocessor_config.json", texts)
    with pytest.raises(ModelError, match="takes attention_mask, input_ids, not pixels alone"):
        load_picture_model(texts)
    with pytest.raises(ModelError, match="gives 1 x 3 scores for 1 x 2"):
        load_picture_model(green_folder(columns=3))
    with pytest.raises(ModelError, match="takes input, more, not pixels alone"):
        load_picture_model(green_folder(inputs=("input", "more")))
    (tmp_path / "no.onnx").write_bytes(b"zqx")
    with pytest.raises(ModelError, match=r"no\.onnx: "):
        OnnxPictures(tmp_path / "no.onnx")
    with pytest.raises(ModelError, match="always the score 1 by softmax"):
        load_picture_model(green_folder(("green",), problem_type="softmax"))
    with pytest.raises(ModelError, match="the model does not run"):
        load_picture_model(green_folder(of_pixels={"size": 32}))


@each_case(
    ("options", "field"),
    [
        (PictureOptions(runtime="torch", file="model.onnx"), "file"),
        (PictureOptions(runtime="onnx", device="cuda"), "device"),
        (PictureOptions(file="other.onnx"), "file"),
    ],
)
def test_options_that_do_not_fit_are_named(green_folder: Folder, options: PictureOptions, field: str) -> None:
    """By the field that is wrong."""
    with pytest.raises(ModelError) as caught:
        load_picture_model(green_folder(), options)
    assert caught.value.field == field


def test_files_are_those_that_the_manifest_names(tmp_path: Path) -> None:
    """Where there is one; a changed byte is an error, as is a file that is not there."""
    folder = tmp_path / "model"
    shutil.copytree(SHIPPED, folder)
    data = bytearray((folder / "model.onnx").read_bytes())
    data[-1] ^= 1
    (folder / "model.onnx").write_bytes(data)
    with pytest.raises(ModelError, match=r"model\.onnx is not the file that manifest\.json names"):
        PictureModel(folder, PictureOptions())
    (folder / "model.onnx").unlink()
    with pytest.raises(ModelError, match=r"model\.onnx: No such file"):
        PictureModel(folder, PictureOptions())
    (folder / "manifest.json").write_text("[]")
    with pytest.raises(ModelError, match=r"manifest\.json: "):
        PictureModel(folder, PictureOptions())


def drawn(kind: int) -> Any:
    """Return one of four harmless pictures: patches, stripes, a ball on a meadow, noise."""
    rng = np.random.default_rng(7)
    if kind == 0:
        small = Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8))
        return np.asarray(small.resize((320, 240), Image.Resampling.NEAREST))
    rows, columns = np.mgrid[0:240, 0:320]
    if kind == 1:
        return np.dstack([(columns // 20 % 2) * 255, (rows // 20 % 2) * 255, (rows + columns) % 256]).astype(
            np.uint8
        )
    if kind == 2:
        ball = (rows - 120) ** 2 + (columns - 160) ** 2 < 3_600
        return np.where(
            ball[:, :, None], (200, 30, 30), np.where(rows[:, :, None] < 110, (120, 180, 240), (60, 140, 50))
        ).astype(np.uint8)
    return rng.integers(0, 256, (240, 320, 3), dtype=np.uint8)


REFERENCE = [
    [0.0096, 0.0015, 0.9864, 0.0016, 0.0008],
    [0.0003, 0.0, 0.9996, 0.0, 0.0],
    [0.014, 0.0002, 0.9858, 0.0, 0.0],
    [0.1584, 0.0319, 0.8086, 0.0006, 0.0006],
]


@each_case(("kind", "wanted"), [*enumerate(REFERENCE)])
def test_the_shipped_model_scores_as_it_did(kind: int, wanted: list[float]) -> None:
    """Scores of ONNX Runtime alone, of pictures resized by Pillow alone, as they were when the model came in."""
    model = load_picture_model(SHIPPED)
    assert model.labels == ("Drawing", "Hentai", "Neutral", "Porn", "Sexy")
    assert model.scores([drawn(kind)])[0].tolist() == pytest.approx(wanted, abs=2e-3)


def test_the_shipped_model_comes_with_its_papers() -> None:
    """A card that says what was not measured, both notices, and the digests of all files that scores depend on."""
    card, licence = (SHIPPED / "CARD.md").read_text(), (SHIPPED / "LICENSE").read_text()
    assert "Recall was not measured by us" in card
    assert {"Copyright (c) 2019 Infinite Red, Inc.", "Copyright (c) 2020 The nsfw_model Developers"} <= {
        *licence.splitlines()
    }
    files = json.loads((SHIPPED / "manifest.json").read_text())["files"]
    assert {*files} == {"model.onnx", "config.json", "preprocessor_config.json"}
    assert files["model.onnx"] in card
