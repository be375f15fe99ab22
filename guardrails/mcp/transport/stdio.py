"""The guard on standard input and output, started by an agent as if it were the server; the real server is a process behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
from collections.abc import AsyncIterator, Iterator, Sequence

from guardrails.errors import RequestError
from guardrails.mcp.conversation import LocalConversation, WorkOrder, is_exclusive, size_of
from guardrails.mcp.link import McpLink
from guardrails.mcp.protocol.rpc import Body, RpcMessage
from guardrails.mcp.transport.lines import LineSplitter
from guardrails.mcp.transport.process import CHUNK, ServerProcess, read_line
from guardrails.wire import strict_json

AHEAD = 64
"""Pieces of what an agent writes that are read before the first of them was judged."""


async def run_relay(
    command: Sequence[str],
    link: McpLink,
    *,
    request_s: float,
    limit: int,
    source: int = 0,
    sink: int = 1,
) -> int:
    """Stand between an agent and a server until one of them ends; returns the exit status: 0 if the agent ended first, or SIGTERM
    came, 1 if the server ended.

    Args:
        command: what starts the server.
        link: what judges the conversation.
        request_s: seconds for an answer of the server's.
        limit: bytes of a message of either side.
        source: the file descriptor that the agent writes to.
        sink: the one that it reads from.

    Raises:
        GuardrailsError: the server cannot be started.
    """
    writing = asyncio.Lock()

    async def hear(body: Body) -> None:
        async with writing:
            await asyncio.to_thread(_write, sink, strict_json.dump(body) + b"\n")

    server = await ServerProcess.start(command, limit, request_s)
    try:
        conversation = LocalConversation(server, link, hear, request_s)
        running = asyncio.ensure_future(conversation.run())
        saying = asyncio.ensure_future(_say(conversation, source, limit))
        with _ended_by_signal(running):
            try:
                await asyncio.wait({running, saying}, return_when=asyncio.FIRST_COMPLETED)
                if running.cancelled():
                    return 0
                by_server = conversation.ended
                if not by_server:
                    await saying
                    await server.close()
                await running
            finally:
                saying.cancel()
                running.cancel()
                await asyncio.gather(saying, running, return_exceptions=True)
        return 1 if by_server else 0
    finally:
        await server.close()


async def _say(conversation: LocalConversation, source: int, limit: int) -> None:
    """Take what the agent writes, until it ends."""
    lines, order = LineSplitter(limit), WorkOrder()
    try:
        async for piece in _pieces(source):
            for line in lines.feed(piece):
                await _put(order, conversation, await read_line(line, limit))
        for line in lines.flush():
            await _put(order, conversation, await read_line(line, limit))
    finally:  # also where the server ended: who asked meanwhile is told so
        await order.done()


async def _put(order: WorkOrder, conversation: LocalConversation, said: RpcMessage | RequestError) -> None:
    await order.submit(conversation.receive(said), size_of(said), alone=is_exclusive(said))


async def _pieces(source: int) -> AsyncIterator[bytes]:
    """Yield what can be read, which a thread does: not everything that is standard input can be waited for otherwise."""
    loop, room = asyncio.get_running_loop(), threading.Semaphore(AHEAD)
    queue: asyncio.Queue[bytes] = asyncio.Queue()

    def pump() -> None:
        piece = b"-"
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
            while piece:
                room.acquire()
                piece = _read(source)
                loop.call_soon_threadsafe(queue.put_nowait, piece)

    threading.Thread(target=pump, name="guardrails-mcp-agent", daemon=True).start()
    while piece := await queue.get():
        room.release()
        yield piece


def _read(source: int) -> bytes:
    try:
        return os.read(source, CHUNK)
    except OSError:
        return b""


def _write(sink: int, line: bytes) -> None:
    """Write a line whole; an agent that is gone reads nothing, and its end is seen where it is read from."""
    rest = memoryview(line)
    with contextlib.suppress(OSError):
        while rest:
            rest = rest[os.write(sink, rest) :]


@contextlib.contextmanager
def _ended_by_signal(running: asyncio.Future[None]) -> Iterator[None]:
    """End the conversation on SIGTERM, so that the server is ended too."""
    loop = asyncio.get_running_loop()
    try:
        loop.add_signal_handler(signal.SIGTERM, running.cancel)
    except (NotImplementedError, RuntimeError, ValueError):  # not this system, or not the main thread
        yield
        return
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
