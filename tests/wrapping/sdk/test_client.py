"""A wrapped client: of the class it was, with no way around the guard. OpenAI's released SDK shows it."""

from __future__ import annotations

import asyncio
import datetime
import functools
import inspect
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openai
import pytest

from guardrails import Blocked, Guard, RequestError
from tests.cases import each_case

BOMB, MASK = "zqxbomb", "zqxmask"
ASKED: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def test_a_wrapped_client_is_of_the_class_it_was(policy_guard: Guard) -> None:
    """So are its parts, and a copy of it; both share the connections of the client that was wrapped."""
    for kind in (openai.OpenAI, openai.AsyncOpenAI, openai.AzureOpenAI):
        azure = (
            {"azure_endpoint": "https://x.example", "api_version": "1"} if "Azure" in kind.__name__ else {}
        )
        bare = kind(api_key="k", timeout=7, default_headers={"x-a": "b"}, **azure)  # type: ignore[arg-type]
        wrapped = policy_guard.wrap(bare)
        assert isinstance(wrapped, kind)
        assert type(wrapped) is not kind
        assert type(wrapped.chat.completions) is type(bare.chat.completions)
        assert type(wrapped).__name__ == kind.__name__
        assert (wrapped.timeout, wrapped.default_headers["x-a"], wrapped.api_key) == (7, "b", "k")
        assert wrapped._client is bare._client
        for copied in (wrapped.with_options(timeout=3), wrapped.copy()):
            assert type(copied) is type(wrapped)


def test_the_client_that_was_wrapped_stays_as_it_is(fake: Any, kit: Any, policy_guard: Guard) -> None:
    """It has no guard, also where its parts were made before."""
    fake.answers(kit.completion(BOMB))
    with openai.OpenAI(base_url=fake.url, api_key="k") as bare:
        assert bare.chat.completions.create(**ASKED).choices[0].message.content == BOMB
        wrapped = policy_guard.wrap(bare)
        assert bare.chat.completions.create(**ASKED).choices[0].message.content == BOMB
        with pytest.raises(Blocked):
            wrapped.chat.completions.create(**ASKED)


def test_what_the_caller_gives_is_not_changed(client: Any, fake: Any) -> None:
    """The edited request is a copy."""
    messages = [{"role": "user", "content": MASK}]
    extra = {"odd": MASK}
    client()("chat.completions.create", model="m", messages=messages, extra_body=extra)
    assert (messages, extra) == ([{"role": "user", "content": MASK}], {"odd": MASK})
    assert fake.asked[-1].json["odd"] == "[MASK]"


def test_a_client_is_wrapped_once(policy_guard: Guard) -> None:
    """A second guard would have to say which of both answers."""
    wrapped = policy_guard.wrap(openai.OpenAI(api_key="k"))
    with pytest.raises(TypeError, match="wrapped already"):
        policy_guard.wrap(wrapped)
    with pytest.raises(ValueError, match="output is for functions"):
        policy_guard.wrap(openai.OpenAI(api_key="k"), output="retrieval")


def test_an_sdk_that_works_in_another_way_is_refused(policy_guard: Guard) -> None:
    """Not wrapped without a word."""
    kind = type("OpenAI", (), {"__module__": "openai", "request": lambda: None})
    with pytest.raises(TypeError, match="this version of its SDK"):
        policy_guard.wrap(kind())


RAW: dict[str, Callable[[Any], Any]] = {
    "options": lambda made: made.with_options(timeout=9).chat.completions.create(**ASKED),
    "post": lambda made: made.post("/chat/completions", body=ASKED, cast_to=openai.types.chat.ChatCompletion),
    "relative": lambda made: made.post("chat/completions/", body=ASKED, cast_to=object),
    "query": lambda made: made.post("/chat/completions?a=b", body=ASKED, cast_to=object),
    "stream in the body": lambda made: made.post(
        "/chat/completions", body={**ASKED, "stream": True}, cast_to=object
    ),
    "raw": lambda made: made.chat.completions.with_raw_response.create(**ASKED),
    "raw stream": lambda made: made.chat.completions.with_raw_response.create(**ASKED, stream=True),
    "client raw": lambda made: made.with_raw_response.chat.completions.create(**ASKED),
}


