"""What the tests of wrapped clients share: the proxy tests' scripted upstream, and OpenAI's released SDK before it."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from guardrails import Guard
from tests.films import film, green

PROXY = Path(__file__).parents[1] / "proxy"


def _kit(file: str = "conftest") -> Any:
    """Return the module of the proxy's tests that has the upstream, or another."""
    name = f"tests_proxy_kit_{file}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, PROXY / f"{file}.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@pytest.fixture(scope="session")
def kit() -> Any:
    """The helpers of the proxy's tests: `completion`, `chunk`, `pieces`."""
    return _kit()


@pytest.fixture(scope="session")
def image_kit() -> Any:
    """Pictures, and what the images API says with them: `file`, `encoded`, `made`, `events`."""
    return _kit("image_kit")


@pytest.fixture(scope="session")
def audio_kit() -> Any:
    """Sounds, what the audio API says with them, and a guard that has them transcribed."""
    return _kit("audio_kit")


@pytest.fixture(scope="session")
def _fakes() -> Iterator[list[Any]]:
    fakes = [_kit().Fake() for _ in range(2)]
    yield fakes
    for fake in fakes:
        fake.close()


@pytest.fixture
def fake(_fakes: list[Any]) -> Any:
    """The upstream, which answers `Hello.` until it is told otherwise."""
    _fakes[0].reset()
    return _fakes[0]


@pytest.fixture
def transcriber(_fakes: list[Any]) -> Any:
    """The server that transcribes for the guard."""
    _fakes[1].reset()
    _fakes[1].answers({"text": "all is well"})
    return _fakes[1]


@pytest.fixture(scope="session")
def policy_guard(guard_of: Callable[..., Guard]) -> Guard:
    """A guard that blocks zqxbomb and redacts zqxmask, everywhere."""
    guard: Guard = guard_of(_kit().POLICY)
    return guard


class Client:
    """A wrapped client, sync or async, asked in one way: `client("chat.completions.create", …)`. Each call has its own, closed
    behind it.
    """

    def __init__(self, make: Callable[[], Any], *, is_async: bool) -> None:
        self.make = make
        self.is_async = is_async

    def __call__(self, path: str, *args: Any, **kwargs: Any) -> Any:
        """Call a method of the client and return its answer, of a stream the list of its events."""
        return self.use(lambda made: _found(made, path)(*args, **kwargs))

    def read(self, path: str, **kwargs: Any) -> tuple[Any, bytes]:
        """Call a method of `with_streaming_response` of a part, and read its answer piece by piece; return it and all its bytes."""
        part, _, method = path.rpartition(".")

        def call(made: Any) -> Any:
            with _found(made, f"{part}.with_streaming_response.{method}")(**kwargs) as got:
                return got, b"".join(got.iter_bytes(1_000))

        async def acall(made: Any) -> Any:
            async with _found(made, f"{part}.with_streaming_response.{method}")(**kwargs) as got:
                return got, b"".join([piece async for piece in got.iter_bytes(1_000)])

        found: tuple[Any, bytes] = self.use(acall if self.is_async else call)
        return found

    def use(self, call: Callable[[Any], Any]) -> Any:
        """Give a client to a function and return what it returns, awaited, of a stream the list of its events."""
        if self.is_async:
            return asyncio.run(self._wait(call))
        with self.make() as made:
            answer = call(made)
            return list(answer) if hasattr(answer, "__next__") else answer

    async def _wait(self, call: Callable[[Any], Any]) -> Any:
        async with self.make() as made:
            answer = call(made)
            answer = await answer if hasattr(answer, "__await__") else answer
            return [event async for event in answer] if hasattr(answer, "__anext__") else answer


def _found(made: Any, path: str) -> Any:
    for name in path.split("."):
        made = getattr(made, name)
    return made


@pytest.fixture(params=["sync", "async"])
def client(request: pytest.FixtureRequest, fake: Any, policy_guard: Guard) -> Callable[..., Client]:
    """Return a function that makes a wrapped client of OpenAI's, of both kinds in turn."""
    import openai

    is_async = request.param == "async"
    kind: Any = openai.AsyncOpenAI if is_async else openai.OpenAI

    def make(guard: Guard | None = None, *, url: str = "", retries: int = 0, **options: Any) -> Client:
        def wrapped() -> Any:
            bare = kind(base_url=url or fake.url, api_key="key", max_retries=retries)
            return (guard or policy_guard).wrap(bare, **options)

        return Client(wrapped, is_async=is_async)

    return make


ON = "[input, output]"
GREEN = f"""
  - {{id: green, on: {ON}, when: custom.green_square > 0.5, then: THEN, message: No squares.}}
"""


@pytest.fixture(scope="session")
def looking(guard_of: Callable[..., Guard], kit: Any) -> Callable[[str], Guard]:
    """Return a function that gives a guard which does this to green squares, and to texts as the others do."""
    policy = kit.POLICY.replace("rules:", "  green: {use: green_square}\nrules:", 1)
    guards = {then: guard_of(policy + GREEN.replace("THEN", then)) for then in ("block", "redact")}
    return guards.__getitem__


@pytest.fixture
def blocks(client: Any, looking: Any) -> Any:
    """A client that blocks green squares."""
    return client(looking("block"))


@pytest.fixture
def covers(client: Any, looking: Any) -> Any:
    """A client that covers them."""
    return client(looking("redact"))


@pytest.fixture(scope="session")
def offending() -> bytes:
    """A film with a green square in each frame."""
    return film(green(12))


class Gated(list[bytes]):
    """The pieces of a stream that the upstream sends; it waits for `gate` before the one at a place."""

    def __init__(self, pieces: Sequence[bytes], at: int) -> None:
        super().__init__(pieces)
        self.at, self.gate = at, threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        for index in range(len(self)):
            if index == self.at:
                assert self.gate.wait(_kit().WAIT_S)
            yield self[index]


@pytest.fixture
def gated(fake: Any) -> Callable[..., threading.Event]:
    """Return a function: let the upstream wait before a piece of what it is to stream; returns the gate."""

    def hold(at: int) -> threading.Event:
        fake.reply.pieces = Gated(fake.reply.pieces, at)
        gate: threading.Event = fake.reply.pieces.gate
        return gate

    return hold


def said(answer: Any) -> str:
    """Return all texts of an answer or of a stream's events, as JSON."""
    events = answer if isinstance(answer, list) else [answer]
    return "".join(event.model_dump_json() for event in events)


@pytest.fixture(scope="session")
def texts() -> Callable[[Any], str]:
    """Return a function: an answer or a stream's events in, all that they hold out."""
    return said
