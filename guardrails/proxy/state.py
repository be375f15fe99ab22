"""What one server process shares (`State`), and what one answer says of the checks behind it (`Report`)."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any, TypeVar
from urllib.parse import quote

from starlette.requests import Request as HttpRequest

from guardrails.engine.evaluate import Request
from guardrails.engine.outcome import Outcome
from guardrails.engine.pipeline import today
from guardrails.engine.subject import Subject
from guardrails.engine.workers import workers
from guardrails.errors import GuardrailsError, Overloaded
from guardrails.guard import Guard
from guardrails.proxy.errors import where
from guardrails.proxy.metrics import Metrics
from guardrails.proxy.settings import Settings
from guardrails.proxy.upstream import Upstream
from guardrails.types import Action, PolicyRef, Stage, Verdict

LOG = logging.getLogger("guardrails.proxy")
T = TypeVar("T")

LARGE = 256 << 10
"""Bytes of a body from which it is parsed and walked on a worker, not on the event loop."""

WARM_UP = "Warm-up."
RETRY_S = 1.0
DEGRADED_S = 60.0
"""Seconds for which a failure of a detector shows in the state of the server."""


class State:
    """The guard, the upstream and the numbers of one server process."""

    def __init__(self, settings: Settings, guard: Guard | None = None) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self.upstream = Upstream(settings, self.metrics)
        self.warm = threading.Event()
        self._failed: dict[str, float] = {}
        self.problem: str | None = None
        self._guard = guard

    @property
    def ready(self) -> bool:
        """Whether the policy is compiled and every detector has answered once."""
        return self.warm.is_set()

    @property
    def failing(self) -> list[str]:
        """The detectors that failed within the last minute."""
        since = perf_counter() - DEGRADED_S
        return sorted(name for name, when in self._failed.items() if when >= since)

    @property
    def loaded(self) -> Guard | None:
        """The guard, if there is one already."""
        return self._guard

    @property
    def guard(self) -> Guard:
        """The guard; raises `Overloaded` while there is none, so that a client comes back."""
        if self._guard is None:
            raise Overloaded(self.problem or "the policy is not loaded yet")
        return self._guard

    async def start(self) -> None:
        """Load the policy if none was given, and have every detector answer once, off the event loop."""
        try:
            if self._guard is None:
                settings = self.settings
                self._guard = await self.off_loop(lambda: Guard.load(settings.policy, floor=settings.floor))
            # A detector does not say when it is up; it is asked.
            while not await self._warm_up(self._guard):  # noqa: ASYNC110
                await asyncio.sleep(RETRY_S)
        except Exception as error:
            self.problem = "the policy cannot be loaded"
            LOG.error("not ready: %s", error if isinstance(error, GuardrailsError) else where(error))
            return
        self.warm.set()

    async def _warm_up(self, guard: Guard) -> bool:
        """Judge one text at every stage; a detector that is not up yet is asked again, but for a service, which may go and
        come back while the others work: `failing` names it.
        """
        try:
            verdicts = [await guard.acheck(WARM_UP, stage.value, complete=True) for stage in Stage]
        except Overloaded:
            return False
        for verdict in verdicts:
            self._note(verdict)
        services = {bound.name for bound in guard.pipeline.bounds() if bound.adetect is not None}
        return not any(error.detector not in services for verdict in verdicts for error in verdict.errors)

    async def off_loop(self, function: Callable[[], T]) -> T:
        """Run a function on the process's workers."""
        result: T = await asyncio.wrap_future(workers().submit(function))
        return result

    async def by_size(self, size: int, function: Callable[[], T]) -> T:
        """Run what takes time in proportion to a body: right here if the body is small."""
        return function() if size < LARGE else await self.off_loop(function)

    async def judge(self, subject: Subject, who: Request, stage: Stage) -> tuple[Verdict, Outcome]:
        """Check leaves, count it, and return the verdict, with the outcome, which knows leaves by index."""
        guard = self.guard
        started = perf_counter()
        outcome = await guard.pipeline.acheck(subject.leaves, who)
        verdict = guard.verdict(subject, outcome, stage, who.vault)
        self.saw(verdict, perf_counter() - started)
        return verdict, outcome

    def saw(self, verdict: Verdict, seconds: float) -> None:
        """Count a check, and remember which detectors fail."""
        self.metrics.checked(verdict, seconds)
        self._note(verdict)

    def _note(self, verdict: Verdict) -> None:
        self._failed.update((error.detector, perf_counter()) for error in verdict.errors)


def state_of(request: HttpRequest) -> State:
    """Return the state of the server that a request came to."""
    state: State = request.app.state.proxy
    return state


class Report:
    """What the checks of one request found; its headers stand on the answer."""

    def __init__(self, policy: PolicyRef) -> None:
        self._policy = policy
        self.verdicts: list[Verdict] = []

    def add(self, verdict: Verdict) -> None:
        """Add a check."""
        self.verdicts.append(verdict)

    @property
    def action(self) -> Action:
        """The strictest action."""
        return max((verdict.action for verdict in self.verdicts), default=Action.ALLOW)

    def headers(self) -> dict[str, str]:
        """Return the headers."""
        rules = dict.fromkeys(rule.id for verdict in self.verdicts for rule in verdict.rules)
        policy = self._policy
        headers = {
            "x-guardrails-action": str(self.action),
            "x-guardrails-rules": ",".join(rules),
            "x-guardrails-policy": f"{quote(policy.name)}@{quote(policy.version)};{policy.digest}",
            "x-guardrails-verdict-id": ",".join(verdict.id for verdict in self.verdicts),
        }
        if any(verdict.errors for verdict in self.verdicts):
            headers["x-guardrails-degraded"] = "true"
        return headers


def who_asks(client: Mapping[str, Any], body: Mapping[str, Any], turns: int) -> Request:
    """Return who asks and for what. A client's own words are claims: they never fill `user` or `tenant`."""
    metadata, model = body.get("metadata"), body.get("model")
    return Request(
        client=client,
        metadata=metadata if isinstance(metadata, Mapping) else None,
        model=model if isinstance(model, str) else None,
        turns=turns,
        today=today(),
    )
