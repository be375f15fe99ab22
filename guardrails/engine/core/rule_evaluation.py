"""Evaluates rules over findings: pure functions, no I/O, no clock but for the time that each rule takes.

Order of things (DESIGN §4.2): findings, exceptions remove findings, conditions, mode, the strictest action. A
rule is tried only if one of its categories was found or is unknown, or if it can hold without findings. A
category is unknown where a detector that gives it failed: then the condition is evaluated with that name
unbound, so that true fires, false does not, and what depends on the unknown follows the rule's `on_error`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from time import perf_counter

from guardrails.engine.conditions.bindings import (
    bind_names,
    context_value,
    evaluate_condition,
    hidden_categories,
    stages_of,
    unknown_names,
)
from guardrails.engine.conditions.exceptions import (
    FindingScene,
    Reread,
    RereadScores,
    apply_exceptions,
    find_reread,
)
from guardrails.engine.model import REDACTABLE_MEDIA, JudgedContent, Request, RuleMatch
from guardrails.engine.tools.tool_context import READS_ARGUMENTS
from guardrails.policy.compiled import CompiledPolicy, DetectionPlan, Rule, bind_single_finding
from guardrails.policy.condition import Condition
from guardrails.taxonomy import with_ancestors
from guardrails.types import Action, Content, Finding, Media, Text

PER_CONTENT = ("content.", "tool.", "message.")
"""Context leaves that differ within a message: what fills a slot of a system message is a user's."""

LONE = (None, None)
"""The message and choice of a content that belongs to none."""

MOST: Mapping[type, object] = {float: 1.0, int: 1 << 31}
"""The most that a score or a count can be."""


