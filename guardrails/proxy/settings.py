"""What the operator of a proxy chooses; checked when it is made."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from guardrails.errors import GuardrailsError

KEY_VARIABLE = "GUARDRAILS_UPSTREAM_KEY"
UNKNOWN_FIELDS = ("judge", "refuse")


class SettingsError(GuardrailsError, ValueError):
    """A setting that a server cannot run with."""


def _key() -> str | None:
    return os.environ.get(KEY_VARIABLE) or None


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one proxy.

    `upstream` is a base URL as OpenAI's clients take it (`http://host:8000/v1`); `/v1` if it has no path. All APIs are
    asked below it: `/chat/completions`, `/responses`, `/messages`.
    `upstream_key` (environment: GUARDRAILS_UPSTREAM_KEY) is sent to it; without one the client's own
    authorization passes through. Times are in seconds: `connect_s` to reach the upstream, `idle_s` between two
    of its bytes, `total_s` for all of an answer, `keep_alive_s` between comments to a client whose stream is
    held. Beyond `max_concurrent` requests at a time, further ones are told to come back. `unknown_fields` of a
    request are judged like all text, or refused.
    """

    upstream: str
    policy: str = "default"
    floor: str | None = None
    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = 1
    upstream_key: str | None = field(default_factory=_key, repr=False)
    connect_s: float = 10.0
    idle_s: float = 300.0
    total_s: float = 600.0
    keep_alive_s: float = 10.0
    max_body_bytes: int = 10 << 20
    max_answer_bytes: int = 32 << 20
    max_concurrent: int = 512
    unknown_fields: Literal["judge", "refuse"] = "judge"

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.upstream)
            usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
        except ValueError:
            usable = False
        if not usable:
            raise SettingsError("upstream must be a URL such as http://127.0.0.1:8000/v1")
        if self.unknown_fields not in UNKNOWN_FIELDS:
            raise SettingsError(f"unknown_fields must be one of {', '.join(UNKNOWN_FIELDS)}")
        for name in ("workers", "max_body_bytes", "max_answer_bytes", "max_concurrent"):
            if getattr(self, name) < 1:
                raise SettingsError(f"{name} must be at least 1")
        for name in ("connect_s", "idle_s", "total_s", "keep_alive_s"):
            if getattr(self, name) <= 0:
                raise SettingsError(f"{name} must be more than 0 seconds")
        if not 0 <= self.port <= 65_535:
            raise SettingsError("port must be between 0 and 65535")

    @property
    def base_url(self) -> str:
        """The upstream's base URL, with `/v1` where no path was given and without a slash at the end."""
        parts = urlsplit(self.upstream)
        path = parts.path.rstrip("/") or "/v1"
        return f"{parts.scheme}://{parts.netloc}{path}"
