"""Harnesses of bodies and streams of all APIs of the registry."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from guardrails import Guard
from guardrails.engine.values.writer import value_at
from guardrails.errors import BackendError, Blocked, GuardrailsError, RequestError
from guardrails.protocols.audio import speech_fields
from guardrails.protocols.protocol import Protocol
from guardrails.protocols.registry import load_protocols
from guardrails.protocols.streaming.assembler import Assembler
from guardrails.wire import strict_json
from guardrails.wire.pointers import Path
from guardrails.wrapping.sdk.events import ClientEvent, ClientEventReader
from guardrails.wrapping.sdk.exchange import Exchange, Terms
from guardrails.wrapping.sdk.streaming_response import StreamingResponse
from tests.protocols.conftest import begin_text
from tests.thorough.fuzz.harness import Harness, cut_at, split_head
from tests.thorough.fuzz.leaks import POLICY, holds_word


@cache
def guard() -> Guard:
    """Return the guard."""
    return Guard.load(POLICY)


FORMED: Mapping[str, Callable[[dict[str, Any]], Any]] = {
    "openai.audio.speech": lambda answer: speech_fields.Events(events=[answer], asked={}),
}
"""Name of a protocol → what its answers are made of that are no JSON."""


def _choose(name: bytes, known: tuple[Protocol, ...]) -> Protocol:
    """Return the protocol of a name; another one for each name that is none."""
    by_name = {protocol.name.encode(): protocol for protocol in known}
    return by_name.get(name) or known[zlib.crc32(name) % len(known)]


def _judge(data: bytes, reads: Callable[[Protocol], Any], stage: str) -> None:
    name, raw = split_head(data)
    protocol = _choose(name, tuple(each for each in load_protocols() if reads(each) is not None))
    try:
        body = strict_json.parse_request(raw)
        if stage == "input":
            protocol.is_streamed(body)
            given = protocol.request_payload(body)
        else:
            protocol.check_response(body)
            body = FORMED.get(protocol.name, dict)(body)
            given = protocol.response_payload(body)
        before = strict_json.dump(body)
        verdict = guard().check(given, stage)
    except (RequestError, BackendError):
        return
    assert strict_json.dump(body) == before, "the body was changed in its place"
    if verdict.blocked:
        assert verdict.content is None
        return
    if verdict.action < "redact":
        assert verdict.content is body
    left: Any = verdict.content
    assert not holds_word(left), left
    strict_json.parse(strict_json.dump(left))


def judge_requests(data: bytes) -> None:
    """A request is refused or judged; what goes on is valid, holds nothing that is stopped, and is the same where nothing is."""
    _judge(data, lambda protocol: protocol.read_request, "input")


def judge_answers(data: bytes) -> None:
    """The same of answers."""
    _judge(data, lambda protocol: protocol.read_response, "output")


class _Read:
    """What a client reads of a stream.

    Attributes:
        texts: its growing texts, by where they stand in the whole answer.
        answer: the whole answer, None where there is none.
        sent: everything that its events say.
        error: why it ended early.
    """

    def __init__(self, protocol: Protocol, raw: bytes, error: str = "") -> None:
        assert protocol.stream is not None
        self.texts: dict[Path, str] = {}
        self.answer: Any = None
        self.sent: list[dict[str, Any]] = []
        self.error = error
        self._codec, self._assembler = protocol.stream.codec(), Assembler()
        reader = ClientEventReader(protocol.stream.framing.reader())
        for event in (*reader.feed(raw), *reader.flush()):
            self.sent.append(event.data)
            if "error" in (event.name, event.data.get("type")) or event.data.get("error") is not None:
                self.error = "told"
                return
            if self._take(event):
                break
        if not self.error:
            self._assembler.apply(self._codec.finish())
            self.answer = self._assembler.answer()

    def _take(self, event: ClientEvent) -> bool:
        """Take an event; return whether it is the last."""
        item = self._codec.read(event.data, event.name, begin_text)
        self._assembler.apply(item.patches)
        for grown, path in item.grows:
            piece = value_at(event.data, path)
            self._assembler.append(grown.path, piece)
            grown.whole(piece)
            self.texts[grown.path] = self.texts.get(grown.path, "") + piece
        return item.is_last


def _relay(protocol: Protocol, pieces: list[bytes]) -> _Read:
    """Return what goes on of a stream in these pieces, and what ends it."""
    exchange = Exchange(Terms(guard(), answers=False), protocol, {"model": "m"})
    out: list[bytes] = []
    error = ""
    try:
        out.extend(StreamingResponse(exchange).released(iter(pieces)))
    except Blocked:
        error = "blocked"
    except GuardrailsError as problem:
        error = type(problem).__name__
    return _Read(protocol, b"".join(out), error)


def cut_streams(data: bytes) -> None:
    """However a stream is cut, the same texts go on of it, none of which holds what is stopped; of one that is stopped, a beginning
    of them.
    """
    head, raw = split_head(data)
    name, _, cuts = head.partition(b" ")
    protocol = _choose(name, tuple(each for each in load_protocols() if each.stream is not None))
    whole = _relay(protocol, [raw])
    for pieces in (cut_at(raw, cuts), cut_at(raw, b"\0")):
        other = _relay(protocol, pieces)
        assert other.error == whole.error, (other.error, whole.error)
        if not whole.error:
            assert other.texts == whole.texts
        for path in whole.texts.keys() & other.texts.keys():
            one, two = sorted((whole.texts[path], other.texts[path]), key=len)
            assert two.startswith(one), (path, one, two)
        assert not holds_word([*other.texts.values()])
    assert not holds_word([*whole.texts.values()])
    assert whole.error or not holds_word(whole.sent)
    _fits_whole_check(protocol, raw, whole)


def _fits_whole_check(protocol: Protocol, raw: bytes, left: _Read) -> None:
    """Assert that a stream came to what the check of the whole answer comes to."""
    try:
        came = _Read(protocol, raw)
        if came.answer is None:
            return
        verdict = guard().check(protocol.response_payload(came.answer), "output")
    except GuardrailsError:
        return
    if left.error in ("", "blocked"):
        assert verdict.blocked == (left.error == "blocked")
    if not left.error:
        content: Any = verdict.content
        assert left.texts == {path: value_at(content, path) for path in came.texts}


BODY_TOKENS = (
    b"zqxbomb", b"zqxveil", b'"zqxbomb"', b'"zqxveil"', b"[", b"]", b"{", b"}", b"null", b"true", b"1.10", b'"type":"text"', b'"role":"',
    b'"content":[', b'"text":', b'"stream":true', b'"metadata":{"a":"', b'"model":"', b'"id":"', b'"x_new":', b"\\u0000", b"\\ud83d",
)  # fmt: skip
STREAM_TOKENS = (
    b"zqxbomb",
    b"zqx",
    b"veil",
    b"bomb",
    b"\n\n",
    b"data: ",
    b"event: ",
    b"data: [DONE]\n\n",
    b'"error":{}',
    b"\r\n",
)

HARNESSES = (
    Harness("requests", judge_requests, BODY_TOKENS, json=True, cost=5),
    Harness("answers", judge_answers, BODY_TOKENS, json=True, cost=5),
    Harness("streams", cut_streams, STREAM_TOKENS, cost=30),
)
