"""What the upstream gets, what of its answer passes, and every way in which it fails."""

from __future__ import annotations

import asyncio
import math
import socket
import threading

import aiohttp
import pytest

from guardrails.errors import BackendError, RequestError
from guardrails.proxy.server.errors import UpstreamAnswer
from guardrails.proxy.upstreams.upstream_client import SlowFirstByte, address, failure_of
from tests.cases import each_case

FAULTS = {
    "not JSON": ({"body": b"<html>zqxbomb</html>"}, 502, "upstream_invalid"),
    "no choices": ({"body": {"id": "x"}}, 502, "upstream_invalid"),
    "cut": ({"body": {"choices": []}, "cut": True}, 502, "upstream_invalid"),
    "garbage": ({"body": b"", "garbage": b"zqxbomb\r\n\r\n"}, 502, "upstream_invalid"),
    "nothing": ({"body": b"", "garbage": b""}, 502, "upstream_invalid"),
    "redirect": (
        {"body": b"", "status": 302, "headers": {"location": "http://127.0.0.1:1/"}},
        502,
        "upstream_invalid",
    ),
    "empty": ({"body": b"", "status": 204}, 502, "upstream_invalid"),
    "too many requests": (
        {"body": {"error": {"message": "slow", "code": "slow_down"}}, "status": 429},
        429,
        "slow_down",
    ),
    "unauthorized": (
        {"body": {"error": {"message": "key", "code": "invalid_api_key"}}, "status": 401},
        401,
        "invalid_api_key",
    ),
    "an error that is no JSON": ({"body": b"<h1>oops</h1>", "status": 500}, 500, "upstream_error"),
    "an error without end": ({"body": b'{"error": "' + b"x" * 200_000, "status": 503}, 503, "upstream_error"),
}


@each_case("streamed", [False, True])
@each_case("fault", FAULTS)
def test_a_failure_is_an_error_in_openais_shape(proxy, fake, kit, fault, streamed) -> None:
    """With a status that is true, never 200; with the headers of the check that was made; with no foreign text."""
    reply, status, code = FAULTS[fault]
    fake.answers(**reply)

    answer = kit.chat(proxy, kit.asking("a zqxflag", stream=streamed))

    assert (answer.status, answer.error["code"]) == (status, code)
    assert answer.action == ("flag", "flag.flag")
    assert b"zqxbomb" not in answer.raw


@each_case("path", ["/v1/chat/completions", "/v1/models"])
def test_an_upstream_that_is_away_is_502(serve, kit, path) -> None:
    """Nobody listens there."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = serve(upstream=f"http://127.0.0.1:{unused.getsockname()[1]}")
        answer = kit.send(url, path, kit.asking("hi") if "chat" in path else None)

    assert (answer.status, answer.error["code"]) == (502, "upstream_unreachable")


@pytest.mark.parametrize("settings", [{"idle_s": 0.2}, {"total_s": 0.2}])
def test_an_upstream_that_never_answers_is_504(serve, fake, kit, settings) -> None:
    """Both limits end the wait, and the connection with it."""
    fake.answers(b"", hang=True)
    fake.reply.pieces = []

    answer = kit.chat(serve(**settings), kit.asking("hi"))

    assert (answer.status, answer.error["code"]) == (504, "upstream_timeout")
    assert fake.dropped.wait(kit.wait_s)


def test_an_answer_over_the_limit_is_502(serve, fake, kit) -> None:
    """What is read of an upstream is bounded."""
    fake.answers(kit.completion("x" * 5000))

    assert kit.chat(serve(max_answer_bytes=1000), kit.asking("hi")).error["code"] == "upstream_invalid"


def test_only_known_headers_pass_either_way(proxy, fake, kit) -> None:
    """Authorization and tracing go there, rate limits and ids come back; cookies and orders by header do neither."""
    fake.answers(
        kit.completion("x"),
        headers={
            "x-request-id": "up1",
            "x-ratelimit-remaining-tokens": "9",
            "x-ratelimit-odd": "\u00e9",
            "set-cookie": "a=b",
            "x-guardrails-action": "lie",
        },
    )

    answer = kit.chat(
        proxy,
        kit.asking("hi"),
        authorization="Bearer k",
        openai_project="p",
        cookie="c=d",
        x_order="o",
        x_forwarded_for="f",
    )
    kit.chat(proxy, kit.asking("hi"))

    got = fake.asked[0].headers
    assert (got["authorization"], got["openai-project"], got["content-type"]) == (
        "Bearer k",
        "p",
        "application/json",
    )
    assert not {"cookie", "x-order", "x-forwarded-for"} & set(got)
    assert (answer.headers["x-request-id"], answer.headers["x-ratelimit-remaining-tokens"]) == ("up1", "9")
    assert answer.headers["x-guardrails-action"] == "allow"
    assert not {"set-cookie", "x-ratelimit-odd"} & set(answer.headers)
    assert "cookie" not in fake.asked[1].headers


def test_the_operators_key_replaces_the_clients(serve, fake, kit) -> None:
    """With a key of its own the proxy passes no client's on."""
    kit.chat(serve(upstream_key="secret"), kit.asking("hi"), authorization="Bearer client")

    assert fake.asked[0].headers["authorization"] == "Bearer secret"


