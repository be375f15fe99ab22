"""What a verdict says of actions that a person may let through."""

from __future__ import annotations

from guardrails.verdicts.approval import Approval, ApprovalStatus, describe_approvals
from tests.cases import each_case

EXPIRES = 1_764_806_400_000_000
"""The fourth of December 2025, in microseconds since 1970."""


def approval(id_: str, status: ApprovalStatus) -> Approval:
    """Return a request of an id."""
    return Approval(id_, "destroy", "shell", "operators", status, EXPIRES)


def test_json_says_until_when() -> None:
    """Programs read the time as ISO 8601, in UTC."""
    assert approval("ap_1", "pending").to_dict() == {
        "id": "ap_1",
        "rule": "destroy",
        "tool": "shell",
        "by": "operators",
        "status": "pending",
        "expires": "2025-12-04T00:00:00Z",
    }


@each_case(
    ("statuses", "words"),
    [
        ((), ""),
        (("approved",), ""),
        (("pending",), "It waits for the approval of operators (ap_0) until 2025-12-04T00:00:00Z"),
        (("approved", "pending"), "(ap_1)"),
        (("pending", "pending"), "(ap_0, ap_1)"),
        (("denied",), "Its approval was denied (ap_0)."),
        (("denied", "pending"), "(ap_1)"),
    ],
)
def test_a_sentence_says_what_is_waited_for(statuses: tuple[ApprovalStatus, ...], words: str) -> None:
    """Who waits, for whom, until when; nothing where nobody is asked."""
    said = describe_approvals(tuple(approval(f"ap_{at}", status) for at, status in enumerate(statuses)))
    assert words in said
    assert bool(said) == bool(words)
