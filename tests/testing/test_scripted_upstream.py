"""The scripted upstream before the released SDKs, and over bare HTTP for APIs whose SDKs are not installed."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import anthropic
import openai
import pytest

from guardrails.protocols.registry import load_protocols
from guardrails.testing import ErrorReply, RawReply, ReceivedRequest, Reply, ScriptedUpstream
from guardrails.testing.answers import VECTOR, WRITERS
from guardrails.testing.scripted_upstream import find_protocol
from guardrails.types import ToolCall
from tests.cases import each_case
from tests.protocols.conftest import AnswerReader

CALL = ToolCall("weather", '{"city": "Rome"}')
ASKED: Any = [{"role": "user", "content": "What of Rome?"}]
TEXT = "Hello there, friend."


@pytest.fixture(scope="module")
def served() -> Iterator[ScriptedUpstream]:
    """One for all tests."""
    with ScriptedUpstream() as upstream:
        yield upstream


@pytest.fixture
def upstream(served: ScriptedUpstream) -> ScriptedUpstream:
    """The upstream, which says `Hello.` until it is told otherwise."""
    served.reset()
    return served


@pytest.fixture
def gpt(upstream: ScriptedUpstream) -> Iterator[openai.OpenAI]:
    """OpenAI's client."""
    with openai.OpenAI(base_url=upstream.url, api_key="none", max_retries=0) as client:
        yield client


@pytest.fixture
def claude(upstream: ScriptedUpstream) -> Iterator[anthropic.Anthropic]:
    """Anthropic's client."""
    with anthropic.Anthropic(base_url=upstream.origin, api_key="none", max_retries=0) as client:
        yield client


def send(
    upstream: ScriptedUpstream, path: str, body: Any, *, chunked: bool = False, method: str = "POST"
) -> tuple[int, bytes]:
    """Send a request over bare HTTP."""
    connection = http.client.HTTPConnection(urlsplit(upstream.origin).netloc, timeout=20)
    raw = json.dumps(body).encode()
    try:
        connection.request(method, path, iter([raw[:5], raw[5:]]) if chunked else raw, encode_chunked=chunked)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


@pytest.mark.parametrize("cut", [0, 1, 4])
def test_openai_s_chats_read_it(upstream: ScriptedUpstream, gpt: openai.OpenAI, cut: int) -> None:
    """Texts and calls of tools, whole and streamed; a stream brings as many pieces as the script says."""
    upstream.reply_with(Reply(TEXT, [CALL], cut=cut))
    answer = gpt.chat.completions.create(model="m", messages=ASKED).choices[0]
    assert (answer.message.content, answer.finish_reason) == (TEXT, "tool_calls")
    assert answer.message.tool_calls is not None
    assert answer.message.tool_calls[0].function.arguments == CALL.arguments  # type: ignore[union-attr]
    with gpt.chat.completions.stream(model="m", messages=ASKED) as stream:
        deltas = [event.delta for event in stream if event.type == "content.delta"]
        assert stream.get_final_completion().choices[0].message.content == TEXT
    assert [delta for delta in deltas if delta] == (Reply(cut=cut).pieces(TEXT))


@pytest.mark.parametrize("cut", [0, 3])
def test_openai_s_responses_read_it(upstream: ScriptedUpstream, gpt: openai.OpenAI, cut: int) -> None:
    """As chats do; events are numbered."""
    upstream.reply_with(Reply(TEXT, [CALL], cut=cut))
    answer = gpt.responses.create(model="m", input="hi")
    assert (answer.output_text, answer.output[1].type) == (TEXT, "function_call")
    with gpt.responses.stream(model="m", input="hi") as stream:
        events = [*stream]
        assert stream.get_final_response().output_text == TEXT
    said: dict[str, list[str]] = {}
    for event in events:
        if event.type.endswith(".delta"):
            said.setdefault(event.type, []).append(event.delta)  # type: ignore[union-attr, arg-type]
    assert said["response.output_text.delta"] == Reply(cut=cut).pieces(TEXT)
    assert said["response.function_call_arguments.delta"] == [CALL.arguments]
    assert [event.sequence_number for event in events] == [*range(len(events))]


@pytest.mark.parametrize("cut", [0, 3])
def test_anthropic_s_messages_read_it(
    upstream: ScriptedUpstream, claude: anthropic.Anthropic, cut: int
) -> None:
    """As chats do; and tokens are counted."""
    upstream.reply_with(Reply(TEXT, [CALL], cut=cut))
    given: Any = {"model": "m", "messages": ASKED}
    answer = claude.messages.create(max_tokens=9, **given)
    assert [block.type for block in answer.content] == ["text", "tool_use"]
    with claude.messages.stream(max_tokens=9, **given) as stream:
        assert [*stream.text_stream] == Reply(cut=cut).pieces(TEXT)
        final = stream.get_final_message()
    assert final.content[1].input == {"city": "Rome"}  # type: ignore[union-attr]
    assert final.stop_reason == "tool_use"
    assert claude.messages.count_tokens(**given).input_tokens == 1


