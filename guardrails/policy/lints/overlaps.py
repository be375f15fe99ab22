"""Lint checks of pairs of rules: duplicates, rules that another one shadows, redactions under a block, ids nearly alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from guardrails.policy.lints.issue import LintFinding
from guardrails.policy.lints.reachability.firing import display_stages
from guardrails.policy.lints.scene.scene import LintContext, RuleRow
from guardrails.policy.lints.scene.truth import (
    ConditionShape,
    Env,
    TooMany,
    normalize_expression,
    pick_values,
)
from guardrails.types import Action, Stage


def duplicate_rule(scene: LintContext) -> Iterator[LintFinding]:
    """Two rules have the same stages, condition, scope and action."""
    first: dict[object, RuleRow] = {}
    for row in scene.rows:
        rule = row.rule
        key = (
            rule.on,
            normalize_expression(scene.shapes[rule.id].tree),
            rule.scope,
            rule.then,
            rule.mode,
            row.doc.redact is None,
        )
        before = first.setdefault(key, row)
        if before is not row:
            at = before.item.mark(("id",))
            message = f"rule {row.doc.id!r} has the stages, condition and action of {before.doc.id!r} ({at.file}:{at.line})"
            yield row.found("id", message, "remove one of the two")


class _Pairs:
    """Finds, for a rule, another that fires wherever it does."""

    def __init__(self, scene: LintContext) -> None:
        self.scene = scene
        self.by_name: dict[str, list[RuleRow]] = {}
        self.rest: list[RuleRow] = []
        for row in scene.enforced:
            shape = scene.shapes[row.rule.id]
            for name in shape.findings:
                self.by_name.setdefault(name.removeprefix("count "), []).append(row)
            if not shape.findings:
                self.rest.append(row)

    def above(
        self, row: RuleRow, stages: frozenset[Stage], fits: Callable[[RuleRow], bool]
    ) -> RuleRow | None:
        """Return a rule that is at these stages, is of a kind that `fits`, and fires wherever `row` does."""
        answers = self.scene.answers[row.rule.id]
        witness = next((env for env, holds in answers or () if holds), None)
        if witness is None:
            return None
        candidates = {id(each): each for each in self.rest}
        for name in witness:
            candidates.update((id(each), each) for each in self.by_name.get(name, ()))
        for other in candidates.values():
            if other is row or not other.rule.on >= stages or other.rule.scope != row.rule.scope:
                continue
            above = self.scene.shapes[other.rule.id]
            if not above.context and not above.atoms and not above.holds(witness):
                continue  # most are ruled out by the one case
            cases = _complete_case(witness, above)
            if fits(other) and all(map(above.holds, cases)) and self.implied(row, other, stages):
                return other
        return None

    def implied(self, row: RuleRow, other: RuleRow, stages: frozenset[Stage]) -> bool:
        """Tell whether a rule fires wherever `row` does."""
        shape, above = self.scene.shapes[row.rule.id], self.scene.shapes[other.rule.id]
        try:
            trials = self.scene.trials(row, other, stages=stages)
            return all(above.holds(env) for env in trials if shape.holds(env))
        except TooMany:
            return False


def _complete_case(witness: Env, above: ConditionShape) -> Iterator[Env]:
    """Yield a case with two values for what another condition asks beside it: most differ there."""
    missing = {name: pick_values(name, known) for name, known in above.context.items() if name not in witness}
    for at, truth in ((0, False), (-1, True)):
        more = {name: known[at] for name, known in missing.items()}
        atoms = {key: truth for key in above.atoms if key not in witness}
        yield {**witness, **more, **atoms}


def _at_least(scene: LintContext, other: RuleRow, row: RuleRow) -> bool:
    """Tell whether a rule fails as strictly as another, and removes no more findings first."""
    today = scene.today.isoformat()
    own, others = (
        {each.id for each in rule.exceptions if each.expires is None or each.expires >= today}
        for rule in (row.rule, other.rule)
    )
    return other.rule.on_error >= row.rule.on_error and others <= own


def shadowed_rule(scene: LintContext) -> Iterator[LintFinding]:
    """Another rule fires wherever this one does, and does as much or more: this one never decides."""
    pairs = _Pairs(scene)
    same = {found.subject for found in duplicate_rule(scene)}
    for row in scene.enforced:
        if row.doc.id in same or row.rule.stream == "annotate":
            continue

        def fits(other: RuleRow, row: RuleRow = row) -> bool:
            stricter = other.rule.then > row.rule.then
            first = other.rule.then == row.rule.then and other.rule.order < row.rule.order
            covers = row.rule.then is not Action.REDACT or stricter or other.rule.redact >= row.rule.redact
            return (
                (stricter or first)
                and covers
                and other.rule.stream != "annotate"
                and _at_least(scene, other, row)
            )

        above = pairs.above(row, row.rule.on, fits)
        if above is None:
            continue
        at = above.item.mark(("id",))
        where = f"{above.doc.id!r} ({at.file}:{at.line})"
        if above.rule.then > row.rule.then:
            message = f"rule {row.doc.id!r} never decides: wherever it fires, {where} does, with then: {above.doc.then}"
            cure = f"give the stricter action the higher threshold, or remove rule {row.doc.id!r}"
        else:
            message = f"rule {row.doc.id!r} changes nothing: wherever it fires, {where} does the same first"
            cure = "remove it, narrow the other, or give it a higher severity if its message is wanted"
        yield row.found("when", message, cure)


def redact_under_block(scene: LintContext) -> Iterator[LintFinding]:
    """At some stage of a redact rule, what it would replace is always blocked."""
    pairs = _Pairs(scene)
    for row in scene.enforced:
        if row.rule.then is not Action.REDACT or len(row.rule.on) < 2:
            continue
        dead: dict[Stage, RuleRow] = {}
        for stage in row.rule.on:
            above = pairs.above(row, frozenset({stage}), lambda other: other.rule.then is Action.BLOCK)
            if above is not None:
                dead[stage] = above
        if dead and len(dead) < len(row.rule.on):
            stage, above = next(iter(sorted(dead.items())))
            at = above.item.mark(("id",))
            message = (
                f"rule {row.doc.id!r} replaces nothing at stage {display_stages(frozenset(dead))}: "
                f"{above.doc.id!r} ({at.file}:{at.line}) blocks there wherever it fires"
            )
            yield row.found("on", message, "leave out that stage, or narrow the rule that blocks")


def similar_ids(scene: LintContext) -> Iterator[LintFinding]:
    """Two ids differ only by their separators."""
    first: dict[str, RuleRow] = {}
    for row in scene.rows:
        plain = "".join(char for char in row.doc.id if char not in "._-")
        before = first.setdefault(plain, row)
        if before is not row:
            at = before.item.mark(("id",))
            message = f"rule {row.doc.id!r} is hard to tell from {before.doc.id!r} ({at.file}:{at.line})"
            yield row.found("id", message, "give it another name, or override the other if that was meant")
