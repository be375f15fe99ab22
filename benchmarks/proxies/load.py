"""The load generator: a server's port and a number of connections in, latencies as JSON out.

    python -m proxies.load PORT [--connections 8] [--seconds 2] [--stream] [--headers JSON] [--keys JSON] [--first 0]

Every connection asks again as soon as it is answered. With several keys one request after the other has the next one. Of each
answer the status and the end are looked at, of the first on each connection all. What is answered in the first tenth of the
time is not counted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
from collections.abc import Sequence
from itertools import count
from time import perf_counter

from proxies import script
from proxies.http1 import Messages
from proxies.upstream import MILLION, run

WARM = 0.1
PATIENCE_S = 20.0
TEXT = re.compile(rb'"content": ?"[^"]')
"""What a stream's first text looks like."""

CONTENT = re.compile(rb'"content": ?("(?:[^"\\]|\\.)*")')


class Wrong(Exception):
    """An answer that was not asked for: what was measured means nothing."""


class Load:
    """One measurement: what is asked, for how long, and what was seen."""

    def __init__(self, heads: Sequence[bytes], first: int, stream: bool, seconds: float) -> None:
        before, after = script.question("\0", stream=stream).split(json.dumps("\0")[1:-1].encode())
        size = len(before) + len(script.text(0)) + len(after)
        self.heads = [head + b"content-length: %d\r\n\r\n" % size + before for head in heads]
        self.tail = after
        self.texts = [script.prose(number).encode() for number in range(script.REPEATED)]
        self.numbers = count(first)
        self.stream = stream
        now = perf_counter()
        self.counted_from, self.until = now + WARM * seconds, now + seconds
        self.latencies: list[float] = []
        self.firsts: list[float] = []
        self.answers = 0
        self.done = asyncio.get_running_loop().create_future()
        self.sample = b""

    def request(self) -> bytes:
        """Return a request that was never sent before."""
        number = next(self.numbers) & MILLION
        text = script.nonce(number).encode() + b" " + self.texts[number % script.REPEATED]
        return self.heads[number % len(self.heads)] + text + self.tail

    def failed(self, why: str) -> None:
        """Stop with an error."""
        if not self.done.done():
            self.done.set_exception(Wrong(why))


class Connection(asyncio.Protocol):
    """One client."""

    def __init__(self, load: Load, all_done: list[int]) -> None:
        self._load, self._left = load, all_done
        self._messages = Messages()
        self._began = self._first = 0.0
        self._looked = False
        self._seen = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Ask."""
        self._transport = transport
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody should close before the end."""
        if perf_counter() < self._load.until:
            self._load.failed("the server closed a connection")

    def data_received(self, data: bytes) -> None:
        """Take what came of an answer."""
        if self._load.stream and not self._first:
            self._seen += data
            if TEXT.search(self._seen):
                self._first = perf_counter()
        for head, body in self._messages.feed(data):
            self._answered(head, body)

    def _ask(self) -> None:
        assert self._transport is not None
        self._first, self._seen = 0.0, bytearray()
        self._began = perf_counter()
        self._transport.write(self._load.request())

    def _answered(self, head: bytes, body: bytes) -> None:
        now, load = perf_counter(), self._load
        if not self._looked and (wrong := looked_at(body, load.stream)):
            load.failed(f"{wrong}: {head!r} {body[:600]!r}")
            return
        self._looked = True
        load.answers += 1
        load.sample = load.sample or head
        if not head.startswith(b"HTTP/1.1 200") or (load.stream and b"[DONE]" not in body[-32:]):
            load.failed(f"{head!r} {body[:600]!r}")
            return
        if load.counted_from <= now <= load.until:
            load.latencies.append(now - self._began)
            if load.stream:
                load.firsts.append(self._first - self._began)
        if now < load.until:
            self._ask()
            return
        self._left[0] -= 1
        if not self._left[0] and not load.done.done():
            load.done.set_result(None)


def looked_at(body: bytes, stream: bool) -> str:
    """Return what is wrong with an answer, if anything is."""
    said = "".join(json.loads(found[1]) for found in CONTENT.finditer(body))
    place = next((at for at in range(script.REPEATED) if said.endswith(" " + script.prose(at))), None)
    if place is None or len(said) != len(script.text(0)):
        return "the text is not what the upstream said"
    return "" if stream or isinstance(json.loads(body), dict) else "not an object"


async def measured(port: int, heads: Sequence[bytes], given: argparse.Namespace) -> dict[str, object]:
    """Ask, and return what was seen."""
    loop = asyncio.get_running_loop()
    load = Load(heads, given.first, given.stream, given.seconds)
    left = [given.connections]
    made = [
        await loop.create_connection(lambda: Connection(load, left), "127.0.0.1", port)
        for _ in range(given.connections)
    ]
    async with asyncio.timeout(given.seconds + PATIENCE_S):
        await load.done
    for transport, _ in made:
        transport.close()
    times, firsts = sorted(load.latencies), sorted(load.firsts)
    if not times:
        raise Wrong("nothing was answered in time")
    return {
        "answers": load.answers,
        "rate": len(times) / (load.until - load.counted_from),
        "p50": at(times, 0.5),
        "p99": at(times, 0.99),
        **({"first50": at(firsts, 0.5), "first99": at(firsts, 0.99)} if firsts else {}),
        "head": load.sample.decode("latin-1"),
    }


def at(times: list[float], share: float) -> float:
    """Return a quantile, in milliseconds."""
    return 1_000 * times[min(len(times) - 1, int(share * len(times)))]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("port", type=int)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--stream", action="store_true")
    parser.add_argument("--headers", type=json.loads, default={})
    parser.add_argument("--keys", type=json.loads, default=[], help="one for each request in turn")
    parser.add_argument("--first", type=int, default=0, help="the number of the first question")
    given = parser.parse_args()
    lines = {
        "host": f"127.0.0.1:{given.port}",
        "content-type": "application/json",
        "authorization": "Bearer sk-none",
        **given.headers,
    }
    head = "POST /v1/chat/completions HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in lines.items())
    heads = [f"{head}{script.KEY}: {key}\r\n" for key in given.keys] or [head]
    print(json.dumps(run(measured(given.port, [each.encode() for each in heads], given))))


if __name__ == "__main__":
    main()
