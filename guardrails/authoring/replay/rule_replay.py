"""One rule over what a record says: whether it fires and what it does, or between what that lies.

The engine's own evaluation is asked (`rule_evaluation`), with what is not known as it has what failed. What may be one way or the
other (an exception for a text that nobody kept, a part that may be there) is tried both ways, and known where both agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, product
from typing import Final

from guardrails.authoring.replay.logged_detection import LoggedDetection, LoggedPart
from guardrails.engine.conditions.exceptions import FindingScene, is_covered, is_expired, is_judged
from guardrails.engine.core.history import KEPT
from guardrails.engine.core.rule_evaluation import Evaluation
from guardrails.engine.model import JudgedContent, RuleMatch
from guardrails.policy.compiled import CompiledPolicy, ExceptionRule, Rule
from guardrails.taxonomy import with_ancestors
from guardrails.types import Action, Finding, Mode

SILENT: Final = -1
"""Stands for the action of a rule that does not fire."""

MOST_OPEN: Final = 5
"""Findings of one rule that an exception may be for, each of which is tried both ways."""

DECIDABLE: Final = frozenset({"request.tenant", "request.model"})


@dataclass(frozen=True, slots=True)
class RuleAnswer:
    """What a rule does: from `least` to `most`, which are the same where it is known, `SILENT` where it does not fire, and `why`
    it is not known. `unavailable`: it stops the content because a detector failed. `removes`: it leaves earlier turns out.
    """

    least: int
    most: int
    why: frozenset[str] = frozenset()
    unavailable: bool = False
    removes: bool = False

    @property
    def is_known(self) -> bool:
        """Whether it is known."""
        return self.least == self.most


QUIET: Final = RuleAnswer(SILENT, SILENT)


def join_worst(answers: Iterable[RuleAnswer]) -> RuleAnswer:
    """Return what several matches of one rule come to together: the strictest."""
    found = [*answers]
    if not found:
        return QUIET
    return RuleAnswer(
        max(each.least for each in found),
        max(each.most for each in found),
        frozenset().union(*(each.why for each in found)),
        any(each.unavailable for each in found),
        any(each.removes for each in found),
    )


def join_ways(answers: Sequence[RuleAnswer], why: str) -> RuleAnswer:
    """Return what is known where one of several answers holds and nobody knows which, and that this is `why`."""
    least, most = min(each.least for each in answers), max(each.most for each in answers)
    reasons = frozenset().union(*(each.why for each in answers))
    differ = any((each.least, each.most) != (least, most) for each in answers)
    return RuleAnswer(
        least,
        most,
        reasons | {why} if differ else reasons,
        any(each.unavailable for each in answers),
        any(each.removes for each in answers),
    )


class RuleReplay:
    """A rule of a policy, ready to be tried on records.

    Args:
        policy: the policy.
        rule: the rule.
        keeps_history: a turn that is blocked is not left out, but blocks the whole.
    """

    def __init__(self, policy: CompiledPolicy, rule: Rule, *, keeps_history: bool) -> None:
        self.rule = rule
        self._policy, self._keeps_history = policy, keeps_history
        self._made: dict[frozenset[str], CompiledPolicy] = {}
        self._names = rule.reads
        self._readers = [
            bound
            for bound in policy.detectors
            if any(not self._names.isdisjoint(with_ancestors(each)) for each in bound.categories)
        ]
        self._most = Action.BLOCK if rule.then is Action.REDACT else max(rule.then, rule.on_error)

    def answer(self, logged: LoggedDetection) -> RuleAnswer:
        """Return what the rule does with what a record says."""
        rule = self.rule
        if not any(rule.on.intersection(stages) for stages in logged.stages):
            return QUIET
        sure, may_be = self._choose_parts(logged)
        if not may_be:
            return self._over(sure, logged)
        return join_ways([self._over(sure, logged), self._over([*sure, *may_be], logged)], "contents")

    def _choose_parts(self, logged: LoggedDetection) -> tuple[list[LoggedPart], list[LoggedPart]]:
        """Return the parts that there are, and those that there may be."""
        sure, may_be = [*logged.parts], list[LoggedPart]()
        for part, is_sure in logged.empty_parts():
            if self.rule.needs_findings and not self._unknown(logged, part):
                continue  # nothing can come of it
            whole = self.rule.scope == "conversation" or not logged.parts
            (sure if whole or (is_sure and self.rule.scope == "part") else may_be).append(part)
        return sure, may_be

    def _unknown(self, logged: LoggedDetection, part: LoggedPart) -> frozenset[str]:
        """Return the detectors that the rule reads of which the record does not say what they found in a part."""
        alone = self.rule.scope == "part"  # others may stand beside it in the same message
        read = [
            each for each in ([part.stages] if alone else logged.stages) if self.rule.on.intersection(each)
        ]
        across = part.across or (self.rule.scope == "conversation" and logged.may_join)
        return frozenset(
            bound.name
            for bound in self._readers
            if not all(logged.knows(bound, stages, across=across) for stages in read)
        )

    def _over(self, parts: Sequence[LoggedPart], logged: LoggedDetection) -> RuleAnswer:
        """Return what the rule does with these parts, whatever its exceptions take away."""
        kept: list[list[Finding]] = []
        open_: list[tuple[int, Finding]] = []
        for index, part in enumerate(parts):
            unknown = self._unknown(logged, part)
            names = {bound.name for bound in self._readers} - unknown
            kept.append([])
            for finding in part.findings if not self.rule.on.isdisjoint(part.stages) else ():
                if finding.detector not in names:
                    continue
                excepted = self._is_excepted(finding, part, logged)
                if excepted is None:
                    open_.append((index, finding))
                elif not excepted:
                    kept[index].append(finding)
        if len(open_) > MOST_OPEN or any(self._may_count_less(finding) for _, finding in open_):
            return RuleAnswer(SILENT, self._most, frozenset({"exception"}))
        answers = []
        for chosen in product((False, True), repeat=len(open_)):
            found = [*map(list, kept)]
            for (index, finding), counts in zip(open_, chosen, strict=True):
                if counts:
                    found[index].append(finding)
            judged = [replace(part, findings=tuple(own)) for part, own in zip(parts, found, strict=True)]
            answers.append(self._judge(judged, logged))
        return join_ways(answers, "exception")

    def _may_count_less(self, finding: Finding) -> bool:
        """Tell whether a finding may count for what a model says without a phrase: neither as it is nor not at all."""
        return any(each.matches is not None and is_judged(each, finding) for each in self.rule.exceptions)

    def _is_excepted(self, finding: Finding, part: LoggedPart, logged: LoggedDetection) -> bool | None:
        """Tell whether an exception is for a finding; None where that depends on the text, or on who asked."""
        answer: bool | None = False
        for exception in self.rule.exceptions:
            if is_expired(exception, logged.request):
                continue
            goes_by_text = exception.matches is not None or exception.near is not None
            is_open = goes_by_text or _reads_more(exception)
            condition = None if _reads_more(exception) else exception.condition
            least = replace(exception, matches=None, near=None, condition=condition)
            if is_covered(least, finding, FindingScene(part.content(0), logged.request)):
                if not is_open:
                    return True
                answer = None
        return answer

    def _judge(self, parts: Sequence[LoggedPart], logged: LoggedDetection) -> RuleAnswer:
        """Return what the rule does with parts of which all is known but what failed or nobody looked for."""
        context, unknown = logged.context, [self._unknown(logged, part) for part in parts]
        if any(unknown):  # it may be in a text that stands encoded in this one, which is shorter
            context -= {"content.length"}
        if all(part.role is not None for part in parts):
            context |= {"message.role"}
        policy = self._policy_with(context)
        items = []
        for number, (part, open_) in enumerate(zip(parts, unknown, strict=True)):
            found = tuple(replace(each, path=f"/{number}") for each in part.findings)
            items.append(
                JudgedContent(
                    part.content(logged.characters or 0),
                    policy.plan(part.stages, across=part.across),
                    found,
                    open_,
                    again=part.derived,
                    across=part.across,
                )
            )
        if self._counts_unsurely(parts):
            return RuleAnswer(SILENT, self._most, frozenset({"count"}))
        matches = Evaluation(policy, items, logged.request).run()
        return join_worst(self._read_match(each, parts, logged, context) for each in matches)

    def _policy_with(self, context: frozenset[str]) -> CompiledPolicy:
        """Return a policy that has this rule alone, which reads no other context, takes its exceptions as made, and says of
        everything that is undecided that it is.
        """
        known = context.intersection(self.rule.condition.context)
        made = self._made.get(known)
        if made is None:
            condition = replace(
                self.rule.condition,
                context=tuple(name for name in self.rule.condition.context if name in known),
                presence=tuple(each for each in self.rule.condition.presence if each[1] in known),
            )
            alone = replace(self.rule, condition=condition, on_error=Action.BLOCK, exceptions=())
            made = self._made[known] = replace(self._policy, rules=(alone,), _plans={})
        return made

    def _counts_unsurely(self, parts: Iterable[LoggedPart]) -> bool:
        """Tell whether the rule counts findings of which a record does not tell how many they were: those in what stood encoded,
        and those without a span.
        """
        counted = {category for _, category in self.rule.condition.counts}
        return bool(counted) and any(
            (part.derived or finding.span is None)
            and not counted.isdisjoint(with_ancestors(finding.category))
            for part in parts
            for finding in part.findings
        )

    def _read_match(
        self,
        match: RuleMatch,
        parts: Sequence[LoggedPart],
        logged: LoggedDetection,
        context: frozenset[str],
    ) -> RuleAnswer:
        rule, members = self.rule, [parts[index] for index in match.members]
        is_open = not context.issuperset(rule.condition.context)
        if rule.on_fail is not None:
            return RuleAnswer(SILENT, Action.BLOCK, frozenset({"repair"}))
        if match.reason != "matched":
            return self._read_undecided(match, members, logged, is_open=is_open)
        if match.action is Action.BLOCK and rule.then is Action.REDACT:
            # In a picture, or in what stood encoded, there was something to replace all the same.
            unsure = is_open or logged.has_media or any(part.derived for part in members)
            blocks = self._read_block(match, members, logged)
            return replace(blocks, least=Action.REDACT, why=blocks.why | {"edit"}) if unsure else blocks
        if match.action is Action.BLOCK:
            return self._read_block(match, members, logged)
        if match.action is Action.REDACT:
            changed = [parts[index] for index, _ in match.replace]
            if is_open or not all(part.editable for part in changed):
                return RuleAnswer(Action.REDACT, Action.BLOCK, frozenset({"edit"}))
        return RuleAnswer(match.action, match.action)

    def _read_undecided(
        self, match: RuleMatch, members: Sequence[LoggedPart], logged: LoggedDetection, *, is_open: bool
    ) -> RuleAnswer:
        """Return what the rule does whose condition cannot be decided: as its `on_error` says, where it could not be then."""
        on_error = self.rule.on_error
        level = SILENT if on_error is Action.ALLOW else int(on_error)
        if is_open:
            return RuleAnswer(SILENT, self._most, frozenset({"context"}))
        if not match.failed:  # what it reads was not there
            is_block = on_error is Action.BLOCK
            return self._read_block(match, members, logged) if is_block else RuleAnswer(level, level)
        exact = logged.is_single and not any(part.derived for part in logged.parts)
        failed = {
            bound.name
            for bound in self._readers
            if bound.name in logged.failed
            and all(logged.asked(bound, stages, across=False) for stages in logged.stages)
        }
        if exact and match.failed <= failed:
            return RuleAnswer(level, level, unavailable=on_error is Action.BLOCK)
        return RuleAnswer(SILENT, self._most, frozenset({"detector"}))

    def _read_block(
        self, match: RuleMatch, members: Sequence[LoggedPart], logged: LoggedDetection
    ) -> RuleAnswer:
        """Return what a block comes to: of earlier turns alone, it leaves them out."""
        block = RuleAnswer(Action.BLOCK, Action.BLOCK)
        if self._keeps_history or not logged.current or self.rule.mode is Mode.SHADOW:
            return block
        open_ = self.rule.scope == "conversation" and not match.grounds
        if any(part.across or not part.is_found for part in members):
            open_ = True
        elif not all(_is_removable(part, logged) for part in members):
            return block
        if open_:
            return RuleAnswer(Action.REDACT, Action.BLOCK, frozenset({"history"}), removes=True)
        return RuleAnswer(Action.REDACT, Action.REDACT, removes=True)


def _is_removable(part: LoggedPart, logged: LoggedDetection) -> bool:
    """Tell whether a part is of an earlier turn that can be left out."""
    return part.message is not None and part.message < logged.current and part.role not in KEPT


def _reads_more(exception: ExceptionRule) -> bool:
    """Tell whether an exception asks for what no record has, or for what else was found, which may not be all that there was."""
    condition = exception.condition
    return condition is not None and bool(
        condition.categories or DECIDABLE.union(condition.context) != DECIDABLE
    )


def make_rules(policies: Sequence[CompiledPolicy]) -> Iterator[RuleReplay]:
    """Yield the rules of policies that judge together."""
    keeps = any(policy.history == "block" for policy in policies)
    pairs = chain.from_iterable(((policy, rule) for rule in policy.rules) for policy in policies)
    return (RuleReplay(policy, rule, keeps_history=keeps) for policy, rule in pairs)
