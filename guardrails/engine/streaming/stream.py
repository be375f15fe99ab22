"""The outcome of one streamed text: the check of the whole, or of what came until it was stopped.

What was shown is at each time the beginning of what the check of the whole text leaves of it, or of what stood before
that by which it is stopped. At the end the whole is checked as any text: what the stream has not shown is shown as that
says, and where it says otherwise of what was shown, which no detector should bring about, the text is stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from guardrails.engine.content.content_tree import Leaf
from guardrails.engine.message_languages import choose_builtin_language, list_message_languages
from guardrails.engine.model import Outcome, Request
from guardrails.engine.streaming.rule_decisions import StreamStop
from guardrails.types import Action, FiredRule, Mode, Severity, Unavailable, UnavailableReason
from guardrails.verdicts.unavailable import most_lasting

CHANGED = "stream.changed"
"""The rule that stands for a whole text which is judged otherwise than its beginnings were."""


def add_rules(outcome: Outcome, other: Outcome) -> Outcome:
    """Return the outcome of a check with the rules that fired in another, of what went on before it and is not in it."""
    known = {(rule.id, rule.mode) for rule in (*outcome.rules, *outcome.shadow)}
    rules, shadow = (
        tuple(rule for rule in some if (rule.id, rule.mode) not in known)
        for some in (other.rules, other.shadow)
    )
    return replace(
        outcome,
        action=max(outcome.action, other.action),
        unavailable=None
        if outcome.is_violation or other.is_violation
        else outcome.unavailable or other.unavailable,
        rules=(*outcome.rules, *rules),
        shadow=(*outcome.shadow, *shadow),
    )


def stop_outcome(
    outcome: Outcome,
    stop: StreamStop | None,
    request: Request,
    index: int = -1,
    leaves: Sequence[Leaf] = (),
) -> Outcome:
    """Return the outcome of a check of what there was of a text as the block that its stream came to.

    Args:
        outcome: of the check.
        stop: why the stream stopped; None: the whole text is judged otherwise than what was shown of it.
        request: who asked.
        index: the leaf that is blocked; -1: all of it.
        leaves: of the check, in whose language the message is.
    """
    if stop is not None and stop.failure is not None and stop.rule is not None:
        return _add_undecided(outcome, stop.rule.id, stop.failure, index)
    is_blocked = outcome.action is Action.BLOCK and (index < 0 or index in outcome.blocked)
    if is_blocked and (outcome.is_violation or stop is None):
        return outcome
    if stop is not None and stop.rule is not None:
        members = [at for at in range(len(leaves)) if index in (-1, at)]
        languages = list_message_languages(stop.rule.messages, leaves, members, request)
        fired = stop.rule.fired(Action.BLOCK, stop.reason, languages, request.country)
    else:
        name, reason = (CHANGED, "unsafe_edit") if stop is None else (f"unchecked.{stop.kind}", "unchecked")
        fired = FiredRule(name, Action.BLOCK, None, Severity.HIGH, ("stream",), Mode.ENFORCE, reason)
    rules = tuple(rule for rule in outcome.rules if rule.id != fired.id)
    return replace(
        outcome,
        action=Action.BLOCK,
        language=choose_builtin_language((fired, *rules), leaves, (index,), request),
        rules=(fired, *rules),
        blocked=outcome.blocked | {index},
        unavailable=None,
    )


def _add_undecided(outcome: Outcome, rule: str, reason: UnavailableReason, index: int) -> Outcome:
    """Return an outcome in which a rule is undecided as well; where something blocks for certain it remains an ordinary block."""
    found = Unavailable(reason, (rule,)) if outcome.unavailable is None else outcome.unavailable
    unavailable = Unavailable(most_lasting((reason, found.reason)), (*dict.fromkeys((*found.rules, rule)),))
    return replace(
        outcome,
        action=Action.BLOCK,
        blocked=outcome.blocked | {index},
        unavailable=None if outcome.is_violation else unavailable,
    )
