"""What reaches the caller of each wrapped SDK when a guard stops a call, and how many requests the far side saw.

`python -m tests.wrapping.sdk_error_table` prints the whole table; `test_sdk_errors.py` beside it, and in `tests/system/clients` that
of the SDKs which the tests do not bring, hold it. A row is one way to call an SDK, on both kinds of client; a column is why the guard
stops the call. All clients retry as they do out of the box.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import importlib.metadata
import importlib.util
import inspect
import json
import sys
import warnings
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import BaseModel

from guardrails import Blocked, Guard, GuardUnavailable, InvalidAnswer
from guardrails.plugins import Config, Content, Detection, Kind, ToolCall
from guardrails.protocols.messages.bedrock_framing import CHUNKS
from guardrails.testing import RawReply, ReceivedRequest, Reply, ScriptedUpstream
from guardrails.testing.scripted_upstream import find_protocol, write_reply

FINE: Final = "Who is it?"
BOMB: Final = "zqxbomb"
CRASH: Final = "zqxcrash"
LONG: Final = "Something long enough to be let go before what is not. " * 3
EVERYWHERE: Final = "[input, output, tool_definition, tool_call, tool_result]"
WORDS: Final = f"""
format: 1
name: words
detectors: {{bomb: {{use: terms, terms: [{BOMB}], category: custom.bomb}}}}
rules: [{{id: bomb, on: {EVERYWHERE}, when: custom.bomb > 0, then: block, message: No.}}]
"""
CRASHING: Final = f"""
format: 1
name: crashing
detectors: {{own: {{use: own}}}}
rules: [{{id: own, on: {EVERYWHERE}, when: custom.own > 0, then: block, message: No.}}]
"""


class Person(BaseModel):
    """What an answer has to be."""

    name: str


class _NoOptions(Config):
    use: str
    """The kind of detector."""


class _Crashing:
    """A detector that crashes at one word."""

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        """Find nothing, or raise."""
        if any(CRASH in getattr(each, "text", "") for each in batch):
            raise ZeroDivisionError
        return [Detection() for _ in batch]


KIND: Final = Kind(
    "own",
    "Crashes at one word.",
    _NoOptions,
    lambda *_: frozenset({"custom.own"}),
    lambda *_: _Crashing(),
)


@dataclass(frozen=True)
class Column:
    """Why a guard stops a call.

    Attributes:
        name: what it is called in the table.
        error: what the caller gets, of exactly this class.
        requests: how many requests the far side sees.
        prompt: what is asked.
        says: what the model answers.
        options: of `Guard.wrap`.
    """

    name: str
    error: type[Exception]
    requests: int
    prompt: str = FINE
    says: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)


COLUMNS: Final = (
    Column("prompt blocked", Blocked, 0, prompt=f"Say {BOMB}."),
    Column("answer blocked", Blocked, 1, says=f"{LONG}{BOMB} and more."),
    Column("guard unavailable", GuardUnavailable, 1, says=f"{LONG}{CRASH} and more."),
    Column("answer invalid", InvalidAnswer, 2, says="no", options={"schema": Person, "reask": 1}),
)

Ask = Callable[[Any, str], Coroutine[Any, Any, object]]
"""Calls a client, sync or async, with a prompt, and reads all of the answer."""


@dataclass(frozen=True)
class Sdk:
    """An SDK and the ways to call it.

    Attributes:
        name: what it is called in the table.
        package: the distribution.
        module: what is imported.
        clients: makes a sync client, and an async one where there is one, given the upstream and the way to wrap.
        asks: the ways to call it, by name.
        columns: why a call may be stopped.
        before: for a way, what the model answers first.
        reply: makes a reply of the upstream's.
    """

    name: str
    package: str
    module: str
    clients: tuple[Callable[[ScriptedUpstream, Callable[..., Any]], Any], ...]
    asks: Mapping[str, Ask]
    columns: tuple[Column, ...] = COLUMNS
    before: Mapping[str, Any] = field(default_factory=dict)
    reply: Callable[[Any], Any] = lambda given: given

    @property
    def installed(self) -> bool:
        """Whether the package is there."""
        try:
            return importlib.util.find_spec(self.module) is not None
        except ModuleNotFoundError:
            return False


@dataclass(frozen=True)
class Case:
    """A row of the table."""

    sdk: Sdk
    way: str
    is_async: bool

    def __str__(self) -> str:
        return f"{self.sdk.name} {self.way}{' async' if self.is_async else ''}"


async def _got(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value


async def _read(pieces: Any) -> None:
    """Read a stream to its end."""
    pieces = await _got(pieces)
    if hasattr(pieces, "__aiter__"):
        async for _ in pieces:
            pass
    else:
        for _ in pieces:
            pass


@contextlib.asynccontextmanager
async def _opened(manager: Any) -> AsyncIterator[Any]:
    if hasattr(manager, "__aenter__"):
        async with manager as made:
            yield made
    else:
        with manager as made:
            yield made


def _calls(path: str, **given: Any) -> Callable[[Any, str, str], Any]:
    """Return what calls a method of a client with these arguments; `{}` in them stands for the prompt."""

    def fill(value: Any, prompt: str) -> Any:
        if isinstance(value, dict):
            return {name: fill(inner, prompt) for name, inner in value.items()}
        if isinstance(value, list):
            return [fill(inner, prompt) for inner in value]
        return prompt if value == "{}" else value

    def call(client: Any, prompt: str, kind: str, **more: Any) -> Any:
        found = client
        *parts, method = path.split(".")
        for name in (*parts, *([kind] if kind else []), method):
            found = getattr(found, name)
        return found(**fill(given, prompt), **more)

    return call


def _whole(call: Any) -> Ask:
    async def ask(client: Any, prompt: str) -> None:
        await _got(call(client, prompt, ""))

    return ask


def _stream(call: Any, **more: Any) -> Ask:
    async def ask(client: Any, prompt: str) -> None:
        await _read(call(client, prompt, "", **more))

    return ask


def _next(call: Any) -> Ask:
    """Read a stream by `next`, as code does that waits for the first piece."""

    async def ask(client: Any, prompt: str) -> None:
        pieces = await _got(call(client, prompt, "", stream=True))
        while True:
            with contextlib.suppress(StopIteration, StopAsyncIteration):
                await anext(pieces) if hasattr(pieces, "__anext__") else next(pieces)
                continue
            return

    return ask


def _raw(call: Any, *, stream: bool) -> Ask:
    async def ask(client: Any, prompt: str) -> None:
        response = await _got(call(client, prompt, "with_raw_response", stream=stream))
        parsed = await _got(response.parse())
        if stream:
            await _read(parsed)

    return ask


def _response(call: Any, reads: str, *, stream: bool = False) -> Ask:
    """Read a response of `with_streaming_response` by one of its methods."""

    async def ask(client: Any, prompt: str) -> None:
        async with _opened(call(client, prompt, "with_streaming_response", stream=stream)) as response:
            got = getattr(response, reads)()
            got = await _got(got)
            if hasattr(got, "__next__") or hasattr(got, "__anext__"):
                await _read(got)

    return ask


def _helper(call: Any, *reads: str) -> Ask:
    """Read a stream of a helper, a context manager, by its methods and attributes in turn, or as it is."""

    async def ask(client: Any, prompt: str) -> None:
        async with _opened(call(client, prompt, "")) as stream:
            for name in reads:
                got = getattr(stream, name)
                got = await _got(got() if callable(got) else got)
                if hasattr(got, "__next__") or hasattr(got, "__anext__"):
                    await _read(got)
            if not reads:
                await _read(stream)

    return ask


def _swallowing(call: Any, name: str) -> Ask:
    """Ask a helper for the end of a stream that was stopped before, which is stopped as well."""

    async def ask(client: Any, prompt: str) -> None:
        async with _opened(call(client, prompt, "")) as stream:
            with contextlib.suppress(Blocked):
                await _read(stream)
            await _got(getattr(stream, name)())

    return ask


def _stainless(path: str, **given: Any) -> dict[str, Ask]:
    """Return the ways that SDKs of OpenAI's and Anthropic's form have to call one method."""
    call = _calls(path, **given)
    name = path.rpartition(".")[0].replace("chat.completions", "chat")
    return {
        f"{name} whole": _whole(call),
        f"{name} stream": _stream(call, stream=True),
        f"{name} stream by next": _next(call),
        f"{name} raw": _raw(call, stream=False),
        f"{name} raw stream": _raw(call, stream=True),
        **{
            f"{name} streaming response, {reads}": _response(call, reads)
            for reads in ("read", "text", "json", "parse", "iter_bytes", "iter_text", "iter_lines")
        },
        f"{name} streamed response, parse": _response(call, "parse", stream=True),
        f"{name} streamed response, iter_lines": _response(call, "iter_lines", stream=True),
    }


CHAT: Final[list[Any]] = [{"role": "user", "content": "{}"}]


# ── OpenAI ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _openai(kind: str) -> Callable[..., Any]:
    def make(upstream: ScriptedUpstream, wrap: Callable[..., Any]) -> Any:
        import openai

        made = wrap(getattr(openai, kind)(base_url=upstream.url, api_key="none"))
        made.guardrails_wrap = wrap  # for the runner
        return made

    return make


def _openai_runner(method: str, **more: Any) -> Ask:
    async def ask(client: Any, prompt: str) -> None:
        import openai
        from openai.lib.responses_tool_runner import AsyncResponsesToolRunner, ResponsesToolRunner

        is_async = isinstance(client, openai.AsyncOpenAI)
        runner = client.guardrails_wrap((AsyncResponsesToolRunner if is_async else ResponsesToolRunner)())
        got = getattr(runner, method)(client, {"model": "m", "input": prompt}, **more)
        if method == "iterate":
            await _read(got)
        else:
            await _got(got)

    return ask


_CHAT = {"model": "m", "messages": CHAT}
_RESPONSES = {"model": "m", "input": "{}"}
OPENAI: Final = Sdk(
    "openai",
    "openai",
    "openai",
    (_openai("OpenAI"), _openai("AsyncOpenAI")),
    {
        **_stainless("chat.completions.create", **_CHAT),
        "chat parse": _whole(_calls("chat.completions.parse", **_CHAT)),
        "chat.stream": _helper(_calls("chat.completions.stream", **_CHAT)),
        "chat.stream, until_done": _helper(_calls("chat.completions.stream", **_CHAT), "until_done"),
        "chat.stream, get_final_completion": _helper(
            _calls("chat.completions.stream", **_CHAT), "get_final_completion"
        ),
        "chat.stream, get_final_completion behind the block": _swallowing(
            _calls("chat.completions.stream", **_CHAT), "get_final_completion"
        ),
        **_stainless("responses.create", **_RESPONSES),
        "responses parse": _whole(_calls("responses.parse", **_RESPONSES)),
        "responses.stream": _helper(_calls("responses.stream", **_RESPONSES)),
        "responses.stream, get_final_response": _helper(
            _calls("responses.stream", **_RESPONSES), "get_final_response"
        ),
        "ResponsesToolRunner.run": _openai_runner("run"),
        "ResponsesToolRunner.run stream": _openai_runner("run", stream=True),
        "ResponsesToolRunner.iterate": _openai_runner("iterate"),
    },
)


# ── Anthropic ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _anthropic(kind: str, **options: Any) -> Callable[..., Any]:
    def make(upstream: ScriptedUpstream, wrap: Callable[..., Any]) -> Any:
        import anthropic

        return wrap(getattr(anthropic, kind)(base_url=upstream.origin, **options))

    return make


def _anthropic_runner(*, stream: bool = False, by: str = "") -> Ask:
    async def ask(client: Any, prompt: str) -> None:
        import anthropic

        is_async = hasattr(client, "__aenter__")

        def look() -> str:
            """Look at it."""
            return "It is here."

        async def alook() -> str:
            """Look at it."""
            return "It is here."

        tool: Any = (
            anthropic.beta_async_tool(alook, name="look")
            if is_async
            else anthropic.beta_tool(look, name="look")
        )
        runner = client.beta.messages.tool_runner(
            model="m",
            max_tokens=9,
            tools=[tool],
            messages=[{"role": "user", "content": prompt}],
            **({"stream": True} if stream else {}),
        )
        if by:
            await _got(getattr(runner, by)())
        elif not stream:
            await _read(runner)
        elif is_async:
            async for each in runner:
                await _read(each)
        else:
            for each in runner:
                await _read(each)

    return ask


_MESSAGE = {"model": "m", "max_tokens": 9, "messages": CHAT}
_RUNNERS = {
    "tool_runner": _anthropic_runner(),
    "tool_runner, until_done": _anthropic_runner(by="until_done"),
    "tool_runner stream": _anthropic_runner(stream=True),
    "tool_runner behind a tool": _anthropic_runner(),
    "tool_runner stream behind a tool": _anthropic_runner(stream=True),
}
ANTHROPIC: Final = Sdk(
    "anthropic",
    "anthropic",
    "anthropic",
    (_anthropic("Anthropic", api_key="none"), _anthropic("AsyncAnthropic", api_key="none")),
    {
        **_stainless("messages.create", **_MESSAGE),
        "messages parse": _whole(_calls("messages.parse", **_MESSAGE)),
        **{
            f"messages.stream{reads and ', '}{reads}": _helper(
                _calls("messages.stream", **_MESSAGE), *reads.split()
            )
            for reads in ("", "text_stream", "until_done", "get_final_message", "get_final_text")
        },
        "messages.stream, get_final_message behind the block": _swallowing(
            _calls("messages.stream", **_MESSAGE), "get_final_message"
        ),
        "beta.messages whole": _whole(_calls("beta.messages.create", **_MESSAGE)),
        "beta.messages stream": _stream(_calls("beta.messages.create", **_MESSAGE), stream=True),
        "beta.messages.stream": _helper(_calls("beta.messages.stream", **_MESSAGE)),
        **_RUNNERS,
    },
    before={name: Reply("", [ToolCall("look", "{}")]) for name in _RUNNERS if name.endswith("behind a tool")},
)


def reply_of_anthropic(reply: Any) -> Callable[[ReceivedRequest], RawReply]:
    """Return what answers a request as Anthropic's API, at whatever path of Bedrock's or Vertex AI's it came."""

    def answer(request: ReceivedRequest) -> RawReply:
        at_bedrock = request.path.startswith("/model/")
        streams = request.path.endswith("-stream") if at_bedrock else request.json.get("stream", False)
        body = json.dumps({**request.json, "stream": streams}).encode()
        found = find_protocol("POST", "/v1/messages")
        made = write_reply(reply, ReceivedRequest("POST", "/v1/messages", request.headers, body, found))
        if not (at_bedrock and streams):
            return made
        writer = CHUNKS.writer()
        pieces = [writer.feed(piece) for piece in made.pieces if isinstance(piece, bytes)]
        return RawReply(pieces, content_type="application/vnd.amazon.eventstream")

    return answer


