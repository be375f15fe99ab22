"""Lint: a policy that loads goes in, what is valid in it but surely not meant comes out, each at its line with a cure.

`CHECKS` is the table of all that can be told from the policy alone; what needs its streams or its tests run is told by
`authoring/lint/lint_run.py`, in the same form. A check is a function of a `LintContext` in `policy/lints/`: its name is the code,
the first line of its docstring is what `guardrails lint --codes` prints.

Findings in the shipped policies that a policy extends are not told: they are not its author's. Comments silence what is meant
(`lints/silence.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path as FilePath
from typing import Any

from guardrails.policy.lints import (
    document,
    exceptions,
    overlaps,
    patterns,
    requests,
    rules,
    silence,
    texts,
    words,
    writing,
)
from guardrails.policy.lints.floors import floor_settings, floors
from guardrails.policy.lints.issue import SEVERITIES, Issue, LintFinding, Severity
from guardrails.policy.lints.reachability import pictures, scores  # fmt: skip
from guardrails.policy.lints.scene.scene import LintContext
from guardrails.policy.loading.source import Source
from guardrails.policy.shipped import shipped_folder
from guardrails.spelling import suggest_name

Run = Callable[[Any], Iterable[LintFinding]]


@dataclass(frozen=True, slots=True)
class Check:
    """A row of the table: the code and severity of what `run` finds in a scene, and what that is in a sentence."""

    code: str
    severity: Severity
    doc: str
    run: Run

    def issues(self, scene: LintContext) -> Iterable[Issue]:
        """Run the check."""
        for each in self.run(scene):
            yield Issue(self.code, self.severity, each.mark, each.message, each.cure, each.subject, each.fix)


def check(severity: Severity, run: Run) -> Check:
    """Make a row of the table of a function."""
    first = " ".join((run.__doc__ or "").strip().split("\n\n")[0].split())
    return Check(run.__name__, severity, first, run)


def unused_ignore(scene: LintContext) -> Iterable[LintFinding]:
    """A comment silences a code that there is not, or that is not found there any more."""
    return ()  # told by `find_issues`, which knows what was silenced


CHECKS: tuple[Check, ...] = (
    check("error", rules.never_fires),
    check("error", rules.always_fires),
    check("warning", rules.fires_on_nothing),
    check("warning", rules.never_at_stage),
    check("warning", rules.worse_passes),
    check("warning", rules.constant_condition),
    check("warning", rules.dead_operand),
    check("warning", pictures.unseen_in_pictures),
    check("note", rules.mixed_operators),
    check("note", rules.needs_tools),
    check("warning", overlaps.duplicate_rule),
    check("warning", overlaps.shadowed_rule),
    check("warning", overlaps.redact_under_block),
    check("note", overlaps.similar_ids),
    check("warning", scores.threshold_unreachable),
    check("warning", scores.exact_score),
    check("warning", scores.any_score),
    check("warning", scores.counts_passages),
    check("error", requests.impossible_value),
    check("warning", requests.client_claim),
    check("warning", requests.absent_value),
    check("warning", exceptions.expired),
    check("note", exceptions.expires_soon),
    check("note", exceptions.no_expiry),
    check("note", exceptions.no_owner),
    check("note", exceptions.weak_reason),
    check("note", exceptions.untested_exception),
    check("error", exceptions.exception_test_elsewhere),
    check("error", exceptions.unused_exception),
    check("error", exceptions.switches_off),
    check("warning", exceptions.matches_nothing),
    check("warning", exceptions.near_passage),
    check("note", exceptions.all_rules),
    check("warning", patterns.backtracking),
    check("note", patterns.slow_pattern),
    check("note", patterns.nested_repetition),
    check("warning", patterns.matches_anything),
    check("warning", patterns.short_pattern),
    check("warning", patterns.duplicate_pattern),
    check("warning", patterns.delimited_pattern),
    check("note", patterns.unescaped_dot),
    check("note", patterns.case_matters),
    check("warning", words.duplicate_term),
    check("warning", words.short_term),
    check("note", words.contained_term),
    check("warning", words.pattern_in_terms),
    check("warning", texts.lenient_error),
    check("warning", texts.annotated),
    check("note", texts.unused_stream),
    check("note", texts.misleading_id),
    check("note", texts.no_message),
    check("note", texts.unused_message),
    check("warning", texts.empty_message),
    check("warning", texts.message_language),
    check("note", texts.missing_language),
    check("note", texts.uneven_languages),
    check("warning", texts.unknown_placeholder),
    check("note", texts.unused_helpline),
    check("warning", texts.stale_helpline),
    check("warning", texts.unknown_tag),
    check("note", texts.plain_tag),
    check("note", texts.duplicate_entry),
    check("warning", document.no_rules),
    check("note", document.no_version),
    check("warning", document.adds_nothing),
    check("note", document.override_without_effect),
    check("note", document.disabled_and_defined),
    check("warning", document.unused_detector),
    check("warning", document.duplicate_detector),
    check("warning", document.unchecked_allow),
    check("warning", document.short_deadline),
    check("error", document.films_misfit),
    check("warning", document.unused_tools),
    check("error", writing.cut_condition),
    check("warning", writing.curly_quotes),
    check("error", floors.weaker_than_floor),
    check("warning", floor_settings.unkept_by_floor),
    check("note", unused_ignore),
)
"""Everything that is told of a policy alone, in the order in which people read about it."""


def find_issues(
    scene: LintContext, checks: Sequence[Check] = CHECKS, codes: frozenset[str] | None = None
) -> list[Issue]:
    """Run checks and return what they find in the policy's own files, in the order of the files.

    Args:
        scene: the policy and the day.
        checks: which to run.
        codes: those that comments may name; by default those of `checks`.
    """
    silenced = [each for source in list_own_files(scene) for each in silence.find_suppressions(source)]
    used: set[silence.Suppression] = set()
    found: list[Issue] = []
    for row in checks:
        for issue in row.issues(scene):
            by = [each for each in silenced if each.covers(issue.code, issue.mark)]
            used.update(by)
            if not by and is_own(scene, issue.mark.file):
                found.append(issue)
    ran = frozenset(row.code for row in checks)
    known = ran if codes is None else codes
    for row in checks:
        if row.run is unused_ignore:
            for mark, message, code in silence.find_unused_suppressions(silenced, used, known, ran):
                cure = suggest_name(code, sorted(known), few=0) if code not in known else "remove it"
                found.append(Issue(row.code, row.severity, mark, message, cure))
    return sort_issues(found)


def sort_issues(found: Iterable[Issue]) -> list[Issue]:
    """Return issues by file, line and column, each once; of two at one place the graver first."""
    places = {issue: (issue.mark.file, issue.mark.line, issue.mark.col) for issue in found}
    return sorted(places, key=lambda issue: (*places[issue], SEVERITIES.index(issue.severity), issue.code))


def list_own_files(scene: LintContext) -> list[Source]:
    """Return the files that are the author's, those of tests too: the policy's own, and parents that are not shipped."""
    tests = (item.source for item, _ in scene.policy.tests)
    return [each for each in dict.fromkeys((*scene.policy.sources, *tests)) if is_own(scene, each.file)]


def is_own(scene: LintContext, file: str) -> bool:
    """Tell whether a file is the author's. Of a shipped policy that is looked at itself, its own files are."""
    return _is_beside(file, scene.root.file) or not is_shipped(file)


@lru_cache(maxsize=256)
def _is_beside(file: str, root: str) -> bool:
    path, beside = (FilePath(each).resolve() for each in (file, root))
    return path.parent == beside.parent and path.name.split(".")[0] == beside.name.split(".")[0]


@lru_cache(maxsize=256)
def is_shipped(file: str) -> bool:
    """Tell whether a file comes with the package."""
    return FilePath(file).resolve().is_relative_to(shipped_folder().resolve())
