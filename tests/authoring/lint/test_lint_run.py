"""Lint: each check finds what it is for, at its line, and leaves alone what comes near; shipped policies are clean."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from guardrails.authoring.lint.lint_run import CHECKS, CODES, LintReport, lint_policy
from guardrails.errors import GuardrailsError
from guardrails.policy.shipped import shipped_names
from tests.cases import each_case

CASES: list[dict[str, str]] = yaml.safe_load(
    (Path(__file__).with_name("lint_cases.yaml")).read_text(encoding="utf-8")
)
TODAY = date(2026, 11, 26)
DETECTORS = """\
detectors:
  words: {use: terms, terms: [zqxbomb, zqxgun], category: custom.w}
  soft: {use: terms, terms: [zqxsoft], category: custom.soft, score: 0.8}
"""

PARENT = f"""\
format: 1
name: parent
version: "1"
{DETECTORS}rules:
  - {{id: mask, on: output, when: custom.w > 0, then: redact, severity: high}}
  - {{id: soft, on: input, when: custom.soft > 0, then: flag}}
  - {{id: w.flag, on: input, when: custom.w > 0, then: flag}}
records: {{content: true}}
"""

Linted = Callable[..., LintReport]


def lint_in(folder: Path, text: str, **options: Any) -> LintReport:
    """Return the report of a policy, which is written into a folder. What it has no head or detectors of it gets."""
    head = "format: 1\n" + ("" if re.search("^name:", text, re.MULTILINE) else 'name: tested\nversion: "1"\n')
    (folder / "parent.yaml").write_text(PARENT)
    path = folder / "policy.yaml"
    own = "" if "detectors:" in text or "extends:" in text else DETECTORS
    path.write_text(f"{head}{own}{text}", encoding="utf-8")
    return lint_policy(path, day=TODAY, **options)


@pytest.fixture
def linted(tmp_path: Path) -> Linted:
    """Return a function: the text of a policy in, its report out, as of `lint_in`."""
    return partial(lint_in, tmp_path)


def lines(report: LintReport, code: str) -> list[int]:
    """Return the lines at which a code is told, each once."""
    assert report.loads, report.issues
    return sorted({issue.mark.line for issue in report.issues if issue.code == code})


@each_case("case", CASES, ids=[case["code"] for case in CASES])
def test_what_is_meant_is_found_at_its_line(case: dict[str, str], tmp_path: Path) -> None:
    """Each line that is marked in the bad policy is told with a cure, no other is, and nothing of it in the good one."""
    floor = tmp_path / case["floor"] if "floor" in case else None
    report, code = lint_in(tmp_path, case["hit"], floor=floor), case["code"]
    text = (tmp_path / "policy.yaml").read_text(encoding="utf-8")
    marked = [at for at, line in enumerate(text.splitlines(), 1) if line.endswith("# !")]
    assert marked
    assert lines(report, code) == marked
    assert all(issue.cure and issue.message[-1] not in ".!" for issue in report.issues if issue.code == code)
    assert lines(lint_in(tmp_path, case["miss"], floor=floor), code) == []


def test_every_check_has_a_case_and_a_sentence() -> None:
    """No check is without its hit and near miss; codes are told apart, and each says what it is for."""
    assert sorted(case["code"] for case in CASES) == sorted(CODES)
    assert len(CODES) == len(CHECKS)
    assert [row.code for row in CHECKS if not row.doc.endswith(".")] == []


@each_case("name", shipped_names())
def test_shipped_policies_have_nothing_worse_than_notes(name: str) -> None:
    """What comes with the package is no bad example."""
    report = lint_policy(name, day=TODAY)
    assert [str(issue) for issue in report.issues if issue.severity != "note"] == []
    assert report.files == ()


def test_what_a_shipped_parent_has_is_not_told(linted: Linted) -> None:
    """An author hears of the own files alone."""
    report = linted("extends: [pii-only]\nrules:\n  - {id: own, on: input, when: pii >= 0, then: flag}\n")
    assert {Path(issue.mark.file).name for issue in report.issues} == {"policy.yaml"}


def test_errors_of_loading_are_the_report(linted: Linted) -> None:
    """A policy that does not load is told with all its errors, each as grave as can be."""
    report = linted("rules:\n  - {id: a, on: input, when: hatee > 2, then: blok}\n  - {id: b}\n")
    assert not report.loads
    assert {issue.severity for issue in report.issues} == {"error"}
    assert {"unknown_category", "invalid_value", "missing_field"} <= {issue.code for issue in report.issues}
    assert report.counts["error"] == len(report.issues)


def test_a_file_that_is_not_there_is_a_report(tmp_path: Path) -> None:
    """A name that means no policy is an error of loading like any other."""
    report = lint_policy(tmp_path / "none.yaml")
    assert [issue.code for issue in report.issues] == ["unknown_policy"]


def test_tests_are_run_only_when_wanted(linted: Linted) -> None:
    """Without them nothing is said that needs their results, and comments that silence such are not called unused."""
    text = "rules: [{id: a, on: input, when: custom.w > 0, then: flag}]  # lint: ignore rule_without_hit\ntests: [{input: hello, expect: {action: block}}]\n"
    assert "failing_test" in {issue.code for issue in linted(text).issues}
    assert {issue.code for issue in linted(text, tests=False).issues} == {"unused_detector"}


def test_codes_can_be_left_out(linted: Linted) -> None:
    """A code that is ignored is not looked for; one that there is not is an error."""
    text = "rules: [{id: a, on: input, when: custom.w >= 0, then: flag}]\n"
    assert "always_fires" not in {issue.code for issue in linted(text, ignore=["always_fires"]).issues}
    with pytest.raises(GuardrailsError, match="no check is called 'nonsense'"):
        linted(text, ignore=["nonsense"])


def test_tests_in_a_file_beside_the_policy_count(linted: Linted, tmp_path: Path) -> None:
    """They are run as those in the policy are, and what is wrong with them is told where they stand."""
    (tmp_path / "policy.test.yaml").write_text(
        "tests:\n  - {input: zqxbomb, expect: {action: flag}}\n  - {input: hello, expect: {action: block}}  # lint: ignore failing_test\n"
        "  - {input: hello you, expect: {action: block}}\n"
    )
    report = linted("rules: [{id: a, on: input, when: custom.w > 0, then: flag}]\n")
    assert [(Path(issue.mark.file).name, issue.mark.line, issue.code) for issue in report.issues] == [
        ("policy.test.yaml", 4, "failing_test"),
        ("policy.yaml", 6, "unused_detector"),
    ]


def test_a_report_as_json_names_everything(linted: Linted) -> None:
    """Place, code, severity, message, cure and subject are there by name."""
    told: Any = linted(
        "rules: [{id: a, on: input, when: custom.w >= 0, then: flag}]\n", tests=False
    ).to_dict()
    assert told["loads"] is True
    assert told["counts"]["error"] == 1
    issue = next(each for each in told["issues"] if each["code"] == "always_fires")
    assert (issue["line"], issue["severity"], issue["subject"], issue["fixable"]) == (7, "error", "a", False)
