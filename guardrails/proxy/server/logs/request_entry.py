"""What the log says of one request: nothing that was asked or answered."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from guardrails.telemetry.request_spans import RequestSpan

REQUEST_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+/=@-]{0,127}")
"""What a client's id of a request may be: it is echoed, and stands in logs."""

TRACE: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?", re.DOTALL)
NO_TRACE: Final = "0" * 32

KEY: Final = "guardrails.log_entry"
"""Key of a scope under which the entry of its request stands."""


@dataclass(slots=True)
class RequestEntry:
    """One request, as far as it was served; times in seconds.

    Attributes:
        request_id: the id that the client got.
        trace_id: that of its trace, "" where it has none.
        method: of HTTP.
        route: the route, not the path, which a client chooses.
        client: the id of its key.
        status: of HTTP.
        action: what the policy did.
        unavailable: why a check could not be done.
        upstream: who was asked last.
        duration: from the head of the request to the end of the answer.
        check: what its checks took together.
        upstream_wait: what upstreams took, until the end of their answers.
        span: its span, None where nobody is told of it.
        tokens: those of the request and of the answer, as the upstream says by now.
    """

    request_id: str = ""
    trace_id: str = ""
    method: str = ""
    route: str = ""
    client: str = ""
    status: int = 0
    action: str = "none"
    unavailable: str = ""
    upstream: str = ""
    duration: float = 0.0
    check: float = 0.0
    upstream_wait: float = 0.0
    span: RequestSpan | None = None
    tokens: Sequence[int] = (0, 0)

    @property
    def level(self) -> str:
        """The level of its line."""
        return "warning" if self.status >= 500 else "info"

    def fields(self) -> dict[str, object]:
        """Return what a line says of it, in order; nothing of what it does not have."""
        found: dict[str, object] = {
            "method": self.method,
            "route": self.route,
            "status": self.status,
            "action": self.action,
            "unavailable": self.unavailable,
            "client": self.client,
            "upstream": self.upstream,
            "request_id": self.request_id,
            "trace_id": self.trace_id,
            "duration_ms": round(self.duration * 1000.0, 2),
            "check_ms": round(self.check * 1000.0, 2) if self.check else "",
            "upstream_ms": round(self.upstream_wait * 1000.0, 2) if self.upstream_wait else "",
        }
        return {name: value for name, value in found.items() if value != ""}


ENTRY: ContextVar[RequestEntry | None] = ContextVar("guardrails_request_entry", default=None)
"""The request that is served; lines of the log that are written meanwhile have its ids."""


def client_request_id(headers: dict[bytes, bytes]) -> str:
    """Return the id that a client gives its request in `x-request-id`, "" where that is none that may be echoed."""
    written = headers.get(b"x-request-id", b"").decode("latin-1").strip()
    return written if REQUEST_ID.fullmatch(written) else ""


def trace_id_of(headers: dict[bytes, bytes]) -> str:
    """Return the id of the trace in a `traceparent` (W3C), "" where there is none."""
    found = TRACE.fullmatch(headers.get(b"traceparent", b"").decode("latin-1").strip())
    return "" if found is None or found[1] == NO_TRACE else found[1]
