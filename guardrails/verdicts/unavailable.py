"""What a verdict says of a check that could not be done: why, and which rules are undecided (DESIGN §4.5)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

UnavailableReason = Literal["capacity", "timeout", "service", "crash"]
"""Why a check could not be done: `capacity`: no worker was free, and work never began; `timeout`: the deadline passed while a
detector worked; `service`: a remote service did not answer; `crash`: a detector raised, or answered what no verdict can be built
on.
"""

PERMANENCE: Final[tuple[UnavailableReason, ...]] = ("crash", "service", "timeout", "capacity")
"""The reasons, those first that another try is least likely to help."""

CURES: Final[dict[UnavailableReason, str]] = {
    "capacity": "try again later, send less at a time, or give the guard more cores",
    "timeout": "raise the policy's limits.deadline_ms, or send shorter texts",
    "service": "see that the remote service is reachable and answers in time",
    "crash": "the errors of the verdict name the detector; repair or remove it",
}
"""What helps against each reason, for messages."""


@dataclass(frozen=True, slots=True)
class Unavailable:
    """That a check could not be done, which is no violation of the policy.

    Attributes:
        reason: why. Of several reasons the one that another try is least likely to help.
        rules: the ids of the rules that could not be decided; none where nothing was judged at all.
    """

    reason: UnavailableReason
    rules: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """Return this in the JSON shape of a verdict."""
        return {"reason": self.reason, "rules": list(self.rules)}


def most_lasting(reasons: Iterable[UnavailableReason]) -> UnavailableReason:
    """Return the reason that another try is least likely to help; `crash` where there is none."""
    return min(reasons, key=PERMANENCE.index, default="crash")
