"""Faces: findings with boxes on every frame, by which rules cover them."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from guardrails import Guard, PolicyErrors
from guardrails.detectors import PolicyFolder
from guardrails.detectors.binding import bind
from guardrails.detectors.images.image_faces import KIND, SHIPPED, ImageFacesConfig
from guardrails.media.images.picture import open_picture
from guardrails.types import CLEAN, Action, Finding, Image, Text
from tests.cases import each_case

Drawn = Callable[..., Any]
POLICY = """format: 1
name: faces
detectors:
  faces: {{use: image_faces}}
rules:
  - {{id: cover, on: [input, output], when: pii.face > 0, then: redact, with: {{image: {how}}}}}
"""


def found(given: Any, folder: Path = Path(), **fields: Any) -> list[Finding]:
    """Return what is found in a picture."""
    config = ImageFacesConfig.model_validate({"use": "image_faces", **fields})
    [detection] = bind("f", KIND, config, PolicyFolder(folder)).detector.detect(
        [Image(source=open_picture(given))]
    )
    return list(detection.findings)


def film(*frames: Any) -> bytes:
    """Return a picture that moves, as a file."""
    out = io.BytesIO()
    first, *rest = (Pillow.fromarray(frame) for frame in frames)
    first.save(out, "WEBP", save_all=True, append_images=rest, duration=40, lossless=True)
    return out.getvalue()


def test_a_face_is_found_with_its_box(face_drawn: Drawn) -> None:
    """In pixels of the picture, all of it inside; two are two."""
    view = face_drawn(128, (500, 200), (20, 30))
    view = np.maximum(view * (np.arange(500) < 200)[None, :, None], face_drawn(128, (500, 200), (300, 40)) * (np.arange(500) >= 200)[None, :, None])  # fmt: skip
    one, two = sorted(found(view.astype(np.uint8)), key=lambda each: each.box or ())
    for finding, left, top in ((one, 20, 30), (two, 300, 40)):
        assert (finding.category, finding.detector, finding.clip) == ("pii.face", "f", None)
        assert finding.box is not None
        x, y, width, height = finding.box
        assert left <= x <= x + width <= left + 128
        assert top <= y <= y + height <= top + 128
        assert x < left + 64 < x + width
        assert 0.3 <= finding.score <= 1
    assert found(np.full((200, 300, 3), 90, np.uint8)) == []


def test_a_large_picture_is_told_in_its_own_pixels(face_drawn: Drawn) -> None:
    """Also where it is judged at half its size, or less."""
    [finding] = found(face_drawn(1_000, (4_200, 2_000), (3_000, 700)))
    assert finding.box is not None
    x, y, width, height = finding.box
    assert 3_000 < x < 3_500 < x + width < 4_000
    assert 700 < y < 1_200 < y + height < 1_700


def test_each_frame_is_looked_at(face_drawn: Drawn) -> None:
    """A face in one of them has its time, and one that moves a box in each."""
    blank = np.full((200, 300, 3), 90, np.uint8)
    one, two = face_drawn(128, (300, 200), (10, 20)), face_drawn(128, (300, 200), (150, 40))
    assert [finding.clip for finding in found(film(blank, one, blank))] == [(40, 80)]
    clips = {finding.clip: finding.box for finding in found(film(one, blank, two))}
    assert [*clips] == [(0, 40), (80, 120)]
    assert len({*clips.values()}) == 2


def test_what_is_under_transparency_is_looked_at(face_drawn: Drawn) -> None:
    """A face that is seen over no ground, as somebody may see it who leaves the transparency out."""
    view = face_drawn(128, (200, 200), (30, 30))
    hidden = Pillow.fromarray(np.dstack([view, np.zeros((200, 200, 1), np.uint8)]))
    assert found(hidden)


def test_how_sure_it_must_be_is_the_policys(face_drawn: Drawn) -> None:
    """So is what a face is called."""
    view = face_drawn(128, (200, 200), (30, 30))
    assert found(view, min_score=0.95) == []
    assert [each.category for each in found(view, category="custom.person")] == ["custom.person"]


@each_case("how", ["solid", "pixelate", "blur"])
def test_a_rule_covers_the_faces_and_nothing_else(tmp_path: Path, face_drawn: Drawn, how: str) -> None:
    """With a margin; what comes out is judged again, and has no face in it."""
    (tmp_path / "p.yaml").write_text(POLICY.format(how=how))
    guard = Guard.load(tmp_path / "p.yaml")
    before = face_drawn(200, (420, 300), (40, 50))
    verdict = guard.check(before, "output")
    assert verdict.action is Action.REDACT
    [finding] = verdict.findings
    assert finding.box is not None
    x, y, width, height = finding.box
    changed = np.nonzero((np.asarray(verdict.content) != before).any(axis=2))
    top, bottom, left, right = (
        changed[0].min(), changed[0].max(), changed[1].min(), changed[1].max(),
    )  # fmt: skip
    assert left >= x - 0.15 * width - 1
    assert right < x + 1.15 * width + 1
    assert top >= y - 0.15 * height - 1
    assert bottom < y + 1.15 * height + 1
    assert left < x
    assert right > x + width


def test_only_what_was_covered_is_no_face_any_more(face_drawn: Drawn) -> None:
    """One beside it is, and one that lies half in it; in a picture that nobody has covered it is one as well."""
    picture = open_picture(face_drawn(200, (420, 300), (40, 50)))
    config = ImageFacesConfig(use="image_faces")
    of = bind("f", KIND, config, PolicyFolder(Path())).detector
    [[finding]] = [each.findings for each in of.detect([Image(source=picture)])]
    assert finding.box is not None
    x, y, width, height = finding.box
    for covered, count in (
        ((x - 9, y - 9, width + 18, height + 18), 0),
        ((x, y, width // 3, height), 1),
        ((x + width, y, 50, 50), 1),
    ):
        [detection] = of.detect([Image(source=replace(picture, covered=(covered,)))])
        assert len(detection.findings) == count, covered


def test_a_face_in_one_frame_is_covered_in_all(tmp_path: Path, face_drawn: Drawn) -> None:
    """As what moves is written again frame by frame."""
    (tmp_path / "p.yaml").write_text(POLICY.format(how="solid"))
    one, two = face_drawn(160, (400, 240), (10, 20)), face_drawn(160, (400, 240), (200, 40))
    moving = film(one, np.full((240, 400, 3), 90, np.uint8), two)
    verdict = Guard.load(tmp_path / "p.yaml").check(moving, "output")
    assert verdict.action is Action.REDACT
    assert isinstance(verdict.content, bytes)
    frames = open_picture(verdict.content).frames
    assert len(frames) == 3
    for frame in frames:
        for x, y in ((10, 20), (200, 40)):
            assert frame.views[0][y + 50 : y + 110, x + 60 : x + 100].max() < 32


def test_an_operators_model_takes_its_place(tmp_path: Path, face_drawn: Drawn) -> None:
    """From a folder; its digest is that of its files."""
    shutil.copytree(SHIPPED["centerface"], tmp_path / "own")
    assert found(face_drawn(128, (200, 200), (30, 30)), tmp_path, model="own")
    shipped, own = (
        bind("f", KIND, ImageFacesConfig(use="image_faces", model=model), PolicyFolder(tmp_path)).digest
        for model in ("centerface", "own")
    )
    assert shipped != own


@each_case(
    ("fields", "code"),
    [
        ("model: none", "unreadable_model"),
        ("model: broken", "unreadable_model"),
        ("category: face", "unknown_category"),
        ("min_score: 0", "invalid_value"),
        ("side: 10", "invalid_value"),
        ("faces: 1", "unknown_field"),
    ],
)
def test_what_is_wrong_is_an_error_at_load(tmp_path: Path, fields: str, code: str) -> None:
    """With its place in the policy."""
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "model.onnx").write_bytes(b"zqx")
    (tmp_path / "p.yaml").write_text(
        f"format: 1\nname: t\ndetectors:\n  f: {{use: image_faces, {fields}}}\nrules: []\n"
    )
    with pytest.raises(PolicyErrors) as caught:
        Guard.load(tmp_path / "p.yaml")
    [error] = caught.value
    assert (Path(error.file).name, error.line, error.code) == ("p.yaml", 4, code)


def test_a_package_without_the_model_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At load: who takes it out of the package names another one."""
    monkeypatch.setitem(SHIPPED, "centerface", tmp_path / "none")
    unshared = "image_faces, min_score: 0.31"  # a detector that no other test holds
    (tmp_path / "p.yaml").write_text(POLICY.format(how="solid").replace("image_faces", unshared))
    with pytest.raises(PolicyErrors, match=r"model .centerface.: the folder has no manifest.* name another"):
        Guard.load(tmp_path / "p.yaml")


def test_a_text_is_none_of_its_business() -> None:
    """It is clean."""
    config = ImageFacesConfig(use="image_faces")
    assert bind("f", KIND, config, PolicyFolder(Path())).detector.detect([Text("a face")]) == [CLEAN]
