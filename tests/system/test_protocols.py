"""Released clients of three APIs before one proxy: OpenAI's and Anthropic's in Python and JavaScript, and curl.

The model behind repeats what it is told, whole or in small pieces, in the protocol that it is asked in.
"""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from guardrails.proxy.configuration.settings import Settings
from guardrails.proxy.server.serve import running

POLICY = """
format: 1
name: protocols
version: "1"
detectors:
  bomb: {use: terms, terms: [zqxbomb], category: custom.bomb}
  mask: {use: terms, terms: [zqxmask], category: custom.mask}
  late: {use: terms, terms: [zqxlate], category: custom.late}
rules:
  - {id: bomb, on: input, when: custom.bomb > 0, then: block, message: Not that.}
  - {id: mask, on: output, when: custom.mask > 0, then: redact}
  - {id: late, on: output, when: custom.late > 0, then: block, message: Not that.}
"""
ALLOWED, REDACTED, BLOCKED, LATE = "all is fine", "a zqxmask here", "the zqxbomb", "then zqxlate"


def event(kind: str, **fields: Any) -> bytes:
    """Return a named event."""
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


def chat(text: str, pieces: list[str]) -> tuple[Any, list[bytes]]:
    """Return a chat completion, and its chunks."""
    head = {"id": "c", "created": 1, "model": "m"}
    message = {"role": "assistant", "content": text}
    whole = {
        **head,
        "object": "chat.completion",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
    }
    choices = [{"delta": {"content": piece}, "finish_reason": None} for piece in pieces]
    choices.append({"delta": {}, "finish_reason": "stop"})
    chunks = [
        {**head, "object": "chat.completion.chunk", "choices": [{"index": 0, **each}]} for each in choices
    ]
    return whole, [*(f"data: {json.dumps(chunk)}\n\n".encode() for chunk in chunks), b"data: [DONE]\n\n"]


def messages(text: str, pieces: list[str]) -> tuple[Any, list[bytes]]:
    """Return a message, and its events."""
    head = {"id": "msg", "type": "message", "role": "assistant", "model": "m", "stop_sequence": None}
    usage = {"input_tokens": 1, "output_tokens": 2}
    whole = {**head, "content": [{"type": "text", "text": text}], "stop_reason": "end_turn", "usage": usage}
    deltas = [{"type": "text_delta", "text": piece} for piece in pieces]
    return whole, [
        event("message_start", message={**head, "content": [], "stop_reason": None, "usage": usage}),
        event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        *(event("content_block_delta", index=0, delta=delta) for delta in deltas),
        event("content_block_stop", index=0),
        event(
            "message_delta",
            delta={"stop_reason": "end_turn", "stop_sequence": None},
            usage={"output_tokens": 2},
        ),
        event("message_stop"),
    ]


def responses(text: str, pieces: list[str]) -> tuple[Any, list[bytes]]:
    """Return a response, and its events."""
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    item = {"id": "i", "type": "message", "role": "assistant", "status": "completed", "content": [part]}
    whole = {
        **{
            "id": "r",
            "object": "response",
            "created_at": 1,
            "model": "m",
            "status": "completed",
            "output": [item],
        },
        **{"tools": [], "tool_choice": "auto", "parallel_tool_calls": True, "error": None, "usage": None},
    }
    begun = {**whole, "status": "in_progress", "output": []}
    at = {"item_id": "i", "output_index": 0, "content_index": 0}
    told = [
        ("response.created", {"response": begun}),
        (
            "response.output_item.added",
            {"output_index": 0, "item": {**item, "content": [], "status": "in_progress"}},
        ),
        ("response.content_part.added", {**at, "part": {**part, "text": ""}}),
        *(("response.output_text.delta", {**at, "delta": piece, "logprobs": []}) for piece in pieces),
        ("response.output_text.done", {**at, "text": text, "logprobs": []}),
        ("response.content_part.done", {**at, "part": part}),
        ("response.output_item.done", {"output_index": 0, "item": item}),
        ("response.completed", {"response": whole}),
    ]
    return whole, [
        event(kind, **fields, sequence_number=number) for number, (kind, fields) in enumerate(told)
    ]


