"""Tables as spreadsheets save them."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.authoring.csv_rows import CsvError, read_records
from guardrails.authoring.rows import RowError, read_rows
from tests.cases import each_case


@each_case(
    ("text", "found"),
    [
        (
            "text,label\nhello,1\nbye,0\n",
            [(2, {"text": "hello", "label": "1"}), (3, {"text": "bye", "label": "0"})],
        ),
        ("text;label\nhello, you;hate\n", [(2, {"text": "hello, you", "label": "hate"})]),
        ("text\tlang\nhello\tde\n", [(2, {"text": "hello", "lang": "de"})]),
        (
            'text,label\r\n"two\r\nlines, ""quoted""",1\r\n',
            [(3, {"text": 'two\r\nlines, "quoted"', "label": "1"})],
        ),
        (
            "text, labels.hate,labels.sexual.minors,user.tier\nhello,1, 0 ,staff\nbye,,,\n",
            [
                (2, {"text": "hello", "labels": {"hate": 1, "sexual.minors": 0}, "user": {"tier": "staff"}}),
                (3, {"text": "bye"}),
            ],
        ),
        ("text,label\n\n,\nhello\n", [(4, {"text": "hello"})]),
        ("text\nhello", [(2, {"text": "hello"})]),
        ("text,label", []),
        (
            "Text;LABEL;Labels.Hate\nhello;1;0\n",
            [(2, {"text": "hello", "label": "1", "labels": {"Hate": 0}})],
        ),
    ],
)
def test_rows_are_mappings(text: str, found: list[tuple[int, dict[str, Any]]]) -> None:
    """Empty cells and rows are not there, and a cell may have several lines."""
    assert [*read_records(text.splitlines(keepends=True))] == found


@each_case(
    ("text", "line", "reason"),
    [
        ("", 1, "must name the fields"),
        (",\nhello,1\n", 1, "must name the fields"),
        ("text,text\nhello,1\n", 1, "each once"),
        ("text,label\nhello, you,1\n", 2, "has 3 cells, but the first line 2"),
        ('text,label\nhello,1\n"bye"x,0\n', 3, "is no row of a table"),
        ('text,label\n"hello,1\n', 2, "is no row of a table"),
    ],
)
def test_what_is_no_table_is_told(text: str, line: int, reason: str) -> None:
    """With the line where it goes wrong: nothing is guessed, and no row is lost."""
    with pytest.raises(CsvError, match=reason) as caught:
        list(read_records(text.splitlines(keepends=True)))
    assert caught.value.line == line


PRINTED = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")
)


@given(st.lists(PRINTED.filter(bool), min_size=1, max_size=5), st.sampled_from(",;\t"))
def test_any_text_comes_back_as_it_was(texts: list[str], separator: str) -> None:
    """Whatever a spreadsheet quotes."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator)
    writer.writerow(["text", "label"])
    writer.writerows([text, "1"] for text in texts)
    back = [record for _, record in read_records(io.StringIO(out.getvalue(), newline=""))]
    assert [record["text"] for record in back] == texts


def test_files_are_read_as_rows(tmp_path: Path) -> None:
    """With the mark that Excel puts before them, or packed; what is wrong has its place."""
    path = tmp_path / "rows.csv"
    path.write_bytes("\ufefftext;labels.hate;kind\r\nGrüße;0;response\r\n".encode())
    packed = tmp_path / "rows.csv.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    for each in (path, packed):
        (row,) = read_rows(each)
        assert (row.content, row.stage, row.labels, row.place) == (
            "Grüße",
            "output",
            {"hate": False},
            f"{each}:2",
        )
    path.write_text("text,label\nhello,2\n")
    with pytest.raises(RowError, match=r"rows.csv:2: label must be 0, 1 or a name"):
        list(read_rows(path))
    path.write_text("text,label\nhello\n\nyou, too,1\n")
    with pytest.raises(RowError, match=r"rows.csv:4: has 3 cells"):
        list(read_rows(path))


def test_the_limit_of_cells_is_nobody_elses() -> None:
    """While rows are read, and behind: it is one for the whole process."""
    before = csv.field_size_limit()
    rows = read_records(["text,label\n", "a" * 200_000 + ",1\n", "b,0\n"])
    next(rows)
    assert csv.field_size_limit() == before
    assert len([*rows]) == 1
