"""Progress of long work."""

from __future__ import annotations

import io

import pytest

from guardrails.cli.progress import CELLS, EMPTY, FULL, Progress, format_clock, render_line
from tests.cases import each_case


class Terminal(io.StringIO):
    """An output that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_one_line_that_is_gone_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each picture of it takes the place of the one before."""
    monkeypatch.setenv("TERM", "xterm")
    out = Terminal()
    with Progress(out) as progress:
        progress.draw(3, 4, "1 blocked")
    assert out.getvalue().startswith(f"\r\x1b[K{FULL * 18}{EMPTY * 6}  75%  3 of 4")
    assert out.getvalue().endswith("\r\x1b[K")
    assert "\n" not in out.getvalue()


def test_what_is_never_drawn_leaves_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that it may stand around work that mostly takes no time."""
    monkeypatch.setenv("TERM", "xterm")
    out = Terminal()
    with Progress(out) as progress:
        assert progress.shown
    assert out.getvalue() == ""


@each_case(("out", "term"), [(io.StringIO(), "xterm"), (Terminal(), "dumb")])
def test_nothing_is_shown_where_nobody_looks(
    out: io.StringIO, term: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a pipe, or on a terminal that cannot go back."""
    monkeypatch.setenv("TERM", term)
    with Progress(out) as progress:
        assert not progress.shown
        progress.draw(3, 4)
    assert out.getvalue() == ""


@each_case(
    ("done", "total", "took", "said"),
    [
        (0, None, 0.0, "0 done"),
        (1500, None, 2.0, "1,500 done  750.0/s"),
        (0, 10, 1.0, f"{EMPTY * CELLS}   0%  0 of 10"),
        (5, 10, 1.0, f"{FULL * 12}{EMPTY * 12}  50%  5 of 10  5.0/s  0:01 left"),
        (10, 10, 1.0, f"{FULL * CELLS} 100%  10 of 10  10.0/s"),
        (12, 10, 1.0, f"{FULL * CELLS} 100%  12 of 10  12.0/s"),
    ],
)
def test_a_line_says_how_far_and_how_long(done: int, total: int | None, took: float, said: str) -> None:
    """With a bar where the end is known, and a note beside it."""
    assert render_line(done, total, took) == said
    assert render_line(done, total, took, "note") == f"{said}  note"


@each_case(("seconds", "said"), [(0.4, "0:00"), (7, "0:07"), (754, "12:34"), (11_045, "3:04:05")])
def test_times_are_as_people_read_them(seconds: float, said: str) -> None:
    """Minutes and seconds, and hours where there are any."""
    assert format_clock(seconds) == said