SPOKEN = {"/v1/chat/completions": chat, "/v1/messages": messages, "/v1/responses": responses}


class Parrot(BaseHTTPRequestHandler):
    """A model that says what it is told."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        given = body.get("input", body.get("messages"))
        text = given if isinstance(given, str) else given[-1]["content"]
        whole, events = SPOKEN[self.path.partition("?")[0]](
            text, [text[at : at + 3] for at in range(0, len(text), 3)]
        )
        streamed = body.get("stream", False)
        raw = b"".join(events) if streamed else json.dumps(whole).encode()
        self.send_response(200)
        self.send_header("content-type", "text/event-stream" if streamed else "application/json")
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a proxy before the parrot."""
    policy = tmp_path_factory.mktemp("policy") / "protocols.yaml"
    policy.write_text(POLICY)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Parrot)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    upstream = f"http://127.0.0.1:{server.server_address[1]}/v1"
    with running(Settings(upstream=upstream, port=0, policy=str(policy))) as url:
        yield url
    server.shutdown()
    server.server_close()
    thread.join()


Said = tuple[str, object]
"""What a client reads, and why the answer ended."""


def by_chat(url: str, text: str, streamed: bool) -> Said:
    """Ask with OpenAI's client for a completion."""
    with openai.OpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0) as client:
        ask = {"model": "m", "messages": [{"role": "user", "content": text}]}
        if streamed:
            choices = [chunk.choices[0] for chunk in client.chat.completions.create(**ask, stream=True)]
            said = "".join(choice.delta.content or choice.delta.refusal or "" for choice in choices)
            return said, choices[-1].finish_reason
        choice = client.chat.completions.create(**ask).choices[0]
        return choice.message.content or choice.message.refusal, choice.finish_reason


def by_messages(url: str, text: str, streamed: bool) -> Said:
    """Ask with Anthropic's client for a message."""
    with anthropic.Anthropic(base_url=url, api_key="k", max_retries=0) as client:
        ask = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": text}]}
        if streamed:
            with client.messages.stream(**ask) as stream:
                message = stream.get_final_message()
        else:
            message = client.messages.create(**ask)
        return message.content[0].text, message.stop_reason


def by_responses(url: str, text: str, streamed: bool) -> Said:
    """Ask with OpenAI's client for a response."""
    with openai.OpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0) as client:
        if streamed:
            with client.responses.stream(model="m", input=text) as stream:
                kinds = [(each.type, getattr(each, "response", None)) for each in stream]
            response = kinds[-1][1]
        else:
            response = client.responses.create(model="m", input=text)
        part = response.output[0].content[0]
        return getattr(part, "text", None) or part.refusal, response.status


CLIENTS: dict[Callable[[str, str, bool], Said], tuple[str, str, str]] = {
    by_chat: ("stop", "content_filter", "then Not that."),
    by_messages: ("end_turn", "refusal", "then "),
    by_responses: ("completed", "incomplete", "then "),
}
"""Client → what an answer ends with, what a refusal, and what is read of a stream that is refused on its way."""


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("ask", CLIENTS, ids=lambda ask: ask.__name__)
def test_python_clients_read_each_outcome_in_their_own_types(proxy: str, ask: Any, streamed: bool) -> None:
    """Allowed, redacted, refused in the answer, and refused before the model was asked."""
    ends, refuses, begun = CLIENTS[ask]

    assert ask(proxy, ALLOWED, streamed) == (ALLOWED, ends)
    assert ask(proxy, REDACTED, streamed) == ("a [MASK] here", ends)
    assert ask(proxy, LATE, streamed) == (begun if streamed else "Not that.", refuses)
    with pytest.raises((openai.BadRequestError, anthropic.BadRequestError), match="Not that"):
        ask(proxy, BLOCKED, streamed)


