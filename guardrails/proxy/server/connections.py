"""The connections of one server process: how many there may be, of one address and in all, and how long a request may take to
arrive.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Final, Literal

from guardrails.errors import GuardrailsError

LOG = logging.getLogger("guardrails.proxy")

CONNECTIONS: Final = "guardrails.connections"
"""Key of the lifespan's state under which an application gives its `Connections` to the server's protocol (`http.Http`)."""

PRESENCE: Final = "guardrails.presence"
"""Key of a scope under which the server's protocol says whether the client of the request is still there (`ClientPresence`)."""

TOO_SLOW: Final = "guardrails.too_slow"
"""Key of a scope under which stands that the client sends the body too slowly; whoever waits for a piece gets an empty one."""

MOST: Final = 4_096
"""Connections at a time: by default eight times the requests that are served at a time, since idle ones are kept for a while."""

RESERVED: Final = 64
"""File descriptors that a process needs apart from connections: its files, pipes and listeners."""

FEWEST: Final = 16
"""Connections at a time without which nothing is served, unless fewer are wanted."""

NETWORK_BITS: Final = 64
"""Bits of an IPv6 address that one client cannot choose: providers give each a whole network."""

Reason = Literal["too_many", "too_many_of_address", "slow_head", "slow_body"]


class AnswerBrokenOff(RuntimeError):
    """An answer that has begun does not go on: its connection is to be closed, so that the client sees that it is not whole."""


def ignore_reason(reason: str) -> None:
    """Count nothing."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What connections may take: the settings of the same names say what each is for."""

    head_s: float = 10.0
    body_s: float = 30.0
    body_bytes_per_s: int = 1_000
    max_connections: int = MOST
    max_connections_per_address: int | None = None


class ClientPresence:
    """Whether the client of one request is still there; what waits for that costs no task of its own."""

    __slots__ = ("_watchers", "has_left")

    def __init__(self) -> None:
        self.has_left = False
        self._watchers: list[Callable[[], None]] = []

    def watch(self, leave: Callable[[], None]) -> None:
        """Call a function once the client goes away; for one who has not yet (`has_left`)."""
        self._watchers.append(leave)

    def unwatch(self, leave: Callable[[], None]) -> None:
        """Call the function no more."""
        if leave in self._watchers:
            self._watchers.remove(leave)

    def end(self) -> None:
        """Tell those who watch that the client has gone away."""
        self.has_left = True
        watchers, self._watchers = self._watchers, []
        for leave in watchers:
            leave()


class Connections:
    """The open connections of one process, counted by the client's address. Used from its event loop alone.

    Attributes:
        limits: what each may take.
        most: how many there may be: fewer than the limit where the process may not open enough files.
        open: how many there are.
        closed: is called with the reason whenever one is refused, or closed because its client is too slow.
    """

    def __init__(
        self, limits: Limits | None = None, closed: Callable[[Reason], None] = ignore_reason
    ) -> None:
        self.limits = limits or Limits()
        self.closed = closed
        self.open = 0
        self.most = limit_to_descriptors(self.limits.max_connections)
        # One address must not take all: probes and other clients come from others.
        self._most_of_address = self.limits.max_connections_per_address or max(1, self.most * 3 // 4)
        self._by_address: Counter[str] = Counter()

    def enter(self, address: str) -> bool:
        """Count a connection from an address, and tell whether there was room for it; `leave` gives the room back."""
        network = network_of(address)
        full = self.open >= self.most
        if full or self._by_address[network] >= self._most_of_address:
            self.closed("too_many" if full else "too_many_of_address")
            return False
        self.open += 1
        self._by_address[network] += 1
        return True

    def leave(self, address: str) -> None:
        """Count a connection that was let in no more."""
        network = network_of(address)
        self.open -= 1
        self._by_address[network] -= 1
        if not self._by_address[network]:
            del self._by_address[network]


def network_of(address: str) -> str:
    """Return what connections from an address are counted under: an IPv4 address, the network of an IPv6 one."""
    if ":" not in address:
        return address
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return address
    return str(found.ipv4_mapped or int(found) >> (128 - NETWORK_BITS))


def limit_to_descriptors(wanted: int) -> int:
    """Return how many connections a process may have at a time: what is wanted, but no more than half of the file descriptors
    that it may open, since a request that is served has a connection to the upstream as well.
    """
    soft = _soft_limit()
    return wanted if soft is None else min(wanted, max(1, soft // 2 - RESERVED))


def check_descriptors(wanted: int) -> None:
    """Say in the log where this process may open too few files for so many connections.

    Raises:
        GuardrailsError: it could hardly serve anybody.
    """
    soft, most = _soft_limit(), limit_to_descriptors(wanted)
    if most >= wanted:
        return
    cure = f"raise the limit to {2 * (wanted + RESERVED)} (ulimit -n, systemd's LimitNOFILE=, docker's --ulimit nofile=)"
    if most < min(wanted, FEWEST):
        raise GuardrailsError(
            f"this process may open {soft} files, of which {RESERVED} are needed besides connections: "
            f"too few to serve {min(wanted, FEWEST)} connections at a time: {cure}"
        )
    LOG.warning(
        "%d connections at a time, not %d, as this process may open %d files: %s", most, wanted, soft, cure
    )


def raise_descriptors(wanted: int) -> None:
    """Let this process, and those that it starts, open as many files as so many connections need, as far as it may.

    Raises:
        GuardrailsError: as `check_descriptors`.
    """
    if sys.platform != "win32":
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        needed = 2 * (wanted + RESERVED)
        if soft != resource.RLIM_INFINITY and soft < needed:
            most = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
            with contextlib.suppress(ValueError, OSError):  # macOS has further limits of its own
                resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    check_descriptors(wanted)


def _soft_limit() -> int | None:
    """Return how many files this process may open, None where it may open any number."""
    if sys.platform == "win32":
        return None
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft
