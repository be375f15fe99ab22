"""Links: a text in, findings of `url.*` out, with the link as the span; by lists of a policy, or by their form.

The plain text is searched and, where it differs, the normalized view, so that a link is judged both as a program
reads it and as a person does: what either would reach is on the deny list, and both must be on the allow list.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal
from urllib.parse import unquote

from pydantic import Field

from guardrails.detectors import ConfigProblem, ConfigProblems, Files, Kind, lines
from guardrails.detectors.config import Config
from guardrails.detectors.url_lists import (
    KNOWN,
    TLDS,
    UNLIKELY,
    EntryError,
    HostList,
    mixed,
    private,
    skeleton,
    suffixes,
)
from guardrails.detectors.url_parts import SCRIPTS, Link, links
from guardrails.text import normalized, surrogates_replaced
from guardrails.types import CLEAN, Content, Detection, Finding, Text

FORMS = ("found", "scheme", "ip", "private", "userinfo", "lookalike", "data", "script", "exfiltration")
"""Leaves of `url.` that need no list."""

LONG = 120
"""Characters of one value in a link from which it carries data, whatever they say."""

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)


class Urls:
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
        self._skeletons = {skeleton(host) for host in self._known}

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        return [self._one(content.text) if isinstance(content, Text) else CLEAN for content in batch]

    def _one(self, text: str) -> Detection:
        text = surrogates_replaced(text)
        found = list(self._search(text))
        if not text.isascii():
            view = normalized(text)
            if view.text != text:
                found += [(leaf, *view.original(start, end)) for leaf, start, end in self._search(view.text)]
        if not found:
            return CLEAN
        return Detection(
            tuple(
                Finding(f"url.{leaf}", 1.0, self._name, (start, end))
                for start, end, leaf in sorted((start, end, leaf) for leaf, start, end in _merged(found))
            )
        )

    def _search(self, text: str) -> Iterator[tuple[str, int, int]]:
        for link in links(text):
            denied = any(self._deny.covers(link, host) for host in link.readings)
            if not link.bare or denied or _likely(link):
                for leaf in self._leaves(link, denied):
                    yield leaf, link.start, link.end

    def _leaves(self, link: Link, denied: bool) -> Iterator[str]:
        covered = (
            [self._allow.covers(link, host) for host in link.readings] if self._allow is not None else [True]
        )
        active = link.scheme == "data" and re.match(r"text/html|image/svg", link.rest, re.I)
        answers = (
            ("found", True),
            ("denied", denied),
            ("not_allowed", not covered or not all(covered)),
            ("scheme", bool(link.scheme) and link.scheme not in self._schemes),
            ("ip", link.ip is not None),
            ("private", private(link)),
            ("userinfo", link.userinfo is not None),
            ("lookalike", self._imitates(link)),
            ("data", link.scheme == "data"),
            ("script", link.scheme in SCRIPTS or bool(active)),
            ("exfiltration", link.embedded and bool(link.host) and carries_data(link.rest)),
        )
        return (leaf for leaf, holds in answers if holds)

    def _imitates(self, link: Link) -> bool:
        host = link.host
        if not host or link.ip is not None:
            return False
        if any(name in self._known for name in suffixes(host)):
            return False
        if not host.isascii() and ("xn--" in link.raw_host.lower() or any(map(mixed, host.split(".")))):
            return True
        if "xn--" in host or any(name in self._skeletons for name in suffixes(skeleton(host))):
            return True
        # `paypal.com.evil.example`; two labels must follow, as google.com.br is no imitation.
        labels = host.split(".")[:16]
        return any(
            ".".join(labels[at : at + size]) in self._known
            for size in (2, 3)
            for at in range(len(labels) - size - 1)
        )


def _merged(found: Iterable[tuple[str, int, int]]) -> list[tuple[str, int, int]]:
    """Join findings of one category that overlap: the two views of one link."""
    out: list[tuple[str, int, int]] = []
    for leaf, start, end in sorted(set(found)):
        if out and out[-1][0] == leaf and start < out[-1][2]:
            out[-1] = (leaf, out[-1][1], max(end, out[-1][2]))
        else:
            out.append((leaf, start, end))
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
        return False
    if link.host.startswith("www.") or last not in UNLIKELY:
        return True
    return link.rest[:1] in {"/", "\\"} and len(link.rest) > 1 and last not in {"py", "rs", "md", "sh", "pl"}


def carries_data(rest: str) -> bool:
    """Say whether what follows a host carries data: a long value, encoded text, an address or a sentence."""
    path, mark, query = (
        re.split(r"[?#]", rest, maxsplit=1)[0],
        "?",
        re.split(r"[?#]", f"{rest}?", maxsplit=1)[1],
    )
    assert mark
    values = [part.partition("=")[2] or part for part in re.split(r"[&;?#]", query)]
    if any(_loaded(value, 12) for value in values):
        return True
    return any(_loaded(part, 40) for part in re.split(r"[/\\]", path))


def _loaded(raw: str, least: int) -> bool:
    value = unquote(raw)
    if len(value) >= LONG or raw.count("%") >= 6 or re.search(r"\$\{|\{\{|\w@\w", value):
        return True
    if len(re.findall(r"\w[+ ]+(?=\w)", value)) >= 3:
        return True
    if len(value) < least or _UUID.search(value):
        return False
    return _encoded(value) or (len(value) >= max(least, 32) and _random(value))


def _encoded(value: str) -> bool:
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
    only what is below; a scheme, a port or a path narrow it."""
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
    into: HostList, field: str, entries: Sequence[str], file: str | None, files: Files
) -> Iterator[ConfigProblem]:
    rows: list[tuple[tuple[str | int, ...], tuple[str, int, int] | None, str]] = [
        ((field, index), None, entry) for index, entry in enumerate(entries)
    ]
    if file is not None:
        try:
            rows += [((f"file_{field}",), place, entry) for place, entry in lines(files, file)]
        except ConfigProblems as error:
            for each in error.problems:
                yield ConfigProblem(each.code, each.message, (f"file_{field}",))
    for path, place, entry in rows:
        try:
            into.add(entry)
        except EntryError as error:
            yield ConfigProblem("invalid_host", str(error), path, hint=error.hint, place=place)


def _build(name: str, config: UrlsConfig, files: Files) -> Urls:
    allow, deny, known = HostList(), HostList(fold=True), HostList()
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
    return Urls(
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
