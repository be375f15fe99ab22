"""Authenticates a request by its API key, applies the client's rate limits and chooses its policy. Only its head is read.

Keys are found by a digest that is keyed anew in every process, and then compared in constant time, so that how long a wrong
key takes tells nothing about the right ones.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from starlette.types import Scope

from guardrails.errors import GuardrailsError
from guardrails.proxy.access.keys import hash_key
from guardrails.proxy.access.tenants import KeyDoc, PolicyDoc
from guardrails.proxy.upstreams.routing_choice import is_claimed

KEY_HEADER = b"x-guardrails-key"
CREDENTIALS: Mapping[bytes, bytes] = {
    KEY_HEADER: b"",
    b"authorization": b"bearer ",
    b"x-api-key": b"",
    b"api-key": b"",
    b"x-goog-api-key": b"",
    b"ocp-apim-subscription-key": b"",
}
"""Header → what stands before a key in it. One of ours is taken from any of them, and goes no further; with the first a client
keeps the others for the upstream."""

OTHER_MODELS = frozenset(
    {
        "models",
        "fallbacks",
        "default_fallbacks",
        "context_window_fallbacks",
        "content_policy_fallbacks",
        "fallback_models",
        "router_settings_override",
    }
)
"""Fields in which routers behind (OpenRouter, LiteLLM) take further models than the one that `model` names; LiteLLM also takes
several there, with commas."""

MINUTE_S = 60.0

UNKNOWN = ("invalid_api_key", "this key is not known here")
MISSING = ("missing_api_key", "send your key as 'authorization: Bearer …', 'x-api-key' or 'x-guardrails-key'")
"""Code and words of an answer to a request with a key of nobody's, and without any."""


