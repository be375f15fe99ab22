"""A server as a process."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest

from guardrails.errors import BackendError, GuardrailsError, RequestError
from guardrails.mcp.protocol import rpc
from guardrails.mcp.transport.process import ServerProcess, read_line
from tests.cases import each_case


def had(code: str, *bodies: rpc.Body, limit: int = 1_000) -> tuple[list[Any], int]:
    """Start a program, write messages, and return what it says until it ends, and its status."""

    async def work() -> tuple[list[Any], int]:
        process = await ServerProcess.start([sys.executable, "-c", code], limit, 60.0)
        for body in bodies:
            await process.send(body)
        said = [message async for message in process.messages()]
        return said, await process.close()

    return asyncio.run(work())


def test_messages_are_lines() -> None:
    """What is written is read, however the lines come; what is none is told apart."""
    code = (
        "import sys\nline = sys.stdin.readline()\nprint('note')\nprint(line + line.strip().replace('1', '2'), end='')\n"
        "print()\nprint('x' * 2000)\nprint(line, end='')\nsys.exit(3)"
    )
    said, status = had(code, rpc.make_request(1, "ping", {"a": "line\nline \u2028"}))

    assert [each.id if isinstance(each, rpc.RpcMessage) else each.code for each in said] == [
        "invalid_json", 1, 2, "request_too_large", 1,
    ]  # fmt: skip
    assert said[1].params == {"a": "line\nline \u2028"}
    assert status == 3


def test_nothing_is_written_to_a_server_that_is_gone() -> None:
    """Whoever waits learns of its end, not of the write."""

    async def work() -> int:
        process = await ServerProcess.start([sys.executable, "-c", ""], 1_000, 60.0)
        assert [message async for message in process.messages()] == []
        status = await process.close()
        for _ in range(3):
            await process.send(rpc.make_request(1, "ping", {"a": "x" * 100_000}))
        return status

    assert asyncio.run(work()) == 0


def test_a_server_that_takes_nothing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """No more is kept for it than a pipe holds, and one message."""
    monkeypatch.setattr("guardrails.mcp.transport.process.STOP_S", 0.3)

    async def work() -> list[str]:
        deaf = "import sys, time\nprint('{}', flush=True)\ntime.sleep(600)"
        process = await ServerProcess.start([sys.executable, "-c", deaf], 1_000, 0.2)
        await anext(aiter(process.messages()))
        said = []
        for number in range(4):
            try:
                await process.send(rpc.make_request(number, "ping", {"a": "x" * 200_000}))
            except BackendError as error:
                said.append(error.code)
        await process.close()
        return said

    assert asyncio.run(work()) == ["server_timeout"] * 3


def test_a_server_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """First its input is closed, then it is told to end, then it is ended."""
    monkeypatch.setattr("guardrails.mcp.transport.process.STOP_S", 0.3)
    stubborn = "import signal, threading\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('{}', flush=True)\nthreading.Event().wait()"

    async def work() -> int:
        process = await ServerProcess.start([sys.executable, "-c", stubborn], 1_000, 60.0)
        await anext(aiter(process.messages()))
        return await process.close()

    assert asyncio.run(work()) == -9


def test_a_program_that_is_not_there_is_an_error() -> None:
    """It says which, and why."""
    with pytest.raises(GuardrailsError, match="cannot start the server '/none/such': No such file"):
        asyncio.run(ServerProcess.start(["/none/such"], 1_000, 60.0))  # type: ignore[arg-type] # it never gets that far


@each_case(("line", "code"), [(None, "request_too_large"), (b"x", "invalid_json"), (b"[]", "batch")])
def test_what_cannot_be_read_says_why(line: bytes | None, code: str) -> None:
    """A value, not an exception: the conversation goes on."""
    found = asyncio.run(read_line(line, 10))

    assert isinstance(found, RequestError)
    assert found.code == code
