"""The chain's parts: the key, MACs, commitments, signed heads."""

from __future__ import annotations

import os
from multiprocessing.pool import ThreadPool
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.records.chain import (
    KEY_VARIABLE,
    Head,
    RecordsError,
    commit,
    first_mac,
    next_mac,
    read_head,
    read_key,
    sign_erasure,
    sign_removal,
)

KEY = b"k" * 32


def test_a_key_is_made_once(tmp_path: Path) -> None:
    """Also by many who start at once; all have the same, and nothing else is left in the folder."""
    with ThreadPool(8) as pool:
        keys = {*pool.map(lambda _: read_key(tmp_path, make=True), range(32))}
    assert len(keys) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["key"]
    assert read_key(tmp_path, make=False) in keys
    assert (tmp_path / "key").stat().st_mode & 0o077 == 0


def test_no_key_is_an_error(tmp_path: Path) -> None:
    """Who only reads makes none: it would fit nothing."""
    with pytest.raises(RecordsError, match=f"set {KEY_VARIABLE}"):
        read_key(tmp_path, make=False)
    (tmp_path / "key").write_text("short\n")
    with pytest.raises(RecordsError, match="shorter than 16 bytes"):
        read_key(tmp_path, make=False)


@given(st.binary(), st.integers(1, 2**60), st.binary())
def test_a_mac_depends_on_all_it_is_computed_over(before: bytes, seq: int, record: bytes) -> None:
    """The key, the record before, the number and the bytes."""
    macs = {
        next_mac(KEY, before, seq, record),
        next_mac(KEY[:-1], before, seq, record),
        next_mac(KEY, before + b"0", seq, record),
        next_mac(KEY, before, seq + 1, record),
        next_mac(KEY, before, seq, record + b"0"),
    }
    assert len(macs) == 5


def test_proofs_are_of_one_kind_each() -> None:
    """What proves one thing proves no other."""
    mac = first_mac(KEY, "w")
    assert (
        len({mac, first_mac(KEY, "x"), sign_erasure(KEY, "w", 1, mac), sign_removal(KEY, "w", 1, 1, mac)})
        == 4
    )


def test_a_commitment_hides_and_binds() -> None:
    """It depends on the salt, the field and the value."""
    salt = os.urandom(16)
    assert commit(salt, "subject", "u1") == commit(salt, "subject", "u1")
    others = {commit(salt, "subject", "u2"), commit(salt, "conversation", "u1"), commit(b"", "subject", "u1")}
    assert commit(salt, "subject", "u1") not in others
    assert len(others) == 3


@given(
    st.from_regex(r"[0-9a-f]{16}", fullmatch=True),
    st.integers(0, 2**60),
    st.binary(min_size=32, max_size=32),
    st.integers(0, 2**40),
)
def test_a_head_is_read_as_it_was_signed(writer: str, seq: int, mac: bytes, time: int) -> None:
    """With the same key; with another it is none."""
    head = Head(writer, seq, mac, time)
    assert read_head(head.line(KEY), KEY) == head
    assert read_head(head.line(b"another key"), KEY) is None
    assert read_head(head.line(KEY).replace(writer, "0" * 15 + "g"), KEY) is None
