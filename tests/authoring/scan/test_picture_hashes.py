"""Pictures on a list: what a list is with them, and that a guard finds them, however they were changed."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from PIL import Image

from guardrails import Guard
from guardrails.authoring.scan.hash_lists import save
from guardrails.authoring.scan.picture_hashes import add_pictures
from guardrails.errors import GuardrailsError, PolicyErrors
from guardrails.media.hashes.hash_file import HashEntry, read_hash_entries
from tests.cases import each_case
from tests.media.hashes.test_pdq import patches

POLICY = """
format: 1
name: t
detectors:
  known: {use: image_hash, deny: [{file: deny.csv}]}
rules:
  - {id: known, on: output, when: custom.known_picture > 0.7, then: block}
"""


def drawn(seed: int) -> Image.Image:
    """Return a picture with much to see in it."""
    return Image.fromarray(patches(seed))


def listed(path: Path) -> list[HashEntry]:
    """Return what is on a list."""
    return read_hash_entries(path.read_bytes(), str(path))


def test_a_picture_that_was_added_is_found(tmp_path: Path) -> None:
    """By its file, by what it shows, and cut; another one is not."""
    drawn(1).save(tmp_path / "one.png")
    gathered = add_pictures(tmp_path / "deny.csv", [tmp_path / "one.png"], category="custom.x")
    assert gathered.to_dict() == {
        "entries": 2, "added": 1, "known": 0, "by_file_alone": 0, "malformed": 0,
    }  # fmt: skip
    save(tmp_path / "deny.csv", gathered.entries, gathered.comments)
    digest = hashlib.sha256((tmp_path / "one.png").read_bytes()).digest()
    pdq, sha = listed(tmp_path / "deny.csv")
    assert (pdq.kind, pdq.id, pdq.category, pdq.quality) == ("pdq", "one.png", "custom.x", 100)
    assert (sha.kind, sha.hash, sha.id) == ("sha256", digest, "one.png")
    (tmp_path / "p.yaml").write_text(POLICY)
    guard = Guard.load(tmp_path / "p.yaml")
    for given, blocked in (
        (tmp_path / "one.png", True),
        (drawn(1).resize((200, 150)), True),
        (drawn(1).crop((12, 9, 388, 291)), True),
        (drawn(2), False),
    ):
        assert guard.check(given, "output").blocked is blocked


def test_a_list_keeps_what_is_on_it_and_what_it_says_of_itself(tmp_path: Path) -> None:
    """Its comments stand at its head; a picture that is on it is told, and changes nothing."""
    path = tmp_path / "deny.csv"
    path.write_text(f"# of Acme, CC0-1.0\n{'0f' * 32} first\n# more\n{'1e' * 32}\n")
    drawn(1).save(tmp_path / "one.png")
    gathered = add_pictures(path, [tmp_path / "one.png"])
    save(path, gathered.entries, gathered.comments)
    before = path.read_bytes()
    assert before.decode().startswith("# of Acme, CC0-1.0\n# more\nhash,type,id,")
    assert {entry.id for entry in listed(path)} == {"first", "line 4", "one.png"}
    again = add_pictures(path, [tmp_path / "one.png"])
    assert (again.added, again.known) == (0, 1)
    save(path, again.entries, again.comments)
    assert path.read_bytes() == before


def test_a_list_of_comments_alone_is_begun(tmp_path: Path) -> None:
    """With the licence that it is to have."""
    (tmp_path / "deny.csv").write_text("# CC0-1.0\n")
    drawn(1).save(tmp_path / "one.png")
    gathered = add_pictures(tmp_path / "deny.csv", [tmp_path / "one.png"])
    assert (gathered.comments, len(gathered.entries)) == (["# CC0-1.0"], 2)


def test_folders_are_read_and_what_is_no_picture_is_told(tmp_path: Path) -> None:
    """With its name; a blank picture is known by its file alone, and what moves by each frame that differs."""
    (tmp_path / "in" / "deep").mkdir(parents=True)
    drawn(1).save(tmp_path / "in" / "deep" / "film.png", save_all=True, append_images=[drawn(2), drawn(2)])
    Image.new("RGB", (90, 90), "white").save(tmp_path / "in" / "blank.png")
    (tmp_path / "in" / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    (tmp_path / "in" / "notes.txt").write_text("no picture")
    went: list[str] = []
    gathered = add_pictures(tmp_path / "deny.csv", [tmp_path / "in"], went=went.append)
    assert went == ["blank.png", "broken.jpg", "deep/film.png"]
    [error] = gathered.malformed
    assert (Path(error.file).name, error.code) == ("broken.jpg", "unreadable_picture")
    assert (gathered.added, gathered.by_file) == (2, 1)
    assert sorted((entry.kind, entry.id) for entry in gathered.entries) == [
        ("pdq", "deep/film.png"),
        ("pdq", "deep/film.png"),
        ("sha256", "blank.png"),
        ("sha256", "deep/film.png"),
    ]


@each_case(
    ("made", "given", "message"),
    [
        ("", "none.png", "none.png: no such file or folder"),
        ("", "empty", "there is no picture in this folder"),
        ("zz\n", "one.png", "deny.csv:1:1: malformed_hash"),
    ],
)
def test_what_cannot_be_done_is_told(tmp_path: Path, made: str, given: str, message: str) -> None:
    """Before anything is written."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "deny.csv").write_text(made)
    drawn(1).save(tmp_path / "one.png")
    with pytest.raises((GuardrailsError, PolicyErrors), match=message):
        add_pictures(tmp_path / "deny.csv", [tmp_path / given])
