"""Lists of exchanged hashes: what files come to, and the file that is written."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.authoring.scan.hash_lists import UnusableListError, format_hash_list, gather_hashes, save
from guardrails.media.hashes.hash_file import HashEntry, read_hash_entries
from guardrails.media.hashes.hash_index import FEW
from guardrails.media.hashes.hash_lists import HashList
from guardrails.media.hashes.pdq import FORMS, PdqHashes

ONE, TWO, THREE = (f"{each:02x}" * 32 for each in (0x1E, 0x2D, 0x3C))


def stopncii(*rows: tuple[str, str]) -> bytes:
    """Return an answer of StopNCII with hashes and how their cases stand."""
    made = [{"hashValue": each, "hashStatus": status, "signalType": "ImagePDQ"} for each, status in rows]
    return json.dumps({"hashRecords": made}).encode()


def of(*hashes: str) -> PdqHashes:
    """Return the hash of a picture, whose forms are all the same."""
    return PdqHashes((bytes.fromhex(hashes[0]),) * len(FORMS), 100)


def test_what_is_left_out_is_counted_by_its_reason() -> None:
    """Other types, low quality, duplicates; what is broken has its place."""
    table = f"hash,type,quality\n{ONE},pdq,100\n{TWO},pdq,49\n{ONE},pdq,\n{'a' * 32},md5,\nzz,pdq,\n"
    gathered = gather_hashes([("a.csv", table.encode())])
    assert gathered.to_dict() == {
        "entries": 1, "pdq": 1, "sha256": 0, "skipped": {"quality below 50": 1, "signal type md5": 1},
        "duplicates": 1, "removed": 0, "disputed": 0, "malformed": 1,
    }  # fmt: skip
    [error] = gathered.malformed
    assert str(error).startswith("a.csv:6:1: malformed_hash: a hash has 64")


def test_a_later_record_takes_back_an_earlier_one() -> None:
    """An update goes over the list that was made before; what comes after it holds again."""
    before = format_hash_list(
        gather_hashes([("1", stopncii((ONE, "Active"), (TWO, "Active")))]).entries
    ).encode()
    after = gather_hashes([("list.csv", before), ("2", stopncii((ONE, "Withdrawn"), (THREE, "Active")))])
    assert [entry.hash.hex() for entry in after.entries] == [TWO, THREE]
    assert after.removed == 1
    again = gather_hashes([("1", stopncii((ONE, "Withdrawn"))), ("2", stopncii((ONE, "Active")))])
    assert [entry.hash.hex() for entry in again.entries] == [ONE]


def test_an_entry_of_ncmec_is_replaced_by_its_update() -> None:
    """By the id that it has with its member, also where its hash is another one."""
    entry = {"id": "i", "member_id": 4, "entry_type": "image", "fingerprints": {"pdq": ONE}}
    made = gather_hashes([("1", json.dumps([entry, {**entry, "fingerprints": {"pdq": TWO}}]).encode())])
    assert [(each.hash.hex(), each.id) for each in made.entries] == [(TWO, "4-i")]
    gone = gather_hashes(
        [
            ("l.csv", format_hash_list(made.entries).encode()),
            ("2", json.dumps({**entry, "deleted": True}).encode()),
        ]
    )
    assert gone.entries == []


@given(
    st.lists(
        st.builds(
            HashEntry,
            st.binary(min_size=32, max_size=32).filter(lambda each: len({*each}) > 1),
            st.sampled_from(("pdq", "sha256")),
            st.text(max_size=8).map(lambda each: " ".join(each.split()) or "x"),
            st.text(max_size=4).map(lambda each: " ".join(each.split())),
            st.just("high"),
            st.integers(-1, 128),
            st.integers(50, 100),
        ),
        max_size=6,
    )
)
def test_a_list_that_is_read_again_is_the_same(given_: list[HashEntry]) -> None:
    """Whatever ids hold, and in whatever order entries come: its file is a list of ours, and what it is made of."""
    written = format_hash_list(gather_hashes([("a", format_hash_list(given_).encode())]).entries)
    if given_:
        assert {entry.hash for entry in read_hash_entries(written.encode(), "b")} == {
            entry.hash for entry in given_
        }
    assert format_hash_list(gather_hashes([("b", written.encode())]).entries) == written
    assert len(written.splitlines()) == 1 + len({(entry.kind, entry.hash) for entry in given_})


def test_a_written_list_is_found_by_and_swapped(tmp_path: Path) -> None:
    """It feeds the index that is mapped into memory; the next one takes its place at once."""
    path, cache = tmp_path / "deny.csv", tmp_path / "cache"
    rng = np.random.default_rng(1)
    many = "".join(f"pdq {rng.bytes(32).hex()}\n" for _ in range(FEW + 10)).encode()
    save(path, gather_hashes([("m", many), ("one", stopncii((ONE, "Active")))]).entries)
    listed = HashList.load(path, name="deny", cache=cache)
    assert [match.id for match in listed.near(of(ONE))] == [ONE[:16]]
    assert listed.near(of(TWO)) == ()
    save(path, gather_hashes([("m", many), ("two", stopncii((TWO, "Active")))]).entries)
    renewed = listed.reload()
    assert renewed is not listed
    assert [match.id for match in renewed.near(of(TWO))] == [TWO[:16]]
    assert [*tmp_path.glob(".*")] == []


def test_a_list_of_one_hash_works(tmp_path: Path) -> None:
    """It matches."""
    save(tmp_path / "one.csv", gather_hashes([("x", f"pdq {ONE}\n".encode())]).entries)
    assert [match.distance for match in HashList.load(tmp_path / "one.csv", name="1").near(of(ONE))] == [0]


def test_a_list_is_whole_or_as_it_was(tmp_path: Path) -> None:
    """It keeps who may read it; nothing is left beside it where it cannot be written."""
    path = tmp_path / "deny.csv"
    path.write_text("before")
    path.chmod(0o640)
    made = gather_hashes([("x", f"pdq {ONE}\n".encode())]).entries
    save(path, made)
    assert path.stat().st_mode & 0o777 == 0o640
    assert path.read_text() == format_hash_list(made)
    with pytest.raises(UnusableListError, match="nothing to write"):
        save(path, [])
    (tmp_path / "folder").mkdir()
    with pytest.raises(UnusableListError):
        save(tmp_path / "folder", made)
    with pytest.raises(UnusableListError, match="No such file"):
        save(tmp_path / "none" / "deny.csv", made)
    assert sorted(os.listdir(tmp_path)) == ["deny.csv", "folder"]