_AWS = {"aws_region": "us-east-1", "aws_access_key": "none", "aws_secret_key": "none"}
_GOOGLE = {"region": "global", "project_id": "project", "access_token": "none"}
_ELSEWHERE = {
    "messages whole": _whole(_calls("messages.create", **_MESSAGE)),
    "messages stream": _stream(_calls("messages.create", **_MESSAGE), stream=True),
    "messages.stream": _helper(_calls("messages.stream", **_MESSAGE)),
}
VERTEX: Final = Sdk(
    "anthropic vertex",
    "anthropic",
    "google.auth",
    (_anthropic("AnthropicVertex", **_GOOGLE), _anthropic("AsyncAnthropicVertex", **_GOOGLE)),
    _ELSEWHERE,
    reply=reply_of_anthropic,
)
BEDROCK_MESSAGES: Final = Sdk(
    "anthropic bedrock",
    "anthropic",
    "boto3",
    (_anthropic("AnthropicBedrock", **_AWS), _anthropic("AsyncAnthropicBedrock", **_AWS)),
    _ELSEWHERE,
    reply=reply_of_anthropic,
)


# ── Google ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _genai(*, is_async: bool) -> Callable[..., Any]:
    def make(upstream: ScriptedUpstream, wrap: Callable[..., Any]) -> Any:
        from google import genai
        from google.genai import types

        retries = types.HttpRetryOptions(attempts=3)
        options = types.HttpOptions(base_url=upstream.origin, retry_options=retries)
        client = wrap(genai.Client(api_key="none", http_options=options))
        return client.aio if is_async else client

    return make


