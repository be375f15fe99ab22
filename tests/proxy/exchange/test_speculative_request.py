"""A request that is under way while it is judged: nothing comes back before the verdict, and a block breaks it off."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import pytest
from starlette.responses import Response

from guardrails import Detection, Finding, Guard
from guardrails.protocols.chat import chat_fields
from guardrails.protocols.messages import messages_fields
from guardrails.protocols.responses import responses_fields
from guardrails.protocols.videos import videos_fields
from guardrails.proxy.exchange.speculative_request import (
    BESIDE,
    HOSTED,
    KEPT,
    UNSEEN,
    SpeculativeRequest,
    decide_order,
)
from guardrails.types import CLEAN
from tests.cases import each_case

READERS = {"/chat/completions": chat_fields, "/messages": messages_fields, "/responses": responses_fields}
HIT = Detection((Finding("custom.own", 1.0, "slow", (0, 1)),))
POLICY = """
parallel: true
history: block
detectors:
  bomb: {use: terms, terms: [zqxbomb], category: custom.bomb}
  flag: {use: terms, terms: [zqxflag], category: custom.flag}
  slow: {use: own}
rules:
  - {id: bomb.block, on: [input, output], when: custom.bomb > 0, then: block, message: Not that.}
  - {id: flag.flag, on: [input, output], when: custom.flag > 0, then: flag}
  - {id: slow.block, on: input, when: custom.own > 0, then: block, message: Not that.}
"""
"""Blocks zqxbomb at once, and zqxbad when the slow detector says so: it waits for its gate if the text has zqxslow."""


class Slow:
    """A detector that waits where it is told to; `begun` is set when it does."""

    def __init__(self) -> None:
        self.begun, self.gate = threading.Event(), threading.Event()

    def detect(self, batch: Any) -> list[Detection]:
        """Find zqxbad."""
        return [self.judge(content.text) for content in batch]

    def judge(self, text: str) -> Detection:
        """Judge one text."""
        if "zqxslow" in text:
            self.begun.set()
            assert self.gate.wait(20)
        return HIT if "zqxbad" in text else CLEAN


@pytest.fixture
def slow() -> Iterator[Slow]:
    """The slow detector, which nobody waits for once the test is over."""
    detector = Slow()
    yield detector
    detector.gate.set()


@pytest.fixture
def kinds(slow, kind_of) -> dict[str, Any]:
    """Its kind, which runs on workers."""
    return {"own": kind_of(slow, tier=1)}


@pytest.fixture
def parallel(serve, guard_of, kinds) -> Callable[..., str]:
    """Return a function: settings in, the address of a proxy whose policy is parallel out."""
    return lambda **settings: serve(guard_of(POLICY, detectors=kinds), **settings)


@dataclass
class Pending:
    """A request whose answer may not have come."""

    connection: http.client.HTTPConnection
    url: str

    def is_silent(self, kit) -> bool:
        """Tell whether not one byte came back, also after the proxy had time for another request."""
        assert kit.send(self.url, "/healthz").status == 200
        return select.select([self.connection.sock], [], [], 0)[0] == []

    def answer(self) -> tuple[int, bytes, dict[str, str]]:
        """Wait for the answer."""
        with self.connection.getresponse() as response:
            return response.status, response.read(), dict(response.getheaders())


@contextmanager
def pending(url: str, body: Any, path: str = "/v1/chat/completions") -> Iterator[Pending]:
    """Send a request and do not wait."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
    try:
        connection.request("POST", path, json.dumps(body))
        yield Pending(connection, url)
    finally:
        connection.close()


def counted(kit, url: str) -> dict[str, int]:
    """Return how many requests were sent when."""
    text = kit.send(url, "/metrics").raw.decode()
    found = re.findall(r'guardrails_parallel_total\{sent="(\w+)"\} (\d+)', text)
    return {name: int(count) for name, count in found}


def data_of(raw: bytes) -> list[bytes]:
    """Return the data of a stream's events, or the whole of what is no stream."""
    return [line for line in raw.splitlines() if line.startswith(b"data: ")] or [raw]


