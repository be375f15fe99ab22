"""The names under which conditions ask what is known of somebody: `abuse.user.strikes`, `abuse.key.tokens_last_day`, ….

They are read from the operator's store (`guardrails.records.abuse`), never from what a caller says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

Subject = Literal["user", "key", "address", "conversation"]

SUBJECTS: Final[Mapping[Subject, str]] = {
    "user": "the user who asks (`request.user.id`)",
    "key": "the key that the request came with",
    "address": "the network address that it came from",
    "conversation": "the conversation that it belongs to (`request.metadata.conversation`)",
}
"""Whom something is known of."""

WINDOWS: Final[Mapping[str, int]] = {"minute": 60, "hour": 3_600, "day": 86_400, "month": 30 * 86_400}
"""What counts reach back over, in seconds; a month has thirty days."""

COUNTED: Final[Mapping[str, str]] = {
    "requests": "requests, this one included",
    "blocked": "checks that were blocked for what was in them, not for what is known of somebody alone",
    "flagged": "checks that were flagged",
    "tokens": "tokens of requests and answers, those included that this request is expected to take",
}
"""What is counted."""

STANDING: Final[Mapping[str, tuple[str, str]]] = {
    "strikes": ("double", "the weight of the strikes that have not expired"),
    "banned": ("bool", "whether a ban holds"),
    "risk": (
        "double",
        "the sum of the strongest score of an attack in each exchange, near misses too, where what is older counts less",
    ),
}
"""What else is known of somebody: type and meaning."""


class AbuseLeaf(NamedTuple):
    """A name of a condition, taken apart: whom it is about, what is asked, and the window of a count (seconds, else 0)."""

    subject: Subject
    measure: str
    window_s: int = 0


def _list_leaves() -> dict[str, AbuseLeaf]:
    found: dict[str, AbuseLeaf] = {}
    for subject in SUBJECTS:
        for measure in STANDING:
            found[f"abuse.{subject}.{measure}"] = AbuseLeaf(subject, measure)
        for counted in COUNTED:
            for window, seconds in WINDOWS.items():
                found[f"abuse.{subject}.{counted}_last_{window}"] = AbuseLeaf(subject, counted, seconds)
    return found


ABUSE_LEAVES: Final[Mapping[str, AbuseLeaf]] = _list_leaves()
"""All such names."""


def describe_leaf(leaf: AbuseLeaf) -> tuple[str, str]:
    """Return the type of a leaf in conditions, and what it means."""
    whom = SUBJECTS[leaf.subject]
    if not leaf.window_s:
        kind, text = STANDING[leaf.measure]
        return kind, f"{text}; of {whom}"
    window = next(name for name, seconds in WINDOWS.items() if seconds == leaf.window_s)
    return "double", f"{COUNTED[leaf.measure]}, of the last {window}; of {whom}"
