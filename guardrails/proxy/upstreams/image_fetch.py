"""Fetches pictures of which a body has only the addresses, from hosts that the operator names, and safely.

A host is asked that the operator names, at an address that is public (or the operator's own), which is the one that was checked:
a name is resolved once, for each hop, and its certificate must be for that name. Redirections are followed to hosts that are
named as well, three at most. No cookies, no proxies of the environment, no encodings; and what comes must be a picture by its
bytes.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
import ssl
from base64 import b64encode
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from guardrails.errors import GuardrailsError
from guardrails.media.errors import MediaError
from guardrails.media.images.outline import read_outline
from guardrails.proxy.upstreams.image_fetch_settings import FetchDoc

PLAIN: Final = re.compile(r"[!-\[\]-~]{1,2048}")
"""What may be an address, or a part of one: nothing that any reader would take for a space, or turn round."""

ADDRESS: Final = re.compile(rf"https?://{PLAIN.pattern}", re.IGNORECASE)

HOST: Final = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+")
"""A name, or an address written down."""

PORTS: Final = {"http": 80, "https": 443}
HOPS: Final = 3
SLACK: Final = 64
"""Characters of a data URI beside its Base64."""
TOGETHER: Final = 4
"""Pictures that are fetched at a time for one body."""

REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
HEADERS: Final = {"accept": "image/*", "accept-encoding": "identity", "user-agent": "guardrails"}

UNICAST: Final = ipaddress.ip_network("2000::/3")
WRAPPING: Final = tuple(map(ipaddress.ip_network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))
"""Networks of the sixth version that lead to addresses of the fourth, or nowhere."""

RELAYS: Final = tuple(map(ipaddress.ip_network, ("192.88.99.0/24", "192.0.0.0/24")))
"""Networks of the fourth version that lead to others, or are a protocol's own."""


class ImageFetchError(GuardrailsError):
    """A picture that is not fetched; why."""


def is_public(address: str) -> bool:
    """Tell whether everybody may ask at an address: it is none of a machine's own, of a network's own, or of several."""
    ip = _ip(address)
    if ip is None:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        return ip.is_global and ip in UNICAST and not any(ip in network for network in WRAPPING)
    return (
        ip.is_global and not ip.is_multicast and not ip.is_reserved and not any(ip in each for each in RELAYS)
    )


