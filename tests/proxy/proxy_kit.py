"""A proxy of HTTP at the far side of a socket: it tunnels, or forwards, to where a test says, whatever was asked for."""

from __future__ import annotations

import base64
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class HttpProxy:
    """One proxy.

    Attributes:
        url: where it is.
        asked: the first lines of what it was asked.
        logins: the names and passwords that it was given.
        refuses: what it answers instead.
    """

    url: str
    asked: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    refuses: bytes = b""


@contextmanager
def http_proxy(port: int) -> Iterator[HttpProxy]:
    """Serve a proxy to which every host is the local server at a port."""
    listener = socket.create_server(("127.0.0.1", 0))
    made = HttpProxy(f"http://127.0.0.1:{listener.getsockname()[1]}")

    def pump(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def serve(client: socket.socket) -> None:
        with client, suppress(OSError), socket.create_connection(("127.0.0.1", port)) as target:
            head = b""
            while b"\r\n\r\n" not in head:
                if not (some := client.recv(1 << 16)):
                    return
                head += some
            lines = head.decode("latin-1").split("\r\n")
            made.asked.append(lines[0])
            logins = [line.split()[-1] for line in lines if line.lower().startswith("proxy-authorization:")]
            made.logins += [base64.b64decode(each).decode() for each in logins]
            if made.refuses:
                client.sendall(made.refuses)
                return
            if lines[0].startswith("CONNECT"):
                client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            else:
                target.sendall(head)
            back = threading.Thread(target=pump, args=(target, client), daemon=True)
            back.start()
            pump(client, target)
            back.join()

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=serve, args=(client,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield made
    finally:
        listener.close()
