"""What was judged is kept where policy and operator say so, encrypted, until it expires or somebody erases it."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from guardrails import Guard
from guardrails.errors import GuardrailsError
from guardrails.records.chain import RecordsError, read_key
from guardrails.records.configuration import DAY_US, KeptContentDoc, RecordsDoc
from guardrails.records.content import ContentReader
from guardrails.records.erasure import forget
from guardrails.records.identities import digest_identity
from guardrails.records.journal.journal import Journal, find_segments
from guardrails.records.journal.mover import Mover
from guardrails.records.journal.upkeep import Upkeep
from guardrails.records.kept_content.content_keys import CONTENT_KEY_VARIABLE, read_content_keys
from tests.records.records_kit import (
    ANOTHER_KEY,
    CONTENT_KEY,
    KEEPING,
    POLICY,
    close,
    open_store,
    recording_guard,
    stored,
    verified,
)

MARKER = "marker of what was said"


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a key, as an operator does."""
    monkeypatch.setenv(CONTENT_KEY_VARIABLE, CONTENT_KEY)


def keeping(folder: Path, **doc: object) -> Guard:
    """Return a guard whose policy has contents kept."""
    return recording_guard(folder, KEEPING, **doc)


def contents(folder: Path) -> list[Any]:
    """Return what is kept with each record, oldest first."""
    keys = read_content_keys(KeptContentDoc())
    assert keys is not None
    with open_store(folder) as store:
        reader = ContentReader(store, keys)
        return [reader.read(record) for record in store.select()]


def said_of_content(folder: Path) -> list[str | None]:
    """Return what each record says of its content."""
    return [json.loads(record.record).get("content") for record in stored(folder)]


@pytest.mark.parametrize(
    ("policy", "with_key", "found"),
    [
        (None, True, [None, None]),
        ({}, True, [None, None]),
        ({"content": False}, True, [None, None]),
        ({"content": True}, True, ["fine", "zqx"]),
        ({"content": "flagged"}, True, [None, "zqx"]),
        ({"content": True}, False, [None, None]),
        ({"content": "flagged"}, False, [None, None]),
    ],
)
def test_it_takes_the_policy_and_a_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, policy: object, with_key: bool, found: list[object]
) -> None:
    """Either alone keeps nothing, and the record says nothing of it then."""
    if not with_key:
        monkeypatch.delenv(CONTENT_KEY_VARIABLE)
    guard = Guard.load(POLICY if policy is None else {**POLICY, "records": policy}, records=tmp_path)
    for text in ("fine", "zqx"):
        guard.check(text)
    close(guard)
    monkeypatch.setenv(CONTENT_KEY_VARIABLE, CONTENT_KEY)
    assert contents(tmp_path) == found
    assert [said is not None for said in said_of_content(tmp_path)] == [each is not None for each in found]
    assert verified(tmp_path).to_dict()["contents"] == len([each for each in found if each])
    assert verified(tmp_path).intact


@pytest.mark.parametrize(("own", "floor"), [(True, False), (False, True)])
def test_the_policy_decides_and_not_the_floor(tmp_path: Path, own: bool, floor: bool) -> None:
    """Who wrote the policy knows what is said under it."""
    under = {**POLICY, "name": "floor", "records": {"content": floor}}
    guard = Guard.load({**POLICY, "records": {"content": own}}, floor=under, records=tmp_path)
    guard.check("fine")
    close(guard)
    assert contents(tmp_path) == ["fine" if own else None]


def test_without_a_key_it_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """When the guard is loaded; a policy that asks for nothing has nothing said."""
    monkeypatch.delenv(CONTENT_KEY_VARIABLE)
    with caplog.at_level(logging.WARNING, "guardrails"):
        quiet = Guard.load(POLICY, records=tmp_path)
        assert caplog.messages == []
        guards = [keeping(tmp_path), recording_guard(tmp_path, {**POLICY, "records": {"content": "flagged"}})]
    assert [CONTENT_KEY_VARIABLE in message for message in caplog.messages] == [True]
    for guard in (quiet, *guards):
        close(guard)


