"""Errors of a guard below an SDK that turns them into its own, loses them, keeps silent, or asks again."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import gc
import inspect
import pickle
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from operator import attrgetter
from types import SimpleNamespace
from typing import Any

import anthropic
import httpx2
import openai
import pytest
from pydantic import BaseModel

from guardrails import BackendError, Blocked, Guard, GuardUnavailable
from guardrails.testing import Reply, ScriptedUpstream
from guardrails.wrapping.guard_errors import note_errors, refuse_repeat, unwrap_errors, unwrap_result

BOMB = "zqxbomb"
ASKED: dict[str, Any] = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
STOPPED = GuardUnavailable("the queue is full")


class LostConnectionError(Exception):
    """What an SDK makes of everything."""


def of_sdk(kind: Any) -> Any:
    """Have a class come from an SDK's package."""
    kind.__module__ = "made_up_sdk.streams"
    return kind


def judged(exchange: Any, error: Exception = STOPPED) -> Iterator[str]:
    """Yield what is released of an answer, up to an error of the guard."""
    with note_errors(exchange):
        yield "fine"
        raise error


def wraps(pieces: Iterator[str]) -> Iterator[str]:
    """Raise an error from the one that came."""
    try:
        yield from pieces
    except Exception as error:
        raise LostConnectionError from error


def hides(pieces: Iterator[str]) -> Iterator[str]:
    """Raise an error that does not say from which it came."""
    try:
        yield from pieces
    except Exception:
        raise LostConnectionError from None


def loses(pieces: Iterator[str]) -> Iterator[str]:
    """Raise an error that has nothing to do with the one that came."""
    failed = False
    try:
        yield from pieces
    except Exception:
        failed = True
    if failed:
        raise LostConnectionError


def groups(pieces: Iterator[str]) -> Iterator[str]:
    """Raise a group of errors, as task groups do."""
    try:
        yield from pieces
    except Exception as error:
        raise ExceptionGroup("unhandled errors", [error]) from None


def swallows(pieces: Iterator[str]) -> Iterator[str]:
    """End the stream."""
    try:
        yield from pieces
    except Exception:
        return


RELEASES = (wraps, hides, loses, groups, swallows)


@of_sdk
class Stream:
    """A stream of an SDK."""

    def __init__(self, release: Callable[[Iterator[str]], Iterator[str]], pieces: Iterator[str]) -> None:
        self.taken: list[str] = []
        self.pieces = release(pieces)

    def __iter__(self) -> Iterator[str]:
        yield from self.pieces

    def __next__(self) -> str:
        return next(self.pieces)

    @functools.cached_property
    def texts(self) -> Iterator[str]:
        """The texts."""
        return (piece.upper() for piece in self)

    @property
    def status(self) -> int:
        """The status."""
        return 200

    def final(self) -> list[str]:
        """Return what there is, as if it were all."""
        self.taken += self.pieces
        return self.taken

    def close(self) -> None:
        """Close the connection."""


@of_sdk
class AsyncStream:
    """The same on an event loop."""

    def __init__(self, release: Callable[[Iterator[str]], Iterator[str]], pieces: Iterator[str]) -> None:
        self.pieces = release(pieces)

    async def __aiter__(self) -> AsyncIterator[str]:
        for piece in self.pieces:
            yield piece

    async def __anext__(self) -> str:
        try:
            return next(self.pieces)
        except StopIteration:
            raise StopAsyncIteration from None

    async def final(self) -> list[str]:
        """Return what there is, as if it were all."""
        return [piece async for piece in self]


@of_sdk
class Manager:
    """What an SDK's helper returns: it asks when it is entered."""

    def __init__(self, response: Any) -> None:
        self.response = response

    def __enter__(self) -> Any:
        return unowned(Helper(self.response))

    def __exit__(self, *_: object) -> None:
        pass


@of_sdk
class Helper:
    """A stream around another one, which it loses the errors of as well."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def __iter__(self) -> Iterator[str]:
        yield from loses(iter(self.stream))

    def final(self) -> str:
        """Return what there is, as if it were all."""
        return "all"


def unowned(value: Any) -> Any:
    """Return a value: a method's own code knows nothing of guards."""
    return value


def assert_stopped(error: BaseException) -> None:
    """Demand the error that was raised, or a copy of it."""
    assert type(error) is type(STOPPED)
    assert (str(error), vars(error)) == (str(STOPPED), vars(STOPPED))


@pytest.fixture
def exchange() -> Any:
    """A call, as far as its error goes."""
    return SimpleNamespace(error=None)


