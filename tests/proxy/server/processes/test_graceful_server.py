"""A server in this process, and how it ends."""

from __future__ import annotations

import signal
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvicorn

from guardrails.errors import GuardrailsError
from guardrails.proxy.server.processes.graceful_server import GracefulServer

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


def serve(*numbers: int, starts: bool = True) -> None:
    """Serve an application to which signals come once it has started."""

    async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        assert (await receive())["type"] == "lifespan.startup"
        if not starts:
            raise RuntimeError("it cannot start")
        await send({"type": "lifespan.startup.complete"})
        for number in numbers:
            signal.raise_signal(number)
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, lifespan="on", log_level="critical")  # type: ignore[arg-type]
        GracefulServer(config).run([listener])


def test_it_ends_well_on_sigterm() -> None:
    """The handlers of signals are what they were."""
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    serve(signal.SIGTERM)
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


@pytest.mark.parametrize("numbers", [(signal.SIGINT,), (signal.SIGTERM, signal.SIGINT)])
def test_it_is_interrupted_by_ctrl_c(numbers: tuple[int, ...]) -> None:
    """Once it has ended what it began."""
    with pytest.raises(KeyboardInterrupt):
        serve(*numbers)


def test_one_that_cannot_start_is_an_error() -> None:
    """Not an end as any other."""
    with pytest.raises(GuardrailsError, match="could not start"):
        serve(starts=False)
