"""What the proxy's tests share: a scripted upstream at the far side of a real socket, and real proxies before it."""

from __future__ import annotations

import http.client
import itertools
import json
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest

from guardrails import Guard
from guardrails.protocols.errors import OF_BLOCKS
from guardrails.proxy.configuration.settings import Settings
from guardrails.proxy.server.serve import Running, running
from guardrails.testing import RawReply, ReceivedRequest, ScriptedUpstream

WAIT_S = 60
"""No test waits so long unless it fails: a third of it is what thousands of texts for the encoder take."""

EVERYWHERE = "[input, output, tool_definition, tool_call, tool_result, retrieval]"
POLICY = f"""
detectors:
  bomb: {{use: terms, terms: [zqxbomb], category: custom.bomb}}
  mask: {{use: terms, terms: [zqxmask], category: custom.mask, match: substring}}
  flag: {{use: terms, terms: [zqxflag], category: custom.flag}}
  shade: {{use: terms, terms: [zqxshade], category: custom.shade}}
rules:
  - id: bomb.block
    on: {EVERYWHERE}
    when: custom.bomb > 0
    then: block
    message: {{en: Not that., de: Das nicht.}}
  - {{id: mask.redact, on: {EVERYWHERE}, when: custom.mask > 0, then: redact}}
  - {{id: flag.flag, on: {EVERYWHERE}, when: custom.flag > 0, then: flag}}
  - {{id: shade.block, on: {EVERYWHERE}, when: custom.shade > 0, then: block, mode: shadow}}
"""
"""Blocks zqxbomb, redacts zqxmask, flags zqxflag, and would block zqxshade."""


class Fake(ScriptedUpstream):
    """The scripted upstream: `reply` is what it answers next, `asked` is what it got."""

    _reply = RawReply()

    @property
    def asked(self) -> list[ReceivedRequest]:
        """The requests so far."""
        return self.requests

    @property
    def reply(self) -> RawReply:
        """What it answers."""
        return self._reply

    @reply.setter
    def reply(self, reply: RawReply) -> None:
        self._reply = reply
        self.reply_with(reply)

    def answers(self, body: Any, status: int = 200, **more: Any) -> None:
        """Answer with a JSON body (or bytes) from now on."""
        self.reply = RawReply(
            [body if isinstance(body, bytes) else json.dumps(body).encode()], status, **more
        )

    def streams(self, *frames: Any, done: bool = True, **more: Any) -> bytes:
        """Answer with a stream of chunks (or raw bytes, or events to wait for) from now on; returns all its bytes."""
        pieces = [
            each
            if isinstance(each, bytes | threading.Event)
            else b"data: " + json.dumps(each).encode() + b"\n\n"
            for each in frames
        ]
        pieces += [b"data: [DONE]\n\n"] if done else []
        self.reply = RawReply(pieces, content_type="text/event-stream", **more)
        return b"".join(piece for piece in pieces if isinstance(piece, bytes))

    def events(self, *events: Any, **more: Any) -> bytes:
        """Answer with a stream of named events (or as `streams`) from now on; returns all its bytes."""
        frames = [
            each
            if isinstance(each, bytes | threading.Event)
            else f"event: {each['type']}\ndata: {json.dumps(each)}\n\n".encode()
            for each in events
        ]
        return self.streams(*frames, done=False, **more)

    def reset(self) -> None:
        """Forget everything."""
        super().reset()
        self.answers(completion("Hello."))


@dataclass
class Answer:
    """What a client got."""

    status: int
    headers: dict[str, str]
    raw: bytes

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.raw)

    @property
    def error(self) -> Any:
        """The error with OpenAI's four keys, without what that of a block has besides; in Anthropic's shape code and param stand
        in its details.
        """
        body = self.json
        error = body["error"]
        if isinstance(error, str):  # Ollama's: what else there is stands beside it
            error = {name: value for name, value in body.items() if name != "error"} | {"message": error}
        if "status" in error:  # Google's
            [info] = error["details"]
            assert error["code"] == self.status
            error = {"message": error["message"], "type": error["status"], "code": info["reason"]}
            error["param"] = info["metadata"].get("param")
        if body.get("type") == "error":
            assert (set(body), set(error)) == (
                {"type", "error", "request_id"},
                {"type", "message", "details"},
            )
            details = error.pop("details")
            error |= {"code": details["error_code"], "param": details["param"]}
        error = {name: value for name, value in error.items() if name not in OF_BLOCKS}
        assert set(error) == {"message", "type", "param", "code"}
        return error

    @property
    def action(self) -> tuple[str, str]:
        """The action and the rules of the headers, or of the comment in a stream that tells what came later."""
        found = {**self.headers, **self.later}
        return found["x-guardrails-action"], found["x-guardrails-rules"]

    @property
    def later(self) -> dict[str, str]:
        """The headers that a stream's last comment tells."""
        comments = re.findall(rb"^: (x-guardrails-.*)$", self.raw, re.MULTILINE)
        pairs = (each.partition(": ") for each in comments[-1].decode().split("; ")) if comments else ()
        return {name: value for name, _, value in pairs}

    @property
    def events(self) -> bytes:
        """A stream without comments."""
        return re.sub(rb"(?m)^:.*\n\n", b"", self.raw)

    @property
    def frames(self) -> list[Any]:
        """The data of a stream's events, parsed, without the end."""
        assert self.headers["content-type"].startswith("text/event-stream")
        lines = [line[6:] for line in self.raw.decode().split("\n") if line.startswith("data: ")]
        return [json.loads(line) for line in lines if line != "[DONE]"]


