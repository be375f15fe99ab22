"""Finds hosts that stand for themselves: addresses of metadata services anywhere, and addresses inside of a network as the value
of a field for a host, in any notation that programs take.

`169.254.169.254` is no version and no number of a person, `2852039166` may be any number: beside `host` it is an address.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Final

from guardrails.detectors.urls.host_lists import is_private
from guardrails.detectors.urls.url_parts import Address, Link, normalize_host

METADATA_NETWORKS: Final = tuple(
    map(
        ipaddress.ip_network,
        ("169.254.0.0/16", "100.100.100.200/32", "192.0.0.192/32", "fd00:ec2::/32", "fe80::/10"),
    )
)
"""Where clouds answer with credentials of the machine (AWS, Azure, Google, Alibaba, Oracle), and all that is link-local."""

METADATA_NAMES: Final = frozenset(
    ("metadata.google.internal", "metadata.goog", "instance-data.ec2.internal", "metadata.tencentyun.com")
)

LONGEST_VALUE: Final = 120
"""Characters of a field and its value that are read as one."""
SHORTEST_NUMBER: Final = 1 << 24
"""What a number by itself is at least, if it is an address: smaller ones count something."""

_CANDIDATE: Final = re.compile(
    r"(?<![\w.:\-@/\[])(?:\[?(?:::)?(?:[0-9a-fA-F]{1,4}::?){1,7}[0-9a-fA-F:]{0,4}(?:[\w.]{0,20})\]?"
    r"|(?:0[xX][0-9a-fA-F]{1,8}|\d{1,11})(?:[.\u3002\uff0e\uff61](?:0[xX][0-9a-fA-F]{1,8}|\d{1,11})){3}|0[xX][0-9a-fA-F]{8}"
    r"|instance-data\.ec2\.internal|metadata\.(?:google\.internal|goog|tencentyun\.com))"
    r"(?=\.?(?::\d{1,5})?(?:[^\w.\-/]|\Z))"
)
_FIELD: Final = re.compile(
    r"(?i)(?:.*?[ _.\-]|.*?(?-i:(?<=[a-z])(?=[A-Z])))??"
    r"(host|hostname|hosts|server|addr|address|ip|ipv4|ipv6|domain|url|uri|endpoint|proxy|upstream|remote|target|destination|dest"
    r"|webhook|callback|gateway)[ _.\-]?(?:name|addr|address|ip|url)?: (\S{1,80})"
)
_PORT: Final = re.compile(r"^(\[.*\]|[^:]*):(\d{1,5})$")
_WEAK: Final = frozenset(
    ("ip", "ipv4", "ipv6", "addr", "address", "gateway", "target", "destination", "dest")
)
"""Fields whose addresses may be looked up, not asked: those of a network are ordinary there."""


def find_host_values(text: str) -> Iterator[Link]:
    """Yield the hosts that stand in a text by themselves and lead inside, as links without a scheme."""
    if len(text) <= LONGEST_VALUE and (field := _FIELD.fullmatch(text)):
        link = _read_value(field[1].lower(), field[2], field.start(2))
        if link is not None:
            yield link
            return
    for found in _CANDIDATE.finditer(text):
        host, ip = normalize_host(found[0])
        if host in METADATA_NAMES or (ip is not None and is_metadata(ip)):
            yield _link(found[0], found.start(), host, ip)


def is_metadata(ip: Address) -> bool:
    """Tell whether an address is that of a metadata service, or link-local."""
    return any(ip.version == network.version and ip in network for network in METADATA_NETWORKS)


def _read_value(field: str, value: str, start: int) -> Link | None:
    """Return the value of a field as a host that leads inside, None where it is none."""
    port = _PORT.match(value)
    host, ip = normalize_host(port[1] if port else value)
    if ip is None or not _is_address(host, value, ip):
        return None
    link = _link(value, start, host, ip)
    inside = is_metadata(ip) or ip.is_loopback or ip.is_unspecified
    return link if inside or (field not in _WEAK and is_private(link)) else None


def _is_address(host: str, value: str, ip: Address) -> bool:
    """Tell whether a value is an address rather than a number or a version: by its size, or by what it begins with."""
    dots = value.strip(".").count(".") + sum(map(value.count, "\u3002\uff0e\uff61"))
    if isinstance(ip, ipaddress.IPv6Address) or ":" in value[:-6] or dots == 3:
        return True
    if dots == 0:
        return int(ip) >= SHORTEST_NUMBER or value in ("0", "0x0")
    return ip.is_loopback or is_metadata(ip)


def _link(raw: str, start: int, host: str, ip: Address | None) -> Link:
    return Link(start, start + len(raw), "", host, raw, ip=ip, readings=(host,), bare=True)
