"""Which tools may be called."""

from __future__ import annotations

import pytest

from guardrails.errors import GuardrailsError
from guardrails.mcp.approvals import ApprovalStore
from guardrails.mcp.tools import STOPPED, UNLISTED, ServerTools

TOOL = {"name": "read", "description": "Read a file."}


def test_what_was_listed_and_passed_may_be_called() -> None:
    """A tool that nobody listed, one that was stopped and one that changed may not; each says why."""
    approvals = ApprovalStore()
    tools = ServerTools("s", approvals)
    assert (tools.record_listing("read"), tools.refusal("read")) == (False, UNLISTED)

    assert tools.learn({"read": TOOL}, {"bad": STOPPED}) == {}
    assert (tools.record_listing("read"), tools.refusal("read"), tools.has_changed("read")) == (
        True,
        "",
        False,
    )
    assert tools.refusal("bad") == STOPPED

    assert "has changed" in tools.learn({"read": {**TOOL, "title": "x"}}, {})["read"]
    assert "has changed" in tools.refusal("read")
    assert tools.has_changed("read")

    approvals.approve("s", "read")
    assert (tools.refusal("read"), tools.has_changed("read")) == ("", False)


def test_a_new_tool_may_have_to_wait() -> None:
    """Where approval is required, it says who can give it."""
    tools = ServerTools("s", ApprovalStore(require=True))

    assert "guardrails mcp approve" in tools.learn({"read": TOOL}, {})["read"]
    assert "waits for approval" in tools.refusal("read")
    assert not tools.has_changed("read")


def test_the_policy_may_decide_of_changes() -> None:
    """Then a changed tool goes on, and says that it has changed."""
    tools = ServerTools("s", ApprovalStore(), judge_changes=True)
    tools.learn({"read": TOOL}, {})

    assert tools.learn({"read": {**TOOL, "title": "x"}}, {}) == {}
    assert (tools.refusal("read"), tools.has_changed("read")) == ("", True)


def test_refused_tools_are_bounded_too() -> None:
    """A server that lists without end fills nobody's memory."""
    with pytest.raises(GuardrailsError, match="more than 10000"):
        ServerTools("s", ApprovalStore()).learn({}, {f"t{number}": STOPPED for number in range(10_001)})
