"""Known pictures: lists of one hash and of several, near ones, and what is wrong with a file."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageOps

from guardrails import Guard, PolicyErrors
from guardrails.detectors import PolicyFolder
from guardrails.detectors.binding import bind
from guardrails.detectors.images.image_hashes import KIND, LONGEST, ImageHashConfig
from guardrails.media.hashes.film_hash_file import FilmEntry, HashedFrame, format_film_entries
from guardrails.media.hashes.pdq import hash_pixels
from guardrails.media.images.picture import open_picture
from guardrails.types import CLEAN, Finding, Image, Listed, Text
from tests.cases import each_case


def drawn(seed: int = 0, size: tuple[int, int] = (480, 400)) -> Pillow.Image:
    """Return a picture of soft patches, with much to tell it by."""
    patches = np.random.default_rng(seed).integers(0, 255, (4, 6, 3), dtype=np.uint8)
    return Pillow.fromarray(patches).resize(size, Pillow.Resampling.BICUBIC)


def filed(image: Pillow.Image, format_: str = "PNG", **more: Any) -> bytes:
    """Return a picture as a file."""
    out = io.BytesIO()
    image.save(out, format_, **more)
    return out.getvalue()


def pdq(image: Pillow.Image) -> str:
    """Return the hash of a picture, in hexadecimal digits."""
    return hash_pixels(np.asarray(image.convert("RGB"))).hash.hex()


def found(folder: Path, given: Any, **fields: Any) -> list[Finding]:
    """Return what is found in a picture by lists in a folder."""
    config = ImageHashConfig.model_validate({"use": "image_hash", **fields})
    [detection] = bind("h", KIND, config, PolicyFolder(folder)).detector.detect(
        [Image(source=open_picture(given))]
    )
    return list(detection.findings)


@each_case(
    "changed",
    [
        lambda image: image,
        lambda image: image.resize((120, 80)),
        lambda image: Pillow.open(io.BytesIO(filed(image, "JPEG", quality=75))),
        lambda image: image.transpose(Pillow.Transpose.FLIP_LEFT_RIGHT),
        lambda image: image.transpose(Pillow.Transpose.ROTATE_90),
        lambda image: image.convert("L"),
    ],
    ids=["same", "smaller", "jpeg", "mirrored", "turned", "grey"],
)
def test_a_picture_on_a_list_of_one_is_found_however_it_was_changed(tmp_path: Path, changed: Any) -> None:
    """The score says how near it is."""
    (tmp_path / "deny.txt").write_text(f"# one\n{pdq(drawn())} first\n")
    [finding] = found(tmp_path, changed(drawn()), deny=[{"file": "deny.txt"}])
    assert (finding.category, finding.detector, finding.box) == ("custom.known_picture", "h", None)
    assert 1 - 31 / 128 <= finding.score <= 1
    assert finding.listed is not None
    assert (finding.listed.list, finding.listed.id, finding.listed.kind) == ("deny.txt", "first", "pdq")
    assert finding.score == round(1 - finding.listed.distance / 128, 4)


@each_case(
    ("form", "changed"),
    [
        ("trimmed", lambda image: ImageOps.expand(image, 24, "white")),
        ("trimmed_mirrored", lambda image: ImageOps.expand(ImageOps.mirror(image), 24, "white")),
        ("extended", lambda image: ImageOps.crop(image, 14)),
        ("extended_mirrored", lambda image: ImageOps.crop(ImageOps.mirror(image), 14)),
    ],
)
def test_a_picture_that_was_framed_or_cut_is_found(tmp_path: Path, form: str, changed: Any) -> None:
    """Also as a frame of what moves; not where a policy wants no crops."""
    (tmp_path / "deny.txt").write_text(pdq(drawn()))
    [finding] = found(tmp_path, changed(drawn()), deny=[{"file": "deny.txt"}])
    assert finding.listed is not None
    assert finding.listed.form == form
    frames = [drawn(1).resize(changed(drawn()).size), changed(drawn())]
    moving = filed(frames[0], "PNG", save_all=True, append_images=frames[1:], duration=40)
    [finding] = found(tmp_path, moving, deny=[{"file": "deny.txt"}])
    assert (finding.clip, finding.listed is not None) == ((40, 80), True)
    assert found(tmp_path, changed(drawn()), deny=[{"file": "deny.txt"}], crops=False) == []


@each_case("given", [drawn(1), Pillow.new("RGB", (64, 64), "white")])
def test_another_picture_is_not_on_it(tmp_path: Path, given: Pillow.Image) -> None:
    """Nor is a blank one, whose hash says nothing."""
    (tmp_path / "deny.txt").write_text(f"{pdq(drawn())}\n{pdq(Pillow.new('RGB', (64, 64), 'white'))}\n")
    assert found(tmp_path, given, deny=[{"file": "deny.txt"}]) == []


def test_a_list_has_its_own_distance_and_category(tmp_path: Path) -> None:
    """And of several entries of one list the nearest is told, of several lists each, the nearest first."""
    near = bytearray.fromhex(pdq(drawn()))
    near[0] ^= 0xFF
    near[5] ^= 0xFF
    (tmp_path / "near.csv").write_text(f"hash,id\n{near.hex()},far away\n")
    assert found(tmp_path, drawn(), deny=[{"file": "near.csv", "distance": 15}]) == []
    [finding] = found(
        tmp_path, drawn(), deny=[{"file": "near.csv", "distance": 16, "category": "custom.near"}]
    )
    assert (finding.category, finding.score) == ("custom.near", 1 - 16 / 128)
    (tmp_path / "same.csv").write_text(f"hash,id\n{pdq(drawn())},same\n")
    both = found(tmp_path, drawn(), deny=[{"file": "near.csv"}, {"file": "same.csv"}])
    assert [(each.score, each.listed) for each in both] == [
        (1.0, Listed("same.csv", "same", "pdq")),
        (1 - 16 / 128, Listed("near.csv", "far away", "pdq", 16)),
    ]
    (tmp_path / "two.csv").write_text(f"hash,id\n{near.hex()},far away\n{pdq(drawn())},near\n")
    [nearest] = found(tmp_path, drawn(), deny=[{"file": "two.csv"}])
    assert nearest.listed == Listed("two.csv", "near", "pdq")


def test_a_verdict_says_which_entry_it_was(tmp_path: Path) -> None:
    """By its id and nothing else of it, also where the picture is turned; an id is one short line."""
    (tmp_path / "deny.csv").write_text(f"hash,id\n{pdq(drawn())},case-7\x1b[2J{'x' * 300}\n")
    (tmp_path / "p.yaml").write_text(
        "format: 1\nname: t\ndetectors:\n  h: {use: image_hash, deny: [{file: deny.csv}]}\n"
        "rules:\n  - {id: r, on: output, when: custom.known_picture > 0.7, then: block}\n"
    )
    turned = drawn().transpose(Pillow.Transpose.ROTATE_90)
    verdict = Guard.load(tmp_path / "p.yaml").check(turned, "output")
    [finding] = json.loads(json.dumps(verdict.to_dict()))["findings"]
    assert finding["listed"]["id"] == ("case-7[2J" + "x" * 300)[:LONGEST]
    assert (finding["listed"]["list"], finding["listed"]["form"]) == ("deny.csv", "turned_270")
    assert finding["score"] == round(1 - finding["listed"]["distance"] / 128, 4)


def test_a_file_is_known_by_its_bytes(tmp_path: Path) -> None:
    """Whatever can be seen in it."""
    data = filed(Pillow.new("RGB", (64, 64), "white"))
    (tmp_path / "sha.txt").write_text(hashlib.sha256(data).hexdigest())
    [finding] = found(tmp_path, data, deny=[{"file": "sha.txt", "kind": "sha256"}])
    assert (finding.score, finding.clip) == (1.0, None)
    assert finding.listed == Listed("sha.txt", "line 1", "sha256")
    assert found(tmp_path, data + b"\n", deny=[{"file": "sha.txt", "kind": "sha256"}]) == []


def test_what_is_allowed_is_on_no_list(tmp_path: Path) -> None:
    """A known mistake of a list."""
    (tmp_path / "deny.txt").write_text(pdq(drawn()))
    (tmp_path / "allow.txt").write_text(pdq(drawn()))
    lists = {"deny": [{"file": "deny.txt"}], "allow": [{"file": "allow.txt", "distance": 0}]}
    assert found(tmp_path, drawn(), **lists) == []


def test_a_frame_on_a_list_is_told_with_its_time(tmp_path: Path) -> None:
    """Of a film that has others."""
    (tmp_path / "deny.txt").write_text(pdq(drawn(1)))
    film = filed(drawn(0), "PNG", save_all=True, append_images=[drawn(1), drawn(2)], duration=40)
    [finding] = found(tmp_path, film, deny=[{"file": "deny.txt"}])
    assert finding.clip == (40, 80)


def tracked(folder: Path, sha256: str, frames: int = 12, **fields: Any) -> Any:
    """Return what looks at a track of a film, after so many frames of a second, and what it found in each."""
    config = ImageHashConfig.model_validate({"use": "image_hash", **fields})
    begin = bind("h", KIND, config, PolicyFolder(folder)).film
    assert begin is not None
    track = begin(sha256)
    single = []
    for at in range(frames):
        one = open_picture(np.asarray(drawn(at)))
        frame = replace(one.frames[0], start_ms=1_000 * at, end_ms=1_000 * at + 1_000)
        single += track.detect([Image(source=replace(one, frames=(frame,)))])
    return track, single


def films(folder: Path, seconds: int, sha256: bytes = b"") -> Mapping[str, Any]:
    """Write a list of one film of so many of these frames; return what names it."""
    looks = (HashedFrame(bytes.fromhex(pdq(drawn(at))), 1_000 * at) for at in range(seconds))
    (folder / "films.jsonl").write_text(format_film_entries([FilmEntry("listed", tuple(looks), sha256)]))
    return {"films": [{"file": "films.jsonl", "category": "custom.film"}]}


def test_a_film_is_told_with_both_shares_and_where_it_is_shown(tmp_path: Path) -> None:
    """At once where all that is listed was shown; no frame of it is a finding by itself."""
    track, single = tracked(tmp_path, "", **films(tmp_path, 6))
    assert single == [CLEAN] * 12
    for closed in (False, True):
        [finding] = track.findings(closed=closed)
        assert (finding.category, finding.score, finding.clip) == ("custom.film", 1.0, (0, 6_000))
        assert finding.listed == Listed("films.jsonl", "listed", "vpdq", 0, "original", 0.5, 1.0)
    assert finding.to_dict()["listed"] == {
        "list": "films.jsonl", "id": "listed", "kind": "vpdq", "distance": 0, "form": "original",
        "query": 0.5, "target": 1.0,
    }  # fmt: skip


def test_a_part_of_a_film_is_told_at_its_end(tmp_path: Path) -> None:
    """More of something else may come before."""
    track, _ = tracked(tmp_path, "", 4, **films(tmp_path, 40))
    assert track.findings(closed=False) == []
    assert [each.score for each in track.findings(closed=True)] == [1.0]


@each_case("listed", [True, False])
def test_a_film_is_known_by_its_file(tmp_path: Path, listed: bool) -> None:
    """On a list of films, and on one of digests, which may also let it pass with all its frames."""
    sha256 = b"\x0a" * 32
    (tmp_path / "deny.txt").write_text(f"{sha256.hex()} mine\n")
    (tmp_path / "frame.txt").write_text(pdq(drawn(3)))
    given = films(tmp_path, 0, sha256) if listed else {"deny": [{"file": "deny.txt", "kind": "sha256"}]}
    track, _ = tracked(tmp_path, sha256.hex(), 0, **given)
    [finding] = track.findings(closed=False)
    assert (finding.score, finding.clip, finding.listed.kind) == (1.0, None, "sha256")
    assert finding.listed.id == ("listed" if listed else "mine")
    assert tracked(tmp_path, "00" * 32, 0, **given)[0].findings(closed=True) == []
    frames = {**films(tmp_path, 6, sha256), "deny": [{"file": "frame.txt"}]}
    assert any(each.findings for each in tracked(tmp_path, sha256.hex(), **frames)[1])
    allowed = {**frames, "allow": [{"file": "deny.txt", "kind": "sha256"}]}
    track, single = tracked(tmp_path, sha256.hex(), **allowed)
    assert (track.findings(closed=True), single) == ([], [CLEAN] * 12)


def test_a_text_is_none_of_its_business(tmp_path: Path) -> None:
    """It is clean, also a hash."""
    (tmp_path / "deny.txt").write_text(pdq(drawn()))
    config = ImageHashConfig.model_validate({"use": "image_hash", "deny": [{"file": "deny.txt"}]})
    assert bind("h", KIND, config, PolicyFolder(tmp_path)).detector.detect([Text(pdq(drawn()))]) == [CLEAN]


@each_case(
    ("fields", "place", "code"),
    [
        ("deny: [{file: bad.txt}]", ("bad.txt", 2), "malformed_hash"),
        ("deny: [{file: empty.txt}]", ("empty.txt", 1), "empty_list"),
        ("deny: [{file: none.txt}]", ("p.yaml", 4), "unreadable_file"),
        ("deny: [{file: ../outside.txt}]", ("p.yaml", 4), "unreadable_file"),
        ("deny: [{file: good.txt}], category: known", ("p.yaml", 4), "unknown_category"),
        ("deny: [{file: good.txt, category: known}]", ("p.yaml", 4), "unknown_category"),
        ("deny: [{file: good.txt}], allow: [{file: good.txt, category: custom.x}]", ("p.yaml", 4), "unused_field"),
        ("deny: []", ("p.yaml", 4), "invalid_value"),
        ("deny: [{file: good.txt, distance: 200}]", ("p.yaml", 4), "invalid_value"),
        ("films: []", ("p.yaml", 4), "invalid_value"),
        ("films: [{file: good.txt}]", ("good.txt", 1), "malformed_film"),
        ("films: [{file: none.jsonl}]", ("p.yaml", 4), "unreadable_file"),
        ("films: [{file: films.jsonl, category: known}]", ("p.yaml", 4), "unknown_category"),
        ("films: [{file: films.jsonl, query: 0, target: 0}]", ("p.yaml", 4), "invalid_value"),
        ("films: [{file: films.jsonl, query: 1.1}]", ("p.yaml", 4), "invalid_value"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_an_error_at_load(
    tmp_path: Path, fields: str, place: tuple[str, int], code: str
) -> None:
    """In a list with its line, else with its place in the policy."""
    (tmp_path / "bad.txt").write_text(f"{'0' * 64}\n{'z' * 64}\n")
    (tmp_path / "empty.txt").write_text("# nothing\n")
    (tmp_path / "good.txt").write_text("0" * 64)
    (tmp_path / "films.jsonl").write_text(format_film_entries([FilmEntry("a", (), b"1" * 32)]))
    (tmp_path / "p.yaml").write_text(
        f"format: 1\nname: t\ndetectors:\n  h: {{use: image_hash, {fields}}}\nrules: []\n"
    )
    with pytest.raises(PolicyErrors) as caught:
        Guard.load(tmp_path / "p.yaml")
    [error] = caught.value
    assert (Path(error.file).name, error.line, error.code) == (*place, code)


def test_a_guard_that_is_loaded_anew_has_the_list_as_it_is(tmp_path: Path) -> None:
    """What was noted is the list as well, so that a server loads it when it changes."""
    path = tmp_path / "p.yaml"
    path.write_text(
        "format: 1\nname: t\ndetectors:\n  h: {use: image_hash, deny: [{file: deny.txt}]}\n"
        "rules:\n  - {id: r, on: output, when: custom.known_picture > 0.7, then: block}\n"
    )
    (tmp_path / "deny.txt").write_text("0" * 64)
    guard = Guard.load(path)
    assert not guard.check(drawn(), "output").blocked
    assert guard.origin is not None
    assert (tmp_path / "deny.txt") in guard.origin.files
    (tmp_path / "deny.txt").write_text(pdq(drawn()))
    again = guard.reload()
    assert again.check(drawn(), "output").blocked
    assert again.policy.ref.digest != guard.policy.ref.digest
