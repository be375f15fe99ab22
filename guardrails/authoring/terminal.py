"""How results look on a terminal: colours where one reads along, plain text in a pipe."""

from __future__ import annotations

import os
from typing import TextIO

from guardrails.types import Action, Verdict

COLOURS: dict[Action, str] = {Action.ALLOW: "32", Action.FLAG: "33", Action.REDACT: "36", Action.BLOCK: "31"}


class Style:
    """Marks text for one output; changes nothing if that is no terminal or `NO_COLOR` is set."""

    def __init__(self, out: TextIO) -> None:
        self._on = out.isatty() and not os.environ.get("NO_COLOR")

    def _mark(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._on else text

    def action(self, action: Action, width: int = 0) -> str:
        """Return an action's name in its colour, padded to `width` characters."""
        return self._mark(f"1;{COLOURS[action]}", str(action).upper().ljust(width))

    def decision(self, verdict: Verdict) -> str:
        """Return what became of a content: the action, or that it could not be judged."""
        if verdict.unavailable is None:
            return self.action(verdict.action)
        return self._mark(f"1;{COLOURS[Action.BLOCK]}", "UNAVAILABLE")

    def bold(self, text: str) -> str:
        """Return the text in bold."""
        return self._mark("1", text)

    def dim(self, text: str) -> str:
        """Return the text in grey."""
        return self._mark("2", text)

    def highlight(self, text: str) -> str:
        """Return a stretch of a text so that it stands out: underlined, in a pipe in double brackets."""
        return self._mark("1;4;33", text) if self._on else f"[[{text}]]"

    def good(self, text: str) -> str:
        """Return the text in green."""
        return self._mark("32", text)

    def bad(self, text: str) -> str:
        """Return the text in red."""
        return self._mark("31", text)
