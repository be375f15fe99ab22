"""Merging: parents from left to right, changes only by `override` and `disable`, problems in the file of their own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from guardrails.detectors.file_watch import have_changed, record_files
from guardrails.errors import PolicyErrors
from guardrails.policy.compile import compile_policy
from guardrails.policy.compiled import CompiledPolicy
from guardrails.policy.loading import inherit
from guardrails.policy.loading.load import load

BASE = """\
format: 1
name: base
detectors:
  list: {use: terms, file: base.txt, category: custom.list}
rules:
  - {id: one, on: input, when: custom.list > 0, then: block, severity: high, tags: [a, b]}
  - {id: two, on: input, when: custom.list > 0.5, then: flag}
exceptions:
  - {id: e, rules: [one], matches: [x], reason: known}
unchecked: {limit: flag}
limits: {windows: 7}
history: block
records: {content: flagged}
tests:
  - {name: first, input: foo, expect: {action: block}}
"""
CHILD = "format: 1\nname: child\nextends: [base.yaml]\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the base policy and its list."""
    (tmp_path / "base.yaml").write_text(BASE)
    (tmp_path / "base.txt").write_text("foo\n")
    return tmp_path


def compiled(folder: Path, text: str) -> CompiledPolicy:
    """Compile a policy of this text in the folder."""
    (folder / "p.yaml").write_text(text)
    return compile_policy(load(folder / "p.yaml"))


def errors(folder: Path, text: str) -> list[tuple[str, int, int, str]]:
    """Return place and code of each problem."""
    with pytest.raises(PolicyErrors) as caught:
        compiled(folder, text)
    return [
        (os.path.relpath(each.file, folder), each.line, each.col, each.code) for each in caught.value.errors
    ]


def test_all_sections_are_inherited(folder: Path) -> None:
    """Rules, detectors, exceptions, tables and tests of a parent are there, under the child's name."""
    policy = compiled(folder, CHILD)
    assert (policy.ref.name, [rule.id for rule in policy.rules]) == ("child", ["one", "two"])
    assert [bound.name for bound in policy.detectors] == ["list"]
    assert [exception.id for exception in policy.rules[0].exceptions] == ["e"]
    assert (str(policy.unchecked["limit"]), policy.limits.windows, policy.history) == ("flag", 7, "block")
    assert policy.keeps_content == "flagged"
    assert [doc.name for _, doc in policy.tests] == ["first"]


@pytest.mark.parametrize(
    ("child", "keeps"), [("{}", "flagged"), ("{content: true}", True), ("{content: false}", False)]
)
def test_what_records_keep_may_be_said_anew(folder: Path, child: str, keeps: object) -> None:
    """A child may take it back."""
    assert compiled(folder, f"{CHILD}records: {child}\n").keeps_content == keeps


@pytest.mark.parametrize(
    ("parent", "child", "expected"),
    [
        ("", "", False),
        ("parallel: true\n", "", True),
        ("parallel: true\n", "parallel: false\n", False),
        ("", "parallel: true\n", True),
        ("parallel: false\n", "parallel: true\n", True),
    ],
)
def test_parallel_is_what_was_said_last(folder: Path, parent: str, child: str, expected: bool) -> None:
    """By the policy itself, else by its parents."""
    (folder / "base.yaml").write_text(BASE + parent)
    assert compiled(folder, CHILD + child).parallel is expected


def test_what_parallel_forbids_is_told_where_it_stands(folder: Path) -> None:
    """Also where the parent says so and the child has the rule."""
    (folder / "base.yaml").write_text(BASE + "parallel: true\n")
    rule = "rules: [{id: mask, on: output, when: custom.list > 0, then: redact}]\n"
    assert errors(folder, CHILD + rule) == [("base.yaml", 16, 11, "parallel_redacts")]
    assert errors(folder, CHILD + rule + "history: remove\n") == [
        ("base.yaml", 16, 11, "parallel_redacts"),
        ("base.yaml", 16, 11, "parallel_redacts"),
    ]
    assert compiled(folder, CHILD + rule + "parallel: false\n").parallel is False


def test_overrides_change_fields_and_replace_lists(folder: Path) -> None:
    """A field in an override replaces the inherited one, lists whole; other fields stay."""
    (folder / "mine.txt").write_text("bar\n")
    policy = compiled(
        folder,
        CHILD
        + "override:\n  rules:\n    - {id: one, then: flag, tags: [c]}\n  detectors:\n    list: {score: 0.4}\n"
        + "disable: {rules: [two], tests: [first]}\nunchecked: {part: allow}\nlimits: {windows: 9}\n",
    )
    (rule,) = policy.rules
    assert (str(rule.then), rule.tags, str(rule.severity)) == ("flag", ("c",), "high")
    assert policy.tests == ()
    assert (str(policy.unchecked["limit"]), str(policy.unchecked["part"]), policy.limits.windows) == (
        "flag", "allow", 9,
    )  # fmt: skip


