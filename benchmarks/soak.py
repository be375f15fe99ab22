"""Hours of attacks in minutes: a server under mixed innocent and hostile traffic keeps its memory, files and threads.

    python benchmarks/soak.py [--seconds 600] [--policy default] [--seed 0]

`guardrails serve` runs as a process of its own before a scripted upstream. Innocent clients ask short questions; hostile ones
send the requests of `tests/proxy/hostile_requests.py` in an order of chance, leave streams in the middle and hold connections.
Probes are asked at their own port. Ends with 1 where something is not as it should be.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import socket
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

import measure
from availability import MODEL, PAUSE_S, Watch, ask, chat, served, together
from proxies import servers

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.proxy.hostile_requests import REQUESTS

SAMPLE_S = 5.0
HOSTILE = 2
"""Hostile clients at a time."""

HELD = 64
"""Connections that somebody opens and says nothing on."""

GROWTH = 1.15
"""How much more memory the last third of the time may take than the middle one, at their highest."""

SPARE_MB = 64.0
MORE_THREADS, MORE_FILES = 8, 64
SLOWEST_PROBE_S = 1.0

IDLE_SHARE = 0.1
"""Share of the time for which innocent clients are alone first."""

SLOWEST_RATIO = 10.0
"""How many times as long as then an innocent request may take at the 99th percentile; the aim on a machine that does nothing else
is 3, as in `availability.py`."""

DOCUMENTED = frozenset({0, 200, 400, 404, 413, 415, 502, 503})
"""What a hostile request may be answered with: 502 where the scripted upstream does not know its API, 0 where it was left."""


class Sampled:
    """What a server's process held, over time."""

    def __init__(self, server: servers.Server) -> None:
        self._server = server
        self.memory_mb: list[float] = []
        self.threads: list[int] = []
        self.files: list[int] = []

    def sample(self) -> None:
        """Look once."""
        assert self._server.process is not None
        process = Path(f"/proc/{self._server.process.pid}")
        self.memory_mb.append(self._server.memory_mb())
        self.threads.append(len([*(process / "task").iterdir()]))
        self.files.append(len([*(process / "fd").iterdir()]))


@cache
def body_of(name: str) -> bytes:
    """Return the body of a hostile request. It is made once: this process must not be what is slow."""
    return REQUESTS[name].make()


def send(port: int, name: str, watch: Watch) -> None:
    """Send a hostile request."""
    path, _, media = REQUESTS[name]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    status = 0
    try:
        connection.request("POST", path, body_of(name), {"content-type": media})
        answer = connection.getresponse()
        answer.read()
        status = answer.status
    except (OSError, http.client.HTTPException):
        status = 0
    finally:
        connection.close()
    watch.statuses[status] += 1


def leave_stream(port: int) -> None:
    """Ask for a stream, and go after its first bytes."""
    body = json.dumps({"model": MODEL, "stream": True, "messages": [{"role": "user", "content": "Tell me."}]})
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        head = (
            "POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\n\r\n"
        )
        connection.sendall((head + body).encode())
        connection.recv(256)


def hostile(port: int, until: float, seed: int, watch: Watch) -> None:
    """Attack in an order of chance."""
    random_ = random.Random(seed)
    names = [*REQUESTS]
    while time.perf_counter() < until:
        send(port, random_.choice(names), watch)
        leave_stream(port)


def hold(port: int, until: float) -> None:
    """Open connections, and open them again when they are closed."""
    held: list[socket.socket] = []
    while time.perf_counter() < until:
        with suppress(OSError):
            held.append(socket.create_connection(("127.0.0.1", port), timeout=5))
            held[-1].sendall(b"POST /v1/chat/completions HTTP/1.1\r\n")
        if len(held) >= HELD:
            held.pop(0).close()
        time.sleep(0.1)
    for connection in held:
        connection.close()