class AccessDenied(GuardrailsError):
    """A client may not ask, or not now. `status` is 401, 403 or 429; `retry_after` in seconds."""

    def __init__(self, status: int, code: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers: dict[str, str] = {} if status != 401 else {"www-authenticate": "Bearer"}
        if retry_after is not None:
            self.headers["retry-after"] = str(max(1, ceil(retry_after)))


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks, as far as the server knows by itself. Without `key` it is anybody, on a server that asks nobody."""

    key: KeyDoc | None = None

    @property
    def user(self) -> Mapping[str, Any]:
        """What rules read as `request.user`."""
        return {} if self.key is None else self.key.user

    @property
    def tenant(self) -> str | None:
        """What rules read as `request.tenant`."""
        return None if self.key is None else self.key.tenant

    @property
    def trust_system(self) -> bool:
        """Whether its system and developer messages are the application's own."""
        return self.key is not None and self.key.system == "trusted"

    def name(self, scope: Scope) -> str:
        """Return by what shares of the server are counted for this client: its key, or else its address."""
        if self.key is not None:
            return f"key {self.key.id}"
        address = scope.get("client")
        return f"address {address[0] if address else 'unknown'}"

    def resolve_identity(self, claimed: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a body tells of who asks, with what authentication knows instead of what it may not tell."""
        if self.key is None:
            return dict(claimed)
        if not self.key.trusted:
            return {**claimed, "user": self.user, "tenant": self.tenant}
        return {
            **claimed,
            "user": {**(claimed.get("user") or {}), **self.user},
            "tenant": claimed.get("tenant") or self.tenant,
        }

    def body_limit(self, limit: int) -> int:
        """Return the size of a body that is still read, where the server's own limit is this."""
        own = None if self.key is None else self.key.max_body_bytes
        return limit if own is None else min(own, limit)

    def may_ask(self, model: str | None) -> bool:
        """Tell whether it may ask a model."""
        own = () if self.key is None else self.key.models
        return not own or matches_any(model or "", own)

    def check_models(self, model: str | None, body: Mapping[str, Any], rows: Sequence[PolicyDoc]) -> None:
        """Raise `AccessDenied` for a model that it may not ask, and for more than one where it makes a difference which."""
        own = () if self.key is None else self.key.models
        if not self.may_ask(model):
            raise AccessDenied(403, "model_not_allowed", "this key may not ask this model")
        several = "," in (model or "") or any(body[name] for name in OTHER_MODELS & body.keys())
        if several and (own or any(row.models for row in rows)):
            raise AccessDenied(403, "model_not_allowed", "name one model here, in the field 'model'")


ANONYMOUS = Client()


def matches_any(word: str, patterns: Sequence[str]) -> bool:
    """Tell whether a word fits one of the patterns, whatever its case."""
    return is_claimed(word.casefold(), [pattern.casefold() for pattern in patterns])


def select_policy(
    rows: Sequence[PolicyDoc], client: Client, tenant: str | None, model: str | None, path: str
) -> str | None:
    """Return the policy of the first row that fits a request, or None."""
    key = None if client.key is None else client.key.id
    for row in rows:
        if (
            (not row.keys or key in row.keys)
            and (not row.teams or tenant in row.teams)
            and (not row.models or (model is not None and matches_any(model, row.models)))
            and (not row.paths or matches_any(path, row.paths))
        ):
            return row.policy
    return None


UNLIMITED: AbstractContextManager[None] = nullcontext()
"""What a client without limits acquires: each request would make one otherwise."""


@dataclass(slots=True)
class RateLimiter:
    """What the keys of a server have used. One float tells the rate: when the last of what was let in would be due, if
    requests came evenly (GCRA, the leaky bucket of ATM's traffic management, ITU-T I.371).
    """

    due: dict[str, float] = field(default_factory=dict)
    under_way: dict[str, int] = field(default_factory=dict)

    def acquire(self, client: Client, now: float) -> AbstractContextManager[None]:
        """Count a request of a client for as long as the block takes; `now` is in seconds of any clock.

        Raises:
            AccessDenied: on entry, where it has used what it may have.
        """
        key = client.key
        return UNLIMITED if key is None or not key.counts else self._hold(key, now)

    @contextmanager
    def _hold(self, key: KeyDoc, now: float) -> Iterator[None]:
        active = self.under_way.get(key.id, 0)
        if key.max_concurrent is not None and active >= key.max_concurrent:
            raise AccessDenied(
                429, "too_many_concurrent", "this key has as many requests under way as it may have", 1.0
            )
        if key.requests_per_minute is not None:
            self._spend(key.id, key.requests_per_minute, now)
        self.under_way[key.id] = active + 1
        try:
            yield
        finally:
            left = self.under_way[key.id] - 1
            if left:
                self.under_way[key.id] = left
            else:
                del self.under_way[key.id]

    def _spend(self, name: str, per_minute: int, now: float) -> None:
        step = MINUTE_S / per_minute
        due = max(self.due.get(name, now), now)
        wait = due + step - now - MINUTE_S
        if wait > step * 1e-6:
            raise AccessDenied(
                429, "rate_limit_exceeded", f"this key has {per_minute} requests in a minute", wait
            )
        self.due[name] = due + step


class Admission:
    """The keys of a server at one moment."""

    def __init__(self, keys: Sequence[KeyDoc]) -> None:
        self._salt = os.urandom(32)
        self._clients = {self._lookup_digest(key.sha256): Client(key) for key in keys}

    def _lookup_digest(self, sha256: str) -> bytes:
        return hmac.digest(self._salt, sha256.encode(), hashlib.sha256)

    def admit(self, scope: Scope, today: str) -> Client:
        """Return who sends a request, and take his key out of its headers. `today` is an ISO date (UTC).

        Raises:
            AccessDenied: the server has keys, and none of them is there, or it is expired.
        """
        if not self._clients:
            return ANONYMOUS
        found: list[Client] = []
        kept: list[tuple[bytes, bytes]] = []
        unknown: set[bytes] = set()
        for name, value in scope["headers"]:
            before = CREDENTIALS.get(name)
            client = None if before is None else self._client(_key(value, before))
            if client is None:
                kept.append((name, value))
                unknown |= {name} if before is not None else set()
            else:
                found.append(client)
        if not found or KEY_HEADER in unknown:
            raise AccessDenied(401, *(UNKNOWN if unknown else MISSING))
        if any(each is not found[0] for each in found):
            raise AccessDenied(401, "ambiguous_key", "the request has keys of several clients")
        key = found[0].key
        assert key is not None  # those in the table have one
        if key.not_after is not None and today > key.not_after:
            raise AccessDenied(401, "key_expired", "this key is expired")
        scope["headers"] = kept
        return found[0]

    def _client(self, key: str) -> Client | None:
        made = hash_key(key)
        found = self._clients.get(self._lookup_digest(made))
        if found is None or found.key is None or not hmac.compare_digest(found.key.sha256, made):
            return None
        return found


def _key(value: bytes, before: bytes) -> str:
    if before and value[: len(before)].lower() == before:
        value = value[len(before) :]
    return value.strip().decode("latin-1")