def _genai_chat(method: str) -> Ask:
    async def ask(client: Any, prompt: str) -> None:
        got = getattr(client.chats.create(model="m"), method)(prompt)
        if method.endswith("stream"):
            await _read(got)
        else:
            await _got(got)

    return ask


_CONTENTS = {"model": "m", "contents": "{}"}
GENAI: Final = Sdk(
    "google-genai",
    "google-genai",
    "google.genai",
    (_genai(is_async=False), _genai(is_async=True)),
    {
        "models whole": _whole(_calls("models.generate_content", **_CONTENTS)),
        "models stream": _stream(_calls("models.generate_content_stream", **_CONTENTS)),
        "chats whole": _genai_chat("send_message"),
        "chats stream": _genai_chat("send_message_stream"),
    },
)


# ── httpx ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _httpx(module: str, kind: str) -> Callable[..., Any]:
    def make(upstream: ScriptedUpstream, wrap: Callable[..., Any]) -> Any:
        return wrap(getattr(sys.modules[module], kind)(base_url=upstream.url), as_http=True)

    return make


def _post(**more: Any) -> Ask:
    async def ask(client: Any, prompt: str) -> None:
        turns = [{"role": "user", "content": prompt}]
        body = {"model": "m", "messages": turns, "stream": bool(more.get("reads"))}
        if not more:
            await _got(client.post("/chat/completions", json=body))
            return
        async with _opened(client.stream("POST", "/chat/completions", json=body)) as response:
            is_async = hasattr(client, "aclose")
            got = getattr(response, f"a{more['reads']}" if is_async else more["reads"])()
            await (_got(got) if more["reads"] == "read" else _read(got))

    return ask


