"""Films that come again: what is kept, for how long, and that a film is not looked at twice in the same way."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from guardrails import Guard, Verdict
from guardrails.detectors.images.text_layout import PlacedText, TextLine
from guardrails.detectors.speech.transcript import SoundTranscript
from guardrails.detectors.speech.transcript_text import SpokenText, TimedWord
from guardrails.engine.core.observers import Observer, observe_checks
from guardrails.engine.media.film_cache import EACH, CachedFilm, FilmCache
from guardrails.types import CLEAN, Content, Detection, FilmCoverage, Finding, Video
from tests.films import film, green, scene, taped, tone

OWN = """
detectors:
  own: {use: own}
  words: {use: terms, terms: [zqxbomb], category: custom.bomb}
rules:
  - {id: own, on: [input, output], when: custom.own > 0.5, then: block}
  - {id: bomb, on: [input, output], when: custom.bomb > 0, then: flag}
"""


def known(text: str = "", covers: int = 0) -> CachedFilm:
    """Return what a film came to, with a text of one line."""
    texts = [PlacedText(text, "ocr", (), lines=((0, TextLine(text, None)),))] if text else []
    return CachedFilm({}, texts, [b"c" * covers], (), FilmCoverage())


def test_the_least_recently_used_go_first() -> None:
    """Where there are too many, or they take too much; one that takes more than all may is not kept."""
    films = FilmCache(most=2, size=10 * EACH)
    one, two = known("one"), known("two")
    films.add("1", one)
    films.add("2", two)
    assert (films.get("1"), len(films)) == (one, 2)
    films.add("3", known())
    assert (films.get("1"), films.get("2")) == (one, None)
    films.add("3", known(covers=10 * EACH))
    assert films.get("3") == known()
    films.add("4", known(covers=9 * EACH))
    assert (films.get("1"), films.get("3"), len(films)) == (None, None, 1)


def test_a_share_of_the_bounds_may_be_held() -> None:
    """What is over it goes at once; adding the same one again takes nothing more."""
    films = FilmCache(most=4, size=100 * EACH)
    for name in ("a", "b", "b", "c", "d"):
        films.add(name, known(name))
    films.hold(0.5)
    assert [name for name in "abcd" if films.get(name) is not None] == ["c", "d"]
    films.hold(0.01)
    assert len(films) == 0


class Looking:
    """A detector of pictures that counts them; what is in them is what a green frame has."""

    inline, pixels, tier = False, True, 1

    def __init__(self) -> None:
        self.seen = self.heard = 0
        self.error: str | None = None

    def detect(self, batch: Any) -> list[Detection]:
        """Judge frames."""
        self.seen += len(batch)
        return [Detection(error=self.error) if self.error else self._one(content) for content in batch]

    def _one(self, content: Content) -> Detection:
        assert not isinstance(content, Video)
        pixels: Any = content.source.frames[0].views[0]  # type: ignore[union-attr]
        centre = pixels[pixels.shape[0] // 2, pixels.shape[1] // 2].astype(int)
        return (
            Detection((Finding("custom.own", 0.9, "own"),)) if centre[1] > 200 and centre[0] < 60 else CLEAN
        )

    def hears(self, chunks: Any) -> SoundTranscript:
        """Hear the same each time."""
        self.heard += 1
        assert sum(len(samples) for _, samples in chunks) > 0
        said = SpokenText(
            "a zqxbomb", "speech", (), words=(TimedWord(0, 1, (0, 200)), TimedWord(2, 9, (300, 900)))
        )
        return SoundTranscript(((0, 900),), said)


@pytest.fixture
def looking() -> Looking:
    """A detector that counts."""
    return Looking()


@pytest.fixture
def guard(guard_of: Callable[..., Guard], kind_of: Any, looking: Looking) -> Guard:
    """A guard that has it."""
    own = kind_of(looking, contents=frozenset({"image"}), tier=1)
    return guard_of(OWN, detectors={"own": own})


def same(verdict: Verdict) -> tuple[Any, ...]:
    """Return what two verdicts on the same film have alike."""
    coverage = verdict.coverage
    return (
        verdict.action,
        verdict.rules,
        verdict.findings,
        coverage.unchecked,
        coverage.kinds,
        coverage.films,
        verdict.complete,
    )


def test_a_film_that_comes_again_is_not_looked_at_again(
    guard: Guard, looking: Looking, tmp_path: Path
) -> None:
    """As bytes or by its path, at any place; the verdict says the same, with what was said and its times."""
    data = film(scene(60), "mkv", sound=tone(2), captions=[(0, 500, "Hello.")])
    first = guard.check(data, "output")
    assert (looking.seen > 0, looking.heard) == (True, 1)
    assert [each.clip for each in first.findings] == [(300, 900)]
    before = looking.seen
    (tmp_path / "a.mkv").write_bytes(data)
    for given in (data, tmp_path / "a.mkv"):
        assert same(guard.check(given, "output")) == same(first)
    assert guard.check(data, "input").findings == first.findings
    assert (looking.seen, looking.heard) == (before, 1)


def test_a_sound_that_comes_again_is_not_heard_again(guard: Guard, looking: Looking) -> None:
    """Its covers are judged all the same."""
    data = taped(np.zeros(32_000, np.float32), "mp3", "mp3")
    first = guard.check(data, "output")
    assert same(guard.check(data, "output")) == same(first)
    assert looking.heard == 1


def test_what_is_not_the_same_is_looked_at(
    guard: Guard, looking: Looking, guard_of: Any, kind_of: Any
) -> None:
    """Another file, another guard, and other settings of one."""
    data = film(scene(30))
    guard.check(data, "output")
    seen = looking.seen
    guard.check(film(scene(30, 2)), "output")
    assert looking.seen > seen
    seen = looking.seen
    own = kind_of(looking, contents=frozenset({"image"}), tier=1)
    guard_of(OWN + "films: {fps: 3}\n", detectors={"own": own}).check(data, "output")
    assert looking.seen > seen


def test_what_is_not_whole_is_not_kept(guard: Guard, looking: Looking) -> None:
    """A film that blocked before its end, one that breaks off, and one of which a detector failed."""
    blocked = film(chain(scene(60), green(60), scene(600, 2)))
    for complete, more in ((False, True), (True, True), (True, False), (False, False)):
        seen = looking.seen
        assert guard.check(blocked, "output", complete=complete).blocked
        assert (looking.seen > seen) == more
    cut = film(scene(90), "mkv")
    cut = cut[: len(cut) // 2]
    for _ in range(2):
        seen = looking.seen
        assert guard.check(cut, "output").blocked
        assert looking.seen > seen
    looking.error = "no"
    assert guard.check(film(scene(45)), "output").errors
    looking.error = None
    assert guard.check(film(scene(45)), "output").errors == ()


def test_who_looks_on_sees_it_all(guard: Guard) -> None:
    """Also of a film that is known."""
    told = []

    class Watcher(Observer):
        def on_film(self, film: Any) -> None:
            told.append(film)

    data = film(scene(30))
    for _ in range(2):
        with observe_checks(Watcher()):
            guard.check(data, "output")
    assert len(told) == 2
    assert told[0] == told[1]
