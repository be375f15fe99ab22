"""Records for people."""

from __future__ import annotations

import io

from guardrails.authoring.terminal import Style
from guardrails.cli.operate.log.rendering import render_line, render_record, render_table

PLAIN = Style(io.StringIO())

ROW = {
    "kind": "decision", "time": "T", "action": "flag", "stage": "input", "rules": ["a", "b"], "user": "0123456789abcdef",
    "scores": {"w": 0.1, "x": 0.9, "y": 0.5, "z": 0.7}, "tenant": "", "model": "m", "id": "vd_1", "unavailable": "",
}  # fmt: skip


def test_a_line_has_the_surest_findings() -> None:
    """Three of them; what a record does not say takes no room."""
    assert render_line(ROW, PLAIN) == (
        "T  FLAG         input        a, b  x 0.90 z 0.70 y 0.50  user 0123456789ab  m  vd_1"
    )


def test_what_could_not_be_judged_is_no_block() -> None:
    """It says so; so does what is no decision."""
    assert " UNAVAILABLE " in render_line(ROW | {"unavailable": "timeout", "action": "block"}, PLAIN)
    assert render_line(ROW | {"kind": "forget", "id": "fg_1"}, PLAIN) == "T  FORGET       fg_1"


def test_a_table_is_as_wide_as_its_cells() -> None:
    """Numbers end under each other."""
    shown = render_table(["rule"], [(("a.long.rule",), 1_200), (("b",), 3)])
    assert shown.splitlines() == ["rule         records", "a.long.rule    1,200", "b                  3"]


def test_a_record_in_full_says_all_it_knows() -> None:
    """One line for each thing."""
    record = {
        "id": "vd_1", "time": 0, "v": 1, "kind": "decision", "action": "block", "unavailable": "service", "subject": None,
        "rules": [{"id": "a", "action": "block", "reason": "error"}], "errors": [{"detector": "d", "reason": "crash"}],
        "coverage": {"text": {"parts": 1}, "unknown_fields": 2}, "ms": {"d": 1.0, "total": 2.0},
        "findings": [{"category": "c", "score": 0.5, "detector": "d"}],
    }  # fmt: skip
    assert render_record(record, PLAIN).splitlines() == [
        "vd_1  1970-01-01T00:00:00.000Z",
        "  kind          decision",
        "  action        BLOCK",
        "  unavailable   service",
        "  subject       erased",
        "  rules         a (block, error)",
        "  errors        d (crash)",
        "  coverage      text (parts 1), unknown_fields 2",
        "  finding       c 0.500 by d",
        "  milliseconds  total 2.00, d 1.00",
    ]