def test_an_exception_for_a_disabled_rule_is_no_mistake(folder: Path) -> None:
    """A child cannot change its parent's exceptions, so leaving out the rule that one names is enough."""
    assert [rule.id for rule in compiled(folder, CHILD + "disable: [one]\n").rules] == ["two"]


def test_a_disabled_rule_may_be_defined_anew(folder: Path) -> None:
    """After `disable` the id is free."""
    new = "disable: [one]\nrules:\n  - {id: one, on: output, when: custom.list > 0, then: flag}\n"
    assert [(rule.id, str(rule.then)) for rule in compiled(folder, CHILD + new).rules] == [
        ("two", "flag"),
        ("one", "flag"),
    ]


def test_a_file_in_an_override_lies_beside_the_overriding_policy(tmp_path: Path) -> None:
    """A child may give an inherited detector a list of its own; the parent's folder is not searched."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "base.yaml").write_text(BASE)
    (tmp_path / "sub" / "base.txt").write_text("foo\n")
    (tmp_path / "mine.txt").write_text("bar\n")
    text = "format: 1\nname: c\nextends: sub/base.yaml\noverride: {detectors: {list: {file: mine.txt}}}\n"
    assert compiled(tmp_path, text).detectors[0].name == "list"
    assert errors(tmp_path, text.replace("mine.txt", "base.txt")) == [("p.yaml", 4, 37, "unreadable_file")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rules:\n  - {id: one, on: input, when: custom.list > 0, then: flag}\n", [("p.yaml", 5, 10, "duplicate_rule")]),
        ("detectors:\n  list: {use: pii}\n", [("p.yaml", 5, 3, "duplicate_detector")]),
        ("override:\n  rules:\n    - {id: on, then: flag}\n", [("p.yaml", 6, 12, "unknown_rule")]),
        ("override:\n  rules:\n    - {then: flag}\n    - {id: 5}\n    - {id: [a]}\n    - x\n",
         [("p.yaml", 6, 7, "missing_field"), ("p.yaml", 7, 12, "wrong_type"), ("p.yaml", 8, 12, "wrong_type"),
          ("p.yaml", 9, 7, "wrong_type")]),
        ("override:\n  detectors:\n    lits: {score: 0.5}\n", [("p.yaml", 6, 5, "unknown_detector")]),
        ("override:\n  rules:\n    - {id: one, then: flagg, when: custom.list >}\n",
         [("p.yaml", 6, 23, "invalid_value"), ("p.yaml", 6, 49, "condition_syntax")]),
        ("override:\n  detectors:\n    list: {scor: 0.5, file: nope.txt}\n",
         [("p.yaml", 6, 12, "unknown_field"), ("p.yaml", 6, 29, "unreadable_file")]),
        ("disable: [one, tow]\n", [("p.yaml", 4, 16, "unknown_rule")]),
        ("disable: {detectors: [lits], tests: [fist]}\n",
         [("p.yaml", 4, 23, "unknown_detector"), ("p.yaml", 4, 38, "unknown_test")]),
        ("disable: {rulez: [one]}\n", [("p.yaml", 4, 11, "unknown_field")]),
        ("disable: {detectors: [list]}\n",
         [("base.yaml", 6, 32, "category_without_detector"), ("base.yaml", 7, 32, "category_without_detector")]),
    ],
)  # fmt: skip
def test_mistakes_of_a_child_are_located(
    folder: Path, text: str, expected: list[tuple[str, int, int, str]]
) -> None:
    """Redefinitions, and changes of what was not inherited, are errors in the child; what they break is in its file."""
    assert errors(folder, CHILD + text) == expected


def test_mistakes_of_a_parent_stand_in_its_file(folder: Path) -> None:
    """A child sees the problems of its parents, YAML ones too, where they are."""
    (folder / "base.yaml").write_text(
        BASE.replace("on: input, when: custom.list > 0.5", "on: inptu, when: custom.list >")
    )
    assert errors(folder, CHILD) == [
        ("base.yaml", 7, 19, "invalid_value"),
        ("base.yaml", 7, 45, "condition_syntax"),
    ]
    (folder / "base.yaml").write_text("format: 1\nname: base\nrules: [\n")
    assert errors(folder, CHILD) == [("base.yaml", 3, 8, "yaml_syntax")]
    (folder / "base.yaml").write_text("- a\n")
    assert errors(folder, CHILD) == [("base.yaml", 1, 1, "wrong_type")]


def test_parents_merge_from_left_to_right_and_share_theirs(folder: Path) -> None:
    """Two parents with one of their own are no conflict; a later one wins in tables, and rules keep their order."""
    (folder / "left.yaml").write_text("format: 1\nname: left\nextends: base.yaml\nlimits: {windows: 8}\n")
    right = "format: 1\nname: right\nextends: base.yaml\nlimits: {windows: 9}\nrules:\n  - {id: three, on: input, when: custom.list > 0, then: flag}\n"
    (folder / "right.yaml").write_text(right)
    policy = compiled(folder, "format: 1\nname: c\nextends: [left.yaml, right.yaml]\n")
    assert ([rule.id for rule in policy.rules], policy.limits.windows) == (["one", "two", "three"], 9)


def test_parents_that_define_the_same_rule_conflict(folder: Path) -> None:
    """Two unrelated parents with one rule id are an error that names both places."""
    (folder / "other.yaml").write_text(
        BASE.replace("name: base", "name: other").replace("list:", "list2:").replace("id: e,", "id: f,")
    )
    (folder / "p.yaml").write_text("format: 1\nname: c\nextends: [base.yaml, other.yaml]\n")
    with pytest.raises(PolicyErrors) as caught:
        compile_policy(load(folder / "p.yaml"))
    assert [(each.line, each.code) for each in caught.value.errors] == [
        (6, "duplicate_rule"),
        (7, "duplicate_rule"),
    ]
    assert "is already defined in" in caught.value.errors[0].message
    assert "base.yaml:6" in caught.value.errors[0].message


def test_circles_long_chains_and_odd_names_end_in_errors(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A circle, too many parents, links to nowhere and names that no file has are located errors."""
    (folder / "a.yaml").write_text("format: 1\nname: a\nextends: b.yaml\n")
    (folder / "b.yaml").write_text("format: 1\nname: b\nextends: a.yaml\n")
    assert errors(folder, "format: 1\nname: c\nextends: a.yaml\n") == [("b.yaml", 3, 10, "circular_extends")]
    (folder / "loop.yaml").symlink_to(folder / "loop.yaml")
    names = 'extends: [loop.yaml, "a\\0", ' + "x" * 5000 + ", ../base.yaml, /etc/passwd, '']\n"
    found = errors(folder, "format: 1\nname: c\n" + names)
    assert [code for _, _, _, code in found] == ["unknown_policy"] * 6
    monkeypatch.setattr(inherit, "MAX_PARENTS", 1)
    assert errors(folder, "format: 1\nname: c\nextends: [base.yaml, a.yaml]\n") == [
        ("p.yaml", 3, 22, "too_many_policies")
    ]


