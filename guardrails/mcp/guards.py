"""Makes what judges the conversations of each server from the settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from guardrails.guard import Guard
from guardrails.mcp.approvals import ApprovalStore
from guardrails.mcp.link import McpLink, MessageJudge
from guardrails.mcp.session import AgentSession
from guardrails.mcp.settings import McpDoc
from guardrails.mcp.tools import ServerTools


class McpGuard:
    """One guard before one or several servers: its policy, and what each server's tools are."""

    def __init__(self, settings: McpDoc, guard: Guard | None = None) -> None:
        """Load what the settings name.

        Raises:
            PolicyErrors: the policy is wrong.
            GuardrailsError: the file of approvals cannot be read, or not be written, or records cannot.
        """
        self.settings = settings
        options: dict[str, Any] = {
            "floor": settings.floor,
            "plugins": settings.plugins,
            "records": settings.records,
        }
        self.guard = guard or Guard.load(settings.policy, **options)
        path = None if settings.approvals is None else Path(settings.approvals)
        approvals = ApprovalStore(path, require=settings.require_approval)
        approvals.check_writable()
        judges = settings.on_change == "judge"
        self._tools = {name: ServerTools(name, approvals, judge_changes=judges) for name in settings.servers}

    def link(self, server: str, session: AgentSession) -> McpLink:
        """Return a conversation with a server in an agent's session."""
        judge = MessageJudge(self.guard, server, session)
        return McpLink(judge, self._tools[server], unknown=self.settings.unknown_methods)
