"""Who looks on while films are judged."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import chain

from guardrails import Guard
from guardrails.engine.core.observers import CURRENT, CheckRecord, FilmRecord, Observer, observe_checks
from tests.cases import each_case
from tests.films import film, green, scene, tone

POLICY = """
detectors:
  green: {use: green_square}
rules:
  - {id: green, on: output, when: custom.green_square > 0.5, then: %s}
"""


class Notes(Observer):
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.steps: list[tuple[float, float | None, bool]] = []
        self.films: list[FilmRecord] = []

    def on_progress(self, seconds: float, of: float | None, listening: bool) -> None:
        self.steps.append((seconds, of, listening))

    def on_film(self, film: FilmRecord) -> None:
        self.films.append(film)


def test_who_looks_on_is_told_how_far_a_film_is_watched(guard_of: Callable[..., Guard]) -> None:
    """Seconds that only grow, of the film's, until its sound is listened to; nothing where nobody looks on any more."""
    guard, notes = guard_of(POLICY % "flag"), Notes()
    data = film(chain(scene(300), scene(150, 2)), sound=tone(15))
    with observe_checks(notes):
        guard.check(data, "output", complete=True)
    seconds = [each[0] for each in notes.steps]
    assert seconds == sorted(seconds)
    assert seconds[0] == 0.0
    assert 10 < seconds[-1] < 15.1  # the last look may be a little before the end
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
    with observe_checks(notes):
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
    with observe_checks(Observer()):
        assert guard_of(POLICY % "block").check(film(green(5)), "output").blocked


class Close(Notes):
    """Writes down how checks were evaluated, too."""

    wants_checks = True

    def __init__(self) -> None:
        super().__init__()
        self.checks: list[CheckRecord] = []

    def on_check(self, check: CheckRecord) -> None:
        self.checks.append(check)


WORDS = """
detectors:
  words: {use: terms, terms: [blast], category: custom.x}
  safety: {use: classifier}
rules:
  - {id: word, on: input, when: custom.x > 0, then: block}
  - {id: harm, on: input, when: toxic > 0.5, then: block}
"""


CONVERSATION = """
detectors:
  words: {use: terms, terms: [blast], category: custom.x}
  others: {use: terms, terms: [boom], category: custom.y}
rules:
  - {id: word, on: input, when: custom.x > 0, then: block}
  - {id: both, on: input, when: custom.x > 0 && custom.y > 0, then: block, scope: conversation}
"""


@each_case(
    ("text", "complete", "sure", "ran"),
    [
        ("all is fine", True, None, ["words", "safety"]),
        ("all is fine", False, None, ["words", "safety"]),
        ("a blast", True, 0, ["words", "safety"]),
        ("a blast", False, 0, ["words"]),
    ],
)
def test_who_looks_closely_is_told_of_each_check(
    guard_of: Callable[..., Guard], text: str, complete: bool, sure: int | None, ran: list[str]
) -> None:
    """Also of one that is clear at a glance; what was run, after which tier a block was certain, and what fired."""
    guard, notes = guard_of(WORDS), Close()
    with observe_checks(notes):
        verdict = guard.check(text, complete=complete)
    [check] = notes.checks
    assert [task.bound.name for task in check.tasks] == ran
    assert (check.sure, check.outcome.action) == (sure, verdict.action)
    assert [each.rule.id for some in check.fired for each in some] == [rule.id for rule in verdict.rules]
    assert [each.run() for each in check.evaluations] == [*check.fired]
    plain = guard.check(text, complete=complete)
    assert (plain.action, plain.rules, plain.complete) == (verdict.action, verdict.rules, verdict.complete)


async def _acheck(guard: Guard, notes: Close) -> None:
    with observe_checks(notes):
        await guard.acheck("a blast")


def test_checks_on_an_event_loop_are_told_as_well(guard_of: Callable[..., Guard]) -> None:
    """In the context in which somebody looks on, and in no other."""
    notes = Close()
    asyncio.run(_acheck(guard_of(WORDS), notes))
    assert len(notes.checks) == 1
    assert CURRENT.get() is None


def test_turns_that_are_left_out_are_told_at_last_as_they_are(guard_of: Callable[..., Guard]) -> None:
    """A conversation that is read anew without them is told anew."""
    guard, notes = guard_of(CONVERSATION), Close()
    turns = [{"role": "user", "content": text} for text in ("blast", "boom")]
    with observe_checks(notes):
        verdict = guard.check(turns)
    assert len(notes.checks) == 2
    assert [each.id for each in notes.checks[-1].outcome.rules] == [each.id for each in verdict.rules]
    assert notes.checks[-1].outcome.action is verdict.action


def test_who_does_not_look_closely_is_not_told(guard_of: Callable[..., Guard]) -> None:
    """Checks take their shortest way then."""
    notes = Notes()
    with observe_checks(notes):
        guard_of(WORDS).check("a blast")
    assert notes.films == []
