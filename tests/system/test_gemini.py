"""Google's released SDKs for Python and JavaScript, unmodified, against the real proxy: whole answers, streams, chats, calls of
functions, counts, and both kinds of block as their users expect them.

Each is installed once into a cache folder (`~/.cache/guardrails-tests`). The model behind is scripted, and speaks Gemini's API.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from guardrails import Guard
from guardrails.proxy.configuration.settings import Settings
from guardrails.proxy.server.serve import running

SDK, JAVASCRIPT = "google-genai==3.6.1", "@google/genai@2.32.0"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "guardrails-tests"
INSTALL_S = 600
EVERYWHERE = "[input, output, tool_definition, tool_call, tool_result, retrieval]"
POLICY = f"""
format: 1
name: gemini
detectors:
  bomb: {{use: terms, terms: [zqxbomb], category: custom.bomb}}
  mask: {{use: terms, terms: [zqxmask], category: custom.mask}}
rules:
  - {{id: bomb, on: {EVERYWHERE}, when: custom.bomb > 0, then: block, message: Not that.}}
  - {{id: mask, on: {EVERYWHERE}, when: custom.mask > 0, then: redact}}
"""
SCRIPT = '''
import json, sys
from google import genai
from google.genai import errors, types

client = genai.Client(api_key="secret-key", http_options=types.HttpOptions(base_url=sys.argv[1]))
models, out = client.models, {}


def ask(text, **config):
    return models.generate_content(model="gemini-x", contents=text, config=config or None)


def stream(text):
    chunks = list(models.generate_content_stream(model="gemini-x", contents=text))
    texts = [part.text for chunk in chunks for each in chunk.candidates or [] if each.content
             for part in each.content.parts or [] if part.text and not part.thought]
    last = chunks[-1]
    candidate = (last.candidates or [None])[0]
    return ["".join(texts), candidate and candidate.finish_reason,
            last.prompt_feedback and last.prompt_feedback.block_reason]


def weather(city: str) -> str:
    """Tell the weather.

    Args:
        city: where.
    """
    return "sunny in " + city


whole = ask("say hello")
out["whole"] = [whole.text, whole.candidates[0].finish_reason, whole.usage_metadata.total_token_count]
out["redacted"] = ask("say a zqxmask").text
out["streamed"] = stream("say one zqxmask more")
asked = ask("a zqxbomb")
out["blocked prompt"] = [asked.text, asked.candidates, asked.prompt_feedback.block_reason]
out["blocked prompt, streamed"] = stream("a zqxbomb")
said = ask("go on")
out["blocked answer"] = [said.text, said.candidates[0].finish_reason]
out["blocked answer, streamed"] = stream("go on")
tool = types.Tool(function_declarations=[types.FunctionDeclaration(name="f", description="Does.", parameters_json_schema={"type": "object"})])
call = ask("call it", tools=[tool]).function_calls[0]
out["call"] = [call.name, call.args]
out["called"] = ask("what is the weather", tools=[weather]).text
chat = client.chats.create(model="gemini-x")
chat.send_message("say one")
out["chat"] = [chat.send_message("say two").text, len(chat.get_history())]
out["count"] = models.count_tokens(model="gemini-x", contents="say hello").total_tokens
for name, act in {
    "counted": lambda: models.count_tokens(model="gemini-x", contents="a zqxbomb"),
    "cached": lambda: ask("say hello", cached_content="cachedContents/x"),
    "failed": lambda: ask("fail"),
    "failed, streamed": lambda: stream("fail"),
}.items():
    try:
        act()
    except errors.APIError as error:
        out[name] = [error.code, error.status]
print(json.dumps(out, default=str))
'''


NODE_SCRIPT = """
import { GoogleGenAI } from "@google/genai";
const { models } = new GoogleGenAI({ apiKey: "secret-key", httpOptions: { baseUrl: process.argv[2] } });
const model = "gemini-x", out = {};
const stream = async (contents) => {
  let text = "", last;
  for await (const chunk of await models.generateContentStream({ model, contents })) {
    text += chunk.text ?? "";
    last = chunk;
  }
  return [text, last.candidates?.[0]?.finishReason, last.promptFeedback?.blockReason];
};
out.whole = (await models.generateContent({ model, contents: "say a zqxmask" })).text;
out.streamed = await stream("say one zqxmask more");
out.blocked = (await models.generateContent({ model, contents: "a zqxbomb" })).promptFeedback;
out.blockedStreamed = await stream("a zqxbomb");
out.late = await stream("go on");
try { await models.countTokens({ model, contents: "a zqxbomb" }); } catch (error) { out.counted = error.status; }
console.log(JSON.stringify(out));
"""


class Model(BaseHTTPRequestHandler):
    """A model that does what it is told."""

    protocol_version = "HTTP/1.1"
    heard: list[tuple[str, str | None]]

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""

    def do_POST(self) -> None:
        """Answer a request."""
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.heard.append((self.path, self.headers["x-goog-api-key"]))
        parts = self.parts(asked["contents"][-1]["parts"][-1])
        if parts is None:
            self.send(429, {"error": {"code": 429, "message": "slow down", "status": "RESOURCE_EXHAUSTED"}})
        elif ":countTokens" in self.path:
            self.send(200, {"totalTokens": 3})
        elif ":streamGenerateContent" in self.path:
            assert self.path.endswith("?alt=sse")
            self.stream(parts)
        else:
            self.send(200, answer(parts, "STOP"))

    @staticmethod
    def parts(said: dict[str, Any]) -> list[dict[str, Any]] | None:
        """Return what is answered to a part, None for a failure."""
        if "functionResponse" in said:
            return [{"text": "It is " + said["functionResponse"]["response"]["result"]}]
        texts: dict[str, list[dict[str, Any]] | None] = {
            "go on": [{"text": "It is a zqx" + "bomb."}],
            "call it": [{"functionCall": {"name": "f", "args": {"a": "a zqxmask", "b": 2.5}}}],
            "what is the weather": [{"functionCall": {"name": "weather", "args": {"city": "Rome"}}}],
            "fail": None,
        }
        return texts.get(said["text"], [{"text": "It says: " + said["text"].removeprefix("say ")}])

    def send(self, status: int, body: Any) -> None:
        """Write a body."""
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def stream(self, parts: list[dict[str, Any]]) -> None:
        """Answer in small pieces, behind a thought."""
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        text = parts[0]["text"]
        pieces = [
            {"text": "Hmm.", "thought": True},
            *({"text": text[at : at + 4]} for at in range(0, len(text), 4)),
        ]
        for piece in pieces:
            self.wfile.write(b"data: " + json.dumps(answer([piece])).encode() + b"\r\n\r\n")
        self.wfile.write(b"data: " + json.dumps(answer([{"text": ""}], "STOP")).encode() + b"\r\n\r\n")
        self.close_connection = True


def answer(parts: list[dict[str, Any]], finish: str | None = None) -> dict[str, Any]:
    """Return an answer, or a chunk of one."""
    candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": 0}
    if finish is not None:
        candidate["finishReason"] = finish
    usage = {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "gemini-x", "responseId": "r1"}


@pytest.fixture(scope="module")
def model() -> Iterator[tuple[str, list[tuple[str, str | None]]]]:
    """The model's address, and what it was asked: where, and with which key."""
    heard: list[tuple[str, str | None]] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Model,), {"heard": heard}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/v1beta", heard
    server.shutdown()
    server.server_close()