def test_a_parent_behind_a_link_that_leads_elsewhere_is_a_change(folder: Path) -> None:
    """Also of one that led out of the folder, which is an error until then."""
    own, text = folder / "own", "format: 1\nname: c\nextends: a.yaml\n"
    own.mkdir()
    (own / "a.yaml").symlink_to(folder / "base.yaml")
    with record_files() as files:
        assert [code for *_, code in errors(own, text)] == ["unknown_policy"]
    assert not have_changed(files)

    (own / "a.yaml").unlink()
    (own / "a.yaml").write_text("format: 1\nname: a\n")

    assert have_changed(files)


def test_a_misspelt_shipped_parent_is_one_error(folder: Path) -> None:
    """What was most likely meant is merged all the same, so that rules on top of it are not reported as well."""
    text = "format: 1\nname: c\nextends: [defualt]\noverride:\n  rules:\n    - {id: secrets.redact, then: block}\n"
    assert errors(folder, text) == [("p.yaml", 3, 11, "unknown_policy")]


def test_rules_without_an_id_are_each_reported(folder: Path) -> None:
    """Missing ids, in parent and child, are no duplicates of each other."""
    (folder / "base.yaml").write_text(BASE.replace("id: one, ", "").replace("rules: [one], ", ""))
    text = (
        CHILD
        + "rules:\n  - {on: input, when: custom.list > 0, then: flag}\n  - {on: input, when: custom.list > 0, then: flag}\n"
    )
    assert errors(folder, text) == [
        ("base.yaml", 6, 5, "missing_field"), ("p.yaml", 5, 5, "missing_field"), ("p.yaml", 6, 5, "missing_field"),
    ]  # fmt: skip
