"""Rows of recorded or labelled contents."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails import Guard
from guardrails.authoring.rows import KINDS, ContentRow, LabelCounts, RowError, count_rows, read_rows
from guardrails.types import Action
from tests.cases import each_case


def written_to(folder: Path, *lines: str, end: str = "\n") -> Path:
    """Write lines to a file; return its path."""
    path = folder / "rows.jsonl"
    path.write_bytes(end.join((*lines, "")).encode())
    return path


@each_case(
    ("line", "expected"),
    [
        ({"input": "a"}, ContentRow("", "input", "a")),
        ({"tool_result": "a"}, ContentRow("", "tool_result", "a")),
        ({"messages": [{"role": "user", "content": "a"}]}, ContentRow("", "input", [{"role": "user", "content": "a"}])),
        ({"messages": [], "stage": "output"}, ContentRow("", "output", [])),
        ({"text": "a"}, ContentRow("", "input", "a")),
        ({"text": "a", "kind": "response"}, ContentRow("", "output", "a")),
        ({"text": "a", "kind": "document"}, ContentRow("", "tool_result", "a")),
        ({"text": "a", "kind": "tweet", "stage": "output"}, ContentRow("", "output", "a")),
        ({"content": {"messages": []}, "stage": "input"}, ContentRow("", "input", {"messages": []})),
        ({"input": "", "output": None}, ContentRow("", "input", "")),
        ({"input": "a", "other": [1]}, ContentRow("", "input", "a")),
        ({"input": "a", "context": "b"}, ContentRow("", "input", "a", prompt="b")),
        ({"input": "a", "prompt": "b", "context": "c"}, ContentRow("", "input", "a", prompt="b")),
        (
            {"input": "a", "user": {"id": 1}, "tenant": "t", "metadata": {"x": 1}, "lang": "de", "id": 7},
            ContentRow("", "input", "a", user={"id": 1}, tenant="t", metadata={"x": 1}, lang="de", id="7"),
        ),
        ({"input": "a", "labels": {"hate": 1, "spam": 0}}, ContentRow("", "input", "a", {"hate": True, "spam": False})),
        ({"input": "a", "label": "hate"}, ContentRow("", "input", "a", {"hate": True})),
        ({"input": "a", "label": "benign"}, ContentRow("", "input", "a", {"benign": True})),
        ({"input": "a", "label": 1}, ContentRow("", "input", "a", {"benign": False})),
        ({"input": "a", "label": "0"}, ContentRow("", "input", "a", {"benign": True})),
        ({"input": "a", "label": True, "labels": {"hate": 1}}, ContentRow("", "input", "a", {"hate": True, "benign": False})),
    ],
)  # fmt: skip
def test_a_line_is_a_row(line: dict[str, Any], expected: ContentRow, tmp_path: Path) -> None:
    """Each form that a row may have, and what is told beside it."""
    path = written_to(tmp_path, json.dumps(line))
    (row,) = read_rows(path)
    assert row == replace(expected, place=f"{path}:1", source=path.name)


@each_case(
    ("line", "message"),
    [
        ("{", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("[]", "one a line, without [ ] around all of them"),
        ('{"input": "b"},', "without a comma behind it"),
        ("{'input': 'b'}", "straight double quotes"),
        ("text,label", "tables end in .csv or .tsv"),
        ('{"prompt": "a"}', "has no content: call 'prompt' 'input'"),
        ('{"Comment": "a"}', "has no content: call 'Comment' 'text'"),
        ("{}", "has no content: give one of input, output"),
        ('{"input": null}', "has no content"),
        ('{"Text": "a", "Label": 0}', "call 'Text' 'text'"),
        ('{"stuff": "a", "label": 0}', "text, content; it has stuff, label"),
        ('{"input": "a", "output": "b"}', "has both 'input' and 'output'; make it two rows"),
        ('{"input": "a", "messages": []}', "has both 'input' and 'messages'"),
        ('{"text": "a", "stage": "inputs"}', "'inputs' is no stage: one of input"),
        ('{"text": "a", "stage": null}', "None is no stage"),
        ('{"text": "a", "stage": ["input"]}', "is no stage"),
        (
            '{"text": "a", "kind": "tweet"}',
            "'tweet' is no kind: one of prompt, comment, document, response; or give the stage",
        ),
        ('{"text": "a", "kind": ["prompt"]}', "is no kind"),
        (
            '{"input": "a", "labels": {"hate": 2}}',
            "label 'hate' must be 0 or 1, not 2; leave out what is unknown",
        ),
        ('{"input": "a", "labels": ["hate"]}', "labels must be a mapping"),
        ('{"input": "a", "label": 0.5}', "label must be 0, 1 or a name"),
        ('{"input": "a", "label": "2"}', "label must be 0, 1 or a name"),
        ('{"input": "a", "tenant": 5}', "tenant must be a text, not 5"),
        ('{"input": "a", "user": "jo"}', "user must be a mapping, not 'jo'"),
    ],
)
def test_another_line_is_an_error_with_its_place(line: str, message: str, tmp_path: Path) -> None:
    """File, line, cause and cure; nothing is passed over."""
    path = written_to(tmp_path, '{"input": "a"}', "", line)
    with pytest.raises(RowError) as caught:
        list(read_rows(path))
    assert str(caught.value).startswith(f"{path}:3: ")
    assert message in str(caught.value)
    with pytest.raises(RowError):
        count_rows(path)


def test_files_of_all_sorts_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Packed, with a mark at its beginning, with the line ends of Windows, or from standard input."""
    line = json.dumps({"input": "für"}, ensure_ascii=False)
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(f"{line}\n".encode()))
    (tmp_path / "b.jsonl").write_bytes(f"\ufeff{line}\r\n\r\n{line}".encode())
    assert [row.content for row in read_rows(tmp_path / "a.jsonl.gz")] == ["für"]
    assert [row.place.rpartition(":")[2] for row in read_rows(tmp_path / "b.jsonl")] == ["1", "3"]
    assert count_rows(tmp_path / "b.jsonl") == 2
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(line.encode())))
    assert count_rows("-") is None
    assert [row.place for row in read_rows("-")] == ["-:1"]


