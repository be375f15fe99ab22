"""Tests of a policy: rules that none of them shows, and tests that show something else than they seem to."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from guardrails import taxonomy
from guardrails.authoring.lint.scene import LintWorkbench, SuiteRun, display_test
from guardrails.policy.lints.issue import Fix, LintFinding
from guardrails.policy.lints.lint import is_own
from guardrails.policy.lints.rules import needs_tools, never_fires
from guardrails.policy.lints.scene.scene import RuleRow
from guardrails.policy.loading.items import PolicyItem
from guardrails.policy.testing.test_fields import TestDoc, names_of_test
from guardrails.spelling import suggest_name
from guardrails.types import Action

WORD = re.compile(r"[a-z]{4,}")

COMMON = frozenset(
    (
        "block",
        "flag",
        "redact",
        "mask",
        "rule",
        "test",
        "deny",
        "allow",
        "stop",
        "input",
        "output",
        "text",
        "that",
    )
)
"""Words of ids and names that do not say what a rule is about."""


def _own(bench: LintWorkbench) -> list[tuple[PolicyItem, TestDoc]]:
    """Return the tests that are the author's."""
    return [(item, test) for item, test in bench.compiled.tests if is_own(bench, item.source.file)]


def no_tests(bench: LintWorkbench) -> Iterator[LintFinding]:
    """The policy has rules of its own and no test."""
    rules = [row for row in bench.rows if is_own(bench, row.item.mark(("id",)).file)]
    if rules and not _own(bench):
        cure = "add a text that fires and one that just does not, under 'tests:' or in a file X.test.yaml"
        yield LintFinding(bench.root.mark(("name",)), f"policy {bench.policy.name!r} has no tests", cure)


def _testable(bench: LintWorkbench, row: RuleRow) -> bool:
    """Tell whether a text could make a rule fire: no policy brings the pictures for a rule about them."""
    shape = bench.shapes[row.rule.id]
    given = bench.given_to([row.rule.id], row.rule.on)
    return not shape.findings or any("text" in bench.bounds[each.detector].contents for each in given)


def rule_without_hit(bench: LintWorkbench) -> Iterator[LintFinding]:
    """No test makes the rule fire, so that nothing shows that it works."""
    if not bench.tests:
        return
    hit = {rule.id for ran in bench.undisguised for rule in ran.fired}
    idle = {found.subject for found in (*needs_tools(bench), *never_fires(bench))}
    for row in bench.rows:
        if row.doc.id not in hit and row.doc.id not in idle and _testable(bench, row):
            stage = min(row.rule.on).value
            cure = f"add a test: {{{stage}: …, expect: {{action: {row.doc.then}, rules: [{row.doc.id}]}}}}"
            yield row.found("id", f"no test makes rule {row.doc.id!r} fire", cure)


def rule_without_near_miss(bench: LintWorkbench) -> Iterator[LintFinding]:
    """No test at the stages of the rule leaves it silent, so that nothing shows what it does not mean."""
    if not bench.tests or not bench.compiled.tests:
        return
    for row in bench.rows:
        silent = (ran for ran in bench.undisguised if ran.verdict is not None and ran.stages & row.rule.on)
        if all(row.doc.id in {rule.id for rule in ran.fired} for ran in silent):
            stage = min(row.rule.on).value
            cure = f"add a harmless text that is near: {{{stage}: …, expect: {{action: allow}}}}"
            yield row.found("id", f"no test shows what rule {row.doc.id!r} lets pass", cure)


def failing_test(bench: LintWorkbench) -> Iterator[LintFinding]:
    """A test fails that is no known gap."""
    for ran in bench.ran:
        if ran.differs and (ran.test.todo is False or ran.verdict is None):
            mark, cure, message = ran.item.mark(()), "guardrails test says more", f"test {ran.name!r} fails"
            if not is_own(bench, mark.file):
                message = f"test {ran.name!r} of {mark.file}:{mark.line}, which is inherited, fails"
                mark = bench.root.key_mark(("extends",))
                for called in names_of_test(ran.item.data)[:1]:
                    shown = json.dumps(called, ensure_ascii=False)
                    cure = f"if that is meant, write disable: {{tests: [{shown}]}}, and a test of your own"
            yield LintFinding(mark, f"{message}: {ran.differs[0]}", cure, ran.name)


def passing_todo(bench: LintWorkbench) -> Iterator[LintFinding]:
    """A known gap is none any more: the test passes."""
    by_test: dict[int, list[SuiteRun]] = {}
    for ran in bench.ran:
        if ran.test.todo is not False:
            by_test.setdefault(id(ran.item), []).append(ran)
    for runs in by_test.values():
        if not any(ran.differs for ran in runs):
            item, name = runs[0].item, runs[0].name
            mark, fix = item.key_mark(("todo",)), Fix(*item.place(()), "todo")
            yield LintFinding(
                mark, f"test {name!r} is said to be a known gap, and passes", "remove 'todo'", name, fix
            )


