"""Fixes what lint can put right in a policy's files, with comments and layout as they were.

Only what changes no verdict is done: entries that are there twice, overrides without effect, exceptions that have expired, known
gaps that are none. After each round the policy is linted again; should its rules be others than before, or should it no longer
load, the files are put back as they were.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from guardrails.authoring.lint.lint_run import LintReport
from guardrails.errors import GuardrailsError, PolicyErrors
from guardrails.policy.compile import compile_policy
from guardrails.policy.editing.edits import EditError, TextEdit, apply_edits, remove_entries, replace_file
from guardrails.policy.lints.issue import Fix
from guardrails.policy.loading.load import load
from guardrails.policy.loading.source import Path, Source

ROUNDS: Final = 20
"""Changes after one another: what one takes away may leave another to be made."""


@dataclass(slots=True)
class FileChange:
    """A file before and after, and how many issues that settles."""

    before: Source
    after: Source
    fixed: int


@dataclass(slots=True)
class FixResult:
    """What was done: the report that is left, each file as it was and is, and what could not be changed, with the reason."""

    report: LintReport
    changes: dict[str, FileChange] = field(default_factory=dict)
    unfixed: list[str] = field(default_factory=list)


def plan_fixes(report: LintReport) -> tuple[dict[str, FileChange], list[str]]:
    """Return the files as one round of fixes would make them, and what cannot be changed."""
    changes: dict[str, FileChange] = {}
    left: list[str] = []
    for source in report.files:
        fixes = [issue.fix for issue in report.issues if issue.fix is not None and issue.fix.source is source]
        edits: list[TextEdit] = []
        done = 0
        for path, keys in _group_fixes(fixes):
            try:
                cuts = remove_entries(source, path, keys)
            except EditError as error:
                left.append(str(error))
                continue
            if not any(one.start < two.end and two.start < one.end for one in cuts for two in edits):
                edits += cuts
                done += len(keys)
        if edits:
            changes[source.file] = FileChange(source, apply_edits(source, edits), done)
    return changes, left


def _group_fixes(fixes: list[Fix]) -> Iterator[tuple[Path, list[str | int]]]:
    """Yield what is to be taken out of each list or mapping, outer ones first."""
    found: dict[Path, dict[str | int, None]] = {}
    for fix in fixes:
        found.setdefault(fix.path, {})[fix.key] = None
    for path in sorted(found, key=len):
        yield path, [*found[path]]


def fix_policy(policy: str, linted: Callable[[], LintReport]) -> FixResult:
    """Change the files of a policy until nothing is left that can be put right.

    Args:
        policy: as `load` takes it.
        linted: lints it anew.

    Raises:
        GuardrailsError: a file cannot be written, or the change would have made another policy of it; nothing is changed then.
    """
    done = FixResult(linted())
    if not done.report.loads:
        return done
    before = _rules(policy)
    for _ in range(ROUNDS):
        changes, done.unfixed = plan_fixes(done.report)
        if not changes:
            break
        for file, change in changes.items():
            replace_file(change.before, change.after, file)
        try:
            same = _rules(policy) == before
        except PolicyErrors as error:
            same, why = False, f": {error}"
        else:
            why = ""
        if not same:
            for file, change in changes.items():
                replace_file(change.after, change.before, file)
            raise GuardrailsError(
                f"{policy}: the change would have made another policy of it{why}; it was undone"
            )
        for file, change in changes.items():
            first = done.changes.get(file)
            done.changes[file] = FileChange(
                first.before if first else change.before,
                change.after,
                change.fixed + (first.fixed if first else 0),
            )
        done.report = linted()
    return done


def _rules(policy: str) -> list[tuple[object, ...]]:
    """Return what the rules of a policy do, exceptions and lists aside."""
    compiled = compile_policy(load(policy, tests=()))
    return [
        (r.id, r.on, r.condition.text, r.then, r.on_error, r.mode, r.scope, r.redact, r.severity, r.stream)
        for r in compiled.rules
    ]
