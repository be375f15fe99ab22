"""Numbers written into policies: nothing else changes, and nothing is written that fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from guardrails import Guard
from guardrails.authoring.tune.policy_rewrite import (
    RetunedPolicy,
    RetuneError,
    is_shipped,
    override_condition,
    render_child,
    retune_policy,
)
from guardrails.authoring.tune.thresholds import find_thresholds
from guardrails.policy.editing.edits import EditError
from guardrails.policy.loading.source import read_yaml
from tests.cases import each_case

HEAD = """# ours
format: 1
name: small   # the name
detectors:
  low: {use: patterns, patterns: ['\\blow\\b'], category: custom.own, score: 0.4}
  high: {use: patterns, patterns: ['\\bhigh\\b'], category: custom.own, score: 0.9}
rules:
  # why it is so
"""
TESTS = """tests:
  - {input: a high one, expect: {action: block}}
  - {name: low passes, input: a low one, expect: {action: allow}}
"""
STYLES = {
    "plain": "  - id: r  # first\n    on: input\n    when: custom.own >= 0.5 # the number\n    then: block\n",
    "flow": '  - {id: r, on: input, when: "custom.own >= 0.5", then: block}   # all in one\n',
    "folded": "  - id: r\n    on: input\n    when: >-\n      custom.own >=\n      0.5\n    then: block\n",
    "literal": "  - id: r\n    on: input\n    when: |-\n      custom.own >= 0.5\n    then: block\n",
    "clipped": "  - id: r\n    on: input\n    when: >\n      custom.own >= 0.5\n    then: block\n",
    "quoted": "  - when: 'custom.own >= 0.5'\n    id: r\n    on: [input]\n\n    then: block\n",
}


def changed(path: Path, value: float) -> RetunedPolicy:
    """Return the policy with another number in the rule `r`."""
    rule = next(rule for rule in Guard.load(path).policy.rules if rule.id == "r")
    return retune_policy(
        path, "r", rule.condition.text, [(each, value) for each in find_thresholds(rule.condition)]
    )


@each_case("breaks", ["\n", "\r\n"], ids=["unix", "windows"])
@each_case("style", STYLES)
def test_only_the_number_changes(style: str, breaks: str, tmp_path: Path) -> None:
    """Comments, layout, quotes and line ends stay."""
    path = tmp_path / "p.yaml"
    text = (HEAD + STYLES[style] + TESTS).replace("\n", breaks)
    path.write_bytes(text.encode())
    change = changed(path, 0.625)
    assert change.inherited is None
    assert change.failing() == []
    assert path.read_bytes().decode() == text  # so far
    change.write()
    assert path.read_bytes().decode() == text.replace("0.5", "0.625")
    minus, plus = (change.diff.split("\n", 2)[2].count(f"\n{sign}") for sign in "-+")
    assert minus == plus == 1
    assert [each.name for each in tmp_path.iterdir()] == ["p.yaml"]


def test_several_numbers_change_together(tmp_path: Path) -> None:
    """Each in its own place."""
    path = tmp_path / "p.yaml"
    when = "custom.own >= 0.95 || (custom.own >= 0.5 && content.length <= 1500)"
    path.write_text(HEAD + STYLES["plain"].replace("custom.own >= 0.5", when))
    rule = Guard.load(path).policy.rules[0]
    retune_policy(
        path, "r", when, list(zip(find_thresholds(rule.condition), (0.9, 0.25), strict=True))
    ).write()
    assert (
        "when: custom.own >= 0.9 || (custom.own >= 0.25 && content.length <= 1500) # the number"
        in path.read_text()
    )


def test_tests_that_fail_with_it_are_named(tmp_path: Path) -> None:
    """By their place in the real file; those that fail already are not."""
    path = tmp_path / "p.yaml"
    path.write_text(HEAD + STYLES["plain"] + TESTS + "  - {input: a high one, expect: {action: flag}}\n")
    (failing,) = changed(path, 0.3).failing()
    assert failing.name == "low passes"
    assert failing.place.startswith(f"{path}:15:")
    assert [each.name for each in tmp_path.iterdir()] == ["p.yaml"]


def test_a_file_that_was_changed_meanwhile_is_left_alone(tmp_path: Path) -> None:
    """What another wrote is not lost."""
    path = tmp_path / "p.yaml"
    path.write_text(HEAD + STYLES["plain"])
    change = changed(path, 0.3)
    path.write_text(HEAD + STYLES["flow"])
    with pytest.raises(EditError, match="changed by another"):
        change.write()
    assert path.read_text() == HEAD + STYLES["flow"]


CHILD = "format: 1\nname: child\nextends: [./p.yaml]\n"
ADDED = "rules:\n    - id: r\n      when: custom.own >= 0.625\n"


@pytest.mark.parametrize(
    ("own", "text"),
    [
        ("", f"override:\n  {ADDED}"),
        ("# the end", f"# the end\noverride:\n  {ADDED}"),
        (
            "override:\n  detectors:\n    low: {score: 0.3}\n",
            "override:\n  rules:\n    - id: r\n      when: custom.own >= 0.625\n  detectors:\n    low: {score: 0.3}\n",
        ),
        (
            "override:\n  rules:\n    # theirs\n    - {id: s, then: flag}\n",
            'override:\n  rules:\n    # theirs\n    - {id: r, when: "custom.own >= 0.625"}\n    - {id: s, then: flag}\n',
        ),
        (
            "override:\n  rules:\n  - id: s\n    then: flag\n",
            'override:\n  rules:\n  - {id: r, when: "custom.own >= 0.625"}\n  - id: s\n    then: flag\n',
        ),
        (
            "override: {rules: [{id: s, then: flag}]}\n",
            'override: {rules: [{id: r, when: "custom.own >= 0.625"}, {id: s, then: flag}]}\n',
        ),
        (
            "override:\n  rules:\n    - id: r\n      then: flag  # ours\n",
            "override:\n  rules:\n    - when: custom.own >= 0.625\n      id: r\n      then: flag  # ours\n",
        ),
        (
            "override:\n  rules:\n    - {id: r, then: flag}\n",
            "override:\n  rules:\n    - {when: custom.own >= 0.625, id: r, then: flag}\n",
        ),
        # What the child says already is changed where it says so.
        (
            "override:\n  rules:\n    - {id: r, when: custom.own > 0.7}\n",
            "override:\n  rules:\n    - {id: r, when: custom.own > 0.625}\n",
        ),
    ],
)
@each_case("breaks", ["\n", "\r\n"], ids=["unix", "windows"])
def test_what_is_inherited_is_overridden(own: str, text: str, breaks: str, tmp_path: Path) -> None:
    """The parent stays as it is; the child gets the number, in the override that it has or in one of its own."""
    parent, path = tmp_path / "p.yaml", tmp_path / "child.yaml"
    second = "  - {id: s, on: output, when: custom.own > 0, then: block}\n"
    parent.write_text(HEAD + STYLES["plain"] + second)
    path.write_bytes((CHILD + own).replace("\n", breaks).encode())
    change = changed(path, 0.625)
    change.write()
    assert path.read_bytes().decode() == (CHILD + text).replace("\n", breaks)
    assert parent.read_text() == HEAD + STYLES["plain"] + second
    (rule,) = (rule for rule in Guard.load(path).policy.rules if rule.id == "r")
    assert rule.condition.text.endswith("0.625")


@each_case(
    "text",
    [
        "{format: 1, name: x, extends: default}",
        "format: 1\nname: x\n...\n",
        "format: 1\nname: x\noverride: &o {rules: []}\nz: *o\n",
    ],
)
def test_what_cannot_be_added_is_told(text: str) -> None:
    """With what to write by hand."""
    with pytest.raises(
        RetuneError, match=r"write by hand:\noverride:\n  rules:\n    - id: r\n      when: hate > 0.5"
    ):
        override_condition(read_yaml(text, "x.yaml"), "r", "hate > 0.5")


@each_case(
    "when",
    [
        "hate > 0.5",
        "!(hate < 0.5)",
        'tool.name == "x: y" && hate > 0.5',
        "hate > 0.5\n|| toxic > 0.9",
        "hate > 0.5 # 'x'",
    ],
)
def test_any_condition_can_be_overridden(when: str) -> None:
    """Quoted where it has to be."""
    data: Any = override_condition(read_yaml("format: 1\nname: x\n", "x.yaml"), "r", when).data
    assert data["override"] == {"rules": [{"id": "r", "when": when}]}
    mine: Any = read_yaml(render_child("default", "r", when), "").data
    assert mine["override"]["rules"] == [{"id": "r", "when": when}]


def test_shipped_policies_stay_as_they_are(tmp_path: Path) -> None:
    """By name or by path; one that builds on them is one's own."""
    assert is_shipped("default")
    mine = tmp_path / "mine.yaml"
    mine.write_text("format: 1\nname: mine\nextends: [default]\n")
    assert not is_shipped(mine)
    with pytest.raises(RetuneError, match="comes with the package"):
        retune_policy("default", "harm.block", "", [])
    with pytest.raises(RetuneError, match="its rule 'x' is not what it was"):
        retune_policy(mine, "x", "", [])


def test_a_rule_that_was_changed_meanwhile_is_left_alone(tmp_path: Path) -> None:
    """The places of its numbers are those of another text."""
    path = tmp_path / "p.yaml"
    path.write_text(HEAD + STYLES["plain"])
    rule = Guard.load(path).policy.rules[0]
    path.write_text(HEAD + STYLES["plain"].replace(">= 0.5", "> 0.45"))
    with pytest.raises(RetuneError, match="changed by another meanwhile"):
        retune_policy(
            path, "r", rule.condition.text, [(each, 0.3) for each in find_thresholds(rule.condition)]
        )