def _httpx_sdk(module: str) -> Sdk:
    reads = ("read", "iter_bytes", "iter_text", "iter_lines", "iter_raw")
    return Sdk(
        module,
        module,
        module,
        (_httpx(module, "Client"), _httpx(module, "AsyncClient")),
        {"post": _post(), **{f"stream, {each}": _post(reads=each) for each in reads}},
        COLUMNS[:3],  # which no schema is given to
    )


# ── SDKs that the tests do not bring ────────────────────────────────────────────────────────────────────────────────────────────────


def _mistral(upstream: ScriptedUpstream, wrap: Callable[..., Any]) -> Any:
    from mistralai.client import Mistral
    from mistralai.client.utils import BackoffStrategy, RetryConfig

    retries = RetryConfig("backoff", BackoffStrategy(1, 2, 1.1, 100), True)
    return wrap(Mistral(api_key="none", server_url=upstream.origin, retry_config=retries))


_MISTRAL = {"model": "m", "messages": CHAT}


def _mistral_ways(suffix: str) -> dict[str, Ask]:
    stream = _calls(f"chat.stream{suffix}", **_MISTRAL)

    async def managed(client: Any, prompt: str) -> None:
        async with _opened(await _got(stream(client, prompt, ""))) as events:
            await _read(events)

    return {
        "chat.complete": _whole(_calls(f"chat.complete{suffix}", **_MISTRAL)),
        "chat.stream": _stream(stream),
        "chat.stream, with": managed,
    }


