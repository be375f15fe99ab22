"""Issues: what is found is told at its place, in text and JSON."""

from __future__ import annotations

from guardrails.policy.lints.issue import Issue
from guardrails.policy.loading.source import Mark


def test_an_issue_is_one_line_and_plain_json() -> None:
    """The form is that of errors; the cure comes last, if there is one."""
    issue = Issue("never_fires", "error", Mark("p.yaml", 3, 5), "rule 'a' never fires", "remove it", "a")
    assert str(issue) == "p.yaml:3:5: never_fires: rule 'a' never fires - remove it"
    assert issue.to_dict() == {
        "file": "p.yaml", "line": 3, "col": 5, "code": "never_fires", "severity": "error",
        "message": "rule 'a' never fires", "cure": "remove it", "subject": "a", "fixable": False,
    }  # fmt: skip
