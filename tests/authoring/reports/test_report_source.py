"""What a report was made from."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from guardrails.authoring.reports.report_source import DataSet, ReportSource
from guardrails.authoring.reports.terms import TERMS, explain_terms


def test_files_are_named_with_rows_and_digest(tmp_path: Path) -> None:
    """So that one can tell later whether it was this file; what is no file is named alone."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text": "x", "label": "benign"}\n' * 1200)
    source = ReportSource.of("p.yaml", [str(path), "-", "log:there"])
    digest = sha256(path.read_bytes()).hexdigest()
    assert source.data == (DataSet(str(path), 1200, digest), DataSet("-"), DataSet("log:there"))
    assert [*map(str, source.data)] == [
        f"{path} (1,200 rows, sha256 {digest[:12]})",
        "standard input",
        "log:there",
    ]
    assert source.at.utcoffset() is not None


def test_terms_are_a_list_of_words_and_meanings() -> None:
    """In the order that was asked for."""
    html = explain_terms("F1", "Recall")
    assert html.startswith('<dl class="terms"><dt>F1</dt><dd>')
    assert html.index("F1") < html.index("<dt>Recall</dt>")
    assert all(meaning.endswith((".", ")")) for meaning in TERMS.values())
