"""Lists of films: shares of seconds, whatever is still, blank, mirrored or short."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from guardrails.media.hashes.film_hash_file import FilmEntry, HashedFrame, format_film_entries
from guardrails.media.hashes.film_lists import (
    SAME,
    FilmList,
    FilmMatch,
    FilmSearch,
    MatchThresholds,
    NumberedFrames,
    distinct_frames,
)
from guardrails.media.hashes.pdq import FORMS, PdqHashes
from tests.cases import each_case


def made(number: int) -> bytes:
    """Return the hash of a picture, which is like no other number's."""
    return np.random.default_rng(number).bytes(32)


def near(hash_: bytes, bits: int) -> bytes:
    """Return a hash in which the first bits are other ones."""
    return (int.from_bytes(hash_, "big") ^ ((1 << bits) - 1)).to_bytes(32, "big")


def film(numbers: Sequence[int], id_: str = "a", step_ms: int = 1_000) -> FilmEntry:
    """Return a film of so many frames."""
    looks = [HashedFrame(made(each), at * step_ms) for at, each in enumerate(numbers)]
    return FilmEntry(id_, tuple(looks), made(-len(numbers) % 1_000))


def listed(folder: Path, *films: FilmEntry, quality: int = 50) -> FilmList:
    """Return a list of films."""
    (folder / "films.jsonl").write_text(format_film_entries(films))
    return FilmList.load(folder / "films.jsonl", name="l", quality=quality)


def seen(
    of: FilmList, hashes: Sequence[bytes], *, form: int = 0, quality: int = 100, step_ms: int = 1_000
) -> FilmSearch:
    """Return what is seen in frames, which look like that in one of their forms alone."""
    sighting = FilmSearch(of)
    for at, each in enumerate(hashes):
        forms = [made(10_000 + 10 * at + other) for other in range(len(FORMS))]
        forms[form] = each
        sighting.add_frame([PdqHashes(tuple(forms), quality)], at * step_ms, (at + 1) * step_ms)
    return sighting


def all_of(sighting: FilmSearch, enough: MatchThresholds | None = None) -> list[FilmMatch]:
    """Return what is found at the end."""
    return sighting.matches(enough or MatchThresholds(), closed=True)


@each_case("form", range(len(FORMS)))
def test_a_film_is_found_in_any_form(tmp_path: Path, form: int) -> None:
    """Changed a little, with both shares, how near it is, and where."""
    [match] = all_of(
        seen(listed(tmp_path, film(range(10))), [near(made(each), 20) for each in range(10)], form=form)
    )
    assert (match.film.id, match.query, match.target) == ("a", 1.0, 1.0)
    assert (match.distance, match.form, match.clip) == (20, FORMS[form], (0, 10_000))


def test_frames_that_are_each_turned_in_another_way_are_no_film(tmp_path: Path) -> None:
    """They are pictures like its own, and not it."""
    sighting = FilmSearch(listed(tmp_path, film(range(8))))
    for at in range(8):
        forms = [made(10_000 + 10 * at + other) for other in range(len(FORMS))]
        forms[at] = made(at)
        sighting.add_frame([PdqHashes(tuple(forms), 100)], at * 1_000, at * 1_000 + 1_000)
    assert all_of(sighting) == []


CUT, LONGER, BOTH = [3, 4, 5, 6], [*range(20, 30), *range(10), *range(30, 40)], [*range(8), 50, 51]


@each_case(
    ("shown", "enough", "shares"),
    [
        (CUT, MatchThresholds(), (1.0, 0.4)),
        (CUT, MatchThresholds(query=0), None),
        (CUT, MatchThresholds(query=0, target=0.4), (1.0, 0.4)),
        (CUT, MatchThresholds(both=True), None),
        (CUT, MatchThresholds(both=True, target=0), (1.0, 0.4)),
        (CUT, MatchThresholds(seconds=5), None),
        (LONGER, MatchThresholds(), (0.3333, 1.0)),
        (LONGER, MatchThresholds(target=0), None),
        (LONGER, MatchThresholds(both=True, target=0), None),
        (BOTH, MatchThresholds(both=True), (0.8, 0.8)),
        (BOTH, MatchThresholds(both=True, query=0.81), None),
        ([0, 1], MatchThresholds(), None),
        ([70, 71, 72], MatchThresholds(), None),
    ],
)
def test_shares_are_compared_with_what_is_enough(
    tmp_path: Path, shown: Sequence[int], enough: MatchThresholds, shares: tuple[float, float] | None
) -> None:
    """A stretch that was cut out has a share of all of itself, a longer film all of the listed one."""
    found = all_of(seen(listed(tmp_path, film(range(10))), [*map(made, shown)]), enough)
    assert [(round(each.query, 4), each.target) for each in found] == ([] if shares is None else [shares])


