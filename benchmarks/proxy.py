"""What the proxy adds, in one run, beside bare pass-throughs and the released rivals.

    python benchmarks/proxy.py              # ours and the floors that this Python has the packages for
    python benchmarks/proxy.py --rivals     # and LiteLLM's and Portkey's proxies, installed under the cache (slow to make)
    python benchmarks/proxy.py --floor PYTHON --litellm VENV --portkey FOLDER   # with what is installed already
    python benchmarks/proxy.py --tenants 100 --only lexical   # and a server with 100 tenants under 20 policies (--policies)

All ask the same scripted upstream, which answers at once. The server that is measured has one core, the upstream and the load the
other. Every prompt and every answer is new to every cache; 400 characters each, under the same system prompt. Rounds go from
server to server, so that a slow minute hits all; what is shown is the median of the rounds, ratios are taken within a round.
`cpu` is the server's own processor time for one answer: what the others on a shared machine do hardly shows in it.
`added` is over asking the upstream directly in the same round. A stream is 34 events, 2 ms apart; `first` is its first text.
With `--tenants` requests go round all tenants, each with a key of its own, and a third table has the memory of servers with one
and with all of the tenants and policies.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import count
from pathlib import Path

from lexical_ours import WITHOUT_MODEL
from measure import machine, table
from proxies import figures, floors, rivals, script, tenants
from proxies.figures import CELLS, Failures, Report, Results
from proxies.servers import REST_CORE, Server, measured

LEXICAL = {
    "format": 1,
    "name": "lexical",
    "extends": ["default"],
    **WITHOUT_MODEL,
    "detectors": {"words": {"use": "terms", "terms": [script.TERM], "category": "custom.word"}},
    "rules": [{"id": "word.block", "on": ["input", "output"], "when": "custom.word > 0", "then": "block"}],
}
"""The shipped default without its model (PII, secrets, links, patterns), and a list of terms."""

WINDOW = 1 << 15
FIRST = count()


def ours(name: str, policy: str, upstream: int) -> Server:
    """Return our proxy as anybody starts it."""
    command = [sys.executable, "-m", "guardrails", "serve", "--policy", policy, "--port", "{port}"]
    return Server(
        f"guardrails, {name}",
        [*command, "--upstream", f"http://127.0.0.1:{upstream}/v1"],
        "ours",
        guarded=True,
    )


def compared(given: argparse.Namespace, scratch: Path, upstream: int) -> list[Server]:
    """Return every server to measure, not started."""
    policy = scratch / "lexical.yaml"
    policy.write_text(json.dumps(LEXICAL))
    made = [
        Server(
            f"floor: {kind}", [given.floor, "-m", "proxies.floors", kind, "{port}", str(upstream)], "floor"
        )
        for kind in floors.KINDS
    ]
    made.append(ours("lexical", str(policy), upstream))
    if given.tenants:
        for policies, clients in ((1, 1), (given.policies, given.tenants)):
            made.append(tenants.server(scratch, policy, policies, clients, upstream))
    made.append(ours("default, with its model", "default", upstream))
    if given.litellm:
        made += [
            rivals.litellm(given.litellm, scratch, upstream, guarded=False),
            rivals.litellm(given.litellm, scratch, upstream, guarded=True),
        ]
    if given.portkey:
        made.append(rivals.portkey(given.portkey, upstream))
    return made


def started(servers: Sequence[Server], stack: ExitStack, starts: int) -> list[Server]:
    """Start each so many times, nothing else at work; returns those that did, after a look at their guards."""
    running = []
    for server in servers:
        try:
            for _ in range(starts):
                server.stop()
                server.start()
        except RuntimeError as error:
            print(error, file=sys.stderr)
            continue
        stack.callback(server.stop)
        if server.kind != "direct" and (server.status(script.PLANTED) == 400) is not server.guarded:
            raise SystemExit(f"{server.name}: its guard is not as it should be: {server.ask(script.PLANTED)}")
        running.append(server)
    return running


def rounds(servers: Sequence[Server], given: argparse.Namespace) -> tuple[Results, Failures]:
    """Measure every cell of every server in turns; None for what failed, and why."""
    seen: Results = {}
    failures: Failures = {}
    for number in range(-1, given.rounds):
        for cell in CELLS:
            for server in servers:
                stream, connections = cell
                seconds = given.seconds if number >= 0 else min(0.5, given.seconds)
                try:
                    found = measured(server, given.floor, connections, seconds, stream, next(FIRST) * WINDOW)
                except RuntimeError as error:
                    found = None
                    if number >= 0:
                        failures.setdefault((server.name, stream), f"@{connections} {error}")
                if number >= 0:  # the first round warms up
                    seen.setdefault((server.name, cell), []).append(found)
    return seen, failures


def memory(given: argparse.Namespace, scratch: Path, upstream: int) -> list[dict[str, object]]:
    """Return the memory of servers with one and with all of the tenants and policies."""
    cells = [(policies, tenant) for policies in (1, given.policies) for tenant in (1, given.tenants)]
    servers = [(*cell, tenants.server(scratch, scratch / "lexical.yaml", *cell, upstream)) for cell in cells]
    return [*tenants.memory(servers, given.floor, (number * WINDOW for number in FIRST))]


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return what is to be measured, with all that it takes in place."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--rivals", action="store_true", help="make what is missing of the three below, and measure it"
    )
    parser.add_argument(
        "--floor", metavar="PYTHON", help="a Python with aiohttp, fastapi, httptools, uvicorn and uvloop"
    )
    parser.add_argument(
        "--litellm", type=Path, metavar="VENV", help="a virtual environment with litellm[proxy]"
    )
    parser.add_argument(
        "--portkey", type=Path, metavar="FOLDER", help="where npm installed @portkey-ai/gateway"
    )
    parser.add_argument(
        "--tenants", type=int, default=0, help="clients with keys of their own; none by default"
    )
    parser.add_argument("--policies", type=int, default=20, help="that these tenants have, in turns")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
    parser.add_argument("--starts", type=int, default=2, help="the best of so many cold starts counts")
    parser.add_argument("--upstream-ms", type=float, default=0.0, help="how long the upstream thinks")
    parser.add_argument(
        "--only",
        default="",
        help=f"measure only servers with this in their names, and {figures.PASS_THROUGH}",
    )
    given = parser.parse_args(arguments)
    if given.rivals:
        given.floor = given.floor or str(rivals.floor_python())
        given.litellm = given.litellm or rivals.litellm_folder()
        given.portkey = given.portkey or rivals.portkey_folder()
    given.floor = given.floor or sys.executable
    return given


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the machine, two tables, our ratios, and the aims."""
    given = parsed(arguments)
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        command = [given.floor, "-m", "proxies.upstream", "{port}", "--delay-ms", str(given.upstream_ms)]
        direct = Server("upstream, asked directly", command, "direct", core=REST_CORE)
        started([direct], stack, 1)
        wanted = [
            each
            for each in compared(given, scratch, direct.port)
            if given.only in each.name or each.name == figures.PASS_THROUGH
        ]
        for number, server in enumerate(wanted):
            server.log = scratch / f"{number}.log"
        servers = started(wanted, stack, given.starts)
        results, failures = rounds([direct, *servers], given)
        report = Report(results, direct.name)
        print(machine(), f"{given.rounds} rounds of {given.seconds:g} s for each figure", sep=", ")
        print("\nWhole answers", table([report.whole(server) for server in (direct, *servers)]), sep="\n")
        print("\nStreams", table([report.streams(server) for server in (direct, *servers)]), sep="\n")
        for (name, stream), why in failures.items():
            print(f"failed, {'a stream' if stream else 'a whole answer'} of {name}: {why[:300]}")
        rows = memory(given, scratch, direct.port) if given.tenants else []
        if rows:
            print("\nMemory", table(rows), sep="\n")
        if any(server.kind == "ours" for server in servers):
            print("", figures.ratios(report, servers), figures.aims(report, servers), sep="\n")
        if rows:
            print(tenants.aims(report, rows))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
