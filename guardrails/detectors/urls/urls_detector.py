"""The `urls` detector: findings with the link as the span, by lists of a policy or by the link's form.

The plain text is searched and, where it differs, the normalized view, so that a link is judged both as a program
reads it and as a person does: what either would reach is on the deny list, and both must be on the allow list.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Literal
from urllib.parse import unquote

from pydantic import Field

from guardrails.detectors import ConfigProblem, ConfigProblems, PolicyFiles, read_list_file
from guardrails.detectors.config import Config
from guardrails.detectors.kinds import Kind
from guardrails.detectors.urls.host_lists import (
    EntryError,
    HostList,
    host_skeleton,
    host_suffixes,
    is_private,
    mixes_scripts,
)
from guardrails.detectors.urls.host_names import (
    KNOWN,
    TLDS,
    UNLIKELY,
    has_known_suffix,
    is_one_edit,
    registrable_domain,
)
from guardrails.detectors.urls.host_values import find_host_values
from guardrails.detectors.urls.url_parts import SCRIPTS, Link, find_links
from guardrails.detectors.urls.url_views import find_hidden_views
from guardrails.detectors.urls.urls_stream import UrlStream
from guardrails.text import replace_surrogates
from guardrails.text.shapes import Shape, find_shapes
from guardrails.types import CLEAN, Content, Detection, Finding, Stream, Text

FORMS = ("found", "scheme", "ip", "private", "userinfo", "lookalike", "data", "script", "exfiltration")
"""Leaves of `url.` that need no list."""

SHAPED = frozenset[Shape](
    ("name", "slashes", "colon", "host", "hexadecimal mark", "attribute", "entity"),
)
"""The shapes of which a text of ASCII has one where there can be a link, or a host."""

LONG = 120
"""Characters of one value in a link from which it carries data, whatever they say."""

SHORTEST = 6
"""Letters of a known name from which one that differs by a letter imitates it; among shorter ones chance does that."""

_ODD = re.compile(r"\$\{|\{\{|\w@\w")
_WORDS = re.compile(r"\w[+ ]+(?=\w)")
_VALUES = re.compile(r"[&;?#]")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)


class UrlsDetector:
    """The detector."""

    inline = True

    def __init__(
        self,
        name: str,
        *,
        allow: HostList | None,
        deny: HostList,
        schemes: Iterable[str],
        known: Iterable[str],
    ) -> None:
        self._name = name
        self._allow = allow
        self._deny = deny
        self._schemes = frozenset(scheme.lower().removesuffix("://").rstrip(":") for scheme in schemes)
        self._known = frozenset(known)
        self._skeletons = {host_skeleton(host) for host in self._known}
        self._endings = {host[host.find(".") :] for host in self._known}
        self._similar: dict[str, list[str]] = {}
        for host in self._known:
            for variant in {*_neighbours(host)} if host.find(".") >= SHORTEST else ():
                self._similar.setdefault(variant, []).append(host)

    def stream(self, context: Mapping[str, str] | None) -> Stream:
        """Begin a text that grows."""
        return UrlStream(self)

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        return [self._detect_one(content.text) if isinstance(content, Text) else CLEAN for content in batch]

    def _detect_one(self, text: str) -> Detection:
        if text.isascii() and SHAPED.isdisjoint(find_shapes(text)):
            return CLEAN
        text = replace_surrogates(text)
        seen: dict[str, float] = {}
        found = [*self._search(text, seen)]
        hidden = [
            (leaf, score, *view.original(start, end))
            for view in find_hidden_views(text)
            for leaf, score, start, end in self._search(view.text, seen)
        ]
        if hidden:
            found = _merge_findings([*found, *hidden])
        if not found:
            return CLEAN
        found.sort(key=itemgetter(2, 3, 0))
        return Detection(
            tuple(
                Finding(f"url.{leaf}", score, self._name, (start, end)) for leaf, score, start, end in found
            )
        )

    def _search(self, text: str, seen: dict[str, float]) -> Iterator[tuple[str, float, int, int]]:
        for link in find_links(text):
            denied = bool(self._deny) and any(self._deny.covers(link, host) for host in link.readings)
            if not link.bare or denied or _likely(link):
                for leaf in self._leaves(link, denied):
                    yield leaf, 1.0, link.start, link.end
                score = seen.get(link.raw_host)
                if score is None:
                    score = seen[link.raw_host] = self._imitates(link)
                if score:
                    yield "lookalike", score, link.start, link.end

        for link in find_host_values(text):
            for leaf in ("found", "ip", "private") if link.ip is not None else ("found", "private"):
                yield leaf, 1.0, link.start, link.end

    def _leaves(self, link: Link, denied: bool) -> Iterator[str]:
        yield "found"
        if denied:
            yield "denied"
        if self._allow is not None and not self._is_allowed(link, self._allow):
            yield "not_allowed"
        if link.scheme and link.scheme not in self._schemes:
            yield "scheme"
        if link.ip is not None:
            yield "ip"
        if is_private(link):
            yield "private"
        if link.userinfo is not None:
            yield "userinfo"
        if link.scheme == "data":
            yield "data"
        active = link.scheme == "data" and re.match(r"text/html|image/svg", link.rest, re.I)
        if link.scheme in SCRIPTS or active:
            yield "script"
        if link.embedded and link.host and (carries_data(link.rest) or _named_data(link.raw_host)):
            yield "exfiltration"

    def _is_allowed(self, link: Link, allow: HostList) -> bool:
        if not link.readings:
            # It leads to no host: the policy's schemes alone decide.
            return link.scheme in self._schemes
        return all(allow.covers(link, host) for host in link.readings)

    def _imitates(self, link: Link) -> float:
        """Return how surely a host passes itself off as a known one: 1.0, or 0.7 for one letter's difference."""
        host = link.host
        if not host or link.ip is not None:
            return 0.0
        names = host_suffixes(host)
        if not self._known.isdisjoint(names):
            return 0.0
        if not host.isascii() and (
            "xn--" in link.raw_host.lower() or any(map(mixes_scripts, host.split(".")))
        ):
            return 1.0
        looks = host_skeleton(host)
        if "xn--" in host or not self._skeletons.isdisjoint(names if looks == host else host_suffixes(looks)):
            return 1.0
        if (len(names) > 3 or "-" in host) and self._in_front(host):
            return 1.0
        return (
            0.7
            if any(map(self._misspelt, names[-3:-1])) and self._misspelt(registrable_domain(host))
            else 0.0
        )

    def _in_front(self, host: str) -> bool:
        """Say whether a known host stands whole in front of what somebody else registered: `paypal.com.evil.example`,
        `paypal-com.evil.example` or `paypal.com-login.example`.
        """
        below = host[: -len(registrable_domain(host)) - 1]
        dashed = host.replace("-", ".").rpartition(".")[0] if "-" in host else ""
        return any(
            not self._known.isdisjoint(
                ".".join(labels[at : at + size]) for size in (2, 3) for at in range(len(labels))
            )
            for labels in (below.split(".")[:16], dashed.split(".")[:16])
        )

    def _misspelt(self, name: str) -> bool:
        length = name.find(".")
        if not SHORTEST <= length <= 63 or name[length:] not in self._endings:
            return False
        return any(
            is_one_edit(name, known) for near in _neighbours(name) for known in self._similar.get(near, ())
        )


