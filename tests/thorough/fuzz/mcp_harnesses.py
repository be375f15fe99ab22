"""Harness of MCP messages of both sides: what cannot be judged goes nowhere, and what passes unchanged is the same object."""

from __future__ import annotations

import asyncio
from functools import cache
from typing import Any

from guardrails import Guard
from guardrails.errors import RequestError
from guardrails.mcp.approvals import ApprovalStore
from guardrails.mcp.link import McpLink, MessageJudge
from guardrails.mcp.protocol import rpc
from guardrails.mcp.session import AgentSession
from guardrails.mcp.tools import ServerTools
from guardrails.wire import strict_json
from tests.thorough.fuzz.harness import Harness
from tests.thorough.fuzz.leaks import POLICY, holds_word

ASKED = (
    ("a1", "tools/call", {"name": "act", "arguments": {}}),
    ("a2", "prompts/get", {"name": "p"}),
    ("a3", "resources/read", {"uri": "file:///x"}),
    ("a4", "initialize", {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}),
    ("a5", "completion/complete", {"ref": {"type": "ref/prompt", "name": "p"}, "argument": {"name": "n", "value": "v"}}),
)  # fmt: skip
"""Requests of the agent that wait for an answer of the server's."""

NAMES = ("id", "method")
"""Fields that are one word, in which nobody can say much."""


@cache
def guard() -> Guard:
    """Return the guard."""
    return Guard.load(POLICY)


async def _list_tools(body: dict[str, Any]) -> rpc.RpcMessage:
    return rpc.classify_message(rpc.make_result(body["id"], {"tools": [{"name": "act", "inputSchema": {}}]}))


async def _pass_on(message: rpc.RpcMessage, *, to_server: bool) -> list[Any]:
    link = McpLink(MessageJudge(guard(), "s", AgentSession()), ServerTools("s", ApprovalStore()))
    if to_server:
        return [await link.from_agent(message, _list_tools)]
    for id_, method, params in ASKED:
        await link.from_agent(rpc.classify_message(rpc.make_request(id_, method, params)), _list_tools)
    return [await link.from_server(message)]


def judge_messages(data: bytes) -> None:
    """A message in either direction is refused, answered, or passed on as valid JSON without what the policy stops."""
    try:
        message = rpc.parse(data)
    except RequestError:
        return
    before = strict_json.dump(message.body)
    for to_server in (True, False):
        for result in asyncio.run(_pass_on(message, to_server=to_server)):
            for body in (result.forwarded, result.returned):
                if body is not None:
                    rpc.classify_message(strict_json.parse(strict_json.dump(body)))
            if result.forwarded is not None:
                said = {name: each for name, each in result.forwarded.items() if name not in NAMES}
                assert not holds_word(said), said
    assert strict_json.dump(message.body) == before, "the message was changed in its place"


HARNESSES = (
    Harness(
        "mcp",
        judge_messages,
        (
            b"zqxbomb",
            b"zqxveil",
            b'"id":"a1"',
            b'"id":null',
            b'"result":{}',
            b'"error":{}',
            b'"method":"',
            b'"_meta":{}',
            b'"cursor":',
        ),
        json=True,
        cost=20,
    ),
)