class Evaluation:
    """One evaluation of one policy over contents that were judged."""

    def __init__(
        self,
        policy: CompiledPolicy,
        items: Sequence[JudgedContent],
        request: Request,
        rereads: Mapping[Reread, RereadScores] | None = None,
    ) -> None:
        """Take what was judged; `rereads` is what detectors said of texts without the phrases of exceptions, and may grow."""
        self.policy = policy
        self.items = items
        self.request = request
        self.rereads = {} if rereads is None else rereads
        self._lenient = False
        # Few sets of detectors fail in one check, and thousands of contents may share each: what follows from a set is worked out
        # once, so that the cost is linear in contents.
        self._hidden: dict[frozenset[str], frozenset[str]] = {}
        self._unknown: dict[tuple[int, frozenset[str]], frozenset[str]] = {}
        self._undecided: dict[tuple[int, frozenset[str]], tuple[Rule, ...]] = {}
        self._without_findings: dict[
            tuple[int, frozenset[str]], tuple[bool | None, Mapping[str, object]]
        ] = {}

    def run(self, timings: dict[str, float] | None = None) -> list[RuleMatch]:
        """Return what fires, in no particular order; add to `timings` the milliseconds that each rule took, by its id."""
        fired: list[RuleMatch] = []
        timings = {} if timings is None else timings
        for rule, members in self.tries(self.candidates):
            started = perf_counter()
            fired += self.rule(rule, members)
            timings[rule.id] = timings.get(rule.id, 0.0) + (perf_counter() - started) * 1000.0
        return fired

    def run_certain(self) -> list[RuleMatch]:
        """Return what fires, and does all that it says, whatever the detectors that gave nothing so far may yet find.

        A rule of which nothing was found is not tried: false without findings, it is not true while they are open.
        """
        self._lenient = True  # an exception may yet come to hold
        return [
            fired
            for rule, members in self.tries(self.found_candidates)
            for fired in self.rule(rule, members)
            if fired.reason != "error" and fired.action is rule.then
        ]

    def tries(
        self, choose: Callable[[tuple[int, ...]], Iterable[Rule]]
    ) -> Iterator[tuple[Rule, tuple[int, ...]]]:
        """Yield rules with the contents that each looks at together, by index; `choose` says which rules may be tried on some."""
        messages: dict[tuple[int | None, int | None], list[int]] = {}
        for index, item in enumerate(self.items):
            message = (item.content.place.message, item.content.place.choice_index)
            lone = message == LONE
            for rule in () if item.across else choose((index,)):
                if rule.on_fail is not None and item.unformatted:
                    continue
                if rule.scope == "part" or (rule.scope == "message" and lone):
                    yield rule, (index,)
            if not lone:
                messages.setdefault(message, []).append(index)
        groups = [("message", tuple(members)) for members in messages.values()]
        if self.policy.joins_conversation:
            groups.append(("conversation", tuple(range(len(self.items)))))
        for scope, members in groups:
            for rule in choose(members):
                if rule.scope == scope:
                    own = tuple(i for i in members if rule.on.intersection(stages_of(self.items[i].content)))
                    yield rule, own

    def candidates(self, members: tuple[int, ...]) -> tuple[Rule, ...]:
        """Return the rules that may fire on these contents, each once."""
        found = {id(rule): rule for rule in self.found_candidates(members)}
        for item in [self.items[index] for index in members]:
            if item.unknown:
                found.update((id(rule), rule) for rule in self.undecided(item.plan, item.unknown))
        return tuple(found.values())

    def found_candidates(self, members: tuple[int, ...]) -> tuple[Rule, ...]:
        """Return the rules that may fire on these contents for what was found in them, or without anything found, each once."""
        found: dict[int, Rule] = {}
        for index in members:
            item = self.items[index]
            if not item.again or item.findings or item.unknown:
                found.update((id(rule), rule) for rule in item.plan.always)
            for finding in item.findings:
                for name in with_ancestors(finding.category):
                    found.update((id(rule), rule) for rule in item.plan.by_category.get(name, ()))
        return tuple(found.values())

    def undecided(self, plan: DetectionPlan, failed: frozenset[str]) -> tuple[Rule, ...]:
        """Return the rules of a plan whose conditions read a value that a failed detector hides."""
        key = (id(plan), failed)
        if key not in self._undecided:
            self._undecided[key] = tuple(rule for rule in plan.rules if self.unknown(rule.condition, failed))
        return self._undecided[key]

    def hidden(self, failed: frozenset[str]) -> frozenset[str]:
        """Return the categories, parents too, that failed detectors would have given."""
        if failed not in self._hidden:
            self._hidden[failed] = hidden_categories(self.policy, failed)
        return self._hidden[failed]

    def unknown(self, condition: Condition, failed: frozenset[str]) -> frozenset[str]:
        """Return the variables of a condition whose value a failed detector hides."""
        if not failed:
            return failed
        key = (id(condition), failed)
        if key not in self._unknown:
            self._unknown[key] = unknown_names(condition, self.hidden(failed), failed)
        return self._unknown[key]

    def rule(self, rule: Rule, members: tuple[int, ...]) -> Iterator[RuleMatch]:
        """Try one rule on contents that it looks at together."""
        found = [(index, finding) for index in members for finding in self.counted(rule, index)]
        failed = frozenset().union(*(self.items[index].unknown for index in members))
        findings = [self.located(index, finding) for index, finding in found]
        unsure = False
        for content in self.contents(rule, members):
            holds = self.holds(rule.condition, findings, failed, content)
            if holds:
                if (fires := self.fires(rule, members, found, content)) is not None:
                    yield fires
                # What a failed detector would have found is not redacted.
                unsure = not rule.redact.isdisjoint(self.hidden(failed))
                break
            unsure = unsure or holds is None
        if unsure and rule.on_error is not Action.ALLOW:
            blamed = tuple(index for index in members if self.items[index].unknown)
            reason = "unsound_arguments" if not failed and self.reads_unsound(rule, members) else "error"
            hiding = frozenset(name for name in failed if self.hides(name, rule))
            yield RuleMatch(rule, rule.on_error, reason, blamed or members, failed=hiding)

    def hides(self, detector: str, rule: Rule) -> bool:
        """Tell whether a detector's failure hides what a rule reads or redacts."""
        hidden = self.hidden(frozenset((detector,)))
        return not (hidden.isdisjoint(rule.condition.categories) and hidden.isdisjoint(rule.redact))

    def reads_unsound(self, rule: Rule, members: tuple[int, ...]) -> bool:
        """Tell whether a rule reads the arguments of a call that are no JSON, or could be read in two ways."""
        tools = self.request.tool_context
        return (
            tools is not None
            and not READS_ARGUMENTS.isdisjoint(rule.condition.context)
            and any(tools.is_unsound(self.items[index].content) for index in members)
        )

    def located(self, index: int, finding: Finding) -> Finding:
        """Return a finding in what fills a slot as one in the text around, where it counts once."""
        start = self.items[index].start
        if not start or finding.span is None:
            return finding
        return replace(finding, span=(finding.span[0] + start, finding.span[1] + start))

    def contents(self, rule: Rule, members: tuple[int, ...]) -> Iterable[Content | None]:
        """Return the contents whose context a condition is tried with: a message may call several tools."""
        if rule.scope == "conversation":
            return (None,)
        if len(members) == 1 or not any(name.startswith(PER_CONTENT) for name in rule.condition.context):
            return (self.items[members[0]].content,)
        return [self.items[index].content for index in members]

    def holds(
        self,
        condition: Condition,
        findings: Sequence[Finding],
        failed: frozenset[str],
        content: Content | None,
    ) -> bool | None:
        """Evaluate a condition; None where failed detectors leave it open, or a value that CEL cannot take."""
        return self.decided(condition, findings, failed, content)[0]

    def decided(
        self,
        condition: Condition,
        findings: Sequence[Finding],
        failed: frozenset[str],
        content: Content | None,
    ) -> tuple[bool | None, Mapping[str, object]]:
        """Evaluate a condition; return the answer, and the values of names that it is the answer for."""
        if findings or condition.context:
            return self._decide(condition, findings, failed, content)
        key = (id(condition), failed)
        if key not in self._without_findings:
            self._without_findings[key] = self._decide(condition, findings, failed, content)
        return self._without_findings[key]

    def _decide(
        self,
        condition: Condition,
        findings: Sequence[Finding],
        failed: frozenset[str],
        content: Content | None,
    ) -> tuple[bool | None, Mapping[str, object]]:
        unknown = self.unknown(condition, failed)
        bound = bind_names(condition, findings, unknown, content, self.request)
        answer = evaluate_condition(condition, bound)
        if answer is not None or not unknown:
            return answer, bound
        # Another detector may have found enough already: true for its score and for the highest that there
        # is.
        least = bind_names(condition, findings, frozenset(), content, self.request)
        known = {name: value for name, value in least.items() if name not in unknown or value}
        if known.keys() == bound.keys() or evaluate_condition(condition, known) is not True:
            return None, bound
        most = known | {name: MOST[type(known[name])] for name in unknown.intersection(known)}
        return (True, known) if evaluate_condition(condition, most) else (None, bound)

    def fires(
        self, rule: Rule, members: tuple[int, ...], found: list[tuple[int, Finding]], content: Content | None
    ) -> RuleMatch | None:
        """Return what a rule does whose condition holds, None where it has nothing to redact."""
        categories = rule.condition.categories
        named = tuple(pair for pair in found if not categories.isdisjoint(with_ancestors(pair[1].category)))
        # What is far below the threshold is no reason, where something else is reason enough.
        grounds = tuple(pair for pair in named if self.is_enough(rule, pair[1], content)) or named
        members = tuple(dict.fromkeys(index for index, _ in grounds)) or members
        if rule.then is not Action.REDACT:
            return RuleMatch(rule, rule.then, "matched", members, grounds)
        replace = tuple(pair for pair in found if self.is_redacted(rule, pair[1], content))
        if not replace and not rule.alone:
            return None
        if not replace or not all(self.can_replace(*pair) for pair in replace):
            # Nothing that could be replaced: what the rule found must not go on as it is.
            return RuleMatch(rule, Action.BLOCK, "matched", members, grounds)
        return RuleMatch(rule, Action.REDACT, "matched", members, grounds, replace)

    def can_replace(self, index: int, finding: Finding) -> bool:
        """Tell whether a finding says what to replace: a stretch of a text, or of what was opened a box, a clip or all of it."""
        content = self.items[index].content
        if isinstance(content, Media):
            return isinstance(content.source, REDACTABLE_MEDIA)
        return finding.span is not None

    def is_redacted(self, rule: Rule, finding: Finding, content: Content | None) -> bool:
        """Tell whether the rule replaces this finding."""
        if rule.redact.isdisjoint(with_ancestors(finding.category)):
            return False
        return not rule.alone or self.is_enough(rule, finding, content)

    def is_enough(self, rule: Rule, finding: Finding, content: Content | None) -> bool:
        """Tell whether the rule fires for this finding alone."""
        bound = bind_single_finding(rule.condition, finding.category, finding.score, finding.detector)
        bound.update(rule.condition.bind_context(lambda name: context_value(name, content, self.request)))
        return evaluate_condition(rule.condition, bound) is True

    def counted(self, rule: Rule, index: int) -> Sequence[Finding]:
        """Return the findings in a content as they count for this rule: exceptions take some away."""
        findings = self.items[index].findings
        if not rule.exceptions or not findings:
            return findings
        scene = self.scene(rule, index)
        counted = (apply_exceptions(rule, finding, scene) for finding in findings)
        return [finding for finding in counted if finding is not None]

    def scene(self, rule: Rule, index: int) -> FindingScene:
        """Return what the exceptions of a rule are decided by in a content."""
        item = self.items[index]
        conditions = [each.condition for each in rule.exceptions if each.condition is not None]
        unknown = {id(each): self.unknown(each, item.unknown) for each in conditions} if item.unknown else {}
        return FindingScene(
            item.content, self.request, item.findings, unknown, self._lenient, rereads=self.rereads
        )

    def find_rereads(self) -> dict[Reread, Text]:
        """Return what is to be judged again without the phrases of exceptions, each with the text that it is of."""
        wanted: dict[Reread, Text] = {}
        for rule in self.policy.rules:
            if not any(each.matches is not None for each in rule.exceptions):
                continue
            named = rule.condition.categories | rule.redact
            for index, item in enumerate(self.items):
                content = item.content
                if (
                    not item.findings
                    or not isinstance(content, Text)
                    or rule.on.isdisjoint(stages_of(content))
                ):
                    continue
                scene = self.scene(rule, index)
                for finding in item.findings:
                    if named.isdisjoint(with_ancestors(finding.category)):
                        continue
                    reread = find_reread(rule, finding, scene)
                    if reread is not None and reread not in self.rereads:
                        wanted[reread] = content
        return wanted
