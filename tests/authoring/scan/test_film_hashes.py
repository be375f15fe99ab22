"""Lists of films: what they come to, and that a guard finds what is on them, however it was changed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

import pytest

from guardrails import Guard
from guardrails.authoring.scan.film_hashes import gather_films, save
from guardrails.authoring.scan.hash_lists import UnusableListError
from guardrails.media.hashes.film_hash_file import read_film_entries
from guardrails.media.video.film_source import VideoLimits
from guardrails.types import Finding
from tests.cases import each_case
from tests.films import Pixels, film, plain, resized, shots

SECONDS = 12
SIZE = (320, 240)
POLICY = """
format: 1
name: t
detectors:
  known: {use: image_hash, films: [{file: films.jsonl}], category: custom.known_film}
rules:
  - {id: known, on: output, when: custom.known_film >= 0.8, then: block}
"""


def whole(seed: int = 3, seconds: int = SECONDS) -> Iterator[Pixels]:
    """Yield the frames of a film."""
    return shots(30 * seconds, seed, SIZE)


@pytest.fixture(scope="module")
def guard(tmp_path_factory: pytest.TempPathFactory) -> Guard:
    """A guard with a list of a film, and of one that is black."""
    folder = tmp_path_factory.mktemp("listed")
    (folder / "listed.mp4").write_bytes(film(whole()))
    (folder / "black.mp4").write_bytes(film(plain(60, 0, SIZE)))
    gathered = gather_films([folder])
    save(folder / "films.jsonl", gathered.films)
    assert gathered.to_dict()["by_file_alone"] == 1
    (folder / "p.yaml").write_text(POLICY)
    return Guard.load(folder / "p.yaml")


def found(guard: Guard, data: bytes) -> Finding:
    """Return the only finding in a film, which is blocked."""
    verdict = guard.check(data, "output")
    [finding] = verdict.findings
    assert verdict.blocked
    assert finding.listed is not None
    assert (finding.category, finding.listed.list, finding.listed.id) == (
        "custom.known_film",
        "films.jsonl",
        "listed.mp4",
    )
    return finding


def test_a_stretch_that_was_cut_out_is_found_though_it_is_smaller_and_encoded_anew(guard: Guard) -> None:
    """It begins within a shot; all of it is of the film, and the clip is all of it."""
    data = film(resized(islice(whole(), 100, 300), (200, 120)), "webm")
    finding = found(guard, data)
    assert finding.listed is not None
    assert (finding.listed.kind, finding.listed.query) == ("vpdq", 1.0)
    assert 0.4 < (finding.listed.target or 0) < 0.8
    assert finding.clip is not None
    assert finding.clip[0] < 500
    assert finding.clip[1] > 6_000


def test_a_listed_film_is_found_inside_of_a_longer_one(guard: Guard) -> None:
    """It is not watched any further once enough was shown; the clip is where it is."""
    longer = chain(whole(5, 6), resized(whole(), (160, 120)), whole(6, 20))
    data = film(resized(longer, (160, 120)), "mkv")
    finding = found(guard, data)
    assert finding.listed is not None
    assert (finding.listed.target or 0) >= 0.8 > (finding.listed.query or 0)
    assert finding.clip is not None
    assert 5_900 <= finding.clip[0] <= 6_500
    assert finding.clip[1] <= 19_000
    verdict = guard.check(data, "output")
    assert not verdict.complete
    assert verdict.coverage.films[0].seconds < 25


def test_a_mirrored_film_is_found(guard: Guard) -> None:
    """As such."""
    finding = found(guard, film(frame[:, ::-1] for frame in whole()))
    assert finding.listed is not None
    assert finding.listed.form == "mirrored"


@each_case("grey", [0, 1])
def test_a_film_of_black_frames_is_not_what_other_black_films_are(guard: Guard, grey: int) -> None:
    """That is on the list as a file alone."""
    assert not guard.check(film(plain(90, grey, SIZE)), "output").findings


def test_another_film_passes(guard: Guard) -> None:
    """Also one with a second of the listed one, and black frames between."""
    assert not guard.check(film(whole(9)), "output").findings
    mixed = chain(whole(9, 4), plain(60, 0, SIZE), islice(whole(), 30), whole(10, 4))
    assert not guard.check(film(mixed), "output").findings


def test_a_list_is_the_same_each_time_and_can_be_gone_on_with(tmp_path: Path) -> None:
    """A film is named by its place in the folder; one that is there twice is kept once, and as it came last."""
    (tmp_path / "a").mkdir()
    data = film(whole(seconds=2))
    (tmp_path / "a" / "one.mp4").write_bytes(data)
    (tmp_path / "two.MP4").write_bytes(data)
    (tmp_path / "no.txt").write_text("no film")
    first = gather_films([tmp_path])
    assert ([each.id for each in first.films], first.duplicates) == (["two.MP4"], 1)
    save(tmp_path / "l.jsonl", first.films)
    again = gather_films([tmp_path / "l.jsonl", tmp_path / "a" / "one.mp4"])
    assert again.films[0].frames == first.films[0].frames
    assert (again.films[0].id, again.duplicates) == ("one.mp4", 1)
    assert read_film_entries((tmp_path / "l.jsonl").read_bytes(), "l") == first.films


def test_a_film_that_cannot_be_watched_to_its_end_is_on_no_list(tmp_path: Path) -> None:
    """Of a part of it no share can be told; nor is one that is broken, nor nothing at all."""
    (tmp_path / "a.mp4").write_bytes(film(whole(seconds=3)))
    (tmp_path / "b.mp4").write_bytes(film(whole(seconds=2))[:2_000])
    gathered = gather_films([tmp_path], limits=VideoLimits(seconds=1))
    assert [error.file for error in gathered.malformed] == [
        str(tmp_path / name) for name in ("a.mp4", "b.mp4")
    ]
    assert gathered.malformed[0].message.endswith("then stopped: seconds")
    with pytest.raises(UnusableListError, match="nothing to write"):
        save(tmp_path / "l.jsonl", gathered.films)
