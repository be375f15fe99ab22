"""Lists of hosts: entries of a policy in, an index that answers in as many look-ups as a host has labels.

`example.com` is that host and all below it, `=example.com` that host alone, `*.example.com` only what is below.
A scheme before it, a port or a path behind it narrow the entry; a path counts up to a segment's border.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from guardrails.detectors.url_parts import DEFAULT_PORTS, Address, Link, clean_path, host_of
from guardrails.text import folded

# Country codes, and the general names that links in the wild mostly have. Not the whole of IANA's list.
_TLDS = """
    ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt bw
    by bz ca cc cd cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg er es et
    eu fi fj fk fm fo fr ga gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie
    il im in io iq ir is it je jm jo jp ke kg kh ki km kn kp kr kw ky kz la lb lc li lk lr ls lt lu lv
    ly ma mc md me mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw mx my mz na nc ne nf ng ni nl no np nr
    nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw sa sb sc sd se sg sh si sk sl
    sm sn so sr ss st su sv sx sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw tz ua ug uk us uy uz
    va vc ve vg vi vn vu wf ws ye yt za zm zw com net org edu gov mil int info biz name pro mobi app dev
    xyz online site store shop club top icu vip live news blog cloud tech space website link click page
    digital agency email media world today life work works zone fun one win bid loan download stream
    science party review trade date men gdn cam buzz cyou cfd sbs lol monster quest rest bond skin
    beauty hair makeup autos boats homes example test invalid local internal localhost onion arpa zip
    mov
"""
_WIDE_TLDS = (
    "\u0440\u0444 \u4e2d\u56fd \u4e2d\u570b \u9999\u6e2f \u53f0\u6e7e \u53f0\u7063 \ud55c\uad6d "
    "\u0443\u043a\u0440 \u0441\u0440\u0431 \u0431\u0433 \u0435\u044e"
)
TLDS = frozenset(f"{_TLDS} {_WIDE_TLDS}".split())
# Names that end in these are more often files, abbreviations, attributes in code or sentences glued together.
_UNLIKELY = """
    ai am app as at be bz cc cs date do download email example fun gd hm id im in info internal is it je
    la life link live local md me media men mk ml mm mov ms my name ne news no one page pl pm ps py re
    rest review rs sb sc sh site sl so space st store stream tc test tf th to today top trade us va vi
    win work works world zip
"""
UNLIKELY = frozenset(_UNLIKELY.split())

KNOWN = (
    "adobe.com", "amazon.com", "apple.com", "binance.com", "chase.com", "coinbase.com", "dropbox.com", "ebay.com",
    "facebook.com", "github.com", "gitlab.com", "gmail.com", "google.com", "icloud.com", "instagram.com",
    "linkedin.com", "microsoft.com", "microsoftonline.com", "netflix.com", "openai.com", "outlook.com", "paypal.com",
    "stripe.com", "twitter.com", "wellsfargo.com", "whatsapp.com", "wikipedia.org", "yahoo.com", "youtube.com",
)  # fmt: skip
"""Hosts that are imitated most; a policy's `known` adds its own."""

PRIVATE = frozenset({"localhost", "local", "internal", "localdomain", "lan", "intranet", "corp", "home"})
"""Last labels of names that no public server has."""

LONGEST = 512
"""Characters of a host that are looked at; no name in DNS is longer than 253."""

_SKELETON = str.maketrans("013|", "olel")
_NETWORKS = tuple(map(ipaddress.IPv6Network, ("64:ff9b::/96",)))

_ENTRY = re.compile(
    r"(?:([a-z][a-z0-9+.\-]*)://)?(=|\*\.)?(\[[0-9a-f:.]+\]|[^\s/?#@:*=\\]+)(?::(\d{1,5}))?(/.*)?", re.I
)


def suffixes(host: str) -> Iterator[str]:
    """Yield a host and every host above it; of one that is longer than any can be, those at its end."""
    name = host if len(host) <= LONGEST else host[-LONGEST:].partition(".")[2]
    while name:
        yield name
        name = name.partition(".")[2]


def private(link: Link) -> bool:
    """Say whether a link leads into the network of whoever opens it."""
    if link.ip is None:
        return bool(link.host) and link.scheme != "mailto" and link.host.rpartition(".")[2] in PRIVATE
    ip: Address = link.ip
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if inner is None and (any(ip in net for net in _NETWORKS) or int(ip) >> 32 == 0):
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None and int(ip) > 1:
            ip = inner
    return not ip.is_global or ip.is_multicast


def skeleton(host: str) -> str:
    """Return what a host looks like: accents, look-alike letters and digits as the letter they pass for."""
    return folded(host).text.translate(_SKELETON).replace("rn", "m").replace("vv", "w")


def mixed(label: str) -> bool:
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
    """Entries by host. `fold`: paths compare without case, as suits a list of what is forbidden."""

    def __init__(self, *, fold: bool = False) -> None:
        self._rules: dict[str, list[_Rule]] = {}
        self._fold = fold

    def __len__(self) -> int:
        return len(self._rules)

    def hosts(self) -> Iterator[str]:
        """Yield every host that has an entry."""
        yield from self._rules

    def add(self, entry: str) -> None:
        """Take one entry; raise `EntryError` for what is none."""
        match = _ENTRY.fullmatch(entry.strip())
        if match is None:
            raise EntryError(f"{entry!r} is no host", "write a host such as example.com, or example.com/path")
        scheme, mode, host, port, path = (part or "" for part in match.groups())
        name, ip = host_of(host)
        if not name or re.search(r"[\s,;%()<>\"']|\.\.", name) or (ip is None and name.isdigit()):
            raise EntryError(f"{host!r} is no name of a host", "write a host such as example.com")
        if ip is not None and mode == "*.":
            raise EntryError(f"{entry!r}: an address has nothing below it", "write the address alone")
        if ip is not None and re.fullmatch(r"/\d{1,3}", path):
            raise EntryError(f"{entry!r}: networks are not supported", "list addresses, or use url.private")
        if "?" in path or "#" in path:
            raise EntryError(f"{entry!r}: an entry ends with its path", "leave out what follows '?' or '#'")
        rule = _Rule(scheme.lower(), mode, port, self._cased(clean_path(path)).rstrip("/"))
        self._rules.setdefault(name, []).append(rule)

    def _cased(self, path: str) -> str:
        return path.lower() if self._fold else path

    def covers(self, link: Link, host: str) -> bool:
        """Say whether an entry covers this link, taking `host` for its host."""
        # An address is one name: 1.2.3.4 is not below 4.
        names = suffixes(host) if link.ip is None else (host,)
        return any(
            self._fits(rule, link, name != host) for name in names for rule in self._rules.get(name, ())
        )

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
        path = self._cased(link.path)
        return path == rule.path or path.startswith(rule.path + "/")