def test_a_short_film_is_found_by_all_that_it_has(tmp_path: Path) -> None:
    """It has fewer seconds than are asked for of others."""
    [match] = all_of(seen(listed(tmp_path, film([1, 2])), [made(1), made(2), made(3)]))
    assert (match.target, match.clip) == (1.0, (0, 2_000))


def test_frames_that_say_little_count_nowhere(tmp_path: Path) -> None:
    """A film of black frames is on no list, nor do they dilute what is shown between them, nor are those of a list looked for."""
    of = listed(tmp_path, film(range(10)), FilmEntry("black", (HashedFrame(bytes(32), 0, 0),), made(1)))
    assert all_of(seen(of, [bytes(32)] * 100, quality=49)) == []
    sighting = FilmSearch(of)
    for at in range(5):
        for each, quality in ((made(at), 50), (bytes(32), 0), (bytes(32), 0)):
            sighting.add_frame([PdqHashes((each,) * 8, quality)], 3_000 * at, 3_000 * at + 1)
    assert [(match.film.id, match.query) for match in all_of(sighting)] == [("a", 1.0)]
    assert of.status()["by_file_alone"] == 1


def test_what_is_shown_over_and_over_is_one_look(tmp_path: Path) -> None:
    """A title of a minute makes no match with all films that have it, and hides none."""
    of = listed(tmp_path, film([100, *range(10)]))
    still = [near(made(100), at % SAME) for at in range(60)]
    assert all_of(seen(of, [*still, *map(made, range(20, 25))])) == []
    [match] = all_of(seen(of, [*map(made, range(8)), *[made(200)] * 60]))
    assert round(match.query, 4) == round(8 / 9, 4)


def test_what_is_looked_at_twice_in_a_second_is_one(tmp_path: Path) -> None:
    """A list may be made of more frames than a film is looked at."""
    of = listed(tmp_path, film(range(40), step_ms=250))
    [match] = all_of(seen(of, [made(4 * each + each % 4) for each in range(10)]))
    assert (match.query, match.target) == (1.0, 1.0)


def test_before_the_end_only_what_cannot_be_taken_back_is_told(tmp_path: Path) -> None:
    """That is the share of the listed film: that of the one that is watched may fall."""
    sighting = seen(listed(tmp_path, film(range(10))), [made(each) for each in range(7)])
    assert sighting.matches(MatchThresholds(), closed=False) == []
    assert [each.target for each in sighting.matches(MatchThresholds(target=0.7), closed=False)] == [0.7]
    assert sighting.matches(MatchThresholds(target=0.7, both=True), closed=False) == []
    assert [
        each.target
        for each in sighting.matches(MatchThresholds(target=0.7, both=True, query=0), closed=False)
    ] == [0.7]
    assert [each.query for each in all_of(sighting)] == [1.0]


def test_the_surest_of_several_films_comes_first(tmp_path: Path) -> None:
    """Each once; two of the same id are two."""
    of = listed(tmp_path, film(range(4, 24), "less"), film(range(10), "all"), film(range(10), "all"))
    assert [each.film.id for each in all_of(seen(of, [*map(made, range(10))]))] == ["all", "all"]
    more = all_of(seen(of, [*map(made, range(10))]), MatchThresholds(query=0.5))
    assert [each.film.id for each in more] == ["all", "all", "less"]


def test_a_file_is_known_by_its_digest(tmp_path: Path) -> None:
    """The first of equal ones."""
    of = listed(tmp_path, film(range(3), "first"), film(range(3), "second"))
    found = of.exact(film(range(3)).sha256.hex())
    assert found is not None
    assert (found.id, len(of), of.exact("00" * 32)) == ("first", 2, None)


def test_any_view_of_a_frame_may_be_the_listed_one(tmp_path: Path) -> None:
    """Who sees a transparent film over black sees that."""
    sighting = FilmSearch(listed(tmp_path, film(range(3))))
    for at in range(3):
        views = [PdqHashes((made(500 + at),) * 8, 100), PdqHashes((made(at),) * 8, 100)]
        sighting.add_frame(views, at * 1_000, at * 1_000 + 1_000)
    assert [each.query for each in all_of(sighting)] == [1.0]


def test_looks_of_a_list_are_distinct() -> None:
    """In the order of time, without those that say little."""
    one, two = made(1), made(2)
    looks = [
        HashedFrame(two, 2_000),
        HashedFrame(one, 0),
        HashedFrame(near(one, SAME), 1_000),
        HashedFrame(made(3), 3_000, 49),
    ]
    assert distinct_frames(looks) == [HashedFrame(one, 0), HashedFrame(two, 2_000)]
    known = NumberedFrames()
    assert [known.number(each) for each in (one, two, near(one, SAME), near(one, SAME + 1))] == [0, 1, 0, 2]
