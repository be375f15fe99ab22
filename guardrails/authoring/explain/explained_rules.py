"""Notes why rules fired in one check, and why others did not.

A rule is tried on a part, a message or a conversation, as its scope says; each of these is one try, with the condition term by
term for the very values that decided it (`Evaluation.decided`), what is missing for it to hold, and what exceptions removed.
Tries come in the order in which people ask: those that fired, those that nobody could decide, then the nearest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from guardrails.authoring.explain.conditions.condition_terms import ConditionReader, Term, Truth
from guardrails.authoring.explain.conditions.missing_scores import MissingScores, find_missing
from guardrails.authoring.explain.explained_findings import CheckFindings
from guardrails.engine.conditions.exceptions import is_covered, is_expired
from guardrails.engine.core.observers import CheckRecord
from guardrails.engine.core.rule_evaluation import Evaluation
from guardrails.engine.message_languages import list_message_languages
from guardrails.engine.model import RuleMatch
from guardrails.policy.compiled import Rule
from guardrails.taxonomy import with_ancestors
from guardrails.types import Action, Content, Finding, FiredRule, Stage

TRIES: Final = 200
"""Tries of one rule that are looked at."""

SHOWN: Final = 3
"""Of these, how many are told, those first that people ask for first."""

CONTENTS: Final = 20
"""Contents of one message for which a condition is evaluated that names what differs between them."""

STATES: Final[Mapping[str, str]] = {
    "fired": "its condition holds",
    "undecided": "its condition depends on what is not known",
    "not_fired": "its condition does not hold",
    "nothing_to_redact": "its condition holds, and there is nothing that it would replace",
    "not_at_stage": "it judges at other stages, or there was nothing to judge",
}
"""What may be the case with a rule, what people ask for first first."""

WHO: Final[Mapping[str, str]] = {
    "request.user.": "nobody said who asks (user)",
    "request.tenant": "nobody said for whom (tenant)",
    "request.client.": "the client said nothing of it (client)",
    "request.metadata": "the caller gave no such value (metadata)",
    "request.model": "nobody said which model is asked (model)",
    "tool.": "it could not be found out of this call",
}
"""What a name begins with that has no value, and why that may be; each names the argument that gives it."""


@dataclass(frozen=True, slots=True)
class ExceptionNote:
    """A finding (by number; None where it is not listed) that an exception removed, or would have until it expired."""

    finding: int | None
    exception: str
    expires: str | None
    expired: bool

    def to_dict(self) -> dict[str, object]:
        """Return it as plain JSON values."""
        return {
            "finding": self.finding,
            "exception": self.exception,
            "expires": self.expires,
            "expired": self.expired,
        }


@dataclass(frozen=True, slots=True)
class RuleTrial:
    """A rule on contents that it looks at together, which stand at `paths`. `state` is a key of `STATES`; `tried` tells whether
    the engine evaluated it, which it leaves where nothing of its categories was found; `evidence`, whether anything was, if only
    to be removed by an exception. `grounds` are the findings that it fires for; `unknown` and `absent` are names of its condition
    that have no value, each with the reason.
    """

    state: str
    tried: bool
    evidence: bool
    paths: tuple[str, ...]
    tree: Term
    missing: MissingScores | None
    action: Action | None
    reason: str | None
    grounds: tuple[int, ...]
    excepted: tuple[ExceptionNote, ...]
    unknown: Mapping[str, str]
    absent: Mapping[str, str]

    @property
    def order(self) -> tuple[int, bool, tuple[bool, int, bool, float]]:
        """What sorts tries as people ask for them."""
        missing = MissingScores() if self.missing is None else self.missing
        return [*STATES].index(self.state), not self.evidence, missing.order

    def to_dict(self) -> dict[str, object]:
        """Return the try as plain JSON values."""
        return {
            "state": self.state,
            "tried": self.tried,
            "evidence": self.evidence,
            "paths": list(self.paths),
            "condition": self.tree.to_dict(),
            "missing": None if self.missing is None else self.missing.to_dict(),
            "action": None if self.action is None else str(self.action),
            "reason": self.reason,
            "findings": list(self.grounds),
            "excepted": [each.to_dict() for each in self.excepted],
            "unknown": dict(self.unknown),
            "absent": dict(self.absent),
        }


@dataclass(frozen=True, slots=True)
class RuleNote:
    """What is to say of one rule. `floor` tells whether it is of the operator's floor; `verdict` is its entry of the verdict,
    which says what it did in the end; `tries` are those that are told, `left_out` counts the others.
    """

    rule: Rule
    floor: bool
    state: str
    verdict: FiredRule | None
    tries: tuple[RuleTrial, ...]
    left_out: int = 0

    @property
    def order(self) -> tuple[object, ...]:
        """What sorts rules as people ask for them: strictest first of those that fired, then the nearest."""
        first = (
            self.tries[0].order if self.tries else ([*STATES].index(self.state), True, MissingScores().order)
        )
        done = Action.ALLOW if self.verdict is None else self.verdict.action
        return (first[0], -done, *first[1:], self.rule.order)

    def to_dict(self) -> dict[str, object]:
        """Return the note as plain JSON values."""
        rule = self.rule
        return {
            "id": rule.id,
            "floor": self.floor,
            "state": self.state,
            "action": None if self.verdict is None else str(self.verdict.action),
            "then": str(rule.then),
            "mode": rule.mode.value,
            "severity": str(rule.severity),
            "on": [stage.value for stage in Stage if stage in rule.on],
            "scope": rule.scope,
            "on_error": str(rule.on_error),
            "when": rule.condition.text,
            "message": None if self.verdict is None else self.verdict.message,
            "tries": [each.to_dict() for each in self.tries],
            "left_out": self.left_out,
        }


def note_rules(check: CheckRecord, findings: CheckFindings, only: str | None = None) -> list[RuleNote]:
    """Return a note on each rule of the policies, or on those called `only`; what people ask for first comes first."""
    notes = []
    for position, evaluation in enumerate(check.evaluations):
        judge = _Judge(check, position, findings)
        rules = [rule for rule in evaluation.policy.rules if only in (None, rule.id)]
        notes += [judge.note(rule) for rule in rules]
    return sorted(notes, key=lambda note: note.order)


Members = tuple[int, ...]


class _Judge:
    """Says of the rules of one policy what one evaluation came to."""

    def __init__(self, check: CheckRecord, position: int, findings: CheckFindings) -> None:
        self._check, self._findings, self._floor = check, findings, position > 0
        self._evaluation: Evaluation = check.evaluations[position]
        self._fired: dict[int, list[RuleMatch]] = {}
        for fired in check.fired[position]:
            self._fired.setdefault(id(fired.rule), []).append(fired)
        self._reader = ConditionReader(self._evaluation.policy)
        tried = self._evaluation.tries(self._evaluation.candidates)
        self._tried = {(id(rule), members) for rule, members in tried}
        self._groups: dict[int, dict[Members, None]] = {}
        for rule, members in self._evaluation.tries(self._possible):
            self._groups.setdefault(id(rule), {})[members] = None

    def _possible(self, members: Members) -> Iterable[Rule]:
        """Return the rules that look at contents, also those that cannot fire; what is judged elsewhere too is left out."""
        items = [self._evaluation.items[index] for index in members]
        own = {
            id(rule): rule
            for item in items
            if not item.again or item.findings or item.unknown
            for rule in item.plan.rules
        }
        return own.values()

    def note(self, rule: Rule) -> RuleNote:
        """Say what is to say of a rule."""
        groups = [*self._groups.get(id(rule), {})]
        # Those that the engine did not leave first: among the others nothing was found.
        groups.sort(key=lambda members: (id(rule), members) not in self._tried)
        tries = sorted((self._try(rule, members) for members in groups[:TRIES]), key=lambda each: each.order)
        state = tries[0].state if tries else "not_at_stage"
        shown = tuple(tries[:SHOWN])
        return RuleNote(rule, self._floor, state, self._entry(rule), shown, len(groups) - len(shown))

    def _entry(self, rule: Rule) -> FiredRule | None:
        """Return the entry of the verdict for a rule that fired; policy and floor may both have one of that name, which then
        share the stricter's.
        """
        own = self._fired.get(id(rule))
        if own is None:
            return None
        all_fired = [each.rule for some in self._check.fired for each in some]
        if any(other.id == rule.id and other is not rule for other in all_fired):
            first = max(own, key=lambda each: each.action)
            leaves, request = self._check.tree.leaves, self._evaluation.request
            languages = list_message_languages(rule.messages, leaves, first.members, request, first.grounds)
            return rule.fired(first.action, first.reason, languages, request.country)
        entries = (*self._check.outcome.rules, *self._check.outcome.shadow)
        return next((each for each in entries if each.id == rule.id and each.mode is rule.mode), None)

    def _try(self, rule: Rule, members: Members) -> RuleTrial:
        evaluation = self._evaluation
        found = [(index, finding) for index in members for finding in evaluation.counted(rule, index)]
        failed = frozenset[str]().union(*(evaluation.items[index].unknown for index in members))
        truth, tree, missing = self._decide(rule, members, [finding for _, finding in found], failed)
        fired = [each for each in self._fired.get(id(rule), ()) if set(each.members) <= set(members)]
        paths = dict.fromkeys(evaluation.items[index].content.place.path for index in members)
        first = max(fired, key=lambda each: each.action, default=None)
        return RuleTrial(
            state=_state(truth, first),
            tried=(id(rule), members) in self._tried,
            evidence=any(
                not rule.condition.categories.isdisjoint(with_ancestors(finding.category))
                for index in members
                for finding in evaluation.items[index].findings
            ),
            paths=(*paths,),
            tree=tree,
            missing=None if truth else missing,
            action=None if first is None else first.action,
            reason=None if first is None else first.reason,
            grounds=self._findings.numbers_of([pair for each in fired for pair in each.grounds]),
            excepted=tuple(self._note_exceptions(rule, members, found)),
            unknown=_reasons((name for term in tree.terms() for name in term.unknown), failed),
            absent=_reasons((name for term in tree.terms() for name in term.absent), failed),
        )

    def _decide(
        self, rule: Rule, members: Members, findings: Sequence[Finding], failed: frozenset[str]
    ) -> tuple[Truth, Term, MissingScores]:
        """Return the truth of the condition, its terms and what is missing, for the content that decides: the first for which it
        holds, else the first for which nobody knows, else the nearest.
        """
        answers: list[tuple[Truth, Term, MissingScores]] = []
        contents: list[Content | None] = [*self._evaluation.contents(rule, members)][:CONTENTS]
        for content in contents:
            truth, bound = self._evaluation.decided(rule.condition, findings, failed, content)
            tree = self._reader.tree(rule.condition, bound)
            answers.append((truth, tree, find_missing(tree, rule.condition, bound)))
        return min(answers, key=lambda each: (each[0] is not True, each[0] is not None, each[2].order))

    def _note_exceptions(
        self, rule: Rule, members: Members, counted: Sequence[tuple[int, Finding]]
    ) -> Iterator[ExceptionNote]:
        """Yield the findings that an exception removed, and those that it does not any more."""
        if not rule.exceptions:
            return
        items, request, known = self._evaluation.items, self._evaluation.request, set(counted)
        named = rule.condition.categories | rule.redact
        for index, finding in ((at, finding) for at in members for finding in items[at].findings):
            if named.isdisjoint(with_ancestors(finding.category)):
                continue
            for exception in rule.exceptions:
                gone = is_expired(exception, request)
                if gone is ((index, finding) in known) and is_covered(
                    exception, finding, self._evaluation.scene(rule, index)
                ):
                    number = self._findings.numbers.get((index, finding))
                    yield ExceptionNote(number, exception.id, exception.expires, gone)
                    break


def _state(truth: Truth, fired: RuleMatch | None) -> str:
    if fired is not None:
        return "undecided" if fired.reason == "error" else "fired"
    return {True: "nothing_to_redact", None: "undecided", False: "not_fired"}[truth]


def _reasons(names: Iterable[str], failed: frozenset[str]) -> Mapping[str, str]:
    """Return names without a value, each with the reason."""
    return {name: _why(name, failed) for name in dict.fromkeys(names)}


def _why(name: str, failed: frozenset[str]) -> str:
    for prefix, reason in WHO.items():
        if name.startswith(prefix):
            return reason
    detectors = ", ".join(sorted(failed))
    return f"a detector failed: {detectors}" if detectors else "it has no value here"
