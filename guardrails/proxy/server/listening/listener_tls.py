"""The TLS of connections of clients, whose certificate may be another one while the server runs."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from guardrails.proxy.configuration.settings import Settings
from guardrails.proxy.upstreams.transport.key_files import file_state
from guardrails.proxy.upstreams.transport.tls import CertificateFiles, load_certificate, server_context


class ListenerTls:
    """The context of one process. Raises `ValueError` where a file is wrong."""

    name = "tls"

    def __init__(self, files: CertificateFiles, least: str) -> None:
        self._files, self._least = files, least
        self._states = self._look()
        self.context = server_context(files, least)

    def _look(self) -> dict[str, object]:
        return {path: file_state(path) for path in self._files.paths}

    async def reread(self) -> bool:
        """Answer with the certificate that the files hold by now; return whether they are others.

        Raises:
            ValueError: a file is wrong; the certificate from before stays.
        """
        now = await asyncio.to_thread(self._look)
        if now == self._states:
            return False
        self._states = now
        await asyncio.to_thread(server_context, self._files, self._least)  # half of a pair must not be taken
        load_certificate(self.context, self._files)
        if self._files.ca_file is not None:
            self.context.load_verify_locations(self._files.ca_file)
        return True


@lru_cache(maxsize=4)
def _listener_tls(files: CertificateFiles, least: str) -> ListenerTls:
    """Return the one of this process."""
    return ListenerTls(files, least)


def listener_tls(settings: Settings) -> ListenerTls | None:
    """Return what clients connect with, None for connections without TLS; in one process always the same."""
    return None if settings.tls is None else _listener_tls(settings.tls.files, settings.tls.min_version)


class TlsFactory:
    """Gives uvicorn the context, in whatever process that serves.

    Args:
        settings: of a server with TLS.
    """

    def __init__(self, settings: Settings) -> None:
        assert settings.tls is not None
        self._files, self._least = settings.tls.files, settings.tls.min_version

    def __call__(self, config: Any, default: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
        """Return the context."""
        return _listener_tls(self._files, self._least).context


def tls_options(settings: Settings) -> dict[str, Any]:
    """Return what uvicorn is configured with."""
    return {} if settings.tls is None else {"ssl_context_factory": TlsFactory(settings)}
