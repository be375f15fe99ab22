"""Parts of pictures: only their place is covered, by policies whose network is a real small one."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from guardrails import Guard, PolicyErrors
from guardrails.detectors.images.known_image_models import NUDENET
from guardrails.types import Verdict
from tests.inference.media.box_networks import CELL, draw, write_network

GREEN = (CELL, 0, CELL, CELL)


@pytest.fixture
def guard_with(tmp_path: Path) -> Callable[..., Guard]:
    """Return a function: fields of a detector and a rule in, a guard out whose network finds colours."""
    write_network(tmp_path / "parts")

    def make(
        fields: str = "", rule: str = "when: weapons > 0.5, then: redact, with: {image: solid}"
    ) -> Guard:
        labels = "" if "labels" in fields or "NudeNet" in fields else ", labels: {green: weapons}"
        named = "" if fields.startswith(", model:") else ", model: parts, boxes: auto"
        path = tmp_path / "p.yaml"
        path.write_text(
            f"format: 1\nname: t\ndetectors:\n  d: {{use: image_classifier{named}{labels}{fields}}}\n"
            f"rules:\n  - {{id: r, on: [input, output], {rule}}}\n"
        )
        return Guard.load(path)

    return make


def boxes(verdict: Verdict) -> set[tuple[str, Any]]:
    """Return the categories that were found with their boxes."""
    return {(each.category, each.box) for each in verdict.findings}


def test_only_the_place_of_what_was_found_is_covered(guard_with: Callable[..., Guard]) -> None:
    """The rest of the picture stays as it was; what is left is judged again, and passes."""
    pixels = draw(green=GREEN, blue=(0, 3 * CELL, CELL, CELL))
    verdict = guard_with().check(pixels, "output")
    assert str(verdict.action) == "redact"
    assert boxes(verdict) == {("weapons", GREEN)}
    assert verdict.coverage.not_seen
    assert "weapons" not in verdict.coverage.not_seen
    left = verdict.content
    assert left is not None
    assert left[CELL // 2, CELL + CELL // 2].tolist() == [0, 0, 0]
    assert np.array_equal(left[2 * CELL :], pixels[2 * CELL :])


def test_labels_that_mean_nothing_are_ignored_and_one_may_mean_several(
    guard_with: Callable[..., Guard],
) -> None:
    """As with any classifier."""
    fields = ", labels: {green: [weapons, custom.a], LABEL_2: custom.a}"
    verdict = guard_with(fields).check(
        draw(green=GREEN, red=(0, 0, CELL, CELL), blue=(0, 48, CELL, CELL)), "output"
    )
    assert boxes(verdict) == {("weapons", GREEN), ("custom.a", GREEN), ("custom.a", (0, 48, CELL, CELL))}


def test_what_is_hardly_there_is_not_told(guard_with: Callable[..., Guard]) -> None:
    """Below `min_score`, which is 0.25 where nothing is said."""
    dim = (draw(green=GREEN) * 0.3).astype(np.uint8)
    assert guard_with().check(dim, "output").findings[0].score == pytest.approx(0.3, abs=0.01)
    assert guard_with(", min_score: 0.4").check(dim, "output").findings == ()
    assert guard_with().check((dim * 0.6).astype(np.uint8), "output").findings == ()


def test_boxes_are_those_of_the_picture_as_people_see_it(guard_with: Callable[..., Guard]) -> None:
    """Turned by EXIF, and in frames of what moves with their time."""
    exif = Pillow.Exif()
    exif[0x0112] = 6  # is shown turned by 90 degrees to the right
    out = io.BytesIO()
    Pillow.fromarray(np.rot90(draw(green=GREEN))).save(out, "PNG", exif=exif)
    guard = guard_with(rule="when: weapons > 0.5, then: block")
    assert boxes(guard.check(out.getvalue(), "output")) == {("weapons", GREEN)}
    frames = [Pillow.fromarray(each) for each in (draw(), draw(green=GREEN))]
    out = io.BytesIO()
    frames[0].save(out, "PNG", save_all=True, append_images=frames[1:], duration=40)
    [finding] = guard.check(out.getvalue(), "output").findings
    assert (finding.box, finding.clip) == (GREEN, (40, 80))


def test_nudenet_is_known_by_the_name_of_its_folder(guard_with: Callable[..., Guard], tmp_path: Path) -> None:
    """Its file names no classes; a network of three is not it."""
    write_network(tmp_path / "NudeNet", names=False)
    with pytest.raises(PolicyErrors) as caught:
        guard_with(", model: NudeNet", "when: sexual.explicit > 0.5, then: block")
    assert f"for {len(NUDENET)} labels" in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        (", model: nowhere, boxes: auto", "unreadable_model"),
        (", model: parts, boxes: yolov5", "unreadable_model"),
        (", labels: {gren: weapons}", "unknown_label"),
        (", labels: {green: gun}", "unknown_category"),
        (", second: {model: parts}", "unused_field"),
        (", activation: softmax", "unused_field"),
        (", prompts: {weapons: a gun}", "unused_field"),
    ],
)
def test_what_is_wrong_is_an_error_at_load(guard_with: Callable[..., Guard], fields: str, code: str) -> None:
    """With its place in the policy."""
    with pytest.raises(PolicyErrors) as caught:
        guard_with(fields, "when: weapons > 0.5, then: block")
    assert code in [error.code for error in caught.value], str(caught.value)
