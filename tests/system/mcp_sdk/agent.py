"""An MCP client with the official SDK: `agent.py MODE TARGET STEPS`, all JSON; prints what each step gave, as JSON.

MODE is `auto` (the newest revision that both know) or `legacy` (a handshake); TARGET a command, or an address.
"""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import AsyncExitStack
from typing import Any

from mcp.client.stdio import stdio_client
from mcp.types import ElicitResult

from mcp import ClientSession, StdioServerParameters


def plain(value: Any) -> Any:
    """Return a result as JSON values."""
    return value.model_dump(mode="json", by_alias=True, exclude_none=True)


async def step(client: Any, told: list[Any], what: str, *given: Any) -> Any:
    """Do one thing."""
    if what == "list":
        return plain(await client.list_tools())
    if what == "call":

        async def progress(done: float, total: float | None, message: str | None) -> None:
            told.append(message)

        return plain(await client.call_tool(given[0], given[1], progress_callback=progress))
    if what == "resource":
        return plain(await client.read_resource(given[0]))
    if what == "prompt":
        return plain(await client.get_prompt(given[0], given[1]))
    return told


async def opened(stack: AsyncExitStack, mode: str, target: Any, told: list[Any]) -> Any:
    """Return a client that is connected."""

    async def elicited(context: Any, params: Any) -> ElicitResult:
        told.append(params.message)
        return ElicitResult(action="accept", content={"name": "zqxmask Jo"})

    command = isinstance(target, list)
    parameters = StdioServerParameters(command=target[0], args=target[1:]) if command else None
    try:
        from mcp.client.client import Client
        from mcp.client.streamable_http import streamable_http_client

        transport = stdio_client(parameters) if parameters else streamable_http_client(target)
        return await stack.enter_async_context(Client(transport, mode=mode, elicitation_callback=elicited))
    except ImportError:  # before 2.0
        from mcp.client.streamable_http import streamablehttp_client

        old = stdio_client(parameters) if parameters else streamablehttp_client(target)
        read, write, *_ = await stack.enter_async_context(old)
        session = await stack.enter_async_context(ClientSession(read, write, elicitation_callback=elicited))
        await session.initialize()
        return session


async def main(mode: str, target: Any, steps: list[list[Any]]) -> None:
    """Connect, and do one thing after the other."""
    told: list[Any] = []
    done = []
    async with AsyncExitStack() as stack:
        client = await opened(stack, mode, target, told)
        for each in steps:
            try:
                done.append(await step(client, told, *each))
            except Exception as error:
                done.append({"error": str(error)})
    sys.stdout.write(json.dumps(done))


asyncio.run(main(sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])))