@pytest.mark.parametrize("path", ["environment", "file"])
def test_a_malformed_key_is_an_error_at_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """With how to make one, also where no policy asks."""
    (tmp_path / "content-key").write_text("secret")
    if path == "environment":
        monkeypatch.setenv(CONTENT_KEY_VARIABLE, "secret")
    else:
        monkeypatch.delenv(CONTENT_KEY_VARIABLE)
    with pytest.raises(GuardrailsError, match="openssl rand -hex 32"):
        Guard.load(
            POLICY,
            records={"path": str(tmp_path / "r"), "content": {"key_file": str(tmp_path / "content-key")}},
        )


def test_nothing_of_it_is_readable_on_disk(tmp_path: Path) -> None:
    """In the journal, in the store, in what SQLite has beside it; nor where the key is."""
    guard = keeping(tmp_path)
    guard.check(MARKER, user={"id": "u1"}, tenant="acme")

    def readable() -> bool:
        return any(MARKER.encode() in path.read_bytes() for path in tmp_path.iterdir())

    assert find_segments(tmp_path)
    assert not readable()
    with open_store(tmp_path) as store:  # which has its WAL beside it
        close(guard)
        assert len([*store.contents]) == 1
        assert {path.name for path in tmp_path.iterdir()} >= {"records.sqlite", "records.sqlite-wal"}
        assert not readable()
    assert not any(CONTENT_KEY.encode() in path.read_bytes() for path in tmp_path.iterdir())
    assert contents(tmp_path) == [MARKER]


def test_every_way_of_asking_keeps_what_was_judged(tmp_path: Path) -> None:
    """A stream what it came to, blocked or not; a call its arguments and its answer."""
    guard = keeping(tmp_path)
    messages = [{"role": "user", "content": "Hi."}]
    guard.check(messages)
    asyncio.run(guard.acheck({"query": "why"}, "tool_call"))
    for parts in (("a ", "b"), ("a zqx", " b")):
        stream = guard.stream()
        for part in parts:
            stream.feed(part)
        stream.flush()
    guard.wrap(lambda prompt: "answer")("question")
    close(guard)
    *first, asked, answered = contents(tmp_path)
    assert first == [messages, {"query": "why"}, "a b", "a zqx b"]
    assert "question" in str(asked)
    assert "answer" in str(answered)


@pytest.mark.parametrize(
    ("content", "said"), [("x" * 200, "too large"), ({"a": date(2026, 12, 2)}, "not JSON")]
)
def test_what_is_not_kept_is_said_by_the_record(tmp_path: Path, content: object, said: str) -> None:
    """Too large, or nothing that JSON has."""
    guard = keeping(tmp_path, content={"most_bytes": 100})
    guard.check(content)
    close(guard)
    assert contents(tmp_path) == [None]
    assert said_of_content(tmp_path) == [said]
    assert verified(tmp_path).intact


