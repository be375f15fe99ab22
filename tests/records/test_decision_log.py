"""The decision log: a record for every verdict, in the journal before anybody has it, in the store soon."""

from __future__ import annotations

import asyncio
import json
import pickle
import subprocess
import sys
from pathlib import Path
from shutil import rmtree

import pytest

from guardrails import Blocked, Guard, GuardUnavailable
from guardrails.errors import GuardrailsError
from guardrails.records.chain import KEY_VARIABLE, RecordsError
from guardrails.records.decision_log import open_log
from guardrails.records.journal.journal import find_segments, read_lines
from guardrails.stores.database import StoreError
from tests.cases import each_case
from tests.records.records_kit import POLICY, close, recording_guard, stored, verified, write_records


def test_every_verdict_is_one_record(tmp_path: Path) -> None:
    """With its id, in the order of the checks, with who asked as a digest, and no word of what was judged."""
    ids = write_records(tmp_path, 10)

    records = stored(tmp_path)
    assert [record.id for record in records] == ids
    assert [record.action for record in records] == ["block" if n % 3 == 0 else "allow" for n in range(10)]
    assert [record.seq for record in records] == [*range(1, 11)]
    assert len({record.subject for record in records}) == 3
    told = json.loads(records[0].record)
    assert told["policy"]["digest"].startswith("sha256:")
    assert told["rules"] == [{"id": "word", "action": "block"}]
    assert told["findings"][0]["category"] == "custom.word"
    text = "".join(map(str, records))
    assert "zqx" not in text
    assert "sentence" not in text
    assert "u1" not in {record.subject for record in records}
    assert verified(tmp_path).intact


def test_a_record_is_in_the_journal_when_the_verdict_is_there(tmp_path: Path) -> None:
    """Whatever becomes of the process then."""
    guard = recording_guard(tmp_path)
    verdict = guard.check("Hello.")

    assert guard.records is not None
    [segments] = find_segments(tmp_path).values()
    lines = [line for path in segments for line, _ in read_lines(path)]
    assert [json.loads(line.record)["id"] for line in lines if line] == [verdict.id]
    close(guard)


@each_case("identities", ["digest", "plain"])
def test_people_stand_in_the_store_as_the_operator_wants(tmp_path: Path, identities: str) -> None:
    """The same user of two tenants is two people; as they are only where that is said."""
    guard = recording_guard(tmp_path, identities=identities)
    for tenant in ("acme", "other"):
        guard.check("Hello.", user={"id": "u1"}, tenant=tenant, metadata={"conversation": 7})
    guard.check("Hello.")
    close(guard)

    records = stored(tmp_path)
    known = [(record.subject, record.conversation) for record in records]
    if identities == "plain":
        assert known == [("u1", "7"), ("u1", "7"), (None, None)]
    else:
        assert len({*known}) == 3
        assert known[2] == (None, None)
        assert all(len(each) == 32 for each in known[0] if each)
    assert verified(tmp_path).intact


def test_streams_wrapped_calls_and_async_checks_are_on_record(tmp_path: Path) -> None:
    """Each way of asking a guard ends in the same place."""
    guard = recording_guard(tmp_path)
    stream = guard.stream(user={"id": "u1"})
    stream.feed("Hello.")
    stream.flush()
    asyncio.run(guard.acheck("Hello zqx."))
    with pytest.raises(Blocked):
        guard.wrap(lambda prompt: "fine")("zqx")
    close(guard)

    found = [(record.stage, record.action, record.subject is not None) for record in stored(tmp_path)]
    assert found == [("output", "allow", True), ("input", "block", False), ("input", "block", False)]


def test_checks_that_nobody_asked_for_are_not(tmp_path: Path) -> None:
    """Such as those by which a server warms up."""
    guard = recording_guard(tmp_path)
    guard.without_reports().check("zqx")
    guard.check("Hello.")
    close(guard)
    assert [record.action for record in stored(tmp_path)] == ["allow"]


@each_case(("on_error", "passes"), [("answer", True), ("block", False)])
def test_what_cannot_be_written_follows_the_setting(tmp_path: Path, on_error: str, passes: bool) -> None:
    """`answer` lets the content pass, and counts the record as lost; `block` says that the check is unavailable."""
    folder = tmp_path / "records"
    guard = recording_guard(folder, on_error=on_error)
    guard.check("Hello.")
    log = guard.records
    assert log is not None
    log.close()
    rmtree(folder)  # nothing can be written any more, as where a disk is full or gone

    verdict = guard.check("Hello again.")

    assert (verdict.unavailable is None) is passes
    assert verdict.blocked is not passes
    assert (log.written, log.lost) == (1, 1)
    if not passes:
        assert verdict.content is None
        with pytest.raises(GuardUnavailable):
            guard.wrap(lambda prompt: "fine")("Hello")