KEY = "sk-operators"
QUOTED = {"error": {"message": f"Incorrect API key: {KEY}.", "type": "x", "code": "invalid_api_key"}}
STREAMED = {**QUOTED, "choices": []}


@each_case(
    ("path", "streamed", "reply"),
    [
        ("/v1/chat/completions", False, {"body": QUOTED, "status": 401}),
        ("/v1/chat/completions", True, {"body": QUOTED, "status": 401}),
        ("/v1/models", None, {"body": QUOTED, "status": 401}),
        ("/api/tags", None, {"body": QUOTED, "status": 401}),
        ("/v1/chat/completions", True, {"events": [STREAMED]}),
    ],
)
def test_no_client_is_told_the_operators_key(serve, fake, kit, path, streamed, reply) -> None:
    """Not where the upstream quotes it: in an error, or in the middle of a stream."""
    url = serve(upstream_key=KEY)
    if "events" in reply:
        fake.streams(*kit.pieces("Hello")[:2], *reply["events"])
    else:
        fake.answers(**reply)

    answer = kit.send(url, path, None if streamed is None else kit.asking("hi", stream=streamed))

    assert KEY.encode() not in answer.raw
    assert b"Incorrect API key: [SECRET]." in answer.raw
    assert KEY in fake.asked[-1].headers["authorization"]


@each_case("streamed", [False, True])
def test_a_connection_is_used_again(serve, fake, kit, streamed) -> None:
    """A whole answer and a stream read to its end leave the connection open for the next request."""
    fake.streams(*kit.pieces("x")) if streamed else fake.answers(kit.completion("x"))
    url = serve()
    before = fake.connections

    for _ in range(3):
        kit.chat(url, kit.asking("hi", stream=streamed))

    assert fake.connections == before + 1


def test_an_end_of_stream_that_nothing_follows_is_enough(serve, fake, kit) -> None:
    """An upstream that leaves the connection open after `[DONE]` holds nobody up."""
    fake.streams(*kit.pieces("fine"), hang=True)

    answer = kit.chat(serve(), kit.asking("hi", stream=True))

    assert answer.raw.endswith(b"data: [DONE]\n\n")
    assert fake.dropped.wait(kit.wait_s)


def test_requests_wait_for_the_upstream_side_by_side(proxy, fake, kit) -> None:
    """One slow answer holds up no other."""
    gate = threading.Event()
    fake.answers(kit.completion("slow"), gate=gate)
    answers = []
    thread = threading.Thread(target=lambda: answers.append(kit.chat(proxy, kit.asking("hi"))))
    thread.start()
    assert fake.arrived.wait(kit.wait_s)
    fake.answers(kit.completion("quick"))

    quick = kit.chat(proxy, kit.asking("hi")).json["choices"][0]["message"]["content"]
    waiting = list(answers)
    gate.set()
    thread.join(kit.wait_s)

    assert (quick, waiting) == ("quick", [])
    assert answers[0].json["choices"][0]["message"]["content"] == "slow"


