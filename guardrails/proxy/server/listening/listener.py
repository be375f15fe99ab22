"""Opens the sockets that a server listens on."""

from __future__ import annotations

import socket
from typing import Final

from guardrails.proxy.configuration.settings import SettingsError

BACKLOG: Final = 2048
"""Connections that wait to be taken."""


def open_listener(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """Return a socket that listens on an address, `shared` with other processes of ours or not.

    Raises:
        SettingsError: that cannot be.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        reason = error.strerror or str(error)
        raise SettingsError(f"cannot listen on {host}:{port}: {reason}") from error
    return listener
