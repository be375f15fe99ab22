"""What fired and what was left unchecked → the outcome of a check: action, rules, edits, and turns to take out.

An earlier turn that is blocked must not poison a conversation for ever: with `history: remove` its exchange is left
out, and the action is a redaction. What blocks in the current turn, or outside turns, blocks the whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from guardrails.engine import actions
from guardrails.engine.detect import Round
from guardrails.engine.evaluate import Fired, Request
from guardrails.engine.fields import Leaves
from guardrails.policy.compile import CompiledPolicy
from guardrails.types import (
    Action,
    Coverage,
    DetectorFailure,
    Finding,
    FiredRule,
    KindCoverage,
    Mode,
    Place,
    Severity,
    Text,
    Unchecked,
)


@dataclass(slots=True)
class Outcome:
    """Everything that a verdict says, and what shapes of content need to apply it: the new texts of leaves (`edits`),
    the leaves that block (`blocked`), and the messages to leave out (`removed`)."""

    action: Action
    rules: tuple[FiredRule, ...]
    shadow: tuple[FiredRule, ...]
    findings: tuple[Finding, ...]
    coverage: Coverage
    errors: tuple[DetectorFailure, ...]
    complete: bool
    edits: Mapping[int, str] = field(default_factory=dict)
    blocked: frozenset[int] = frozenset()
    removed: tuple[int, ...] = ()
    timings: dict[str, float] = field(default_factory=dict)


NO_BLOCKS: frozenset[int] = frozenset()


class _Rules:
    """The rules of a verdict, each once, with the strictest that it did."""

    def __init__(self, language: str | None) -> None:
        self._language = language
        self._found: dict[tuple[str, Mode], tuple[tuple[int, int, int], FiredRule]] = {}

    def add(self, each: Fired, action: Action) -> None:
        rule = each.rule
        self.put(rule.fired(action, each.reason, self._language), rule.order)

    def put(self, fired: FiredRule, order: tuple[int, int]) -> None:
        key = (-fired.action, *order)
        known = self._found.get((fired.id, fired.mode))
        if known is None or key < known[0]:
            self._found[fired.id, fired.mode] = (key, fired)

    def of(self, mode: Mode) -> tuple[FiredRule, ...]:
        rows = sorted((key, fired.id, fired) for (_, kind), (key, fired) in self._found.items() if kind is mode)
        return tuple(fired for _, _, fired in rows)


def settle(
    policies: Sequence[CompiledPolicy],
    leaves: Leaves,
    round_: Round,
    fired: Sequence[Sequence[Fired]],
    request: Request,
    *,
    complete: bool,
) -> Outcome:
    """Put together the outcome of a check."""
    unchecked = [(entry, leaves.found[index].content.place, index) for entry, index in round_.not_judged()]
    unchecked += [(entry, place, -1) for entry, place in leaves.unchecked]
    coverage = _coverage(leaves, unchecked)
    everything = [each for some in fired for each in some]
    if not everything and not unchecked:
        return Outcome(
            Action.ALLOW, (), (), _findings(policies, round_), coverage, tuple(round_.failures()), complete,
            timings=round_.timings,
        )  # fmt: skip
    history = "block" if any(policy.history == "block" for policy in policies) else "remove"
    rules = _Rules(request.language)
    enforced = [each for each in everything if each.rule.mode is Mode.ENFORCE]
    for each in everything:
        if each.rule.mode is Mode.SHADOW:
            rules.add(each, each.action)
    edits, refused = actions.edits(leaves.found, (each for each in enforced if each.replace))
    enforced += refused
    blocked: set[int] = set()
    removed: set[int] = set()
    action = Action.ALLOW
    for each in enforced:
        effect = each.action
        places = [leaves.found[index].content.place for index in each.members]
        if effect is Action.BLOCK and history == "remove" and (gone := _removable(places, leaves)):
            removed |= gone
            effect = Action.REDACT
        elif effect is Action.BLOCK:
            blocked.update(each.members)
        rules.add(each, effect)
        action = max(action, effect)
    for entry, place, index in unchecked:
        effect = max(policy.unchecked[entry.kind] for policy in policies)
        if effect is Action.BLOCK and history == "remove" and (gone := _removable([place], leaves)):
            removed |= gone
            effect = Action.REDACT
        elif effect is Action.BLOCK:
            blocked.add(index)
        if effect is not Action.ALLOW:
            rules.put(_unchecked_rule(entry, effect), (-Severity.HIGH, 1_000_000))
        action = max(action, effect)
    return Outcome(
        action=action,
        rules=rules.of(Mode.ENFORCE),
        shadow=rules.of(Mode.SHADOW),
        findings=_findings(policies, round_),
        coverage=coverage,
        errors=tuple(round_.failures()),
        complete=complete,
        edits={index: text for index, text in edits.items() if leaves.found[index].content.place.message not in removed},
        blocked=frozenset(blocked),
        removed=tuple(sorted(removed)),
        timings=round_.timings,
    )


def _unchecked_rule(entry: Unchecked, action: Action) -> FiredRule:
    return FiredRule(
        f"unchecked.{entry.kind}", action, None, Severity.HIGH, ("unchecked",), Mode.ENFORCE, "unchecked"
    )


def _removable(places: Iterable[Place], leaves: Leaves) -> set[int]:
    """Return the messages to leave out so that all these places are gone; empty if one of them must stay.

    A user's turn goes with all that answers it; an answer goes with the rest of its exchange but the user's turn, so
    that calls and their results stay in pairs and the conversation stays one that a model accepts.
    """
    gone: set[int] = set()
    for place in places:
        message = place.message
        if message is None or message >= leaves.current_from or leaves.roles[message] in {"system", "developer"}:
            return set()
        roles = leaves.roles
        first = message
        while first > 0 and roles[first] != "user":
            first -= 1
        last = message + 1
        while last < len(roles) and roles[last] != "user":
            last += 1
        gone |= {
            index
            for index in range(first, last)
            if roles[index] not in {"system", "developer"} and (roles[message] == "user" or roles[index] != "user")
        }
    return gone


def _findings(policies: Sequence[CompiledPolicy], round_: Round) -> tuple[Finding, ...]:
    found: dict[Finding, None] = {}
    for index, plans in enumerate(round_.plans):
        for plan in plans:
            found.update(dict.fromkeys(round_.of(index, plan, frozenset())[0]))
    return tuple(found)


def _coverage(leaves: Leaves, unchecked: Sequence[tuple[Unchecked, Place, int]]) -> Coverage:
    parts: dict[str, list[int]] = {"text": [0, 0, 0]}
    missed = {index for _, _, index in unchecked}
    for index, leaf in enumerate(leaves.found):
        if leaf.pieces:
            continue
        content = leaf.content
        counts = parts.setdefault(content.kind, [0, 0, 0])
        counts[0] += 1
        counts[1] += index not in missed
        counts[2] += len(content.text) if isinstance(content, Text) else 0
    kinds = {kind: KindCoverage(*counts) for kind, counts in parts.items()}
    return Coverage(kinds, tuple(entry for entry, _, _ in unchecked), tuple(leaves.unknown))