def installed(name: str, *commands: list[str]) -> Path:
    """Return a folder that commands filled, `{}` in them being the folder; a half-made one is made anew."""
    folder = CACHE / name
    if not (folder / "installed").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for command in commands:
            subprocess.run([part.format(folder) for part in command], check=True, timeout=INSTALL_S)
        (folder / "installed").touch()
    return folder


@pytest.fixture(scope="module")
def proxy(
    model: tuple[str, list[tuple[str, str | None]]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of the proxy before the model."""
    path = tmp_path_factory.mktemp("policy") / "policy.yaml"
    path.write_text(POLICY)
    with running(Settings(model[0], port=0), Guard.load(path)) as url:
        yield url


def ran(home: Path, *command: str) -> Any:
    """Run a script in an environment without keys of anybody's; return the JSON that it prints."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def told(proxy: str, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the Python SDK saw."""
    folder = installed(
        SDK.replace("==", "-"),
        [sys.executable, "-m", "venv", "{}"],
        ["{}/bin/python", "-m", "pip", "install", "--quiet", SDK],
    )
    home = tmp_path_factory.mktemp("python")
    (home / "ask.py").write_text(SCRIPT)
    return ran(home, str(folder / "bin/python"), str(home / "ask.py"), proxy)


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("whole", ["It says: hello", "STOP", 2]),
        ("redacted", "It says: a [MASK]"),
        ("streamed", ["It says: one [MASK] more", "STOP", None]),
        ("blocked prompt", [None, None, "SAFETY"]),
        ("blocked prompt, streamed", ["", None, "SAFETY"]),
        ("blocked answer", [None, "SAFETY"]),
        ("blocked answer, streamed", ["It is ", "SAFETY", None]),
        ("call", ["f", {"a": "a [MASK]", "b": 2.5}]),
        ("called", "It is sunny in Rome"),
        ("chat", ["It says: two", 4]),
        ("count", 3),
        ("counted", [400, "INVALID_ARGUMENT"]),
        ("cached", [400, "INVALID_ARGUMENT"]),
        ("failed", [429, "RESOURCE_EXHAUSTED"]),
        ("failed, streamed", [429, "RESOURCE_EXHAUSTED"]),
    ],
)
def test_the_python_sdk_works_unmodified(told: Any, what: str, expected: Any) -> None:
    """Texts, ends and blocks are told as Google tells them."""
    assert told[what] == expected


def test_what_is_blocked_never_reaches_the_model(
    told: Any, model: tuple[str, list[tuple[str, str | None]]]
) -> None:
    """It was asked with the client's key, below the version that this client asks for, and never to count what is blocked."""
    paths = [path for path, _ in model[1]]

    assert {key for _, key in model[1]} == {"secret-key"}
    assert {path.rpartition(":")[0] for path in paths} == {"/v1/models/gemini-x"}
    assert sum(path.endswith(":countTokens") for path in paths) == 1


def test_the_javascript_sdk_works_unmodified(proxy: str, tmp_path: Path) -> None:
    """It sees the same."""
    folder = installed(
        JAVASCRIPT.replace("/", "-"),
        ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", "{}", JAVASCRIPT],
    )
    script = folder / "ask.mjs"
    script.write_text(NODE_SCRIPT)

    assert ran(tmp_path, "node", str(script), proxy) == {
        "whole": "It says: a [MASK]",
        "streamed": ["It says: one [MASK] more", "STOP", None],
        "blocked": {"blockReason": "SAFETY", "blockReasonMessage": "Not that."},
        "blockedStreamed": ["", None, "SAFETY"],
        "late": ["It is ", "SAFETY", None],
        "counted": 400,
    }
