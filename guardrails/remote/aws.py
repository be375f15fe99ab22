"""Signs requests to services of AWS (Signature Version 4), by botocore.

Credentials are those that AWS's own tools would find. In the environment they are read anew for each request; any others
(profiles, roles, the machine's own) are kept, and renewed by botocore when they expire.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from guardrails.remote.client import Sign
from guardrails.remote.endpoint import RemoteError


class Signer:
    """Signs requests to one service in one region."""

    def __init__(self, region: str, service: str) -> None:
        self._region, self._service = region, service
        self._kept: Any = None

    async def ready(self, endpoint: str) -> Sign:
        """Return what signs the next request to an endpoint; raises `RemoteError` where there are no credentials."""
        try:
            found = _of_environment() or await asyncio.to_thread(self._frozen)
        except Exception as error:
            reason = f"AWS credentials cannot be had ({type(error).__name__})"
            raise RemoteError(f"endpoint {endpoint!r}: {reason}") from None
        if found is None:
            raise RemoteError(f"endpoint {endpoint!r}: there are no AWS credentials")
        return lambda method, url, body, headers: self._sign(found, method, url, body, headers)

    def _frozen(self) -> Any:
        """Return credentials that are valid now, or None."""
        if self._kept is None:
            self._kept = import_module("botocore.session").Session().get_credentials()
        return None if self._kept is None else self._kept.get_frozen_credentials()

    def _sign(
        self, credentials: Any, method: str, url: str, body: bytes, headers: Mapping[str, str]
    ) -> Mapping[str, str]:
        request = import_module("botocore.awsrequest").AWSRequest(method, url, dict(headers), body)
        import_module("botocore.auth").SigV4Auth(credentials, self._service, self._region).add_auth(request)
        return dict(request.headers.items())


def _of_environment() -> Any:
    key, secret = (os.environ.get(f"AWS_{name}") for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"))
    if not (key and secret):
        return None
    token = os.environ.get("AWS_SESSION_TOKEN") or None
    return import_module("botocore.credentials").Credentials(key, secret, token)
