"""Two policies side by side, one of them the operator's floor: what a rule of one fires on, and whether rules of the other do.

Two rules are compared by what they say to everything that detectors may find (`policy/lints/reachability/truth.py`); where that
is too much to try nothing is known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path as FilePath
from typing import Final

from guardrails import taxonomy
from guardrails.policy.lints.scene.scene import TOOL_STAGES, LintContext, RuleRow
from guardrails.policy.lints.scene.truth import KINDS, ConditionShape, TooMany, Trials
from guardrails.policy.lints.scene.truth import PossibleFinding as Given
from guardrails.types import Action, Mode, Stage

CURE: Final = "leave it out, or have it changed in the floor by who answers for that"
DOES: Final = {Action.FLAG: "flags", Action.REDACT: "redacts", Action.BLOCK: "blocks"}
SCOPES: Final = ("part", "message", "conversation")
"""What a condition looks at together, the least first."""

LONGEST: Final = 100
"""Characters of a condition that a message shows."""

Only = Callable[[Given], bool]


@dataclass(frozen=True, slots=True, eq=False)
class PairedRule:
    """A rule of one of the two, with its condition taken apart."""

    scene: LintContext
    row: RuleRow
    shape: ConditionShape

    @property
    def id(self) -> str:
        return self.row.rule.id

    def possible_findings(self, stage: Stage) -> tuple[Given, ...]:
        """Return what detectors may find there that its condition depends on."""
        return self.scene.given_to([self.id], frozenset({stage}))

    @property
    def feed(self) -> frozenset[str]:
        """The categories of that, at all its stages."""
        return frozenset(
            each.category for stage in self.row.rule.on for each in self.possible_findings(stage)
        )

    def still(self, there: str = "") -> str:
        """Return what a rule of the floor does all the same, and where: by default wherever its condition holds."""
        rule, mark = self.row.rule, self.row.item.mark(("id",))
        text = shorten_condition(rule.condition.text)
        return f"the floor's rule {self.id!r} ({mark.file}:{mark.line}) still {DOES[rule.then]}{there or f' at {text}'}"


def shorten_condition(condition: str) -> str:
    """Return a condition on one line, and not too long for a message."""
    text = " ".join(condition.split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


class FloorPair:
    """A policy and its floor: `own` are all rules of the policy, `under` those that the floor enforces."""

    def __init__(self, scene: LintContext, floor: LintContext) -> None:
        self.scene, self.floor = scene, floor
        self.own = tuple(PairedRule(scene, row, scene.shapes[row.rule.id]) for row in scene.rows)
        self.under = tuple(PairedRule(floor, row, floor.shapes[row.rule.id]) for row in floor.enforced)
        self._files = frozenset(FilePath(source.file).resolve() for source in floor.policy.sources)
        self.digests = frozenset(bound.declared_digest for bound in floor.compiled.detectors)

    def is_shared(self, file: str) -> bool:
        """Tell whether a file is one of the floor's."""
        return FilePath(file).resolve() in self._files

    def as_strict(self, side: PairedRule, stage: Stage) -> list[PairedRule]:
        """Return the rules of the policy that do at least as much as one of the floor's, wherever they fire."""
        return [each for each in self.own if stage in each.row.rule.on and does_as_much(each.row, side.row)]

    def open(self, side: PairedRule, only: Only | None = None) -> list[Stage]:
        """Return the stages at which a rule of the floor fires somewhere where no rule of the policy does as much."""
        stages = [stage for stage in Stage if stage in side.row.rule.on]
        return [each for each in stages if not is_covered(side, self.as_strict(side, each), each, only)]

    def same_detectors(self, side: PairedRule, stage: Stage, only: Only | None = None) -> bool:
        """Tell whether the floor has every detector that feeds a rule of the policy, as it is there."""
        given = [each for each in side.possible_findings(stage) if only is None or only(each)]
        return all(side.scene.bounds[each.detector].declared_digest in self.digests for each in given)

    def is_theirs(self, side: PairedRule) -> bool:
        """Tell whether the policy's author wrote or changed a rule; one that a parent brings is that one's."""
        item = side.row.item
        return bool(item.overrides) or item.source is self.scene.root


def does_as_much(row: RuleRow, of: RuleRow) -> bool:
    """Tell whether a rule, where it fires, does at least what another does."""
    rule, other = row.rule, of.rule
    if rule.mode is not Mode.ENFORCE or rule.then < other.then or rule.stream == "annotate" != other.stream:
        return False
    if SCOPES.index(rule.scope) < SCOPES.index(other.scope):
        return False
    return rule.then is Action.BLOCK or not missing_redactions(row, of)


def missing_redactions(row: RuleRow, of: RuleRow) -> list[str]:
    """Return the categories that another rule replaces, and this one does not."""
    own = row.rule.redact
    return sorted(each for each in of.rule.redact if own.isdisjoint(taxonomy.with_ancestors(each)))


def count_cases(
    side: PairedRule, others: Sequence[PairedRule], stage: Stage, only: Only | None = None
) -> tuple[int, int] | None:
    """Return in how many cases a rule fires at a stage, and in how many of these none of the others does; None where that is too
    much to try.
    """
    rules = (side, *others)
    found = {
        each: None for rule in rules for each in rule.possible_findings(stage) if only is None or only(each)
    }
    if any(each.row.rule.scope != "part" for each in rules):
        found = {replace(each, kinds=frozenset(KINDS)): None for each in found}
    known = {} if stage in TOOL_STAGES else {"tool.name": "", "tool.server": ""}
    fires = missed = 0
    try:
        for env in Trials([each.shape for each in rules], found, known):
            if side.shape.holds(env):
                fires += 1
                missed += not any(each.shape.holds(env) for each in others)
    except TooMany:
        return None
    return fires, missed


def is_covered(
    side: PairedRule, others: Sequence[PairedRule], stage: Stage, only: Only | None = None
) -> bool:
    """Tell whether wherever a rule fires at a stage, so does one of the others; True where that is not known for certain."""
    near = [each for each in others if not each.shape.findings or each.feed & side.feed]
    if not near:
        answer = count_cases(side, (), stage, only)
        return answer is not None and answer[0] == 0
    answer = count_cases(side, near, stage, only)
    return answer is None or answer[1] == 0
