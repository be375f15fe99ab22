"""What a look at a server finds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

Grade = Literal["ok", "warning", "problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        area: what it belongs to: settings, files, system, upstreams or clock.
        subject: what was looked at.
        grade: how it is.
        found: what was found.
        cure: what to do about it; "" where nothing need be done.
    """

    area: str
    subject: str
    grade: Grade
    found: str
    cure: str = ""

    def to_dict(self) -> dict[str, object]:
        """Return it as plain JSON values."""
        return asdict(self)