@each_case("way", RAW)
@each_case("streamed", [False, True])
def test_no_way_leads_around_the_guard(client: Any, fake: Any, kit: Any, way: str, streamed: bool) -> None:
    """Options, raw responses and the low-level methods end at the same place."""
    fake.streams(*kit.pieces(BOMB)) if streamed else fake.answers(kit.completion(BOMB))

    def call(made: Any) -> Any:
        answer = RAW[way](made)
        return answer if not hasattr(answer, "__await__") else _text(answer)

    with pytest.raises(Blocked):
        client().use(lambda made: _read(call(made)))


async def _text(answer: Any) -> Any:
    answer = await answer
    for name in ("http_response",):
        if hasattr(answer, name):
            return await getattr(answer, name).aread()
    return answer


def _read(answer: Any) -> Any:
    return answer.http_response.read() if hasattr(answer, "http_response") else answer


@each_case("way", ["read", "text", "json", "iter_bytes", "iter_lines", "iter_raw", "parse"])
@each_case(("said", "shown"), [(f"a {MASK}", "a [MASK]"), (BOMB, None)])
def test_a_streaming_response_gives_judged_bytes_alone(
    fake: Any, kit: Any, policy_guard: Guard, way: str, said: str, shown: str | None
) -> None:
    """Whichever way it is read, and the response of the HTTP library too."""
    fake.answers(kit.completion(said))
    with (
        policy_guard.wrap(openai.OpenAI(base_url=fake.url, api_key="k")) as wrapped,
        wrapped.chat.completions.with_streaming_response.create(**ASKED) as response,
    ):

        def read() -> str:
            if way == "iter_raw":
                return b"".join(response.http_response.iter_raw()).decode()
            got = getattr(response, way)()
            return str([*got] if isinstance(got, Iterator) else got)

        if shown is None:
            with pytest.raises(Blocked):
                read()
        else:
            assert shown in read()


def test_an_async_streaming_response_gives_judged_bytes_alone(
    fake: Any, kit: Any, policy_guard: Guard
) -> None:
    """The same on an event loop."""
    fake.answers(kit.completion(f"a {MASK}"))

    async def main() -> None:
        async with (
            policy_guard.wrap(openai.AsyncOpenAI(base_url=fake.url, api_key="k")) as wrapped,
            wrapped.chat.completions.with_streaming_response.create(**ASKED) as response,
        ):
            assert "a [MASK]" in await response.text()
            assert (await response.parse()).choices[0].message.content == "a [MASK]"

    asyncio.run(main())


def test_a_raw_response_keeps_what_is_no_text(client: Any, fake: Any, kit: Any) -> None:
    """Status, headers and the time that it took; its length is that of the new body."""
    fake.answers(kit.completion(MASK), headers={"x-request-id": "req_1"})
    raw = client()("chat.completions.with_raw_response.create", **ASKED)
    assert (raw.status_code, raw.request_id, raw.http_version) == (200, "req_1", "HTTP/1.1")
    assert raw.elapsed > datetime.timedelta(0)
    assert int(raw.headers["content-length"]) == len(raw.content)
    assert raw.parse().choices[0].message.content == "[MASK]"


REFUSED: dict[str, Callable[[Any], Any]] = {
    "characters": lambda made: made.post("/videos/characters", body={"name": "x"}, cast_to=object),
    "voices": lambda made: made.post("/audio/voices", body={"name": "x"}, cast_to=object),
    "calls": lambda made: made.post("/realtime/calls", body={"sdp": "x"}, cast_to=object),
    "threads": lambda made: made.post("/threads", body={"messages": []}, cast_to=object),
    "batches": lambda made: made.batches.create(
        completion_window="24h", endpoint="/v1/chat/completions", input_file_id="f"
    ),
    "stored": lambda made: made.chat.completions.retrieve("c"),
    "conversations": lambda made: made.conversations.create(),
    "search": lambda made: made.vector_stores.search("v", query="x"),
    "dots": lambda made: made.post("/files/../chat/completions", body=ASKED, cast_to=object),
    "escaped": lambda made: made.post("/files/%2e%2e/chat/completions", body=ASKED, cast_to=object),
    "escaped slash": lambda made: made.post("/files/..%2fchat%2fcompletions", body=ASKED, cast_to=object),
    "backslash": lambda made: made.post("/files/..\\chat", body=ASKED, cast_to=object),
    "empty segment": lambda made: made.post("/files//x", body=ASKED, cast_to=object),
    "other host": lambda made: made.post("https://x.example/v1/chat/completions", body=ASKED, cast_to=object),
    "put": lambda made: made.put("/chat/completions", body=ASKED, cast_to=object),
    "files": lambda made: made.post("/chat/completions", body=ASKED, files={"a": b"x"}, cast_to=object),
    "list": lambda made: made.post("/chat/completions", body=[ASKED], cast_to=object),
    "object": lambda made: made.post("/chat/completions", body={**ASKED, "odd": object()}, cast_to=object),
    "no messages": lambda made: made.post("/chat/completions", body={"model": "m"}, cast_to=object),
}


