"""Whole answers, without any call: bytes in, what the caller may have of them out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from guardrails import BackendError, Blocked, Guard
from guardrails.engine.content import payload
from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.model import Outcome
from guardrails.protocols.protocol import Protocol
from guardrails.types import Place, Stage
from guardrails.wrapping.sdk import answer_formats
from guardrails.wrapping.sdk.body_formats import JSON, BodyFormat
from guardrails.wrapping.sdk.buffered_response import BufferedResponse
from guardrails.wrapping.sdk.exchange import STREAM, Exchange, Terms

BOMB, MASK = "zqxbomb", "zqxmask"


def anything(stage: Stage) -> Any:
    """Return a reader that judges all of a body."""

    def reader(body: Any) -> Any:
        leaves = ContentTree()
        leaves.anything(body, (), Place(stage))
        return leaves

    return reader


def withhold(answer: Any, leaves: ContentTree, outcome: Outcome, words: str) -> Any:
    """Refuse where something is blocked."""
    if outcome.blocked:
        return {"no": words, "of": answer.get("id")}
    return payload.apply_edits(answer, leaves, outcome)


API = Protocol(
    name="made.up",
    path="/made-up",
    read_request=anything(Stage.INPUT),
    read_response=anything(Stage.OUTPUT),
    withhold=withhold,
    refuse=lambda words, body: {"no": words},
)


def said(guard: Guard, raw: bytes, kind: str = JSON, *, answers: bool = False) -> bytes:
    """Return what may be had of an answer that comes in two pieces, on an event loop and without one."""

    def exchange() -> Exchange:
        made = Exchange(Terms(guard, answers), API, {"asked": "x"})
        assert made.ask(guard.check(API.request_payload({}), "input")) is None
        return made

    async def pieces() -> AsyncIterator[bytes]:
        yield raw[:5]
        yield raw[5:]

    async def main() -> bytes:
        return b"".join([piece async for piece in BufferedResponse(exchange(), kind).areleased(pieces())])

    shown = b"".join(BufferedResponse(exchange(), kind).released([raw[:5], raw[5:]]))
    assert asyncio.run(main()) == shown
    return shown


def test_an_answer_passes_byte_for_byte_or_changed(policy_guard: Guard) -> None:
    """Numbers and spaces too."""
    fine = b'{"a":  "x", "n": 1.50}'
    assert said(policy_guard, fine) == fine
    assert json.loads(said(policy_guard, json.dumps({"a": MASK}).encode())) == {"a": "[MASK]"}


def test_a_block_is_raised_or_answered(policy_guard: Guard) -> None:
    """In the form of the API."""
    raw = json.dumps({"id": "x", "a": BOMB}).encode()
    with pytest.raises(Blocked):
        said(policy_guard, raw)
    assert json.loads(said(policy_guard, raw, answers=True)) == {"no": "Not that.", "of": "x"}


def test_an_answer_that_cannot_be_read_is_refused(policy_guard: Guard) -> None:
    """Of a type that nobody knows, of none, or too deep; a stream where none is known."""
    deep = b'{"a": ' + b"[" * 99 + b"]" * 99 + b"}"
    for raw, kind in [(b"x", "text/html"), (b"x", ""), (b"\xff", JSON), (b"x", JSON), (deep, JSON), (b"data: {}\n\n", STREAM)]:  # fmt: skip
        with pytest.raises(BackendError, match="cannot be judged"):
            said(policy_guard, raw, kind)


def test_an_answer_is_written_as_its_type_says(policy_guard: Guard, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the first way that fits it; it is as it came where that is all that was judged."""

    def reads(raw: bytes, kind: str, asked: Any) -> Any:
        return {"kind": kind, "said": raw.decode()}

    def writes(left: Any) -> bytes:
        return f"<{left['said']}>".encode()

    formats = (
        BodyFormat("text/plain".__eq__, reads, writes),
        BodyFormat("text/a".__eq__, reads, writes, exact=False),
        BodyFormat("text/b".__eq__, reads, writes, media=lambda _: "text/c"),
    )
    monkeypatch.setattr(answer_formats, "FORMATS", {API.name: formats})
    assert said(policy_guard, b"fine", "text/plain") == b"fine"
    assert said(policy_guard, MASK.encode(), "text/plain") == b"<[MASK]>"
    assert said(policy_guard, b"fine", "text/a") == b"<fine>"
    with pytest.raises(BackendError, match="of type 'application/json'"):
        said(policy_guard, b"{}")
    for raw, kind in ((b"fine", "text/b"), (MASK.encode(), "text/c")):
        file = BufferedResponse(Exchange(Terms(policy_guard, False), API, {}), "text/b")
        assert list(file.released([raw])) == [b"fine" if raw == b"fine" else b"<[MASK]>"]
        assert (file.at_once, file.kind) == (True, kind)
    assert not BufferedResponse(Exchange(Terms(policy_guard, False), API, {}), "text/a").at_once