@each_case(
    ("name", "data", "message"),
    [
        ("none.jsonl", None, "No such file"),
        ("empty.jsonl", b"", "has no rows; give one JSON object a line"),
        ("blank.jsonl", b"\n \n", "has no rows"),
        ("latin.jsonl", b'{"input": "f\xfcr"}\n', "is not UTF-8.*'CSV UTF-8'"),
        ("rows.xlsx", b"PK", "is a workbook; save its sheet as 'CSV UTF-8'"),
        ("head.csv", b"text,label\n", "below a first line such as text,label each line is one"),
        ("rows.csv", b"hello,benign\nbye,hate\n", "the first line must name the columns, such as text,label"),
        ("cell.csv", b"text,label\n,hate\n", "the cell of the text must not be empty"),
        ("cut.jsonl.gz", gzip.compress(b'{"input": "a"}\n' * 999, mtime=0)[:30], "rows|ended|Error|end"),
        ("text.jsonl.gz", b'{"input": "a"}\n', "gzip"),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error(
    name: str, data: bytes | None, message: str, tmp_path: Path
) -> None:
    """A broken file is never an empty one."""
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(RowError, match=message):
        list(read_rows(tmp_path / name))


@each_case(
    ("label", "labels", "written"),
    [
        ("OK", {"benign": True}, ("OK",)),
        (" 0 ", {"benign": True}, ("0",)),
        (True, {"benign": False}, ("1",)),
        ("", {}, ()),
        ("hate, Violence", {"hate": True, "Violence": True}, ("hate", "Violence")),
        ("hate;violence", {"hate": True, "violence": True}, ("hate", "violence")),
        (["hate", "bad"], {"hate": True, "benign": False}, ("hate", "bad")),
        ("hate, benign", {"hate, benign": True}, ("hate, benign",)),
        ("hate, whatever", {"hate, whatever": True}, ("hate, whatever",)),
    ],
)
def test_a_label_may_be_several(
    tmp_path: Path, label: object, labels: dict[str, bool], written: tuple[str, ...]
) -> None:
    """All of which are known, and none of them harmless; else it stays as it is, to be asked about."""
    (row,) = read_rows(written_to(tmp_path, json.dumps({"text": "a", "label": label})))
    assert (row.labels, row.written) == (labels, written)


def test_labels_are_counted_as_they_are_read(tmp_path: Path) -> None:
    """With how they are written, so that nothing is read as something else unseen; a 0 for harmless is harm."""
    lines = [
        {"label": "positive"},
        {"label": "OK"},
        {"label": "benign"},
        {"labels": {"benign": 0}},
        {"labels": {"hate": 0}},
    ]
    counts = LabelCounts()
    for row in read_rows(written_to(tmp_path, *(json.dumps({"text": "a"} | line) for line in lines))):
        counts.add(row)
    assert (
        counts.describe()
        == "harmful 2 (written positive 1, harmful 1), benign 2 (written OK 1, benign 1), no label that holds 1"
    )


def test_a_row_is_judged_as_it_says(guard_of: Callable[..., Guard], tmp_path: Path) -> None:
    """Who asks is told to conditions, and every detector has its say."""
    guard = guard_of(
        'rules: [{id: guest, on: output, when: \'request.user.tier == "guest" && request.tenant == "t"\', then: block}]'
    )
    line = {"output": "a", "user": {"tier": "guest"}, "tenant": "t"}
    path = written_to(tmp_path, json.dumps(line), json.dumps({**line, "tenant": "u"}))
    verdicts = [row.judge(guard) for row in read_rows(path)]
    assert [verdict.action for verdict in verdicts] == [Action.BLOCK, Action.ALLOW]
    assert all(verdict.complete for verdict in verdicts)


@given(st.text(), st.sampled_from([*KINDS]))
def test_any_text_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, text: str, kind: str
) -> None:
    """Whatever a text holds, line separators of Unicode too, it is one row."""
    path = tmp_path_factory.mktemp("rows") / "a.jsonl"
    path.write_text(json.dumps({"text": text, "kind": kind}, ensure_ascii=True) + "\n")
    (row,) = read_rows(path)
    assert (row.content, row.stage) == (text, KINDS[kind])
