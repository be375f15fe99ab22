"""Tells the service manager that started this process how it is (`sd_notify`), where there is one that asks.

systemd names a socket in `NOTIFY_SOCKET`, which takes lines such as `READY=1`, and in `WATCHDOG_USEC` the time within which it
wants to hear of a process: one that is silent for longer is ended and started anew.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from time import monotonic

ABSTRACT = "@"
"""What the name of a socket begins with that is no file."""


class ServiceNotice:
    """What one process tells. Where the manager asks for nothing, or is gone, nothing happens.

    Args:
        environment: has the names of the manager's variables; without any nothing is told.
    """

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        given = environment or {}
        self._address = given.get("NOTIFY_SOCKET", "")
        meant = given.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        usec = given.get("WATCHDOG_USEC", "")
        self.every_s = int(usec) / 2e6 if meant and usec.isdecimal() else 0.0
        """Seconds between two signs of life: half of what is allowed; 0 where none is asked for."""
        self._is_ready = False
        self._next = 0.0

    def tell_ready(self) -> None:
        """Tell, once, that the server serves."""
        if not self._is_ready:
            self._is_ready = True
            self._send("READY=1\nSTATUS=serving")

    def tell_stopping(self) -> None:
        """Tell that the server ends what it began."""
        self._send("STOPPING=1\nSTATUS=ending what is under way")

    def beat(self) -> None:
        """Give a sign of life, where one is due."""
        if self.every_s and (now := monotonic()) >= self._next:
            self._next = now + self.every_s
            self._send("WATCHDOG=1")

    def _send(self, text: str) -> None:
        if not self._address:
            return
        name = self._address
        address = "\0" + name[1:] if name.startswith(ABSTRACT) else name
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as to:
            to.setblocking(False)  # a manager that does not read holds nobody up
            to.sendto(text.encode(), address)
