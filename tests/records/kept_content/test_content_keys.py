"""The operator's keys of contents: how they are given, and what they open."""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.errors import MissingExtra
from guardrails.records.chain import RecordsError
from guardrails.records.configuration import KeptContentDoc
from guardrails.records.kept_content.content_keys import (
    CONTENT_KEY_VARIABLE,
    ContentKeys,
    read_content_keys,
)
from guardrails.records.kept_content.sealed_content import SealedContent
from tests.cases import each_case

ONE, TWO = b"\xfb" * 32, b"2" * 32
WRITTEN = base64.urlsafe_b64encode(ONE).decode()


@each_case(
    "given_key",
    [ONE.hex(), ONE.hex().upper(), WRITTEN, WRITTEN.rstrip("="), f" {ONE.hex()}\n", f",{ONE.hex()},"],
)
def test_a_key_is_written_in_either_way(monkeypatch: pytest.MonkeyPatch, given_key: str) -> None:
    """In hexadecimal or base64url, with what an editor leaves around it."""
    monkeypatch.setenv(CONTENT_KEY_VARIABLE, given_key)
    keys = read_content_keys(KeptContentDoc())
    assert keys is not None
    assert keys.open("vd_1", ContentKeys([ONE]).seal("vd_1", b"said", 1)) == b"said"


@each_case("wrong", ["short", "ab" * 31, "ab" * 33, "zz" * 32, WRITTEN + "A", f"{ONE.hex()},x"])
def test_a_malformed_key_is_an_error(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    """That says how to make one, and does not repeat it."""
    monkeypatch.setenv(CONTENT_KEY_VARIABLE, wrong)
    with pytest.raises(
        RecordsError, match=r"32 bytes .* GUARDRAILS_CONTENT_KEY .*openssl rand -hex 32"
    ) as raised:
        read_content_keys(KeptContentDoc())
    assert wrong not in str(raised.value)


def test_a_file_has_the_key_where_the_environment_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One key on a line, or several with commas; without either there is none."""
    monkeypatch.delenv(CONTENT_KEY_VARIABLE, raising=False)
    assert read_content_keys(KeptContentDoc()) is None
    path = tmp_path / "key"
    path.write_text(f"{TWO.hex()}\n{ONE.hex()}\n")
    keys = read_content_keys(KeptContentDoc(key_file=str(path)))
    assert keys is not None
    assert keys.open("vd_1", ContentKeys([ONE]).seal("vd_1", b"said", 1)) == b"said"
    assert keys.seal("vd_1", b"", 1).key_id == ContentKeys([TWO]).seal("vd_1", b"", 1).key_id
    monkeypatch.setenv(CONTENT_KEY_VARIABLE, ONE.hex())
    keys = read_content_keys(KeptContentDoc(key_file=str(path)))
    assert keys is not None
    assert keys.seal("vd_1", b"", 1).key_id == ContentKeys([ONE]).seal("vd_1", b"", 1).key_id


@each_case(
    ("content", "message"),
    [(None, "cannot be read from"), (b"\n", "there is no key"), (b"\xff", "cannot be read from"), (b"x", "32 bytes")],
)  # fmt: skip
def test_a_file_without_a_key_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, message: str
) -> None:
    """Who names a file wants contents kept."""
    monkeypatch.delenv(CONTENT_KEY_VARIABLE, raising=False)
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RecordsError, match=message):
        read_content_keys(KeptContentDoc(key_file=str(path)))


@given(st.binary(max_size=200), st.text(max_size=9))
def test_what_was_encrypted_comes_back(content: bytes, id_: str) -> None:
    """Never twice the same bytes, nor the content among them."""
    keys = ContentKeys([ONE])
    first, second = keys.seal(id_, content, 7), keys.seal(id_, content, 7)
    assert keys.open(id_, first) == keys.open(id_, second) == content
    assert first.nonce != second.nonce
    assert first.digest != second.digest
    assert len(content) < 4 or content not in first.ciphertext


def test_a_key_that_was_changed_still_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as it is among those given; the first one encrypts."""
    before = ContentKeys([ONE]).seal("vd_1", b"said", 1)
    rotated = ContentKeys([TWO, ONE])
    after = rotated.seal("vd_1", b"said", 1)
    assert rotated.open("vd_1", before) == rotated.open("vd_1", after) == b"said"
    assert ContentKeys([TWO]).open("vd_1", after) == b"said"
    with pytest.raises(
        RecordsError, match=rf"encrypted by the key {before.key_id}, and given are {after.key_id}"
    ):
        ContentKeys([TWO]).open("vd_1", before)


@each_case(
    "change",
    [
        lambda kept: kept._replace(ciphertext=kept.ciphertext[:-1] + bytes([kept.ciphertext[-1] ^ 1])),
        lambda kept: kept._replace(ciphertext=kept.ciphertext[:-1]),
        lambda kept: kept._replace(ciphertext=b""),
        lambda kept: kept._replace(nonce=bytes(12)),
        lambda kept: kept._replace(key_id=ContentKeys([TWO]).seal("vd_1", b"", 1).key_id),
    ],
)
def test_what_was_altered_is_refused(change: Callable[[SealedContent], SealedContent]) -> None:
    """Each byte of it counts, and the name of the key too."""
    keys = ContentKeys([ONE, TWO])
    with pytest.raises(RecordsError, match="was altered, or belongs to another decision"):
        keys.open("vd_1", change(keys.seal("vd_1", b"said", 1)))


def test_a_content_belongs_to_its_decision() -> None:
    """Under another one it is refused."""
    keys = ContentKeys([ONE])
    with pytest.raises(RecordsError, match="the content of vd_2 was altered, or belongs to another decision"):
        keys.open("vd_2", keys.seal("vd_1", b"said", 1))


def test_without_cryptography_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """By who has a key; who has none needs nothing."""
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.ciphers.aead", None)
    monkeypatch.delenv(CONTENT_KEY_VARIABLE, raising=False)
    assert read_content_keys(KeptContentDoc()) is None
    monkeypatch.setenv(CONTENT_KEY_VARIABLE, ONE.hex())
    with pytest.raises(MissingExtra, match=r"guardrails-middleware\[encryption\]"):
        read_content_keys(KeptContentDoc())
