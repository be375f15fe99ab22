"""How results look."""

from __future__ import annotations

import io

import pytest

from guardrails.authoring.terminal import Style
from guardrails.types import Action


class Terminal(io.StringIO):
    """An output that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_terminals_get_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Actions are coloured on a terminal."""
    monkeypatch.delenv("NO_COLOR", raising=False)

    assert Style(Terminal()).action(Action.BLOCK) == "\x1b[1;31mBLOCK\x1b[0m"
    assert Style(Terminal()).highlight("a") == "\x1b[1;4;33ma\x1b[0m"


def test_pipes_and_no_color_get_plain_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a pipe nor a terminal under `NO_COLOR` gets escape codes."""
    monkeypatch.setenv("NO_COLOR", "1")

    for out in (io.StringIO(), Terminal()):
        style = Style(out)
        marked = [
            style.action(Action.FLAG, 6),
            style.bold("a"),
            style.dim("b"),
            style.good("c"),
            style.bad("d"),
            style.highlight("e"),
        ]
        assert marked == ["FLAG  ", "a", "b", "c", "d", "[[e]]"]