CURL = ("curl", "-sN", "-w", "\n%{http_code}", "-H", "content-type: application/json", "-d")
END = {
    "/v1/chat/completions": "data: [DONE]",
    "/v1/messages": "message_stop",
    "/v1/responses": "response.completed",
}


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("path", SPOKEN)
def test_curl_reads_each_outcome(proxy: str, path: str, streamed: bool) -> None:
    """Each protocol with its own last event; nothing that is withheld is in the bytes."""

    def ask(text: str) -> tuple[str, str]:
        body = {"model": "m", "stream": streamed, "messages": [{"role": "user", "content": text}]}
        if path == "/v1/responses":
            body["input"] = body.pop("messages")
        command = [*CURL, json.dumps(body), proxy + path]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        answer, _, status = done.stdout.rpartition("\n")
        return status, answer

    status, answer = ask(REDACTED)
    assert (status, "[MASK]" in answer, "zqx" in answer) == ("200", True, False)
    assert not streamed or END[path] in answer.strip().rpartition("\n\n")[2]
    status, answer = ask(LATE)
    assert (status, "Not that." in answer, "zqx" in answer) == ("200", True, False)
    status, answer = ask(BLOCKED)
    assert (status, "Not that." in answer, "zqx" in answer) == ("400", True, False)


SCRIPT = """
import OpenAI from "openai";
import Anthropic from "@anthropic-ai/sdk";
const url = process.argv[2];
const openai = new OpenAI({ baseURL: url + "/v1", apiKey: "none", maxRetries: 0 });
const anthropic = new Anthropic({ baseURL: url, apiKey: "none", maxRetries: 0 });
const out = {};
for (const text of JSON.parse(process.argv[3])) {
  const ask = { model: "m", max_tokens: 9, messages: [{ role: "user", content: text }] };
  const whole = await anthropic.messages.create(ask);
  const streamed = await anthropic.messages.stream(ask).finalMessage();
  const response = await openai.responses.create({ model: "m", input: text });
  let kinds = [], last = null;
  for await (const event of await openai.responses.create({ model: "m", input: text, stream: true })) {
    kinds.push(event.type); last = event;
  }
  out[text] = [
    [whole.content[0].text, whole.stop_reason], [streamed.content[0].text, streamed.stop_reason],
    [response.output_text, response.status], [last.response.output[0].content[0].type, last.type],
  ];
}
try { await anthropic.messages.create({ model: "m", max_tokens: 9, messages: [{ role: "user", content: "zqxbomb" }] }); }
catch (error) { out.messages = [error.status, error.error.error.type]; }
try { await openai.responses.create({ model: "m", input: "zqxbomb" }); }
catch (error) { out.responses = [error.status, error.code]; }
console.log(JSON.stringify(out));
"""


def test_javascript_clients_work_unmodified(proxy: str, tmp_path: Path) -> None:
    """OpenAI's and Anthropic's npm packages read all outcomes, whole and streamed."""
    packages = ["openai@7", "@anthropic-ai/sdk"]
    install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(tmp_path), *packages]
    subprocess.run(install, check=True, timeout=300)
    script = tmp_path / "ask.mjs"
    script.write_text(SCRIPT)
    command = ["node", str(script), proxy, json.dumps([ALLOWED, REDACTED, LATE])]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True)

    fine = ["output_text", "response.completed"]
    assert json.loads(done.stdout) == {
        ALLOWED: [[ALLOWED, "end_turn"], [ALLOWED, "end_turn"], [ALLOWED, "completed"], fine],
        REDACTED: [
            ["a [MASK] here", "end_turn"],
            ["a [MASK] here", "end_turn"],
            ["a [MASK] here", "completed"],
            fine,
        ],
        LATE: [
            ["Not that.", "refusal"],
            ["then ", "refusal"],
            ["", "incomplete"],
            ["output_text", "response.incomplete"],
        ],
        "messages": [400, "invalid_request_error"],
        "responses": [400, "invalid_prompt"],
    }
