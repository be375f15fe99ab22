"""Approvals for tests: real guards, stores and calls, with a clock that tests set."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from guardrails import Guard
from guardrails.records.approvals.approval_gate import RecordedApprovals
from guardrails.records.approvals.approval_store import SECOND, ApprovalTicket
from guardrails.records.approvals.approvals import Approvals
from guardrails.records.approvals.pending_call import PendingCall, derive_keys
from guardrails.records.approvals.shared_store import SharedApprovalStore
from guardrails.records.identities import Identities
from guardrails.types import Verdict

KEY = b"k" * 32
APPROVERS = {"operators": ["ann", "joe"]}
START = 1_764_806_400 * SECOND
COMMAND = "rm -rf /var/lib/postgresql"
POLICY: dict[str, Any] = {
    "format": 1,
    "name": "tested",
    "detectors": {
        "commands": {"use": "commands"},
        "words": {"use": "terms", "terms": ["zqx"], "category": "custom.word"},
    },
    "rules": [
        {
            "id": "destroy",
            "on": "tool_call",
            "when": "command.delete > 0",
            "then": "block",
            "approval": {"by": "operators", "for": "10m"},
        },
        {"id": "word", "on": ["input", "output", "tool_call"], "when": "custom.word > 0", "then": "block"},
    ],
}
TICKET = ApprovalTicket(
    "destroy", "shell", "", "operators", ("ann", "joe"), None, None, None, "tested@0", 600
)
CALL = PendingCall("shell", "", json.dumps({"command": COMMAND}))


class Clock:
    """Tells the time that a test sets, in microseconds since 1970."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> int:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += int(seconds * SECOND)


class Desk:
    """A guard whose stopped calls people let through, and what these decide by.

    Args:
        url: of the database.
        policy: of the guard.
        clock: that of another desk at the same database.
    """

    def __init__(self, url: str, policy: Mapping[str, Any] = POLICY, clock: Clock | None = None) -> None:
        self.url, self.clock = url, clock or Clock()
        self.shared = SharedApprovalStore(url, KEY, derive_keys(KEY), self.clock)
        self.guard = Guard.load(policy)
        identities = Identities(KEY, "digest")
        refs = [each.ref for each in self.guard.pipeline.policies]
        self.guard.pipeline.approvals = RecordedApprovals(self.shared, APPROVERS, identities, KEY, refs)
        self.people = Approvals(self.shared, identities)

    def check(
        self,
        *calls: Mapping[str, Any],
        tool: str = "shell",
        user: str = "u1",
        conversation: str | None = None,
        after: Verdict | None = None,
    ) -> Verdict[Any]:
        """Judge the answer of a model that calls a tool, once for each of these arguments."""
        metadata = None if conversation is None else {"conversation": conversation}
        return self.guard.check(
            answer(*calls, tool=tool), stage="output", user={"id": user}, metadata=metadata, after=after
        )

    def ask(self, **options: Any) -> str:
        """Have a call stopped, and return the id of the request."""
        verdict = self.check({"command": COMMAND}, **options)
        assert verdict.blocked
        [approval] = verdict.approvals
        assert approval.status == "pending"
        return approval.id

    def close(self) -> None:
        """End the connection."""
        self.people.close()


def open_desk(folder: Path) -> Desk:
    """Return a desk at a database of SQLite in a folder."""
    return Desk(f"sqlite:///{folder}/approvals.sqlite")


def call_of(arguments: Mapping[str, Any], number: int = 0, tool: str = "shell") -> dict[str, Any]:
    """Return a call as the chat API has it."""
    function = {"name": tool, "arguments": json.dumps(arguments)}
    return {"id": f"call_{number}", "type": "function", "function": function}


def answer(*calls: Mapping[str, Any], tool: str = "shell") -> dict[str, Any]:
    """Return the answer of a model that calls a tool so often."""
    made = [call_of(each, number, tool) for number, each in enumerate(calls)]
    message = {"role": "assistant", "content": None, "tool_calls": made}
    return {
        "object": "chat.completion",
        "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}],
    }