READS: dict[str, Callable[[Any], object]] = {
    "for": list,
    "next": lambda stream: [next(stream), next(stream)],
    "property": lambda stream: list(stream.texts),
    "method": lambda stream: stream.final(),
}


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("read", READS.values(), ids=[*READS])
def test_a_stream_raises_what_the_guard_did(
    exchange: Any, release: Any, read: Callable[[Any], object]
) -> None:
    """With all that it has, and no word of the SDK's; of a call that was stopped there is no end, but all else."""
    stream = unwrap_errors(Stream(release, judged(exchange)), exchange)
    assert isinstance(stream, Stream)
    for again in (read, list):
        with pytest.raises(GuardUnavailable) as raised:
            again(stream)
        assert_stopped(raised.value)
        assert raised.value.__cause__ is None
        assert raised.value.__suppress_context__
    with pytest.raises(GuardUnavailable):
        stream.final()
    stream.close()
    assert stream.status == 200
    assert pickle.loads(pickle.dumps(raised.value)).reason == STOPPED.reason


@pytest.mark.parametrize("release", RELEASES)
def test_an_async_stream_does_too(exchange: Any, release: Any) -> None:
    """However it is read."""

    async def read_all(stream: Any) -> None:
        async for _ in stream:
            pass

    async def read_next(stream: Any) -> None:
        await anext(stream)
        await anext(stream)

    for read in (read_all, read_next, lambda stream: stream.final()):
        exchange.error = None
        stream = unwrap_errors(AsyncStream(release, judged(exchange)), exchange)
        with pytest.raises(GuardUnavailable) as raised:
            asyncio.run(read(stream))
        assert_stopped(raised.value)


def test_what_holds_a_stream_belongs_to_its_call(exchange: Any) -> None:
    """A helper of an SDK's that knows the stream alone."""
    stream = unwrap_errors(Stream(hides, judged(exchange)), exchange)
    manager = unwrap_errors(Manager(stream))
    with manager as helper:
        assert isinstance(helper, Helper)
        with pytest.raises(GuardUnavailable):
            list(helper)
        with pytest.raises(GuardUnavailable):
            helper.final()


def test_what_went_well_or_failed_otherwise_stays(exchange: Any) -> None:
    """Pieces, ends, other errors, and the error of another call that is being handled."""
    stream = unwrap_errors(Stream(wraps, iter(["a", "b"])), exchange)
    assert (next(stream), *stream) == ("a", "b")
    with pytest.raises(StopIteration):
        next(stream)
    try:
        raise STOPPED
    except GuardUnavailable:
        broken = unwrap_errors(Stream(wraps, judged(SimpleNamespace(), ZeroDivisionError())))
        with pytest.raises(LostConnectionError) as raised:
            list(broken)
        assert isinstance(raised.value.__cause__, ZeroDivisionError)


def test_an_error_is_no_other_call_s(exchange: Any) -> None:
    """A tool that a runner of an SDK's calls may be stopped in a call of its own, and go on."""

    @of_sdk
    class Part:
        def ask(self, error: Exception | None) -> str:
            if error is not None:
                with note_errors(exchange):
                    raise error
            refuse_repeat()
            return "fine"

        def run(self, tool: Callable[[], object]) -> str:
            try:
                tool()
            except GuardUnavailable:
                return self.ask(None)
            raise AssertionError

    outer, inner = unwrap_errors(Part()), unwrap_errors(Part())
    assert outer.run(lambda: inner.ask(STOPPED)) == "fine"
    assert_stopped(exchange.error)


def test_a_stopped_call_is_not_made_again(exchange: Any) -> None:
    """An SDK that asks once more finds the same error, with nothing sent."""
    sent: list[int] = []

    @of_sdk
    class Part:
        def ask(self) -> None:
            for _ in range(3):
                try:
                    self._send()
                except Exception:
                    continue
            raise LostConnectionError

        def _send(self) -> None:
            refuse_repeat()
            sent.append(1)
            with note_errors(exchange):
                raise STOPPED

    with pytest.raises(GuardUnavailable):
        unwrap_errors(Part()).ask()
    assert len(sent) == 1


@pytest.mark.parametrize("release", RELEASES)
def test_what_is_raised_keeps_nothing_alive(exchange: Any, release: Any) -> None:
    """A file that was to be sent is closed when nobody holds the error."""
    gc.collect()
    gc.disable()
    try:
        stream = unwrap_errors(Stream(release, judged(exchange, GuardUnavailable("full"))), exchange)
        with contextlib.suppress(GuardUnavailable):
            list(stream)
        left = weakref.ref(stream)
        del stream
        assert left() is None
    finally:
        gc.enable()


def test_data_stays_what_it_is() -> None:
    """Models, data classes, what another package returns, and what has no attributes of its own."""

    @of_sdk
    class Answer(BaseModel):
        text: str

    @of_sdk
    @dataclass(frozen=True)
    class Turn:
        text: str

    class Other:
        pass

    for value in (Answer(text=""), Turn(""), Other(), "text", None, [1]):
        assert type(unwrap_result(value, Stream)) is type(value)


def test_a_class_that_is_traced_later_is_asked_each_time(exchange: Any, monkeypatch: Any) -> None:
    """What traces calls of an SDK changes its methods, also behind the guard."""
    stream = unwrap_errors(Stream(wraps, iter(())), exchange)
    monkeypatch.setattr(Stream, "final", lambda self: ["traced"])
    assert stream.final() == ["traced"]


