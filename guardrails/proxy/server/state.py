"""What one server process shares: its guards, its upstreams, its numbers, and how it is."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from copy import copy
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from guardrails import __version__
from guardrails.detectors.file_watch import Stamp, record_files
from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.content.payload import Payload
from guardrails.engine.core.worker_pool import workers
from guardrails.engine.model import Outcome, Request
from guardrails.errors import GuardrailsError, GuardUnavailable
from guardrails.guard import Guard
from guardrails.processor.cores import measure_cores
from guardrails.protocols.image_links import Link, put_pictures
from guardrails.proxy.access.admission import Admission, Client, RateLimiter, select_policy
from guardrails.proxy.access.body_budget import BodyBudget
from guardrails.proxy.access.capacity.account import CapacityAccount
from guardrails.proxy.access.capacity.calibration import measure_costs
from guardrails.proxy.access.cross_site import CrossSite
from guardrails.proxy.configuration.settings import Settings, SettingsError
from guardrails.proxy.exchange.timeout_memory import TimeoutMemory
from guardrails.proxy.media.disk_budget import DiskBudget
from guardrails.proxy.server.connections import Connections, Limits
from guardrails.proxy.server.counting.slots import Slots
from guardrails.proxy.server.errors import describe_failure
from guardrails.proxy.server.listening.loop_watch import LoopWatch
from guardrails.proxy.server.listening.probe_listener import ProbeListener
from guardrails.proxy.server.metrics import Metrics, RecordCounts
from guardrails.proxy.server.processes.lifecycle import Lifecycle
from guardrails.proxy.server.processes.memory import release_memory
from guardrails.proxy.server.reloading.loaded_policies import (
    LoadedPolicies,
    apply_hot_settings,
    load_policies,
)
from guardrails.proxy.shadow.shadow_evaluation import Shadow, build_shadows
from guardrails.proxy.shadow.shadow_queue import ShadowQueue, ShadowSample
from guardrails.proxy.shadow.shadow_settings import ShadowDoc
from guardrails.proxy.upstreams.image_fetch import ImageFetcher
from guardrails.proxy.upstreams.routing import Upstreams
from guardrails.types import Stage, Verdict
from guardrails.wire.strict_json import LARGE, VERY_LARGE

if TYPE_CHECKING:
    from guardrails.records.decision_log import DecisionLog
    from guardrails.telemetry.server import ServerTelemetry

LOG = logging.getLogger("guardrails.proxy")
T = TypeVar("T")

WARM_UP = "Warm-up."
RETRY_S = 1.0
DEGRADED_S = 60.0
"""Seconds for which a failure of a detector shows in the state of the server."""


FROM_THE_START = (
    ("guardrails_admission_refused_total", "kind", ("request", "stream", "concurrent")),
    (
        "guardrails_connections_closed_total",
        "reason",
        ("slow_head", "slow_body", "too_many", "too_many_of_address"),
    ),
    ("guardrails_reloads_total", "result", ("loaded", "unchanged", "failed", "held")),
    ("guardrails_denied_total", "code", ("missing_api_key", "invalid_api_key", "rate_limit_exceeded")),
)
"""Counters that are shown before they count, so that a rule which alerts on their growth sees the first event."""

SHORTEST_WAIT_S = 0.25
LONGEST_WAIT_S = 5.0
WAIT_SHARE = 0.2
"""For how long a request may wait by default: a part of what its checks may take, within these bounds."""


@dataclass(slots=True)
class ReloadStatus:
    """How the last load of the policy went: `current`, under way, failed, or held because it is weaker than what is served.
    `errors` are the places and codes of what is wrong, `weaker` the rules and codes of what is weaker.
    """

    state: Literal["off", "current", "loading", "failed", "held"] = "off"
    errors: tuple[str, ...] = ()
    weaker: tuple[str, ...] = ()


class State:
    """The guards, the upstream and the numbers of one server process.

    Settings and policies may be loaded anew meanwhile. A request takes `current` once (in its `RequestContext`), and from that
    the state of its policy (`select`): its guard stays what it is, and all else in it is the server's own.

    Args:
        settings: what to serve.
        guard: a guard for `settings.policy`; loaded by `start` if not given.
        reread: returns the settings as their file is by now, where there is one.
        slots: where it counts beside other processes; in memory of its own where it is the only one.

    Raises:
        PolicyErrors: a guard was given, and another policy that the settings name is wrong.
    """

    def __init__(
        self,
        settings: Settings,
        guard: Guard | None = None,
        reread: Callable[[], Settings] | None = None,
        slots: Slots | None = None,
    ) -> None:
        self.settings, self.budget = settings, settings.budget
        self.admission = Admission(settings.keys)
        self.rate_limiter = RateLimiter()
        self.metrics = Metrics(slots, __version__)
        self.timeouts = TimeoutMemory()
        self.body_budget = BodyBudget()
        self.capacity = CapacityAccount(
            measure_cores() / settings.workers,
            workers().threads,
            queue_wait=lambda caller, long: workers().expected_wait(caller, bulk=long),
            queue_delay=lambda: workers().delay_s,
            on_refusal=self.count_refusal,
        )
        self.connections = Connections(
            Limits(**{name: getattr(settings, name) for name in Limits.__dataclass_fields__}),
            lambda reason: self.metrics.count("guardrails_connections_closed_total", reason=reason),
        )
        for name, label, values in FROM_THE_START:
            for value in values:
                self.metrics.declare(name, **{label: value})
        self.metrics.connections = lambda: self.connections.open
        self.probes: list[ProbeListener] = []
        self.loop_watch = LoopWatch()
        self.metrics.loop_delay_s = lambda: self.loop_watch.longest_delay_s
        self.metrics.capacity = self.capacity
        self.telemetry: ServerTelemetry | None = (
            None if settings.telemetry is None else settings.telemetry.build()
        )
        self.cross_site = CrossSite(settings.host, settings.allowed_hosts, settings.cors_origins)
        self.disk_budget = DiskBudget(settings.max_files_bytes)
        self.upstream = Upstreams(settings, self.metrics)
        self.image_fetcher = None if settings.fetch is None else ImageFetcher(settings.fetch)
        self.warm = threading.Event()
        self.lifecycle = Lifecycle(self.warm.is_set)
        self.metrics.draining = lambda: self.lifecycle.draining
        self.metrics.records = self._count_records
        self._failed: dict[str, float] = {}
        self.problem: str | None = None
        self.reload = ReloadStatus()
        self.files: Mapping[Path, Stamp] = {}
        self._reread = reread
        self._guard: Guard | None = None
        self.served: LoadedPolicies | None = None
        self._current: State | None = None
        self._by_policy: dict[str, State] = {}
        self.shadow_queue = ShadowQueue(self.metrics)
        self.shadow: Shadow | None = None
        self.shadows: Mapping[str, Guard] = {}
        if guard is not None:
            with record_files() as files:
                served = load_policies(self._current_settings(), given=guard)
            self.files = {**files, **(guard.origin.files if guard.origin else {})}
            self.adopt(served)

    @property
    def current(self) -> State:
        """The state with the guard of this moment, for good."""
        return self._current or self

    def select(self, client: Client, path: str, model: str | None, tenant: str | None = None) -> State:
        """Return the state of the policy that a client's request at a path is judged by, taken from what `current` was. `tenant`
        is the one that a body names, which counts where the client is trusted with it.
        """
        if not self._by_policy:
            return self
        tenant = client.resolve_identity({"tenant": tenant})["tenant"]
        policy = select_policy(self.settings.policies, client, tenant, model, path)
        return self if policy is None else self._by_policy[policy]

    def adopt(self, served: LoadedPolicies) -> None:
        """Judge by other guards from now on; what has begun keeps those that it began with.

        Raises:
            SettingsError: the log of decisions cannot be written; all stays as it was.
        """
        self._apply_shadow_settings(served.settings)
        if served.settings.keys != self.settings.keys:
            self.admission = Admission(served.settings.keys)
        if served.settings != self.settings:
            self.upstream.apply(served.settings)
        self.settings, self.budget = served.settings, served.settings.budget
        self._guard, self.problem = served.guard, None
        self.capacity.max_wait_s = served.settings.max_wait_s or longest_wait(served.guards.values())
        self.served = served
        self._current, self._by_policy = None, {}
        self.shadows = served.shadows
        beside = build_shadows(self.shadow_queue, served.guards, served.shadows)
        now = copy(self)
        now.shadow = beside(served.settings.policy)
        if served.settings.policies:
            now._by_policy = {
                policy: now._with_guard(guard, beside(policy)) for policy, guard in served.guards.items()
            }
        self._current = now
        self.metrics.show_policies(served.refs)
        for guard in served.guards.values():
            if self.telemetry is not None:
                guard.telemetry = self.telemetry.checks

    def _count_records(self) -> RecordCounts:
        log = self.current.decision_log
        return (
            RecordCounts() if log is None else RecordCounts(log.written, log.lost, log.journal.waiting_bytes)
        )

    @property
    def decision_log(self) -> DecisionLog | None:
        """What puts decisions on record; None where nothing does."""
        return None if self._guard is None else self._guard.records

    def _apply_shadow_settings(self, settings: Settings) -> None:
        doc = settings.shadow or ShadowDoc()
        if doc != self.shadow_queue.doc:
            try:
                self.shadow_queue.configure(doc)
            except OSError as error:
                raise SettingsError(
                    f"the log of decisions cannot be written: {doc.log}: {error.strerror}"
                ) from error

    def _with_guard(self, guard: Guard, shadow: Shadow | None) -> State:
        made = copy(self)
        made._guard, made.shadow = guard, shadow
        return made

    def load(self) -> LoadedPolicies:
        """Load settings and policies as their files are by now, and note which those are, also where it fails."""
        with record_files() as files:
            try:
                return load_policies(self._current_settings(), before=self.served)
            finally:
                self.files = files

    def _current_settings(self) -> Settings:
        return self.settings if self._reread is None else apply_hot_settings(self.settings, self._reread())

    @property
    def ready(self) -> bool:
        """Whether the policy is compiled, every detector has answered once, and nobody told the server to end."""
        return self.lifecycle.ready

    @property
    def failing_detectors(self) -> list[str]:
        """The detectors that failed within the last minute."""
        since = perf_counter() - DEGRADED_S
        return sorted(name for name, when in tuple(self._failed.items()) if when >= since)

    @property
    def loaded_guard(self) -> Guard | None:
        """The guard, if there is one already."""
        return self._guard

    @property
    def other_guards(self) -> list[Guard]:
        """The guards of other policies than the one for all."""
        return [each.guard for each in self.current._by_policy.values() if each.guard is not self._guard]

    @property
    def guards(self) -> list[Guard]:
        """Every guard that is served by now, each once; none before the policy is loaded."""
        return [] if self._guard is None else [self._guard, *self.other_guards]

    @property
    def all_guards(self) -> list[Guard]:
        """The same, and those that judge beside them."""
        return [*self.guards, *self.shadows.values()]

    @property
    def guard(self) -> Guard:
        """The guard; raises `GuardUnavailable` while there is none, so that a client comes back."""
        if self._guard is None:
            raise GuardUnavailable(self.problem or "the policy is not loaded yet")
        return self._guard

    async def start(self) -> None:
        """Load the policy if none was given, and have every detector answer once, off the event loop."""
        try:
            if self._guard is None:
                self.adopt(await self.run_in_worker(self.load))
            for guard in self.guards:
                await self.warm_up(guard)
        except Exception as error:
            self.problem = "the policy cannot be loaded"
            if self.settings.reload:
                self.reload.state, self.metrics.reload_failed = "failed", True
            LOG.error(
                "not ready: %s", error if isinstance(error, GuardrailsError) else describe_failure(error)
            )
            return
        # Files that changed meanwhile may have been refused already.
        if self.settings.reload and self.reload.state not in ("failed", "held"):
            self.reload.state = "current"
        self.warm.set()
        with suppress(GuardrailsError):  # the workers are busy, or the budget is small: requests will tell
            self.capacity.seed(*await measure_costs(self.guard))
        await asyncio.to_thread(release_memory)

    async def warm_up(self, guard: Guard) -> None:
        """Return once every detector of a guard has answered, and what streams need is built."""
        # A detector does not say when it is up; it is asked.
        while not await self._check_detectors(guard):  # noqa: ASYNC110
            await asyncio.sleep(RETRY_S)
        await self.run_in_worker(lambda: self._warm_up_streams(guard))

    async def _check_detectors(self, guard: Guard) -> bool:
        """Judge one text at every stage; a detector that is not up yet is asked again, but for a service, which may go and
        come back while the others work: `failing_detectors` names it.
        """
        quiet = guard.without_reports()
        try:
            verdicts = [await quiet.acheck(WARM_UP, stage.value, complete=True) for stage in Stage]
        except GuardUnavailable:
            return False
        if guard in self.guards:  # else it is none of the server's yet
            for verdict in verdicts:
                self._note_failures(verdict)
        services = {bound.name for bound in guard.pipeline.bounds() if bound.adetect is not None}
        return not any(error.detector not in services for verdict in verdicts for error in verdict.errors)

    @staticmethod
    def _warm_up_streams(guard: Guard) -> None:
        """Build what streams need, so that none waits for it, and say which rules hold them to their end."""
        guard.stream().feed(WARM_UP)
        for rule, reason in guard.held().items():
            LOG.warning("rule %s holds streamed replies to their end: %s", rule, reason)
        for name, reason in guard.held_films().items():
            LOG.info("%s holds films of fragments to their end: %s", name, reason)

    async def run_in_worker(self, function: Callable[[], T]) -> T:
        """Run a function that takes long on the process's workers."""
        result: T = await asyncio.wrap_future(workers().submit(function, bulk=True))
        return result

    async def run_by_size(self, size: int, function: Callable[[], T]) -> T:
        """Run what takes time in proportion to a body: right here if the body is small (`strict_json.weigh`)."""
        if size < LARGE:
            return function()
        result: T = await asyncio.wrap_future(workers().submit(function, bulk=size >= VERY_LARGE))
        return result

    async def fetch_pictures(self, body: Any, links: Callable[[Any], Iterator[Link]]) -> Any:
        """Return a body with the pictures in it that may be fetched, where it has only their addresses; the same object where
        there are none.
        """
        if self.image_fetcher is None or not (found := [*islice(links(body), self.image_fetcher.doc.most)]):
            return body
        pictures = await self.image_fetcher.fetch_all(link.url for link in found)
        for link in found:
            result = "fetched" if link.url in pictures else "left"
            self.metrics.count("guardrails_fetches_total", result=result)
        return put_pictures(body, found, pictures, self.image_fetcher.most) if pictures else body

    async def judge(
        self,
        subject: Payload,
        who: Request,
        stage: Stage,
        *,
        complete: bool = False,
        settled: Callable[[Outcome], Outcome] = lambda outcome: outcome,
    ) -> tuple[Verdict, Outcome]:
        """Check leaves, count it, and return the verdict, with the outcome, which knows leaves by index. With `complete` every
        detector has its say; `settled` makes of the outcome what is to hold.
        """
        guard, taken = self.guard, self.sample_for_shadow(subject.tree, who)
        started = perf_counter()

        def make(outcome: Outcome) -> tuple[Verdict, Outcome]:
            held = settled(outcome)
            return guard.verdict(subject, held, stage, who.vault, who=who), held

        try:
            verdict, outcome = await guard.pipeline.acheck(subject.tree, who, make, complete=complete)
        except GuardUnavailable as error:
            raise guard.refuse(error, stage, who) from None
        self.record_verdict(verdict, perf_counter() - started, taken, outcome)
        return verdict, outcome

    def sample_for_shadow(
        self, tree: ContentTree, who: Request, *, ended: bool = True
    ) -> ShadowSample | None:
        """Return what a policy beside the one that is served will judge, None without one; before these leaves are judged."""
        return None if self.shadow is None else self.shadow.sample(tree, who, ended=ended)

    def record_verdict(
        self,
        verdict: Verdict,
        seconds: float,
        taken: ShadowSample | None = None,
        outcome: Outcome | None = None,
    ) -> None:
        """Count a check, remember which detectors fail, and give the shadow policy the sample that was taken before it."""
        self.metrics.count_verdict(verdict, seconds)
        self._note_failures(verdict)
        if self.shadow is not None:
            self.shadow.enqueue(taken, verdict, outcome)

    def count_refusal(self, kind: str) -> None:
        """Count a request that was not let in, by what there was no room for."""
        self.metrics.count("guardrails_shed_total")
        self.metrics.count("guardrails_admission_refused_total", kind=kind)

    def _note_failures(self, verdict: Verdict) -> None:
        for error in verdict.errors:
            self._failed[error.detector] = perf_counter()


def longest_wait(guards: Iterable[Guard]) -> float:
    """Return for how long a request may be expected to wait before its checks begin, where the operator does not say."""
    deadline_s = (
        min(policy.limits.deadline_ms for guard in guards for policy in guard.pipeline.policies) / 1000.0
    )
    return min(LONGEST_WAIT_S, max(SHORTEST_WAIT_S, deadline_s * WAIT_SHARE))
