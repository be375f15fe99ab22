"""Lint checks of one rule at a time: it never fires, always fires, acts on nothing, or has a condition part without effect."""

from __future__ import annotations

import re
from collections.abc import Iterator

from guardrails.policy.cel import cel
from guardrails.policy.lints.issue import LintFinding
from guardrails.policy.lints.reachability.firing import can_fire, display_stages
from guardrails.policy.lints.scene.scene import LintContext, RuleRow
from guardrails.policy.lints.scene.truth import operands
from guardrails.types import Action, Stage

QUOTED = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'')
"""A text in a condition, which may hold brackets."""


def never_fires(scene: LintContext) -> Iterator[LintFinding]:
    """No finding that a detector of the policy can have, and no request, makes the condition hold."""
    for row in scene.rows:
        if not can_fire(scene, row, row.rule.on):
            message = f"rule {row.doc.id!r} can never fire: {_why(scene, row)}"
            yield row.found("when", message, "correct the condition, or remove the rule")


def _why(scene: LintContext, row: RuleRow) -> str:
    shape = scene.shapes[row.rule.id]
    for each in shape.comparisons:
        given = scene.feeding.get(each.name, [])
        fixed = [one for one in given if one.scores]
        if given and len(fixed) == len(given) and each.op in ("_>_", "_>=_", "_==_"):
            most = max(score for one in fixed for score in one.scores)
            if most < float(each.value) or (each.op == "_>_" and most == float(each.value)):
                return f"{each.name} is {most} at most, the score of detector {fixed[0].detector!r}"
        if each.op == "_>_" and float(each.value) == 1.0 and each.name in row.rule.condition.scores:
            return f"no score is above 1, and {each.name} is one; 1 is certainty, 0.8 a usual threshold"
    for one in (one for one in scene.given if set(one.variables()) & shape.findings):
        if not one.stages & row.rule.on:
            return f"detector {one.detector!r} does not find {one.category} at stage {display_stages(row.rule.on)}"
    return "no score and no request makes its condition hold"


def never_at_stage(scene: LintContext) -> Iterator[LintFinding]:
    """At one of its stages the rule can never fire, at others it can."""
    for row in scene.rows:
        if len(row.rule.on) < 2:
            continue
        dead = [stage for stage in row.rule.on if not _differs(scene, row, stage)]
        if dead and len(dead) < len(row.rule.on):
            names = display_stages(frozenset(dead))
            message = f"rule {row.doc.id!r} can never fire at stage {names}: what it needs is not found there"
            yield row.found("on", message, f"leave out {names}, or name another detector")


def _differs(scene: LintContext, row: RuleRow, stage: Stage) -> bool:
    """Tell whether a rule can fire at a stage."""
    needed = scene.shapes[row.rule.id].findings
    given = (each for name in needed for each in scene.feeding.get(name.removeprefix("count "), ()))
    of_stages = any(each.stages != frozenset(Stage) for each in given)
    return can_fire(scene, row, frozenset({stage})) if of_stages else True


def needs_tools(scene: LintContext) -> Iterator[LintFinding]:
    """The condition asks for what the policy's lists of tools say, and it has no such list."""
    for row in scene.rows:
        named = {
            name: value
            for name, value in scene.compiled.tools.known.items()
            if name in row.rule.condition.context
        }
        if named and not can_fire(scene, row, row.rule.on, named):
            leaf = next(iter(named))
            lists = "allow" if leaf in ("tool.listed", "tool.valid") else "untrusted"
            message = f"rule {row.doc.id!r} never fires: {leaf} says nothing without 'tools: {lists}:'"
            yield row.found("when", message, f"list the tools under 'tools: {lists}:', or disable the rule")


def always_fires(scene: LintContext) -> Iterator[LintFinding]:
    """The condition holds whatever is found and whoever asks."""
    for row in scene.rows:
        shape = scene.shapes[row.rule.id]
        if not shape.findings and not shape.context:
            continue
        answers = scene.answers[row.rule.id]
        if answers and all(holds for _, holds in answers):
            message = (
                f"rule {row.doc.id!r} fires on every content: its condition holds where nothing is found"
            )
            yield row.found(
                "when", message, "write a bound that harmless contents stay below, such as >= 0.8"
            )


def constant_condition(scene: LintContext) -> Iterator[LintFinding]:
    """The condition depends on nothing."""
    for row in scene.rows:
        shape = scene.shapes[row.rule.id]
        if not shape.findings and not shape.context and not shape.atoms:
            always = bool(shape.holds({}))
            message = f"the condition of rule {row.doc.id!r} is always {str(always).lower()}"
            cure = "name what is to be judged, or say so on purpose with # lint: ignore constant_condition"
            yield row.found("when", message, cure)


