"""Opens the sockets that a server listens on."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import Final

from guardrails.proxy.configuration.settings import SettingsError

BACKLOG: Final = 2048
"""Connections that wait to be taken."""


GROUP: Final = 0o660
"""Who may ask at a Unix socket: its owner and its group."""


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


def open_unix_listener(path: Path) -> socket.socket:
    """Return a socket that listens at a path. One that is there and that nobody listens on, as of a server that was killed, is
    replaced.

    Raises:
        SettingsError: that cannot be.
    """
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if path.is_socket():
            _remove_stale(path)
        listener.bind(os.fspath(path))
        path.chmod(GROUP)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise SettingsError(f"cannot listen on {path}: {error.strerror or error}") from error
    return listener


def _remove_stale(path: Path) -> None:
    """Remove a socket that nobody listens on."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
        other.setblocking(False)
        try:
            other.connect(os.fspath(path))
        except ConnectionRefusedError:
            path.unlink()
        except BlockingIOError:  # somebody listens, and is busy
            return


def remove_unix_listener(path: Path) -> None:
    """Remove the socket of a server that has ended."""
    with suppress(OSError):
        path.unlink()
