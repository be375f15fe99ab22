"""Ollama's own API: prompts are judged before the model, answers after it, in lines of JSON unless a client says otherwise."""

from __future__ import annotations

import http.client
import json
import threading
from typing import Any
from urllib.parse import urlsplit

from tests.cases import each_case
from tests.proxy.conftest import Answer, Fake, places, put
from tests.proxy.contract_ollama import (
    CALL,
    END,
    HEAD,
    HI,
    MODEL,
    ONE_VECTOR,
    PICTURE,
    VECTORS,
    asking,
    completed,
    frames,
    last,
    piece,
    prompting,
    said,
    spelled,
)

CHAT, GENERATE = "/api/chat", "/api/generate"
TYPE = "application/x-ndjson"


def streams(fake: Fake, *lines: Any, **more: Any) -> bytes:
    """Have the upstream answer with lines (or raw bytes, or events to wait for); returns all their bytes."""
    raw = [
        each if isinstance(each, bytes | threading.Event) else json.dumps(each).encode() + b"\n"
        for each in lines
    ]
    fake.streams(*raw, done=False, **more)
    fake.reply.content_type = TYPE
    return b"".join(each for each in raw if isinstance(each, bytes))


def lines(answer: Answer) -> list[Any]:
    """Return the lines of an answer, without what the proxy tells in them of its checks."""
    assert answer.headers["content-type"] == TYPE
    found = [json.loads(line) for line in answer.raw.splitlines()]
    return [
        {name: value for name, value in line.items() if not name.startswith("x-guardrails-")}
        for line in found
    ]


def read(answer: Answer) -> tuple[str, str | None]:
    """Return what a client reads, and why the answer ended."""
    bodies = lines(answer) if answer.headers["content-type"] == TYPE else [answer.json]
    texts = [each["message"]["content"] if "message" in each else each["response"] for each in bodies]
    return "".join(texts), bodies[-1].get("done_reason")


def verdict(answer: Answer) -> tuple[str, str]:
    """Return the action and the rules, of the headers or of what a stream tells later."""
    told = dict(answer.headers)
    for line in answer.raw.splitlines():
        told.update(
            (name, value) for name, value in json.loads(line).items() if name.startswith("x-guardrails-")
        )
    return told["x-guardrails-action"], told["x-guardrails-rules"]


ROUTES = [
    (CHAT, asking(HI), said("Hello.")),
    (GENERATE, prompting(), completed("Hello.", context=[1, 2])),
    ("/api/embed", {"model": "m", "input": ["a", "b"]}, VECTORS),
    ("/api/embeddings", {"model": "m", "prompt": "a"}, ONE_VECTOR),
    ("/api/show", {"model": "m", "verbose": False}, MODEL),
]


@each_case(("path", "body", "whole"), ROUTES)
def test_what_passes_is_passed_on_byte_for_byte(proxy, fake, kit, path, body, whole) -> None:
    """Both ways, with the client's key, to the same path of the upstream's root, whatever version its URL names."""
    streamed = {"stream": False} if path in (CHAT, GENERATE) else {}
    raw, answered = json.dumps({**body, **streamed}, indent=1).encode(), json.dumps(whole, indent=2).encode()
    fake.answers(answered)

    answer = kit.send(proxy, path, raw, {"authorization": "Bearer k"})

    assert (answer.status, answer.raw, answer.action) == (200, answered, ("allow", ""))
    assert (fake.asked[0].path, fake.asked[0].raw) == (path, raw)
    assert fake.asked[0].headers["authorization"] == "Bearer k"


@each_case("more", [{}, {"stream": None}, {"stream": True}])
@each_case(("path", "body", "whole"), ROUTES[:2])
def test_a_stream_is_the_default(proxy, fake, kit, path, body, whole, more) -> None:
    """Its lines go on as they came, in a type of their own, and tell of the last check."""
    streams(fake, *frames(whole, 3))

    answer = kit.send(proxy, path, {**body, **more})

    assert answer.status == 200
    assert lines(answer) == [json.loads(line) for line in frames(whole, 3)]
    assert verdict(answer) == ("allow", "")


def test_a_stream_is_passed_on_while_it_comes(serve, fake, kit) -> None:
    """Nothing waits for the end but what might become something else."""
    asked = threading.Event()
    streams(fake, piece("Hello there. "), asked, piece("You. "), last())
    parts = urlsplit(serve())
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=kit.wait_s)
    connection.request("POST", CHAT, json.dumps(asking(HI)))
    response = connection.getresponse()
    first = json.loads(response.readline())
    asked.set()
    rest = [json.loads(line) for line in response.read().splitlines()]
    connection.close()

    assert first["message"]["content"].startswith("Hello")
    assert "".join(each["message"]["content"] for each in (first, *rest)) == "Hello there. You. "
    assert rest[-1]["done"] is True


