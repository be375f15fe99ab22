"""Which web pages may ask a server: those of origins that the operator names, at hosts that are its own.

A page from anywhere can send requests to what listens on its reader's machine. It can do so in two ways: across sites, which
browsers tell by `Origin` and `Sec-Fetch-Site`, or by a name of its own that leads to this server's address (DNS rebinding), which
`Host` tells. An IP address as `Host` was never looked up, and so was not rebound.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from starlette.types import Scope

from guardrails.proxy.access.admission import AccessDenied
from guardrails.proxy.access.hosts import LOOPBACK, NAME, is_loopback

PORTS: Final = {"http": 80, "https": 443}
READS: Final = frozenset({"GET", "HEAD"})
"""Methods by which a page may link to a server: its reader sees the answer, and the page does not."""


class CrossSite:
    """Refuses requests of web pages that the operator did not name.

    Args:
        host: the address that the server listens on.
        allowed_hosts: the names by which clients reach it.
        allowed_origins: the origins of pages that may ask.
        setting: the name of the setting that has these.
    """

    def __init__(
        self,
        host: str,
        allowed_hosts: Collection[str],
        allowed_origins: Collection[str],
        setting: str = "cors_origins",
    ) -> None:
        hosts = {_host(entry) or entry.lower() for entry in allowed_hosts}
        self._any_host, self._any_origin = "*" in hosts, "*" in allowed_origins
        self._hosts = frozenset({LOOPBACK, _host(host) or host.lower(), *hosts})
        self._below = tuple(
            entry[1:].lower().partition(":")[0] for entry in allowed_hosts if entry[:2] == "*."
        )
        self._any_address = not is_loopback(host)
        self._origins, self._setting = frozenset(allowed_origins), setting

    def check(self, scope: Scope) -> None:
        """Raise `AccessDenied` (403) for a request to another host, or of a page elsewhere; only its head is looked at."""
        hosts, origins, sites = [], [], []
        for name, value in scope["headers"]:
            if name == b"host":
                hosts.append(value.decode("latin-1"))
            elif name == b"origin":
                origins.append(value.decode("latin-1"))
            elif name == b"sec-fetch-site":
                sites.append(value)
        # Without any it is HTTP/1.0, which no browser speaks.
        for written in hosts:
            if not self._is_ours(written):
                raise _other_host(_host(written))
        if not origins and not sites:  # no page asks, or one of the same site reads
            return
        if not all(self._may_ask(origin, hosts) for origin in origins):
            raise self._other_origin("of this Origin")
        named = bool(origins) and all(self._is_named(origin) for origin in origins)
        if b"cross-site" in sites and not named and scope["method"] not in READS:
            raise self._other_origin("of another site")

    def _other_origin(self, which: str) -> AccessDenied:
        return AccessDenied(
            403,
            "origin_not_allowed",
            f"a web page {which} may not ask this server: its operator can add its origin to {self._setting} in the settings",
        )

    def _is_ours(self, written: str) -> bool:
        host = _host(written)
        if host is None:
            return self._any_host
        if self._any_host or host in self._hosts or host.endswith(self._below):
            return True
        try:
            address = ip_address(host)
        except ValueError:
            return False
        return self._any_address or address.is_loopback

    def _is_named(self, origin: str) -> bool:
        return self._any_origin or origin in self._origins

    def _may_ask(self, origin: str, hosts: Collection[str]) -> bool:
        if self._is_named(origin):
            return True
        scheme, _, written = origin.partition("://")
        port = PORTS.get(scheme)
        place = None if port is None else _place(written, port)
        if port is None or place is None:
            return False
        return bool(hosts) and all(_place(host, port) == place for host in hosts)


@lru_cache(1_024)
def _parts(written: str) -> tuple[str, int | None] | None:
    """Return host and port of a header; None for what is none."""
    try:
        parts = urlsplit(f"//{written}")
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if not host or parts.path or parts.query or parts.fragment or "@" in written:
        return None
    return host.removesuffix("."), port


@lru_cache(1_024)
def _host(written: str) -> str | None:
    """Return the host of a header or an entry, in small letters and without a port; None for what is none."""
    if ":" in written and "[" not in written and written.count(":") > 1:
        written = f"[{written}]"  # an address of IPv6, as settings have it
    found = _parts(written)
    return None if found is None else found[0]


def _place(written: str, port: int) -> tuple[str, int] | None:
    found = _parts(written)
    return None if found is None else (found[0], found[1] or port)


def _other_host(host: str | None) -> AccessDenied:
    shown = host if host is not None and NAME.fullmatch(host) else "in its Host"
    return AccessDenied(
        403,
        "host_not_allowed",
        f"this server is not asked for the host {shown}: its operator can add that to allowed_hosts in the settings",
    )
