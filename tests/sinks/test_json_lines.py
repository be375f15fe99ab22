"""The file that verdicts are appended to."""

from __future__ import annotations

import json
from pathlib import Path

from guardrails.sinks.json_lines import JSONL, JsonLinesConfig


def test_records_are_appended_each_as_a_line(tmp_path: Path) -> None:
    """At once, behind what is there; letters of all languages stay readable."""
    path = tmp_path / "verdicts.jsonl"
    path.write_text("before\n")
    sink = JSONL.open(JsonLinesConfig(use="jsonl", path=str(path)))
    sink.write({"id": "vd_1", "message": "für"})
    assert path.read_text(encoding="utf-8").splitlines()[1] == '{"id": "vd_1", "message": "für"}'
    sink.write({"id": "vd_2"})
    sink.close()
    assert [json.loads(line)["id"] for line in path.read_text(encoding="utf-8").splitlines()[1:]] == [
        "vd_1",
        "vd_2",
    ]
