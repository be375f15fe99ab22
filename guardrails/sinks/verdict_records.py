"""Verdicts as a program sees them besides: lines of its log, and lists that it asks for with a `with` block.

A line of the log says what was decided and by which rules, never what was judged or found in it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from guardrails.types import Verdict

LOG = logging.getLogger("guardrails")

RECORDS: Final[ContextVar[tuple[tuple[object, list[Verdict]], ...]]] = ContextVar(
    "guardrails_records", default=()
)
"""The lists that are filled here, each with what the checkers are known by whose verdicts it takes."""


def log_verdict(verdict: Verdict) -> None:
    """Write a verdict to the logger `guardrails`: at INFO, as a decision is what a policy is for; at WARNING where a detector
    failed. The record has the fields `action`, `rules`, `stage`, `policy`, `verdict_id`, `duration_ms` and `unavailable`: why the
    check could not be done, None where it was.
    """
    level = logging.WARNING if verdict.errors else logging.INFO
    if not LOG.isEnabledFor(level):
        return
    rules = [rule.id for rule in verdict.rules]
    took = round(verdict.timings_ms.get("total", 0.0), 3)
    unavailable = verdict.unavailable
    if unavailable is None:
        why = f"by {', '.join(rules) or 'no rule'}"
    else:
        why = (
            f"as unavailable ({unavailable.reason}, undecided: {', '.join(unavailable.rules) or 'all rules'})"
        )
    failed = "".join(f", {name} failed" for name in dict.fromkeys(each.detector for each in verdict.errors))
    told = {
        "action": str(verdict.action),
        "rules": rules,
        "stage": verdict.stage.value,
        "policy": verdict.policy.name,
        "verdict_id": verdict.id,
        "duration_ms": took,
        "unavailable": None if unavailable is None else unavailable.reason,
    }
    LOG.log(
        level,
        "%s at %s %s%s (policy %s, verdict %s, %.2f ms)",
        told["action"],
        told["stage"],
        why,
        failed,
        verdict.policy.name,
        verdict.id,
        took,
        extra=told,
    )


@contextmanager
def record_verdicts(checkers: object) -> Iterator[list[Verdict]]:
    """Yield a list that takes the verdicts of a checker, and of those made of it, until the block ends, oldest first, also
    those of tasks that begin; `checkers` is what they are known by.
    """
    verdicts: list[Verdict] = []
    token = RECORDS.set((*RECORDS.get(), (checkers, verdicts)))
    try:
        yield verdicts
    finally:
        RECORDS.reset(token)


def note_verdict(checkers: object, verdict: Verdict) -> None:
    """Put a verdict of a checker into the lists that are filled here."""
    for of, verdicts in RECORDS.get():
        if of is checkers:
            verdicts.append(verdict)
