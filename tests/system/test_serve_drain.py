"""How a server of one process and of two ends, and what becomes of streams, workers and connections meanwhile."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.system.serve_kit import NOTICE_S, PIECES, Model, serving
from tests.waiting import WAIT_S, wait_until


@pytest.mark.parametrize("workers", [1, 2])
def test_streams_end_whole_when_the_server_is_told_to_end(tmp_path: Path, workers: int) -> None:
    """First it is not ready and takes requests, of which it ends all; then nobody is let in; the status is 0."""
    with serving(tmp_path, workers) as server:
        streams = [server.begin_stream() for _ in range(4)]
        begun = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: server.get("/readyz") == 503)
        streams.append(server.begin_stream())
        wait_until(lambda: server.get("/readyz") == 0)
        closed = time.monotonic() - begun
        assert server.process.poll() is None
        Model.go.set()
        answers = [stream.read() for stream in streams]
        status, output = server.end()
    assert NOTICE_S * 0.9 <= closed <= NOTICE_S + 3.0
    for answer in answers:
        assert answer.count(b"word") == PIECES
        assert answer.endswith(b"data: [DONE]\n\n")
    assert (status, "Traceback" in output) == (0, False)


@pytest.mark.parametrize("workers", [1, 2])
def test_streams_that_do_not_end_are_broken_off(tmp_path: Path, workers: int) -> None:
    """By an interrupt of the end; the server does not wait for them."""
    with serving(tmp_path, workers) as server:
        stream = server.begin_stream()
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: server.get("/readyz") == 0)
        server.process.send_signal(signal.SIGINT)
        begun = time.monotonic()
        status, _ = server.end()
        stream.close()
    assert status == 130
    assert time.monotonic() - begun < 10


def test_a_worker_that_is_killed_is_replaced_and_the_others_go_on(tmp_path: Path) -> None:
    """The log names it; streams of the others end whole, and new requests are answered."""
    with serving(tmp_path, 2) as server:
        [first, _] = server.workers()
        streams = [server.begin_stream() for _ in range(6)]
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: len(server.workers()) == 2 and first not in server.workers())
        streams.append(server.begin_stream())
        Model.go.set()
        whole = 0
        for stream in streams:
            with suppress(OSError, http.client.HTTPException):
                whole += stream.read().endswith(b"data: [DONE]\n\n")
            stream.close()
        server.process.send_signal(signal.SIGTERM)
        status, output = server.end()
    assert whole >= 1
    assert status == 0
    assert f"worker {first} ended with status -9: another one takes its place" in output


@pytest.mark.parametrize("workers", [1, 2])
def test_systemd_hears_when_it_is_ready_and_when_it_ends(tmp_path: Path, workers: int) -> None:
    """From the process that it started, and signs of life between."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(WAIT_S)
        told: list[str] = []
        manager.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        asked = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "1000000"}
        with serving(tmp_path, workers, **asked) as server:
            while "READY=1" not in told or "WATCHDOG=1" not in told:
                text, extra, _, _ = manager.recvmsg(100, socket.CMSG_SPACE(12))
                told.append(text.decode().partition("\n")[0])
                assert int.from_bytes(extra[0][2][:4], sys.byteorder) == server.process.pid
            server.process.send_signal(signal.SIGTERM)
            while "STOPPING=1" not in told:
                told.append(manager.recv(100).decode().partition("\n")[0])
            assert server.end()[0] == 0
