"""A server in this process, which ends as one does that was told to: with status 0 on SIGTERM, as interrupted on SIGINT.

uvicorn raises the signal that ended it once more, so that SIGTERM kills the process although each request was served to its end,
and it listens no longer from that moment on, while load balancers still send requests for seconds. Here it first says that it is
not ready, and serves on until they have seen it.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from time import monotonic
from types import FrameType
from typing import Final

import uvicorn
from uvicorn.config import Config
from uvicorn.server import HANDLED_SIGNALS

from guardrails.errors import GuardrailsError
from guardrails.proxy.server.processes.lifecycle import LIFECYCLE, Lifecycle
from guardrails.proxy.server.processes.service_notice import ServiceNotice

TICK_S: Final = 0.1
"""Seconds between two looks at whether the time is up."""

A_SECOND: Final = 10
"""Ticks after which uvicorn writes its headers anew."""

CLOSE: Final = (b"connection", b"close")


class GracefulServer(uvicorn.Server):
    """The server.

    Args:
        config: as uvicorn has it; `timeout_graceful_shutdown` is for how long requests may take that are under way at the end.
        notice_s: for how long it takes requests after SIGTERM, in seconds; after SIGINT it takes none.
        notice: tells the service manager how it is.
    """

    def __init__(self, config: Config, notice_s: float = 0.0, notice: ServiceNotice | None = None) -> None:
        super().__init__(config)
        self._notice_s, self._notice = notice_s, notice or ServiceNotice()
        self._is_interrupted = False

    @property
    def lifecycle(self) -> Lifecycle:
        """What the application tells of itself; of one that tells nothing it is that it is not ready."""
        known: object = self.lifespan.state.get(LIFECYCLE) if self.started else None
        return known if isinstance(known, Lifecycle) else Lifecycle()

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until a signal comes, and then until the requests that are under way have ended.

        Raises:
            KeyboardInterrupt: the signal was SIGINT.
            GuardrailsError: the application could not start.
        """
        try:
            super().run(sockets)
        except SystemExit as error:
            raise GuardrailsError("the server could not start: the log says why") from error
        if self._is_interrupted:
            raise KeyboardInterrupt

    async def main_loop(self) -> None:
        """Serve until the end is wanted, and then for as long as others need to learn of it."""
        await super().main_loop()
        self._notice.tell_stopping()
        lifecycle = self.lifecycle
        lifecycle.draining = True
        ends, ticks = monotonic() + self._notice_s, 0
        while not self._is_interrupted and monotonic() < ends:
            await self.on_tick(ticks)
            if ticks % A_SECOND == 0:  # who keeps a connection is told to open the next one elsewhere
                self.server_state.default_headers = [*self.server_state.default_headers, CLOSE]
            ticks += 1
            await asyncio.sleep(TICK_S)

    async def on_tick(self, counter: int) -> bool:
        """Do what is due ten times a second, and tell whether the end is wanted."""
        self._notice.beat()
        if self.lifecycle.ready:
            self._notice.tell_ready()
        return await super().on_tick(counter)

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Take signals within a block."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in HANDLED_SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take a signal: end, or on a second SIGINT at once."""
        self._is_interrupted = self._is_interrupted or sig == signal.SIGINT
        super().handle_exit(sig, frame)
