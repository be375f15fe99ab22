"""Certificates, made here: an authority and those that it gives to hosts, and a server of HTTP that has one.

Nothing but Python's own library is needed: a certificate is a few nested lengths (DER) and one power of a number (RSA).
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from itertools import count
from pathlib import Path
from typing import Any

SHA256_RSA, RSA, NAME = "2a864886f70d01010b", "2a864886f70d010101", "550403"
CONSTRAINTS, USAGE, ALTERNATIVES, OWN_KEY, ISSUERS_KEY = "551d13", "551d0f", "551d11", "551d0e", "551d23"
BEGUN, ENDS = 2020, 2049
"""The years in which a certificate begins to hold, and no longer holds."""

STEPS = [94, 741, 225, 84, 520, 259, 672, 45, 1, 18, 46, 228, 167, 404, 212, 59, 317, 692, 55, 501, 1623, 8, 50, 216, 541, 168, 106, 687, 276, 302, 152, 1647, 144, 252, 38, 10, 1521, 558, 682, 347, 340, 1063, 267, 10, 753, 318, 335, 157]  # fmt: skip
"""How far above numbers that anybody can work out the next prime is, in twos: to look for one takes a quarter of a second."""

PRIMES = count()
"""Which of them comes next."""


def der(tag: int, *parts: bytes) -> bytes:
    """Return a value with its tag and its length."""
    body = b"".join(parts)
    size = len(body)
    if size < 0x80:
        return bytes([tag, size]) + body
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + body


def sequence(*parts: bytes) -> bytes:
    """Return several values as one."""
    return der(0x30, *parts)


def integer(number: int) -> bytes:
    """Return a number."""
    return der(2, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def kind(written: str) -> bytes:
    """Return an identifier of an object, given in hexadecimal."""
    return der(6, bytes.fromhex(written))


def bits(data: bytes) -> bytes:
    """Return a string of bits."""
    return der(3, b"\0", data)


def pem(label: str, data: bytes) -> str:
    """Return data as text."""
    return f"-----BEGIN {label}-----\n{base64.encodebytes(data).decode()}-----END {label}-----\n"


def prime() -> int:
    """Return a prime of 1,024 bits, another than the last dozens. Whoever knows this file knows all of them, which tests may."""
    which = next(PRIMES)
    seed = hashlib.shake_256(str(which % len(STEPS)).encode()).digest(128)
    return (int.from_bytes(seed, "big") | 3 << 1022 | 1) + 2 * STEPS[which % len(STEPS)]


@dataclass(frozen=True)
class Key:
    """A pair of keys."""

    p: int = field(default_factory=prime)
    q: int = field(default_factory=prime)

    @property
    def n(self) -> int:
        """What both have."""
        return self.p * self.q

    @cached_property
    def d(self) -> int:
        """The secret."""
        return pow(65_537, -1, (self.p - 1) * (self.q - 1))

    @property
    def private(self) -> str:
        """The file of the secret one."""
        p, q, d = self.p, self.q, self.d
        numbers = (0, self.n, 65_537, d, p, q, d % (p - 1), d % (q - 1), pow(q, -1, p))
        return pem("RSA PRIVATE KEY", sequence(*map(integer, numbers)))

    @property
    def public(self) -> bytes:
        """The other one."""
        return sequence(sequence(kind(RSA), der(5)), bits(sequence(integer(self.n), integer(65_537))))

    @property
    def digest(self) -> bytes:
        """What it is known by."""
        return hashlib.sha1(self.public, usedforsecurity=False).digest()

    def sign(self, data: bytes) -> bytes:
        """Sign."""
        digest = sequence(sequence(kind("608648016503040201"), der(5)), der(4, hashlib.sha256(data).digest()))
        padded = b"\0\1" + b"\xff" * (256 - 3 - len(digest)) + b"\0" + digest
        return pow(int.from_bytes(padded, "big"), self.d, self.n).to_bytes(256, "big")


def _named(name: str) -> bytes:
    return sequence(der(0x31, sequence(kind(NAME), der(0x0C, name.encode()))))


def _time(year: int) -> bytes:
    return der(0x17, datetime(year, 1, 1, tzinfo=UTC).strftime("%y%m%d%H%M%SZ").encode())


def _extension(which: str, value: bytes, *, critical: bool = False) -> bytes:
    return sequence(kind(which), *((der(1, b"\xff"),) if critical else ()), der(4, value))


class Authority:
    """Who gives certificates."""

    def __init__(self, name: str = "An authority of these tests") -> None:
        self._name, self._key, self._hosts = name, Key(), Key()
        self.certificate = self._made(
            name,
            self._key,
            _extension(CONSTRAINTS, sequence(der(1, b"\xff")), critical=True),
            _extension(USAGE, der(3, b"\1\6"), critical=True),
        )

    def gives(self, folder: Path, *hosts: str, until: int = ENDS) -> ssl.SSLContext:
        """Return what a server says of itself with a certificate for these hosts, which ends with a year."""
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(self.file(folder, *hosts, until=until))
        return made

    def file(self, folder: Path, *hosts: str, until: int = ENDS) -> Path:
        """Return a file of a certificate for these hosts, which ends with a year, and its key."""
        names = (
            der(0x87, ip_address(host).packed) if host[0].isdigit() else der(0x82, host.encode())
            for host in hosts
        )
        path = folder / f"{secrets.token_hex(8)}.pem"
        extension = _extension(ALTERNATIVES, sequence(*names))
        path.write_text(self._made(hosts[0], self._hosts, extension, until=until) + self._hosts.private)
        return path

    def save(self, folder: Path) -> str:
        """Return a file of the authority's own certificate."""
        path = folder / f"authority-{secrets.token_hex(4)}.pem"
        path.write_text(self.certificate)
        return str(path)

    def _made(self, name: str, key: Key, *extensions: bytes, until: int = ENDS) -> str:
        signed = sequence(kind(SHA256_RSA), der(5))
        known = (
            _extension(OWN_KEY, der(4, key.digest)),
            _extension(ISSUERS_KEY, sequence(der(0x80, self._key.digest))),
        )
        told = sequence(
            der(0xA0, integer(2)),
            integer(secrets.randbits(63) + 1),
            signed,
            _named(self._name),
            sequence(_time(BEGUN), _time(until)),
            _named(name),
            key.public,
            der(0xA3, sequence(*extensions, *known)),
        )
        return pem("CERTIFICATE", sequence(told, signed, bits(self._key.sign(told))))


def kind_of(data: bytes) -> str:
    """Return the media type of a file of a test's: a picture, or JSON."""
    return "application/json" if data.startswith(b"{") else "image/png"


@dataclass
class Store:
    """A server of one file.

    Attributes:
        port: where it listens.
        names: the hosts that were asked for, by those who began to speak with it.
        asked: the paths that were asked for, with the host that was.
    """

    port: int
    names: list[str | None]
    asked: list[tuple[str, str]]


@contextmanager
def store(context: ssl.SSLContext, data: bytes) -> Iterator[Store]:
    """Serve a file, encrypted."""
    told = Store(0, [], [])

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told.asked.append((str(self.headers["host"]), self.path))
            self.send_response(200)
            self.send_header("content-type", kind_of(data))
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def finish_request(self, request: Any, client_address: Any) -> None:
            try:
                with context.wrap_socket(request, server_side=True) as spoken:
                    Handler(spoken, client_address, self)
            except OSError:
                pass  # who does not believe the certificate goes away

        def shutdown_request(self, request: Any) -> None:
            request.close()

    context.sni_callback = lambda _, name, __: told.names.append(name)
    server = Server(("127.0.0.1", 0), Handler)
    told.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
