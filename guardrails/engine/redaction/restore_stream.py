"""Puts values back into a model's text as it grows (`restore.py`).

Text without a placeholder that was handed out is never held, but for one that may be beginning at its end. Whether a value
may stand in the place of one depends on what follows on its line, so that the line is waited for, or `AFTER` characters.
What comes later still (a tag that is closed many lines on) leaves a placeholder one that the whole text would lose.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from guardrails.engine.redaction.restore import restore_values

AFTER: Final = 400
"""Characters behind a placeholder after which no host name goes on (RFC 1035: 253, and a label) and no link's target begins."""


class RestoreStream:
    """The state of one text; `values` are the user's own by placeholder."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)
        self._longest = max(map(len, values), default=0)
        self._before: list[str] = []
        self._shown: list[str] = []
        self._rest = ""

    def feed(self, delta: str, *, last: bool = False) -> str:
        """Take what may be shown in addition, with `last` the end; return what is shown."""
        if not self._values:
            return delta
        self._rest += delta
        end = len(self._rest) if last else self._settled_length()
        part, self._rest = self._rest[:end], self._rest[end:]
        self._before.append(part)
        out = part
        if any(key in part for key in self._values):
            whole, shown = restore_values("".join(self._before), self._values), "".join(self._shown)
            out = whole[len(shown) :] if whole.startswith(shown) else part
        self._shown.append(out)
        return out

    @property
    def held(self) -> str:
        """What is kept back."""
        return self._rest

    def release(self) -> str:
        """Return what is kept back as it is, for a text that goes on elsewhere."""
        part, self._rest = self._rest, ""
        self._before.append(part)
        self._shown.append(part)
        return part

    def _settled_length(self) -> int:
        """Return how much of the rest no continuation restores otherwise."""
        at = self._rest.find("[")
        while at >= 0:
            tail = self._rest[at : at + self._longest + 1]
            if any(key.startswith(tail) for key in self._values):  # it may become one, or is one at the end
                return at
            key = next((key for key in self._values if tail.startswith(key)), None)
            if key is not None and not self._is_known(at + len(key)):
                return at
            at = self._rest.find("[", at + 1)
        return len(self._rest)

    def _is_known(self, end: int) -> bool:
        """Tell whether enough came behind a placeholder."""
        return self._rest.find("\n", end) >= 0 or len(self._rest) - end >= AFTER
