"""Classifiers of pictures: labels that become categories, parts of large pictures, and models of any folder."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from guardrails import Guard, PolicyErrors
from guardrails.detectors import PolicyFolder
from guardrails.detectors.binding import bind
from guardrails.detectors.images.image_classifier import KIND, ImageClassifier
from guardrails.detectors.images.image_classifier_config import ImageClassifierConfig
from guardrails.media.images.picture import open_picture
from guardrails.types import CLEAN, Finding, Image, Text
from tests.cases import each_case


def detector(folder: Path, **fields: Any) -> ImageClassifier:
    """Return the detector over a folder's model."""
    labels = {"labels": {"green": "custom.green", "blue": "custom.blue"}, "model": folder.name, **fields}
    given = {name: value for name, value in labels.items() if value is not None}
    config = ImageClassifierConfig.model_validate({"use": "image_classifier", **given})
    built = bind("d", KIND, config, PolicyFolder(folder.parent)).detector
    assert isinstance(built, ImageClassifier)
    return built


def found(of: ImageClassifier, given: Any) -> list[Finding]:
    """Return what is found in a picture."""
    [detection] = of.detect([Image(source=open_picture(given))])
    return list(detection.findings)


def coloured(width: int, height: int, *corner: int) -> np.ndarray:
    """Return a red picture with one corner in another colour."""
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    pixels[:, :, 0] = 255
    pixels[: height // 4, : width // 4] = corner or (255, 0, 0)
    return pixels


@pytest.mark.parametrize(
    ("score", "fields", "partial", "whole"),
    [
        (0.9, {}, False, True),
        (0.99, {}, True, True),
        (0.9, {"partial_score": 0.8}, True, True),
        (0.7, {"partial_score": 0.8}, False, True),
        (0.4, {"partial_score": 0.1, "min_score": 0.5}, False, False),
    ],
)
def test_a_picture_on_its_way_has_a_score_of_its_own_to_reach(
    folder: Path, score: float, fields: Any, partial: bool, whole: bool
) -> None:
    """As it is blurred; the finished one has not."""
    picture = open_picture(np.full((20, 30, 3), (0, round(255 * score), 0), dtype=np.uint8))
    given = [Image(source=picture, partial=True), Image(source=picture)]
    told = detector(folder, **fields).detect(given)
    assert [bool(each.findings) for each in told] == [partial, whole]


def test_labels_become_categories(folder: Path) -> None:
    """With the score that the model gives; labels that are not named are ignored, and so is what is hardly there."""
    [finding] = found(detector(folder), np.full((20, 30, 3), (0, 204, 10), dtype=np.uint8))
    assert (finding.category, finding.detector, finding.box, finding.clip) == (
        "custom.green",
        "d",
        None,
        None,
    )
    assert finding.score == pytest.approx(0.8, abs=0.01)
    assert found(detector(folder), coloured(20, 30)) == []


def test_a_category_has_the_highest_of_its_labels(folder: Path) -> None:
    """And a label may mean several."""
    labels = {"green": ["custom.a", "custom.b"], "LABEL_2": "custom.a"}
    scores = {
        finding.category: finding.score
        for finding in found(
            detector(folder, labels=labels), np.full((9, 9, 3), (0, 51, 204), dtype=np.uint8)
        )
    }
    assert scores == pytest.approx({"custom.a": 0.8, "custom.b": 0.2}, abs=0.01)


def test_what_is_small_in_a_large_picture_is_found_in_its_part(folder: Path) -> None:
    """With a box, in the pixels of the picture at full size; the whole has none."""
    pixels = coloured(160, 128, 0, 255, 0)
    assert [finding.box for finding in found(detector(folder, min_score=0.05), pixels)] == [None]
    parts = found(detector(folder, min_score=0.05, large=100), pixels)
    assert {finding.box: round(finding.score, 2) for finding in parts} == {None: 0.06, (0, 0, 80, 64): 0.25}


def test_boxes_of_a_picture_that_was_made_smaller_are_those_of_the_large_one(folder: Path) -> None:
    """Views have at most a few thousand pixels a side."""
    pixels = np.zeros((16, 6000, 3), dtype=np.uint8)
    pixels[:, :3000, 1] = 255
    given = open_picture(pixels)
    boxes = {finding.box for finding in found(detector(folder, large=64), given.source)}
    assert boxes == {None, (0, 0, 3000, 8), (0, 8, 3000, 8)}


def test_the_worst_frame_counts(folder: Path, film: bytes) -> None:
    """With the time when it is shown."""
    [finding] = found(detector(folder), film)
    assert (finding.category, finding.clip) == ("custom.green", (40, 80))


@pytest.fixture
def film() -> bytes:
    """Return a film of a red, a green and a black frame."""
    import io

    from PIL import Image as Pillow

    frames = [Pillow.new("RGB", (16, 16), colour) for colour in ((255, 0, 0), (0, 255, 0), (0, 0, 0))]
    out = io.BytesIO()
    frames[0].save(out, "PNG", save_all=True, append_images=frames[1:], duration=40)
    return out.getvalue()


def test_what_a_model_sees_of_alpha_is_each_of_its_views(folder: Path) -> None:
    """A green that only a black page shows is found."""
    pixels = np.zeros((16, 16, 4), dtype=np.uint8)
    pixels[:, :, :] = (0, 255, 0, 255)
    pixels[0, 0, 3] = 0
    assert found(detector(folder), pixels)[0].score > 0.9


def test_a_text_is_none_of_its_business(folder: Path) -> None:
    """It is clean."""
    assert detector(folder).detect([Text("green")]) == [CLEAN]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ("model: nowhere", "unreadable_model"),
        ("model: colours", "unnamed_labels"),
        ("model: colours, labels: {gren: custom.a}", "unknown_label"),
        ("model: colours, labels: {green: nudity}", "unknown_category"),
        ("model: colours, labels: {green: []}", "no_category"),
        ("model: colours, labels: {green: custom.a}, categories: [custom.b]", "unknown_category"),
        ("model: colours, labels: {green: custom.a}, device: cuda, runtime: onnx", "unused_field"),
        ("model: nsfw, device: cpu", "unused_field"),
        ("model: nsfw, categories: [violence]", "unknown_category"),
        ("labels: {Sexi: sexual}", "unknown_label"),
    ],
)
def test_what_is_wrong_is_an_error_at_load(folder: Path, fields: str, code: str) -> None:
    """With its place in the policy."""
    path = folder.parent / "p.yaml"
    path.write_text(f"format: 1\nname: t\ndetectors:\n  d: {{use: image_classifier, {fields}}}\nrules: []\n")
    with pytest.raises(PolicyErrors) as caught:
        Guard.load(path)
    assert code in [error.code for error in caught.value]
    assert all(error.line == 4 for error in caught.value)


