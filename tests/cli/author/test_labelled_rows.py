"""What commands on labelled rows share."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from guardrails.cli.author.labelled_rows import (
    add_rows,
    align_columns,
    check_arguments,
    count_progress,
    prepare_report,
    read_all_rows,
    shorten_line,
)
from guardrails.errors import GuardrailsError
from tests.cases import each_case


def parsed(*arguments: str) -> argparse.Namespace:
    """Return arguments as a command has them."""
    parser = argparse.ArgumentParser()
    add_rows(parser, "", jobs=1)
    return parser.parse_args(arguments)


@each_case(
    ("arguments", "reason"),
    [
        (("--examples", "-1"), "--examples must be 0 or more"),
        (("--jobs", "0"), "--jobs must be 1 or more"),
        (("--on", "a", "-"), "--on takes either files or -"),
    ],
)
def test_arguments_out_of_range_are_told(arguments: tuple[str, ...], reason: str) -> None:
    """Before anything is read."""
    with pytest.raises(GuardrailsError, match=reason):
        check_arguments(parsed("--on", "x", *arguments))


def test_rows_of_all_files_come_one_after_the_other(tmp_path: Path) -> None:
    """At the stage that is said, but for those that say where their parts stand."""
    one, two = tmp_path / "one.jsonl", tmp_path / "two.jsonl"
    one.write_text('{"input": "a"}\n\n{"text": "b", "kind": "response"}\n')
    two.write_text('{"messages": [{"role": "user", "content": "c"}]}\n')
    on = ("--on", str(one), str(two))
    assert [(row.stage, row.source) for row in read_all_rows(parsed(*on))] == [
        ("input", "one.jsonl"),
        ("output", "one.jsonl"),
        ("input", "two.jsonl"),
    ]
    assert [row.stage for row in read_all_rows(parsed(*on, "--stage", "retrieval"))] == [
        "retrieval",
        "retrieval",
        "input",
    ]


def test_what_is_wrong_in_the_last_row_is_told_first(tmp_path: Path) -> None:
    """Before the first is judged."""
    path = tmp_path / "rows.jsonl"
    path.write_text('{"input": "a"}\n{"inptu": "b"}\n')
    with (
        pytest.raises(GuardrailsError, match=f"{path}:2: has no content"),
        count_progress(parsed("--on", str(path))),
    ):
        pass


def test_a_report_takes_the_place_of_nothing_that_is_read(tmp_path: Path) -> None:
    """Neither of the rows nor of the policy; elsewhere it is written when it is whole."""
    path = tmp_path / "rows.html"
    path.write_text("{}")
    for given in (("--on", str(path)), ("--on", "x", "--policy", str(path))):
        with pytest.raises(GuardrailsError, match="would take the place of what is read"):
            prepare_report(parsed(*given, "--report", str(path)))
    with prepare_report(parsed("--on", "x")) as save:
        assert save is None
    with prepare_report(parsed("--on", "x", "--report", str(tmp_path / "r.html"))) as save:
        assert save is not None
        save("<p>")
    assert (tmp_path / "r.html").read_text() == "<p>"


def test_excerpts_are_safe_on_one_line() -> None:
    """Nothing that a terminal obeys, and not too long."""
    assert shorten_line("a\n\tb \x1b[31mc") == "a b ⟨U+001B⟩[31mc"
    assert len(shorten_line("x" * 500)) == 100


def test_tables_are_aligned() -> None:
    """Texts at the left, numbers at the right."""
    assert [*align_columns([("", "now"), ("recall", "9 %")])] == ["          now", "  recall  9 %"]
    assert [*align_columns([("a", "bb", "1"), ("aa", "b", "12")], left=(0, 1))] == [
        "  a   bb   1",
        "  aa  b   12",
    ]


def test_labels_are_counted_first_and_unknown_ones_are_asked_about(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Words for harmless are read as that in any spelling; of an unknown one nobody guesses that it is harm."""
    path = tmp_path / "rows.csv"
    path.write_text("text,label\na,Benign\nb,none\nc,Good\nd,Hate\ne,harmful\nf,\n")
    with count_progress(parsed("--on", str(path))):
        pass
    assert (
        "rows by label: benign 3 (written Benign 1, none 1, Good 1), hate 1 (written Hate 1), harmful 1, no label that holds 1"
        in capsys.readouterr().err
    )
    path.write_text("text,category\na,benign\n")
    with count_progress(parsed("--on", str(path))):
        pass
    assert "no row has a label" in capsys.readouterr().err
    path.write_text("text,label\na,benign\nb,hatte\nc,hatte\n")
    with (
        pytest.raises(GuardrailsError, match=r"rows.csv:3: label 'hatte' \(2 rows\).*did you mean 'hate'\?"),
        count_progress(parsed("--on", str(path))),
    ):
        pass