def test_a_silent_stream_shows_signs_of_life(serve, fake, kit) -> None:
    """Lines that clients read, and that say nothing."""
    more = threading.Event()
    streams(fake, piece("Hello. "), more, last())
    timer = threading.Timer(0.3, more.set)
    timer.start()
    answer = kit.send(serve(keep_alive_s=0.05), CHAT, asking(HI))
    timer.join()

    assert read(answer) == ("Hello. ", "stop")
    assert {"role": "assistant", "content": ""} in [each["message"] for each in lines(answer)[:-1]]
    assert all(each["done"] is False for each in lines(answer)[:-1])


@each_case(
    ("path", "body", "param"),
    [
        (CHAT, asking({"role": "user", "content": "a zqxbomb"}), "messages"),
        (CHAT, asking(HI, tools=[{"function": {"name": "f", "description": "zqxbomb"}}]), "messages"),
        (GENERATE, prompting("a zqxbomb"), "prompt"),
        (GENERATE, prompting(system="zqxbomb", stream=False), "prompt"),
        ("/api/embed", {"model": "m", "input": ["x", "a zqxbomb"]}, "input"),
        ("/api/embeddings", {"model": "m", "prompt": "a zqxbomb"}, "input"),
    ],
)
def test_a_blocked_request_is_400_and_no_model_is_asked(proxy, fake, kit, path, body, param) -> None:
    """In Ollama's shape: the error is a text; beside it stands what programs read."""
    answer = kit.send(proxy, path, body)

    assert (answer.status, answer.action) == (400, ("block", "bomb.block"))
    error = answer.json
    assert (error["code"], error["param"], set(error)) == (
        "content_filter",
        param,
        {"error", "type", "param", "code", "rules", "policy"},
    )
    assert error["error"].startswith("Not that.")
    assert fake.asked == []


@each_case(
    ("path", "body", "forwarded"),
    [
        (CHAT, asking({"role": "user", "content": "a zqxmask"}, keep_alive="5m"), asking({"role": "user", "content": "a [MASK]"}, keep_alive="5m")),
        (
            CHAT,
            asking(HI, {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "f", "arguments": {"to": "zqxmask", "n": 1}}}]}),
            asking(HI, {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "f", "arguments": {"to": "[MASK]", "n": 1}}}]}),
        ),
        (CHAT, asking({"role": "user", "content": "zqxbomb"}, {"role": "assistant", "content": "Oh."}, HI), asking(HI)),
        (GENERATE, prompting("a zqxmask", suffix="zqxmask!"), prompting("a [MASK]", suffix="[MASK]!")),
        ("/api/embed", {"model": "m", "input": ["a zqxmask", "b"]}, {"model": "m", "input": ["a [MASK]", "b"]}),
    ],
)  # fmt: skip
def test_a_request_is_redacted(proxy, fake, kit, path, body, forwarded) -> None:
    """Where it has to be, and an earlier turn that is blocked is left out."""
    kit.send(proxy, path, body)
    assert fake.asked[0].json == forwarded


@each_case("streamed", [False, True])
@each_case(("path", "body"), [(CHAT, asking(HI)), (GENERATE, prompting())])
@each_case(
    ("text", "shown", "end"),
    [
        ("a zqxmask b", "a [MASK] b", "stop"),
        ("see zqxbomb", "Not that.", "content_filter"),
        ("fine", "fine", "stop"),
    ],
)
def test_an_answer_is_judged(proxy, fake, kit, streamed, path, body, text, shown, end) -> None:
    """Whole, and streamed in pieces that cut the word: what went on before a block stays."""
    whole = said(text) if path == CHAT else completed(text)
    streams(fake, *frames(whole, 3)) if streamed else fake.answers(whole)

    answer = kit.send(proxy, path, {**body, "stream": streamed})

    begun = "see " if streamed and end == "content_filter" else ""
    assert (answer.status, read(answer)) == (200, (begun + shown, end))
    assert b"zqx" not in answer.raw
    assert (
        verdict(answer)[0] == {"stop": "allow" if text == shown else "redact", "content_filter": "block"}[end]
    )


@each_case("text", ["a zqxmask", "see zqxbomb"])
def test_what_spells_an_answer_again_goes_with_it(proxy, fake, kit, text) -> None:
    """The log-probabilities and the token ids of one that is changed or withheld; what it cost stays."""
    fake.answers(completed(text, context=[1, 2], logprobs=spelled(text)))
    answer = kit.send(proxy, GENERATE, prompting(stream=False)).json

    assert answer.keys() & {"context", "logprobs"} == set()
    assert (answer["eval_count"], answer["model"], answer["done"]) == (END["eval_count"], "m", True)


