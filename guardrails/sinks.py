"""Sinks: where verdicts go besides to who asked, such as a file or a system of records.

Each opened sink has a queue and a thread of its own, so that none makes a request wait. What a sink raises is logged and counted,
and never changes a verdict.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal, Protocol

from pydantic import ValidationError

from guardrails.detectors.config import Config, with_use
from guardrails.detectors.shared_builds import SharedInstances
from guardrails.errors import GuardrailsError
from guardrails.registry.registered import Registry
from guardrails.registry.sources import PluginError, PluginOrigin, PluginSources
from guardrails.types import Verdict

LOG = logging.getLogger("guardrails")

WAITING: Final = 10_000
"""Verdicts that may wait for a sink; further ones are dropped, counted and logged."""

CLOSING_S: Final = 5.0
"""Seconds that a sink has at the end of the process for what still waits."""

Record = Mapping[str, Any]
"""A verdict as plain JSON values (`Verdict.to_dict`) without its content, and with `time`: UTC, ISO 8601."""


class VerdictSink(Protocol):
    """An opened sink. It is used by one thread."""

    def write(self, record: Record) -> None:
        """Take one verdict; raising means that it was not taken, and it is not offered again."""
        ...

    def close(self) -> None:
        """Take the end."""
        ...


@dataclass(frozen=True, slots=True)
class Sink:
    """A kind of sink: what `use:` names in an entry of `sinks`.

    Attributes:
        name: what `use:` calls it.
        doc: where verdicts go, in one sentence.
        config: the fields of its configuration.
        open: opens one by its configuration; what it raises is an error at load.
        origin: where it comes from; None: built in.
    """

    name: str
    doc: str
    config: type[Config]
    open: Callable[[Any], VerdictSink]
    origin: PluginOrigin | None = None


def read_sink(name: str, given: object, origin: PluginOrigin | None) -> Sink:
    """Return the kind of sink that was registered under a name; raises `PluginError` where it is none."""
    if not isinstance(given, Sink):
        raise PluginError(
            "invalid_plugin",
            f"the sink {name!r} is a {type(given).__name__}",
            "give a guardrails.plugins.Sink",
        )
    return replace(given, name=name, config=with_use(name, given.config, "Sink"), origin=origin)


class JsonLinesConfig(Config):
    """Appends verdicts to a file, each as a line of JSON."""

    use: Literal["jsonl"]
    """The kind of sink."""
    path: str
    """The file; it is made where there is none. In a settings file relative to the file's folder."""


class JsonLinesFile:
    """A file that verdicts are appended to; several processes may append to one."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    def write(self, record: Record) -> None:
        """Append a line, at once."""
        self._file.write(json.dumps(record, ensure_ascii=False).encode() + b"\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()


JSONL: Final = Sink(
    "jsonl",
    "Appends verdicts to a file, each as a line of JSON.",
    JsonLinesConfig,
    lambda config: JsonLinesFile(Path(config.path)),
)

SINKS: Final = Registry("sinks", Sink, {"jsonl": "guardrails.sinks:JSONL"}, read_sink)
"""The kinds of sinks by name."""


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
        self._lock = threading.Lock()
        self._process: int | None = None
        self._waiting: Waiting = queue.Queue(WAITING)
        self.counts = SinkCounts()

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


def read_entry(entry: Mapping[str, Any], sources: PluginSources | None = None) -> tuple[Sink, Config]:
    """Return the kind and the configuration that an entry of `sinks` means; raises `GuardrailsError`."""
    use = entry.get("use") if isinstance(entry, Mapping) else None
    if not isinstance(use, str):
        raise GuardrailsError(f"a sink needs 'use', one of: {', '.join(SINKS.names(sources))}")
    kind = SINKS.find(use, sources)
    if kind is None:
        raise GuardrailsError(f"{use!r} is not a kind of sink; there are: {', '.join(SINKS.names(sources))}")
    try:
        return kind, kind.config.model_validate(entry)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise GuardrailsError(f"sink {use!r}: {where}: {first['msg']}") from None


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
