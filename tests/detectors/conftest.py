"""What the tests of detectors share: a server at the far side of a real socket, and for those of streams patterns of every
construct, over an alphabet so small that collisions are likely.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from aiohttp import web
from hypothesis import strategies as st

from guardrails.detectors.patterns.table import CompiledRow, PatternError, PatternRow, compile_row
from guardrails.remote.endpoint import Endpoint

ALPHABET = 'aab1- \n"'
CHARS = [
    "a",
    "b",
    "1",
    "-",
    " ",
    r"\n",
    '"',
    ".",
    r"\w",
    r"\d",
    r"\s",
    r"\W",
    "[ab]",
    "[^a]",
    r"[^\d\n]",
    r'[^\s"]',
    "[a-b1]",
]
QUANTIFIERS = ["?", "*", "+", "{2}", "{1,2}", "{2,}", "{0,3}", "??", "*?", "+?", "{1,2}?", "?+", "*+", "++"]
PLACES = [r"\b", r"\B", "^", "$", r"\Z", r"\A", "(?m:^)", "(?m:$)"]
HEADS = ["", "(?a)", "(?a)", "(?i)", "(?s)", "(?m)", "(?ai)"]
WORDS = [("a",), ("ab", "a b"), ("b1",), ("a", "a-a"), ("1 b", "1")]


def bodies() -> st.SearchStrategy[str]:
    """Return a strategy for patterns without flags in front."""

    def longer(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return st.one_of(
            st.tuples(inner, inner).map("".join),
            st.tuples(inner, inner).map(lambda pair: f"(?:{pair[0]}|{pair[1]})"),
            st.tuples(inner, st.sampled_from(QUANTIFIERS)).map(lambda pair: f"(?:{pair[0]}){pair[1]}"),
            inner.map(lambda one: f"({one})"),
            st.tuples(st.sampled_from(PLACES), inner).map("".join),
            st.tuples(inner, st.sampled_from(PLACES)).map("".join),
            st.tuples(inner, st.sampled_from(["(?=", "(?!"]), inner).map(lambda some: f"{''.join(some)})"),
            st.tuples(st.sampled_from(["(?<=", "(?<!"]), st.sampled_from(["a", r"\w", ".", "ab"]), inner).map(
                lambda some: f"{some[0]}{some[1]}){some[2]}"
            ),
            inner.map(lambda one: f"(?>{one})"),
            st.tuples(st.sampled_from(["a|b", r"\w", "a+"]), inner).map(
                lambda pair: rf"({pair[0]}){pair[1]}\1"
            ),
            inner.map(lambda one: f"(a)?{one}(?(1)b|-)"),
        )

    return st.recursive(st.sampled_from(CHARS), longer, max_leaves=7)


def odd(text: str) -> bool:
    """Accept half of all texts, as a validator."""
    return sum(map(ord, text)) % 2 == 1


def rows_of_all_kinds() -> st.SearchStrategy[PatternRow]:
    """Return a strategy for rows: flags, sometimes a group, a validator, words of context."""
    return st.builds(
        PatternRow,
        st.tuples(st.sampled_from(HEADS), bodies()).map("".join),
        st.sampled_from(["custom.x", "custom.y", "custom.z"]),
        st.just(1.0),
        st.integers(0, 1),
        st.sampled_from([None, None, None, odd]),
        st.sampled_from([(), (), (), (), *WORDS]),
    )


@pytest.fixture(scope="session")
def rows() -> st.SearchStrategy[list[PatternRow]]:
    """Return a strategy for the rows of a table, of which not all can be compiled."""
    return st.lists(rows_of_all_kinds(), min_size=1, max_size=3)


def compiled(rows: Iterable[PatternRow]) -> list[CompiledRow]:
    """Return the rows that can be compiled, without their group where there is none; one that is there if none can."""
    # Not while drawing: `regex` tidies up its cache at random.
    found = []
    for row in rows:
        for group in (row.group, 0):
            try:
                found.append(compile_row(replace(row, group=group)))
                break
            except (PatternError, TimeoutError):
                continue
    return found or [compile_row(PatternRow("ab", "custom.x"))]


@pytest.fixture(scope="session")
def compile_all() -> Callable[[Iterable[PatternRow]], list[CompiledRow]]:
    """Return the function that compiles what can be compiled."""
    return compiled


@pytest.fixture(scope="session")
def pattern() -> st.SearchStrategy[str]:
    """Return a strategy for patterns with flags in front."""
    return st.tuples(st.sampled_from(HEADS), bodies()).map("".join)


def every(text: str) -> Iterator[list[str]]:
    """Yield a text cut in every way: 2^(n-1) lists of parts."""
    for mask in range(1 << max(0, len(text) - 1)):
        parts, start = [], 0
        for at in range(1, len(text)):
            if mask >> (at - 1) & 1:
                parts.append(text[start:at])
                start = at
        yield [*parts, text[start:]]


@pytest.fixture(scope="session")
def every_cut() -> object:
    """Return the function that yields a text cut in every way."""
    return every


class Answering(BaseHTTPRequestHandler):
    """Answers each POST with the JSON that its server's `answer` makes of the request's."""

    protocol_version = "HTTP/1.1"
    server: Any

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.asked.append(body)
        raw = json.dumps(self.server.answer(body)).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@dataclass(frozen=True)
class Upload:
    """A form that came: its fields in order, its file, and the key."""

    path: str
    fields: list[tuple[str, str]]
    name: str
    sound: bytes
    key: str | None


class Transcribing:
    """A server of `/v1/audio/transcriptions` on the loopback, which aiohttp reads forms for: `answers` are its next replies (a
    status and JSON), of which the last one stays; `asked` is what came.
    """

    def __init__(self) -> None:
        self.asked: list[Upload] = []
        self.answers: list[tuple[int, Any]] = [(200, {"text": ""})]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._runner, self.url = self._do(self._started())

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    async def _started(self) -> tuple[web.AppRunner, str]:
        app = web.Application(client_max_size=1 << 24)
        app.router.add_post("/v1/audio/transcriptions", self._took)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return runner, f"http://127.0.0.1:{runner.addresses[0][1]}/v1"

    async def _took(self, request: web.Request) -> web.Response:
        form = await request.post()
        sound: Any = form["file"]
        fields = [(name, str(value)) for name, value in form.items() if name != "file"]
        key = request.headers.get("authorization")
        self.asked.append(Upload(request.path, fields, sound.filename, sound.file.read(), key))
        status, body = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return web.json_response(body, status=status)

    def endpoint(self, **settings: Any) -> Endpoint:
        """Return the server as an operator would declare it."""
        return Endpoint(**{"name": "whisper", "url": self.url, "retries": 0, "timeout_s": 20.0, **settings})

    def end(self) -> None:
        """Stop."""
        self._do(self._runner.cleanup())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@pytest.fixture
def transcribing() -> Iterator[Transcribing]:
    """A server that transcribes as it is told."""
    server = Transcribing()
    yield server
    server.end()


@pytest.fixture
def json_server() -> Iterator[Any]:
    """A server on the loopback: `url`, `asked` (what came so far) and `answer`, which a test sets."""
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    server.url, server.asked, server.answer = f"http://127.0.0.1:{server.server_address[1]}", [], lambda _: {}
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()
