"""A server in this process, which ends as one does that was told to: with status 0 on SIGTERM, as interrupted on SIGINT.

uvicorn raises the signal that ended it once more, so that SIGTERM kills the process although each request was served to its end.
"""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

import uvicorn
from uvicorn.config import Config
from uvicorn.server import HANDLED_SIGNALS

from guardrails.errors import GuardrailsError


class GracefulServer(uvicorn.Server):
    """The server."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._is_interrupted = False

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