@each_case("streamed", [False, True])
def test_a_call_is_judged(proxy, fake, kit, streamed) -> None:
    """One that may be made passes as it is; of one that may not nothing does."""
    call = {"function": {**CALL["function"], "arguments": {"to": ["a", {"b": "zqxbomb"}]}}}
    for calls, shown in (([CALL], ("", "stop")), ([CALL, call], ("Not that.", "content_filter"))):
        whole = said("", tool_calls=calls)
        streams(fake, piece(tool_calls=calls), last()) if streamed else fake.answers(whole)
        answer = kit.send(proxy, CHAT, asking(HI, stream=streamed))
        assert read(answer) == shown
        assert (b'"tool_calls"' in answer.raw) == (len(calls) == 1)


VAULT = """
detectors: {pii: {use: pii, entities: [email]}}
rules: [{id: keep, on: [input, output], when: pii > 0, then: redact, with: vault}]
"""


@each_case("streamed", [False, True])
@each_case("path", [CHAT, GENERATE])
def test_a_users_own_values_come_back(serve, guard_of, fake, kit, streamed, path) -> None:
    """Whole, and streamed in pieces that cut the placeholder."""
    text, own = "to [EMAIL_1], not [EMAIL_2]. ", "I am jo@example.com"
    whole = said(text) if path == CHAT else completed(text)
    streams(fake, *frames(whole, 3)) if streamed else fake.answers(whole)

    body = asking({"role": "user", "content": own}) if path == CHAT else prompting(own)
    answer = kit.send(serve(guard_of(VAULT)), path, {**body, "stream": streamed})

    assert "I am [EMAIL_1]" in fake.asked[0].raw.decode()
    assert read(answer) == ("to jo@example.com, not [EMAIL_2]. ", "stop")


def test_pictures_are_refused_unless_the_policy_lets_them_pass(proxy, serve, guard_of, fake, kit) -> None:
    """Nobody here can judge them."""
    body = asking({**HI, "images": [PICTURE]}, stream=False)
    fake.answers(said())
    assert kit.send(proxy, CHAT, body).status == 400
    answer = kit.send(serve(guard_of(kit.policy + "unchecked: {part: flag}")), CHAT, body)
    assert (answer.status, answer.action[0]) == (200, "flag")


@each_case(
    ("path", "body", "param"),
    [
        (GENERATE, prompting(template="{{ .Prompt }}"), "/template"),
        (GENERATE, prompting(raw=True), "/raw"),
        (GENERATE, prompting(context=[1, 2]), "/context"),
        (CHAT, asking(HI, _debug_render_only=True), "/_debug_render_only"),
        (CHAT, {"model": "m", "Messages": [HI]}, "/Messages"),
        (CHAT, asking({"role": "user", "Images": [PICTURE]}), "/messages/0/Images"),
        (CHAT, asking(HI, stream="no"), "/stream"),
        ("/api/embed", {"model": "m", "input": [1, 2]}, "/input/0"),
        ("/api/embed", {"model": "m"}, "/input"),
    ],
)
def test_what_nobody_can_judge_is_refused(proxy, fake, kit, path, body, param) -> None:
    """With the place of it, before anyone is asked."""
    answer = kit.send(proxy, path, body)
    assert (answer.status, answer.json["param"]) == (400, param)
    assert isinstance(answer.json["error"], str)
    assert fake.asked == []


def test_a_server_that_does_not_stream_is_streamed(proxy, fake, kit) -> None:
    """As two lines: what it says, and that it has ended; that a model was loaded is one."""
    fake.answers(said("a zqxmask"))
    answer = kit.send(proxy, CHAT, asking(HI))
    assert lines(answer) == [piece("a [MASK]"), last()]
    fake.answers(said("", fields={"done_reason": "load"}))
    assert lines(kit.send(proxy, CHAT, {"model": "m"})) == [said("", fields={"done_reason": "load"})]


def test_an_error_of_the_upstream_has_its_shape_and_status(proxy, fake, kit) -> None:
    """Its text is judged like an answer."""
    fake.answers({"error": "model 'm' not found, try pulling it first"}, 404)
    answer = kit.send(proxy, CHAT, asking(HI))
    assert (answer.status, answer.json["error"]) == (404, "model 'm' not found, try pulling it first")
    fake.answers({"error": "zqxbomb", "signin_url": "zqxbomb"}, 401)
    answer = kit.send(proxy, CHAT, asking(HI))
    assert (answer.status, b"zqx" in answer.raw) == (401, False)


