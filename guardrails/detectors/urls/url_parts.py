"""Finds the links of a text with their spans and parts, as a browser would read them.

One RE2 pattern finds candidates in linear time; no candidate is searched twice. A host comes out in one form
whatever its spelling: case, percent-encoding, full-width letters, punycode, and IP addresses in any notation.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import unquote

from guardrails.detectors.urls.host_names import TLDS, has_known_suffix
from guardrails.text.matching import linear_patterns as re2

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

DEFAULT_PORTS = {"http": "80", "https": "443", "ftp": "21", "ws": "80", "wss": "443"}
SCRIPTS = frozenset({"javascript", "vbscript", "livescript"})

_END = r"\s\x1c-\x1f\x{85}\pZ<>\"\x60\x{3001}\x{ff0c}\x{ff09}\x{300d}\x{300f}\x{3011}\x{300b}"
_ATOM = rf"(?:\([^\s()<>\"]*\)|\[[^\s\[\]<>\"]*\]|[^{_END})\]])"
_HIDDEN = r"\x{200b}-\x{200d}\x{2060}\x{feff}\x{ad}"
_LABEL = rf"[\pL\pN\pM_\-{_HIDDEN}]+"
# No name's last label begins with a digit; dates and versions are thus no candidates.
_LAST = rf"[{_HIDDEN}]*[\pL\x{{24b6}}-\x{{24e9}}][\pL\pN\pM_\-{_HIDDEN}\x{{24b6}}-\x{{24e9}}]*"
_NUMBER = r"(?:0x[0-9a-f]+|\pN+)"
_DOT = r"(?:[.\x{3002}\x{ff0e}\x{ff61}]|[\[({][.][\])}]|[\[({]dot[\])}])"
# URL parsers drop these signs wherever they stand.
_GAP = r"[\t\r\n\x00]*"
_TORN = r"[^\s/?#\\<>\"]+[\t\r\n]+(?:\.\w|@[\w\-]+(?:\.\w|:\d))"
_SCRIPT = "|".join(_GAP.join(name) for name in ("javascript", "vbscript", "livescript"))
_TAIL = rf"(?::\d{{1,5}}(?:[/\\?#]{_ATOM}*)?|[/\\?#]{_ATOM}*)"
_OPTIONS = re2.Options()
# With less, RE2 leaves its automaton for a slow engine on texts of many scripts; taken as texts ask for it.
_OPTIONS.max_mem = 128 << 20
_OPTIONS.log_errors = (
    False  # that it did leave it is no news for the server's log, which every such text would fill
)
_LINK: Any = re2.compile(
    "(?i)(?:"
    rf"[a-z][a-z0-9+.\-]{{1,30}}://(?:{_TORN}{_ATOM}*)"
    rf"|[a-z][a-z0-9+.\-]{{1,30}}(?::|\[:\])[\\/][\\/]+{_ATOM}+"
    rf"|[a-z][a-z0-9+.\-]{{1,30}}\[://\]{_ATOM}+"
    rf"|\b{_GAP.join('http')}{_GAP}s?{_GAP}:{_GAP}[\\/]{_GAP}[\\/]{_ATOM}+"
    rf"|\b(?:{_SCRIPT}){_GAP}:[^\S\n]*{_ATOM}+"
    rf"|\b{_GAP.join('data')}{_GAP}:(?:[a-z]+/[\w.+\-]+)?(?:;[\w.+\-]+(?:=[^,;\s]*)?)*,{_ATOM}*"
    rf"|\b(?:https?|hxxps?|ftp|wss?|{_GAP.join('mailto')}{_GAP}|tel|sms|magnet):{_ATOM}+"
    rf"|\bfile:[\\/]{_ATOM}+"
    rf"|[\\/]{{2}}{_ATOM}+"
    rf"|(?:[\w.%+\-:]+@)?(?:{_LABEL}{_DOT})+{_LAST}(?:{_DOT})?{_TAIL}?"
    rf"|{_NUMBER}(?:{_DOT}{_NUMBER}){{3}}{_TAIL}"
    rf"|\blocalhost(?::\d{{1,5}}(?:[/\\?#]{_ATOM}*)?|[/\\]{_ATOM}*)"
    ")",
    _OPTIONS,
)
# What most links are, in one step: its parts are those that the long way finds. Letters of Latin, Greek, Cyrillic, Armenian.
_LETTER = r"a-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02af\u0388-\u0481\u048a-\u0587"
_PLAIN = re.compile(
    rf"(?:(https?)://|(//))?((?:[{_LETTER}0-9][{_LETTER}0-9_\-]*\.)+[{_LETTER}][{_LETTER}0-9\-]*\.?)"
    r"(?::(\d{1,5}))?(?=[/?#]|\Z)",
    re.I,
)
_SIGNS = str.maketrans("", "", ".-_")
_CONTROLS = re.compile(r"[\t\r\n\x00]")
_TEAR = re.compile(r"[\t\r\n]")
_BREAKS = frozenset("\t\r\n")
_MORE = re.compile(r"[\t\r\n]+([a-z]{1,20})(?![\w@.\-]|\.\w)", re.I)
_SCHEME = re.compile(r"([a-z][a-z0-9+.\-]*)(?:\[:\]|:)", re.I)
_BRACKETED = re.compile(r"[\[({](\.|dot|:|://)[\])}]", re.I)
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)
# What separates two links written without a space between them.
_SPLIT = re.compile(
    r"[,;|'(\[{](?:(?=(?:https?|hxxps?|ftp|wss?)\W)|(?<!')(?=(?:data|mailto|javascript|vbscript):\w|"
    r"(?:[a-z0-9][a-z0-9\-]*\.)+([a-z]{2,24})(?:[/:?#,;|\])}]|$)|\d{1,3}(?:\.\d{1,3}){3}[/:]))",
    re.I,
)
_NO_SLASHES = frozenset(":/\\.)]*")
# What a name without a scheme does not follow.
_NO_NAME = frozenset("@/\\.$&%~")
_NUMERAL = re.compile(r"0x[0-9a-f]{0,16}|\d{1,20}")
_BORDER = re.compile(r"[/\\?#]")
# Where a program that knows fewer signs would cut a host.
_JOINTS = re.compile(r"[^\w.\-]+")
_NOT_HOST = re.compile("[^\\w.\\-:\\[\\]\u3002\uff0e\uff61]")
_UNSPACED = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_GLUED = re.compile(rf"^[{_UNSPACED}]+(?=[a-z0-9])", re.I)
_GLUED_END = re.compile(rf"(?<=[a-z])(?:[.\u3002]?[{_UNSPACED}]+)$", re.I)
_TRAILING = ".,;:!?'*_~|}([{\u3002\uff01\uff1f\uff1b\uff1a\u2026\u2019"
_ATTRIBUTES = "src|href|srcset|action|formaction|poster|background|data|ping|cite|content"
_EMBEDDED = re.compile(
    rf"(?:\]\(\s{{0,8}}<?|^\s{{0,3}}\[[^\]]{{1,80}}\]:\s{{0,8}}<?|\b(?:{_ATTRIBUTES})\s{{0,4}}=\s{{0,4}}[\"']?"
    r"|\bsrcset\s{0,4}=\s{0,4}[\"'][^\"'<>]{1,400}|\burl\(\s{0,4}[\"']?|@import\s{1,4}[\"']|;\s{0,4}url=[\"']?)\Z",
    re.I | re.M,
)
# The sign before a link that is embedded, and how far back to look for what it belongs to.
_REACH = {"(": 16, "<": 100, ":": 100, "=": 40, '"': 40, "'": 40, ",": 420}


class Link(NamedTuple):
    """A link at `[start, end)`. `scheme` is empty for `//host` and bare hosts; `host` is the canonical one and
    `readings` every host that some program would take it for; `rest` is what follows the host, as written.
    """

    start: int
    end: int
    scheme: str
    host: str = ""
    raw_host: str = ""
    userinfo: str | None = None
    port: str = ""
    rest: str = ""
    ip: Address | None = None
    readings: tuple[str, ...] = ()
    embedded: bool = False
    bare: bool = False

    @property
    def path(self) -> str:
        """The path as a server reads it."""
        return clean_path(re.split(r"[?#]", self.rest, maxsplit=1)[0])


def find_links(text: str) -> Iterator[Link]:
    """Yield the links of a text, and bare names with a dot that may be links (`bare`), in their order."""
    for match in _LINK.finditer(text):
        start, end = match.span()
        # The first comma of `data:` belongs to it.
        data = text[start] in "dD" and text[start : start + 5].lower() == "data:"
        first = text.find(",", start, end) if data else start
        cuts = _SPLIT.finditer(text, first + 1, end)
        begins = [start, *(cut.end() for cut in cuts if cut[1] is None or cut[1].lower() in TLDS)]
        for begin, stop in zip(begins, [*begins[1:], end], strict=True):
            link = _link(text, begin, stop)
            if link is not None:
                yield link
                if text[link.end : link.end + 1] in _BREAKS and (longer := _join_torn(text, link)):
                    yield longer


def _link(text: str, start: int, end: int) -> Link | None:
    before = text[start - 1] if start else ""
    if before == "'" and (quote := text.find("'", start, end)) > 0:
        end = quote
    raw = text[start:end].rstrip(_TRAILING)
    embedded = _is_embedded(text, start, before)
    plain = _PLAIN.match(raw)
    if plain and _is_plain_name(plain[3]):
        return _plain(plain, raw, text, start, before, embedded)
    name = _SCHEME.match(_compact(raw[:80]))
    slashed = raw[:2] in {"//", "\\\\", "/\\", "\\/"}
    # `host:8080` and `user:word@host` are no schemes.
    if name and not slashed and (link := _with_scheme(raw, name[1].lower(), start, embedded)):
        return link
    if name and name[1].lower() in SCRIPTS:
        return None
    if slashed:
        if not embedded and (before.isalnum() or before in _NO_SLASHES):
            return None
        return _parse_link(start, raw, "", 2, embedded, bare=not embedded)
    if before in _NO_NAME:
        return None
    glued = _GLUED.match(raw)
    skip = glued.end() if glued else len(raw) - len(raw.lstrip("-_"))
    return _parse_link(start + skip, raw[skip:].rstrip("-"), "", 0, embedded, bare=True)


def _join_torn(text: str, link: Link) -> Link | None:
    """Return the link that a URL parser makes of a name, a tab or line break, and letters that complete its last label."""
    more = _MORE.match(text, link.end)
    if more is None or not link.host or link.rest or link.port or link.ip is not None:
        return None
    host = link.host + more[1].lower()
    if not has_known_suffix(host):
        return None
    return link._replace(
        end=more.end(1), host=host, raw_host=host, readings=(host, text[link.start : more.end(1)])
    )


def _is_plain_name(name: str) -> bool:
    """Say whether a name has nothing to decode: neither punycode nor letters that have another form."""
    lowered = name.lower()
    if "xn--" in lowered:
        return False
    letters = name.translate(_SIGNS)
    return name.isascii() or (
        letters.isalnum() and len(lowered) == len(name) and unicodedata.is_normalized("NFKC", name)
    )


def _plain(plain: re.Match[str], raw: str, text: str, start: int, before: str, embedded: bool) -> Link | None:
    scheme, slashes, raw_host, port = plain.groups()
    end = start + len(raw)
    if slashes:
        if not embedded and (before.isalnum() or before in _NO_SLASHES):
            return None
    elif not scheme and (before in _NO_NAME or (plain.end() == len(raw) and text[end : end + 1].isalnum())):
        return None
    host = raw_host.lower().strip(".")
    if not host.isascii():
        host = unicodedata.normalize("NFC", host)
    return Link(start, start + len(raw), scheme.lower() if scheme else "", host, raw_host, None, (port or "").lstrip("0"),
                raw[plain.end() :], None, (host,), embedded, not scheme and not (slashes and embedded))  # fmt: skip


def _is_embedded(text: str, start: int, before: str) -> bool:
    """Say whether a client fetches what begins there, or a reader clicks it: a target in Markdown, HTML or CSS."""
    head = text[max(0, start - 10) : start].rstrip() if before.isspace() else text[max(0, start - 2) : start]
    if head.endswith("]("):
        return True
    window = text[max(0, start - _REACH.get(head[-1:], 0)) : start]
    if head[-1:] == "," and "srcset" not in window.lower():
        return False
    return bool(window) and _EMBEDDED.search(window) is not None


def _compact(raw: str) -> str:
    found = _CONTROLS.sub("", raw)
    return re.sub(r"^([a-z0-9+.\-]+)\[://\]", r"\1://", found, flags=re.I)


def _with_scheme(raw: str, scheme: str, start: int, embedded: bool) -> Link | None:
    scheme = {"hxxp": "http", "hxxps": "https", "fxp": "ftp"}.get(scheme, scheme)
    after = raw[raw.index(":") + 1 :].removeprefix("]") if ":" in raw else ""
    after = after.removeprefix("//]") if "[://]" in raw[:40] else after
    end = start + len(raw)
    if scheme in SCRIPTS:
        # "JavaScript: the good parts" is prose, unless it stands where a link does.
        if not after.strip() or (after[0].isspace() and not embedded):
            return None
        return Link(start, end, scheme, rest=after, embedded=embedded)
    torn = (raw,) if _TEAR.search(raw) else ()
    if scheme in {"data", "tel", "sms", "magnet"}:
        return Link(start, end, scheme, rest=after, readings=torn, embedded=embedded)
    if scheme == "mailto":
        # Every address counts, those of `?cc=` as well.
        to = [normalize_host(each)[0] for each in re.findall(r"@([^@,;?&\s]+)", unquote(after))] or [""]
        return Link(
            start,
            end,
            scheme,
            to[0],
            to[0],
            rest=after,
            readings=(*filter(None, to), *torn),
            embedded=embedded,
        )
    if "://" not in raw[:40] and scheme not in {*DEFAULT_PORTS, "file"} and not re.match(r"[\\/]{2}", after):
        return None
    slashes = len(after) - len(after.lstrip("/\\\t\r\n\0"))
    if scheme == "file" and slashes != 2:
        return Link(start, end, scheme, rest=after, embedded=embedded)
    return _parse_link(start, raw, scheme, len(raw) - len(after) + slashes, embedded)


def _parse_link(
    start: int, raw: str, scheme: str, at: int, embedded: bool, *, bare: bool = False
) -> Link | None:
    body = _TEAR.sub("", raw[at:])
    border = _BORDER.search(body)
    authority, rest = (body[: border.start()], body[border.start() :]) if border else (body, "")
    if not rest and (tail := _GLUED_END.search(authority)):
        authority, raw = authority[: tail.start()], raw[: len(raw) - len(tail[0])]
    if not rest and (stop := _NOT_HOST.search(_mask_authority(authority))):
        after = authority[stop.start() :]
        if "." not in after and "@" not in after and stop[0] not in "%[({":
            raw = raw[: len(raw) - len(after)]
            authority = authority[: stop.start()]
    userinfo, sign, hostport = authority.rpartition("@")
    if not hostport or (bare and sign and not rest):
        return None
    raw_host, port = _port(_BRACKETED.sub(_unescape, hostport))
    host, ip = normalize_host(raw_host)
    if not host:
        return None
    readings = [host]
    if _JOINTS.search(host):
        readings += [normalize_host(piece)[0] for piece in _JOINTS.split(host) if "." in piece]
    if rest[:1] == "\\" and "@" in rest:
        # RFC 3986 lets a backslash be part of what stands before the @; browsers take it for a slash.
        other = re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")[2]
        readings.append(normalize_host(_port(other)[0])[0])
        userinfo, sign = authority + "\\", "@"
    if _TEAR.search(raw):
        # Programs that keep these signs take it for another host, which is on no list.
        readings.append(raw[at:])
    known = tuple(dict.fromkeys(reading for reading in readings if reading))
    return Link(
        start, start + len(raw), scheme, host, raw_host, userinfo if sign else None, port, rest, ip, known,
        embedded, bare,
    )  # fmt: skip


def _mask_authority(authority: str) -> str:
    # Userinfo may hold any sign, and invisible characters end no host.
    userinfo, sign, host = authority.rpartition("@")
    host = _BRACKETED.sub(lambda match: "." * len(match[0]), _INVISIBLE.sub("x", host))
    if not host.isascii():
        host = "".join("x" if unicodedata.category(c)[0] in "MC" else c for c in host)
    return "x" * len(userinfo + sign) + host


def _unescape(match: re.Match[str]) -> str:
    return "." if match[1].lower() == "dot" else match[1]


def _port(hostport: str) -> tuple[str, str]:
    match = re.fullmatch(r"(.*?):(\d*)", unicodedata.normalize("NFKC", hostport))
    if match is None or (hostport.count(":") > 1 and "]" not in match[1]):
        return hostport, ""
    return match[1], match[2].lstrip("0")


def normalize_host(raw: str) -> tuple[str, Address | None]:
    """Return a host in the one form that is compared (Unicode, lower case, addresses as usual), and its address."""
    name = raw
    for _ in range(2):
        name = unquote(name) if "%" in name else name
    if not name.isascii():
        name = _INVISIBLE.sub("", unicodedata.normalize("NFKC", _INVISIBLE.sub("", name)))
        name = re.sub("[\u3002\uff0e\uff61]", ".", name)
    name = name.lower().strip(".")
    ip = parse_address(name)
    if ip is not None:
        return str(ip), ip
    if "xn--" in name:
        name = ".".join(map(_decode_label, name.split(".")))
    return unicodedata.normalize("NFC", name), None


def _decode_label(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode").lower()
    except UnicodeError:
        return label


def parse_address(host: str) -> Address | None:
    """Return the address that a host is, in any notation a browser takes, or None for a name."""
    if host.startswith("[") or host.count(":") > 1:
        try:
            found = ipaddress.IPv6Address(host.strip("[]").partition("%")[0])
        except ValueError:
            return None
        return found.ipv4_mapped or found
    parts = host.split(".")
    if len(parts) > 4 or not all(map(_NUMERAL.fullmatch, parts)):
        return None
    try:
        numbers = [_number(part) for part in parts]
    except ValueError:
        return None
    last = numbers.pop()
    if last >= 256 ** (4 - len(numbers)) or any(number > 255 for number in numbers):
        return None
    return ipaddress.IPv4Address(last + sum(number << (24 - 8 * at) for at, number in enumerate(numbers)))


def _number(part: str) -> int:
    if part.startswith("0x"):
        return int(part[2:] or "0", 16)
    return int(part, 8) if len(part) > 1 and part[0] == "0" else int(part)


def clean_path(raw: str) -> str:
    """Return a path as a server reads it: decoded, slashes one way, `.` and `..` resolved; empty for the root."""
    path = raw
    for _ in range(2):
        path = unquote(path) if "%" in path else path
    kept: list[str] = []
    for part in path.replace("\\", "/").split("/"):
        if part == "..":
            del kept[-1:]
        elif part not in {"", "."}:
            kept.append(part)
    return "/" + "/".join(kept) if kept else ""