def _neighbours(host: str) -> Iterator[str]:
    """Yield a host and what is left of it without any one of its first label's letters.

    Two names that one edit makes equal have one of these in common.
    """
    name, _, rest = host.partition(".")
    yield host
    for at in range(len(name)):
        yield f"{name[:at]}{name[at + 1 :]}.{rest}"


def _merge_findings(found: Iterable[tuple[str, float, int, int]]) -> list[tuple[str, float, int, int]]:
    """Join findings of one category that overlap: the views of one link."""
    out: list[tuple[str, float, int, int]] = []
    for leaf, score, start, end in sorted({*found}, key=lambda each: (each[0], each[2], each[3])):
        if out and out[-1][0] == leaf and start < out[-1][3]:
            out[-1] = (leaf, max(score, out[-1][1]), out[-1][2], max(end, out[-1][3]))
        else:
            out.append((leaf, score, start, end))
    return out


def _likely(link: Link) -> bool:
    """Say whether a name without a scheme is meant as a link."""
    if link.ip is not None:
        # Without a path it may be a version, and `10.0.0.0/8` is a network.
        network = re.fullmatch(r"/\d{1,2}", link.rest) is not None
        return link.raw_host.count(".") == 3 and bool(link.rest or link.port) and not network
    if link.host == "localhost":
        return True
    last = link.host.rpartition(".")[2]
    if last not in TLDS and not link.raw_host.lower().rpartition(".")[2].startswith("xn--"):
        # With a path or www. it is any that exists: `evil.photography/x`.
        named = link.host.startswith("www.") and link.host.count(".") > 1
        return (named or len(link.rest) > 1) and has_known_suffix(link.host)
    if link.host.startswith("www.") or last not in UNLIKELY:
        return True
    return link.rest[:1] in {"/", "\\"} and len(link.rest) > 1 and last not in {"py", "rs", "md", "sh", "pl"}


def carries_data(rest: str) -> bool:
    """Say whether what follows a host carries data: a long value, encoded text, an address or a sentence."""
    path, query = rest, ""
    if mark := re.search(r"[?#]", rest):
        path, query = rest[: mark.start()], rest[mark.end() :]
    values = (part.partition("=")[2] or part for part in _VALUES.split(query))
    return any(_is_loaded(value, 12) for value in values) or (
        len(path) > 12 and any(_is_loaded(part, 40) for part in re.split(r"[/\\]", path))
    )


def _named_data(host: str) -> bool:
    """Say whether a label of a host is encoded text: who asks for the name has told it already."""
    return len(host) > 20 and any(len(label) >= 16 and _is_encoded(label) for label in host.split("."))


