"""The queue of contents that a shadow policy is to judge, on one thread of its own, which writes the log.

It gives way as long as requests wait for a worker. What comes when too much waits is left out, counted, and written so.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections import Counter, deque
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol

from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.core.worker_pool import workers
from guardrails.engine.model import Request
from guardrails.proxy.server.metrics import Metrics
from guardrails.proxy.shadow.rotating_file import DecisionLog
from guardrails.proxy.shadow.shadow_settings import ShadowDoc
from guardrails.types import Verdict

LOG = logging.getLogger("guardrails.proxy")

YIELD_S: Final = 0.01
"""Seconds between two looks at whether requests still wait for a worker."""

PATIENCE_S: Final = 5.0
"""Seconds for which it gives way at most: a server that is always busy is judged beside, too."""

CLOSE_S: Final = 2.0
"""Seconds for what waits when the server stops."""


class ShadowUnavailable(Exception):
    """The shadow policy could not judge: a detector failed. Its text is the kind of failure."""


@dataclass(frozen=True, slots=True)
class ShadowSample:
    """What a content was before it was judged; without `tree` it is not judged beside, and `why` says why ("": by chance)."""

    tree: ContentTree | None
    who: Request
    size: int = 0
    ended: bool = True
    why: str = ""


class ShadowJudge(Protocol):
    """A policy that judges beside another."""

    def evaluate(self, job: ShadowJob, content: bool, started: float) -> tuple[dict[str, Any], str]:
        """Return the row of a job, and how the decision differs; it may raise."""
        ...

    def failure_row(self, job: ShadowJob, why: str) -> dict[str, Any]:
        """Return the row of a job that could not be judged."""
        ...


@dataclass(frozen=True, slots=True)
class ShadowJob:
    """What is to be judged beside, and by whom: `shadow` is what was beside the live policy when it came."""

    shadow: ShadowJudge
    taken: ShadowSample
    verdict: Verdict
    left: object
    route: str
    at: float


class ShadowQueue:
    """The thread of one server process, its queue and its log."""

    def __init__(self, metrics: Metrics) -> None:
        self.metrics = metrics
        self._doc = ShadowDoc()
        self._log: DecisionLog | None = None
        self._jobs: deque[ShadowJob] = deque()
        self._size = 0
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._left_out: Counter[str] = Counter()
        self._closing = self._busy = self._told = False
        self.dropped = 0
        metrics.shadow_waiting = lambda: self.waiting

    @property
    def waiting(self) -> int:
        """Contents that wait to be judged."""
        return len(self._jobs)

    @property
    def has_started(self) -> bool:
        """Whether anything was judged beside, or left out, so far."""
        return self._thread is not None

    @property
    def doc(self) -> ShadowDoc:
        """What counts by now."""
        return self._doc

    def configure(self, doc: ShadowDoc) -> None:
        """Follow other settings from now on; raises `OSError` where their log cannot be written."""
        log = None if doc.log is None else DecisionLog(Path(doc.log), doc.log_bytes, doc.log_files)
        if log is not None:
            log.open()
        self._doc, self._log = doc, log

    def put(self, job: ShadowJob) -> None:
        """Take a job, or leave it out where too much waits. On the event loop."""
        self._loop = asyncio.get_running_loop()
        with self._changed:
            full = len(self._jobs) >= self._doc.queue or self._size + job.taken.size > self._doc.queue_bytes
            if not full:
                self._jobs.append(job)
                self._size += job.taken.size
                self._begin()
                self._changed.notify()
        if full:
            self.leave_out("queue_full")

    def leave_out(self, why: str) -> None:
        """Count what is not judged beside. On the event loop."""
        self._loop = asyncio.get_running_loop()
        self.dropped += 1
        self.metrics.count("guardrails_shadow_dropped_total", why=why)
        with self._changed:
            self._left_out[why] += 1
            self._begin()
            self._changed.notify()

    def _begin(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="guardrails-shadow", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
                while not (self._jobs or self._left_out):
                    if self._closing:
                        return
                    self._changed.wait()
                self._busy = True
                job = self._jobs.popleft() if self._jobs else None
                self._size -= job.taken.size if job is not None else 0
                left_out, self._left_out = self._left_out, Counter()
            now = iso(time.time())
            rows = [{"time": now, "dropped": count, "why": why} for why, count in left_out.items()]
            if job is not None:
                self._give_way()
                rows.append(self._evaluate(job))
            self._write(rows)

    def _give_way(self) -> None:
        """Wait as long as requests wait for a worker, within reason."""
        until = time.monotonic() + PATIENCE_S
        while workers().waiting and not self._closing and time.monotonic() < until:
            time.sleep(YIELD_S)

    def _evaluate(self, job: ShadowJob) -> dict[str, Any]:
        """Return the row of a job, whatever comes of it."""
        started = time.perf_counter()
        try:
            made, what = job.shadow.evaluate(job, self._doc.content, started)
            counts = [("guardrails_shadow_decisions_total", {"stage": job.verdict.stage.value, "turn": what})]
            counts += [
                ("guardrails_shadow_rules_total", {"rule": rule["id"], "action": rule["action"]})
                for rule in made["shadow"]["rules"]
            ]
        except Exception as error:  # a policy that is tried out must break nothing
            why = f"unavailable_{error}" if isinstance(error, ShadowUnavailable) else type(error).__name__
            LOG.debug("the shadow policy could not judge: %s", why)
            made = job.shadow.failure_row(job, why)
            counts = [("guardrails_shadow_failures_total", {"error": why})]
        self._count(counts)
        return made

    def _write(self, rows: list[dict[str, Any]]) -> None:
        log = self._log
        if log is None or not rows:
            return
        try:
            log.add(rows)
            self._told = False
        except OSError as error:
            if not self._told:
                LOG.error("the log of decisions cannot be written: %s: %s", log.path, error.strerror)
            self._told = True
            self._count([("guardrails_shadow_unwritten_total", {})] * len(rows))

    def _count(self, counts: list[tuple[str, dict[str, str]]]) -> None:
        """Have the event loop count, which owns the numbers."""
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):  # the server is gone
            self._loop.call_soon_threadsafe(self._apply_counts, counts)

    def _apply_counts(self, counts: list[tuple[str, dict[str, str]]]) -> None:
        for name, labels in counts:
            self.metrics.count(name, **labels)

    def close(self) -> None:
        """Judge what waits, for a while; what is left then is left out, and written so."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: not (self._jobs or self._busy or self._left_out), CLOSE_S)
            left = len(self._jobs)
            self._jobs.clear()
            self._size = 0
            # A thread that is inside a library when the interpreter goes may take the process down with it.
            self._changed.wait_for(lambda: not self._busy, CLOSE_S)
        if left:
            self._write([{"time": iso(time.time()), "dropped": left, "why": "stopped"}])


def iso(at: float) -> str:
    """Return a time, in seconds since 1970, as logs have it."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
