"""What a server's application and the process that runs it tell each other: whether it is ready, and whether it is to end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

LIFECYCLE: Final = "guardrails.lifecycle"
"""Key of the application's state under which the process finds this."""


def never() -> bool:
    """Tell that something does not hold."""
    return False


@dataclass(slots=True)
class Lifecycle:
    """Where a server stands between its start and its end.

    Attributes:
        is_warm: tells whether the application could serve: its policy is compiled, and every detector has answered.
        draining: whether it was told to end: it ends what is under way, and wants nobody to begin anything.
    """

    is_warm: Callable[[], bool] = never
    draining: bool = False

    @property
    def ready(self) -> bool:
        """Whether others should send requests here."""
        return self.is_warm() and not self.draining
