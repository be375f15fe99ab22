"""How grave a change of a policy is, and which version number it needs.

After Falco's rules for its rule sets: a patch changes no decision, a minor version may let more pass or adds what stops nothing
by itself, a major one may stop or change what passed before, or takes something away that others name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final


class Level(IntEnum):
    """What a change asks of the version."""

    NONE = 0
    PATCH = 1
    MINOR = 2
    MAJOR = 3

    def __str__(self) -> str:
        return self.name.lower()


LEVELS: Final[Mapping[str, tuple[Level, str]]] = {
    "wording": (Level.PATCH, "words and metadata: no decision changes"),
    "tests": (Level.PATCH, "tests: no decision changes"),
    "rule_added": (Level.MINOR, "a new rule that stops and changes nothing yet"),
    "detector_added": (Level.MINOR, "a new detector: rules alone decide what is done"),
    "category_added": (Level.MINOR, "a category that was not given before"),
    "exception_added": (Level.MINOR, "a new exception: less is stopped"),
    "laxer": (Level.MINOR, "less is stopped or changed"),
    "finds_otherwise": (Level.MINOR, "a detector finds otherwise: see the traffic for how much"),
    "order": (Level.MINOR, "rules of equal action go in another order"),
    "pace": (Level.MINOR, "streamed texts go out at another time"),
    "rule_enforced": (Level.MAJOR, "a new rule that stops or changes what passed before"),
    "rule_removed": (Level.MAJOR, "a rule is gone, and who relies on it is not told"),
    "rule_renamed": (
        Level.MAJOR,
        "a rule is called otherwise: logs, exceptions and overrides name the old id",
    ),
    "rule_off": (Level.MAJOR, "a rule that was enforced stops nothing any more"),
    "stricter": (Level.MAJOR, "more is stopped or changed"),
    "condition": (Level.MAJOR, "another condition: it may be stricter"),
    "replaced": (Level.MAJOR, "what stands in place of a finding changes"),
    "default": (Level.MAJOR, "a default of the policy changes"),
    "exception_removed": (Level.MAJOR, "an exception is gone: what it let pass may be stopped again"),
    "detector_removed": (Level.MAJOR, "a detector is gone, with what it found"),
    "detector_renamed": (Level.MAJOR, "a detector is called otherwise: verdicts and conditions name it"),
    "detector_kind": (Level.MAJOR, "another kind of detector"),
    "category_removed": (Level.MAJOR, "a category is not given any more, or called otherwise"),
    "tools": (Level.MAJOR, "conditions are told otherwise of tools"),
    "policy_renamed": (Level.MAJOR, "the policy is called otherwise: headers and logs name it"),
}
"""What changed → what it asks of the version, and why."""

_VERSION: Final = re.compile(
    r"v?([0-9]{1,9})(?:\.([0-9]{1,9}))?(?:\.([0-9]{1,9}))?(-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?"
)


@dataclass(frozen=True, slots=True)
class SemanticVersion:
    """A semantic version: its three numbers, and whether it comes before them (`1.0.0-rc.1`)."""

    parts: tuple[int, int, int]
    early: bool = False

    def next(self, level: Level) -> SemanticVersion:
        """Return the least version after this one that a change asks for; below 1.0.0 one place further back."""
        major, minor, patch = self.parts
        if level is Level.NONE:
            return self
        if self.early:  # what it comes before covers everything
            return SemanticVersion(self.parts)
        if major == 0:
            level = Level(max(Level.PATCH, level - 1))
        made = {
            Level.PATCH: (major, minor, patch + 1),
            Level.MINOR: (major, minor + 1, 0),
            Level.MAJOR: (major + 1, 0, 0),
        }
        return SemanticVersion(made[level])

    def __str__(self) -> str:
        return ".".join(map(str, self.parts))


def parse_version(version: str) -> SemanticVersion | None:
    """Return the semantic version that a text is (`1`, `1.4` and `v1.4.0` count), None where it is none."""
    found = _VERSION.fullmatch(version.strip())
    if found is None:
        return None
    major, minor, patch = (int(part or 0) for part in found.groups()[:3])
    return SemanticVersion((major, minor, patch), found[4] is not None)


@dataclass(frozen=True, slots=True)
class VersionAdvice:
    """What a change asks of the version. `least` is the lowest new version that says so, None where the old one is no semantic
    version; `problem` is what is wrong with the new one, None where it will do.
    """

    level: Level
    old: str
    new: str
    least: str | None
    problem: str | None

    def to_dict(self) -> dict[str, object]:
        """Return the advice as plain JSON values."""
        return {
            "level": str(self.level),
            "old": self.old,
            "new": self.new,
            "least": self.least,
            "problem": self.problem,
        }


def advise_version(level: Level, old: str, new: str) -> VersionAdvice:
    """Return what a change asks of the version.

    Args:
        level: the gravest of what changed.
        old: the version of the policy before.
        new: its version now.
    """
    before, after = parse_version(old), parse_version(new)
    if before is None or after is None:
        wrong = [each for each, known in ((old, before), (new, after)) if known is None]
        told = f"version {wrong[0]!r} is no semantic version such as 1.4.0"
        return VersionAdvice(level, old, new, None, told)
    least = before.next(level)
    problem = None
    if after.parts < before.parts:
        problem = f"{old} → {new} goes back: {least} at least"
    elif level is Level.NONE or after.parts > least.parts or (after.parts == least.parts and old != new):
        problem = None
    else:
        problem = f"{old} → {new}, but the change is {level}: {least} at least"
    return VersionAdvice(level, old, new, str(least), problem)