def send(
    url: str, path: str, body: Any = None, headers: dict[str, str] | None = None, method: str = ""
) -> Answer:
    """Send a request (bytes go as they are) over a connection of its own."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=WAIT_S)
    raw = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    try:
        connection.request(method or ("GET" if raw is None else "POST"), path, raw, headers or {})
        response = connection.getresponse()
        return Answer(
            response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
        )
    finally:
        connection.close()


def completion(*contents: Any, **fields: Any) -> dict[str, Any]:
    """Return a completion with these contents (or messages) as its choices."""
    choices = [
        {
            "index": index,
            "message": content if isinstance(content, dict) else {"role": "assistant", "content": content},
            "finish_reason": "stop",
            "logprobs": None,
        }
        for index, content in enumerate(contents)
    ]
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m"}
    return {
        **head,
        "choices": choices,
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
        **fields,
    }


def chunk(delta: Any = None, finish: str | None = None, index: int = 0, **fields: Any) -> dict[str, Any]:
    """Return a chunk of a stream."""
    choice = {"index": index, "delta": delta or {}, "finish_reason": finish}
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return {**head, "choices": [choice], **fields}


def pieces(text: str, size: int = 3, index: int = 0, name: str = "content") -> list[dict[str, Any]]:
    """Return the chunks of one choice whose text is cut into small pieces."""
    cut = [chunk({name: text[start : start + size]}, index=index) for start in range(0, len(text), size)]
    return [chunk({"role": "assistant"}, index=index), *cut, chunk({}, "stop", index)]


def message(*blocks: Any, **fields: Any) -> dict[str, Any]:
    """Return a message as Anthropic's API answers it, with these blocks (texts are text blocks)."""
    content = [each if isinstance(each, dict) else {"type": "text", "text": each} for each in blocks]
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m"}
    end = {"stop_reason": "end_turn", "stop_sequence": None}
    return {**head, "content": content, **end, "usage": {"input_tokens": 3, "output_tokens": 2}, **fields}


DELTA_FIELDS = {
    "text": "text",
    "thinking": "thinking",
    "tool_use": "partial_json",
    "server_tool_use": "partial_json",
}
"""Type of a block → the field of its deltas."""


