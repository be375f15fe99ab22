"""A built-in table of which a policy chooses some kinds."""

from __future__ import annotations

import pytest

from guardrails.detectors import ConfigProblems
from guardrails.detectors.patterns.builtin_table import BuiltinTable
from guardrails.detectors.patterns.table import PatternRow
from guardrails.types import Text
from tests.cases import each_case

CHOICE = BuiltinTable(
    "custom",
    [PatternRow("a+b", "custom.ab"), PatternRow("c+d", "custom.cd"), PatternRow("x+b", "custom.ab")],
    "kinds",
    ("unknown_kind", "a kind of letters"),
)


def test_names_are_those_of_the_rows_each_once() -> None:
    """Several rows may find the same thing."""
    assert CHOICE.names == ("ab", "cd")


@each_case(
    ("wanted", "expected"),
    [
        (None, {"custom.ab", "custom.cd"}),
        (["cd"], {"custom.cd"}),
        (["cd", "misspelt"], {"custom.ab", "custom.cd"}),
    ],
)
def test_categories_follow_the_choice(wanted: list[str] | None, expected: set[str]) -> None:
    """All by default; with a misspelt name too, as any may be meant."""
    assert CHOICE.categories(wanted) == expected


@each_case(("wanted", "found"), [(None, ["custom.ab", "custom.cd", "custom.ab"]), (["cd"], ["custom.cd"])])
def test_only_what_is_wanted_is_looked_for(wanted: list[str] | None, found: list[str]) -> None:
    """The detector has the rows of the names that were chosen."""
    [detection] = CHOICE.build("d", wanted).detect([Text("ab cd xb")])

    assert [finding.category for finding in detection.findings] == found


@each_case(("name", "hint"), [("custom.abb", "did you mean 'ab'?"), ("zzz", "one of: ab, cd")])
def test_a_name_that_is_not_there_is_a_located_problem(name: str, hint: str) -> None:
    """The problem stands at its place in the list, and says what was meant."""
    with pytest.raises(ConfigProblems) as caught:
        CHOICE.build("d", ["ab", name])

    [problem] = caught.value.problems
    assert (problem.code, problem.path, problem.hint) == ("unknown_kind", ("kinds", 1), hint)
    assert problem.message == f"{name!r} is not a kind of letters"


@each_case(
    ("wanted", "exclude", "left"), [(None, ["cd"], {"custom.ab"}), (["ab", "cd"], ["ab"], {"custom.cd"})]
)
def test_what_is_excluded_is_not_looked_for(
    wanted: list[str] | None, exclude: list[str], left: set[str]
) -> None:
    """All but some, or some of those that are named."""
    assert CHOICE.categories(wanted, exclude) == left
    [detection] = CHOICE.build("d", wanted, exclude).detect([Text("ab cd")])
    assert {finding.category for finding in detection.findings} == left


@each_case(
    ("exclude", "code", "path"),
    [(["ab", "ce"], "unknown_kind", ("exclude", 1)), (["ab", "cd"], "nothing_left", ("exclude",))],
)
def test_what_cannot_be_excluded_is_a_located_problem(
    exclude: list[str], code: str, path: tuple[str | int, ...]
) -> None:
    """A misspelt name, and names that leave nothing."""
    with pytest.raises(ConfigProblems) as caught:
        CHOICE.build("d", None, exclude)

    [problem] = caught.value.problems
    assert (problem.code, problem.path) == (code, path)
