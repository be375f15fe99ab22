"""RE2, linear in the length of a text, so that a process may fork while other threads search.

RE2 builds its tables as texts ask for them, behind locks of its own. A process that is forked in such a moment has these locks
closed for ever, and its first search hangs. So every search counts as work that a fork waits for (`guardrails.fork_safety`).
Otherwise these are `re2.compile`, `re2.Set` and what belongs to them, under the same names.
"""

from __future__ import annotations

from typing import Any

import re2

from guardrails.fork_safety import forks_wait_for

Options = re2.Options
error = re2.error
escape = re2.escape


class _Program:
    """The compiled form that a pattern of `re2` asks for each match."""

    __slots__ = ("Match", "_program")

    def __init__(self, program: Any) -> None:
        self._program = program
        self.Match = forks_wait_for(program.Match)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._program, name)


class Set(re2.Set):  # type: ignore[misc]  # re2 has no types
    """Many patterns, of which one pass over a text tells those that occur."""

    __slots__ = ("Match",)

    def __init__(self, anchor: Any, options: Any = None) -> None:
        super().__init__(anchor, options)
        self.Match = forks_wait_for(super().Match)


def compile(pattern: str | bytes, options: Any = None) -> Any:
    """Return a compiled pattern; raises `error` for what RE2 cannot compile, back references and looks around among it."""
    compiled = re2.compile(pattern, options)
    # re2 returns the same object for the same pattern and options.
    if not isinstance(compiled._regexp, _Program):
        compiled._regexp = _Program(compiled._regexp)
    return compiled
