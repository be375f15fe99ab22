"""Remembers which definitions of tools were approved, in a JSON file or in the memory of one process.

A definition that nobody has seen is approved by its first use, unless approval is required; one that changed waits until it is
approved. Each definition is known by a digest of all that it says, whatever the order of its keys.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from guardrails.errors import GuardrailsError
from guardrails.wire.lossless_json import write

FORMAT = 1
VERSIONS = 16
"""Approved definitions of one tool that are kept: a server may show different ones to different users."""

MOST = 10_000
"""Tools of one server."""


class ApprovalState(StrEnum):
    """How a definition stands."""

    APPROVED = "approved"
    NEW = "new"
    CHANGED = "changed"


@dataclass(slots=True)
class ToolRecord:
    """What is known of one tool: the digests of what was approved, the last of those definitions, and one that waits."""

    approved: list[str] = field(default_factory=list)
    definition: Mapping[str, Any] | None = None
    pending: Mapping[str, Any] | None = None

    @property
    def standing(self) -> ApprovalState:
        """How the tool stands by now."""
        if self.pending is None:
            return ApprovalState.APPROVED
        return ApprovalState.CHANGED if self.approved else ApprovalState.NEW

    def approve(self) -> None:
        """Approve what waits."""
        if self.pending is not None:
            self.approved = [*self.approved, definition_digest(self.pending)][-VERSIONS:]
            self.definition, self.pending = self.pending, None

    def to_dict(self) -> dict[str, Any]:
        """Return the record as JSON values."""
        return {"approved": self.approved, "definition": self.definition, "pending": self.pending}


Records = dict[str, dict[str, ToolRecord]]
"""Server → tool → what is known of it."""


def definition_digest(definition: Mapping[str, Any]) -> str:
    """Return the digest of a definition."""
    return "sha256:" + hashlib.sha256(write(_sort_keys(definition), ascii_only=True).encode()).hexdigest()


def _sort_keys(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _sort_keys(value[name]) for name in sorted(value)}
    return [_sort_keys(each) for each in value] if isinstance(value, list | tuple) else value


class ApprovalStore:
    """The store. Several processes may share one file; what another approves counts from the next look on."""

    def __init__(self, path: Path | None = None, *, require: bool = False) -> None:
        """Take a store; raises `GuardrailsError` if its file cannot be read.

        Args:
            path: the file, made at first need; None keeps all in memory.
            require: whether a tool that is new waits for approval too.
        """
        self._path, self._require = path, require
        self._lock = threading.Lock()
        self._stamp: tuple[int, int, int] | None = None
        self._records: Records = {}
        self.records()

    def check_writable(self) -> None:
        """Raise `GuardrailsError` where the file could not be written, before anybody waits for it."""
        with _lock_file(self._path):
            return

    def records(self) -> Records:
        """Return what is known by now."""
        with self._lock:
            self._look()
            return self._records

    def standing(self, server: str, tool: str, known_by: str) -> ApprovalState:
        """Return how a definition of this digest stands, without remembering it."""
        record = self.records().get(server, {}).get(tool)
        if record is None:
            return ApprovalState.NEW
        if known_by in record.approved:
            return ApprovalState.APPROVED
        return ApprovalState.CHANGED if record.approved else ApprovalState.NEW

    def record_seen(self, server: str, tools: Mapping[str, Mapping[str, Any]]) -> dict[str, ApprovalState]:
        """Remember the definitions that a server shows, and return how each stands.

        Raises:
            GuardrailsError: the file cannot be written, or there are too many tools.
        """
        with self._changing() as records:
            known = records.setdefault(server, {})
            if len(known.keys() | tools.keys()) > MOST:
                raise GuardrailsError(f"the server lists more than {MOST} tools")
            return {name: self._meet(known, name, definition) for name, definition in tools.items()}

    def _meet(self, known: dict[str, ToolRecord], name: str, definition: Mapping[str, Any]) -> ApprovalState:
        record = known.setdefault(name, ToolRecord())
        if definition_digest(definition) in record.approved:
            return ApprovalState.APPROVED
        record.pending = definition
        if not record.approved and not self._require:
            record.approve()
        return record.standing

    def approve(self, server: str | None = None, tool: str | None = None) -> list[tuple[str, str]]:
        """Approve what waits: all, or that of a server, or of one tool of it; returns which that was."""
        found: list[tuple[str, str]] = []
        with self._changing() as records:
            for of, name, record in filter_tools(records, server, tool):
                if record.pending is not None:
                    record.approve()
                    found.append((of, name))
        return found

    @contextmanager
    def _changing(self) -> Iterator[Records]:
        with self._lock, _lock_file(self._path):
            self._look()
            before = _text(self._records)
            yield self._records
            after = _text(self._records)
            if self._path is not None and (after != before or self._stamp is None):
                _write(self._path, after)
                self._stamp = _stamp(self._path)

    def _look(self) -> None:
        """Read the file again if it is another by now."""
        if self._path is None:
            return
        stamp = _stamp(self._path)
        if stamp != self._stamp:
            self._records = {} if stamp is None else _read(self._path)
            self._stamp = stamp


def filter_tools(
    records: Records, server: str | None = None, tool: str | None = None
) -> Iterator[tuple[str, str, ToolRecord]]:
    """Yield the tools of all servers, or of one, or one tool, in order."""
    for of in sorted(records):
        for name in sorted(records[of]):
            if server in (None, of) and tool in (None, name):
                yield of, name, records[of][name]


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise GuardrailsError(f"{path} cannot be read: {error.strerror}") from None
    return found.st_mtime_ns, found.st_ino, found.st_size


def _read(path: Path) -> Records:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["format"] != FORMAT:
            raise ValueError("format")
        return {
            server: {name: _record(given) for name, given in tools.items()}
            for server, tools in data["servers"].items()
        }
    except OSError as error:
        raise GuardrailsError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, TypeError, KeyError, AttributeError):
        raise GuardrailsError(f"{path} is no file of approvals: move it away to begin anew") from None


def _record(given: Mapping[str, Any]) -> ToolRecord:
    record = ToolRecord(given["approved"], given["definition"], given["pending"])
    texts = isinstance(record.approved, list) and all(isinstance(each, str) for each in record.approved)
    if (
        not texts
        or not isinstance(record.definition, dict | None)
        or not isinstance(record.pending, dict | None)
    ):
        raise ValueError("record")
    return record


def _text(records: Records) -> str:
    servers = {
        server: {name: record.to_dict() for name, record in sorted(tools.items())}
        for server, tools in sorted(records.items())
    }
    return json.dumps({"format": FORMAT, "servers": servers}, indent=1) + "\n"


def _write(path: Path, text: str) -> None:
    """Write a file whole at once."""
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        new.write_text(text, encoding="utf-8")
        new.replace(path)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise GuardrailsError(f"{path} cannot be written: {error.strerror}") from None


@contextmanager
def _lock_file(path: Path | None) -> Iterator[None]:
    """Keep other processes from changing a file meanwhile, where the system can."""
    if path is None or os.name != "posix":
        yield
        return
    import fcntl

    try:
        lock = os.open(path.with_name(f".{path.name}.lock"), os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise GuardrailsError(f"{path} cannot be written: {error.strerror}") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
