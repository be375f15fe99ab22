"""Addresses of PostgreSQL: what a URL says to its client library (libpq), and what messages call it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle
from typing import Final

CONNECT_S: Final = 10
"""How long a server may take until it answers."""

SILENT_S: Final = 30
"""How long the network may bring nothing of a server before its connection counts as lost."""

DEFAULTS: Final = {
    "application_name": "guardrails",
    "client_encoding": "UTF8",
    "connect_timeout": f"{CONNECT_S}",
    "keepalives_idle": f"{SILENT_S // 2}",
    "keepalives_interval": f"{SILENT_S // 6}",
    "keepalives_count": "3",
    "tcp_user_timeout": f"{SILENT_S * 1000}",
}
"""What holds where an address says nothing else, and libpq would wait for hours for a server that has vanished."""

NO_ADDRESS: Final = (
    "a store in PostgreSQL has an address like postgresql://user:password@host:port/database, where marks in a name or a "
    "password are written as %40 (@), %3A (:), %2F (/), %3F (?), %23 (#), %25 (%)"
)


def read_address(url: str) -> dict[str, str]:
    """Return what a URL says, by the names that libpq has for it, with `DEFAULTS`. psycopg is installed.

    Raises:
        ValueError: it is no address. What libpq says of that is not told, as it repeats passwords.
    """
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    try:
        found = {name: str(value) for name, value in conninfo_to_dict(url).items()}
    except psycopg.Error:
        raise ValueError(NO_ADDRESS) from None
    # A password with a mark in it that ends it: the rest of it would be shown as the host, or as the database.
    if any("@" in found.get(name, "") for name in ("host", "port", "dbname")):
        raise ValueError(NO_ADDRESS)
    return DEFAULTS | found


def name_address(told: Mapping[str, str]) -> str:
    """Return what messages call an address: hosts, ports and database; neither user nor password.

    Args:
        told: what it says, by the names of libpq.
    """
    hosts, ports, database = (told.get(name, "") for name in ("host", "port", "dbname"))
    if hosts.startswith("/"):  # the folder of a socket
        return f"postgresql:///{database}?host={hosts}{f'&port={ports}' if ports else ''}"
    pairs = zip(hosts.split(","), cycle(ports.split(",")), strict=False)
    return f"postgresql://{','.join(_join(host, port) for host, port in pairs)}/{database}"


def _join(host: str, port: str) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"{shown}:{port}" if port else shown
