"""Rules × findings → what fires: pure functions, no I/O, no clock.

Order of things (DESIGN §4.2): findings, exceptions remove findings, conditions, mode, the strictest action. A rule
is tried only if one of its categories was found or is unknown, or if it can hold without findings. A category is
unknown where a detector that gives it failed: then the condition is evaluated with that name unbound, so that true
fires, false does not, and what depends on the unknown follows the rule's `on_error`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from guardrails.policy.compile import CompiledPolicy, Plan, Rule, alone
from guardrails.policy.condition import Condition
from guardrails.taxonomy import with_ancestors
from guardrails.text import folded
from guardrails.types import Action, Content, Finding, Stage, Text

ROLES: Mapping[Stage, str] = {
    Stage.INPUT: "user",
    Stage.OUTPUT: "assistant",
    Stage.TOOL_DEFINITION: "system",
    Stage.TOOL_CALL: "assistant",
    Stage.TOOL_RESULT: "tool",
    Stage.RETRIEVAL: "tool",
}
"""The role of a content that comes without one."""


@dataclass(frozen=True, slots=True)
class Request:
    """Who asks and for what, as conditions may read it. `user` and `tenant` come from authentication or from the
    library's caller, `client` and `metadata` from the client itself. `today` is an ISO date, for exceptions."""

    user: Mapping[str, Any] = field(default_factory=dict)
    tenant: str | None = None
    client: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] | None = None
    model: str | None = None
    turns: int = 1
    today: str = ""

    @property
    def language(self) -> str | None:
        """The language that the client asks for, if it says one."""
        language = self.client.get("language")
        return language if isinstance(language, str) else None


@dataclass(frozen=True, slots=True)
class Judged:
    """A content and what detectors said of it. `unknown` are the detectors that failed; `joined` marks a text that
    is made of parts which are judged as well, `across` that these are of several messages."""

    content: Content
    plan: Plan
    findings: tuple[Finding, ...] = ()
    unknown: frozenset[str] = frozenset()
    joined: bool = False
    across: bool = False


@dataclass(frozen=True, slots=True)
class Fired:
    """A rule that fires on some contents (`members`, by index). `replace` are the findings to redact in each."""

    rule: Rule
    action: Action
    reason: str
    members: tuple[int, ...]
    replace: tuple[tuple[int, Finding], ...] = ()


def leaf_value(name: str, content: Content | None, request: Request) -> object:
    """Return the value of a context leaf, or None where it has none."""
    head, _, rest = name.partition(".")
    if head == "request":
        group, _, key = rest.partition(".")
        if group in {"user", "client"}:
            return (request.user if group == "user" else request.client).get(key)
        return {"tenant": request.tenant, "model": request.model, "metadata": request.metadata}[group]
    if head == "conversation":
        return request.turns
    assert content is not None  # the loader keeps these leaves out of conversation scope
    place = content.place
    if name == "tool.name":
        return place.tool or ""
    if name == "message.role":
        return place.role or ROLES[place.stage]
    if name == "content.length":
        return len(content.text) if isinstance(content, Text) else 0
    return "und" if name == "content.language" else content.kind


def bind(
    condition: Condition,
    findings: Iterable[Finding],
    unknown: frozenset[str],
    content: Content | None,
    request: Request,
) -> dict[str, object]:
    """Bind the names that a condition uses: scores to the highest in scope, counts, context. What is unknown stays out."""
    bound = condition.zeros()
    for finding in findings:
        names = with_ancestors(finding.category)
        for name in condition.scores:
            if name in names and finding.score > bound[name]:  # type: ignore[operator] # zeros() made it a float
                bound[name] = finding.score
        for variable, category in condition.counts:
            if category in names:
                bound[variable] += 1  # type: ignore[operator] # zeros() made it an int
        for variable, detector, category in condition.detectors:
            if detector == finding.detector and category in names and finding.score > bound[variable]:  # type: ignore[operator] # a float
                bound[variable] = finding.score
    for name in unknown:
        bound.pop(name, None)
    for name in condition.context:
        value = leaf_value(name, content, request)
        if value is not None:
            bound[name] = value
    return bound


def unknown_names(policy: CompiledPolicy, condition: Condition, failed: frozenset[str]) -> frozenset[str]:
    """Return the variables of a condition whose value a failed detector hides."""
    names: set[str] = set()
    for detector in policy.detectors:
        if detector.name not in failed:
            continue
        hidden = {name for category in detector.categories for name in with_ancestors(category)}
        names |= hidden.intersection(condition.scores)
        names |= {variable for variable, category in condition.counts if category in hidden}
        names |= {variable for variable, by, _ in condition.detectors if by == detector.name}
    return frozenset(names)


