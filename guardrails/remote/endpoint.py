"""The endpoints that an operator declares: where a service is, and the headers of its requests.

Keys stand in the environment or in files, are read anew for each request (so that they can be changed under a running
process), and are in no message, no digest and no representation.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

MOST_KEY_BYTES: Final = 64 << 10
"""Bytes of a file that holds a key."""


class RemoteError(Exception):
    """A service that gave no answer that can be used. The text says which and why, and nothing of what was sent."""


@dataclass(frozen=True, slots=True)
class SecretSource:
    """A value that is kept elsewhere: in a variable of the environment, or in a file."""

    env: str | None = None
    file: Path | None = None

    def read(self) -> str:
        """Return the value.

        Raises:
            RemoteError: it is not there, empty, or no value of a header.
        """
        if self.env is not None:
            value, where = os.environ.get(self.env, ""), f"the environment's {self.env}"
        else:
            assert self.file is not None
            where = f"file {self.file.name!r}"
            try:
                with self.file.open("rb") as file:
                    value = file.read(MOST_KEY_BYTES).decode()
            except (OSError, UnicodeDecodeError) as error:
                raise RemoteError(f"{where} cannot be read ({type(error).__name__})") from None
        value = value.strip()
        if not value:
            raise RemoteError(f"{where} is empty")
        if not (value.isascii() and value.isprintable()):
            raise RemoteError(f"{where} holds more than one line of ASCII")
        return value


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A service that the operator declares under `name`.

    `url` is its base, to which paths are added. `key` goes into the header `key_header`: as `Bearer …` where that is
    `authorization`, plain otherwise; `headers` are sent as they are. One try takes at most `timeout_s`; what may pass (a
    lost connection, 408, 429, 500, 502, 503, 504) is tried `retries` times more. At most `connections` requests run at a time
    and `waiting` more wait. After `failures` requests in a row have failed, none is sent for `open_s` seconds. `aws` is
    the region and service that requests are signed for (Signature Version 4), by the environment's credentials.
    """

    name: str
    url: str
    key: SecretSource | None = field(default=None, repr=False)
    key_header: str = "authorization"
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    timeout_s: float = 4.0
    retries: int = 1
    connections: int = 32
    waiting: int = 256
    failures: int = 5
    open_s: float = 15.0
    aws: tuple[str, str] | None = None

    def request_headers(self) -> dict[str, str]:
        """Return the headers of a request; raises `RemoteError` where the key cannot be read."""
        headers = {name.lower(): value for name, value in self.headers}
        if self.key is not None:
            value = self.key.read()
            bearer = self.key_header.lower() == "authorization"
            headers[self.key_header.lower()] = f"Bearer {value}" if bearer else value
        return headers

    @property
    def identity(self) -> str:
        """What findings may depend on: which service is asked, not by which key."""
        return f"{self.name} {self.url}"


def is_usable(url: str) -> bool:
    """Tell whether a text is the URL of a service, to which paths can be added."""
    if not (url.isascii() and url.isprintable()) or any(each in url for each in " ?#\\"):
        return False
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname) and parts.port != 0 and "@" not in parts.netloc
        return parts.scheme in {"http", "https"} and has_host
    except ValueError:
        return False
