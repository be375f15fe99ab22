"""A server in this process, and how it ends."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
import uvicorn

from guardrails.errors import GuardrailsError
from guardrails.proxy.configuration.settings import Settings
from guardrails.proxy.server.app import create_app
from guardrails.proxy.server.http import Http
from guardrails.proxy.server.processes.graceful_server import GracefulServer
from guardrails.proxy.server.processes.lifecycle import LIFECYCLE, Lifecycle
from guardrails.proxy.server.processes.service_notice import ServiceNotice
from tests.cases import each_case
from tests.waiting import wait_until

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


def serve(
    *numbers: int,
    starts: bool = True,
    notice: ServiceNotice | None = None,
    started: list[GracefulServer] | None = None,
) -> None:
    """Serve an application to which signals come once it has started."""
    lifecycle = Lifecycle(lambda: True)

    async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        assert (await receive())["type"] == "lifespan.startup"
        if not starts:
            raise RuntimeError("it cannot start")
        scope["state"][LIFECYCLE] = lifecycle
        await send({"type": "lifespan.startup.complete"})
        for number in numbers:
            signal.raise_signal(number)
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, lifespan="on", log_level="critical")  # type: ignore[arg-type]
        server = GracefulServer(config, notice=notice)
        (started if started is not None else []).append(server)
        server.run([listener])


def test_it_ends_well_on_sigterm() -> None:
    """The handlers of signals are what they were."""
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    serve(signal.SIGTERM)
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


@each_case("numbers", [(signal.SIGINT,), (signal.SIGTERM, signal.SIGINT)])
def test_it_is_interrupted_by_ctrl_c(numbers: tuple[int, ...]) -> None:
    """Once it has ended what it began."""
    with pytest.raises(KeyboardInterrupt):
        serve(*numbers)


def test_one_that_cannot_start_is_an_error() -> None:
    """Not an end as any other."""
    with pytest.raises(GuardrailsError, match="could not start"):
        serve(starts=False)


def test_it_is_ready_and_takes_requests_until_others_have_seen_that_it_ends(fake, policy_guard, kit) -> None:
    """For `notice_s`: it says that it is not ready, serves, and has each connection closed after its answer."""
    fake.answers(kit.completion("Hello."))
    app = create_app(Settings(fake.url), policy_guard)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = uvicorn.Config(app, http=Http, lifespan="on", log_level="critical")
        server = GracefulServer(config, notice_s=60.0)

        def run() -> None:
            with suppress(KeyboardInterrupt):
                server.run([listener])

        thread = threading.Thread(target=run)
        thread.start()
        wait_until(lambda: server.started and kit.send(url, "/readyz").status == 200)
        server.should_exit = True
        wait_until(lambda: (seen := kit.send(url, "/readyz")).status == 503 and seen.json["draining"])
        answer = kit.chat(url, kit.asking("hi"))
        server._is_interrupted = True
        wait_until(lambda: not thread.is_alive())
    assert (answer.status, answer.headers["connection"]) == (200, "close")
    with pytest.raises(ConnectionRefusedError):
        kit.send(url, "/readyz")


def test_the_service_manager_hears_of_it(tmp_path) -> None:
    """That the server lives, when it is ready, and that it ends."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        asked = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "60000000"}
        server: list[GracefulServer] = []
        thread = threading.Thread(target=serve, kwargs={"notice": ServiceNotice(asked), "started": server})
        thread.start()
        told = [manager.recv(100).partition(b"\n")[0] for _ in range(2)]
        server[0].should_exit = True
        told.append(manager.recv(100).partition(b"\n")[0])
        thread.join()
    assert told == [b"WATCHDOG=1", b"READY=1", b"STOPPING=1"]
