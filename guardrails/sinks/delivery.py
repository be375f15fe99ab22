"""Delivers verdicts to opened sinks. Each has a queue and a thread of its own, so that none makes a request wait; what a sink
raises is logged and counted, and never changes a verdict.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from guardrails.detectors.shared_builds import SharedInstances
from guardrails.errors import GuardrailsError
from guardrails.fork_safety import fork_safe_lock
from guardrails.registry.sources import PluginSources
from guardrails.sinks.kinds import Record, VerdictSink, read_entry
from guardrails.types import Verdict

LOG = logging.getLogger("guardrails")

WAITING: Final = 10_000
"""Verdicts that may wait for a sink; further ones are dropped, counted and logged."""

CLOSING_S: Final = 5.0
"""Seconds that a sink has at the end of the process for what still waits."""


@dataclass(slots=True)
class SinkCounts:
    """What a sink did not take: `dropped` verdicts, as too many waited; `failed` ones, which it refused by raising."""

    dropped: int = 0
    failed: int = 0


Waiting = queue.Queue[Record | None]
"""The verdicts that wait for a sink; None is the end."""


class SinkThread:
    """An opened sink with the verdicts that wait for it. It is closed once nobody holds this any more, and as the process ends.

    Args:
        name: what messages call it.
        sink: the sink.

    Attributes:
        counts: what it did not take.
    """

    def __init__(self, name: str, sink: VerdictSink) -> None:
        self._name, self._sink = name, sink
        self._lock = fork_safe_lock()
        self._process: int | None = None
        self._waiting: Waiting = queue.Queue(WAITING)
        self.counts = SinkCounts()
        self._unused = weakref.finalize(self, sink.close)
        """Closes a sink that got no verdict, and so has no thread that would."""

    def put(self, record: Record) -> None:
        """Let a verdict wait."""
        if self._process != os.getpid():
            self._start()
        try:
            self._waiting.put_nowait(record)
        except queue.Full:
            self.counts.dropped += 1
            if self.counts.dropped % WAITING == 1:
                LOG.error("sink %s is too slow: %d verdicts were dropped", self._name, self.counts.dropped)

    def _start(self) -> None:
        """Start the thread of this process; one of a parent process stayed behind there, with what waited for it."""
        with self._lock:
            if self._process == os.getpid():
                return
            self._waiting = queue.Queue(WAITING)
            # It holds nothing of this object, which would never end otherwise.
            given = (self._name, self._sink, self._waiting, self.counts)
            name = f"guardrails-sink-{self._name}"
            thread = threading.Thread(target=_write_all, args=given, name=name, daemon=True)
            self._unused.detach()
            thread.start()
            weakref.finalize(self, _end, os.getpid(), self._waiting, thread)
            self._process = os.getpid()


def _write_all(name: str, sink: VerdictSink, waiting: Waiting, counts: SinkCounts) -> None:
    """Have a sink take what waits, until the end."""
    while (record := waiting.get()) is not None:
        try:
            sink.write(record)
        except Exception as error:
            counts.failed += 1
            LOG.error(
                "sink %s raised %s: verdict %s is not in it", name, type(error).__name__, record.get("id")
            )
    try:
        sink.close()
    except Exception as error:
        LOG.error("sink %s raised %s as it was closed", name, type(error).__name__)


def _end(process: int, waiting: Waiting, thread: threading.Thread) -> None:
    """Have a sink take what waits, and close it, within five seconds."""
    if process == os.getpid() and thread.is_alive():
        with suppress(queue.Full):
            waiting.put(None, timeout=CLOSING_S)
        if thread is not threading.current_thread():
            thread.join(CLOSING_S)


class VerdictSinks:
    """The sinks of a guard.

    Args:
        sinks: opened, each with its name.
    """

    def __init__(self, sinks: Sequence[SinkThread]) -> None:
        self.sinks = tuple(sinks)

    def put(self, verdict: Verdict) -> None:
        """Let every sink take a verdict."""
        record = {
            "time": datetime.fromtimestamp(time.time(), UTC).isoformat(),
            **replace(verdict, content=None).to_dict(),
        }
        del record["content"]
        for sink in self.sinks:
            sink.put(record)


_SHARED: SharedInstances[SinkThread] = SharedInstances()


def open_sinks(entries: Sequence[Mapping[str, Any]], sources: PluginSources | None = None) -> VerdictSinks:
    """Open the sinks of a list; guards of one process that name the same share it.

    Args:
        entries: mappings such as `{"use": "jsonl", "path": "verdicts.jsonl"}`.
        sources: where plugins may come from; None: what the environment allows.

    Raises:
        GuardrailsError: an entry names no sink, has fields that it does not know, or it cannot be opened.
    """
    return VerdictSinks([_open_sink(entry, sources) for entry in entries])


def _open_sink(entry: Mapping[str, Any], sources: PluginSources | None) -> SinkThread:
    kind, config = read_entry(entry, sources)

    def make() -> SinkThread:
        try:
            return SinkThread(kind.name, kind.open(config))
        except Exception as error:
            raise GuardrailsError(
                f"sink {kind.name!r} cannot be opened: {type(error).__name__}: {error}"
            ) from error

    return _SHARED.get((os.getpid(), kind.name, kind.origin, config.model_dump_json()), make)
