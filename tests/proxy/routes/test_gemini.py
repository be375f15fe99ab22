"""Google's Gemini API: requests and answers judged, in its own forms; what the upstream gets, and what it never gets."""

from __future__ import annotations

import http.client
import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

from guardrails.errors import RequestError
from guardrails.protocols.gemini import gemini_fields as tables
from guardrails.proxy.exchange.speculative_request import BESIDE, HOSTED, UNSEEN, decide_order
from guardrails.proxy.routes import gemini
from tests.cases import each_case
from tests.proxy.gemini_kit import candidate, chunk, chunks, gemini_answer
from tests.proxy.metrics_kit import counted

HI = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
PATH = "/v1beta/models/gemini-x:"
STREAM = "streamGenerateContent?alt=sse"
SAFETY = {"finishReason": "SAFETY", "finishMessage": "Not that."}
FEEDBACK = {"promptFeedback": {"blockReason": "SAFETY", "blockReasonMessage": "Not that."}}


def asking(text: str, **fields: Any) -> dict[str, Any]:
    """Return a request whose user says a text."""
    return {"contents": [{"role": "user", "parts": [{"text": text}]}], **fields}


@pytest.fixture
def ask(proxy, kit):
    """Return a function: a method and a body in, the answer of the proxy out."""
    return lambda method, body=HI, **headers: kit.send(
        proxy, PATH + method, body, {name.replace("_", "-"): value for name, value in headers.items()}
    )


def streamed(fake: Any, *sent: Any, **more: Any) -> None:
    """Have the upstream answer these chunks."""
    fake.streams(*sent, done=False, **more)


def said(answer: Any) -> str:
    """Return what people read of an answer, of a stream, or of an array."""
    told = answer.frames if answer.raw.startswith(b"data: ") else answer.json
    return "".join(
        part.get("text", "")
        for frame in (told if isinstance(told, list) else [told])
        for each in frame.get("candidates", [])
        for part in each.get("content", {}).get("parts", [])
        if not part.get("thought")
    )


def test_what_is_allowed_goes_through_unchanged(ask, fake) -> None:
    """Byte for byte, both ways, to the path that was asked, below the version that was asked."""
    raw = json.dumps(gemini_answer("Hello.", {"functionCall": {"name": "f", "args": {"n": 1.50}}})).encode()
    fake.answers(raw)
    body = b'{"contents": [{"parts":[{"text":"hi"}]}],  "generationConfig": {"temperature": 0.10}}'

    answer = ask("generateContent", body)

    assert (answer.status, answer.raw) == (200, raw)
    assert answer.action == ("allow", "")
    assert (fake.asked[0].path, fake.asked[0].raw) == (PATH + "generateContent", body)


@each_case(("asked", "sent"), [("/v1beta", "/v1beta"), ("/v1", "/v1")])
def test_both_versions_are_asked_as_they_are(serve, fake, kit, asked, sent) -> None:
    """Whatever version the upstream's URL ends with."""
    for upstream in (fake.url, fake.url.replace("/v1", "/v1beta")):
        fake.asked.clear()
        kit.send(serve(upstream=upstream), f"{asked}/models/m:generateContent", HI)
        assert fake.asked[0].path == f"{sent}/models/m:generateContent"


def test_redactions_stand_in_both(ask, fake) -> None:
    """In the request that the upstream gets, and in the answer."""
    fake.answers(gemini_answer("a zqxmask", avgLogprobs=-1.0))

    answer = ask(
        "generateContent", asking("say zqxmask", system_instruction={"parts": {"text": "no zqxmask"}})
    )

    assert said(answer) == "a [MASK]"
    assert "avgLogprobs" not in answer.json["candidates"][0]
    assert fake.asked[0].json == asking("say [MASK]", system_instruction={"parts": {"text": "no [MASK]"}})
    assert answer.action == ("redact", "mask.redact")


