"""Runs a server as a process that exchanges messages, each a line. What it writes to standard error goes where ours goes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

from guardrails.engine.content.budget import CODE as TOO_LARGE
from guardrails.errors import BackendError, GuardrailsError, RequestError
from guardrails.mcp.protocol import rpc
from guardrails.mcp.protocol.rpc import Body, RpcMessage
from guardrails.mcp.transport.lines import LineSplitter
from guardrails.wire import strict_json

CHUNK = 64 << 10

STOP_S = 5.0
"""Seconds that a server has to end once its input is closed, and once it was told to."""


class ServerProcess:
    """The process. Messages of it are at most `limit` bytes long; it has `take_s` seconds to take one."""

    def __init__(self, process: asyncio.subprocess.Process, limit: int, take_s: float) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process, self._in, self._out, self._limit = process, process.stdin, process.stdout, limit
        self._take_s, self._sending = take_s, asyncio.Lock()

    @classmethod
    async def start(cls, command: Sequence[str], limit: int, take_s: float) -> ServerProcess:
        """Start a server; raises `GuardrailsError` if that cannot be."""
        pipe = asyncio.subprocess.PIPE
        try:
            process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
        except OSError as error:
            raise GuardrailsError(f"cannot start the server {command[0]!r}: {error.strerror}") from None
        return cls(process, limit, take_s)

    async def send(self, body: Body) -> None:
        """Write a message, once the server has taken those before it. To one that is gone nothing is written: whoever waits for
        it is told that it ended.

        Raises:
            BackendError: the server takes no messages.
        """
        try:
            async with asyncio.timeout(self._take_s), self._sending:
                with contextlib.suppress(ConnectionError, RuntimeError):
                    await self._in.drain()
                    self._in.write(strict_json.dump(body) + b"\n")
        except TimeoutError:
            raise BackendError("the server takes no more messages: it hangs", 504, "server_timeout") from None

    async def messages(self) -> AsyncIterator[RpcMessage | RequestError]:
        """Yield each message, or why it cannot be read, until the server ends."""
        lines = LineSplitter(self._limit)
        while piece := await self._out.read(CHUNK):
            for line in lines.feed(piece):
                yield await read_line(line, self._limit)
        for line in lines.flush():
            yield await read_line(line, self._limit)

    async def close(self) -> int:
        """Close the server's input, and end it if it does not end by itself; returns its status."""
        process = self._process
        self._in.close()
        for end in (process.terminate, process.kill):
            try:
                async with asyncio.timeout(STOP_S):
                    return await process.wait()
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    end()
        return await process.wait()


async def read_line(line: bytes | None, limit: int) -> RpcMessage | RequestError:
    """Return the message of a line, or why there is none."""
    if line is None:
        return RequestError(TOO_LARGE, f"a message is larger than {limit} bytes")
    try:
        return await rpc.parse_aside(line)
    except RequestError as error:
        return error
