"""Lists of hosts: entries of a policy in, an index that answers in as many look-ups as a host has labels.

`example.com` is that host and all below it, `=example.com` that host alone, `*.example.com` only what is below.
A scheme before it, a port or a path behind it narrow the entry; a path counts up to a segment's border. `10.0.0.0/8`
is a network. What is allowed may be no public suffix, such as `github.io`: everybody can have a name below it.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from guardrails.detectors.urls.host_names import is_public_suffix
from guardrails.detectors.urls.url_parts import DEFAULT_PORTS, Address, Link, clean_path, normalize_host
from guardrails.text import fold_text

PRIVATE = frozenset(
    {
        "localhost",
        "local",
        "internal",
        "localdomain",
        "lan",
        "intranet",
        "corp",
        "home",
        "svc",
        "instance-data",
    }
)
"""Last labels of names that no public server has."""

WILDCARDS = ("nip.io", "sslip.io", "xip.io")
"""Whoever asks for a name below these gets the address that is written in it: `10.0.0.1.nip.io`."""

LOOPBACK = ("localtest.me", "lvh.me", "lacolhost.com")
"""Every name below these is the machine itself."""

_INNER = re.compile(r"(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?=\.)")

LONGEST = 512
"""Characters of a host that are looked at; no name in DNS is longer than 253."""

_SKELETON = str.maketrans("013|", "olel")
_NETWORKS = tuple(map(ipaddress.IPv6Network, ("64:ff9b::/96",)))

_ENTRY = re.compile(
    r"(?:([a-z][a-z0-9+.\-]*)://)?(=|\*\.)?(\[[0-9a-f:.]+\]|[^\s/?#@:*=\\]+)(?::(\d{1,5}))?(/.*)?", re.I
)
# An address and a number of bits; the address alone decides that no path is meant.
_NETWORK = re.compile(r"(?:\d{1,3}(?:\.\d{1,3}){3}|\[?[0-9a-f]{0,4}:[0-9a-f:.]*\]?)/\d{1,3}", re.I)


def host_suffixes(host: str) -> list[str]:
    """Return a host and every host above it; of one that is longer than any can be, those at its end."""
    name = host if len(host) <= LONGEST else host[-LONGEST:].partition(".")[2]
    found = []
    while name:
        found.append(name)
        name = name.partition(".")[2]
    return found


def is_private(link: Link) -> bool:
    """Say whether a link leads into the network of whoever opens it."""
    if link.ip is None:
        if not link.host or link.scheme == "mailto":
            return False
        return link.host.rpartition(".")[2] in PRIVATE or _resolves_inside(link.host)
    ip: Address = link.ip
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if inner is None and (any(ip in net for net in _NETWORKS) or int(ip) >> 32 == 0):
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None and int(ip) > 1:
            ip = inner
    return not ip.is_global or ip.is_multicast


def _resolves_inside(host: str) -> bool:
    if not host.endswith(WILDCARDS + LOOPBACK):
        return False
    inner = _INNER.search(host.replace("-", "."))
    own = ".".join(host.rsplit(".", 2)[-2:])
    return own in LOOPBACK or (inner is not None and not ipaddress.ip_address(inner[0]).is_global)


def host_skeleton(host: str) -> str:
    """Return what a host looks like: accents, look-alike letters and digits as the letter they pass for."""
    text = host.lower() if host.isascii() else fold_text(host).text
    return text.translate(_SKELETON).replace("rn", "m").replace("vv", "w")


def mixes_scripts(label: str) -> bool:
    """Say whether a label mixes Latin letters with those of a script that looks like it."""
    scripts = {unicodedata.name(char, "").partition(" ")[0] for char in label if char.isalpha()}
    return "LATIN" in scripts and bool(scripts & {"CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC"})


class EntryError(ValueError):
    """An entry that cannot be meant; `hint` is the cure."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class _Rule:
    scheme: str
    mode: str
    port: str
    path: str


class HostList:
    """Entries by host. `forbids`: paths compare without case, and a public suffix may be listed with all below it."""

    def __init__(self, *, forbids: bool = False) -> None:
        self._rules: dict[str, list[_Rule]] = {}
        self._networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
        self._forbids = forbids

    def __len__(self) -> int:
        return len(self._rules) + len(self._networks)

    def hosts(self) -> Iterator[str]:
        """Yield every host that has an entry."""
        yield from self._rules

    def add(self, entry: str) -> None:
        """Take one entry; raise `EntryError` for what is none."""
        if _NETWORK.fullmatch(entry.strip()):
            try:
                self._networks.append(ipaddress.ip_network(entry.strip().replace("[", "").replace("]", "")))
            except ValueError as error:
                raise EntryError(
                    f"{entry!r} is no network", f"write one such as 10.0.0.0/8 ({error})"
                ) from None
            return
        match = _ENTRY.fullmatch(entry.strip())
        if match is None:
            raise EntryError(f"{entry!r} is no host", "write a host such as example.com, or example.com/path")
        scheme, mode, host, port, path = (part or "" for part in match.groups())
        name, ip = normalize_host(host)
        if not name or re.search(r"[\s,;%()<>\"']|\.\.", name) or (ip is None and name.isdigit()):
            raise EntryError(f"{host!r} is no name of a host", "write a host such as example.com")
        if ip is not None and mode == "*.":
            raise EntryError(f"{entry!r}: an address has nothing below it", "write the address alone")
        if not mode and not self._forbids and ip is None and is_public_suffix(name):
            hint = f"list the names below it that you mean, or write *.{name} for all of them"
            raise EntryError(f"{name!r} is a public suffix: anybody can have a name below it", hint)
        if "?" in path or "#" in path:
            raise EntryError(f"{entry!r}: an entry ends with its path", "leave out what follows '?' or '#'")
        rule = _Rule(scheme.lower(), mode, port, self._fold_case(clean_path(path)).rstrip("/"))
        self._rules.setdefault(name, []).append(rule)

    def _fold_case(self, path: str) -> str:
        return path.lower() if self._forbids else path

    def covers(self, link: Link, host: str) -> bool:
        """Say whether an entry covers this link, taking `host` for its host."""
        if not self._rules and not self._networks:
            return False
        if link.ip is not None and host == link.host and any(link.ip in each for each in self._networks):
            return True
        # An address is one name: 1.2.3.4 is not below 4.
        names = host_suffixes(host) if link.ip is None else [host]
        for name in names:
            for rule in self._rules.get(name, ()):
                if self._fits(rule, link, name != host):
                    return True
        return False

    def _fits(self, rule: _Rule, link: Link, below: bool) -> bool:
        if rule.mode and below != (rule.mode == "*."):
            return False
        # A link without a scheme is opened as http or https.
        if rule.scheme and rule.scheme not in ((link.scheme,) if link.scheme else ("http", "https")):
            return False
        if rule.port and rule.port != (link.port or DEFAULT_PORTS.get(link.scheme or "https", "")):
            return False
        if not rule.path:
            return True
        path = self._fold_case(link.path)
        return path == rule.path or path.startswith(rule.path + "/")
