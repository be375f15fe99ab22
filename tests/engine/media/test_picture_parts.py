"""What phones write behind a picture is judged: films, pictures and texts there count as if they were sent alone."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from guardrails import Guard
from guardrails.types import Verdict
from tests.cases import each_case
from tests.films import film, green, scene
from tests.media.uploads_kit import EDITED, google_motion_photo, photo, samsung_motion_photo, samsung_trailer

POLICY = """
detectors:
  green: {use: green_square}
  words: {use: terms, terms: [zqxbomb], category: custom.word}
rules:
  - {id: green, on: [input, output], when: custom.green_square > 0.5, then: THEN}
  - {id: words, on: [input, output], when: custom.word > 0, then: block}
films: {fps: 4}
"""


@pytest.fixture(scope="module")
def guard(guard_of: Callable[..., Guard]) -> Guard:
    """A guard that blocks green squares and a word."""
    return guard_of(POLICY.replace("THEN", "block"))


@pytest.fixture(scope="module")
def films() -> dict[str, bytes]:
    """A harmless film, and one that is blocked."""
    return {"plain": film(scene(8)), "green": film(green(8))}


def ids(verdict: Verdict) -> list[str]:
    """Return the rules that fired."""
    return [rule.id for rule in verdict.rules]


@each_case("made", [google_motion_photo, samsung_motion_photo])
def test_a_motion_photo_is_judged_with_its_film(
    guard: Guard, films: dict[str, bytes], made: Callable[..., bytes]
) -> None:
    """Harmless it goes on as it came; either half blocks it."""
    verdict = guard.check(data := made(films["plain"]), "input")
    assert (str(verdict.action), verdict.content) == ("allow", data)
    assert {"image", "video"} <= verdict.coverage.kinds.keys()
    assert ids(guard.check(made(films["green"]), "input")) == ["green"]
    assert ids(guard.check(made(films["plain"], green=True), "input")) == ["green"]


def test_texts_of_a_trailer_are_judged(guard: Guard, films: dict[str, bytes]) -> None:
    """A phone's editor keeps what was written on a picture there."""
    said = samsung_motion_photo(films["plain"], (EDITED, "Re_Edit_Data", b'{"text": "the zqxbomb"}'))
    assert ids(guard.check(said, "input")) == ["words"]


def test_a_file_is_judged_as_its_bytes_are(guard: Guard, films: dict[str, bytes], tmp_path: Path) -> None:
    """By its path, open, and in a body."""
    path = tmp_path / "IMG_0001.jpg"
    path.write_bytes(data := google_motion_photo(films["green"]))
    assert ids(guard.check(path, "input")) == ["green"]
    assert ids(guard.check(io.BytesIO(data), "input")) == ["green"]


def test_what_is_no_part_is_refused(guard: Guard) -> None:
    """As before, with its reason."""
    for data in (photo() + b"PK\3\4 an archive", photo() + samsung_trailer([(1, "X", b"\xff\xfe" * 90)])):
        verdict = guard.check(data, "input")
        assert ids(verdict) == ["unchecked.image"]
        assert "trailing_data" in verdict.coverage.unchecked[0].reason


def test_a_redacted_picture_has_no_parts(guard_of: Callable[..., Guard], films: dict[str, bytes]) -> None:
    """A film in which something is found cannot be changed by itself: it blocks."""
    guard = guard_of(POLICY.replace("THEN", "redact"))
    verdict: Any = guard.check(google_motion_photo(films["plain"], green=True), "input")
    assert str(verdict.action) == "redact"
    assert b"ftyp" not in verdict.content
    assert str(guard.check(google_motion_photo(films["green"]), "input").action) == "block"
