"""What the proxy needs to know of an API, as one table: `exchange.exchange` in, for every API the same path out.

A new API is a field table in `engine/`, a route file with its `Api`, and a collector and writer of its streams.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from guardrails.engine.fields import Leaves
from guardrails.engine.outcome import Outcome
from guardrails.proxy import sse
from guardrails.proxy.errors import Problem
from guardrails.proxy.upstream import Dialect


class Collector(Protocol):
    """Turns the events of one stream into the answer that they make up; the only place that reads them."""

    @property
    def finished(self) -> bool:
        """Whether what was taken is a whole answer, also without a last event that says so."""
        ...

    def take(self, event: sse.Event) -> bool:
        """Take the next event; returns True at the end.

        Raises:
            BackendError: it is malformed, unknown, or out of order.
            UpstreamAnswer: the upstream says in it that it failed.
        """
        ...

    def answer(self) -> dict[str, Any]:
        """Return the whole answer, with everything in it that the events held."""
        ...

    def replay(self) -> bytes | None:
        """Return the events again, for an answer of which nothing changes; None if they hold more than that."""
        ...


@dataclass(frozen=True, slots=True)
class Api:
    """One API: how its bodies are read and judged, and how what passes is written."""

    path: str
    """Below the upstream's base URL."""
    dialect: Dialect
    request: Callable[[Any], Leaves]
    """A request's leaves; raises `RequestError` for what is refused."""
    edited: Callable[[Any, Leaves, Outcome], Any]
    """The request to forward; the same object where nothing changes."""
    parsed: Callable[[bytes], dict[str, Any]]
    """A whole answer; raises `BackendError` for what is none."""
    response: Callable[[Any, str, str, str], Leaves]
    """An answer's leaves, beside the system prompt, the prompt and the sources of the request."""
    withheld: Callable[[dict[str, Any], Leaves, Outcome, str], dict[str, Any]]
    """An answer without what an outcome takes from it; the text is what a client reads instead."""
    collector: Callable[[], Collector]
    written: Callable[[dict[str, Any]], bytes]
    """An answer as a stream."""
    failed: Callable[[Problem], bytes]
    """A failure as the last event of a stream."""
    keep_alive: bytes = sse.KEEP_ALIVE