def _mistral_sdk(*, is_async: bool) -> Sdk:
    ways = _mistral_ways("_async" if is_async else "")
    return Sdk("mistralai", "mistralai", "mistralai.client", (_mistral,), ways, COLUMNS[:3])


def _cohere(kind: str) -> Callable[..., Any]:
    def make(upstream: ScriptedUpstream, wrap: Callable[..., Any]) -> Any:
        import cohere

        return wrap(getattr(cohere, kind)(api_key="none", base_url=upstream.origin))

    return make


def _cohere_raw(client: Any, prompt: str, kind: str) -> Any:
    return client.with_raw_response.chat(model="m", messages=[{"role": "user", "content": prompt}])


async def _cohere_raw_stream(client: Any, prompt: str) -> None:
    turns = [{"role": "user", "content": prompt}]
    async with _opened(client.with_raw_response.chat_stream(model="m", messages=turns)) as response:
        await _read(response.data)


_COHERE: Final[dict[str, Ask]] = {
    "chat": _whole(_calls("chat", **_MISTRAL)),
    "chat_stream": _stream(_calls("chat_stream", **_MISTRAL)),
    "v2.chat": _whole(_calls("v2.chat", **_MISTRAL)),
    "v2.chat_stream": _stream(_calls("v2.chat_stream", **_MISTRAL)),
    "raw": _whole(_cohere_raw),
    "raw stream": _cohere_raw_stream,
}