def block_events(index: int, block: dict[str, Any], size: int = 3) -> list[dict[str, Any]]:
    """Return the events of one block whose text or input is cut into small pieces, as Anthropic's API streams it."""
    kind, field = block["type"], DELTA_FIELDS.get(block["type"])
    start, deltas = dict(block), []
    if field == "partial_json":
        written, start["input"] = json.dumps(block["input"]), {}
        deltas = [{"type": "input_json_delta", field: piece} for piece in cut(written, size)]
    elif field is not None:
        start[field] = ""
        deltas = [{"type": f"{kind}_delta", field: piece} for piece in cut(block[field], size)]
    if "signature" in block:
        start["signature"] = ""
        deltas.append({"type": "signature_delta", "signature": block["signature"]})
    if block.get("citations"):
        start["citations"] = []
        deltas += [{"type": "citations_delta", "citation": each} for each in block["citations"]]
    return [
        {"type": "content_block_start", "index": index, "content_block": start},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def message_events(whole: dict[str, Any], size: int = 3) -> list[dict[str, Any]]:
    """Return the events that Anthropic's API streams a message as."""
    end = {name: whole[name] for name in ("stop_reason", "stop_sequence", "stop_details") if name in whole}
    start = {**whole, "content": [], "stop_reason": None, "stop_sequence": None}
    blocks = [
        event for index, block in enumerate(whole["content"]) for event in block_events(index, block, size)
    ]
    return [
        {"type": "message_start", "message": start},
        {"type": "ping"},
        *blocks,
        {"type": "message_delta", "delta": end, "usage": {"output_tokens": 2}},
        {"type": "message_stop"},
    ]


def cut(text: str, size: int) -> list[str]:
    """Return a text in pieces."""
    return [text[start : start + size] for start in range(0, len(text), size)]


def said(text: str, identity: str = "msg_1") -> dict[str, Any]:
    """Return a message item of a response."""
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    return {"id": identity, "type": "message", "role": "assistant", "status": "completed", "content": [part]}


def response(*items: Any, **fields: Any) -> dict[str, Any]:
    """Return a response as OpenAI's Responses API answers it, with these items (texts are messages)."""
    output = [each if isinstance(each, dict) else said(each, f"msg_{at}") for at, each in enumerate(items)]
    head = {
        "id": "resp_1",
        "object": "response",
        "created_at": 1790000000,
        "status": "completed",
        "model": "m",
    }
    rest = {"error": None, "incomplete_details": None, "instructions": None, "metadata": {}, "tools": []}
    usage = {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}
    return {
        **head,
        **rest,
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        "output": output,
        "usage": usage,
        **fields,
    }


GROWING = {
    "function_call": ("arguments", "function_call_arguments"),
    "custom_tool_call": ("input", "custom_tool_call_input"),
    "mcp_call": ("arguments", "mcp_call_arguments"),
    "code_interpreter_call": ("code", "code_interpreter_call_code"),
}
"""Type of an item → the field that is streamed, and what its events are called."""


def part_events(kind: str, part: dict[str, Any], at: dict[str, Any], size: int) -> list[dict[str, Any]]:
    """Return the events of one part of an item."""
    name = "refusal" if part["type"] == "refusal" else "text"
    word = {"summary_text": "reasoning_summary_text"}.get(part["type"], part["type"])
    spelled = {"logprobs": []} if word == "output_text" else {}
    notes = part.get("annotations", [])
    begun = {**part, name: "", **({"annotations": []} if "annotations" in part else {})}
    return [
        {"type": f"response.{kind}.added", **at, "part": begun},
        *(
            {"type": f"response.{word}.delta", **at, "delta": each, **spelled}
            for each in cut(part[name], size)
        ),
        *(
            {
                "type": "response.output_text.annotation.added",
                **at,
                "annotation": note,
                "annotation_index": index,
            }
            for index, note in enumerate(notes)
        ),
        {"type": f"response.{word}.done", **at, name: part[name], **spelled},
        {"type": f"response.{kind}.done", **at, "part": part},
    ]


def item_events(index: int, item: dict[str, Any], size: int) -> list[dict[str, Any]]:
    """Return the events of one item whose texts are cut into small pieces."""
    at = {"item_id": item.get("id", ""), "output_index": index}
    name, word = GROWING.get(item["type"], ("", ""))
    begun = {**item, "status": "in_progress", **({name: ""} if name else {})}
    begun |= {key: [] for key in ("summary", "content") if key in item}
    grown = []
    if name:
        grown = [{"type": f"response.{word}.delta", **at, "delta": each} for each in cut(item[name], size)]
        grown.append({"type": f"response.{word}.done", **at, name: item[name]})
    for name, label, kind in (
        ("summary", "summary_index", "reasoning_summary_part"),
        ("content", "content_index", "content_part"),
    ):
        for position, part in enumerate(item.get(name, [])):
            grown += part_events(kind, part, {**at, label: position}, size)
    return [
        {"type": "response.output_item.added", "output_index": index, "item": begun},
        *grown,
        {"type": "response.output_item.done", "output_index": index, "item": item},
    ]


def response_events(whole: dict[str, Any], size: int = 3) -> list[dict[str, Any]]:
    """Return the events that OpenAI's Responses API streams a response as, numbered."""
    begun = {**whole, "status": "in_progress", "output": [], "usage": None, "incomplete_details": None}
    items = [event for index, item in enumerate(whole["output"]) for event in item_events(index, item, size)]
    events = [
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
        *items,
        {"type": f"response.{whole['status']}", "response": whole},
    ]
    return [{**event, "sequence_number": number} for number, event in enumerate(events)]


def asking(*contents: Any, **fields: Any) -> dict[str, Any]:
    """Return a request whose messages are these (texts are a user's)."""
    messages = [each if isinstance(each, dict) else {"role": "user", "content": each} for each in contents]
    return {"model": "m", "messages": messages, **fields}


def put(body: Any, path: Sequence[str | int], value: Any) -> Any:
    """Return a copy of a body with a value at a path, which is made where it is missing."""
    copy = json.loads(json.dumps(body))
    node = copy
    for step, following in itertools.pairwise(path):
        empty = [] if isinstance(following, int) else {}
        if isinstance(step, int):
            while len(node) <= step:
                node.append(empty)
        elif not isinstance(node.get(step), dict | list):
            node[step] = empty
        node = node[step]
    if isinstance(path[-1], int) and len(node) <= path[-1]:
        node.append(value)
    else:
        node[path[-1]] = value
    return copy


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield where a value can say something else: its strings, and mappings that could have one more field."""
    if isinstance(value, str):
        yield path
    elif isinstance(value, dict):
        yield (*path, "x_new")
        for name, inner in value.items():
            yield from places(inner, (*path, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from places(inner, (*path, index))


@dataclass
class Kit:
    """The helpers above, for tests to take as a fixture."""

    send = staticmethod(send)
    completion = staticmethod(completion)
    chunk = staticmethod(chunk)
    pieces = staticmethod(pieces)
    asking = staticmethod(asking)
    message = staticmethod(message)
    message_events = staticmethod(message_events)
    put = staticmethod(put)
    places = staticmethod(places)
    response = staticmethod(response)
    response_events = staticmethod(response_events)
    said = staticmethod(said)
    everywhere = EVERYWHERE
    policy = POLICY
    wait_s = WAIT_S

    @staticmethod
    def ask(url: str, body: Any, **headers: str) -> Answer:
        """Ask for a message of Anthropic's API; header names are given with underscores."""
        given = {"anthropic-version": "2023-06-01", **headers}
        return send(
            url, "/v1/messages", body, {name.replace("_", "-"): value for name, value in given.items()}
        )

    @staticmethod
    def respond(url: str, body: Any, **headers: str) -> Answer:
        """Ask for a response; header names are given with underscores."""
        return send(
            url, "/v1/responses", body, {name.replace("_", "-"): value for name, value in headers.items()}
        )

    @staticmethod
    def chat(url: str, body: Any, **headers: str) -> Answer:
        """Ask for a completion; header names are given with underscores."""
        return send(
            url,
            "/v1/chat/completions",
            body,
            {name.replace("_", "-"): value for name, value in headers.items()},
        )


@pytest.fixture(scope="session")
def kit() -> Kit:
    """The helpers."""
    return Kit()


@pytest.fixture(scope="session")
def _fake() -> Iterator[Fake]:
    with Fake() as fake:
        yield fake


@pytest.fixture
def fake(_fake: Fake) -> Fake:
    """The upstream, which answers `Hello.` until it is told otherwise."""
    _fake.reset()
    return _fake


@pytest.fixture(scope="session")
def _fakes() -> Iterator[list[Fake]]:
    fakes = [Fake() for _ in range(3)]
    yield fakes
    for fake in fakes:
        fake.close()


@pytest.fixture
def fakes(_fakes: list[Fake]) -> list[Fake]:
    """Three more upstreams, likewise."""
    for fake in _fakes:
        fake.reset()
    return _fakes


@pytest.fixture(scope="session")
def policy_guard(guard_of: Callable[..., Guard]) -> Guard:
    """A guard with the tests' policy."""
    return guard_of(POLICY)


@pytest.fixture(scope="session")
def _proxy(_fake: Fake, policy_guard: Guard) -> Iterator[str]:
    with running(Settings(_fake.url, port=0), policy_guard) as url:
        yield url


@pytest.fixture
def proxy(_proxy: str, fake: Fake) -> str:
    """The address of a proxy with the tests' policy before the upstream."""
    return _proxy


@contextmanager
def serving(upstream: str, guard: Guard) -> Iterator[Callable[..., str]]:
    """Give a function that starts a proxy and returns its address: settings, and a guard instead of this one. All end with the block."""
    with ExitStack() as stack:

        def start(own: Guard | None = None, *, wait_ready: bool = True, **settings: Any) -> str:
            given = Settings(**{"upstream": upstream, "port": 0, **settings})
            server: Running = running(given, own or guard, wait_ready=wait_ready)
            return stack.enter_context(server)

        yield start


@pytest.fixture
def serve(fake: Fake, policy_guard: Guard) -> Iterator[Callable[..., str]]:
    """Return a function: settings (and a guard) in, the address of a proxy of the test's own out."""
    with serving(fake.url, policy_guard) as start:
        yield start


@pytest.fixture(scope="module")
def serve_all(_fake: Fake, policy_guard: Guard) -> Iterator[Callable[..., str]]:
    """Return the same for proxies of which all tests of a file may use one."""
    with serving(_fake.url, policy_guard) as start:
        yield start
