"""What a change asks of the version."""

from __future__ import annotations

from guardrails.authoring.diff.levels import LEVELS, Level, advise_version, parse_version
from tests.cases import each_case


@each_case(
    ("level", "old", "new", "least", "problem"),
    [
        (Level.NONE, "1.4.0", "1.4.0", "1.4.0", None),
        (Level.PATCH, "1.4.0", "1.4.1", "1.4.1", None),
        (Level.PATCH, "1.4.0", "1.4.0", "1.4.1", "1.4.0 → 1.4.0, but the change is patch: 1.4.1 at least"),
        (Level.MINOR, "1.4.0", "1.4.1", "1.5.0", "1.4.0 → 1.4.1, but the change is minor: 1.5.0 at least"),
        (Level.MINOR, "1.4.7", "1.5.0", "1.5.0", None),
        (Level.MAJOR, "1.4.0", "1.4.1", "2.0.0", "1.4.0 → 1.4.1, but the change is major: 2.0.0 at least"),
        (Level.MAJOR, "1.4", "2", "2.0.0", None),
        (Level.MAJOR, "v1.4.0", "v3.0.0", "2.0.0", None),
        (Level.MAJOR, "0.3.1", "0.4.0", "0.4.0", None),
        (Level.MINOR, "0.3.1", "0.3.2", "0.3.2", None),
        (Level.MAJOR, "0.3.1", "0.3.2", "0.4.0", "0.3.1 → 0.3.2, but the change is major: 0.4.0 at least"),
        (Level.MAJOR, "2.0.0-rc.1", "2.0.0-rc.2", "2.0.0", None),
        (
            Level.PATCH,
            "2.0.0-rc.1",
            "2.0.0-rc.1",
            "2.0.0",
            "2.0.0-rc.1 → 2.0.0-rc.1, but the change is patch: 2.0.0 at least",
        ),
        (Level.NONE, "1.4.0", "1.3.9", "1.4.0", "1.4.0 → 1.3.9 goes back: 1.4.0 at least"),
        (Level.PATCH, "first", "1.0.0", None, "version 'first' is no semantic version such as 1.4.0"),
        (Level.PATCH, "1.0.0", "next", None, "version 'next' is no semantic version such as 1.4.0"),
    ],
)
def test_advises_the_least_version(
    level: Level, old: str, new: str, least: str | None, problem: str | None
) -> None:
    """The number that a change asks for is the least; below 1.0.0 it is one place further back."""
    found = advise_version(level, old, new)
    assert (found.least, found.problem) == (least, problem)
    assert found.to_dict()["level"] == str(level)


@each_case("version", ["", "1.", "1.2.3.4", "\u0661.\u0662", "1 2", "1.0.0-", "99999999999"])
def test_other_texts_are_no_version(version: str) -> None:
    """What cannot be ordered is not guessed."""
    assert parse_version(version) is None


def test_each_reason_stands_once() -> None:
    """Each kind of change has a level that asks for something, and a reason of its own."""
    assert all(level > Level.NONE for level, _ in LEVELS.values())
    assert len({why for _, why in LEVELS.values()}) == len(LEVELS)
