"""What a check hands on to whoever puts values back into a model's text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Restorer(Protocol):
    """What a check handed out in the place of values, with the way back."""

    @property
    def values(self) -> Mapping[str, str]:
        """The user's own values by placeholder."""
        ...

    def restore(self, text: str) -> str:
        """Return a model's text with the user's own values put back where that is safe."""
        ...