def innocent(port: int, until: float, watch: Watch) -> None:
    """Ask short questions."""
    number = 0
    while time.perf_counter() < until:
        number += 1
        ask(port, "POST", "/v1/chat/completions", chat(f"What is the capital of country {number}?"), watch)
        time.sleep(PAUSE_S)


def find_faults(held: Sampled, attacks: Watch, idle: Watch, innocents: Watch, probes: Watch) -> list[str]:
    """Return what is not as it should be."""
    faults: list[str] = []
    third = len(held.memory_mb) // 3
    middle, last = held.memory_mb[third : 2 * third], held.memory_mb[2 * third :]
    if max(last) > max(middle) * GROWTH + SPARE_MB:
        faults.append(f"memory grows: {max(middle):.0f} MB, then {max(last):.0f} MB")
    for name, values, more in (("threads", held.threads, MORE_THREADS), ("files", held.files, MORE_FILES)):
        if max(values[2 * third :]) > max(values[third : 2 * third]) + more:
            faults.append(f"{name} grow: {max(values[third : 2 * third])}, then {max(values[2 * third :])}")
    if undocumented := attacks.statuses.keys() - DOCUMENTED:
        faults.append(f"hostile requests are answered with {sorted(undocumented)}")
    if innocents.refused:
        faults.append(f"{innocents.refused} of {innocents.statuses.total()} innocent requests are refused")
    if innocents.p(99) > SLOWEST_RATIO * idle.p(99):
        faults.append(f"innocent requests take {innocents.p(99) / idle.p(99):.1f} times as long")
    if probes.refused or max(probes.seconds) > SLOWEST_PROBE_S:
        faults.append(f"{probes.refused} probes are refused, the slowest takes {max(probes.seconds):.2f} s")
    return faults


def soak(server: servers.Server, probe_port: int, seconds: float, seed: int) -> list[str]:
    """Attack a server for a while, print what it held, and return what is not as it should be."""
    for name in REQUESTS:
        body_of(name)
    idle = Watch()
    innocent(server.port, time.perf_counter() + seconds * IDLE_SHARE, idle)
    until = time.perf_counter() + seconds * (1 - IDLE_SHARE)
    held, attacks, innocents, probes = Sampled(server), Watch(), Watch(), Watch()

    def sample() -> None:
        while time.perf_counter() < until:
            held.sample()
            time.sleep(SAMPLE_S)

    def probe() -> None:
        while time.perf_counter() < until:
            ask(probe_port, "GET", "/healthz", None, probes)
            time.sleep(PAUSE_S)

    clients: list[Callable[[], None]] = [
        sample,
        probe,
        lambda: innocent(server.port, until, innocents),
        lambda: hold(server.port, until),
        *(lambda at=at: hostile(server.port, until, seed + at, attacks) for at in range(HOSTILE)),  # type: ignore[misc]
    ]
    together(clients)
    rows = [
        {"what": name, "median": statistics.median(values), "most": max(values), "last": values[-1]}
        for name, values in (("MB", held.memory_mb), ("threads", held.threads), ("files", held.files))
    ]
    print(measure.table(rows))
    counted: Counter[int] = attacks.statuses
    print("hostile:", " ".join(f"{status}x{count}" for status, count in sorted(counted.items())))
    ratio = innocents.p(99) / idle.p(99)
    print(
        f"innocent: {innocents.statuses.total()} asked, {innocents.refused} refused, "
        f"p99 {innocents.p(99):.0f} ms, {ratio:.1f} times the idle server's"
    )
    print(f"probes: {probes.statuses.total()} asked, {probes.refused} refused, p99 {probes.p(99):.0f} ms")
    return find_faults(held, attacks, idle, innocents, probes)


def main() -> int:
    """Soak a server; return 1 where something is not as it should be."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--policy", default="default")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    print(measure.machine())
    probe_port = servers.free_port()
    with served(args.policy, "--probe-port", str(probe_port)) as server:
        faults = soak(server, probe_port, args.seconds, args.seed)
    for fault in faults:
        print("FAULT  ", fault)
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
