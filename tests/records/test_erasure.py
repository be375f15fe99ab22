"""A person is erased from all records; what was decided stays, and so does the chain."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from guardrails.records.chain import read_key
from guardrails.records.configuration import RecordsDoc
from guardrails.records.decision_store import AT_ONCE, Filter
from guardrails.records.erasure import forget
from guardrails.records.identities import digest_identity
from guardrails.records.kept_content.content_keys import CONTENT_KEY_VARIABLE
from tests.records.records_kit import (
    CONTENT_KEY,
    KEEPING,
    close,
    open_store,
    recording_guard,
    stored,
    verified,
    write_records,
)


def forgotten(folder: Path, user: str) -> int:
    """Erase a user of the tenant `acme`."""
    key = read_key(folder, make=False)
    with open_store(folder) as store:
        return forget(RecordsDoc(path=str(folder)), key, store, digest_identity(key, "acme", user))


def test_a_person_is_gone_and_the_decisions_stay(tmp_path: Path) -> None:
    """Nobody is found by them any more; others are; the chain is intact, and says that somebody was erased."""
    ids = write_records(tmp_path, 9)
    assert forgotten(tmp_path, "u1") == 3

    records = stored(tmp_path)
    assert [record.id for record in records[:9]] == ids
    erased = [record for record in records if record.erased]
    assert [record.id for record in erased] == [ids[1], ids[4], ids[7]]
    assert {(record.subject, record.conversation, record.salt) for record in erased} == {(None, None, None)}
    assert len({record.subject for record in records[:9]}) == 3  # two others, and nobody
    told = json.loads(records[-1].record)
    assert (told["kind"], told["records"]) == ("forget", 3)
    found = verified(tmp_path)
    assert (found.intact, found.erased) == (True, 3)
    assert erased[0].to_dict()["subject"] is None
    assert erased[0].to_dict()["erased"] is True


def test_who_is_not_there_is_erased_from_nothing(tmp_path: Path) -> None:
    """Twice the same is nothing the second time; that it was asked is on record all the same."""
    write_records(tmp_path, 3)
    assert forgotten(tmp_path, "nobody") == 0
    assert forgotten(tmp_path, "u1") == 1
    assert forgotten(tmp_path, "u1") == 0
    assert [record.kind for record in stored(tmp_path)] == ["decision"] * 3 + ["forget"] * 3
    assert verified(tmp_path).intact


def test_records_that_a_server_is_about_to_move_are_erased(tmp_path: Path) -> None:
    """What was in its journal when somebody asked, too."""
    guard = recording_guard(tmp_path)
    for _ in range(20):
        guard.check("Hello.", user={"id": "u1"}, tenant="acme")
    assert forgotten(tmp_path, "u1") == 20
    close(guard)
    key = read_key(tmp_path, make=False)
    with open_store(tmp_path) as store:
        assert store.count(Filter(subject=digest_identity(key, "acme", "u1"))) == 0


def test_thousands_of_records_are_erased_in_parts(tmp_path: Path) -> None:
    """So that nobody who writes meanwhile waits for all of them."""
    guard = recording_guard(tmp_path)
    for n in range(AT_ONCE + 200):
        guard.check(f"Number {n}.", user={"id": "u1"}, tenant="acme")
    close(guard)
    assert forgotten(tmp_path, "u1") == AT_ONCE + 200
    assert verified(tmp_path).intact


def bytes_of_store(folder: Path) -> bytes:
    """Return what is in the files of the store."""
    return b"".join(path.read_bytes() for path in folder.glob("records.sqlite*"))


def test_nothing_of_a_person_is_left_in_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in free room of the database nor in its log of writes, while a server has it open; others are there as before."""
    monkeypatch.setenv(CONTENT_KEY_VARIABLE, CONTENT_KEY)
    guard = recording_guard(tmp_path, KEEPING, identities="plain")
    conversations = {user: f"talk-of-{user}" for user in ("someone-1", "another-2")}
    for user, conversation in conversations.items():
        for size in (10, 9_000):  # within a page, and over several
            guard.check(
                "a " * size, user={"id": user}, tenant="acme", metadata={"conversation": conversation}
            )
    close(guard)
    key = read_key(tmp_path, make=False)
    with open_store(tmp_path) as store, open_store(tmp_path) as other:
        found = {
            user: [
                each
                for record in store.select(Filter(subject=user))
                if record.salt and (kept := store.contents.read(record.writer, record.seq))
                for each in (
                    user.encode(),
                    conversations[user].encode(),
                    record.salt,
                    kept.ciphertext[:32],
                    kept.ciphertext[-32:],
                )
            ]
            for user in conversations
        }
        assert [len(each) for each in found.values()] == [10, 10]
        assert other.count() == 4
        before = bytes_of_store(tmp_path)
        assert all(each in before for them in found.values() for each in them)
        assert forget(RecordsDoc(path=str(tmp_path)), key, store, "someone-1") == 2
        left = bytes_of_store(tmp_path)
        assert [each for each in found["someone-1"] if each in left] == []
        assert b"another-2" in left
        assert other.count(Filter(subject="another-2")) == 2
