"""A whole policy beside the one that is served: what the live one judged in, both decisions counted and logged.

It changes, delays and refuses nothing. A copy of what is to be judged is taken before the live policy sees it; the rest happens
on one thread of its own, which gives way as long as requests wait for a worker. What comes when too much waits is left out, and
that is counted, and stands in the log. Findings that the live policy's guard holds are not looked for again, where the detectors
are the same.

Left out, and counted, are films, sounds and files, which are gone when an answer is sent. Canaries of a shadow policy are planted
nowhere, so their echo is not found.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import replace
from io import IOBase
from pathlib import Path
from typing import Any, Final

from guardrails.authoring.diff.traffic.decisions import Named, make_decision, rule_categories
from guardrails.authoring.diff.traffic.effects import classify_turn
from guardrails.authoring.shadow.shadow_log import make_log_row
from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.model import Outcome, Request
from guardrails.guard import Guard
from guardrails.proxy.shadow.content_log import content_fields
from guardrails.proxy.shadow.shadow_queue import ShadowJob, ShadowQueue, ShadowSample, ShadowUnavailable, iso
from guardrails.types import Action, Audio, Media, PolicyRef, Text, Verdict, Video

LOG = logging.getLogger("guardrails.proxy")

ROUTE_LABEL: ContextVar[str] = ContextVar("CAME_BY", default="")
"""The route of the request that is served, as counters name it."""

LONGEST: Final = 128
"""Characters of a name that a client gave."""


class Shadow:
    """One policy beside another: `sample` before the live one judges, `enqueue` after it."""

    def __init__(self, runner: ShadowQueue, live: Guard, guard: Guard) -> None:
        self.guard = guard
        self._runner = runner
        self._names: tuple[Named, Named] = rule_categories(live), rule_categories(guard)
        self._chance = random.SystemRandom()

    def sample(self, tree: ContentTree, who: Request, *, ended: bool = True) -> ShadowSample:
        """Return what is to be judged beside, before anybody has judged it."""
        try:
            return self._sample(tree, who, ended)
        except Exception as error:  # a request must not feel it
            LOG.error("a content was not taken for the shadow policy: %s", type(error).__name__)
            return ShadowSample(None, who, why="fault")

    def _sample(self, tree: ContentTree, who: Request, ended: bool) -> ShadowSample:
        sample = self._runner.doc.sample
        if sample < 1 and self._chance.random() >= sample:
            return ShadowSample(None, who)
        size = 0
        for leaf in tree.leaves:
            content = leaf.content
            if isinstance(content, Text):
                size += len(content.text)
            elif isinstance(content, Media):
                if isinstance(content, Video | Audio) or isinstance(content.source, Path | IOBase):
                    return ShadowSample(None, who, why="film_sound_or_file")
                size += len(content.data or b"")
        copy = replace(
            tree, leaves=[*tree.leaves], unchecked=[*tree.unchecked], films={**tree.films}, opened=[]
        )
        return ShadowSample(copy, replace(who, vault=None, tool_context=None), size, ended)

    def enqueue(self, taken: ShadowSample | None, verdict: Verdict, outcome: Outcome | None = None) -> None:
        """Take what the live policy decided; `outcome` where that is known, by which redactions are compared."""
        if taken is None or taken.why:
            self._runner.leave_out("not_taken" if taken is None else taken.why)
        elif verdict.unavailable is not None:  # there is no decision to compare with
            self._runner.leave_out("unavailable")
        elif taken.tree is not None:
            left = None if outcome is None else _redactions(outcome)
            self._runner.put(ShadowJob(self, taken, verdict, left, ROUTE_LABEL.get(), time.time()))

    def evaluate(self, job: ShadowJob, content: bool, started: float) -> tuple[dict[str, Any], str]:
        """Judge beside; return the row of the log, and how the decision would change.

        Raises:
            ShadowUnavailable: it could not be judged.
        """
        tree, who = job.taken.tree, job.taken.who
        assert tree is not None
        told = content_fields(tree, who) if content else {}
        outcome = self.guard.pipeline.check(tree, who, complete=True)
        if outcome.unavailable is not None:
            raise ShadowUnavailable(outcome.unavailable.reason)
        live = make_decision(job.verdict, self._names[0], job.left)
        beside = make_decision(
            outcome, self._names[1], _redactions(outcome) if job.left is not None else None
        )
        took_ms = (time.perf_counter() - started) * 1000.0
        refs = job.verdict.policy, self.ref
        made = make_log_row({**self._at(job), **told}, (refs[0], live), (refs[1], beside), took_ms)
        return made, classify_turn(live, beside)

    def failure_row(self, job: ShadowJob, why: str) -> dict[str, Any]:
        """Return the row of what could not be judged beside."""
        live = make_decision(job.verdict, self._names[0])
        return {
            **self._at(job),
            "live": {"policy": job.verdict.policy.to_dict(), **live.to_dict()},
            "shadow": {"policy": self.ref.to_dict(), "error": why},
        }

    @property
    def ref(self) -> PolicyRef:
        """Which policy it is."""
        return self.guard.policy.ref

    @staticmethod
    def _at(job: ShadowJob) -> dict[str, Any]:
        who = job.taken.who
        return {
            "time": iso(job.at),
            "id": job.verdict.id,
            "route": job.route,
            "stage": job.verdict.stage.value,
            "tenant": who.tenant,
            "model": None if who.model is None else who.model[:LONGEST],
            "ended": job.taken.ended,
        }


def _redactions(outcome: Outcome) -> object:
    """Return what an outcome makes of what it redacts; None where it redacts nothing."""
    return (outcome.edits, outcome.removed) if outcome.action is Action.REDACT else None


def build_shadows(
    runner: ShadowQueue, guards: Mapping[str, Guard], shadows: Mapping[str, Guard]
) -> Callable[[str], Shadow | None]:
    """Return a function that finds what judges beside a policy, and returns None where nothing does."""
    made = {policy: Shadow(runner, guards[policy], guard) for policy, guard in shadows.items()}
    return made.get