@each_case(
    ("url", "base", "asked"),
    [
        ("http://h:1/v1", "", "http://h:1/v1/chat/completions"),
        ("https://h/openai", "", "https://h/openai/chat/completions"),
        ("http://h:1/v1", "/v1beta", "http://h:1/v1beta/chat/completions"),
        ("http://h:1/v1beta", "/v1", "http://h:1/v1/chat/completions"),
        ("http://h:1/v1beta2", "/v1", "http://h:1/v1/chat/completions"),
        ("http://h:11434/v1", "/api", "http://h:11434/api/chat/completions"),
        ("https://h/proxy", "/api", "https://h/proxy/api/chat/completions"),
        ("https://h/v1/proxy", "/api", "https://h/v1/proxy/api/chat/completions"),
        ("http://v1/v1", "/api", "http://v1/api/chat/completions"),
        ("http://h/api", "/api", "http://h/api/chat/completions"),
    ],
)
def test_an_api_is_asked_below_its_own_root(url, base, asked) -> None:
    """It stands in the place of the version that the configured URL ends with, else behind it; without one nothing changes."""
    assert str(address(url, base, "/chat/completions")) == asked


@each_case(
    ("error", "told", "why", "well", "again", "after_s"),
    [
        (aiohttp.ConnectionTimeoutError(), 504, "timeout", False, True, None),
        (aiohttp.SocketTimeoutError(), 504, "timeout", False, None, None),
        (TimeoutError(), 504, "timeout", False, None, None),
        (aiohttp.ServerDisconnectedError(), 502, "broken", False, None, None),
        (aiohttp.ClientPayloadError(), 502, "broken", False, None, None),
        (ConnectionResetError(), 502, "broken", False, None, None),
        (BackendError("no answer"), 502, "broken", False, False, None),
        (UpstreamAnswer(503, {}), 503, "503", False, True, None),
        (UpstreamAnswer(503, {}, {"retry-after": "1.5"}), 503, "503", False, True, 1.5),
        (
            UpstreamAnswer(429, {}, {"retry-after": "9", "retry-after-ms": "250"}),
            429,
            "429",
            None,
            True,
            0.25,
        ),
        (UpstreamAnswer(503, {}, {"retry-after": "-1"}), 503, "503", False, True, 0.0),
        (UpstreamAnswer(503, {}, {"retry-after": "inf"}), 503, "503", False, True, None),
        (UpstreamAnswer(429, {}, {"retry-after": "soon"}), 429, "429", None, True, None),
        (UpstreamAnswer(500, {}), 500, "500", False, True, math.inf),
        (UpstreamAnswer(501, {}), 501, "501", None, True, math.inf),
        (SlowFirstByte(), 504, "slow", False, True, math.inf),
        (UpstreamAnswer(401, {}), 401, "401", True, False, None),
        (UpstreamAnswer(529, {}), 529, "529", False, True, None),
        (UpstreamAnswer(404, {}), 404, "404", True, False, None),
    ],
)
def test_what_a_failure_says(error, told, why, well, again, after_s) -> None:
    """To the client, to the counters, of the upstream, and of another try."""
    failure = failure_of(error)

    assert failure is not None
    assert (failure.client_error.status, failure.why) == (told, why)
    assert (failure.is_upstream_healthy, failure.may_retry, failure.after_s) == (well, again, after_s)


@each_case(("status", "is_of_server"), [(401, True), (403, False)])
def test_the_operators_key_is_refused_for_all_or_for_a_model(status, is_of_server) -> None:
    """Only another server may be asked."""
    failure = failure_of(UpstreamAnswer(status, {}), "sk-zqx")

    assert failure is not None
    assert (failure.is_upstream_healthy, failure.may_retry, failure.after_s) == (False, True, math.inf)
    assert failure.is_of_server is is_of_server


@each_case("error", [asyncio.CancelledError(), GeneratorExit(), RequestError("c", "m"), KeyError()])
def test_what_is_none_of_the_upstreams_says_nothing_of_it(error) -> None:
    """A client that leaves, a request that is wrong, a fault of ours."""
    assert failure_of(error) is None