def test_for_any_rule(bench: LintWorkbench) -> Iterator[LintFinding]:
    """A test expects an action that several rules cause: it would pass without any one of them."""
    for ran in bench.undisguised:
        verdict, expect = ran.verdict, ran.test.expect
        if verdict is None or ran.differs or expect.rules is not None or expect.action in (None, "allow"):
            continue
        causes = [rule.id for rule in ran.fired if rule.action is verdict.action and rule in verdict.rules]
        if len(causes) > 1:
            message = f"test {ran.name!r} passes without any one of the rules that fire: {', '.join(causes)}"
            cure = f"say which: rules: [{', '.join(rule.id for rule in verdict.rules)}]"
            yield LintFinding(ran.item.mark(("expect",)), message, cure, ran.name)


def test_for_other_rule(bench: LintWorkbench) -> Iterator[LintFinding]:
    """A test that seems to be for one rule passes because another fires."""
    hit = {rule.id for ran in bench.undisguised for rule in ran.fired}
    unhit = [row for row in bench.rows if row.doc.id not in hit and row.doc.mode == "enforce"]
    for ran in bench.undisguised:
        verdict, expect = ran.verdict, ran.test.expect
        if verdict is None or ran.differs or expect.rules is not None or verdict.action is Action.ALLOW:
            continue
        fired = [rule.id for rule in ran.fired]
        meant = next((row for row in _named(bench, ran) if row.doc.id not in fired), None)
        meant = meant or next((row for row in unhit if _seems(row, ran)), None)
        if meant is not None and fired:
            message = f"test {ran.name!r} passes for the sake of {', '.join(fired)}: rule {meant.doc.id!r} does not fire in it"
            cure = f"write a text that only {meant.doc.id!r} stops, and expect rules: [{meant.doc.id}]"
            yield LintFinding(ran.item.mark(()), message, cure, ran.name)


def _named(bench: LintWorkbench, ran: SuiteRun) -> list[RuleRow]:
    """Return the rules whose ids stand in the name of a test."""
    name = f" {(ran.test.name or '').lower()} "
    return [row for row in bench.rows if re.search(rf"(?<![\w.-]){re.escape(row.doc.id)}(?![\w.-])", name)]


def _seems(row: RuleRow, ran: SuiteRun) -> bool:
    """Tell whether a test of the same action and stage is about what a rule is about."""
    if ran.test.expect.action != row.doc.then or not ran.stages & row.rule.on or ran.verdict is None:
        return False
    read = row.rule.condition.categories
    if any(read.intersection(taxonomy.with_ancestors(each.category)) for each in ran.verdict.findings):
        return True
    about = {*WORD.findall(row.doc.id)} - COMMON
    return bool(about.intersection(WORD.findall((ran.test.name or "").lower())))


def unknown_rule(bench: LintWorkbench) -> Iterator[LintFinding]:
    """A test expects a rule that there is not."""
    ids = {row.doc.id for row in bench.rows} | {f"unchecked.{kind}" for kind in bench.compiled.unchecked}
    for item, test in bench.compiled.tests:
        for field in ("rules", "shadow"):
            for index, name in enumerate(getattr(test.expect, field) or ()):
                if name not in ids:
                    mark = item.mark(("expect", field, index))
                    hint = suggest_name(name, sorted(ids), few=0) or "remove it"
                    yield LintFinding(mark, f"{name!r} is not a rule of this policy", hint, test.name or "")


def duplicate_test(bench: LintWorkbench) -> Iterator[LintFinding]:
    """A test is there twice."""
    first: dict[str, LintFinding] = {}
    for item, test in _own(bench):
        key = test.model_dump_json(exclude={"name"})
        mark = item.mark(())
        again = LintFinding(
            mark, "", "remove it", test.name or "", Fix(item.source, item.base[:-1], item.base[-1])
        )
        before = first.setdefault(key, again)
        if before is not again:
            message = (
                f"test {display_test(test)!r} is the same as that of {before.mark.file}:{before.mark.line}"
            )
            yield LintFinding(mark, message, again.cure, again.subject, again.fix)


def duplicate_test_name(bench: LintWorkbench) -> Iterator[LintFinding]:
    """Two tests have one name, so that a failure may be of either, and `disable: tests` takes both."""
    first: dict[str, str] = {}
    for item, test in bench.compiled.tests:
        if test.name is not None:
            mark = item.mark(("name",))
            here = f"{mark.file}:{mark.line}"
            before = first.setdefault(test.name, here)
            if before != here:
                yield LintFinding(
                    mark,
                    f"another test is called {test.name!r} ({before})",
                    "give each its own name",
                    test.name,
                )


def only_allowed(bench: LintWorkbench) -> Iterator[LintFinding]:
    """No test of the file expects anything to be found."""
    own = _own(bench)
    expected = [test.expect for _, test in own]
    if len(own) > 1 and all(
        each.action == "allow" and not each.rules and not each.shadow for each in expected
    ):
        message = f"all {len(own)} tests expect that nothing is found: a policy without rules would pass them"
        yield LintFinding(own[0][0].mark(()), message, "add texts that each rule is meant for")