def _ip(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return an address, that of the fourth version which one of the sixth only wraps; None where it is none, or has a zone."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return None
    if isinstance(ip, ipaddress.IPv6Address):
        return None if ip.scope_id else (ip.ipv4_mapped or ip)
    return ip


class _FetchBudget:
    """How many bytes may still be read for one body."""

    def __init__(self, most: int) -> None:
        self._most = most

    async def read(self, response: aiohttp.ClientResponse) -> bytes:
        """Return what comes; raises `ImageFetchError` where that is too much."""
        pieces = bytearray()
        async for piece in response.content.iter_any():
            self._most -= len(piece)
            if self._most < 0:
                raise ImageFetchError("the pictures are too large")
            pieces += piece
        return bytes(pieces)


class ImageFetcher:
    """Fetches pictures as the operator's settings have it."""

    def __init__(self, doc: FetchDoc) -> None:
        self.doc = doc
        self._trust = ssl.create_default_context()
        if doc.ca_file is not None:
            self._trust.load_verify_locations(doc.ca_file)
        self._networks = tuple(map(ipaddress.ip_network, doc.networks))
        self.most = doc.max_bytes * 4 // 3 + SLACK * doc.most
        """Characters of all data URIs of one body."""

    async def fetch_all(self, urls: Iterable[str]) -> dict[str, str]:
        """Return the pictures that could be fetched, by address, as data URIs."""
        wanted = [url for url in dict.fromkeys(urls) if self._is_allowed(url)]
        if not wanted:
            return {}
        found, left = dict[str, str](), _FetchBudget(self.doc.max_bytes)
        turn = asyncio.Semaphore(TOGETHER)

        async def fetch_one(session: aiohttp.ClientSession, url: str) -> None:
            async with turn:
                try:
                    found[url] = await self._fetch_picture(session, URL(url), left)
                except (ImageFetchError, MediaError, aiohttp.ClientError, OSError, ValueError):
                    return  # the policy's `unchecked: part` says what becomes of it

        connector = aiohttp.TCPConnector(
            resolver=_Resolver(self), use_dns_cache=False, force_close=True, ssl=self._trust
        )
        try:
            async with (
                asyncio.timeout(self.doc.timeout_s),
                aiohttp.ClientSession(
                    connector=connector,
                    cookie_jar=aiohttp.DummyCookieJar(),
                    headers=HEADERS,
                    auto_decompress=False,
                    trust_env=False,
                ) as session,
                asyncio.TaskGroup() as group,
            ):
                for url in wanted:
                    group.create_task(fetch_one(session, url))
        except TimeoutError:
            return found
        return found

    def _is_allowed(self, written: str) -> bool:
        """Tell whether an address is one that the operator lets be asked."""
        if not ADDRESS.fullmatch(written):
            return False
        try:
            self._check_url(URL(written))
        except (ImageFetchError, ValueError):
            return False
        return True

    def _check_url(self, url: URL) -> None:
        """Raise `ImageFetchError` where a host is not named, or its address is written down and may not be asked."""
        host, port = (url.raw_host or "").lower(), url.port
        if url.scheme not in PORTS or url.raw_user is not None or not HOST.fullmatch(host):
            raise ImageFetchError("only plain addresses of http and https are fetched")
        for pattern in self.doc.hosts:
            name, _, own = pattern.partition(":")
            if fnmatchcase(host, name) and port == (int(own) if own else PORTS[url.scheme]):
                break
        else:
            raise ImageFetchError("the host is none that the settings name")
        if ":" in host or host.replace(".", "").isdigit():  # these are asked without being resolved
            self.check_address(host)

    def check_address(self, address: str) -> None:
        """Raise `ImageFetchError` where an address is neither public nor in one of the operator's networks."""
        ip = _ip(address)
        own = ip is not None and any(ip.version == each.version and ip in each for each in self._networks)
        if not own and not is_public(address):
            raise ImageFetchError("the host has an address that is not public")

    async def _fetch_picture(self, session: aiohttp.ClientSession, url: URL, left: _FetchBudget) -> str:
        """Return a picture as a data URI.

        Raises:
            ImageFetchError, MediaError, aiohttp.ClientError, OSError, ValueError: it could not be fetched, or is none.
        """
        for _ in range(1 + HOPS):
            self._check_url(url)
            async with session.get(url, allow_redirects=False) as response:
                if response.status in REDIRECTS:
                    url = self._follow_redirect(url, response.headers.get("location", ""))
                    continue
                if (
                    response.status != 200
                    or response.headers.get("content-encoding", "identity") != "identity"
                ):
                    raise ImageFetchError("the host has no such picture")
                data = await left.read(response)
            return f"data:image/{read_outline(data).format};base64,{b64encode(data).decode()}"
        raise ImageFetchError("it leads on too often")

    @staticmethod
    def _follow_redirect(url: URL, location: str) -> URL:
        """Return where an answer leads on; raises `ImageFetchError` where that is nowhere, or no longer secret."""
        found = url.join(URL(location))
        if (
            not PLAIN.fullmatch(location)
            or not ADDRESS.fullmatch(str(found))
            or (url.scheme == "https" and found.scheme != "https")
        ):
            raise ImageFetchError("it leads on to no address that is fetched")
        return found


class _Resolver(AbstractResolver):
    """Resolves names to addresses that may be asked, and to no other: a name that has one such is not asked at all."""

    def __init__(self, fetcher: ImageFetcher) -> None:
        self._fetcher = fetcher

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses of a host; raises `OSError` where it has none, or one that may not be asked."""
        loop = asyncio.get_running_loop()
        rows = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family)
        found: list[ResolveResult] = []
        for kind, _, protocol, _, address in rows:
            try:
                self._fetcher.check_address(str(address[0]))
            except ImageFetchError as error:
                raise OSError(str(error)) from None
            found.append(
                ResolveResult(
                    hostname=host,
                    host=str(address[0]),
                    port=int(address[1]),
                    family=kind,
                    proto=protocol,
                    flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
                )
            )
        return found

    async def close(self) -> None:
        """Nothing is kept."""