@pytest.mark.parametrize("streamed", [False, True])
def test_an_answer_that_is_there_waits_for_the_verdict(parallel, slow, fake, kit, streamed) -> None:
    """The request goes on as it came, while it is judged; the answer comes whole, and not before the verdict."""
    sent = fake.streams(*kit.pieces("a zqxflag"))
    if not streamed:
        fake.answers(kit.completion("a zqxflag"))
        sent = fake.reply.pieces[0]
    url = parallel(keep_alive_s=0.02)
    body = kit.asking("zqxslow", stream=streamed)

    with pending(url, body) as client:
        assert fake.sent.wait(kit.wait_s)
        assert slow.begun.wait(kit.wait_s)
        assert client.is_silent(kit)
        slow.gate.set()
        status, raw, headers = client.answer()

    assert (status, data_of(raw)) == (200, data_of(sent))
    assert b"flag.flag" in raw or headers["x-guardrails-rules"] == "flag.flag"
    assert [asked.json for asked in fake.asked] == [body]
    assert counted(kit, url) == {BESIDE: 1}


@pytest.mark.parametrize("streamed", [False, True])
def test_a_verdict_that_is_there_waits_for_the_answer(parallel, fake, kit, streamed) -> None:
    """The upstream may be the slower one; its answer is judged like any."""
    gate = threading.Event()
    if streamed:
        fake.streams(*kit.pieces("a zqxbomb"), gate=gate)
    else:
        fake.answers(kit.completion("a zqxbomb"), gate=gate)

    with pending(parallel(), kit.asking("hi", stream=streamed)) as client:
        assert fake.arrived.wait(kit.wait_s)
        assert client.is_silent(kit)
        gate.set()
        status, raw, headers = client.answer()

    assert status == 200
    assert b"bomb.block" in raw or headers["x-guardrails-rules"] == "bomb.block"
    assert b"Not that." in raw
    assert b"zqx" not in raw


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("begins", [False, True])
def test_a_block_breaks_the_request_off(
    parallel, serve, guard_of, kinds, slow, fake, kit, begins, streamed
) -> None:
    """The upstream sees its connection closed, whether it has begun to answer or not; the client reads what it would have
    read had the input been judged first.
    """
    fake.streams(*([kit.chunk({"content": "secret"})] if begins else []), done=False, hang=True)
    before = serve(guard_of(POLICY.replace("parallel: true", ""), detectors=kinds))
    first = kit.chat(before, kit.asking("zqxbad", stream=streamed))
    assert fake.asked == []

    with pending(parallel(), kit.asking("zqxslow zqxbad", stream=streamed)) as client:
        assert (fake.sent if begins else fake.arrived).wait(kit.wait_s)
        assert client.is_silent(kit)
        slow.gate.set()
        status, raw, headers = client.answer()

    assert (status, json.loads(raw)) == (first.status, first.json)
    assert (headers["x-guardrails-action"], headers["x-guardrails-rules"]) == ("block", "slow.block")
    assert fake.dropped.wait(kit.wait_s)


def test_a_block_of_what_was_answered_whole_shows_nothing_of_it(parallel, slow, fake, kit) -> None:
    """Neither its text nor its headers."""
    fake.answers(kit.completion("secret"), headers={"x-request-id": "up1", "retry-after": "7"})

    with pending(parallel(), kit.asking("zqxslow zqxbad")) as client:
        assert fake.sent.wait(kit.wait_s)
        slow.gate.set()
        status, raw, headers = client.answer()

    assert (status, b"secret" in raw) == (400, False)
    assert "retry-after" not in headers
    assert headers["x-request-id"] != "up1"


FAULTS: dict[str, tuple[dict[str, Any], int, str]] = {
    "too many": ({"status": 429, "headers": {"retry-after": "7"}}, 429, "slow_down"),
    "garbage": ({"garbage": b"garbage\r\n\r\n"}, 502, "upstream_invalid"),
    "cut": ({"cut": True}, 502, "upstream_invalid"),
}


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("blocked", [False, True])
def test_a_failure_waits_for_the_verdict(parallel, slow, fake, kit, fault, streamed, blocked) -> None:
    """Its status is not shown before; a block wins, and what is allowed gets the failure."""
    reply, status, code = FAULTS[fault]
    fake.answers({"error": {"message": "m", "type": "t", "param": None, "code": "slow_down"}}, **reply)
    text = "zqxslow zqxbad" if blocked else "zqxslow"

    with pending(parallel(), kit.asking(text, stream=streamed)) as client:
        assert fake.arrived.wait(kit.wait_s)
        assert slow.begun.wait(kit.wait_s)
        assert client.is_silent(kit)
        slow.gate.set()
        got, raw, headers = client.answer()

    shown = json.loads(raw)["error"]["code"]
    assert (got, shown) == ((400, "content_filter") if blocked else (status, code))
    assert ("retry-after" in headers) == (fault == "too many" and not blocked)