def fires_on_nothing(scene: LintContext) -> Iterator[LintFinding]:
    """The rule fires where nothing is found, and no longer where something is."""
    for row in scene.enforced:
        shape = scene.shapes[row.rule.id]
        if not shape.findings:
            continue
        answers = scene.answers[row.rule.id]
        if not answers or all(holds for _, holds in answers):
            continue
        empty = [holds for env, holds in answers if not any(name in env for name in shape.findings)]
        if empty and all(empty):
            message = f"rule {row.doc.id!r} fires on contents in which nothing is found"
            yield row.found("when", message, "turn the comparison round: < into >=")


def worse_passes(scene: LintContext) -> Iterator[LintFinding]:
    """A rule that stops or replaces lets pass what scores higher."""
    for row in scene.enforced:
        shape = scene.shapes[row.rule.id]
        if row.rule.then is Action.FLAG or len(shape.findings) != 1:
            continue
        (name,) = shape.findings
        answers = scene.answers[row.rule.id]
        if not answers:
            continue
        by_rest: dict[str, list[tuple[float, bool]]] = {}
        for env, holds in answers:
            rest = repr(
                sorted(
                    (key, value) for key, value in env.items() if key in shape.context or key in shape.atoms
                )
            )
            by_rest.setdefault(rest, []).append((env.get(name, 0), holds))
        passing = [
            score
            for scores in by_rest.values()
            for score, holds in scores
            if not holds and any(lower < score and there and lower > 0 for lower, there in scores)
        ]
        if passing and not _is_covered(scene, row, name, min(passing)):
            message = f"rule {row.doc.id!r} lets pass what is worse: at {name} = {max(passing):g} it no longer fires"
            yield row.found(
                "when", message, "leave out the upper bound, or add a rule for what lies above it"
            )


def _is_covered(scene: LintContext, row: RuleRow, name: str, score: float) -> bool:
    """Tell whether another rule of at least the same action fires at a score that one lets pass."""
    for other in scene.enforced:
        if other is row or other.rule.then < row.rule.then or not other.rule.on >= row.rule.on:
            continue
        shape = scene.shapes[other.rule.id]
        if (
            name in shape.findings
            and not shape.context
            and not shape.atoms
            and shape.holds({name: max(score, 1.0)})
        ):
            return True
    return False


def dead_operand(scene: LintContext) -> Iterator[LintFinding]:
    """A part of a condition changes nothing, whatever is found."""
    for row in scene.rows:
        shape = scene.shapes[row.rule.id]
        parts = [*operands(shape.tree)]
        answers = scene.answers[row.rule.id] if parts else None
        whole = [holds for _, holds in answers or ()]
        if not answers or all(whole) or not any(whole):
            continue
        dead = [
            (node, operand)
            for node, operand in parts
            if all(
                bool(without(env)) == holds for without in [shape.without(operand)] for env, holds in answers
            )
        ]
        outer = [each for each in dead if not any(_is_within(each[1], other[1]) for other in dead)]
        if outer:
            node, operand = max(
                outer, key=lambda each: each[1].start()
            )  # of two that are equal either may go
            joined = "&&" if node.name == "_&&_" else "||"
            message = (
                f"this part of the condition changes nothing: without it and its {joined}, it holds as often"
            )
            yield row.inside(operand.start(), message, "correct it, or leave it out")


def _is_within(part: cel.CelNode, whole: cel.CelNode) -> bool:
    return part is not whole and any(each is part for each in whole.walk())


def mixed_operators(scene: LintContext) -> Iterator[LintFinding]:
    """`&&` stands beside `||` without brackets; it binds first, which is not what many mean."""
    for row in scene.rows:
        plain = QUOTED.sub(lambda match: " " * len(match[0]), row.rule.condition.text)
        for node in scene.shapes[row.rule.id].tree.walk():
            mixed = [
                operand
                for operand in node.args
                if (node.name, operand.name) == ("_||_", "_&&_")
                and _depth(plain, operand.offset) == _depth(plain, node.offset)
            ]
            if mixed:
                message = "&& binds before ||, and there are no brackets that show whether that is meant"
                yield row.inside(mixed[0].start(), message, "put brackets around the part with &&")
                break


def _depth(text: str, offset: int) -> int:
    """Return how many brackets are open at a place."""
    return text.count("(", 0, offset) - text.count(")", 0, offset)
