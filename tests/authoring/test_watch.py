"""Work is done again when something that it read has changed, and not before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from guardrails.authoring.watch import watch_rounds
from guardrails.detectors.file_watch import note_file


def test_runs_again_when_a_file_changes(tmp_path: Path) -> None:
    """One that it read, one that it looked for in vain, or another list of files; nothing else makes a round."""
    read, missing, other = (tmp_path / name for name in ("read", "missing", "other"))
    read.write_text("1")
    names: list[str] = ["a"]

    def work() -> str:
        note_file(read)
        note_file(missing)
        return f"{read.read_text()} {missing.is_file()}"

    def looks() -> Iterator[str]:
        yield "nothing happened"
        other.write_text("of no interest")
        yield "nothing that matters happened"
        read.write_text("2")
        yield "changed"
        missing.write_text("here")
        yield "came"
        read.write_text("3")
        read.write_text("2")
        yield "as it was"
        names.append("b")
        yield "listed"

    steps = looks()
    assert [*watch_rounds(work, lambda: [*names], steps)] == ["1 False", "2 False", "2 True", "2 True"]


def test_runs_once_where_nobody_looks(tmp_path: Path) -> None:
    """The first round needs no change."""
    assert [*watch_rounds(lambda: 1, list, ())] == [1]
