"""How Gemini's API writes a stream: nothing but chunks, and what a comment tells in the chunk behind it."""

from __future__ import annotations

import json
from typing import Any

from guardrails.protocols.gemini.gemini_framing import ArrayWriter, ChunkWriter
from guardrails.wire import sse
from tests.cases import each_case

NOTED = sse.comment("x-guardrails-action: block; x-guardrails-rules: a,b")
TOLD = {"x-guardrails-action": "block", "x-guardrails-rules": "a,b"}
A, B = (sse.event(json.dumps({"n": n}).encode()) for n in (1, 2))


@each_case(
    ("sent", "chunks"),
    [
        ([], []),
        ([b""], []),
        ([A, B], [{"n": 1}, {"n": 2}]),
        ([A + B], [{"n": 1}, {"n": 2}]),
        ([sse.event(b'{"n":\n1}', b"message")], [{"n": 1}]),
        ([NOTED + A, B], [{**TOLD, "n": 1}, {"n": 2}]),
        ([A, NOTED + sse.KEEP_ALIVE, B], [{"n": 1}, {**TOLD, "n": 2}]),
        ([NOTED + sse.event(b' {"x-guardrails-action": "allow", "n": 1}')], [{**TOLD, "n": 1}]),
        ([sse.KEEP_ALIVE, A, sse.KEEP_ALIVE, sse.KEEP_ALIVE, B, sse.KEEP_ALIVE], [{"n": 1}, {"n": 2}]),
        ([sse.KEEP_ALIVE], []),
    ],
)
def test_both_forms_hold_the_same_chunks(sent: list[bytes], chunks: list[Any]) -> None:
    """Events have nothing but a line of data, or are empty lines; an array is one, however long nothing came."""
    events, array = ChunkWriter(), ArrayWriter()
    lines = (b"".join(map(events.feed, sent)) + events.flush()).split(b"\n")
    raw = b"".join(map(array.feed, sent)) + array.flush()

    assert all(not line or line.startswith(b"data: {") for line in lines)
    assert [json.loads(line[6:]) for line in lines if line] == chunks
    assert json.loads(raw) == chunks
    assert raw.startswith(b"[")


def test_what_is_told_stands_behind_the_fields_of_a_chunk() -> None:
    """Google's client of Python raises for a chunk that begins with `error`, and takes any other for a part of the reply."""
    failure = sse.event(b'{"error": {"code": 503}}')

    assert ChunkWriter().feed(NOTED + failure).startswith(b'data: {"error":')
    assert ArrayWriter().feed(NOTED + failure).startswith(b'[{"error":')


def test_each_piece_is_sent_at_once() -> None:
    """An entry of an array does not wait for the next one; a sign of life is seen from the first."""
    array = ArrayWriter()

    assert [array.feed(piece) for piece in (sse.KEEP_ALIVE, A, sse.KEEP_ALIVE, B)] == [
        b"[\n",
        b'{"n": 1}',
        b"\n",
        b',\r\n{"n": 2}',
    ]
    assert ArrayWriter.headers["content-type"].startswith("application/json")
    assert ChunkWriter.headers["content-type"].startswith("text/event-stream")