# ── Released SDKs, made worse ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _reads(original: Any) -> Any:
    """Return a way to read a body that loses whatever is raised."""

    def read(*args: Any, **kwargs: Any) -> Iterator[bytes]:
        return loses(original(*args, **kwargs))

    return read


@pytest.fixture
def upstream() -> Iterator[ScriptedUpstream]:
    """A model that says that word late, and in pieces."""
    with ScriptedUpstream() as made:
        made.reply_with(Reply(f"Something long enough to be let go before. {BOMB} and more.", cut=4))
        yield made


def _events(client: Any) -> None:
    for _ in client.messages.create(**ASKED, stream=True):
        pass


def _texts(client: Any) -> None:
    with client.messages.stream(**ASKED) as stream:
        for _ in stream.text_stream:
            pass


def _lines(client: Any) -> None:
    with client.messages.with_streaming_response.create(**ASKED) as response:
        for _ in response.iter_lines():
            pass


@pytest.mark.parametrize("ask", [_events, _texts, _lines])
@pytest.mark.parametrize("place", ["response", "stream", "helper"])
def test_a_release_that_loses_errors_anywhere(
    policy_guard: Guard, upstream: ScriptedUpstream, ask: Any, place: str, monkeypatch: Any
) -> None:
    """Where it reads the body, where it makes events of it, and where a helper reads these."""
    from anthropic._streaming import Stream as Events

    kind, name = {
        "response": (httpx2.Response, "iter_bytes"),
        "stream": (Events, "__stream__"),
        "helper": (anthropic.MessageStream, "__stream__"),
    }[place]
    monkeypatch.setattr(kind, name, _reads(getattr(kind, name)))
    with (
        policy_guard.wrap(anthropic.Anthropic(base_url=upstream.origin, api_key="none")) as client,
        pytest.raises(Blocked) as raised,
    ):
        ask(client)
    assert type(raised.value) is Blocked
    assert len(upstream.requests) == 1


def test_streams_side_by_side(policy_guard: Guard, upstream: ScriptedUpstream) -> None:
    """Of one client, read in turn and in threads: what stops one is nothing to the others."""
    stopped = Reply(f"Something long enough to be let go before. {BOMB} and more.", cut=4)
    fine = Reply("Something long enough to be let go before, and more.", cut=4)
    upstream.reply_with(stopped, fine, fine)
    with policy_guard.wrap(anthropic.Anthropic(base_url=upstream.origin, api_key="none")) as client:
        first, second, third = (client.messages.create(**ASKED, stream=True) for _ in range(3))
        next(second)
        with pytest.raises(Blocked):
            list(first)
        with ThreadPoolExecutor(1) as pool:
            read = pool.submit(list, third)
            assert list(second)[-1].type == read.result()[-1].type == "message_stop"
        with pytest.raises(Blocked):
            next(first)


def test_a_coroutine_that_is_closed_elsewhere() -> None:
    """It ends in silence, in whatever context that is."""

    class Forever:
        def __await__(self) -> Iterator[None]:
            while True:
                yield

    @of_sdk
    class Part:
        async def ask(self) -> None:
            await Forever()

    steps = unwrap_errors(Part()).ask()
    contextvars.copy_context().run(steps.send, None)
    steps.close()
    assert inspect.getcoroutinestate(steps) == inspect.CORO_CLOSED


@pytest.mark.parametrize("is_async", [False, True])
def test_a_release_that_retries_everything(
    policy_guard: Guard, upstream: ScriptedUpstream, monkeypatch: Any, is_async: bool
) -> None:
    """The far side sees one request."""
    kind: Any = anthropic.AsyncAnthropic if is_async else anthropic.Anthropic
    monkeypatch.setattr(kind, "_should_retry_exception", lambda self, error: (True, None))

    async def at_once(self: Any, **_: Any) -> None:
        pass

    monkeypatch.setattr(kind, "_sleep_for_retry", at_once if is_async else lambda self, **_: None)

    async def ask() -> None:
        async with policy_guard.wrap(kind(base_url=upstream.origin, api_key="none")) as client:
            await client.messages.create(**ASKED)

    if is_async:
        with pytest.raises(Blocked):
            asyncio.run(ask())
    else:
        with (
            policy_guard.wrap(kind(base_url=upstream.origin, api_key="none")) as client,
            pytest.raises(Blocked),
        ):
            client.messages.create(**ASKED)
    assert len(upstream.requests) == 1


def test_an_answer_that_cannot_be_judged_is_no_lost_connection(
    policy_guard: Guard, upstream: ScriptedUpstream
) -> None:
    """It is the error that says so."""
    upstream.reply_with(b"no json")
    for client, name in (
        (openai.OpenAI(base_url=upstream.url, api_key="none"), "chat.completions"),
        (anthropic.Anthropic(base_url=upstream.origin, api_key="none"), "messages"),
    ):
        with policy_guard.wrap(client) as wrapped:
            part = attrgetter(name)(wrapped).with_streaming_response
            with part.create(**ASKED) as response, pytest.raises(BackendError):
                response.read()
