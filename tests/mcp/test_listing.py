"""What of a list the agent may see."""

from __future__ import annotations

import asyncio
from typing import Any

from guardrails.mcp.approvals import ApprovalStore
from guardrails.mcp.link import MessageJudge
from guardrails.mcp.listing import ListingFilter
from guardrails.mcp.protocol.methods import CLIENT
from guardrails.mcp.session import AgentSession
from guardrails.mcp.tools import ServerTools
from tests.cases import each_case


def listed(
    guard: Any, method: str, value: Any, approvals: ApprovalStore | None = None
) -> tuple[Any, Any, ServerTools]:
    """Return the parts of a result as the agent may see them, what was left out, and the tools that are known then."""
    tools = ServerTools("s", approvals or ApprovalStore())
    listing = ListingFilter(MessageJudge(guard, "s", AgentSession()), tools)
    parts, removed = asyncio.run(listing.filter(CLIENT[method], method, value))
    return parts, removed, tools


@each_case(
    ("method", "value", "parts"),
    [
        ("tools/list", {"tools": "zqxbomb"}, {}),
        ("tools/list", {}, {}),
        ("tools/call", {"content": [], "tools": [], "instructions": "x"}, {}),
        ("initialize", {"instructions": "zqxbomb"}, {"instructions": None}),
        ("initialize", {"instructions": "Hi"}, {"instructions": "Hi"}),
        ("prompts/list", {"prompts": []}, {"prompts": []}),
        ("prompts/list", {"prompts": ["zqxbomb", "b"]}, {"prompts": ["b"]}),
    ],
)
def test_only_what_is_judged_apart_is_taken(bomb_guard: Any, method: str, value: Any, parts: Any) -> None:
    """What is no list is left to be judged with the rest; a field that is left out stands for nothing."""
    assert listed(bomb_guard, method, value)[0] == parts


def test_what_is_left_out_says_where_and_why(bomb_guard: Any) -> None:
    """By place, not by name, where the name was judged and stopped; a tool that waits has passed, and is named."""
    tools = [{"name": "zqxbomb"}, {"name": "new"}]
    parts, removed, known = listed(bomb_guard, "tools/list", {"tools": tools}, ApprovalStore(require=True))

    assert parts == {"tools": []}
    assert [(each.get("index"), each.get("name")) for each in removed] == [(0, None), (None, "new")]
    assert known.refusal("new")
    assert "zqxbomb" not in str(removed)


def test_a_poisoned_definition_is_not_trusted_by_its_first_use(bomb_guard: Any) -> None:
    """It is not remembered as approved, so that another policy does not find it so."""
    approvals = ApprovalStore()
    listed(bomb_guard, "tools/list", {"tools": [{"name": "t", "description": "zqxbomb"}]}, approvals)

    assert approvals.records() == {"s": {}}
