"""Finds the smallest change of scores and counts that makes a condition true, or the terms that stand in the way whatever
detectors find.

    missing = find_missing(tree, condition, bound)
    missing.changes          # (ScoreChange("hate", 0.61, 0.85, ">="),)
    missing.distance         # 0.24

Of alternatives the nearest is taken, of what is joined all of it; that is the smallest change where each name occurs once. What
comes out is held against the condition itself: a change that does not make it true, as where one score is wanted high and low at
once, is none.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from guardrails.authoring.explain.conditions.condition_shapes import BoundComparison
from guardrails.authoring.explain.conditions.condition_terms import Term, Values, evaluate_condition
from guardrails.policy.condition import Condition
from guardrails.taxonomy import with_ancestors

OPPOSITE: Final[Mapping[str, str]] = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
"""A comparison, and the one that holds where it does not."""

STEPS: Final[Mapping[str, int]] = {"<": -1, ">": 1, "!=": 1}
"""Comparisons that do not hold at the bound itself, and on which side of it they do."""

SHOWN: Final = 5
"""Terms in the way that are named."""


@dataclass(frozen=True, slots=True)
class ScoreChange:
    """A score or a count (`name`) that is `value` and would have to be `operator` `bound`; `target` is the nearest that is."""

    name: str
    value: float
    operator: str
    bound: float
    target: float
    is_score: bool

    @property
    def distance(self) -> float:
        """How far the bound is away."""
        return abs(self.bound - self.value)

    def to_dict(self) -> dict[str, object]:
        """Return the change as plain JSON values."""
        return {
            "name": self.name,
            "value": self.value,
            "operator": self.operator,
            "bound": self.bound,
            "distance": self.distance,
        }


@dataclass(frozen=True, slots=True)
class MissingScores:
    """What would make a condition true: `changes`, all of them together; or, where there are none, the terms `in_the_way`."""

    changes: tuple[ScoreChange, ...] = ()
    in_the_way: tuple[str, ...] = ()

    @property
    def distance(self) -> float | None:
        """How far all scores are away together; None where no change of scores is enough."""
        if not self.changes or not all(change.is_score for change in self.changes):
            return None
        return sum(change.distance for change in self.changes)

    @property
    def order(self) -> tuple[bool, int, bool, float]:
        """What sorts what is nearest first: scores of what was found, then counts of it, then what was not found at all, as who
        finds nothing may be far from it however low the bound is; at last what nothing makes true.
        """
        anew = sum(not change.value for change in self.changes)
        counts = not all(change.is_score for change in self.changes)
        return not self.changes, anew, counts, sum(change.distance for change in self.changes)

    def to_dict(self) -> dict[str, object]:
        """Return what is missing as plain JSON values."""
        return {
            "distance": self.distance,
            "changes": [change.to_dict() for change in self.changes],
            "in_the_way": list(self.in_the_way),
        }


Changes = Mapping[str, ScoreChange]
"""What is to be changed, by name."""


def find_missing(tree: Term, condition: Condition, bound: Values) -> MissingScores:
    """Return what is missing for a condition that is not true with the names that are bound; `tree` are its terms."""
    found = _reach(tree, wanted=True)
    if found is None:
        return MissingScores((), tuple(dict.fromkeys(_in_the_way(tree, wanted=True)))[:SHOWN])
    if not _is_enough(condition, bound, found.values()):
        return MissingScores()
    needed = dict(found)
    for name in found:  # what another change brings about as well
        rest = {other: change for other, change in needed.items() if other != name}
        if _is_enough(condition, bound, rest.values()):
            needed = rest
    return MissingScores((*needed.values(),))


def _is_enough(condition: Condition, bound: Values, changes: Iterable[ScoreChange]) -> bool:
    return evaluate_condition(condition, _apply_changes(condition, bound, changes)) is True


def _reach(term: Term, *, wanted: bool) -> Changes | None:
    """Return the smallest changes that give a part the truth that is wanted, None where none do."""
    if term.truth is wanted:
        return {}
    if term.kind == "term":
        return _of_term(term, wanted=wanted)
    if term.kind == "not":
        return _reach(term.parts[0], wanted=not wanted)
    if term.kind == "if":
        test = term.parts[0].truth
        return None if test is None else _reach(term.parts[1 if test else 2], wanted=wanted)
    options = [_reach(part, wanted=wanted) for part in term.parts]
    known = [option for option in options if option is not None]
    if (term.kind == "or") is wanted:
        return min(known, key=lambda option: MissingScores((*option.values(),)).order, default=None)
    return _combine_changes(known) if len(known) == len(options) else None


def _of_term(term: Term, *, wanted: bool) -> Changes | None:
    compared = term.compared
    if term.truth is None or compared is None or not (compared.is_score or compared.is_count):
        return None
    value = term.values.get(compared.name)
    if not isinstance(value, int | float):
        return None
    operator = compared.operator if wanted else OPPOSITE[compared.operator]
    target = _target(compared, operator)
    if target < 0 or (compared.is_score and target > 1):
        return None
    change = ScoreChange(compared.name, float(value), operator, compared.bound, target, compared.is_score)
    return {compared.name: change}


def _target(compared: BoundComparison, operator: str) -> float:
    """Return the value nearest to the bound for which a comparison holds."""
    step, bound = STEPS.get(operator, 0), compared.bound
    if compared.is_count:
        whole = math.floor(bound) if step > 0 or operator == "<=" else math.ceil(bound)
        return whole + step
    return bound if step == 0 else math.nextafter(bound, step * math.inf)


def _combine_changes(options: Iterable[Changes]) -> Changes:
    """Return all changes; of two for one name the one that is further away."""
    found: dict[str, ScoreChange] = {}
    for name, change in (item for option in options for item in option.items()):
        if name not in found or change.distance > found[name].distance:
            found[name] = change
    return found


def _in_the_way(term: Term, *, wanted: bool) -> Sequence[str]:
    """Return the terms that keep a part from the truth that is wanted, whatever is found."""
    if _reach(term, wanted=wanted) is not None:
        return ()
    if term.kind == "term":
        return (term.text if wanted else f"!({term.text})",)
    if term.kind == "not":
        return _in_the_way(term.parts[0], wanted=not wanted)
    return [each for part in term.parts for each in _in_the_way(part, wanted=wanted)]


def _apply_changes(condition: Condition, bound: Values, changes: Iterable[ScoreChange]) -> dict[str, object]:
    """Return the names as they would be bound; what is above a category is worth as much as that at least."""
    variables = {f'count("{category}")': variable for variable, category in condition.counts}
    made = dict(bound)
    for change in changes:
        variable = variables.get(change.name, change.name)
        made[variable] = change.target if change.is_score else int(change.target)
        for above in with_ancestors(_category(condition, change.name))[1:] if change.is_score else ():
            known = made.get(above)
            if isinstance(known, float):
                made[above] = max(known, change.target)
    return made


def _category(condition: Condition, name: str) -> str:
    return next((category for variable, _, category in condition.detectors if variable == name), name)