@each_case("way", REFUSED)
def test_what_cannot_be_judged_is_refused(client: Any, fake: Any, way: str) -> None:
    """The error names the call; nothing is sent."""
    with pytest.raises(RequestError):
        client().use(REFUSED[way])
    assert fake.asked == []


def test_a_refusal_says_what_to_do(client: Any) -> None:
    """It names the call and the cure."""
    with pytest.raises(RequestError, match=r"POST /audio/voices is refused.*the client that was wrapped"):
        client().use(REFUSED["voices"])


PASSED: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "models": (lambda made: made.models.list(), {"object": "list", "data": []}),
    "model": (
        lambda made: made.models.retrieve("ft:x:y"),
        {"id": "x", "object": "model", "created": 1, "owned_by": "a"},
    ),
    "files": (
        lambda made: made.files.create(file=b"zqxbomb", purpose="assistants"),
        {"id": "f", "object": "file", "filename": "f", "bytes": 1, "created_at": 1, "purpose": "assistants"},
    ),
    "stores": (lambda made: made.vector_stores.list(), {"object": "list", "data": []}),
}


@each_case("way", PASSED)
def test_what_is_no_prompt_and_no_answer_passes(client: Any, fake: Any, way: str) -> None:
    """Models, files and the like are not the guard's."""
    call, answer = PASSED[way]
    fake.answers(answer)
    client().use(call)
    assert len(fake.asked) == 1


def parts(resource: Any, seen: set[type]) -> Iterator[Any]:
    """Yield a client's resources and theirs."""
    for name in dir(type(resource)):
        member = inspect.getattr_static(type(resource), name)
        if isinstance(member, functools.cached_property) and not name.startswith("with_"):
            part = getattr(resource, name)
            if type(part) not in seen:
                seen.add(type(part))
                yield part
                yield from parts(part, seen)


@each_case("kind", [openai.OpenAI, openai.AsyncOpenAI])
def test_every_connection_is_refused(policy_guard: Guard, kind: Any) -> None:
    """What opens a socket of its own does not go through the guard: no part of the installed SDK may."""
    found = 0
    for part in parts(policy_guard.wrap(kind(api_key="k")), set()):
        for name, method in inspect.getmembers(type(part), inspect.isfunction):
            if str(method.__annotations__.get("return")).endswith("ConnectionManager"):
                found += 1
                with pytest.raises(RequestError, match="is refused"):
                    getattr(part, name)()
    assert found >= 2


@each_case(
    ("status", "error"),
    [(429, openai.RateLimitError), (500, openai.InternalServerError), (401, openai.AuthenticationError)],
)
@each_case("stream", [False, True])
def test_errors_of_the_sdk_come_through(
    client: Any, fake: Any, status: int, error: Any, stream: bool
) -> None:
    """With their status and message, also where blocks are answered."""
    fake.answers({"error": {"message": "no", "type": "t", "param": None, "code": "c"}}, status)
    with pytest.raises(error, match="no") as caught:
        client(on_block="answer")("chat.completions.create", **ASKED, stream=stream)
    assert caught.value.code == "c"


@each_case(("said", "shown"), [(f"see {MASK}", "see [MASK]"), (f"see {BOMB}", ""), ("see what", "see what")])
def test_what_an_upstream_says_of_its_failure_is_judged(
    client: Any, fake: Any, said: str, shown: str
) -> None:
    """An error of the SDK keeps its class and status; of its words there is what the policy leaves."""
    fake.answers({"error": {"message": said, "type": "t", "param": None, "code": "c"}}, 400)
    with pytest.raises(openai.BadRequestError) as caught:
        client()("chat.completions.create", **ASKED)
    assert (caught.value.status_code, shown in str(caught.value)) == (400, True)
    assert "zqx" not in str(caught.value) + caught.value.response.text


