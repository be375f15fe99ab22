"""What attacks on the proxy cost the others: each attack beside innocent traffic; latency as a ratio to the idle server's.

    python benchmarks/availability.py [--seconds 15] [--only NAME ...] [--policy default]

`guardrails serve` runs as a process of its own before a scripted upstream. Innocent clients ask short questions, a probe asks
`/healthz`; after a while of that alone, an attack begins beside them. The last columns say what became of the attack.
"""

from __future__ import annotations

import argparse
import base64
import http.client
import io
import json
import socket
import statistics
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from PIL import Image

import measure
from proxies import servers

AIM = 3.0
"""How many times as long as on an idle server an innocent request may take, at the 99th percentile."""

PAUSE_S = 0.02
TIMEOUT_S = 120.0
MODEL = "scripted"


@dataclass(slots=True)
class Watch:
    """What clients saw: seconds of each answer, and how many had which status (0: none)."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    def p(self, share: float) -> float:
        """Return a percentile, in milliseconds."""
        if len(self.seconds) < 2:
            return float("nan")
        return statistics.quantiles(self.seconds, n=1_000, method="inclusive")[int(share * 10) - 1] * 1_000

    @property
    def refused(self) -> int:
        """How many were not answered with 200."""
        return self.statuses.total() - self.statuses[200]


def ask(port: int, method: str, path: str, body: bytes | None, watch: Watch) -> None:
    """Ask once, on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    started, status = time.perf_counter(), 0
    try:
        headers = {"content-type": "application/json", "authorization": "Bearer sk-none"}
        connection.request(method, path, body, headers if body else {})
        answer = connection.getresponse()
        answer.read()
        status = answer.status
    except (OSError, http.client.HTTPException):
        status = 0
    finally:
        connection.close()
    watch.seconds.append(time.perf_counter() - started)
    watch.statuses[status] += 1


def chat(*contents: object) -> bytes:
    """Write a chat request with a user's message of each content."""
    messages = [{"role": "user", "content": content} for content in contents]
    return json.dumps({"model": MODEL, "messages": messages}).encode()