@each_case(
    "bad",
    [
        {"error": "it broke: zqxbomb"},
        {"error": {"message": "zqxbomb"}},
        b"zqxbomb\n",
        b"[DONE]\n",
        {**HEAD, "message": "zqxbomb", "done": False},
        piece(["zqxbomb"]),  # type: ignore[arg-type]
        {**HEAD, "Message": {"content": "zqxbomb"}, "done": True},
        b"\n",
    ],
)
def test_a_stream_that_fails_ends_with_an_error(proxy, fake, kit, bad) -> None:
    """Of the upstream's, or because it cannot be read, or has no end."""
    streams(fake, piece("Hello. "), bad)
    answer = kit.send(proxy, CHAT, asking(HI))

    *before, end = lines(answer)
    assert isinstance(end["error"], str)
    assert all("error" not in each for each in before)
    assert b"zqx" not in answer.raw


def test_what_comes_behind_the_last_line_is_not_read(proxy, fake, kit) -> None:
    """The answer has ended."""
    streams(fake, piece("Hello. "), last(), piece("zqxbomb"))
    assert read(kit.send(proxy, CHAT, asking(HI))) == ("Hello. ", "stop")


@each_case(
    ("path", "raw"),
    [
        *((CHAT, raw) for raw in (b"{}", b"[]", b'{"message":"x"}', b'{"response":"x"}', b"<html>")),
        *((GENERATE, raw) for raw in (b"{}", b'{"response":["x"]}', b'{"message":{"content":"x"}}')),
        *(("/api/embed", raw) for raw in (b"{}", b'{"embeddings":"x"}')),
    ],
)
def test_what_is_no_answer_is_the_upstreams_fault(proxy, fake, kit, path, raw) -> None:
    """502."""
    fake.answers(raw)
    answer = kit.send(
        proxy,
        path,
        {"model": "m", "prompt": "x", "stream": False} if path != CHAT else asking(HI, stream=False),
    )
    assert (answer.status, answer.json["code"]) == (502, "upstream_invalid")


@each_case("whole", [{"embeddings": ["see zqxbomb"]}, {**VECTORS, "x_new": "zqxbomb"}])
def test_vectors_that_say_something_blocked_are_an_error(proxy, fake, kit, whole) -> None:
    """No embedding can refuse."""
    fake.answers(whole)
    answer = kit.send(proxy, "/api/embed", {"model": "m", "input": "x"})
    assert (answer.status, answer.json["code"]) == (502, "content_filter")
    assert b"zqx" not in answer.raw


@each_case("path", ["/api/tags", "/api/ps", "/api/version"])
def test_what_the_upstream_lists_is_passed_on(proxy, fake, kit, path) -> None:
    """As it is."""
    fake.answers(b'{"models":  [], "version": "0.5.1"}')
    answer = kit.send(proxy, path)
    assert (answer.status, answer.raw) == (200, b'{"models":  [], "version": "0.5.1"}')
    assert (fake.asked[0].method, fake.asked[0].path) == ("GET", path)
    fake.answers(b"<html>")
    assert (kit.send(proxy, path).status, kit.send(proxy, path).json["code"]) == (502, "upstream_invalid")


@each_case(
    ("path", "method", "status"),
    [("/api/pull", "POST", 404), ("/api/create", "POST", 404), ("/api/chat", "GET", 405)],
)
def test_what_is_not_served_is_said_in_ollamas_shape(proxy, fake, kit, path, method, status) -> None:
    """Models are not made, copied or removed through the guard."""
    answer = kit.send(proxy, path, {} if method == "POST" else None, method=method)
    assert (answer.status, isinstance(answer.json["error"], str)) == (status, True)
    assert fake.asked == []


STREAMED = [
    piece("Hi. ", thinking="So. "),
    piece("You. ", fields={"logprobs": spelled("You. ", others=("Me",))}),
    piece(tool_calls=[{"id": "c1", **CALL}]),
    last("x", context=[1], remote_model="m"),
]


@each_case("path", [*places(STREAMED)], ids=str)
@each_case("action", ["block", "redact"])
def test_no_place_of_a_stream_leaks(proxy, fake, kit, path, action) -> None:
    """A text that is to be blocked or redacted stands in each of them, once."""
    word = {"block": "zqxbomb", "redact": "zqxmask"}[action]
    streams(fake, *put(STREAMED, path, f"Hello. See {word} there. Bye. "))

    answer = kit.send(proxy, CHAT, asking(HI))

    assert word.encode() not in answer.raw
    assert verdict(answer)[0] in (action, "block") or "error" in lines(answer)[-1]


@each_case("at", range(len(STREAMED)))
@each_case("inside", [(), ("message",)])
@each_case("value", ["", None, "x", 1, [], {}])
def test_no_name_leaks_before_it_was_judged(proxy, fake, kit, at, inside, value) -> None:
    """Whatever stands behind it."""
    streams(fake, *put(STREAMED, (at, *inside, "the zqxbomb"), value))
    answer = kit.send(proxy, CHAT, asking(HI))
    assert (b"zqxbomb" in answer.raw, verdict(answer)[0]) == (False, "block")