def test_a_prompt_that_is_stopped_is_answered_as_google_does(ask, fake) -> None:
    """With 200 and feedback, in the form that was asked for; the upstream gets nothing."""
    whole, events, array = (
        ask(method, asking("a zqxbomb")) for method in ("generateContent", STREAM, "streamGenerateContent")
    )

    assert (whole.status, whole.json) == (200, FEEDBACK)
    assert (events.status, events.frames) == (200, [FEEDBACK])
    assert (array.status, array.json) == (200, [FEEDBACK])
    assert {answer.action for answer in (whole, events, array)} == {("block", "bomb.block")}
    assert fake.asked == []


def test_a_count_of_what_is_stopped_is_an_error(ask, fake) -> None:
    """It has no feedback; in Google's shape. Other counts are forwarded."""
    fake.answers({"totalTokens": 3})

    stopped, fine = ask("countTokens", asking("a zqxbomb")), ask("countTokens")

    error = stopped.json["error"]
    assert (stopped.status, error["code"], error["status"]) == (400, 400, "INVALID_ARGUMENT")
    assert error["details"][0]["reason"] == "content_filter"
    assert error["details"][0]["metadata"] == {
        "param": "contents",
        "rules": "bomb.block",
        "policy": "tested@0",
    }
    assert (fine.status, fine.json) == (200, {"totalTokens": 3})
    assert len(fake.asked) == 1


def test_candidates_are_refused_each_for_itself(ask, fake) -> None:
    """The other stays; what belongs to none stops all."""
    both = {**gemini_answer("x"), "candidates": [candidate("a zqxbomb"), candidate("fine", index=1)]}
    fake.answers(both)
    answer = ask("generateContent", asking("hi", generationConfig={"candidateCount": 2}))
    assert answer.json["candidates"] == [{"index": 0, **SAFETY}, candidate("fine", index=1)]
    assert answer.action == ("block", "bomb.block")

    fake.answers({**both, "note": "a zqxbomb"})
    answer = ask("generateContent")
    assert answer.json["candidates"] == [{"index": 0, **SAFETY}, {"index": 1, **SAFETY}]
    assert b"zqx" not in answer.raw

    fake.answers({"promptFeedback": {"blockReason": "OTHER", "blockReasonMessage": "a zqxbomb"}})
    assert ask("generateContent").json == {"candidates": [{"index": 0, **SAFETY}]}


@pytest.mark.parametrize("size", [1, 4, 100])
@pytest.mark.parametrize("method", [STREAM, "streamGenerateContent"])
def test_a_stream_is_judged_as_it_comes(ask, fake, method, size) -> None:
    """As events and as an array; always asked for as events."""
    streamed(fake, *chunks(gemini_answer("it says zqxmask, so."), size))
    redacted = ask(method)
    streamed(fake, *chunks(gemini_answer("it says zqxbomb, so."), size))
    stopped = ask(method)

    assert said(redacted) == "it says [MASK], so."
    assert "it says".startswith(said(stopped)) or said(stopped) == "it says "
    told = stopped.frames if method == STREAM else stopped.json
    assert told[-1]["candidates"] == [{"index": 0, **SAFETY}]
    assert told[-1]["x-guardrails-action"] == "block"
    assert b"zqx" not in redacted.raw + stopped.raw
    assert {asked.path for asked in fake.asked} == {PATH + STREAM}


@contextmanager
def opened(url: str, method: str) -> Iterator[http.client.HTTPResponse]:
    """Ask for a stream; yields the answer as soon as its headers are there."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
    try:
        connection.request("POST", PATH + method, json.dumps(HI))
        with connection.getresponse() as response:
            yield response
    finally:
        connection.close()


def until(response: http.client.HTTPResponse, words: bytes) -> bytes:
    """Read until these bytes are there."""
    raw = b""
    while words not in raw:
        piece = response.read1(4096)
        assert piece
        raw += piece
    return raw


@each_case("method", [STREAM, "streamGenerateContent"])
def test_a_text_goes_on_before_the_answer_ends(proxy, fake, method) -> None:
    """The client has the first words while the upstream still thinks; in an array too."""
    gate = threading.Event()
    streamed(fake, chunk("The first words. "), chunk("And "), gate, chunk("more.", finishReason="STOP"))

    with opened(proxy, method) as response:
        until(response, b"words")  # in one piece or two, as the pieces come
        gate.set()
        assert b"more." in response.read()


@each_case(("method", "sign"), [(STREAM, b"\n"), ("streamGenerateContent", b"[\n\n")])
def test_signs_of_life_are_no_comments(serve, fake, method, sign) -> None:
    """Google's clients read each line: there are empty ones. What the checks found stands in the chunk behind them."""
    gate = threading.Event()
    streamed(fake, chunk("Yes. "), gate, chunk("zqxflag ", finishReason="STOP"), gate=threading.Event())

    with opened(serve(keep_alive_s=0.02), method) as response:
        raw = until(response, sign)
        fake.reply.gate.set()
        gate.set()
        raw += response.read()

    told = (
        json.loads(raw)
        if raw.startswith(b"[")
        else [json.loads(line[6:]) for line in raw.split(b"\n") if line]
    )
    assert told[-1]["x-guardrails-rules"] == "flag.flag"
    assert raw.count(b": x-guardrails") == 0


