"""The headers of MCP over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.errors import RequestError
from guardrails.mcp.protocol import headers, rpc
from tests.cases import each_case


def message(**params: Any) -> rpc.RpcMessage:
    """Return a call."""
    return rpc.classify_message(rpc.make_request(1, "tools/call", params))


def refused(given: dict[str, str], params: dict[str, Any]) -> str | None:
    """Return the code of the error for headers beside a call, None where they pass."""
    try:
        headers.check_headers(given, message(**params))
    except RequestError as error:
        return error.code
    return None


@each_case(
    ("given", "params"),
    [
        ({}, {}),
        ({"mcp-method": "tools/call", "mcp-name": "n"}, {"name": "n"}),
        ({"mcp-name": "=?base64?w6k=?="}, {"name": "\u00e9"}),
        ({"mcp-name": "file:///a"}, {"uri": "file:///a"}),
        ({"mcp-protocol-version": "2025-06-18"}, {"name": "n"}),
        ({"mcp-protocol-version": "v"}, {"_meta": {headers.VERSION: "v"}}),
    ],
)
def test_what_says_the_same_passes(given: dict[str, str], params: dict[str, Any]) -> None:
    """Written as it is, or encoded; what a message does not say is not compared, but for a name."""
    assert refused(given, params) is None


@each_case(
    ("given", "params"),
    [
        ({"mcp-method": "tools/list"}, {}),
        ({"mcp-name": "n"}, {"name": "m"}),
        ({"mcp-name": "n"}, {}),
        ({"mcp-name": "=?base64?/w==?="}, {"name": "n"}),
        ({"mcp-name": "=?base64?_?="}, {"name": "_"}),
        ({"mcp-protocol-version": "w"}, {"_meta": {headers.VERSION: "v"}}),
    ],
)
def test_what_says_something_else_is_refused(given: dict[str, str], params: dict[str, Any]) -> None:
    """The error names the header, not what it says."""
    with pytest.raises(RequestError, match="does not say what the message says") as raised:
        headers.check_headers(given, message(**params))
    assert raised.value.code == headers.MISMATCH


def test_only_known_headers_go_on() -> None:
    """A key of the operator's goes instead of the agent's."""
    given = {
        "authorization": "Bearer a",
        "cookie": "c",
        "mcp-session-id": "s",
        "last-event-id": "7",
        "mcp-method": "tools/call",
    }

    assert headers.plain_headers(given, None) == {
        "authorization": "Bearer a",
        "mcp-session-id": "s",
        "last-event-id": "7",
    }
    assert headers.plain_headers(given, "k")["authorization"] == "Bearer k"
    assert headers.listing_headers(given, "k") == {
        "authorization": "Bearer k",
        "mcp-session-id": "s",
        "mcp-method": "tools/list",
    }


@given(st.text())
def test_a_header_follows_its_argument(value: str) -> None:
    """Whatever an argument was edited to, the header that repeats it says that."""
    asked = message(arguments={"a": {"b": "before"}, "c": 1, "d": True, "e": None})
    sent = rpc.make_request(1, "tools/call", {"arguments": {"a": {"b": value}, "c": 1, "d": True, "e": None}})
    given = {"mcp-param-b": "before", "mcp-param-c": "1", "mcp-param-d": "true"}
    if not all(letter < "\ud800" or letter > "\udfff" for letter in value):
        return
    found = headers.forward_headers(given, asked, sent, None)

    assert found["mcp-param-b"].isascii()
    assert headers._decode_header("", found["mcp-param-b"]) == value
    assert (found["mcp-param-c"], found["mcp-param-d"]) == ("1", "true")


@each_case(
    ("written", "sent"),
    [("other", {"a": "x", "b": "x"}), ("x", {"a": "y", "b": "x"}), ("y", {"a": "x", "b": "x"})],
)
def test_a_header_without_an_argument_is_refused(written: str, sent: dict[str, str]) -> None:
    """So is one of which nobody can tell which argument it repeats, once they differ."""
    with pytest.raises(RequestError):
        headers.forward_headers(
            {"mcp-param-a": written},
            message(arguments={"a": "x", "b": "x"}),
            rpc.make_request(1, "tools/call", {"arguments": sent}),
            None,
        )
