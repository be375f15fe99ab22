"""What a wrapped client may call, and what a call would send."""

from __future__ import annotations

import datetime
from types import SimpleNamespace
from typing import Any

import openai
import pytest

from guardrails import RequestError
from guardrails.protocols.chat.protocol import CHAT
from guardrails.wire.forms import Upload
from guardrails.wrapping.sdk.calls import Calls, read_body, to_plain_json
from tests.cases import each_case


class Dumped:
    """What a library of its own makes."""

    def model_dump(self, **_: Any) -> dict[str, Any]:
        """Return its values."""
        return {"b": (1, "x")}


@each_case(
    ("given", "sent"),
    [
        ({"a": [1, 1.5, None, True, "x"]}, {"a": [1, 1.5, None, True, "x"]}),
        ({"a": Dumped()}, {"a": {"b": [1, "x"]}}),
        ({"a": datetime.date(2026, 1, 2)}, {"a": "2026-01-02"}),
        ({"a": openai.NOT_GIVEN, "b": 1}, {"b": 1}),
        ({1: "x"}, {"1": "x"}),
    ],
)
def test_a_body_is_what_is_sent(given: Any, sent: Any) -> None:
    """Models and dates as the SDK would write them; what is not given is not there."""
    assert to_plain_json(given) == sent


def test_a_body_takes_what_is_added_to_it() -> None:
    """As the SDK merges them."""
    options = openai._models.FinalRequestOptions.construct(
        method="post", url="/x", json_data={"a": 1, "b": 1}, extra_json={"b": 2}
    )
    assert read_body(options) == {"a": 1, "b": 2}


def test_a_body_may_be_a_form() -> None:
    """Where the API takes one: its files are uploads."""
    options = openai._models.FinalRequestOptions.construct(
        method="post", url="/x", json_data={"a": 1}, extra_json={"b": 2}, files=[("image", b"x")]
    )
    upload = Upload(b"x", "upload", "application/octet-stream")
    assert read_body(options, forms=True) == {"a": 1, "b": 2, "image": [upload]}
    with pytest.raises(RequestError):
        read_body(options)


def test_a_body_that_is_no_object_is_refused() -> None:
    """Bytes and texts could be anything."""
    for json_data, content in ((b"{}", None), ("{}", None), (None, b"{}"), ({}, b"{}")):
        options = SimpleNamespace(json_data=json_data, extra_json=None, content=content, files=None)
        with pytest.raises(RequestError, match="no JSON object"):
            read_body(options)


def test_rows_are_whole_paths() -> None:
    """A row fits a path of as many segments, `**` any more; case and dots do not help."""
    calls = Calls({"POST /a/*/b": CHAT, "* /c/**": None})
    assert calls.find("post", "/a/x/b") is CHAT
    assert calls.find("GET", "/c") is calls.find("DELETE", "/c/d/e?f=g") is None
    for method, url in [
        ("GET", "/a/x/b"),
        ("POST", "/a/x/y/b"),
        ("POST", "/a//b"),
        ("GET", "/C"),
        ("GET", "/c/."),
    ]:
        with pytest.raises(RequestError):
            calls.find(method, url)
