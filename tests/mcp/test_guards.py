"""One guard before several servers."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from guardrails import GuardrailsError
from guardrails.mcp.guards import McpGuard
from guardrails.mcp.protocol import rpc
from guardrails.mcp.session import AgentSession
from guardrails.mcp.settings import load_settings
from tests.records.records_kit import close, stored


def settings(policy: Path, **more: Any) -> Any:
    """Return the settings of a guard before two servers."""
    servers = {name: {"url": "http://127.0.0.1:9/mcp"} for name in ("a", "b")}
    return load_settings(None, {"servers": servers, "policy": str(policy), **more})


@pytest.mark.parametrize(("unknown", "passes"), [("judge", True), ("refuse", False)])
def test_conversations_follow_the_settings(policy: Path, unknown: str, passes: bool) -> None:
    """What is done with unknown methods, for one."""
    link = McpGuard(settings(policy, unknown_methods=unknown)).link("a", AgentSession())

    async def ask(body: rpc.Body) -> rpc.RpcMessage:
        raise AssertionError

    step = asyncio.run(link.from_agent(rpc.classify_message(rpc.make_request(1, "new", {})), ask))
    assert (step.forwarded is not None) is passes


def test_conversations_with_a_server_know_the_same_tools(policy: Path) -> None:
    """What one agent listed is known of that server for all, and of no other."""
    guarding = McpGuard(settings(policy))
    link, asked = guarding.link("a", AgentSession()), list[rpc.Body]()

    async def ask(body: rpc.Body) -> rpc.RpcMessage:
        asked.append(body)
        return rpc.classify_message(rpc.make_result(body["id"], {"tools": [{"name": "t"}]}))

    call = rpc.classify_message(rpc.make_request(1, "tools/call", {"name": "t"}))
    for each in (link, guarding.link("a", AgentSession()), guarding.link("b", AgentSession())):
        assert asyncio.run(each.from_agent(call, ask)).forwarded is not None
    assert len(asked) == 2


def test_decisions_are_on_record(policy: Path, tmp_path: Path) -> None:
    """Each message's, before it goes on."""
    guarding = McpGuard(settings(policy, records=str(tmp_path / "records")))

    async def ask(body: rpc.Body) -> rpc.RpcMessage:
        return rpc.classify_message(rpc.make_result(body["id"], {"tools": [{"name": "t"}]}))

    call = rpc.make_request(1, "tools/call", {"name": "t", "arguments": {"text": "Hello."}})
    step = asyncio.run(guarding.link("a", AgentSession()).from_agent(rpc.classify_message(call), ask))
    assert step.forwarded is not None
    close(guarding.guard)
    assert {record.stage for record in stored(tmp_path / "records")} >= {"tool_call"}


def test_a_damaged_file_of_approvals_is_an_error_at_the_start(policy: Path, tmp_path: Path) -> None:
    """Nothing is served by it."""
    (tmp_path / "a.json").write_text("{")

    with pytest.raises(GuardrailsError, match="no file of approvals"):
        McpGuard(settings(policy, approvals=str(tmp_path / "a.json")))


def test_a_file_of_approvals_that_cannot_be_written_is_an_error_at_the_start(
    policy: Path, tmp_path: Path
) -> None:
    """Not when the first agent lists the tools."""
    with pytest.raises(GuardrailsError, match=r"a\.json cannot be written: No such file"):
        McpGuard(settings(policy, approvals=str(tmp_path / "none" / "a.json")))