def test_an_error_that_two_parsers_read_in_two_ways_says_nothing(client: Any, fake: Any) -> None:
    """Nor one that is no text."""
    for raw in (b'{"error": {"message": "a", "Message": "b"}}', b"\xff\xfe"):
        fake.answers(raw, 400)
        with pytest.raises(openai.BadRequestError) as caught:
            client()("chat.completions.create", **ASKED)
        assert caught.value.response.text == "{}"


def test_a_refusal_repeats_nothing_that_was_found(client: Any, fake: Any) -> None:
    """Also where it stood in the name of the model."""
    asked = {**ASKED, "model": f"see {BOMB}"}
    answer = client(on_block="answer")("chat.completions.create", **asked)
    assert "zqx" not in answer.to_json()
    assert fake.asked == []


def test_a_call_is_made_again_as_the_sdk_does(client: Any, fake: Any) -> None:
    """What is sent again is what was judged."""
    fake.answers({"error": {"message": "no"}}, 500, headers={"retry-after-ms": "1"})
    with pytest.raises(openai.InternalServerError):
        client(retries=1)("chat.completions.create", model="m", messages=[{"role": "user", "content": MASK}])
    assert [asked.json["messages"][0]["content"] for asked in fake.asked] == ["[MASK]", "[MASK]"]


def test_a_server_that_is_not_there_is_the_sdk_s_error(client: Any) -> None:
    """Its own exception."""
    with pytest.raises(openai.APIConnectionError):
        client(url="http://127.0.0.1:9/v1")("chat.completions.create", **ASKED)


def test_a_stream_that_breaks_off_is_the_sdk_s_error(client: Any, fake: Any, kit: Any) -> None:
    """What was not settled by then is not told."""
    fake.streams(kit.chunk({"content": "x"}), done=False, cut=True)
    with pytest.raises(openai.APIConnectionError):
        client()("chat.completions.create", **ASKED, stream=True)


def test_a_stream_is_not_read_before_it_is_asked_for(fake: Any, kit: Any, policy_guard: Guard) -> None:
    """A caller who closes it has read nothing, and its connection is free again."""
    fake.streams(*kit.pieces("x"), hang=True)
    with (
        policy_guard.wrap(openai.OpenAI(base_url=fake.url, api_key="k")) as wrapped,
        wrapped.chat.completions.create(**ASKED, stream=True) as stream,
    ):
        assert isinstance(stream, openai.Stream)
    assert fake.dropped.wait(kit.WAIT_S)


def test_streams_do_not_mix(fake: Any, kit: Any, policy_guard: Guard) -> None:
    """Two streams of one client, read in turns, in threads, and as tasks of one loop: a word in halves is in neither."""
    asked = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    fake.streams(*kit.pieces("zqx"))
    with policy_guard.wrap(openai.OpenAI(base_url=fake.url, api_key="k")) as wrapped:
        first = wrapped.chat.completions.create(**asked, stream=True)
        fake.streams(*kit.pieces("bomb"))
        second = wrapped.chat.completions.create(**asked, stream=True)
        read = [
            (a.choices[0].delta.content, b.choices[0].delta.content)
            for a, b in zip(first, second, strict=False)
        ]
        assert ("zqx", "bom") in read

        def one(content: str) -> str:
            answer = wrapped.chat.completions.create(
                model="m", messages=[{"role": "user", "content": content}]
            )
            return str(answer.choices[0].message.content)

        fake.answers(kit.completion("Hello."))
        with ThreadPoolExecutor(8) as pool:
            blocked = [pool.submit(one, BOMB) for _ in range(8)]
            passed = [pool.submit(one, "hi") for _ in range(8)]
            assert all(isinstance(each.exception(), Blocked) for each in blocked)
            assert {each.result() for each in passed} == {"Hello."}

    async def main() -> list[Any]:
        async with policy_guard.wrap(openai.AsyncOpenAI(base_url=fake.url, api_key="k")) as made:
            calls = [
                made.chat.completions.create(model="m", messages=[{"role": "user", "content": text}])
                for text in (BOMB, "hi") * 4
            ]
            return await asyncio.gather(*calls, return_exceptions=True)

    results = asyncio.run(main())
    assert all(isinstance(each, Blocked) for each in results[::2])
    assert all(each.choices[0].message.content == "Hello." for each in results[1::2])
