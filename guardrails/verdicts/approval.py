"""What a verdict says of an action that a person may let through: which request of theirs it is, and how that stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

ApprovalStatus = Literal["pending", "approved", "denied", "expired", "used"]
"""How a request stands: nobody has decided (`pending`), somebody has, it is too late (`expired`), or the action was let through,
which happens once (`used`).
"""

MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Approval:
    """A request that a person lets one call of a tool through.

    Attributes:
        id: of the request, for `guardrails review` and `guard.approvals`.
        rule: the rule that stops the call meanwhile.
        tool: the name of the tool.
        by: the group of people who may decide.
        status: how it stood when the verdict was given.
        expires: microseconds since 1970 at which it ends: nobody decides any more then, and what was approved is not used any
            more.
    """

    id: str
    rule: str
    tool: str
    by: str
    status: ApprovalStatus
    expires: int

    @property
    def until(self) -> str:
        """When it ends, as ISO 8601 has it, in UTC."""
        return datetime.fromtimestamp(self.expires // MICROSECONDS, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def to_dict(self) -> dict[str, str]:
        """Return this in the JSON shape of a verdict."""
        return {
            "id": self.id,
            "rule": self.rule,
            "tool": self.tool,
            "by": self.by,
            "status": self.status,
            "expires": self.until,
        }


def describe_approvals(approvals: tuple[Approval, ...]) -> str:
    """Return what a refused call waits for, in a sentence; "" where it waits for nobody."""
    waiting = [each for each in approvals if each.status == "pending"]
    if waiting:
        named = ", ".join(each.id for each in waiting)
        groups = " and ".join(dict.fromkeys(each.by for each in waiting))
        until = min(each.until for each in waiting)
        return f"It waits for the approval of {groups} ({named}) until {until}: once it is given, the same call passes."
    denied = [each.id for each in approvals if each.status == "denied"]
    return f"Its approval was denied ({', '.join(denied)})." if denied else ""
