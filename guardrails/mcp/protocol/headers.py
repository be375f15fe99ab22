"""Checks the headers of MCP over HTTP against the message, and makes those that go on. What contradicts is refused.

From 2026-07-28 on headers repeat the method, the name and some arguments. A server, or what stands before it, may act on either,
so that they must say the same, also once the policy has changed an argument.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any

from guardrails.engine.values.writer import value_at
from guardrails.errors import RequestError
from guardrails.mcp.link import VERSION
from guardrails.mcp.protocol.rpc import Body, RpcMessage
from guardrails.wire.pointers import Path

SESSION, RESUME = "mcp-session-id", "last-event-id"
METHOD, NAME, PROTOCOL = "mcp-method", "mcp-name", "mcp-protocol-version"
PARAMETER = "mcp-param-"
PASSED_ON = (
    "authorization",
    SESSION,
    RESUME,
    PROTOCOL,
    "user-agent",
    "accept-language",
    "traceparent",
    "tracestate",
)
"""Headers of an agent that a server gets, besides those that repeat the message."""

TOLD_ON = tuple(name for name in PASSED_ON if name != "authorization")
"""Those of them that are judged: a key is for the server."""

PASSED_BACK = (SESSION, "www-authenticate", "retry-after")
"""Headers of a server that an agent gets."""

MISMATCH = "header_mismatch"
OPENING, CLOSING = "=?base64?", "?="


def _mismatch(name: str) -> RequestError:
    return RequestError(MISMATCH, f"the header {name} does not say what the message says")


def check_headers(headers: Mapping[str, str], message: RpcMessage) -> None:
    """Compare what headers repeat with the message; raises `RequestError` where they differ."""
    meta = message.params.get("_meta")
    version = meta.get(VERSION) if isinstance(meta, Mapping) else None
    named = message.params.get("name", message.params.get("uri"))
    for name, said in ((METHOD, message.method), (NAME, named), (PROTOCOL, version)):
        written = headers.get(name)
        if written is None or (name == PROTOCOL and said is None):  # which older revisions say there alone
            continue
        if _decode_header(name, written) != said:
            raise _mismatch(name)


def forward_headers(
    headers: Mapping[str, str], message: RpcMessage, sent: Body, key: str | None
) -> dict[str, str]:
    """Return the headers of a message that goes on as `sent`; `key` is the server's own token, where the operator has one.

    Raises:
        RequestError: a header repeats an argument that is not there.
    """
    found = plain_headers(headers, key)
    found |= {name: headers[name] for name in (METHOD, NAME) if name in headers}
    arguments, after = message.params.get("arguments"), sent.get("params", {}).get("arguments")
    for name, written in headers.items():
        if name.startswith(PARAMETER):
            value = _decode_header(name, written)
            values = {
                _written(value_at(after, path))
                for path, given in _leaves(arguments)
                if _written(given) == value
            }
            if len(values) != 1:
                raise _mismatch(name)
            found[name] = _encode_header(values.pop())
    return found


def plain_headers(headers: Mapping[str, str], key: str | None) -> dict[str, str]:
    """Return the headers that go on with anything."""
    found = {name: headers[name] for name in PASSED_ON if name in headers}
    if key is not None:
        found["authorization"] = f"Bearer {key}"
    return found


def listing_headers(headers: Mapping[str, str], key: str | None) -> dict[str, str]:
    """Return the headers of a list of tools that the guard asks for itself, in the name of an agent."""
    found = plain_headers(headers, key)
    found.pop(RESUME, None)
    return {**found, METHOD: "tools/list"} if METHOD in headers else found


def _leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(inner, (*path, name))
    elif value is not None and not isinstance(value, list):
        yield path, value


def _written(value: Any) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def _decode_header(name: str, written: str) -> str:
    if not (written.startswith(OPENING) and written.endswith(CLOSING)):
        return written
    try:
        return base64.b64decode(written[len(OPENING) : -len(CLOSING)], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise _mismatch(name) from None


def _encode_header(value: str) -> str:
    safe = value.isascii() and value.isprintable() and value == value.strip()
    if safe and not (value.startswith(OPENING) and value.endswith(CLOSING)):
        return value
    return f"{OPENING}{base64.b64encode(value.encode()).decode()}{CLOSING}"
