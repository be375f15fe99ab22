"""What telemetry costs the proxy: throughput with it as a share of throughput without, in one run.

    python benchmarks/telemetry.py                     # the shipped default, and without its model
    python benchmarks/telemetry.py --pairs 12 --seconds 4

Two servers of the same policy are asked in turns, one with `telemetry:` (every trace sent, with the names in development) and one
without, in pairs whose order alternates; what is shown is the median of the pairs. Both of a pair are asked the same, which is
new to their caches. The server that is measured has one core; the upstream, the load and the receiver of telemetry, a process of
its own that takes all of it, have the other. `cpu` is the server's own processor time for an answer, exporting included.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import urllib.request
from collections.abc import Sequence
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path

from measure import machine, table
from proxies.figures import aim
from proxies.servers import REST_CORE, Server, free_port, measured
from proxy import LEXICAL

BAR = 0.97
SHIPPED = "default"
CONNECTIONS = 8
WINDOW = 1 << 15
FIRST = count()


class Receiver(BaseHTTPRequestHandler):
    """Takes whatever is sent, and tells how many bytes that was."""

    protocol_version = "HTTP/1.1"
    taken = 0

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""

    def do_POST(self) -> None:
        """Take a batch."""
        Receiver.taken += len(self.rfile.read(int(self.headers["content-length"])))
        self._answer(b"")

    def do_GET(self) -> None:
        """Tell how much was taken."""
        self._answer(str(Receiver.taken).encode())

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class ReceiverServer(Server):
    """The receiver as a process."""

    def status(self, content: str) -> int:
        """Return 200 once it answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=5) as answer:
                return int(answer.status)
        except OSError:
            return 0

    def taken(self) -> int:
        """Return how many bytes it took."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=5) as answer:
            return int(answer.read())


def ours(name: str, policy: str, scratch: Path, upstream: int, receiver: int | None) -> Server:
    """Return a proxy, with telemetry where there is a receiver."""
    settings: dict[str, object] = {"upstream": f"http://127.0.0.1:{upstream}/v1", "policy": policy}
    if receiver is not None:
        settings["telemetry"] = {"endpoint": f"http://127.0.0.1:{receiver}", "conventions": "development"}
    path = scratch / f"{name}-{receiver is not None}.json"
    path.write_text(json.dumps(settings))
    command = [sys.executable, "-m", "guardrails", "serve", "--config", str(path), "--port", "{port}"]
    return Server(f"{name}{'' if receiver is None else ', telemetry'}", command, "ours", guarded=True)


def compare(
    without: Server, traced: Server, pairs: int, seconds: float
) -> list[tuple[dict[str, float], dict[str, float]]]:
    """Measure both in turns; the first pair warms up."""
    found = []
    for number in range(-1, pairs):
        order = (without, traced) if number % 2 else (traced, without)
        first = next(FIRST) * WINDOW  # the same for both: some texts are dearer than others
        seen = {
            id(server): measured(server, sys.executable, CONNECTIONS, seconds, stream=False, first=first)
            for server in order
        }
        if number >= 0:
            found.append((seen[id(without)], seen[id(traced)]))
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table and the aim; return 1 where it was missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement")
    parser.add_argument("--receive", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.receive is not None:
        ThreadingHTTPServer(("127.0.0.1", given.receive), Receiver).serve_forever()
    rows, shares = [], {}
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (scratch / "lexical.yaml").write_text(json.dumps(LEXICAL))
        upstream = Server(
            "upstream", [sys.executable, "-m", "proxies.upstream", "{port}"], "direct", core=REST_CORE
        )
        own = [sys.executable, str(Path(__file__).resolve()), "--receive", "{port}"]
        receiver = ReceiverServer("receiver", own, "direct", core=REST_CORE, port=free_port())
        for each in (upstream, receiver):
            stack.callback(each.stop)
            each.start()
        for name, policy in ((SHIPPED, SHIPPED), ("lexical", str(scratch / "lexical.yaml"))):
            servers = [ours(name, policy, scratch, upstream.port, port) for port in (None, receiver.port)]
            for server in servers:
                stack.callback(server.stop)
                server.start()
            before = receiver.taken()
            pairs = compare(servers[0], servers[1], given.pairs, given.seconds)
            answers = sum(traced["answers"] for _, traced in pairs)
            shares[name] = statistics.median(traced["rate"] / bare["rate"] for bare, traced in pairs)
            rows.append(
                {
                    "policy": name,
                    "req/s without": f"{statistics.median(bare['rate'] for bare, _ in pairs):,.0f}",
                    "with": f"{statistics.median(traced['rate'] for _, traced in pairs):,.0f}",
                    "share": f"{shares[name]:.3f}",
                    "share by cpu": f"{statistics.median(b['cpu'] / t['cpu'] for b, t in pairs):.3f}",
                    "cpu us more": f"{statistics.median(t['cpu'] - b['cpu'] for b, t in pairs):,.0f}",
                    "bytes an answer": f"{(receiver.taken() - before) / answers:,.0f}",
                }
            )
            for server in servers:
                server.stop()
    print(machine(), f"{given.pairs} pairs of {given.seconds:g} s, {CONNECTIONS} connections", sep=", ")
    print(table(rows))
    print(aim("of the throughput of the shipped default is left with telemetry", shares[SHIPPED], "≥", BAR))
    return 0 if shares[SHIPPED] >= BAR else 1


if __name__ == "__main__":
    raise SystemExit(main())
