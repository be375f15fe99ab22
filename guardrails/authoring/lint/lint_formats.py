"""Reports of lint in the forms that others read: SARIF 2.1.0, and the annotations of GitHub's workflows.

SARIF: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0", as far as code scanning services read it.
Annotations: `::error file=…,line=…,col=…,title=…::message`, escaped as GitHub's toolkit does (actions/toolkit,
packages/core/src/command.ts).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from guardrails.authoring.lint.lint_run import CHECKS, LintReport
from guardrails.policy.lints.issue import Issue, Severity

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
ANNOTATION: Final[dict[Severity, str]] = {"error": "error", "warning": "warning", "note": "notice"}
SEVERE: Final[dict[Severity, int]] = {"error": 0, "warning": 1, "note": 2}


def render_sarif(reports: Iterable[LintReport], version: str) -> dict[str, Any]:
    """Return the SARIF log of some reports; errors of loading are among its results."""
    issues = _deduplicate(reports)
    rules = {
        row.code: {
            "id": row.code,
            "shortDescription": {"text": row.doc},
            "defaultConfiguration": {"level": row.severity},
        }
        for row in CHECKS
    }
    for issue in issues:
        rules.setdefault(
            issue.code,
            {
                "id": issue.code,
                "shortDescription": {"text": f"The policy does not load: {issue.code.replace('_', ' ')}."},
                "defaultConfiguration": {"level": "error"},
            },
        )
    places = {code: index for index, code in enumerate(rules)}
    driver = {"name": "guardrails lint", "version": version, "rules": [*rules.values()]}
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "columnKind": "unicodeCodePoints",
                "results": [_result(issue, places[issue.code]) for issue in issues],
            }
        ],
    }


def _deduplicate(reports: Iterable[LintReport]) -> list[Issue]:
    """Return every issue once: two policies may build on one file."""
    return [*dict.fromkeys(issue for report in reports for issue in report.issues)]


def _result(issue: Issue, index: int) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": _uri(issue.mark.file)}}
    if issue.mark.line > 0:
        place["region"] = {"startLine": issue.mark.line, "startColumn": max(1, issue.mark.col)}
    text = (
        f"{issue.message}. {issue.cure[:1].upper()}{issue.cure[1:]}." if issue.cure else f"{issue.message}."
    )
    same = "\0".join((issue.code, issue.mark.file, issue.subject, issue.message))
    return {
        "ruleId": issue.code,
        "ruleIndex": index,
        "level": issue.severity,
        "message": {"text": text},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"guardrails/v1": hashlib.sha256(same.encode()).hexdigest()},
    }


def _uri(file: str) -> str:
    path = Path(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())


def render_github(reports: Sequence[LintReport]) -> Iterator[str]:
    """Yield a line for each issue that GitHub shows beside the line of the file; the gravest first, as it shows ten of a kind."""
    for issue in sorted(_deduplicate(reports), key=lambda issue: SEVERE[issue.severity]):
        mark = issue.mark
        fields = [f"file={_property(mark.file)}"]
        if mark.line > 0:
            fields += [f"line={mark.line}", f"col={max(1, mark.col)}"]
        fields.append(f"title={_property(issue.code)}")
        text = f"{issue.message} - {issue.cure}" if issue.cure else issue.message
        yield f"::{ANNOTATION[issue.severity]} {','.join(fields)}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