def test_the_time_of_an_upstream_is_not_longer(parallel, slow, fake, kit) -> None:
    """It ran out while the input was judged: the connection is closed at once, the client learns it with the verdict."""
    fake.answers(b"", hang=True)
    fake.reply.pieces = []

    with pending(parallel(idle_s=0.2), kit.asking("zqxslow")) as client:
        assert fake.dropped.wait(kit.wait_s)
        assert client.is_silent(kit)
        slow.gate.set()
        status, raw, _ = client.answer()

    assert (status, json.loads(raw)["error"]["code"]) == (504, "upstream_timeout")


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("judged", [False, True])
def test_a_client_that_leaves_cancels_both(parallel, slow, fake, kit, judged, streamed) -> None:
    """Whether the verdict is there or not."""
    fake.streams(kit.chunk({"content": "a"}), done=False, hang=True)
    url = parallel()

    with pending(url, kit.asking("hi" if judged else "zqxslow", stream=streamed)) as client:
        assert fake.sent.wait(kit.wait_s)
        assert judged or slow.begun.wait(kit.wait_s)
        client.connection.sock.shutdown(socket.SHUT_RDWR)

    assert fake.dropped.wait(kit.wait_s)
    last = time.monotonic() + kit.wait_s
    while (
        'status="499"' not in kit.send(url, "/metrics").raw.decode()
    ):  # nobody waits for the detector any more
        assert time.monotonic() < last


def test_what_is_allowed_leaves_its_connection_open(parallel, fake, kit) -> None:
    """An answer that was read to its end costs no connection."""
    url = parallel()
    before = fake.connections

    assert [kit.chat(url, kit.asking("hi")).status for _ in range(3)] == [200] * 3

    assert fake.connections == before + 1


def test_more_than_waits_in_a_buffer_comes_whole(parallel, slow, fake, kit) -> None:
    """What does not fit waits at the upstream until the verdict: this process holds little of it."""
    sent = json.dumps(kit.completion("hello")).encode() + b" " * 24_000_000
    fake.answers(sent)

    with pending(parallel(), kit.asking("zqxslow")) as client:
        assert fake.arrived.wait(kit.wait_s)
        assert client.is_silent(kit)
        assert not fake.sent.is_set()
        slow.gate.set()
        status, raw, _ = client.answer()

    assert (status, raw) == (200, sent)


@pytest.mark.parametrize("extra", ["", "parallel: false\n", "parallel: true\n"])
def test_a_floor_must_say_so_as_well(serve, guard_of, kinds, slow, fake, kit, extra) -> None:
    """Without its word the input is judged first."""
    floor = f"{extra}history: block\ndetectors: {{}}\nrules: []\n"
    url = serve(guard_of(POLICY, floor=floor, detectors=kinds))

    with pending(url, kit.asking("zqxslow zqxbad")) as client:
        assert slow.begun.wait(kit.wait_s)
        assert "true" not in extra or fake.arrived.wait(kit.wait_s)
        slow.gate.set()
        assert client.answer()[0] == 400

    assert [asked.path for asked in fake.asked] == ["/v1/chat/completions"] * ("true" in extra)
    assert counted(kit, url) == ({BESIDE: 1} if "true" in extra else {})


def test_a_change_is_never_left_out(serve, guard_of, fake, kit) -> None:
    """No policy loads that could change a request under way. Had one, what the rules leave of it would be sent anew."""
    compiled = guard_of(kit.policy + "history: block\n").policy
    url = serve(Guard(replace(compiled, parallel=True)))
    fake.answers(kit.completion("hello"))

    answer = kit.chat(url, kit.asking("a zqxmask"))

    assert answer.json["choices"][0]["message"]["content"] == "hello"
    assert "a [MASK]" in [asked.json["messages"][0]["content"] for asked in fake.asked]


def chatting(**fields: Any) -> dict[str, Any]:
    """Return a chat request."""
    return {"model": "m", "messages": [{"role": "user", "content": "hi"}], **fields}


def responding(*items: Any, **fields: Any) -> dict[str, Any]:
    """Return a request of the Responses API that is not kept."""
    asked = {"role": "user", "content": "hi"}
    return {"model": "m", "input": [asked, *items], "store": False, **fields}


