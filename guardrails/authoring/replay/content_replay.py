"""A kept content under another policy: it is judged anew, unless it would not be judged as it was then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from guardrails.authoring.diff.traffic.decisions import Decision, make_decision
from guardrails.authoring.replay.logged_detection import FILMS, OF_CALLER
from guardrails.errors import GuardrailsError
from guardrails.guard import Guard
from guardrails.policy.compiled import CompiledPolicy
from guardrails.records.decision import LONGEST, describe_coverage
from guardrails.types import Stage

MEDIA: Final = FILMS | {"image"}
"""Kinds of content of which the digests are kept alone."""

ANSWERED: Final = {"system", "prompt", "sources"}
"""What detectors may read beside what a model says, and nobody keeps with it."""


class ContentReplay:
    """A policy, and perhaps a floor, that judges kept contents.

    Args:
        guard: judges; it tells nobody of its decisions.
    """

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        policies = [guard.policy] if guard.floor is None else [guard.policy, guard.floor]
        context = frozenset(name for policy in policies for name in _context_names(policy))
        self._context = {name.partition(".")[2] for name in context if name.startswith("request.")}
        self._reads_answered = any(
            not ANSWERED.isdisjoint(bound.reads) for policy in policies for bound in policy.detectors
        )

    def replay(self, content: object, record: Mapping[str, Any]) -> Decision | str:
        """Return what the policy decides, or why that is not known (`REASONS`).

        Args:
            content: what was judged, as it was kept.
            record: the record of the decision.
        """
        why = self._find_obstacle(record)
        if why:
            return why
        try:
            verdict = self._guard.check(
                content,
                Stage(record["stage"]).value,
                complete=True,
                tenant=record.get("tenant"),
                model=record.get("model"),
            )
        except (GuardrailsError, TypeError, ValueError):
            return "content"
        if verdict.unavailable is not None:
            return "unavailable"
        # A body that a server read by its route, and that reads otherwise alone, has other parts.
        if _count_contents(describe_coverage(verdict.coverage)) != _count_contents(
            record.get("coverage", {})
        ):
            return "content"
        return make_decision(verdict, {})

    def _find_obstacle(self, record: Mapping[str, Any]) -> str:
        """Return why a content would not be judged as it was then, "" where nothing speaks against it."""
        whole = {name for name in OF_CALLER if len(record.get(name) or "") < LONGEST}
        obstacles = {
            "media": not MEDIA.isdisjoint(record.get("coverage", {})),
            "context": not self._context <= whole,
            "beside": self._reads_answered and record["stage"] != Stage.INPUT.value,
        }
        return next((why for why, holds in obstacles.items() if holds), "")


def _context_names(policy: CompiledPolicy) -> Iterator[str]:
    """Yield what conditions read, those of exceptions too."""
    for rule in policy.rules:
        yield from rule.condition.context
        for exception in rule.exceptions:
            yield from () if exception.condition is None else exception.condition.context


def _count_contents(coverage: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """Return how many parts of each kind were checked, and how many characters they have."""
    return {
        kind: (told["parts"], told.get("characters", 0))
        for kind, told in coverage.items()
        if isinstance(told, Mapping) and "parts" in told
    }