def test_a_category_without_a_model_behind_it_is_an_error(guard_of: Callable[..., Guard]) -> None:
    """The shipped model tells of nothing but sex."""
    policy = "detectors:\n  d: {use: image_classifier}\nrules:\n  - {id: r, on: output, when: %s > 0.5, then: block}"
    guard_of(policy % "sexual.explicit")
    guard_of(policy % "sexual")
    with pytest.raises(PolicyErrors, match=r"violence\.graphic"):
        guard_of(policy % "violence.graphic")


def drawings() -> list[np.ndarray]:
    """Return pictures that show nothing: noise, slopes, stripes, flat colours, a chart."""
    random = np.random.default_rng(7)
    slope = np.linspace(0, 255, 256, dtype=np.uint8)
    made = [random.integers(0, 255, (200, 300, 3), dtype=np.uint8)]
    made += [
        np.full((128, 128, 3), colour, dtype=np.uint8) for colour in ((0, 0, 0), (255,) * 3, (30, 90, 200))
    ]
    made += [np.repeat(np.tile(slope, (256, 1))[:, :, None], 3, axis=2)]
    stripes = np.zeros((240, 240, 3), dtype=np.uint8)
    stripes[:, ::20] = 255
    chart = np.full((300, 400, 3), 255, dtype=np.uint8)
    for at, height in enumerate((40, 180, 90, 250, 130)):
        chart[300 - height :, 40 + 70 * at : 90 + 70 * at] = (40, 110, 60 + 30 * at)
    return [*made, stripes, chart]


@each_case("large", [False, True])
def test_the_shipped_model_finds_nothing_in_what_shows_nothing(
    guard_of: Callable[..., Guard], *, large: bool
) -> None:
    """Neither as a whole nor in parts."""
    guard = guard_of(
        "detectors:\n  d: {use: image_classifier}\nrules:\n  - {id: r, on: output, when: sexual > 0.5, then: block}"
    )
    for pixels in drawings():
        given = np.repeat(np.repeat(pixels, 8, axis=0), 8, axis=1) if large else pixels
        assert not guard.check(given, "output").blocked


