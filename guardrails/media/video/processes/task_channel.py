"""Sends a task and the open files that it needs through a socket, once."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping, Sequence
from typing import IO, Any, Final

SIZE: Final = 4
"""Bytes that say how long a task is."""

FILES: Final = 2
"""Files that come with a task at most."""


def send_task(line: socket.socket, task: Mapping[str, Any], files: Sequence[IO[bytes]]) -> None:
    """Send a task and its files; raises `OSError` where nobody takes them."""
    data = json.dumps(task).encode()
    data = len(data).to_bytes(SIZE, "big") + data
    sent = socket.send_fds(line, [data], [file.fileno() for file in files])
    # Who has all of it may have closed its end by now: it is at work, and must not be taken for one that is gone.
    if sent < len(data):
        line.sendall(data[sent:])


def receive_task(line: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """Return the task that comes through a socket, and the descriptors of its files; None where none comes."""
    data, files, _, _ = socket.recv_fds(line, 1 << 16, FILES)
    size = SIZE + int.from_bytes(data[:SIZE], "big")
    while data and len(data) < size and (more := line.recv(1 << 16)):
        data += more
    if len(data) < max(size, SIZE + 1):
        return None
    task: dict[str, Any] = json.loads(data[SIZE:])
    return task, files
