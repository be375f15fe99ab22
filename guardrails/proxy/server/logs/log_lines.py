"""Writes records and requests as lines: as text for people, or as JSON."""

from __future__ import annotations

import json
import logging
import time
import traceback
from typing import Literal

from guardrails.proxy.server.logs.request_entry import ENTRY, RequestEntry

Format = Literal["text", "json"]


def record_line(record: logging.LogRecord, style: Format) -> str:
    """Return the line of a record. Of an exception it has the type and the places, as its words may quote a prompt."""
    fields: dict[str, object] = {"logger": record.name, "message": record.getMessage()}
    entry = ENTRY.get()
    if entry is not None:
        fields |= {"request_id": entry.request_id, **({"trace_id": entry.trace_id} if entry.trace_id else {})}
    if record.exc_info and record.exc_info[1] is not None:
        fields["exception"] = _describe(record.exc_info[1])
    level = record.levelname.lower()
    if style == "json":
        return _json(record.created, level, fields)
    message = str(fields.pop("message")).replace("\n", "\n  ")
    del fields["logger"]
    return f"{time_of(record.created)} {level.upper():7} {message}{_pairs(fields)}\n"


def request_line(entry: RequestEntry, at: float, style: Format) -> str:
    """Return the line of a request that ended at a time."""
    fields = entry.fields()
    if style == "json":
        return _json(at, entry.level, {"logger": "guardrails.requests", **fields})
    head = " ".join(str(fields.pop(name, "-")) for name in ("method", "route", "status"))
    return f"{time_of(at)} {entry.level.upper():7} {head}{_pairs(fields)}\n"


def dropped_line(count: int, at: float, style: Format) -> str:
    """Return the line that says that others were dropped."""
    message = f"{count} lines of the log were dropped: they came faster than they could be written"
    if style == "json":
        return _json(at, "warning", {"logger": "guardrails.proxy", "message": message})
    return f"{time_of(at)} WARNING {message}\n"


def time_of(at: float) -> str:
    """Return a time (seconds since 1970) as RFC 3339 has it, in UTC, with milliseconds."""
    seconds, milliseconds = divmod(round(at * 1000.0), 1000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{milliseconds:03}Z"


def _json(at: float, level: str, fields: dict[str, object]) -> str:
    return json.dumps({"time": time_of(at), "level": level, **fields}, ensure_ascii=False) + "\n"


def _pairs(fields: dict[str, object]) -> str:
    return "".join(f" {name}={value}" for name, value in fields.items())


def _describe(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return " <- ".join(
        (type(error).__name__, *(f"{each.filename}:{each.lineno}" for each in reversed(frames)))
    )
