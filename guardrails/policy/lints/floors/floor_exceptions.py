"""Exceptions beside the operator's floor, which sees findings before them: those that take away what the floor acts on all the
same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from guardrails import taxonomy
from guardrails.policy.compiled import ExceptionRule
from guardrails.policy.lints.exceptions import TRIED, finds
from guardrails.policy.lints.floors.floor_pairs import (
    CURE,
    FloorPair,
    PairedRule,
    count_cases,
    does_as_much,
    is_covered,
)
from guardrails.policy.lints.issue import LintFinding
from guardrails.policy.lints.scene.truth import PossibleFinding as Given
from guardrails.policy.schema import ExceptionDoc
from guardrails.types import Mode, Stage


def find_undone_exceptions(pair: FloorPair) -> Iterator[LintFinding]:
    """Yield the exceptions of whose findings each is one that the floor acts on as strictly."""
    today = pair.scene.today.isoformat()
    for item, doc in pair.scene.policy.exceptions:
        if doc.expires is not None and doc.expires < today:
            continue
        undone = [
            _find_undone_rule(pair, mine, made, doc, today)
            for mine in pair.own
            for made in mine.row.rule.exceptions
            if made.id == doc.id and mine.row.rule.mode is Mode.ENFORCE and _takes_from(made, mine)
        ]
        if undone and undone[0] is not None and None not in undone:
            whom = f" for {', '.join(doc.tenants)}" if doc.tenants else ""
            message = f"exception {doc.id!r} has no effect{whom}: {undone[0].still()}"
            cure = f"the floor sees findings before exceptions; {CURE}"
            yield LintFinding(item.mark(("id",)), message, cure, doc.id)


def _takes(made: ExceptionRule, category: str) -> bool:
    return made.categories is None or not made.categories.isdisjoint(taxonomy.with_ancestors(category))


def _stages(made: ExceptionRule, mine: PairedRule) -> frozenset[Stage]:
    return mine.row.rule.on if made.on is None else mine.row.rule.on & made.on


def _takes_from(made: ExceptionRule, mine: PairedRule) -> bool:
    """Tell whether an exception may take anything from a rule."""
    stages = _stages(made, mine)
    return any(_takes(made, each.category) for stage in stages for each in mine.possible_findings(stage))


def _find_undone_rule(
    pair: FloorPair, mine: PairedRule, made: ExceptionRule, doc: ExceptionDoc, today: str
) -> PairedRule | None:
    """Return a rule of the floor that acts on what an exception takes from a rule of the policy, None where something is left of
    that.
    """

    def taken(given: Given) -> bool:
        return _takes(made, given.category)

    found: PairedRule | None = None
    for stage in _stages(made, mine):
        others = [
            each
            for each in pair.under
            if stage in each.row.rule.on
            and does_as_much(each.row, mine.row)
            and each.feed & mine.feed
            and not any(_holds_for(excepted, made, today) for excepted in each.row.rule.exceptions)
        ]
        answer = count_cases(mine, others, stage, taken) if others else None
        if answer is None or answer[0] == 0 or answer[1]:
            return None
        if not pair.same_detectors(mine, stage, taken) and not _found_there(pair, others, doc):
            return None
        found = next((each for each in others if is_covered(mine, [each], stage, taken)), others[0])
    return found


def _found_there(pair: FloorPair, others: Sequence[PairedRule], doc: ExceptionDoc) -> bool:
    """Tell whether the floor's lists and patterns find each text that an exception is for."""
    names = sorted(
        {
            each.detector
            for side in others
            for stage in side.row.rule.on
            for each in side.possible_findings(stage)
        }
    )
    asked = [name for name in names if pair.floor.kinds[name].name in TRIED]
    return bool(doc.matches) and all(
        any(finds(pair.floor, name, text) for name in asked) for text in doc.matches or ()
    )


def _holds_for(excepted: ExceptionRule, made: ExceptionRule, today: str) -> bool:
    """Tell whether an exception of the floor's takes away all that one of the policy does."""
    pairs = [
        (getattr(excepted, name), getattr(made, name))
        for name in ("on", "tenants", "categories", "matches", "near")
    ]
    if any(theirs is not None and (own is None or not own <= theirs) for theirs, own in pairs):
        return False
    text = None if excepted.condition is None else excepted.condition.text
    if text is not None and (made.condition is None or made.condition.text != text):
        return False
    return excepted.expires is None or excepted.expires >= today
