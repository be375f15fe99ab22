"""The pipeline: checks contents under a policy, and perhaps the operator's floor. Fails closed.

What a check does stands once, in the table of `check_stages`, as steps that yield the tasks which may take long; `check` and
`acheck` drive it, on the caller's thread or its event loop (`task_runner`). Where nothing is to be said, `fast_path` says so
before.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from functools import lru_cache
from time import perf_counter
from typing import Final, TypeVar

from guardrails.detectors.binding import BoundDetector
from guardrails.engine.content.application_text import ApplicationTexts
from guardrails.engine.content.budget import Budget
from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.core.check_stages import Check, CheckSettings, Steps, release_media, run_stages
from guardrails.engine.core.fast_path import FastPath, KnownDetections, decoding_limits
from guardrails.engine.core.findings_cache import CACHES, FindingsCache
from guardrails.engine.core.observers import CURRENT
from guardrails.engine.core.task_runner import INLINE_ON_LOOP, TaskRunner, choose_lane
from guardrails.engine.detector_task import Task
from guardrails.engine.formats.format_repair import rewrite_texts
from guardrails.engine.formats.replies import add_empty_replies, asks_for_formats
from guardrails.engine.model import NO_REPAIRS, Outcome, Request
from guardrails.engine.streaming.stream_plan import StreamLimits, StreamPlan, build_stream_plan
from guardrails.policy.compiled import CompiledPolicy
from guardrails.policy.names import FOLLOWED
from guardrails.types import Action, Detection, Image, Stage

T = TypeVar("T")

NO_TEXTS = ApplicationTexts()
STAGE: Final = "stage"
"""What detectors read besides a content that is no context of it (`Text.context`)."""
READINGS = 8
"""How often a body is read anew: without the turns that were left out, each time with fewer of them, or with texts repaired."""


class Pipeline(TaskRunner):
    """A compiled policy, and perhaps the operator's floor under it, ready to check leaves. Safe to share by
    threads. A `cache` that is given is shared with who gave it; `budget` is for each request, or answer. `beside` is what a
    caller of the library asks for besides. Of `application_text` are the texts that the operator declares as the application's
    own.
    """

    def __init__(
        self,
        policy: CompiledPolicy,
        floor: CompiledPolicy | None = None,
        cache: FindingsCache | None = None,
        budget: Budget | None = None,
        beside: CompiledPolicy | None = None,
        application_text: ApplicationTexts = NO_TEXTS,
    ) -> None:
        self.policy, self.floor = policy, floor
        self.application_text = application_text
        self.budget = Budget() if budget is None else budget
        self.policies = tuple(each for each in (policy, floor, beside) if each is not None)
        super().__init__(max(each.limits.deadline_ms for each in self.policies) / 1000.0)
        self.cache = CACHES.new() if cache is None else cache
        self._fast_path = FastPath(self.policies, self.cache)
        self.decoding = decoding_limits(self.policies)
        self.follows = any(
            each.tools.untrusted and each.names.intersection(FOLLOWED) for each in self.policies
        )
        """Whether a rule asks for what untrusted tools returned."""
        bounds = self.bounds()
        self._settings = CheckSettings(
            self.policies,
            self.decoding,
            tuple(bound for bound in bounds if bound.extracts is not None),
            any(bound.extracts or bound.hears or Image.kind in bound.contents for bound in bounds),
        )
        self.reads_context = any(name != STAGE for bound in bounds for name in bound.reads)
        """Whether a detector reads what a content is judged beside."""
        self._reads_windows = any(bound.passages for bound in bounds)
        self.asks_for_formats = asks_for_formats(self.policies)
        """Whether a rule has `on_fail`, so that the model may have to be asked again."""
        self._stream_plans: dict[tuple[Stage, ...], StreamPlan] = {}

    def bounds(self) -> list[BoundDetector]:
        """Return every detector of the policies, each once."""
        return list({bound.digest: bound for each in self.policies for bound in each.detectors}.values())

    @property
    def limits(self) -> StreamLimits:
        """The limits of the policies for texts that grow: none of them sees less, or lets go on more, than it would alone."""
        limits = [policy.limits for policy in self.policies]
        return StreamLimits(
            max(each.characters for each in limits),
            min(each.max_hold for each in limits),
            all(each.on_limit == "hold" for each in limits),
        )

    def stream_plan(self, stages: tuple[Stage, ...]) -> StreamPlan:
        """Return what texts that grow wait for at these stages."""
        found = self._stream_plans.get(stages)
        if found is None:
            found = self._stream_plans[stages] = build_stream_plan(self.policies, stages)
        return found

    def admit(self, *trees: ContentTree) -> None:
        """Raise `RequestError` where the leaves of one request are over the budget, which may be judged in several trees."""
        leaves = trees[0].leaves if len(trees) == 1 else [leaf for tree in trees for leaf in tree.leaves]
        self.budget.admits(leaves, windows=self._reads_windows)

    def check(self, tree: ContentTree, request: Request, *, complete: bool = False) -> Outcome:
        """Judge leaves; blocks the calling thread for what needs workers. Raises `GuardUnavailable` when those are
        full, and `RequestError` where leaves are over the budget.
        """
        self.admit(tree)
        return self.drive(self.check_steps(tree, request, None, complete=complete))

    async def acheck(
        self, tree: ContentTree, request: Request, make: Callable[[Outcome], T], *, complete: bool = False
    ) -> T:
        """The twin of `check` that never blocks the event loop for longer than short texts take.

        Args:
            tree: what is judged.
            request: who asks.
            make: makes of the outcome what is returned, on the thread that came to it: of thousands of contents that takes long.
            complete: whether all detectors have their say.
        """
        self.admit(tree)

        def steps() -> Generator[list[Task], None, T]:
            return make((yield from self.check_steps(tree, request, INLINE_ON_LOOP, complete=complete)))

        return await self.adrive(steps())

    def check_steps(
        self, tree: ContentTree, request: Request, inline: int | None, *, complete: bool = False
    ) -> Steps:
        """Judge leaves as `steps` does, which where nothing is in them takes the short way."""
        self.application_text.mark(tree, request)
        if inline is not None and (lane := choose_lane(tree)) is not None:
            yield lane  # whoever drives this goes on where it holds nobody up
            inline = None
        if self.asks_for_formats and tree.replies:
            add_empty_replies(tree)
        known: KnownDetections = {}
        timings: dict[str, float] = {}
        observer = CURRENT.get()
        # The fast path says nothing of how it came to its outcome.
        if observer is None or not observer.wants_checks:
            outcome = self._fast_path.allow(tree, known, timings, inline)
            if outcome is not None:
                return outcome
        return (yield from self.steps(tree, request, known, timings, inline=inline, complete=complete))

    def steps(
        self,
        tree: ContentTree,
        request: Request,
        known: Mapping[int, Mapping[str, Detection]],
        timings: dict[str, float],
        *,
        inline: int | None,
        complete: bool,
    ) -> Steps:
        """Judge leaves; yields tasks for workers and expects them run when it is resumed.

        `known` are detections that were made already, by leaf and digest, `timings` what they took.
        `inline` is the number of characters up to which quick detectors run right here (None: always);
        `complete` runs every tier, also when a block is certain.
        """
        started = perf_counter() - sum(timings.values()) / 1000.0
        observer = CURRENT.get()
        if observer is not None and not observer.wants_checks:
            observer = None
        joins = bool(tree.roles) and any(policy.joins_conversation for policy in self.policies)
        own, repairs = tree.mark(), NO_REPAIRS
        left_out: frozenset[int] = frozenset()
        try:
            for _ in range(READINGS):  # what is blocked after the last one stays blocked
                if joins:
                    tree.join_turns(left_out)
                outcome = yield from run_stages(
                    Check(
                        settings=self._settings,
                        cache=self.cache,
                        budget=self.budget,
                        tree=tree,
                        request=request,
                        known=known,
                        timings=timings,
                        inline=inline,
                        complete=complete,
                        observer=observer,
                        repairs=repairs,
                    )
                )
                if outcome.repairs.texts:
                    tree.cut(own)
                    rewrite_texts(tree, outcome.repairs.texts)
                    repairs, known = outcome.repairs.after(repairs), {}
                    continue
                gone = left_out.union(outcome.removed)
                if not joins or outcome.action is not Action.BLOCK or gone == left_out:
                    break
                # Turns that are taken out do not go on: the others are read together without them.
                left_out = gone
                tree.cut(own)
        finally:
            release_media(tree)
        outcome.timings["total"] = (perf_counter() - started) * 1000.0
        return outcome


DAY_S = 86_400


@lru_cache(maxsize=1)
def _iso_date(day: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(day * DAY_S))


def today() -> str:
    """Return the day as an ISO date, in UTC, for exceptions that expire."""
    return _iso_date(int(time.time()) // DAY_S)