def _ollama(kind: str) -> Callable[..., Any]:
    def make(upstream: ScriptedUpstream, wrap: Callable[..., Any]) -> Any:
        import ollama

        return wrap(getattr(ollama, kind)(host=upstream.origin))

    return make


def _boto(upstream: ScriptedUpstream, wrap: Callable[..., Any]) -> Any:
    import boto3

    made = boto3.client(
        "bedrock-runtime",
        region_name="us-east-1",
        aws_access_key_id="none",
        aws_secret_access_key="none",
        endpoint_url=upstream.origin,
    )
    return wrap(made)


async def _converse_stream(client: Any, prompt: str) -> None:
    turns = [{"role": "user", "content": [{"text": prompt}]}]
    await _read(client.converse_stream(modelId="m", messages=turns)["stream"])


def _invoke(method: str) -> Ask:
    async def ask(client: Any, prompt: str) -> None:
        turns = [{"role": "user", "content": prompt}]
        body = json.dumps({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": turns})
        await _read(getattr(client, method)(modelId="anthropic.m", body=body)["body"])

    return ask


_TURNS = {"modelId": "m", "messages": [{"role": "user", "content": [{"text": "{}"}]}]}
SYSTEM_SDKS: Final = (
    _mistral_sdk(is_async=False),
    _mistral_sdk(is_async=True),
    Sdk("cohere", "cohere", "cohere", (_cohere("ClientV2"), _cohere("AsyncClientV2")), _COHERE, COLUMNS[:3]),
    Sdk(
        "ollama",
        "ollama",
        "ollama",
        (_ollama("Client"), _ollama("AsyncClient")),
        {
            "chat": _whole(_calls("chat", **_MISTRAL)),
            "chat stream": _stream(_calls("chat", **_MISTRAL), stream=True),
            "generate": _whole(_calls("generate", model="m", prompt="{}")),
            "generate stream": _stream(_calls("generate", model="m", prompt="{}"), stream=True),
        },
    ),
    Sdk(
        "boto3",
        "boto3",
        "boto3",
        (_boto,),
        {"converse": _whole(_calls("converse", **_TURNS)), "converse_stream": _converse_stream},
        COLUMNS[:3],
    ),
    Sdk(
        "boto3 messages",
        "boto3",
        "boto3",
        (_boto,),
        {name: _invoke(name) for name in ("invoke_model", "invoke_model_with_response_stream")},
        COLUMNS[:3],
        reply=reply_of_anthropic,
    ),
    BEDROCK_MESSAGES,
)
SDKS: Final = (OPENAI, ANTHROPIC, VERTEX, GENAI, _httpx_sdk("httpx"), _httpx_sdk("httpx2"))


REACHES: Final = (
    (
        "openai",
        "3.63.0",
        "openai:OpenAI",
        "request copy _process_response _prepare_request _make_status_error_from_response",
    ),
    (
        "anthropic",
        "2.17.0",
        "anthropic:Anthropic",
        "request copy _process_response _prepare_request _make_status_error_from_response",
    ),
    ("anthropic", "2.17.0", "anthropic:Anthropic", "_copy_and_prepare"),
    ("google-genai", "3.6.1", "google.genai._api_client:BaseApiClient", "_request _async_request"),
    ("google-genai", "3.6.1", "google.genai._api_client:HttpResponse", "segments async_segments"),
    ("mistralai", "3.7.0", "mistralai.client:Mistral", "_sub_sdk_map __getattr__"),
    (
        "cohere",
        "7.3.1",
        "cohere.core.client_wrapper:BaseClientWrapper",
        "get_base_url get_timeout get_max_retries get_custom_headers",
    ),
    ("boto3", "1.44.18", "botocore.client:BaseClient", "_make_api_call"),
    ("boto3", "1.44.18", "botocore.eventstream:EventStream", "close"),
    ("ollama", "0.6.3", "ollama:Client", "_request"),
)
"""What the wrappers use of SDKs beyond what these describe: the package, the release tried, the class, its members.

Of objects besides: `_client` of a client of OpenAI's, Anthropic's (the client of httpx, whose module is asked for) and Ollama's (which
is replaced); `_api_client` of Google's client and its parts; `sdk_configuration` of Mistral's; `_client_wrapper` of Cohere's with
`_token`, `_client_name`, `_headers`. By their names alone are known: `APIStatusError`, `SyncAPIResource`, `AsyncAPIResource`, and
annotations that end in `ConnectionManager`. `_prepare_request` and `_copy_and_prepare` are hooks: a release without them is wrapped
just as well. Nothing asks what an SDK does to exceptions.
"""


def list_missing() -> list[str]:
    """Return what is not there of `REACHES`, in the SDKs that are installed."""
    missing = []
    for package, _, path, members in REACHES:
        module, _, name = path.partition(":")
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            importlib.metadata.version(package)
            found = getattr(importlib.import_module(module), name, None)
            missing += [f"{path}.{each}" for each in members.split() if not hasattr(found, each)]
    return missing


def list_cases(sdks: Sequence[Sdk]) -> list[Case]:
    """Return the rows of SDKs: each way to call them, on a sync and on an async client."""
    return [
        Case(sdk, way, is_async=sdk is SYSTEM_SDKS[1] or bool(number))
        for sdk in sdks
        for way in sdk.asks
        for number, _ in enumerate(sdk.clients)
    ]


@dataclass(frozen=True)
class Outcome:
    """What came of a call: its error, and how many requests the far side saw."""

    error: BaseException | None
    requests: int

    def __str__(self) -> str:
        name = "no error" if self.error is None else type(self.error).__name__
        return f"{name} / {self.requests}"


class Guards:
    """The guards of the columns, made once."""

    def __init__(self) -> None:
        self._guards = {
            CRASHING: Guard.load(CRASHING, detectors={"own": KIND}),
            WORDS: Guard.load(WORDS),
        }

    def wrap(self, column: Column) -> Callable[..., Any]:
        """Return the function that wraps clients for a column."""
        guard = self._guards[CRASHING if CRASH in column.says else WORDS]

        def wrap(client: Any, *, as_http: bool = False) -> Any:
            if not as_http:
                return guard.wrap(client, **column.options)
            from guardrails.protocols.chat.protocol import CHAT as PROTOCOL
            from guardrails.wrapping.http.http_client import guard_http_client
            from guardrails.wrapping.sdk.calls import Calls
            from guardrails.wrapping.sdk.exchange import Terms

            return guard_http_client(
                client, Terms(guard, answers=False), Calls({"POST /**/chat/completions": PROTOCOL})
            )

        return wrap


def try_case(case: Case, column: Column, guards: Guards, upstream: ScriptedUpstream) -> Outcome:
    """Make a call that a guard stops; return what came of it."""
    sdk = case.sdk
    upstream.reset()
    first = [sdk.before[case.way]] if case.way in sdk.before else []
    upstream.reply_with(*map(sdk.reply, [*first, Reply(column.says or "Fine.", cut=4)]))
    make = sdk.clients[-1 if case.is_async else 0]

    async def call() -> BaseException | None:
        client = make(upstream, guards.wrap(column))
        try:
            await sdk.asks[case.way](client, column.prompt)
        except Exception as error:
            return error
        finally:
            await _close(client)
        return None

    error = asyncio.run(call()) if case.is_async else _run_sync(call())
    return Outcome(error, len(upstream.requests))


async def _close(client: Any) -> None:
    for name in ("aclose", "close"):
        close = getattr(client, name, None)
        if callable(close):
            await _got(close())
            return


def _run_sync(steps: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine that waits for nothing, without an event loop."""
    try:
        steps.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("a sync client has to be waited for")


def expected_requests(case: Case, column: Column) -> int:
    """Return how many requests the far side is to see."""
    return column.requests + (case.way in case.sdk.before and column.requests > 0)


def find_fault(case: Case, column: Column, outcome: Outcome) -> str:
    """Return what is wrong with what came of a call, "" where nothing is."""
    error = outcome.error
    if type(error) is not column.error:
        return f"{case}, {column.name}: {outcome}, with {error!r}, in the place of {column.error.__name__}"
    if outcome.requests != expected_requests(case, column):
        return f"{case}, {column.name}: {outcome}"
    assert error is not None
    shown = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "" if shown is None else f"{case}, {column.name}: raised from {shown!r}"


def lines_of_table() -> Iterator[str]:
    """Yield the table, a row for each way to call an SDK; where a cell is not as it should be, it ends in `!`."""
    names = ["SDK, call", *(column.name for column in COLUMNS)]
    yield _row(names)
    yield _row(["-" * 10] * len(names))
    guards = Guards()
    with ScriptedUpstream() as upstream:
        for sdk in (*SDKS, *SYSTEM_SDKS):
            if not sdk.installed:
                yield _row([f"{sdk.name}: {sdk.module} is not installed"])
                continue
            yield _row([f"{sdk.name} ({importlib.metadata.version(sdk.package)})"])
            for case in list_cases([sdk]):
                cells = [str(case)]
                for column in sdk.columns:
                    outcome = try_case(case, column, guards, upstream)
                    cells.append(f"{outcome}{' !' if find_fault(case, column, outcome) else ''}")
                yield _row(cells)


def _row(cells: Sequence[str]) -> str:
    wide = [*cells, *[""] * (len(COLUMNS) + 1 - len(cells))]
    return "| " + " | ".join(f"{cell:<{62 if not number else 19}}" for number, cell in enumerate(wide)) + " |"


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    for line in lines_of_table():
        sys.stdout.write(f"{line}\n")
    sys.stdout.write(f"Reached for, and not there: {', '.join(list_missing()) or 'nothing'}\n")
