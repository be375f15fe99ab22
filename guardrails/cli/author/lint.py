"""`guardrails lint`: finds what is surely not meant in policies; exit status 1 where that is an error.

A policy that does not load is exit status 2, as everywhere; its errors stand on stderr and in every form for programs.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any, Final

from guardrails.authoring.terminal import Style
from guardrails.cli import add_floor, add_plugins
from guardrails.cli.progress import Progress
from guardrails.errors import GuardrailsError

if TYPE_CHECKING:
    from guardrails.authoring.lint.lint_run import LintReport
    from guardrails.policy.lints.issue import Issue

FORMATS: Final = ("text", "json", "sarif", "github")

MOST: Final = 10
"""Issues of one code in a policy that are shown before the rest is only counted."""


def add_arguments(to: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_plugins(to)
    to.add_argument(
        "policies",
        nargs="*",
        metavar="POLICY",
        help="shipped policies by name, YAML files, or folders with such files",
    )
    to.add_argument("--policy", "-p", action="append", default=[], metavar="P", help="the same, by option")
    add_floor(to)
    to.add_argument(
        "--format",
        choices=FORMATS,
        default="text",
        help="for people, programs, SARIF, or GitHub's annotations",
    )
    to.add_argument("--json", action="store_true", help="the same as --format json")
    to.add_argument("--strict", action="store_true", help="warnings count as errors")
    to.add_argument("--no-tests", action="store_true", help="do not run the tests of the policies")
    to.add_argument(
        "--ignore", action="append", default=[], metavar="CODE", help="a code that is not looked for"
    )
    to.add_argument("--all", action="store_true", help=f"show more than {MOST} issues of one code")
    to.add_argument(
        "--fix", action="store_true", help="put right what is safe, in the files; comments and layout stay"
    )
    to.add_argument("--diff", action="store_true", help="with --fix: write nothing, print what would change")
    to.add_argument("--codes", action="store_true", help="list what is looked for, and do nothing else")


def run(args: argparse.Namespace) -> int:
    """Lint each policy and print what is found."""
    form = "json" if args.json else args.format
    if args.codes:
        return _codes(form)
    if args.fix or args.diff:
        return _fix(args)
    policies = _list_policies(args)
    reports = [_lint_one(args, policy) for policy in policies]
    _show(reports, form, every=args.all)
    return _status(reports, strict=args.strict)


def _list_policies(args: argparse.Namespace) -> list[str]:
    """Return the policies that are named, or lie below a folder that is; the shipped default where none is, which is said."""
    from guardrails.authoring.testing.test_selection import describe_default, list_policies

    given = [*args.policies, *args.policy]
    if not given:
        print(describe_default("lint"), file=sys.stderr)
        return ["default"]
    if not (found := list_policies(given)):
        raise GuardrailsError(f"{', '.join(given)}: no policies (YAML files with a line 'format: 1')")
    return found


def _lint_one(args: argparse.Namespace, policy: str) -> LintReport:
    """Lint one policy; on a terminal a bar shows how many of its tests were run."""
    from guardrails.authoring.lint.lint_run import lint_policy

    with Progress(sys.stderr) as progress:
        return lint_policy(
            policy,
            floor=args.floor,
            tests=not args.no_tests,
            ignore=args.ignore,
            progress=lambda done, of: progress.draw(done, of, policy),
        )


def _status(reports: list[LintReport], *, strict: bool) -> int:
    if not all(report.loads for report in reports):
        return 2
    wrong = sum(report.counts["error"] + strict * report.counts["warning"] for report in reports)
    return 1 if wrong else 0


def _show(reports: list[LintReport], form: str, *, every: bool) -> None:
    from guardrails import __version__
    from guardrails.authoring.lint.lint_formats import render_github, render_sarif

    if form == "json":
        print(json.dumps({"policies": [report.to_dict() for report in reports]}, ensure_ascii=False))
    elif form == "sarif":
        print(json.dumps(render_sarif(reports, __version__), indent=1, ensure_ascii=False))
    elif form == "github":
        for line in render_github(reports):
            print(line)
    for report in reports:
        if not report.loads:
            for issue in report.issues:
                print(issue, file=sys.stderr)
        elif form == "text":
            _print(report, Style(sys.stdout), every=every)


def _print(report: LintReport, style: Style, *, every: bool) -> None:
    shown: dict[str, int] = {}
    for issue in report.issues:
        shown[issue.code] = shown.get(issue.code, 0) + 1
        if every or shown[issue.code] <= MOST:
            print(_line(issue, style))
    for code, number in shown.items():
        if number > MOST and not every:
            print(style.dim(f"… and {number - MOST} more of {code} (--all shows them)"))
    counts = report.counts
    told = ", ".join(f"{number} {name}{'s' * (number != 1)}" for name, number in counts.items())
    fixable = sum(issue.fix is not None for issue in report.issues)
    more = f"; --fix puts {fixable} right" if fixable else ""
    summary = f"{report.policy}: {told}{more}" if report.issues else f"{report.policy}: nothing to say"
    print(style.bad(summary) if counts["error"] else style.good(summary))


def _line(issue: Issue, style: Style) -> str:
    mark = issue.mark
    colour = {"error": style.bad, "warning": style.bold, "note": style.dim}[issue.severity]
    cure = style.dim(f" ({issue.cure})") if issue.cure else ""
    place = f"{mark.file}:{mark.line}:{mark.col}"
    return f"{place}: {colour(issue.code)}: {issue.message}{cure} [{issue.severity}]"


def _codes(form: str) -> int:
    from guardrails.authoring.lint.lint_run import CHECKS

    rows: list[dict[str, Any]] = [
        {"code": row.code, "severity": row.severity, "doc": row.doc} for row in CHECKS
    ]
    if form == "json":
        print(json.dumps(rows, ensure_ascii=False))
        return 0
    style = Style(sys.stdout)
    width = max(len(row["code"]) for row in rows)
    for row in rows:
        print(f"{style.bold(row['code'].ljust(width))}  {row['severity'].ljust(7)}  {row['doc']}")
    return 0


def _fix(args: argparse.Namespace) -> int:
    """Change the files of each policy; with `--diff` print what would change."""
    from guardrails.authoring.lint.fixes import fix_policy, plan_fixes
    from guardrails.policy.editing.edits import unified_diff

    reports: list[LintReport] = []
    quiet = args.json or args.format != "text"
    for policy in _list_policies(args):

        def linted(policy: str = policy) -> LintReport:
            return _lint_one(args, policy)

        if args.diff:
            report = linted()
            changes, left = plan_fixes(report)
            for change in changes.values():
                print(unified_diff(change.before, change.after), end="")
        else:
            done = fix_policy(policy, linted)
            report, changes, left = done.report, done.changes, done.unfixed
            for file, change in changes.items():
                if not quiet:
                    print(f"{file}: {change.fixed} put right")
        for reason in left:
            print(reason, file=sys.stderr)
        reports.append(report)
    if not args.diff:
        _show(reports, "json" if args.json else args.format, every=args.all)
    return _status(reports, strict=args.strict)
