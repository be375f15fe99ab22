"""Who looks on while films are judged."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain

from guardrails import Guard
from guardrails.engine.onlookers import Onlooker, Told, observed
from tests.films import film, green, scene, tone

POLICY = """
detectors:
  green: {use: green_square}
rules:
  - {id: green, on: output, when: custom.green_square > 0.5, then: %s}
"""


class Notes(Onlooker):
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.steps: list[tuple[float, float | None, bool]] = []
        self.films: list[Told] = []

    def went(self, seconds: float, of: float | None, listening: bool) -> None:
        self.steps.append((seconds, of, listening))

    def told(self, film: Told) -> None:
        self.films.append(film)


def test_who_looks_on_is_told_how_far_a_film_is_watched(guard_of: Callable[..., Guard]) -> None:
    """Seconds that only grow, of the film's, until its sound is listened to; nothing where nobody looks on any more."""
    guard, notes = guard_of(POLICY % "flag"), Notes()
    data = film(chain(scene(300), scene(150, 2)), sound=tone(15))
    with observed(notes):
        guard.check(data, "output", complete=True)
    seconds = [each[0] for each in notes.steps]
    assert seconds == sorted(seconds)
    assert (seconds[0], round(seconds[-1])) == (0.0, 15)
    assert {round(each[1] or 0) for each in notes.steps} == {15}
    assert notes.steps[-1][2]
    count = len(notes.steps)
    guard.check(data, "output")
    assert len(notes.steps) == count


def test_who_looks_on_is_told_what_was_seen_and_what_the_film_says(guard_of: Callable[..., Guard]) -> None:
    """The score of each frame that was looked at, and the lines with their times; of a redacted film also what it became."""
    guard, notes = guard_of(POLICY % "redact"), Notes()
    frames = chain(scene(60), green(30), scene(30, 2))
    data = film(frames, "mkv", captions=[(500, 1_500, "a word")], metadata={"title": "a name"})
    with observed(notes):
        guard.check(data, "output")
    before, after = notes.films
    scores = before.scores["custom.green_square"]
    assert {clip[0] // 1_000 for clip, score in scores if score > 0.9} == {2}
    assert {clip[0] for clip, score in scores if score == 0} >= {0}
    assert ("subtitle", "a word", (500, 1_500)) in before.lines
    assert ("metadata", "a name", None) in before.lines
    assert dict(after.scores) == {}


def test_a_class_that_adds_nothing_does_nothing(guard_of: Callable[..., Guard]) -> None:
    """So that one may take note of the one thing and not of the other."""
    with observed(Onlooker()):
        assert guard_of(POLICY % "block").check(film(green(5)), "output").blocked
