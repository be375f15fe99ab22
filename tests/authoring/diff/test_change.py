"""Versions of a policy, and what is said of a difference."""

from __future__ import annotations

from pathlib import Path

import pytest

from guardrails.authoring.diff.change import PolicyChange, PolicyVersion, display_place, match_renamed
from guardrails.authoring.diff.levels import Level
from guardrails.errors import PolicyErrors
from tests.cases import each_case


def test_a_version_knows_places_and_runs(tmp_path: Path) -> None:
    """Both forms of a policy are there: as it was read, and compiled."""
    path = tmp_path / "p.yaml"
    path.write_text(
        "format: 1\nname: p\nrules:\n  - {id: a, on: input, when: content.length > 5, then: flag}\n"
    )
    version = PolicyVersion.load(path)
    assert version.compiled.rules[0].id == "a"
    item = version.policy.rules[0].item
    assert display_place(item, ("when",)) == f"{path}:4:30"
    assert display_place(item, ("severity",)) == f"{path}:4:5"
    assert display_place(None) == ""


def test_a_wrong_policy_is_no_version(tmp_path: Path) -> None:
    """All that is wrong is raised, with places."""
    (tmp_path / "p.yaml").write_text("format: 1\nname: p\nrulez: []\n")
    with pytest.raises(PolicyErrors, match=r"p\.yaml:3:1"):
        PolicyVersion.load(tmp_path / "p.yaml")


def test_a_change_says_what_it_asks_for() -> None:
    """The level and the reason come from the table."""
    change = PolicyChange("rule_removed", "rule a", old="hate > 0", places=("p.yaml:4:5", ""))
    assert (change.level, change.to_dict()["level"]) == (Level.MAJOR, "major")
    assert change.to_dict()["new_place"] is None


@each_case(
    ("gone", "come", "expected"),
    [
        ({"a": 1}, {"b": 1}, {"a": "b"}),
        ({"a": 1}, {"b": 2}, {}),
        ({"a": 1, "b": 1}, {"c": 1}, {"a": "c"}),
        ({"a": 1, "b": 1}, {"c": 1, "d": 1}, {"a": "c", "b": "d"}),
        ({}, {"c": 1}, {}),
    ],
)
def test_what_came_back_under_another_name_is_renamed(
    gone: dict[str, object], come: dict[str, object], expected: dict[str, str]
) -> None:
    """Each name is taken once."""
    assert match_renamed(gone, come) == expected