def test_a_changed_key_reads_what_was_kept_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where both are given; by the new one alone the old is refused, and says which key it is."""
    first = keeping(tmp_path)
    first.check("before")
    close(first)
    monkeypatch.setenv(CONTENT_KEY_VARIABLE, f"{ANOTHER_KEY},{CONTENT_KEY}")
    second = keeping(tmp_path, journal_bytes=1 << 21)  # a log of its own, as of another process
    second.check("after")
    close(second)
    assert contents(tmp_path) == ["before", "after"]
    monkeypatch.setenv(CONTENT_KEY_VARIABLE, ANOTHER_KEY)
    with pytest.raises(RecordsError, match="is encrypted by the key"):
        contents(tmp_path)
    assert verified(tmp_path).intact


def test_a_person_who_is_erased_leaves_nothing_said(tmp_path: Path) -> None:
    """Nor where they said it; the decision stays, with a commitment that binds nobody."""
    guard = keeping(tmp_path)
    for n in range(4):
        guard.check(f"{MARKER} {n}", user={"id": f"u{n % 2}"}, tenant="acme")
    close(guard)
    key = read_key(tmp_path, make=False)
    with open_store(tmp_path) as store:
        assert forget(RecordsDoc(path=str(tmp_path)), key, store, digest_identity(key, "acme", "u1")) == 2
    assert contents(tmp_path)[:4] == [f"{MARKER} 0", None, f"{MARKER} 2", None]
    assert [record.salt is None for record in stored(tmp_path)[:4]] == [False, True, False, True]
    found = verified(tmp_path)
    assert (found.intact, found.erased, found.contents) == (True, 2, 2)


def test_an_expired_content_is_removed_by_upkeep(tmp_path: Path) -> None:
    """Its record stays for as long as records do: here for ever."""
    short = keeping(tmp_path, content={"keep_days": 0.001 / 86_400})
    short.check("short")
    close(short)
    long = keeping(tmp_path)
    long.check("long")
    close(long)
    with open_store(tmp_path) as store:
        assert [row.sealed.expires - time.time_ns() // 1000 > 29 * DAY_US for row in store.contents] == [True]
    assert contents(tmp_path) == [None, "long"]
    assert [said is not None for said in said_of_content(tmp_path)] == [True, True]
    assert verified(tmp_path).intact


def test_a_content_goes_with_its_record(tmp_path: Path) -> None:
    """However long it was to stay itself."""
    guard = keeping(tmp_path, keep_days=0.001 / 86_400, content={"keep_days": 300.0})
    guard.check("old")
    close(guard)
    doc = RecordsDoc(path=str(tmp_path), keep_days=0.001 / 86_400)
    key = read_key(tmp_path, make=False)
    journal = Journal(tmp_path, key, 1 << 30)
    Upkeep(doc, key).run(journal, last=True)
    journal.close()
    with open_store(tmp_path) as store:
        assert (store.count(), store.contents.is_empty) == (0, True)
    assert verified(tmp_path).intact


def test_what_a_killed_process_kept_is_moved(tmp_path: Path) -> None:
    """By the next one, with the records: once, however often it is tried."""
    script = f"""
import os, signal
from guardrails import Guard
guard = Guard.load({KEEPING!r}, records={str(tmp_path)!r})
for n in range(50):
    guard.check(f"{MARKER} {{n}}")
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", script], check=False)
    assert done.returncode == -signal.SIGKILL
    with open_store(tmp_path) as store:
        for _ in range(2):
            Mover(tmp_path).move_orphans(store)
    assert contents(tmp_path) == [f"{MARKER} {n}" for n in range(50)]
    assert verified(tmp_path).intact


def test_what_waits_in_a_journal_is_verified(tmp_path: Path) -> None:
    """Exchanged between two records there, too."""
    guard = keeping(tmp_path)
    for n in range(3):
        guard.check(f"{MARKER} {n}")
    [[segment]] = find_segments(tmp_path).values()
    raw = segment.read_bytes()
    close(guard)
    first, second, third = (line.split(b"\t") for line in raw.splitlines())
    one, two = json.loads(first[2]), json.loads(second[2])
    one["content"], two["content"] = two["content"], one["content"]
    first[2], second[2] = (json.dumps(each).encode() for each in (one, two))
    with open_store(tmp_path) as store:
        for table in ("decisions", "writers", "contents"):
            store.database.execute(f"DELETE FROM {table}")
    segment.write_bytes(b"".join(b"\t".join(parts) + b"\n" for parts in (first, second, third)))
    found = verified(tmp_path)
    assert [(problem.kind, problem.seq) for problem in found.problems] == [
        ("content_altered", 1),
        ("content_altered", 2),
    ]
