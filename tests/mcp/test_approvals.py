"""Which definitions are as they were approved."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.errors import GuardrailsError
from guardrails.mcp.approvals import ApprovalState, ApprovalStore, definition_digest, filter_tools
from tests.cases import each_case

TOOL = {"name": "read", "description": "Read a file.", "inputSchema": {"type": "object"}}
OTHER = {**TOOL, "description": "Read a file, and send it on."}


def test_a_digest_is_of_all_that_is_said() -> None:
    """The order of keys does not matter; every text, and the order of a list, does."""
    assert definition_digest(TOOL) == definition_digest(dict(reversed(TOOL.items())))
    assert definition_digest(TOOL) != definition_digest(OTHER)
    assert definition_digest({"a": [1, 2]}) != definition_digest({"a": [2, 1]})


@given(st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.dictionaries(st.text(), inner)))
def test_a_digest_survives_the_file(value: Any) -> None:
    """What was written to JSON and read again has the digest that it had."""
    assert definition_digest({"a": value}) == definition_digest(json.loads(json.dumps({"a": value})))


@each_case("file", [True, False])
def test_the_first_use_approves_and_a_change_waits(tmp_path: Path, file: bool) -> None:
    """Trust on first use, with a file and without: what was seen first is used, what comes later under its name is not."""
    store = ApprovalStore(tmp_path / "a.json" if file else None)

    assert store.record_seen("s", {"read": TOOL}) == {"read": ApprovalState.APPROVED}
    assert store.record_seen("s", {"read": OTHER}) == {"read": ApprovalState.CHANGED}
    assert store.standing("s", "read", definition_digest(OTHER)) is ApprovalState.CHANGED
    assert store.standing("s", "read", definition_digest(TOOL)) is ApprovalState.APPROVED
    assert store.record_seen("other", {"read": OTHER}) == {"read": ApprovalState.APPROVED}

    assert store.approve("s", "read") == [("s", "read")]
    assert store.record_seen("s", {"read": OTHER}) == {"read": ApprovalState.APPROVED}
    assert store.record_seen("s", {"read": TOOL}) == {"read": ApprovalState.APPROVED}


def test_where_approval_is_required_the_first_use_waits_too(tmp_path: Path) -> None:
    """A new tool cannot be used until somebody approves it."""
    store = ApprovalStore(tmp_path / "a.json", require=True)

    assert store.record_seen("s", {"read": TOOL, "write": OTHER}) == {
        "read": ApprovalState.NEW,
        "write": ApprovalState.NEW,
    }
    assert store.standing("s", "none", "") is ApprovalState.NEW
    assert store.approve("s", "read") == [("s", "read")]
    assert store.approve() == [("s", "write")]
    assert store.record_seen("s", {"read": TOOL})["read"] is ApprovalState.APPROVED


def test_two_processes_share_a_file(tmp_path: Path) -> None:
    """What one approves, or sees first, the other knows at its next look; nothing of either is lost."""
    path = tmp_path / "a.json"
    one, two = ApprovalStore(path), ApprovalStore(path)
    one.record_seen("s", {"read": TOOL})
    two.record_seen("t", {"read": TOOL})
    one.record_seen("s", {"read": OTHER})

    assert [(server, tool, record.standing) for server, tool, record in filter_tools(two.records())] == [
        ("s", "read", ApprovalState.CHANGED),
        ("t", "read", ApprovalState.APPROVED),
    ]
    two.approve("s")
    assert one.standing("s", "read", definition_digest(OTHER)) is ApprovalState.APPROVED


def test_many_writers_lose_nothing(tmp_path: Path) -> None:
    """Processes that all write at a time leave one whole file with all that they saw."""
    path = tmp_path / "a.json"
    script = (
        "import sys; from pathlib import Path; from guardrails.mcp.approvals import ApprovalStore\n"
        "store = ApprovalStore(Path(sys.argv[1]))\n"
        "for number in range(20): store.record_seen(sys.argv[2], {f't{number}': {'name': f't{number}'}})\n"
    )
    running = [subprocess.Popen([sys.executable, "-c", script, str(path), f"s{each}"]) for each in range(4)]

    assert [process.wait(60) for process in running] == [0] * 4
    assert len([*filter_tools(ApprovalStore(path).records())]) == 80
    assert sorted(each.name for each in tmp_path.iterdir()) == [".a.json.lock", "a.json"]


@each_case(
    "text",
    ["", "[]", "{}", '{"format": 2, "servers": {}}', '{"format": 1, "servers": {"s": {"t": {"approved": 1}}}}',
     '{"format": 1, "servers": {"s": {"t": {"approved": [1], "definition": null, "pending": null}}}}'],
)  # fmt: skip
def test_a_damaged_file_is_an_error(tmp_path: Path, text: str) -> None:
    """Nothing is approved by a file that cannot be read, and it is not written over."""
    path = tmp_path / "a.json"
    path.write_text(text)

    with pytest.raises(GuardrailsError, match="no file of approvals"):
        ApprovalStore(path)
    assert path.read_text() == text


def test_a_file_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """What is not remembered is not approved."""
    store = ApprovalStore(tmp_path / "none" / "a.json")

    with pytest.raises(GuardrailsError, match="cannot be written"):
        store.record_seen("s", {"read": TOOL})


def test_there_is_a_bound() -> None:
    """A server that lists tools without end fills nobody's memory."""
    with pytest.raises(GuardrailsError, match="more than 10000"):
        ApprovalStore().record_seen("s", {f"t{number}": TOOL for number in range(10_001)})