def picture(number: int) -> str:
    """Return a picture of ten megapixels and one bit each, as a data URI: 1.3 kB."""
    image = Image.new("1", (4_000, 2_500))
    for bit in range(16):
        image.putpixel((bit, 0), number >> bit & 1)
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def bodies(name: str) -> bytes:
    """Return the body of an attack that is one request."""
    if name == "messages":
        return chat(*(f"message number {n} of very many" for n in range(12_000)))
    if name == "replies":
        turns = [{"role": "assistant", "content": f"Reply {n} to jo{n}@example.com."} for n in range(8_000)]
        return json.dumps(
            {"model": MODEL, "messages": [*turns, {"role": "user", "content": "Go on."}]}
        ).encode()
    if name == "pictures":
        parts = [{"type": "image_url", "image_url": {"url": picture(n)}} for n in range(200)]
        return chat(parts)
    units = {
        "digits": "1.1.1.1 ",
        "cards": "4111.1111 ",
        "unicode": "\u0416\u4e2d\u0939 ",
        "base64": "QUJDRA",
    }
    return chat(*(units[name] * (200_000 // len(units[name])) + str(n) for n in range(20)))


def posted(name: str) -> Callable[[int, float, Watch], None]:
    """Return an attack: four clients that send one body again and again."""

    def attack(port: int, until: float, watch: Watch) -> None:
        body = bodies(name)

        def client() -> None:
            while time.perf_counter() < until:
                ask(port, "POST", "/v1/chat/completions", body, watch)

        together([client] * 4)

    return attack


HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"


def slow(count: int, sent: bytes) -> Callable[[int, float, Watch], None]:
    """Return an attack: so many connections that send the beginning of a request, then a byte a second."""

    def attack(port: int, until: float, watch: Watch) -> None:
        held: list[socket.socket] = []
        for _ in range(count):
            try:
                held.append(socket.create_connection(("127.0.0.1", port), timeout=5))
                held[-1].sendall(sent)
            except OSError:
                watch.statuses[0] += 1
        while time.perf_counter() < until:
            time.sleep(1)
            for connection in held:
                try:
                    connection.sendall(b" ")
                except OSError:
                    continue
        for connection in held:
            connection.close()

    return attack


ATTACKS: Mapping[str, Callable[[int, float, Watch], None]] = {
    **{
        name: posted(name)
        for name in ("messages", "replies", "digits", "cards", "unicode", "base64", "pictures")
    },
    "slow bodies": slow(512, HEAD + b"content-length: 100000\r\n\r\n{"),
    "half heads": slow(900, HEAD + b"x-more: "),
}


def together(functions: list[Callable[[], None]]) -> None:
    """Run functions at once, and return when all have returned."""
    threads = [threading.Thread(target=function, daemon=True) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def innocent(port: int, until: float) -> tuple[Watch, Watch]:
    """Ask short questions and `/healthz` until a time; return what both saw."""
    questions, probes = Watch(), Watch()

    def client(who: int) -> None:
        number = 0
        while time.perf_counter() < until:
            number += 1
            body = chat(f"What is the capital of country number {who} {number} {until:.3f}?")
            ask(port, "POST", "/v1/chat/completions", body, questions)
            time.sleep(PAUSE_S)

    def probe() -> None:
        while time.perf_counter() < until:
            ask(port, "GET", "/healthz", None, probes)
            time.sleep(PAUSE_S)

    together([lambda: client(0), lambda: client(1), probe])
    return questions, probes


def measured(name: str, server: servers.Server, seconds: float) -> dict[str, object]:
    """Return the row of one attack."""
    idle, idle_probes = innocent(server.port, time.perf_counter() + seconds)
    before = server.memory_mb()
    attack, until = Watch(), time.perf_counter() + seconds
    attacker = threading.Thread(target=ATTACKS[name], args=(server.port, until, attack), daemon=True)
    attacker.start()
    busy, probes = innocent(server.port, until)
    grown = server.memory_mb() - before
    attacker.join(TIMEOUT_S)
    return {
        "attack": name,
        "p99 ms idle": idle.p(99),
        "p99 ms": busy.p(99),
        "ratio": busy.p(99) / idle.p(99),
        "refused": busy.refused,
        "of": busy.statuses.total(),
        "probe max ms": max(probes.seconds) * 1_000,
        "probes refused": probes.refused + idle_probes.refused,
        "MB more": grown,
        "attack answered": " ".join(f"{status}x{count}" for status, count in sorted(attack.statuses.items())),
    }


@contextmanager
def served(policy: str, *options: str, upstream_module: str = "proxies.upstream") -> Iterator[servers.Server]:
    """Yield a server before an upstream, with more options of the command; end both afterwards."""
    upstream = servers.Server(
        "upstream", [sys.executable, "-m", upstream_module, "{port}"], "upstream", core=servers.ANY_CORE
    )
    upstream.start()
    ours = servers.Server(
        "guardrails",
        [sys.executable, "-m", "guardrails", "serve", "--policy", policy, "--port", "{port}",
         "--upstream", f"http://127.0.0.1:{upstream.port}/v1", *options],
        "guardrails",
        core=servers.ANY_CORE,
    )  # fmt: skip
    try:
        ours.start()
        yield ours
    finally:
        ours.stop()
        upstream.stop()


def main() -> None:
    """Print a row for each attack."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--only", nargs="+", choices=sorted(ATTACKS), default=list(ATTACKS))
    parser.add_argument("--policy", default="default")
    args = parser.parse_args()
    print(measure.machine())
    rows = []
    for name in args.only:
        with served(args.policy) as server:  # a fresh one for each, so that memory is the attack's own
            rows.append(measured(name, server, args.seconds))
            print(measure.table(rows[-1:]), flush=True)
    print(measure.table(rows))
    for row in rows:
        met = row["ratio"] <= AIM and not row["refused"] and row["probe max ms"] < 1_000
        said = f"{row['ratio']:.1f} times (aim: ≤ {AIM:.0f}), {row['refused']} refused"
        print(f"{'met' if met else 'MISSED':7} {row['attack']}: {said}")


if __name__ == "__main__":
    main()
