"""One guard before several servers."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from guardrails import GuardrailsError
from guardrails.mcp.guards import Guarding
from guardrails.mcp.protocol import rpc
from guardrails.mcp.session import Session
from guardrails.mcp.settings import configured


def settings(policy: Path, **more: Any) -> Any:
    """Return the settings of a guard before two servers."""
    servers = {name: {"url": "http://127.0.0.1:9/mcp"} for name in ("a", "b")}
    return configured(None, {"servers": servers, "policy": str(policy), **more})


@pytest.mark.parametrize(("unknown", "passes"), [("judge", True), ("refuse", False)])
def test_conversations_follow_the_settings(policy: Path, unknown: str, passes: bool) -> None:
    """What is done with unknown methods, for one."""
    link = Guarding(settings(policy, unknown_methods=unknown)).link("a", Session())

    async def ask(body: rpc.Body) -> rpc.Message:
        raise AssertionError

    step = asyncio.run(link.from_agent(rpc.message(rpc.request(1, "new", {})), ask))
    assert (step.forwarded is not None) is passes


def test_conversations_with_a_server_know_the_same_tools(policy: Path) -> None:
    """What one agent listed is known of that server for all, and of no other."""
    guarding = Guarding(settings(policy))
    link, asked = guarding.link("a", Session()), list[rpc.Body]()

    async def ask(body: rpc.Body) -> rpc.Message:
        asked.append(body)
        return rpc.message(rpc.result(body["id"], {"tools": [{"name": "t"}]}))

    call = rpc.message(rpc.request(1, "tools/call", {"name": "t"}))
    for each in (link, guarding.link("a", Session()), guarding.link("b", Session())):
        assert asyncio.run(each.from_agent(call, ask)).forwarded is not None
    assert len(asked) == 2


def test_a_damaged_file_of_approvals_is_an_error_at_the_start(policy: Path, tmp_path: Path) -> None:
    """Nothing is served by it."""
    (tmp_path / "a.json").write_text("{")

    with pytest.raises(GuardrailsError, match="no file of approvals"):
        Guarding(settings(policy, approvals=str(tmp_path / "a.json")))