def test_google_older_clients_say_more_of_their_json(ask, fake) -> None:
    """They get an array, with words for enumerations."""
    streamed(fake, chunk("Yes.", finishReason="STOP"))

    answer = ask("streamGenerateContent?$alt=json%3Benum-encoding%3Dint")

    assert (answer.status, said(answer)) == (200, "Yes.")


def test_what_a_client_names_itself_with_goes_on(serve, fake, kit) -> None:
    """By header or in the query, which becomes a header; the operator's key goes instead of all of them."""
    headers = {"x-goog-api-key": "K", "authorization": "Bearer T", "x-goog-user-project": "p", "x-other": "o"}
    kit.send(serve(), PATH + "generateContent", HI, headers)
    kit.send(serve(), PATH + "generateContent?key=Q", HI)
    kit.send(serve(upstream_key="OURS"), PATH + "generateContent?key=Q", HI, headers)

    first, second, third = (asked.headers for asked in fake.asked)
    assert first.items() >= {**headers, "x-goog-api-key": "K"}.items() - {("x-other", "o")}
    assert "x-other" not in first
    assert second["x-goog-api-key"] == "Q"
    assert (third["x-goog-api-key"], third.get("authorization")) == ("OURS", None)
    assert not any("key=" in asked.path for asked in fake.asked)


def test_a_key_in_the_query_reaches_no_log(serve, fake, kit, caplog) -> None:
    """Also where something fails."""
    with caplog.at_level(logging.DEBUG):
        fake.answers(b"no JSON")
        kit.send(serve(), PATH + "generateContent?key=secret-Q", HI)
        kit.send(serve(), PATH + "generateContent?key=secret-Q", b"no JSON")
    assert "secret-Q" not in caplog.text


@each_case(
    ("path", "body", "reason"),
    [
        (PATH + "generateContent", b"{", "invalid_json"),
        (PATH + "generateContent", {}, "invalid_contents"),
        (PATH + "generateContent", {**HI, "cachedContent": "cachedContents/x"}, "unsupported_field"),
        (PATH + "generateContent", {**HI, "toolConfig": {}, "tool_config": {}}, "duplicate_key"),
        (PATH + "generateContent", {**HI, "model": "models/other"}, "ambiguous_model"),
        (PATH + "countTokens", {"generateContentRequest": {**HI, "model": "other"}}, "ambiguous_model"),
        (PATH + "streamGenerateContent?alt=proto", HI, "invalid_query"),
        (PATH + "streamGenerateContent?alt=sse&alt=json", HI, "invalid_query"),
        (PATH + "generateContent?key=", HI, "invalid_query"),
        ("/v1beta/models/a%20b:generateContent", HI, "invalid_model"),
        ("/v1beta/models/..:generateContent", HI, "invalid_model"),
        ("/v1beta/models/" + "m" * 129 + ":generateContent", HI, "invalid_model"),
        ("/v1beta/models/m:embedContent", HI, "not_found"),
        ("/v1beta/cachedContents", HI, "not_found"),
    ],
)
def test_what_cannot_be_served_is_an_error_of_googles(proxy, fake, kit, path, body, reason) -> None:
    """With our reason in its details; nothing is forwarded."""
    answer = kit.send(proxy, path, body)

    error = answer.json["error"]
    assert error["code"] == answer.status
    assert error["status"] == ("NOT_FOUND" if reason == "not_found" else "INVALID_ARGUMENT")
    assert error["details"][0]["reason"] == reason
    assert fake.asked == []


