"""What a server tells systemd, at the far side of a real socket."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from guardrails.proxy.server.processes.service_notice import ServiceNotice
from tests.cases import each_case


@pytest.fixture
def manager(tmp_path: Path):
    """Return the socket of a service manager, and its name."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.setblocking(False)
        yield listener, str(tmp_path / "notify")


def told(listener: socket.socket) -> list[str]:
    """Return what was told so far."""
    found = []
    while True:
        try:
            found.append(listener.recv(4096).decode())
        except BlockingIOError:
            return found


def test_it_tells_that_the_server_is_ready_and_that_it_ends(manager) -> None:
    """Ready once, however often it is ready."""
    listener, name = manager
    notice = ServiceNotice({"NOTIFY_SOCKET": name})
    notice.tell_ready()
    notice.tell_ready()
    notice.beat()
    notice.tell_stopping()
    assert told(listener) == ["READY=1\nSTATUS=serving", "STOPPING=1\nSTATUS=ending what is under way"]


def test_it_gives_signs_of_life_twice_in_the_time_that_is_allowed(manager, monkeypatch) -> None:
    """No more often, so that they cost nothing."""
    listener, name = manager
    clock = [100.0]
    monkeypatch.setattr("guardrails.proxy.server.processes.service_notice.monotonic", lambda: clock[0])
    notice = ServiceNotice({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "30000000"})
    for clock[0] in (100.0, 100.1, 114.9, 115.0, 115.1, 131.0):
        notice.beat()
    assert told(listener) == ["WATCHDOG=1"] * 3


@each_case(
    ("more", "every_s"),
    [
        ({}, 0.0),
        ({"WATCHDOG_USEC": "x"}, 0.0),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"}, 0.0),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": str(os.getpid())}, 1.5),
    ],
)
def test_signs_of_life_are_for_the_process_that_is_watched(more: dict[str, str], every_s: float) -> None:
    """Where none are asked for, none are given."""
    assert ServiceNotice({"NOTIFY_SOCKET": "/nowhere", **more}).every_s == every_s


def test_a_manager_that_is_gone_or_deaf_holds_nobody_up(manager) -> None:
    """Nor does one that asks for nothing."""
    listener, name = manager
    for notice in (ServiceNotice(), ServiceNotice({"NOTIFY_SOCKET": f"{name}/none"})):
        notice.tell_ready()
        notice.tell_stopping()
    deaf = ServiceNotice({"NOTIFY_SOCKET": name})
    for _ in range(2_000):  # more than its buffer takes
        deaf.tell_stopping()
    assert set(told(listener)) == {"STOPPING=1\nSTATUS=ending what is under way"}


def test_a_socket_may_have_an_abstract_name() -> None:
    """It begins with `@`, and is no file."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(f"\0guardrails-{os.getpid()}")
        ServiceNotice({"NOTIFY_SOCKET": f"@guardrails-{os.getpid()}"}).tell_ready()
        assert listener.recv(100).startswith(b"READY=1")
