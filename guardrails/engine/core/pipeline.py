"""Runs one check: detectors in tiers, then the rules, then what the verdict says. Fails closed.

The logic stands once, in `Pipeline.steps`, a generator that yields the tasks which may take long; `check` and
`acheck` drive it, on the caller's thread or its event loop. Detectors that cost microseconds for certain run
right there, those that wait for a service on the process's loop for that, the others on its workers, under the
policy's deadline: who misses it has failed, and its rules follow `on_error`. Between tiers the check stops as soon
as it is sure to block.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from time import perf_counter
from typing import TypeVar

from guardrails.detectors.binding import BoundDetector
from guardrails.engine.content.budget import Budget
from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.content.embedded_media import add_embedded_media, note_nested_media
from guardrails.engine.core.detection_round import DetectionRound, Task
from guardrails.engine.core.fast_path import FastPath, KnownDetections, decoding_limits
from guardrails.engine.core.findings_cache import CACHES, FindingsCache
from guardrails.engine.core.history import History
from guardrails.engine.core.observers import CheckRecord, close_observer
from guardrails.engine.core.outcome import Outcome, affected_places, build_outcome
from guardrails.engine.core.rule_evaluation import Evaluation, JudgedContent, Request, RuleMatch
from guardrails.engine.core.task_runner import INLINE_ON_LOOP, TaskRunner, run_tasks, takes_long
from guardrails.engine.media.film_settings import film_limits, sound_limits
from guardrails.engine.media.films import FilmCheck, add_film_contents, open_films
from guardrails.engine.media.ocr_text import PictureReading
from guardrails.engine.media.picture_decoding import limits_of, prepare_decoding, release_pictures
from guardrails.engine.redaction.media_redaction import (
    NO_MEDIA_EDITS,
    MediaEdits,
    MediaRedaction,
    find_wanted,
)
from guardrails.engine.streaming.stream_plan import StreamLimits, StreamPlan, build_stream_plan
from guardrails.engine.tools.tool_context import PREPARED, ToolContext, preparation_task
from guardrails.policy.compiled import CompiledPolicy
from guardrails.policy.names import FOLLOWED
from guardrails.types import Action, Detection, Mode, Stage

T = TypeVar("T")
Steps = Generator[list[Task], None, Outcome]


READINGS = 8
"""How often a conversation is read together without the turns that were left out, each time with fewer of them."""


class Pipeline(TaskRunner):
    """A compiled policy, and perhaps the operator's floor under it, ready to check leaves. Safe to share by
    threads. A `cache` that is given is shared with who gave it; `budget` is for each request, or answer.
    """

    def __init__(
        self,
        policy: CompiledPolicy,
        floor: CompiledPolicy | None = None,
        cache: FindingsCache | None = None,
        budget: Budget | None = None,
    ) -> None:
        self.policy = policy
        self.budget = Budget() if budget is None else budget
        self.policies = (policy,) if floor is None else (policy, floor)
        super().__init__(max(each.limits.deadline_ms for each in self.policies) / 1000.0)
        self.cache = CACHES.new() if cache is None else cache
        self._quick = FastPath(self.policies, self.cache)
        self.decoding = decoding_limits(self.policies)
        self.follows = any(
            each.tools.untrusted and each.names.intersection(FOLLOWED) for each in self.policies
        )
        """Whether a rule asks for what untrusted tools returned."""
        self._extractors = tuple(bound for bound in self.bounds() if bound.extracts is not None)
        self._gates: dict[tuple[Stage, ...], StreamPlan] = {}

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
        found = self._gates.get(stages)
        if found is None:
            found = self._gates[stages] = build_stream_plan(self.policies, stages)
        return found

    def check(self, tree: ContentTree, request: Request, *, complete: bool = False) -> Outcome:
        """Judge leaves; blocks the calling thread for what needs workers. Raises `Overloaded` when those are
        full, and `RequestError` where leaves are over the budget.
        """
        self.budget.admits(tree.leaves)
        return self.drive(self.check_steps(tree, request, None, complete=complete))

    async def acheck(self, tree: ContentTree, request: Request, *, complete: bool = False) -> Outcome:
        """The twin of `check` that never blocks the event loop for longer than short texts take."""
        self.budget.admits(tree.leaves)
        return await self.adrive(self.check_steps(tree, request, INLINE_ON_LOOP, complete=complete))

    def check_steps(
        self, tree: ContentTree, request: Request, inline: int | None, *, complete: bool = False
    ) -> Steps:
        """Judge leaves as `steps` does, which where nothing is in them takes the short way."""
        if inline is not None and takes_long(tree):
            yield []  # whoever drives this goes on where it holds nobody up
            inline = None
        known: KnownDetections = {}
        timings: dict[str, float] = {}
        if close_observer():  # the short way says nothing of how it came to its outcome
            return (yield from self.steps(tree, request, known, timings, inline=inline, complete=complete))
        if (outcome := self._quick.allow(tree, known, timings, inline)) is not None:
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
        joins = bool(tree.roles) and any(policy.joins_conversation for policy in self.policies)
        own, left_out = tree.mark(), frozenset[int]()
        try:
            for _ in range(READINGS):  # what is blocked after the last one stays blocked
                if joins:
                    tree.join_turns(left_out)
                outcome = yield from self._outcome(tree, request, known, timings, inline, complete)
                gone = left_out.union(outcome.removed)
                if not joins or outcome.action is not Action.BLOCK or gone == left_out:
                    break
                # Turns that are taken out do not go on: the others are read together without them.
                left_out = gone
                tree.cut(own)
        finally:
            for film in tree.opened:
                film.release()
            release_pictures(tree.leaves)
        outcome.timings["total"] = (perf_counter() - started) * 1000.0
        return outcome

    def _outcome(
        self,
        tree: ContentTree,
        request: Request,
        known: Mapping[int, Mapping[str, Detection]],
        timings: dict[str, float],
        inline: int | None,
        complete: bool,
        covers: bool = True,
    ) -> Steps:
        most = self.decoding[2]
        if add_embedded_media(tree, self.policies, most):
            self.budget.admits_pictures(tree.leaves)
        films = yield from self._films(tree, request, timings, inline, complete)
        read = yield from self._pictures(tree, timings, inline)  # covers of sounds too
        known = {**known, **{film.index: film.detections() for film in films}}
        read |= {film.index for film in films if film.is_read}
        tree.decode(*self.decoding)
        note_nested_media(tree, self.policies, most)
        requests = yield from self._known(tree, request, inline)
        round_ = DetectionRound(self.policies, tree.leaves, self.cache, known, timings, read)
        tiers = round_.tiers()
        skipped = any(film.ended_early for film in films)
        onlooker = close_observer() if covers else None  # what was covered is another check
        ran: list[Task] = []
        sure: int | None = None
        fired: list[list[RuleMatch]] | None = None
        for position, tier in enumerate(tiers):
            tasks = round_.tasks(tier)
            yield from run_tasks(tasks, inline)
            round_.settle(tasks)
            ran += tasks
            pending = frozenset(tiers[position + 1 :])
            if pending and sure is None and (onlooker is not None or not complete):
                fired = self._evaluate(round_, requests, tree, pending)
                if self._sure(fired, tree):
                    sure = tier
                    if not complete:
                        skipped = True
                        break
        else:
            fired = self._evaluate(round_, requests, tree, frozenset())
        assert fired is not None
        pictures = NO_MEDIA_EDITS
        if covers and not self._sure(fired, tree):
            pictures = yield from self._covered(tree, request, fired, timings, inline)
        outcome = build_outcome(self.policies, tree, round_, fired, request, pictures, complete=not skipped)
        if onlooker is not None:
            made = self._evaluations(round_, requests, tree, frozenset())
            onlooker.on_check(CheckRecord(tree, round_, ran, made, fired, sure, outcome))
        return outcome

    def _pictures(
        self, tree: ContentTree, timings: dict[str, float], inline: int | None
    ) -> Generator[list[Task], None, frozenset[int]]:
        """Decode pictures, and add what is written in them; return those that were read."""
        read_too = bool(self._extractors)
        seen, budget = self.cache.shapes, self.budget
        closed = prepare_decoding(self.policies, tree.leaves, read=read_too, seen=seen, budget=budget)
        if closed is not None:
            yield from run_tasks([closed.task], inline)
            closed.settle(tree.leaves, timings)
        read: frozenset[int] = frozenset()
        for bound in self._extractors:
            reading = PictureReading(bound, tree)
            if reading.task.leaves:
                yield from run_tasks([reading.task], inline)
                read |= reading.settle(tree, timings)
        return read

    def _films(
        self,
        tree: ContentTree,
        request: Request,
        timings: dict[str, float],
        inline: int | None,
        complete: bool,
    ) -> Generator[list[Task], None, list[FilmCheck]]:
        """Watch films, and add what is written and said in them; one that is sure to be blocked is not watched any further."""
        films = open_films(self.policies, tree.leaves, self.cache.films)
        tree.opened += films
        ended = False
        for film in films:
            try:
                while not (film.done or ended):
                    yield from run_tasks([film.task], inline)
                    film.settle(timings)
                    if not (complete or film.done) and self._stops(film, tree, request):
                        ended = film.ended_early = True
            finally:
                film.close()
            add_film_contents(film, tree)
        return films

    def _stops(self, film: FilmCheck, tree: ContentTree, request: Request) -> bool:
        """Tell whether what was found in a film so far blocks it, whatever comes."""
        alone = replace(tree, leaves=[film.leaf(tree)], unchecked=[], unknown=[])
        round_ = DetectionRound(self.policies, alone.leaves, None, {0: film.detections()}, {})
        for tier in round_.tiers():
            round_.tasks(tier)  # all is known
        fired = self._evaluate(round_, [request] * len(self.policies), alone, frozenset())
        sure = [
            [each for each in some if each.reason == "matched" and not each.rule.how.whole] for some in fired
        ]
        return self._sure(sure, alone)

    def _covered(
        self,
        tree: ContentTree,
        request: Request,
        fired: Sequence[Sequence[RuleMatch]],
        timings: dict[str, float],
        inline: int | None,
    ) -> Generator[list[Task], None, MediaEdits]:
        """Redact pictures, and judge each again before anybody sees it: what is still found in one stops it."""
        found = find_wanted(tree.leaves, fired)
        if not found:
            return NO_MEDIA_EDITS
        limits = (limits_of(self.policies), film_limits(self.policies), sound_limits(self.policies))
        covering = MediaRedaction(tree.leaves, found, *limits)
        yield from run_tasks([covering.task], inline)
        for index, again in covering.again(tree, timings):
            outcome = yield from self._outcome(
                again, request, {}, timings, inline, complete=False, covers=False
            )
            release_pictures(again.leaves)
            if outcome.action >= Action.REDACT:
                covering.refuse(index)
        return covering.settled()

    def _known(
        self, tree: ContentTree, request: Request, inline: int | None
    ) -> Generator[list[Task], None, tuple[Request, ...]]:
        """Return the request for each policy, with what its conditions may read of the use of tools."""
        requests = []
        for policy in self.policies:
            names = policy.names.intersection(PREPARED)
            if not names:
                requests.append(request)
                continue
            uses = ToolContext(policy.tools, names, tree.leaves, request.heard, self.decoding)
            yield from run_tasks([preparation_task(uses, INLINE_ON_LOOP)], inline)
            requests.append(replace(request, tool_context=uses))
        return tuple(requests)

    def _evaluate(
        self,
        round_: DetectionRound,
        requests: Sequence[Request],
        tree: ContentTree,
        pending: frozenset[int],
    ) -> list[list[RuleMatch]]:
        """Return what fires, by policy. What depends on a pending tier is left out."""
        all_fired: list[list[RuleMatch]] = []
        for evaluation in self._evaluations(round_, requests, tree, pending):
            # Each policy has its own exceptions: the floor sees findings before those of the policy above it.
            fired = evaluation.run()
            if pending:  # what is still open, and what may yet find something to redact
                fired = [each for each in fired if each.reason != "error" and each.action is each.rule.then]
            all_fired.append(fired)
        return all_fired

    def _evaluations(
        self,
        round_: DetectionRound,
        requests: Sequence[Request],
        tree: ContentTree,
        pending: frozenset[int],
    ) -> list[Evaluation]:
        """Return what evaluates each policy."""
        evaluations = []
        for position, policy in enumerate(self.policies):
            items = []
            for index, plans in enumerate(round_.plans):
                plan = plans[position]
                findings, unknown = round_.findings_of(index, plan, pending)
                leaf = tree.leaves[index]
                items.append(
                    JudgedContent(round_.contents[index], plan, findings, unknown, leaf.again, leaf.across)
                )
            evaluations.append(Evaluation(policy, items, requests[position]))
        return evaluations

    @staticmethod
    def _sure(fired: list[list[RuleMatch]], tree: ContentTree) -> bool:
        """Tell whether the check will block whatever the other tiers say."""
        history = History(tree)
        return any(
            each.action is Action.BLOCK
            and each.rule.mode is Mode.ENFORCE
            and not history.removable(affected_places(each, tree))
            for some in fired
            for each in some
        )


DAY_S = 86_400


@lru_cache(maxsize=1)
def _iso_date(day: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(day * DAY_S))


def today() -> str:
    """Return the day as an ISO date, in UTC, for exceptions that expire."""
    return _iso_date(int(time.time()) // DAY_S)