def test_guards_of_one_folder_share_a_log(tmp_path: Path) -> None:
    """Also one that is loaded anew; another configuration of it has its own."""
    first, second = recording_guard(tmp_path), recording_guard(tmp_path)
    assert first.records is second.records is first.reload().records
    assert open_log({"path": str(tmp_path), "identities": "plain"}) is not first.records


def test_a_pickled_guard_goes_on_recording(tmp_path: Path) -> None:
    """In a pool of processes no decision is lost because the guard came by pickle."""
    guard = Guard.load("pii-only", records=tmp_path)
    script = f"import pickle; guard = pickle.loads({pickle.dumps(guard)!r}); print(guard.check('Hello.').id)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert [record.id for record in stored(tmp_path)] == [done.stdout.strip()]


def test_forked_processes_have_chains_of_their_own(tmp_path: Path) -> None:
    """Of a guard that was used before and after the fork, in the parent and in two children."""
    script = f"""
import os, sys
from guardrails import Guard
guard = Guard.load({POLICY!r}, records={str(tmp_path)!r})
guard.check("before")
children = []
for n in range(2):
    child = os.fork()
    if child == 0:
        for _ in range(20):
            guard.check("in a child")
        sys.exit(0)
    children.append(child)
guard.check("after")
print([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children])
"""
    command = [sys.executable, "-W", "ignore", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[0, 0]"

    records = stored(tmp_path)
    assert sorted(len([r for r in records if r.writer == w]) for w in {r.writer for r in records}) == [
        2,
        20,
        20,
    ]
    assert verified(tmp_path).intact
    assert not find_segments(tmp_path)


@each_case(
    ("records", "message"),
    [
        ({"path": "{folder}/file"}, "records cannot be written to"),
        (
            {"path": "{folder}/r", "store": "mysql://x/y"},
            "a store is named by a URL that begins with sqlite://",
        ),
        ({"path": "{folder}/r", "store": "sqlite:////nowhere/at/all.db"}, "there is no folder"),
        ({"path": "{folder}/r", "keep": 3}, "records: keep: Extra inputs are not permitted"),
        (
            {"path": "{folder}/r", "on_error": "ignore"},
            "records: on_error: Input should be 'answer' or 'block'",
        ),
        (
            {"path": "{folder}/r", "store": "postgresql://h/d", "keep_bytes": 1 << 30},
            "keep_bytes is for SQLite",
        ),
    ],
)
def test_wrong_configurations_are_errors_at_load(
    tmp_path: Path, records: dict[str, object], message: str
) -> None:
    """Each names the cause."""
    (tmp_path / "file").write_text("")
    given = {
        name: value.format(folder=tmp_path) if isinstance(value, str) else value
        for name, value in records.items()
    }
    with pytest.raises(GuardrailsError, match=message) as raised:
        Guard.load(POLICY, records=given)
    assert isinstance(raised.value, RecordsError | StoreError)


def test_a_short_key_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever can guess the key can write records."""
    monkeypatch.setenv(KEY_VARIABLE, "short")
    with pytest.raises(RecordsError, match="shorter than 16 bytes"):
        recording_guard(tmp_path)


def test_the_key_of_the_environment_is_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then none is written beside the records; with another one nothing fits."""
    monkeypatch.setenv(KEY_VARIABLE, "a" * 32)
    write_records(tmp_path, 3)
    assert not (tmp_path / "key").exists()
    assert verified(tmp_path).intact
    monkeypatch.setenv(KEY_VARIABLE, "b" * 32)
    assert not verified(tmp_path).intact


def test_files_are_their_owners_alone(tmp_path: Path) -> None:
    """The folder, the key and the journal are read by nobody else."""
    folder = tmp_path / "records"
    guard = recording_guard(folder)
    guard.check("Hello.")
    own = [path for path in folder.iterdir() if ".sqlite" not in path.name]
    assert {path.suffix for path in own} >= {"", ".journal", ".lock"}
    assert [path.stat().st_mode & 0o077 for path in (folder, *own)] == [0] * (len(own) + 1)
    close(guard)