class Evaluation:
    """One evaluation of one policy over contents that were judged."""

    def __init__(self, policy: CompiledPolicy, items: Sequence[Judged], request: Request, *, exempt: bool = True) -> None:
        self.policy = policy
        self.items = items
        self.request = request
        self.exempt = exempt

    def run(self) -> list[Fired]:
        """Return what fires, in no particular order."""
        fired: list[Fired] = []
        messages: dict[int | None, list[int]] = {}
        for index, item in enumerate(self.items):
            for rule in () if item.across else self.candidates((index,)):
                if rule.scope == "part" or (rule.scope == "message" and item.content.place.message is None):
                    fired.extend(self.rule(rule, (index,)))
            if item.content.place.message is not None:
                messages.setdefault(item.content.place.message, []).append(index)
        for members in messages.values():
            fired.extend(self.group("message", tuple(members)))
        if self.policy.joins_conversation:
            fired.extend(self.group("conversation", tuple(range(len(self.items)))))
        return fired

    def group(self, scope: str, members: tuple[int, ...]) -> Iterator[Fired]:
        """Try the rules that look at several contents together."""
        for rule in self.candidates(members):
            if rule.scope == scope:
                own = tuple(i for i in members if rule in self.items[i].plan.rules)
                yield from self.rule(rule, own)

    def candidates(self, members: tuple[int, ...]) -> tuple[Rule, ...]:
        """Return the rules that may fire on these contents, each once."""
        found: dict[int, Rule] = {}
        for index in members:
            item = self.items[index]
            if not item.joined or item.findings or item.unknown:
                found.update((id(rule), rule) for rule in item.plan.always)
            for finding in item.findings:
                for name in with_ancestors(finding.category):
                    found.update((id(rule), rule) for rule in item.plan.by_category.get(name, ()))
            if item.unknown:
                found.update(
                    (id(rule), rule)
                    for rule in item.plan.rules
                    if unknown_names(self.policy, rule.condition, item.unknown)
                )
        return tuple(found.values())

    def rule(self, rule: Rule, members: tuple[int, ...]) -> Iterator[Fired]:
        """Try one rule on contents that it looks at together."""
        found = [(index, finding) for index in members for finding in self.counted(rule, index)]
        failed = frozenset().union(*(self.items[index].unknown for index in members))
        unknown = unknown_names(self.policy, rule.condition, failed) if failed else failed
        content = None if rule.scope == "conversation" else self.items[members[0]].content
        bound = bind(rule.condition, (finding for _, finding in found), unknown, content, self.request)
        truth = rule.condition.evaluate(bound)
        if truth is None and rule.on_error is not Action.ALLOW:
            yield Fired(rule, rule.on_error, "error", members)
        elif truth:
            yield self.fires(rule, members, found, content)

    def fires(
        self, rule: Rule, members: tuple[int, ...], found: list[tuple[int, Finding]], content: Content | None
    ) -> Fired:
        if rule.then is not Action.REDACT:
            return Fired(rule, rule.then, "matched", members)
        replace = tuple(pair for pair in found if self.is_redacted(rule, pair[1], content))
        if not replace or any(finding.span is None for _, finding in replace):
            # Nothing that could be replaced: what the rule found must not go on as it is.
            return Fired(rule, Action.BLOCK, "matched", members)
        return Fired(rule, Action.REDACT, "matched", members, replace)

    def is_redacted(self, rule: Rule, finding: Finding, content: Content | None) -> bool:
        """Tell whether the rule replaces this finding."""
        if rule.redact.isdisjoint(with_ancestors(finding.category)):
            return False
        if not rule.alone:
            return True
        bound = alone(rule.condition, finding.category, finding.score, finding.detector)
        for name in rule.condition.context:
            value = leaf_value(name, content, self.request)
            if value is not None:
                bound[name] = value
        return rule.condition.evaluate(bound) is True

    def counted(self, rule: Rule, index: int) -> Sequence[Finding]:
        """Return the findings in a content that no exception removes for this rule."""
        findings = self.items[index].findings
        if not rule.exceptions or not self.exempt or not findings:
            return findings
        return [finding for finding in findings if not self.is_excepted(rule, finding, self.items[index].content)]

    def is_excepted(self, rule: Rule, finding: Finding, content: Content) -> bool:
        for exception in rule.exceptions:
            if exception.expires is not None and exception.expires < self.request.today:
                continue
            if exception.categories is not None and exception.categories.isdisjoint(with_ancestors(finding.category)):
                continue
            if exception.matches is not None:
                if finding.span is None or not isinstance(content, Text):
                    continue
                if folded(content.text[slice(*finding.span)]).text not in exception.matches:
                    continue
            if exception.condition is not None:
                bound = bind(exception.condition, (), frozenset(), content, self.request)
                if exception.condition.evaluate(bound) is not True:
                    continue
            return True
        return False