def test_the_upstreams_errors_are_told(ask, fake) -> None:
    """With its status and words, as long as these are harmless; in a stream as its last chunk."""
    fake.answers({"error": {"code": 429, "message": "slow down", "status": "RESOURCE_EXHAUSTED"}}, 429)
    told = {"error": {"code": 429, "message": "slow down", "status": "RESOURCE_EXHAUSTED"}}
    assert [ask(method).json for method in ("generateContent", STREAM)] == [told, told]

    streamed(fake, chunk("Yes. "), {"error": {"code": 500, "message": "it broke", "status": "INTERNAL"}})
    assert ask(STREAM).frames[-1]["error"]["message"] == "it broke"
    streamed(fake, chunk("Yes. "))
    assert ask(STREAM).frames[-1]["error"]["details"][0]["reason"] == "upstream_invalid"


def test_policies_and_metrics_know_the_model_and_the_route(serve, guard_of, fake, kit) -> None:
    """The model is that of the path; a route has one name, whatever its model."""
    rule = '{id: model.block, on: input, when: request.model == "gemini-x", then: block, message: No.}'
    url = serve(guard_of(f"rules: [{rule}]"))
    fake.answers(gemini_answer("Hello."))

    assert (
        "promptFeedback" in kit.send(url, PATH + "generateContent", {**HI, "model": "models/gemini-x"}).json
    )
    assert "candidates" in kit.send(url, "/v1/models/other:generateContent", HI).json
    text = kit.send(url, "/metrics").raw.decode()
    for base, action in (("/v1beta", "block"), ("/v1", "allow")):
        labels = {"route": base + "/models/{model}:generateContent", "status": "200", "action": action}
        assert counted(text, "guardrails_requests_total", **labels) == 1
    assert "gemini-x" not in text


@each_case("method", ["generateContent", STREAM])
def test_a_request_may_be_sent_beside_its_check(serve, guard_of, fake, kit, method) -> None:
    """Under a parallel policy; what is stopped is answered as ever, and of its answer nothing is told."""
    blocking = kit.policy.replace("then: redact", "then: block")
    url = serve(guard_of("parallel: true\nhistory: block\n" + blocking))
    streamed(fake, chunk("Yes.", finishReason="STOP"))
    if method != STREAM:
        fake.answers(gemini_answer("Yes."))

    fine, stopped = (kit.send(url, PATH + method, asking(text)) for text in ("hi", "a zqxbomb"))

    assert said(fine) == "Yes."
    assert (stopped.frames if method == STREAM else [stopped.json]) == [FEEDBACK]
    assert 'guardrails_parallel_total{sent="beside"} 2' in kit.send(url, "/metrics").raw.decode()


DECLARED = {"functionDeclarations": [{"name": "f"}]}


@each_case(
    ("fields", "expected"),
    [
        ({}, BESIDE),
        ({"tools": [DECLARED]}, BESIDE),
        ({"tools": [{"function_declarations": [{"name": "f"}]}]}, BESIDE),
        ({"tools": [{"googleSearch": {}}]}, HOSTED),
        ({"tools": [{**DECLARED, "codeExecution": {}}]}, HOSTED),
        ({"tools": [{"name": "f", "url_context": {}}]}, UNSEEN),
        ({"tools": {"urlContext": {}}}, HOSTED),
        ({"note": "x"}, UNSEEN),
    ],
)
def test_what_the_provider_runs_is_judged_first(fields, expected) -> None:
    """Under a parallel policy only what runs nothing is sent beside its check."""
    body = {**HI, **fields}
    assert decide_order("/models/m:generateContent", body, tables.read_request(body)) == expected


def test_a_body_may_name_the_model_of_its_path() -> None:
    """With or without what stands before it."""
    for named in ("m", "models/m"):
        assert gemini.read_for_model({**HI, "model": named}, "m", tables.read_request).leaves
    with pytest.raises(RequestError):
        gemini.read_for_model({**HI, "model": ["m"]}, "m", tables.read_request)
