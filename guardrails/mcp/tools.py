"""The tools that a server has listed, and whether each may be called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from guardrails.errors import GuardrailsError
from guardrails.mcp.approvals import MOST, ApprovalState, ApprovalStore, definition_digest

WHY: Mapping[ApprovalState, str] = {
    ApprovalState.NEW: "this tool waits for approval: an operator runs `guardrails mcp approve`",
    ApprovalState.CHANGED: "the definition of this tool has changed since it was approved: an operator looks at "
    "`guardrails mcp diff` and runs `guardrails mcp approve`",
}
STOPPED = "the definition of this tool was stopped by policy"
TWICE = "the server lists two tools of this name"
NAMELESS = "the server lists a tool without a name"
UNLISTED = "the server does not list this tool"


@dataclass(frozen=True, slots=True)
class _ListedTool:
    """A tool that was listed: the digest of its definition, or why it must not be used in any case."""

    digest: str = ""
    refused: str = ""


class ServerTools:
    """What a server has listed so far. Nothing here waits; what reads or writes the file of approvals runs off the loop."""

    def __init__(self, server: str, approvals: ApprovalStore, *, judge_changes: bool = False) -> None:
        """Take a server's name and the store; `judge_changes` leaves it to the policy whether a changed tool is used."""
        self.server = server
        self._approvals = approvals
        self._waits = {
            at: why for at, why in WHY.items() if at is not ApprovalState.CHANGED or not judge_changes
        }
        self._known: dict[str, _ListedTool] = {}

    def record_listing(self, name: str) -> bool:
        """Whether the server has listed a tool of this name."""
        return name in self._known

    def forget(self) -> None:
        """Take what was listed for outdated: it is listed again before the next call."""
        self._known = {}

    def learn(self, passed: Mapping[str, Mapping[str, Any]], refused: Mapping[str, str]) -> dict[str, str]:
        """Take a list: the definitions that passed, and why others did not; returns which of the former must not be used, and
        why. Raises `GuardrailsError` where that cannot be remembered.
        """
        standings = self._approvals.record_seen(self.server, passed)
        self._known |= {
            name: _ListedTool(definition_digest(definition)) for name, definition in passed.items()
        }
        self._known |= {name: _ListedTool(refused=why) for name, why in refused.items()}
        if len(self._known) > MOST:
            raise GuardrailsError(f"the server lists more than {MOST} tools")
        return {name: self._waits[at] for name, at in standings.items() if at in self._waits}

    def differs(self, name: str, digest: str) -> bool:
        """Whether a definition of this digest is not as it was approved."""
        return self._approvals.standing(self.server, name, digest) is ApprovalState.CHANGED

    def has_changed(self, name: str) -> bool:
        """Whether a tool is not as it was approved."""
        known = self._known.get(name)
        return known is not None and self.differs(name, known.digest)

    def refusal(self, name: str) -> str:
        """Return why a tool must not be called, "" where it may."""
        known = self._known.get(name)
        if known is None:
            return UNLISTED
        standing = self._approvals.standing(self.server, name, known.digest)
        return known.refused or self._waits.get(standing, "")