def test_other_calls_of_openai_s_read_it(upstream: ScriptedUpstream, gpt: openai.OpenAI) -> None:
    """Completions in the pieces that were given, several choices, and vectors."""
    upstream.reply_with(Reply(["one ", "two"]))
    assert gpt.completions.create(model="m", prompt="hi").choices[0].text == "one two"
    pieces = [chunk.choices[0].text for chunk in gpt.completions.create(model="m", prompt="hi", stream=True)]
    assert pieces == ["one ", "two", ""]
    assert len(gpt.chat.completions.create(model="m", messages=ASKED, n=3).choices) == 3
    vectors = gpt.embeddings.create(model="m", input=["a", "b"]).data
    assert [vector.embedding for vector in vectors] == [[*VECTOR]] * 2
    usage = [chunk.usage for chunk in gpt.chat.completions.create(
        model="m", messages=ASKED, stream=True, stream_options={"include_usage": True}
    )]  # fmt: skip
    assert usage[-1] is not None
    assert usage[:-1] == [None] * (len(usage) - 1)


CONTENTS = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}


@each_case(
    ("path", "body", "streamed"),
    [
        ("/api/chat", {"model": "m", "messages": ASKED}, True),
        ("/api/chat", {"model": "m", "messages": ASKED, "stream": False}, False),
        ("/api/generate", {"model": "m", "prompt": "hi"}, True),
        ("/v1beta/models/m:generateContent", CONTENTS, False),
        ("/v1beta/models/m:streamGenerateContent?alt=sse", CONTENTS, True),
        ("/openai/deployments/d/chat/completions?api-version=1", {"messages": ASKED, "stream": True}, True),
    ],
)
def test_every_api_with_words_says_them(
    upstream: ScriptedUpstream, path: str, body: Any, streamed: bool
) -> None:
    """Its own codec reads what it writes: the assembler of its stream puts the whole together again."""
    upstream.reply_with(Reply(TEXT, cut=6))
    status, raw = send(upstream, path, body)
    assert status == 200
    protocol = upstream.requests[-1].protocol
    assert protocol is not None
    assert protocol.stream is not None
    if streamed:
        reader, assembler = protocol.stream.framing.reader(), AnswerReader(protocol.stream.codec())
        events = [
            event for event in (*reader.feed(raw), *reader.flush()) if event.data not in (b"", b"[DONE]")
        ]
        assert len(events) > 4
        for event in events:
            assembler.take(json.loads(event.data))
        whole = assembler.answer()
    else:
        whole = json.loads(raw)
    protocol.check_response(whole)
    assert protocol.read_response is not None
    texts = [getattr(leaf.content, "text", "") for leaf in protocol.read_response(whole).leaves]
    assert TEXT in texts


@each_case("protocol", load_protocols(), ids=lambda protocol: protocol.name)
def test_every_api_is_found_by_its_path(protocol: Any) -> None:
    """Those that can say a text have a writer; one that the proxy does not serve may stand where another does (Mistral's)."""
    path = protocol.path if not protocol.path.startswith(":") else f"/models/m{protocol.path}"
    found = find_protocol(protocol.method, protocol.provider.root + path.replace("*", "some_id"))
    assert found is not None
    assert (found.path, found.method) == (protocol.path, protocol.method)
    assert found.provider == protocol.provider or not protocol.is_served
    assert protocol.refuse is None or protocol.name in WRITERS


def test_a_request_tells_what_the_model_was_told(upstream: ScriptedUpstream, gpt: openai.OpenAI) -> None:
    """Its texts as a policy reads them, its headers and its body."""
    gpt.chat.completions.create(model="m", messages=[{"role": "system", "content": "Be brief."}, *ASKED])
    [request] = upstream.requests
    assert request.texts == ["Be brief.", "What of Rome?"]
    assert request.json["model"] == "m"
    assert (request.method, request.path) == ("POST", "/v1/chat/completions")
    assert request.headers["authorization"] == "Bearer none"
    assert upstream.arrived.is_set()


