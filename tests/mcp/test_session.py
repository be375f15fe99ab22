"""What an agent's session remembers."""

from __future__ import annotations

import pytest

from guardrails.mcp.session import AgentSession, AgentSessions
from guardrails.types import Returned

HEARD = Returned((("fetch", "web"),), "a page")


def test_a_session_remembers_what_tools_returned() -> None:
    """Texts of long ago are forgotten, the tools that they came from are not."""
    session = AgentSession()
    session.remember(())
    session.remember((HEARD,))
    session.remember((Returned((("read", "files"),), "x" * 2_000_000),))

    assert {each.tools: each.text for each in session.heard} == {
        (("fetch", "web"),): None,
        (("read", "files"),): None,
    }


def test_sessions_are_apart_and_bounded() -> None:
    """Each key has its own; what was idle for long is begun anew, and of too many the idlest is forgotten."""
    now = [0.0]
    sessions = AgentSessions(2, 10.0, lambda: now[0])
    first = sessions.get("a")
    assert sessions.get("b") is not first
    now[0] = 10.0
    assert sessions.get("a") is first
    sessions.get("c")
    now[0] = 20.0
    assert sessions.get("a") is first
    assert sessions.get("b") is not first
    now[0] = 30.1
    assert sessions.get("a") is not first


def test_what_all_sessions_remember_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The idlest are forgotten; the one that asks is not."""
    monkeypatch.setattr("guardrails.mcp.session.MOST_HEARD", 25)
    sessions = AgentSessions(9, 10.0)
    first = sessions.get("a")
    for key in "abc":
        sessions.get(key).remember((Returned((("fetch", "web"),), "ten signs. "),))
    last = sessions.get("c")
    assert sessions.get("a") is not first
    assert sessions.get("c") is last
    last.remember((Returned((("fetch", "web"),), "x" * 30),))
    assert sessions.get("c") is last
