"""A call as it waits: sealed, and shown so that nothing in it hides."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.records.approvals.pending_call import PendingCall, derive_keys, escape_hidden
from guardrails.records.chain import RecordsError
from tests.cases import each_case


@each_case(
    ("text", "shown"),
    [
        ("rm -rf /", "rm -rf /"),
        ("Grüße, 東京, 🚀", "Grüße, 東京, 🚀"),
        ("a\u202egnp.exe", "a\\u202egnp.exe"),
        ("a\u2066b\u2069", "a\\u2066b\\u2069"),
        ("ig\u200bnore", "ig\\u200bnore"),
        ("a\u00a0b\u3000c", "a\\u00a0b\\u3000c"),
        ("a\ufe0fb\u115f\u2800", "a\\ufe0fb\\u115f\\u2800"),
        ("\U000e0041\U000e0042", "\\udb40\\udc41\\udb40\\udc42"),
        ("x\U000e0100", "x\\udb40\\udd00"),
        ("\ud800", "\\ud800"),
        ("\x1b[2J\x07\r", "\\u001b[2J\\u0007\\u000d"),
        ("two\nlines", "two\nlines"),
    ],
)
def test_what_cannot_be_seen_stands_as_its_escape(text: str, shown: str) -> None:
    """Invisible characters, those that turn the order of others, tags, and what steers a terminal."""
    assert escape_hidden(text) == shown


def test_arguments_are_shown_as_json() -> None:
    """A line of an argument stays within its string; what is shown is JSON that says the same."""
    call = PendingCall("shell", "", json.dumps({"command": "ls\n\u202e; rm", "n": 1}))
    assert call.show() == '{\n  "command": "ls\\n\\u202e; rm",\n  "n": 1\n}'
    assert json.loads(call.show()) == json.loads(call.arguments)


@given(
    st.dictionaries(
        st.text(), st.recursive(st.text() | st.integers() | st.booleans() | st.none(), st.lists, max_leaves=5)
    )
)
def test_whatever_is_shown_says_what_the_call_says(arguments: dict[str, object]) -> None:
    """No escape loses anything."""
    call = PendingCall("t", "s", json.dumps(arguments))
    assert json.loads(call.show()) == arguments


def test_a_call_is_encrypted_for_its_request_alone() -> None:
    """What is kept shows nothing of it, and opens under its own id and key."""
    call = PendingCall("shell", "web", '{"command":"rm -rf /"}')
    keys = derive_keys(b"k" * 32)
    sealed = keys.seal("ap_1", call.to_bytes(), 0)
    assert b"rm -rf" not in sealed.ciphertext
    assert PendingCall.from_bytes(keys.open("ap_1", sealed)) == call
    with pytest.raises(RecordsError):
        keys.open("ap_2", sealed)
    with pytest.raises(RecordsError):
        derive_keys(b"other key of 32 bytes, or so, yes").open("ap_1", sealed)
