"""Films are cut into the same fragments however they come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from guardrails.media.fragments import cutter as cutter_module
from guardrails.media.fragments.cutter import FilmCutter
from guardrails.media.fragments.fragment import Fragment, UncuttableFilm
from tests.cases import each_case
from tests.films import FRAGMENTS, film, scene, tone

SMALL = (120, 80)
FILMS: Mapping[str, bytes] = MappingProxyType(
    {
        "mp4": film(scene(40, size=SMALL), fps=10, g="10", packed=FRAGMENTS),
        "mp4, absolute": film(
            scene(40, size=SMALL), fps=10, g="10", packed={"movflags": "frag_keyframe+empty_moov"}
        ),
        "mp4, dash": film(
            scene(40, size=SMALL), fps=10, g="10", packed={"movflags": "frag_keyframe+empty_moov+dash"}
        ),
        "mp4, sound": film(
            scene(40, size=SMALL), fps=10, g="10", packed=FRAGMENTS, sound=tone(4.0), woven=True
        ),
        "mp4, B-frames": film(
            scene(40, size=SMALL), fps=10, g="10", packed=FRAGMENTS, preset="medium", bf="2", sc_threshold="0"
        ),
        "mp4, several to a picture": film(
            scene(40, size=SMALL),
            fps=10,
            g="10",
            packed={"movflags": "empty_moov", "frag_duration": "200000"},
        ),
        "ts": film(scene(40, size=SMALL), "ts", fps=10, g="10"),
        "ts, sound": film(scene(40, size=SMALL), "ts", fps=10, g="10", sound=tone(4.0), woven=True),
    }
)


def cut(data: bytes, sizes: Sequence[int] = ()) -> tuple[FilmCutter, list[Fragment]]:
    """Return the fragments of a film that comes in pieces of some sizes, and what cut it."""
    cutter, found, at = FilmCutter(), list[Fragment](), 0
    for size in (*sizes, len(data)):
        found += cutter.feed(data[at : at + size])
        at += size
    return cutter, [*found, *cutter.close()]


@each_case("name", FILMS)
def test_fragments_are_all_of_a_film(name: str) -> None:
    """One follows the other, from its first byte to its last; they say when their pictures are shown."""
    data = FILMS[name]
    _, found = cut(data)
    assert [each.start for each in found] == [0, *(each.end for each in found[:-1])]
    assert found[-1].end == len(data)
    shown = [each for each in found if each.frames]
    assert sum(each.frames for each in shown) == 40
    assert len(shown) == (4 if "several" not in name else 20)
    times = [(each.end_ms or 0) - (each.begin_ms or 0) for each in shown]
    assert sum(times) == pytest.approx(4_000, abs=500 if "B-frames" in name else 50)
    assert sum(each.random_ms is not None for each in found) == 4


@pytest.mark.parametrize("name", FILMS)
@given(sizes=st.lists(st.integers(1, 4_000), max_size=60))
@example(sizes=[1] * 400)
@example(sizes=[4_095, 1, 1])
def test_however_a_film_comes_it_is_cut_alike(name: str, sizes: list[int]) -> None:
    """Byte by byte, all at once, or anything between."""
    once, found = cut(FILMS[name])
    cutter, again = cut(FILMS[name], sizes)
    assert again == found
    assert cutter.head == once.head


@each_case("name", FILMS)
def test_what_is_put_together_again_is_what_came(name: str) -> None:
    """All fragments of a film are the film."""
    data = FILMS[name]
    _, found = cut(data)
    assert b"".join(data[each.start : each.end] for each in found) == data


@each_case(
    "data",
    [b"", b"no film", b"G" + bytes(5_000), film(scene(8, size=SMALL)), film(scene(8, size=SMALL), "webm"), b"RIFF" + bytes(5_000)],
    ids=["empty", "text", "no packets", "mp4", "webm", "avi"],
)  # fmt: skip
def test_what_is_not_made_of_fragments_is_not_cut(data: bytes) -> None:
    """It says so as soon as it is known, and at the end at the latest."""
    with pytest.raises(UncuttableFilm):
        cut(data)


@each_case("name", FILMS)
def test_a_film_that_breaks_off_has_no_last_fragment(name: str) -> None:
    """What is all there before that was given out."""
    data = FILMS[name]
    _, whole = cut(data)
    end = whole[len(whole) // 2].end - 5
    cutter = FilmCutter()
    found = cutter.feed(data[:end])
    assert found == whole[: len(found)]
    assert found
    with pytest.raises(UncuttableFilm, match="breaks off"):
        cutter.close()


def test_there_are_not_too_many_fragments(monkeypatch: pytest.MonkeyPatch) -> None:
    """A film of tiny ones would take more memory than it has bytes."""
    monkeypatch.setattr(cutter_module, "MOST", 3)
    with pytest.raises(UncuttableFilm, match="more than 3 fragments"):
        cut(FILMS["mp4"])


@given(data=st.data())
@pytest.mark.parametrize("name", ["mp4, sound", "ts, sound"])
def test_whatever_stands_there_is_cut_or_refused(name: str, data: st.DataObject) -> None:
    """Damage is no crash, and fragments stay all of what came."""
    film_ = bytearray(FILMS[name])
    for _ in range(data.draw(st.integers(1, 4))):
        film_[data.draw(st.integers(0, min(len(film_), 2_500) - 1))] = data.draw(st.integers(0, 255))
    try:
        _, found = cut(bytes(film_))
    except UncuttableFilm:
        return
    assert [each.start for each in found] == [0, *(each.end for each in found[:-1])]
    assert found[-1].end == len(film_)
