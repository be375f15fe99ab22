"""A client of one server: what it sends, what it takes for an answer, which connections it uses again, and when it gives up."""

from __future__ import annotations

import asyncio
import gzip
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from typing import Any

import aiohttp
import pytest
from yarl import URL

from guardrails.proxy.upstreams.http_client import AT_ONCE, HttpClient, UpstreamResponse
from tests.cases import each_case
from tests.waiting import WAIT_S, wait_until

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


class Scripted:
    """A server that answers each request with the next of its answers, and notes what it read, on which connection.

    An answer may be a function: it gets the connection instead, with the head of the request in `seen`.
    """

    def __init__(self, *answers: bytes | Callable[[socket.socket], object]) -> None:
        self.answers = iter(answers)
        self.seen: list[tuple[int, bytes]] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Listen no more."""
        self._listener.close()

    def _accept(self) -> None:
        number = 0
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(number, connection), daemon=True).start()
                number += 1

    def _serve(self, number: int, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while True:
                head = b""
                while b"\r\n\r\n" not in head:
                    if not (some := connection.recv(1 << 16)):
                        return
                    head += some
                self.seen.append((number, head))
                answer = next(self.answers)
                if not isinstance(answer, bytes):
                    answer(connection)
                    return
                connection.sendall(answer)

    @property
    def connections(self) -> list[int]:
        """The numbers of the connections on which requests came."""
        return [number for number, _ in self.seen]


@pytest.fixture
def script() -> Iterator[Callable[..., Scripted]]:
    """Return a function: answers in, a server that gives them out."""
    made: list[Scripted] = []

    def make(*answers: Any) -> Scripted:
        made.append(Scripted(*answers))
        return made[-1]

    yield make
    for each in made:
        each.close()


def run(url: str, work: Callable[[HttpClient], Any], **seconds: float) -> Any:
    """Return what some work with a client returns."""

    async def main() -> Any:
        client = HttpClient(url, **{"connect_s": WAIT_S, "idle_s": WAIT_S, "total_s": WAIT_S, **seconds})
        client.open()
        try:
            async with asyncio.timeout(WAIT_S):
                return await work(client)
        finally:
            await client.close()
            await asyncio.sleep(0)  # transports close in the next turn of the loop

    return asyncio.run(main())


async def post(client: HttpClient, url: str, body: bytes = b"{}", **headers: str) -> tuple[int, bytes]:
    """Send a request; return the status and the body of its answer."""
    response = await client.ask("POST", URL(url), headers, body)
    return response.status, await read(response)


async def until(holds: Callable[[], bool]) -> None:
    """Return once something holds."""
    await asyncio.to_thread(wait_until, holds)


async def read(response: UpstreamResponse) -> bytes:
    """Read an answer, and give its connection back."""
    try:
        return await response.content.read()
    finally:
        response.release()


def test_a_request_is_what_it_says_it_is(script) -> None:
    """One host, one length, the headers that are given; what every request has can be given too."""
    server = script(OK, OK)

    async def work(client: HttpClient) -> None:
        await post(client, server.url + "/chat?beta=true", b'{"a": 1}', authorization="Bearer k")
        await read(await client.ask("GET", URL(server.url), {"user-agent": "mine"}, None))

    run(server.url, work)

    (first, *lines), (second, *others) = (seen.split(b"\r\n") for _, seen in server.seen)
    host = b"host: " + server.url[7:-3].encode()
    assert first == b"POST /v1/chat?beta=true HTTP/1.1"
    assert {host, b"accept: */*", b"authorization: Bearer k", b"content-length: 8"} < set(lines)
    assert lines[-1] == b'{"a": 1}'
    assert second == b"GET /v1 HTTP/1.1"
    assert sorted(others) == [b"", b"", b"accept: */*", host, b"user-agent: mine"]


@each_case(
    ("answer", "status", "body"),
    [
        (OK, 200, b"ok"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", 200, b""),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        (CHUNKED + b"1\r\no\r\n1\r\nk\r\n0\r\n\r\n", 200, b"ok"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + OK, 200, b"ok"),
        (
            b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\nconnection: close\r\n\r\n"
            + gzip.compress(b"ok", mtime=0),
            200,
            b"ok",
        ),
        (b"HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n", 302, b""),
        (b"HTTP/1.1 500 Oops\r\ncontent-length: 2\r\n\r\nno", 500, b"no"),
    ],
)
def test_an_answer_is_read_in_every_form(script, answer, status, body) -> None:
    """Interim answers are passed over, redirects are not followed, an encoding that nobody asked for is undone."""

    def send(connection: socket.socket) -> None:
        connection.sendall(answer)

    server = script(send)

    assert run(server.url, lambda client: post(client, server.url)) == (status, body)


@each_case(
    "answer",
    [
        b"",
        b"zqxbomb\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\nok",
        CHUNKED + b"z\r\nok\r\n0\r\n\r\n",
        CHUNKED + b"2\r\nok\r\n",
        OK + b"more",
    ],
)
def test_a_malformed_answer_is_none(script, answer) -> None:
    """Nothing, something else, and lengths that contradict each other."""
    server = script(lambda connection: connection.sendall(answer))

    with pytest.raises(aiohttp.ClientError):
        run(server.url, lambda client: post(client, server.url))


def test_no_header_adds_a_line(script) -> None:
    """A value with an end of line in it is never sent."""
    server = script(OK)

    with pytest.raises(ValueError, match="injection"):
        run(server.url, lambda client: post(client, server.url, authorization="a\r\nx: y"))

    assert not server.seen


@each_case(
    ("first", "connections"),
    [
        (OK, [0, 0]),
        (CHUNKED + b"2\r\nok\r\n0\r\n\r\n", [0, 0]),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok", [0, 1]),
        (OK + OK, [0, 1]),
    ],
)
def test_only_a_clean_connection_is_used_again(script, first, connections) -> None:
    """What follows an answer is none to the next request."""
    server = script(first, OK)

    async def work(client: HttpClient) -> Any:
        await post(client, server.url)
        await asyncio.sleep(0)
        return await post(client, server.url)

    assert run(server.url, work) == (200, b"ok")
    assert server.connections == connections


def test_an_answer_that_is_not_read_leaves_no_connection(script) -> None:
    """Whoever still reads it is told so; the rest of it is no answer to others."""
    server = script(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok", OK)

    async def work(client: HttpClient) -> Any:
        response = await client.ask("POST", URL(server.url), {}, b"{}")
        assert await response.content.readany() == b"ok"
        response.release()
        with pytest.raises(aiohttp.ClientConnectionError):
            await response.content.read()
        return await post(client, server.url)

    assert run(server.url, work) == (200, b"ok")
    assert server.connections == [0, 1]


@each_case(("method", "sent"), [("GET", 2), ("DELETE", 2), ("POST", 1)])
def test_only_what_changes_nothing_is_sent_twice(script, method, sent) -> None:
    """A server that closes without an answer may have worked on it."""
    server = script(lambda connection: None, OK)

    async def work(client: HttpClient) -> Any:
        body = b"{}" if method == "POST" else None
        return await read(await client.ask(method, URL(server.url), {}, body))

    if sent == 1:
        with pytest.raises(aiohttp.ServerDisconnectedError):
            run(server.url, work)
    else:
        assert run(server.url, work) == b"ok"
    assert len(server.seen) == sent


LARGE = b"x" * (3 * AT_ONCE)


def test_a_large_body_arrives_whole(script) -> None:
    """It is sent in pieces."""
    got = bytearray()

    def take(connection: socket.socket) -> None:
        got.extend(server.seen[0][1].partition(b"\r\n\r\n")[2])
        while len(got) < len(LARGE):
            got.extend(connection.recv(1 << 16))
        connection.sendall(OK)

    server = script(take)

    assert run(server.url, lambda client: post(client, server.url, LARGE)) == (200, b"ok")
    assert bytes(got) == LARGE


def test_a_large_body_may_be_refused_before_its_end(script) -> None:
    """The answer is read while the body is still on its way; the connection is not used again."""
    over = threading.Event()

    def refuse(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno")
        over.wait(WAIT_S)

    server = script(refuse, OK)

    async def work(client: HttpClient) -> Any:
        first = await post(client, server.url, LARGE * 10)
        return first, await post(client, server.url)

    try:
        assert run(server.url, work) == ((413, b"no"), (200, b"ok"))
    finally:
        over.set()
    assert server.connections == [0, 1]


@pytest.mark.parametrize("limit", [{"idle_s": 0.1}, {"total_s": 0.1}])
@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok"])
def test_an_answer_that_does_not_come_is_not_waited_for(script, limit, begun) -> None:
    """Neither for its head nor for its body."""
    over = threading.Event()

    def hang(connection: socket.socket) -> None:
        connection.sendall(begun)
        over.wait(WAIT_S)

    server = script(hang)

    try:
        with pytest.raises(TimeoutError):
            run(server.url, lambda client: post(client, server.url), **limit)
    finally:
        over.set()


def test_each_answer_has_its_own_time(script) -> None:
    """Whoever has less of it gives up first, though asked later; an answer that is there in time is not disturbed."""
    over, quick = threading.Event(), threading.Event()

    def hang(connection: socket.socket) -> None:
        over.wait(WAIT_S)

    def answer(connection: socket.socket) -> None:
        quick.wait(WAIT_S)
        connection.sendall(OK)

    server = script(answer, answer, hang)
    ended: list[str] = []

    async def ask(client: HttpClient, name: str, total_s: float | None) -> None:
        try:
            await read(await client.ask("POST", URL(server.url), {}, b"{}", total_s))
        except TimeoutError:
            ended.append(f"{name} late")
            quick.set()
        else:
            ended.append(name)

    async def work(client: HttpClient) -> None:
        async with asyncio.TaskGroup() as group:
            for number, (name, total_s) in enumerate([("long", WAIT_S), ("without", None), ("short", 0.1)]):
                group.create_task(ask(client, name, total_s))
                await until(lambda number=number: len(server.seen) > number)  # type: ignore[misc] # it tells a bool

    try:
        run(server.url, work)
    finally:
        over.set()
    assert (ended[0], {*ended[1:]}) == ("short late", {"long", "without"})


def test_a_server_that_is_away_is_told_from_one_that_breaks_off() -> None:
    """Nothing was sent to it, so that it may be asked again."""
    with closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(aiohttp.ClientConnectorError):
            run(url, lambda client: post(client, url))


def test_a_server_that_is_not_reached_in_time_is_told_too() -> None:
    """Its queue of connections is full."""
    with closing(socket.socket()) as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        url = f"http://127.0.0.1:{full.getsockname()[1]}"
        others = [socket.socket() for _ in range(3)]
        for each in others:
            each.setblocking(False)
            each.connect_ex(full.getsockname())
        try:
            with pytest.raises(aiohttp.ConnectionTimeoutError):
                run(url, lambda client: post(client, url), connect_s=0.1)
        finally:
            for each in others:
                each.close()


def test_whoever_gives_up_closes_the_connection(script) -> None:
    """The server sees it at once."""
    closed, arrived = threading.Event(), threading.Event()

    def wait(connection: socket.socket) -> None:
        arrived.set()
        if not connection.recv(1):
            closed.set()

    server = script(wait)

    async def work(client: HttpClient) -> None:
        asking = asyncio.ensure_future(post(client, server.url))
        await until(arrived.is_set)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await until(closed.is_set)

    run(server.url, work)
