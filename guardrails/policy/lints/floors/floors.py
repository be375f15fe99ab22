"""A policy beside the operator's floor: the scene of each goes in, what the policy tries and the floor undoes comes out.

The floor is compiled apart, sees findings before the policy's exceptions, and the stricter of both verdicts holds: what is weaker
in the policy does no harm, and is not what its author thinks that it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from guardrails.policy.lints.floors.floor_detectors import find_lost_detections
from guardrails.policy.lints.floors.floor_exceptions import find_undone_exceptions
from guardrails.policy.lints.floors.floor_pairs import (
    CURE,
    SCOPES,
    FloorPair,
    PairedRule,
    count_cases,
    does_as_much,
    is_covered,
    missing_redactions,
    shorten_condition,
)
from guardrails.policy.lints.floors.floor_settings import find_undone_settings, tools
from guardrails.policy.lints.issue import LintFinding
from guardrails.policy.lints.reachability.firing import display_stages
from guardrails.policy.lints.scene.scene import LintContext
from guardrails.types import Action, Mode, Stage


def weaker_than_floor(scene: LintContext) -> Iterator[LintFinding]:
    """The policy is weaker than the operator's floor, or takes away what that still acts on: it has no effect (--floor)."""
    if scene.floor is None:
        return
    pair = FloorPair(scene, scene.floor)
    for find in (
        _rules,
        _find_disabled,
        _others,
        find_lost_detections,
        find_undone_exceptions,
        find_undone_settings,
        tools,
    ):
        yield from (each for each in find(pair) if not pair.is_shared(each.mark.file))


def _rules(pair: FloorPair) -> Iterator[LintFinding]:
    """Rules of the same id: each field that makes the policy's the weaker one."""
    own = {each.id: each for each in pair.own if pair.is_theirs(each)}
    for side in pair.under:
        if (mine := own.get(side.id)) is None:
            continue
        for field, what, there in (*_fields(side, mine, pair.open(side)), *_failing(side, mine)):
            message = f"{what} has no effect on {side.id!r}: {side.still(there)}"
            yield mine.row.found(field, message, CURE)


def _fields(side: PairedRule, mine: PairedRule, open_: Collection[Stage]) -> Iterator[tuple[str, str, str]]:
    """Yield fields that are weaker, where no other rule of the policy makes up for it: the field, what it says, and where."""
    rule, other = mine.row.rule, side.row.rule
    if not open_:
        return
    if rule.mode is not Mode.ENFORCE:
        yield "mode", "mode: shadow", ""
    if rule.then < other.then:
        yield "then", f"then: {mine.row.doc.then}", ""
    if left := frozenset(open_) - rule.on:
        yield (
            "on",
            f"leaving out stage {display_stages(left)}",
            f" there, at {shorten_condition(other.condition.text)}",
        )
    if any(not is_covered(side, [mine], stage) for stage in open_ if stage in rule.on):
        yield "when", f"the condition {shorten_condition(rule.condition.text)}", ""
    if SCOPES.index(rule.scope) < SCOPES.index(other.scope):
        yield "scope", f"scope: {rule.scope}", f" what the parts of a {other.scope} come to"
    if rule.then is other.then is Action.REDACT and (kept := missing_redactions(mine.row, side.row)):
        yield "redact", f"leaving in {', '.join(kept)}", f" {', '.join(kept)}"


def _failing(side: PairedRule, mine: PairedRule) -> Iterator[tuple[str, str, str]]:
    """Yield what is weaker when a detector fails, and when a text is streamed."""
    rule, other = mine.row.rule, side.row.rule
    if "on_error" in mine.row.item.data and rule.on_error < other.on_error:
        yield "on_error", f"on_error: {mine.row.doc.on_error}", " when a detector fails"
    if rule.stream == "annotate" != other.stream and Stage.OUTPUT in other.on:
        yield "stream", "stream: annotate", " a text before it is sent"


def _find_disabled(pair: FloorPair) -> Iterator[LintFinding]:
    """Rules of the same id that are disabled."""
    kept = {each.id for each in pair.own}
    for side in pair.under:
        if side.id in kept or side.id not in pair.scene.policy.disabled or not pair.open(side):
            continue
        for source in pair.scene.policy.sources:
            data = source.data.get("disable") if isinstance(source.data, dict) else None
            path = ("disable", "rules") if isinstance(data, dict) else ("disable",)
            names = data.get("rules") if isinstance(data, dict) else data
            if isinstance(names, list) and side.id in names:
                mark = source.mark((*path, names.index(side.id)))
                yield LintFinding(mark, f"disabling {side.id!r} has no effect: {side.still()}", CURE, side.id)


def _others(pair: FloorPair) -> Iterator[LintFinding]:
    """Rules of another id that fire only where a rule of the floor does, and do less, or that in fewer cases."""
    ids = {each.id for each in pair.under}
    for mine in pair.own:
        if mine.id in ids or mine.row.rule.mode is not Mode.ENFORCE or not pair.is_theirs(mine):
            continue
        side = next((each for each in pair.under if _is_idle(pair, mine, each)), None)
        if side is not None:
            field = "then" if mine.row.rule.then < side.row.rule.then else "when"
            yield mine.row.found(field, f"rule {mine.id!r} has no effect: {side.still()}", CURE)


def _is_idle(pair: FloorPair, mine: PairedRule, side: PairedRule) -> bool:
    """Tell whether a rule of the policy never decides for one of the floor, which is the stricter one."""
    rule, other = mine.row.rule, side.row.rule
    if not rule.on <= other.on or rule.then > other.then or rule.severity > other.severity:
        return False
    if not mine.shape.findings or not does_as_much(side.row, mine.row):
        return False
    for stage in rule.on:
        answer = count_cases(mine, [side], stage)
        if answer is None or answer[0] == 0 or answer[1] or not pair.same_detectors(mine, stage):
            return False
    fed = mine.feed
    return any(stage in rule.on for stage in pair.open(side, lambda given: given.category in fed))
