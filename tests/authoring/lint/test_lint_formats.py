"""Reports for others: SARIF that its schema's readers take, and annotations that GitHub does not misread."""

from __future__ import annotations

import json
from typing import Any

from guardrails.authoring.lint.lint_formats import render_github, render_sarif
from guardrails.authoring.lint.lint_run import CODES, LintReport
from guardrails.policy.lints.issue import Issue, Severity
from guardrails.policy.loading.source import Mark
from tests.cases import each_case


def issue(
    code: str, severity: Severity, line: int = 3, message: str = "is so", file: str = "a b/p.yaml"
) -> Issue:
    """Return an issue of a file with a space in its path."""
    return Issue(code, severity, Mark(file, line, 5), message, "do that", "rule")


def report(*issues: Issue, loads: bool = True) -> LintReport:
    """Return the report of a policy."""
    return LintReport("p.yaml", loads, issues)


def test_a_log_has_its_rules_and_results() -> None:
    """Each result names its rule by id and place, its level, and where it stands, in code points from 1."""
    log = render_sarif([report(issue("never_fires", "error"), issue("no_owner", "note", line=9))], "1.2.3")
    run: Any = log["runs"][0]
    driver = run["tool"]["driver"]
    assert (log["version"], driver["name"], driver["version"]) == ("2.1.0", "guardrails lint", "1.2.3")
    assert {rule["id"] for rule in driver["rules"]} == CODES
    assert [driver["rules"][each["ruleIndex"]]["id"] for each in run["results"]] == [
        "never_fires",
        "no_owner",
    ]
    assert [each["level"] for each in run["results"]] == ["error", "note"]
    (place,) = run["results"][0]["locations"]
    assert place["physicalLocation"] == {
        "artifactLocation": {"uri": "a%20b/p.yaml"},
        "region": {"startLine": 3, "startColumn": 5},
    }
    assert run["results"][0]["message"]["text"] == "is so. Do that."
    assert json.loads(json.dumps(log)) == log


def test_errors_of_loading_are_results_with_rules_of_their_own() -> None:
    """A code that no check has is described, and a place that is not known is left out."""
    log = render_sarif([report(issue("yaml_syntax", "error", line=0), loads=False)], "1")
    run: Any = log["runs"][0]
    (result,) = run["results"]
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == "yaml_syntax"
    assert "region" not in result["locations"][0]["physicalLocation"]


def test_a_fingerprint_stays_when_lines_move() -> None:
    """It is that of the code, the file, the rule and the message; another message has another."""
    prints = [
        render_sarif([report(issue("no_owner", "note", line, message))], "1")["runs"][0]["results"][0][
            "partialFingerprints"
        ]
        for line, message in ((3, "a"), (9, "a"), (3, "b"))
    ]
    assert prints[0] == prints[1] != prints[2]


def test_what_two_policies_share_is_told_once() -> None:
    """A parent of both is one file."""
    both = [report(issue("no_owner", "note")), report(issue("no_owner", "note"))]
    assert len(render_sarif(both, "1")["runs"][0]["results"]) == 1
    assert len([*render_github(both)]) == 1


def test_paths_that_are_absolute_are_uris() -> None:
    """Readers resolve both forms."""
    log = render_sarif([report(issue("no_owner", "note", file="/x/p q.yaml"))], "1")
    place = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "file:///x/p%20q.yaml"


@each_case(("severity", "word"), [("error", "error"), ("warning", "warning"), ("note", "notice")])
def test_an_annotation_is_one_line(severity: Severity, word: str) -> None:
    """Level, place and title come first, then the message with its cure."""
    (line,) = render_github([report(issue("x", severity))])
    assert line == f"::{word} file=a b/p.yaml,line=3,col=5,title=x::is so - do that"


def test_an_annotation_cannot_be_broken_out_of() -> None:
    """Line breaks, percent signs and separators are escaped, so that a policy's text starts no command of its own."""
    evil = issue("x", "note", message="50%\n::set-output name=a::b\r", file="a,b:c.yaml")
    (line,) = render_github([report(evil)])
    assert (
        line
        == "::notice file=a%2Cb%3Ac.yaml,line=3,col=5,title=x::50%25%0A::set-output name=a::b%0D - do that"
    )
    assert "line=" not in next(render_github([report(issue("x", "note", line=0))]))


def test_the_gravest_annotations_come_first() -> None:
    """GitHub shows but ten of a kind."""
    lines = render_github([report(issue("a", "note"), issue("b", "error"), issue("c", "warning"))])
    assert [line.split(" ")[0] for line in lines] == ["::error", "::warning", "::notice"]