def test_the_shipped_model_is_loaded_with_the_first_picture() -> None:
    """A guard that judges texts alone has neither Pillow nor the model."""
    script = """
import sys
from guardrails.detectors import PolicyFolder
from guardrails.detectors.binding import bind
from guardrails.detectors.images.image_classifier import KIND
from guardrails.detectors.images.image_classifier_config import ImageClassifierConfig
from pathlib import Path
bound = bind("d", KIND, ImageClassifierConfig(use="image_classifier"), PolicyFolder(Path()))
assert bound.detector._model is None
assert not {"PIL", "onnxruntime", "torch"} & {*sys.modules}
"""
    done = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True)
    assert done.returncode == 0, done.stderr


def second(folder: Path, name: str, weights: tuple[float, float, float]) -> Path:
    """Return the folder of a model like the first one, whose scores are weighted."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    made = folder.parent / name
    made.mkdir()
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["pixels"], ["each"], axes=[2, 3], keepdims=0),
            helper.make_node("Mul", ["each", "weights"], ["probs"]),
        ],
        "colours",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["batch", 3, 16, 16])],
        [helper.make_tensor_value_info("probs", TensorProto.FLOAT, ["batch", 3])],
        [numpy_helper.from_array(np.array(weights, dtype=np.float32), "weights")],
    )
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8),
        str(made / "model.onnx"),
    )
    for each in ("config.json", "preprocessor_config.json"):
        (made / each).write_text((folder / each).read_text())
    return made


@pytest.mark.parametrize(("decide", "score"), [("mean", 0.375), ("any", 0.5), ("all", 0.25)])
def test_a_second_model_is_asked_where_the_first_is_not_sure(folder: Path, decide: str, score: float) -> None:
    """Below and above that the first decides alone."""
    second(folder, "half", (1, 0.5, 1))
    of = detector(folder, second={"model": "half", "labels": {"green": "custom.green"}, "decide": decide})

    def green(amount: int) -> float:
        [finding] = found(of, np.full((20, 30, 3), (0, amount, 0), dtype=np.uint8))
        return finding.score

    assert green(128) == pytest.approx(score, abs=0.01)
    assert green(230) == pytest.approx(0.9, abs=0.01)
    assert green(40) == pytest.approx(0.16, abs=0.01)


def test_a_second_model_counts_for_what_both_tell(folder: Path) -> None:
    """And says nothing where nobody needs it."""
    second(folder, "none", (0, 0, 0))
    of = detector(folder, second={"model": "none", "labels": {"green": "custom.green", "red": "custom.red"}})
    found_ = found(of, np.full((20, 30, 3), (120, 128, 128), dtype=np.uint8))
    assert {each.category: round(each.score, 2) for each in found_} == {
        "custom.green": 0.25,
        "custom.blue": 0.5,
    }


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ("model: nowhere", "unreadable_model"),
        ("model: half", "unnamed_labels"),
        ("model: half, labels: {red: custom.red}", "unknown_category"),
        ("model: nsfw", "unknown_category"),
        ("model: nsfw, file: x.onnx", "unused_field"),
    ],
)
def test_what_is_wrong_with_a_second_model_is_an_error_at_load(folder: Path, fields: str, code: str) -> None:
    """With its place."""
    second(folder, "half", (1, 0.5, 1))
    path = folder.parent / "p.yaml"
    path.write_text(
        "format: 1\nname: t\ndetectors:\n  d:\n    use: image_classifier\n    model: colours\n"
        f"    labels: {{green: custom.green}}\n    second: {{{fields}}}\nrules: []\n"
    )
    with pytest.raises(PolicyErrors) as caught:
        Guard.load(path)
    assert [(error.code, error.line) for error in caught.value] == [(code, 8)]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ("prompts: {custom.knife: a knife}", "no_prompts"),
        ("model: clip, prompts: {knife: a knife}", "unknown_category"),
        ("model: clip, prompts: {custom.knife: a knife}, labels: {a: custom.a}", "unused_field"),
        ("model: clip, prompts: {custom.knife: a knife}, file: a.onnx", "unused_field"),
        ("neutral: [a photo]", "unused_field"),
    ],
)
def test_what_is_wrong_with_prompts_is_an_error_at_load(folder: Path, fields: str, code: str) -> None:
    """With its place in the policy."""
    (folder.parent / "clip").mkdir()
    path = folder.parent / "p.yaml"
    path.write_text(f"format: 1\nname: t\ndetectors:\n  d: {{use: image_classifier, {fields}}}\nrules: []\n")
    with pytest.raises(PolicyErrors) as caught:
        Guard.load(path)
    assert code in [error.code for error in caught.value]
    assert all(error.line == 4 for error in caught.value)
