"""Issues and scenes: what is found is told at its place, in text and JSON; rules are there as written and as they run."""

from __future__ import annotations

from collections.abc import Callable

from guardrails.policy.lints.issue import Fix, Issue, LintCheck, LintContext, LintFinding
from guardrails.policy.loading.source import Mark
from guardrails.types import Stage


def test_an_issue_is_one_line_and_plain_json() -> None:
    """The form is that of errors; the cure comes last, if there is one."""
    issue = Issue("never_fires", "error", Mark("p.yaml", 3, 5), "rule 'a' never fires", "remove it", "a")
    assert str(issue) == "p.yaml:3:5: never_fires: rule 'a' never fires - remove it"
    assert issue.to_dict() == {
        "file": "p.yaml", "line": 3, "col": 5, "code": "never_fires", "severity": "error",
        "message": "rule 'a' never fires", "cure": "remove it", "subject": "a", "fixable": False,
    }  # fmt: skip


def test_a_check_gives_what_it_finds_its_code(scene_of: Callable[..., LintContext]) -> None:
    """Code and severity come from the table, the rest from what was found; equal issues are one, whatever their fix."""
    scene = scene_of("rules: [{id: a, on: input, when: custom.w > 0, then: flag}]\n")
    mark = Mark("p.yaml", 1, 1)
    row = LintCheck(
        "x", "note", "Doc.", lambda _: [LintFinding(mark, "m", "c", "s", Fix(scene.root, ("rules",), 0))]
    )
    (issue,) = row.issues(scene)
    assert (issue.code, issue.severity, issue.subject) == ("x", "note", "s")
    assert issue == Issue("x", "note", mark, "m", "c", "s")


def test_a_row_tells_of_its_fields(scene_of: Callable[..., LintContext]) -> None:
    """What is found at a field stands there, what is found at one that is left out at the id, and so in a condition."""
    (row,) = scene_of(
        "rules:\n  - id: a\n    on: input\n    when: |\n      custom.w > 0\n    then: flag\n"
    ).rows
    base = row.item.mark(()).line
    assert [row.finding(field, "m").mark.line - base for field in ("on", "severity")] == [1, 0]
    assert (row.inside(7, "m").mark.line - base, row.inside(7, "m").mark.col) == (3, 14)
    assert row.finding("on", "m").subject == "a"


def test_a_scene_knows_what_feeds_a_rule(scene_of: Callable[..., LintContext]) -> None:
    """Detectors, shadow rules apart, and what they may find at the rule's stages."""
    scene = scene_of(
        "rules:\n  - {id: a, on: input, when: custom > 0, then: flag}\n  - {id: b, on: input, when: pii > 0, then: flag, mode: shadow}\n"
    )
    assert [row.doc.id for row in scene.enforced] == ["a"]
    assert [each.detector for each in scene.possible_findings_of(["a"], frozenset({Stage.INPUT}))] == [
        "words",
        "soft",
    ]
    assert {each.category for each in scene.findings_by_variable["pii"]} == {"pii.email"}
    assert scene.trial_results["a"] is not None
    assert scene.kinds["mail"].name == "pii"
    assert scene.head["name"] == "tested"