def test_replies_come_in_turn_and_the_last_one_stays(upstream: ScriptedUpstream, gpt: openai.OpenAI) -> None:
    """A text, a call, a body, a function of the request, an error."""

    def echo(request: ReceivedRequest) -> str:
        return f"You said: {request.texts[-1]}"

    body = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "raw"}}]}
    upstream.reply_with("one", CALL, body, json.dumps(body).encode(), echo)
    said = [gpt.chat.completions.create(model="m", messages=ASKED).choices[0].message for _ in range(6)]
    assert [message.content for message in said] == [
        "one",
        None,
        "raw",
        "raw",
        *["You said: What of Rome?"] * 2,
    ]
    assert said[1].tool_calls
    upstream.reset()
    assert upstream.requests == []
    assert gpt.chat.completions.create(model="m", messages=ASKED).choices[0].message.content == "Hello."


def test_errors_are_the_api_s_own(
    upstream: ScriptedUpstream, gpt: openai.OpenAI, claude: anthropic.Anthropic
) -> None:
    """Each SDK raises what it raises for its provider's."""
    upstream.reply_with(ErrorReply(429, "Slow down.", "rate_limit", {"retry-after": "7"}))
    with pytest.raises(openai.RateLimitError, match="Slow down") as limited:
        gpt.chat.completions.create(model="m", messages=ASKED)
    assert limited.value.response.headers["retry-after"] == "7"
    with pytest.raises(anthropic.RateLimitError, match="Slow down"):
        claude.messages.create(model="m", max_tokens=1, messages=ASKED)


@each_case(
    ("path", "status", "code"),
    [
        ("/nowhere", 404, "unknown_url"),
        ("/v1/images/generations", 501, "no_words"),
        ("/v1/chat/completions", 500, "script"),
    ],
)
def test_what_cannot_be_said_is_an_error_that_says_why(
    upstream: ScriptedUpstream, path: str, status: int, code: str
) -> None:
    """An API that there is not, one without words, and a script that fails."""

    def fail(request: ReceivedRequest) -> str:
        raise AssertionError(f"not {request.path}")

    upstream.reply_with(fail if code == "script" else "words")
    got, raw = send(upstream, path, {"prompt": "x", "messages": []})
    error = json.loads(raw)["error"]
    assert (got, error["code"]) == (status, code)
    assert path in error["message"] or "images" in error["message"]


def test_a_body_that_is_none_is_the_client_s_mistake(upstream: ScriptedUpstream) -> None:
    """Where a script needs it: a stream or not."""
    assert send(upstream, "/v1/chat/completions", {"stream": "yes"})[0] == 400
    assert send(upstream, "/v1/chat/completions", [])[0] == 400


def test_bytes_are_sent_as_they_are(upstream: ScriptedUpstream) -> None:
    """Whole, in chunks, cut off, after something happened; and any method of HTTP is answered."""
    upstream.reply_with(RawReply([b"ab", b"c"], 201, "text/plain", {"x-more": "1"}))
    assert send(upstream, "/x", {}, chunked=True) == (201, b"abc")
    assert upstream.requests[-1].json == {}
    assert send(upstream, "/x", {}, method="PATCH") == (201, b"abc")
    assert upstream.requests[-1].method == "PATCH"
    upstream.reply_with(RawReply([b"{}"], cut=True))
    with pytest.raises(http.client.IncompleteRead):
        send(upstream, "/x", {})
    gate = threading.Event()
    upstream.reply_with(RawReply([b"a", gate, b"b"], content_type="text/plain"))
    upstream.arrived.clear()
    waiting = threading.Thread(target=lambda: upstream.arrived.wait(20) and gate.set())
    waiting.start()
    assert send(upstream, "/x", {}) == (200, b"ab")
    waiting.join()
    assert upstream.sent.is_set()


def test_a_client_that_goes_is_noticed(upstream: ScriptedUpstream) -> None:
    """While the upstream hangs; connections are counted."""
    upstream.reply_with(RawReply([], hang=True))
    connection = http.client.HTTPConnection(urlsplit(upstream.origin).netloc, timeout=20)
    connection.request("POST", "/v1/chat/completions", b"{}")
    assert upstream.arrived.wait(20)
    connection.close()
    assert upstream.dropped.wait(20)
    assert upstream.connections == 1
    upstream.reply_with(RawReply(garbage=b"no HTTP"))
    with pytest.raises(http.client.BadStatusLine):
        send(upstream, "/x", {})


def test_it_ends_with_its_block() -> None:
    """Nothing listens any more."""
    with ScriptedUpstream("once") as upstream:
        assert send(upstream, "/v1/chat/completions", {"messages": []})[0] == 200
    with pytest.raises(ConnectionError):
        send(upstream, "/v1/chat/completions", {"messages": []})