FUNCTION = {"name": "f", "parameters": {"type": "object"}}
PICTURE = {
    "role": "user",
    "content": [{"type": "image_url", "image_url": {"url": "https://a.example/x.png"}}],
}
CHAT, MESSAGES, RESPONSES = READERS
ORDERS: list[tuple[str, dict[str, Any], str]] = [
    (CHAT, chatting(), BESIDE),
    (CHAT, chatting(stream=True, temperature=0.5, store=False, tool_choice="auto"), BESIDE),
    (CHAT, chatting(store=None, tools=None, web_search_options=None), BESIDE),
    (CHAT, chatting(tools=[{"type": "function", "function": FUNCTION}, {"type": "custom", "custom": {"name": "g"}}]), BESIDE),
    (CHAT, chatting(functions=[FUNCTION]), BESIDE),
    (CHAT, chatting(store=True), KEPT),
    (CHAT, chatting(store="true"), KEPT),
    (CHAT, chatting(web_search_options={}), HOSTED),
    (CHAT, chatting(tools=[{"type": "builtin_function", "function": {"name": "$web_search"}}]), HOSTED),
    (CHAT, chatting(tools=[{"type": "Function", "function": FUNCTION}]), HOSTED),
    (CHAT, chatting(tools={"type": "function"}), HOSTED),
    (CHAT, chatting(tools=["web"]), HOSTED),
    (CHAT, chatting(model="gpt-4o-Search-preview"), HOSTED),
    (CHAT, chatting(model="vendor/m:online"), HOSTED),
    (CHAT, chatting(plugins=[{"id": "web"}]), UNSEEN),
    (CHAT, chatting(background=True), UNSEEN),
    (CHAT, {"model": "m", "messages": [PICTURE]}, UNSEEN),
    (RESPONSES, responding(), BESIDE),
    (RESPONSES, responding(tools=[{"type": "function", **FUNCTION}, {"type": "custom", "name": "g"}]), BESIDE),
    (RESPONSES, {"model": "m", "input": "hi", "store": False}, BESIDE),
    (RESPONSES, responding({"type": "reasoning", "id": "r", "summary": [], "encrypted_content": "x" * 64}), BESIDE),
    (RESPONSES, {"model": "m", "input": "hi"}, KEPT),
    (RESPONSES, responding(store=None), KEPT),
    (RESPONSES, responding(store=True), KEPT),
    *(
        (RESPONSES, responding(tools=[{"type": kind}]), HOSTED)
        for kind in (
            "web_search", "web_search_preview", "file_search", "code_interpreter", "computer_use_preview", "mcp",
            "image_generation", "shell", "new_tool",
        )
    ),
    (RESPONSES, responding({"type": "additional_tools", "tools": [{"type": "web_search"}]}), HOSTED),
    (RESPONSES, responding({"type": "item_reference", "id": "msg_1"}), UNSEEN),
    (RESPONSES, responding(prompt={"id": "pmpt_1"}), UNSEEN),
    (MESSAGES, chatting(max_tokens=5), BESIDE),
    (MESSAGES, chatting(tools=[FUNCTION, {"type": "custom", **FUNCTION}], system="s"), BESIDE),
    *(
        (MESSAGES, chatting(tools=[{"type": kind, "name": "t"}]), HOSTED)
        for kind in ("web_search_20250305", "code_execution_20250825", "web_fetch_20250910", "mcp_toolset", "bash_20250124")
    ),
    (MESSAGES, chatting(mcp_servers=[{"type": "url", "url": "https://a.example", "name": "s"}]), HOSTED),
    (MESSAGES, chatting(container="c1"), HOSTED),
    (MESSAGES, {"model": "m", "messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "url", "url": "https://a.example"}}]}]}, UNSEEN),
]  # fmt: skip


@each_case(("path", "body", "expected"), ORDERS)
def test_what_may_act_before_the_verdict_is_judged_first(path: str, body: Any, expected: str) -> None:
    """Tools that are not the client's, what is kept, and whatever nobody here knows; a plain request need not wait."""
    assert decide_order(path, body, READERS[path].read_request(body)) == expected


@each_case("path", ["/videos", "/videos/edits", "/videos/video_1/remix"])
def test_a_job_is_judged_before_it_is_begun(path: str) -> None:
    """A provider keeps it, and works on it, whoever goes away."""
    assert decide_order(path, {"prompt": "x"}, videos_fields.read_request({"prompt": "x"})) == KEPT


ACTS = {(path, expected): body for path, body, expected in reversed(ORDERS) if expected != BESIDE}
"""The first of each path and reason."""


@pytest.mark.parametrize(("path", "expected"), ACTS)
def test_what_is_judged_first_is_not_sent_before(parallel, slow, fake, kit, path, expected) -> None:
    """The upstream has seen nothing of it when it is blocked."""
    url = parallel()
    body = ACTS[path, expected]
    field = "input" if "input" in body else "messages"
    said = [{"role": "user", "content": "zqxslow zqxbad"}]
    before = body[field] if isinstance(body[field], list) else []

    with pending(url, {**body, field: [*before, *said]}, f"/v1{path}") as client:
        assert slow.begun.wait(kit.wait_s)
        assert client.is_silent(kit)
        slow.gate.set()
        assert client.answer()[0] == 400

    assert fake.asked == []
    assert counted(kit, url) == {expected: 1}


def test_every_route_is_sent_beside_its_check(parallel, slow, fake, kit) -> None:
    """The three APIs, and the count of tokens."""
    url = parallel()
    answers = {
        "/v1/chat/completions": (chatting, kit.completion("x")),
        "/v1/messages": (chatting, kit.message("x")),
        "/v1/messages/count_tokens": (chatting, {"input_tokens": 3}),
        "/v1/responses": (responding, kit.response("x")),
    }
    for path, (asking, answer) in answers.items():
        fake.reset()
        fake.answers(answer)
        slow.gate.clear()
        field = "input" if asking is responding else "messages"
        with pending(
            url, asking(**{field: [{"role": "user", "content": "zqxslow " + path}]}), path
        ) as client:
            assert fake.sent.wait(kit.wait_s)
            assert client.is_silent(kit)
            slow.gate.set()
            assert client.answer()[0] == 200

    assert counted(kit, url) == {BESIDE: len(answers)}


class Answer:
    """What stands for an upstream's answer: it is opened and closed, and how is on record."""

    def __init__(self) -> None:
        self.record: list[str] = []

    @asynccontextmanager
    async def opened(self) -> Any:
        """Open it."""
        self.record.append("opened")
        try:
            yield self
        except BaseException as error:
            self.record.append(type(error).__name__)
            raise
        finally:
            self.record.append("closed")


@each_case("error", [KeyError("x"), asyncio.CancelledError()])
def test_what_cannot_be_served_closes_the_answer(error: BaseException) -> None:
    """Whatever the reason."""

    async def serving() -> Response:
        await asyncio.sleep(0)
        raise error

    async def run() -> list[str]:
        answer = Answer()
        with pytest.raises(type(error)):
            await SpeculativeRequest(answer.opened()).around(serving())
        return answer.record

    assert asyncio.run(run()) == ["opened", "closed"]


@each_case("fails", [False, True])
def test_a_response_that_does_not_read_the_answer_closes_it(fails: bool) -> None:
    """After it was sent, or broke off."""

    class Unread(Response):
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            assert answer.record == ["opened"]
            if fails:
                raise KeyError

    async def serving() -> Response:
        await asyncio.sleep(0)
        return Unread()

    async def run() -> None:
        response = await SpeculativeRequest(answer.opened()).around(serving())
        await response({}, None, None)

    answer = Answer()
    if fails:
        with pytest.raises(KeyError):
            asyncio.run(run())
    else:
        asyncio.run(run())
    assert answer.record == ["opened", "closed"]


def test_an_error_while_it_is_read_reaches_who_opened_the_answer() -> None:
    """So that it is told in the words of whoever asked; it is closed once, and closing it again is nothing."""

    async def failing(early: SpeculativeRequest, answer: Answer) -> None:
        async with early.answer() as opened:
            assert opened is answer
            raise KeyError

    async def run() -> list[str]:
        answer = Answer()
        early = SpeculativeRequest(answer.opened())
        with pytest.raises(KeyError):
            await failing(early, answer)
        await early.close()
        return answer.record

    assert asyncio.run(run()) == ["opened", "KeyError", "closed"]


@each_case(
    ("names", "expected"),
    [((), BESIDE), (("plain",), BESIDE), (("m", "Sonar-pro"), HOSTED), (("gpt-4o-search-preview",), HOSTED)],
)
def test_a_model_may_act_by_any_name_that_an_upstream_gets(names: tuple[str, ...], expected: str) -> None:
    """The operator may call a model that looks things up by another name."""
    body = chatting()
    assert decide_order("/chat/completions", body, chat_fields.read_request(body), names) == expected