def _is_loaded(raw: str, least: int) -> bool:
    if len(raw) < 12 and raw.isalnum():
        return False
    value = unquote(raw)
    if len(value) >= LONG or raw.count("%") >= 6 or _ODD.search(value):
        return True
    if len(_WORDS.findall(value)) >= 3:
        return True
    if len(value) < least or _UUID.search(value):
        return False
    return _is_encoded(value) or (len(value) >= max(least, 32) and _random(value))


def _is_encoded(value: str) -> bool:
    compact = value.rstrip("=")
    decoded = b""
    try:
        if re.fullmatch(r"(?:[0-9a-fA-F]{2})+", value):
            decoded = bytes.fromhex(value)
        elif re.fullmatch(r"[A-Za-z0-9+/_\-]+", compact):
            decoded = base64.b64decode(
                compact.replace("-", "+").replace("_", "/") + "=" * (-len(compact) % 4)
            )
    except (ValueError, binascii.Error):
        return False
    text = decoded.decode("utf-8", "replace")
    return (
        len(text) >= 6 and all(char.isprintable() or char.isspace() for char in text) and "\ufffd" not in text
    )


def _random(value: str) -> bool:
    """Say whether a run of 32 signs or more is of the kind that encoders write, not words with hyphens."""
    runs = re.findall(r"[A-Za-z0-9+/=]{32,}", value)
    return any(re.search(r"\d", run) and re.search(r"[a-zA-Z]", run) for run in runs)


class UrlsConfig(Config):
    """Links."""

    use: Literal["urls"]
    """The kind of detector."""
    allow: list[str] | None = Field(
        default=None, examples=[["example.com", "=api.example.org", "example.net/docs"]]
    )
    """The only hosts that links may lead to: `example.com` with all below it, `=example.com` alone, `*.example.com`
    only what is below, `10.0.0.0/8` a network; a scheme, a port or a path narrow it. A public suffix such as `github.io`
    is refused, as anybody can have a name below it."""
    deny: list[str] | None = Field(default=None, examples=[["evil.example", "https://example.net/ads"]])
    """Hosts that links must not lead to, written alike."""
    file_allow: str | None = Field(default=None, examples=["hosts/allowed.txt"])
    """A file below the policy's folder with one entry of `allow` a line; `#` starts a comment line."""
    file_deny: str | None = Field(default=None, examples=["hosts/denied.txt"])
    """The same for `deny`."""
    schemes: list[str] = Field(default=["http", "https", "mailto"], min_length=1)
    """Schemes that a link may have; others are `url.scheme`."""
    known: list[str] = Field(default=[], examples=[["my-bank.example"]])
    """Hosts that others may imitate, besides those allowed and some that everybody knows."""


def _categories(_name: str, config: UrlsConfig) -> frozenset[str]:
    leaves = list(FORMS)
    if config.allow is not None or config.file_allow is not None:
        leaves.append("not_allowed")
    if config.deny is not None or config.file_deny is not None:
        leaves.append("denied")
    return frozenset(f"url.{leaf}" for leaf in leaves)


def _fill(
    into: HostList, field: str, entries: Sequence[str], file: str | None, files: PolicyFiles
) -> Iterator[ConfigProblem]:
    rows: list[tuple[tuple[str | int, ...], tuple[str, int, int] | None, str]] = [
        ((field, index), None, entry) for index, entry in enumerate(entries)
    ]
    if file is not None:
        try:
            rows += [((f"file_{field}",), place, entry) for place, entry in read_list_file(files, file)]
        except ConfigProblems as error:
            for each in error.problems:
                yield ConfigProblem(each.code, each.message, (f"file_{field}",))
    for path, place, entry in rows:
        try:
            into.add(entry)
        except EntryError as error:
            yield ConfigProblem("invalid_host", str(error), path, hint=error.hint, place=place)


def _build(name: str, config: UrlsConfig, files: PolicyFiles) -> UrlsDetector:
    allow, deny, known = HostList(), HostList(forbids=True), HostList()
    problems = [
        *_fill(allow, "allow", config.allow or (), config.file_allow, files),
        *_fill(deny, "deny", config.deny or (), config.file_deny, files),
        *_fill(known, "known", config.known, None, files),
    ]
    for index, scheme in enumerate(config.schemes):
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.\-]*(?::|://)?", scheme):
            hint = "write a name such as https"
            problems.append(
                ConfigProblem("invalid_scheme", f"{scheme!r} is no scheme", ("schemes", index), hint=hint)
            )
    if problems:
        raise ConfigProblems(problems)
    given = config.allow is not None or config.file_allow is not None
    return UrlsDetector(
        name,
        allow=allow if given else None,
        deny=deny,
        schemes=config.schemes,
        known=[*KNOWN, *allow.hosts(), *known.hosts()],
    )


KIND = Kind(
    name="urls",
    doc="Links, judged by lists of hosts and by their form: tricks, addresses, scripts, and data carried out.",
    config=UrlsConfig,
    categories=_categories,
    build=_build,
)
