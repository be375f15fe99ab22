"""Settings in, a server out: in this process until interrupted (`run`), or in a thread beside (`running`)."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import threading
from collections.abc import Mapping
from dataclasses import asdict, replace
from types import TracebackType
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from guardrails.guard import Guard
from guardrails.keys import KEY_VARIABLE, has_key
from guardrails.proxy.app import create_app
from guardrails.proxy.settings import Settings, SettingsError
from guardrails.proxy.state import State

VARIABLE = "GUARDRAILS_SERVE"
"""Where worker processes find the settings. The key of the upstream has a variable of its own."""

BACKLOG = 2048
START_S = 60.0
STOP_S = 10.0

SERVER: Mapping[str, Any] = {
    "http": f"{__name__}:Http",
    "ws": "none",
    "loop": "asyncio",
    "lifespan": "on",
    "log_level": "warning",
    "access_log": False,  # its lines would not tell more than the metrics
    "server_header": False,
    "proxy_headers": False,
    "timeout_keep_alive": 75,
    "timeout_graceful_shutdown": 30,
}
"""How uvicorn serves."""


class Http(H11Protocol):
    """HTTP over a connection that sends at once.

    asyncio does so for sockets that it opens itself, but not for those that it is given; an answer's headers and
    body are two writes, and the second would wait for the client's acknowledgement: 40 ms.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a new connection."""
        super().connection_made(transport)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def run(settings: Settings, guard: Guard | None = None) -> None:
    """Serve until interrupted.

    Args:
        settings: what to serve.
        guard: a guard to serve instead of the settings' policy; with one process only.

    Raises:
        PolicyErrors: the policy is wrong; nothing was served.
        SettingsError: the address cannot be listened on, or the workers would not redact alike.
    """
    if settings.workers > 1 and guard is not None:
        raise SettingsError("a guard of your own cannot be served by several workers: give a policy file")
    loaded = guard or Guard.load(settings.policy, floor=settings.floor)
    if settings.workers > 1 and loaded.is_keyed and not has_key():
        raise SettingsError(
            f"the policy redacts with a key (hash or fake), and each of {settings.workers} workers would have its own: "
            f"set {KEY_VARIABLE} to a random one, such as what `openssl rand -hex 32` prints"
        )
    with listening(settings) as listener:
        if settings.workers == 1:
            uvicorn.Server(uvicorn.Config(create_app(settings, loaded), **SERVER)).run(sockets=[listener])
            return
    # Workers listen for themselves; the address was free a moment ago.
    os.environ[VARIABLE] = json.dumps({**asdict(settings), "upstream_key": None})
    uvicorn.run(
        f"{__name__}:worker_app",
        factory=True,
        workers=settings.workers,
        host=settings.host,
        port=settings.port,
        **SERVER,
    )


def worker_app() -> FastAPI:
    """Return the application of one worker process, from the environment that `run` left."""
    given = json.loads(os.environ[VARIABLE])
    del given["upstream_key"]
    return create_app(Settings(**given))


def listening(settings: Settings) -> socket.socket:
    """Return a socket that listens on the settings' address; raises `SettingsError` if that cannot be."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((settings.host, settings.port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        reason = error.strerror or str(error)
        raise SettingsError(f"cannot listen on {settings.host}:{settings.port}: {reason}") from error
    listener.set_inheritable(True)
    return listener


class Running:
    """A server in a thread: `with running(settings) as url:`. Stops cleanly at the end of the block."""

    def __init__(self, settings: Settings, guard: Guard | None = None, *, wait_ready: bool = True) -> None:
        self._listener = listening(settings)
        self._wait_ready = wait_ready
        self.settings = replace(settings, port=self._listener.getsockname()[1])
        try:
            loaded = guard or Guard.load(settings.policy, floor=settings.floor)
        except BaseException:
            self._listener.close()
            raise
        app = create_app(self.settings, loaded)
        self.state: State = app.state.proxy
        self._server = uvicorn.Server(uvicorn.Config(app, **{**SERVER, "timeout_graceful_shutdown": 1}))
        self._thread = threading.Thread(target=self._serve, name="guardrails-proxy", daemon=True)

    @property
    def url(self) -> str:
        """The address, without a path."""
        host = f"[{self.settings.host}]" if ":" in self.settings.host else self.settings.host
        return f"http://{host}:{self.settings.port}"

    def __enter__(self) -> str:
        """Start, wait until the server accepts requests (and is ready), and return its address."""
        self._thread.start()
        if self._wait_ready and not self.state.warm.wait(START_S):
            self.stop()
            raise TimeoutError(f"the server was not ready after {START_S:.0f} s")
        return self.url

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop the server and wait for its thread."""
        self._server.should_exit = True
        self._thread.join(STOP_S)
        self._listener.close()

    def _serve(self) -> None:
        self._server.run(sockets=[self._listener])


def running(settings: Settings, guard: Guard | None = None, *, wait_ready: bool = True) -> Running:
    """Return a server to run beside this thread; port 0 takes a free one.

    Args:
        settings: what to serve.
        guard: a guard to serve instead of the settings' policy.
        wait_ready: enter the block only when every detector is warm.

    Raises:
        PolicyErrors: the policy is wrong.
        SettingsError: the address cannot be listened on.
    """
    return Running(settings, guard, wait_ready=wait_ready)
