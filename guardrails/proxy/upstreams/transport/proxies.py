"""Chooses the proxy through which an upstream is asked: its own, or that of the environment (`HTTPS_PROXY`, `NO_PROXY`)."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

NONE: Final = "none"
"""What a setting says where no proxy is to be asked, whatever the environment says."""

PORTS: Final = {"http": 80, "https": 443}


def choose_proxy(url: str, own: str | None, environment: Mapping[str, str]) -> str | None:
    """Return the URL of the proxy for an upstream, None where it is asked directly.

    Args:
        url: of the upstream.
        own: what its settings say: a URL, `none`, or nothing.
        environment: the process's variables, of which names in small letters come first. `HTTP_PROXY` is not asked for this
            machine's own addresses, where models are served and no proxy reaches them.

    Raises:
        ValueError: the environment names a proxy that cannot be asked; the message does not quote it.
    """
    if own is not None:
        return None if own == NONE else own
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or PORTS.get(parts.scheme, 0)
    for name in (f"{parts.scheme}_proxy", "all_proxy"):
        for variable in (name, name.upper()):
            if found := environment.get(variable, "").strip():
                break
        else:
            continue
        if _is_exempt(host, port, environment.get("no_proxy") or environment.get("NO_PROXY", "")):
            return None
        if parts.scheme == "http" and _is_loopback(host):
            return None
        written = found if "://" in found else f"http://{found}"
        check_proxy(written, variable, secret=True)
        return written
    return None


def check_proxy(url: str, name: str, *, secret: bool = False) -> str:
    """Return the URL of a proxy that can be asked.

    Args:
        url: of the proxy.
        name: what it is called in a message.
        secret: whether it may hold a name and password.

    Raises:
        ValueError: it is none that can be.
    """
    try:
        parts = urlsplit(url)
        fits = parts.scheme in PORTS and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(f"{name} must be the URL of an HTTP proxy, such as http://proxy:3128")
    if parts.username is not None and not secret:
        raise ValueError(f"{name} must not hold a name or password: set HTTPS_PROXY in the environment")
    return url


def _is_exempt(host: str, port: int, listed: str) -> bool:
    """Tell whether `NO_PROXY` lists a host: `*`, a name and all below it, an address, a network, each with a port or without."""
    for entry in listed.replace(" ", ",").split(","):
        name, wanted = entry.strip().lower(), None
        if name.count(":") == 1:
            name, _, written = name.partition(":")
            wanted = int(written) if written.isdigit() else None
        name = name.strip("[]").removeprefix("*.").lstrip(".")
        if not name or (wanted is not None and wanted != port):
            continue
        if name == "*" or host == name or host.endswith(f".{name}") or _is_in_network(host, name):
            return True
    return False


def _is_in_network(host: str, network: str) -> bool:
    try:
        return ip_address(host) in ip_network(network, strict=False)
    except ValueError:
        return False


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
