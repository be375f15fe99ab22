"""What it takes to start: seconds, processor and memory of `serve`, of `check` and of an import, and the size of an installation.

    python benchmarks/start.py                    # beside the floor, in one run
    python benchmarks/start.py --install          # and the size of a core installation, which pip fetches

The floor is a process that imports FastAPI, uvicorn, aiohttp, numpy and ONNX Runtime, opens a session of the shipped encoder and
answers one probe: what stays where there is no guard. Each figure is the best of several starts, byte code cached, the kinds
taken in turn. Memory is what Linux counts for the whole tree of processes: RSS counts what several share for each, PSS once. A
worker more is the difference of PSS between four workers and two. Exit status 1 where an aim is missed.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
ENCODER: Final = ROOT / "guardrails" / "models" / "text_safety" / "encoder.onnx"
READY_S: Final = 120.0
SETTLED_S: Final = 1.0
"""Seconds after the server is ready at which its memory is read."""

FLOOR: Final = """
import os, sys
import aiohttp, fastapi, numpy, onnxruntime, uvicorn
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
app = fastapi.FastAPI()
app.get("/readyz")(lambda: {"ready": True})
uvicorn.run(app, port=int(sys.argv[2]), log_level="error")
"""


@dataclass(frozen=True, slots=True)
class Start:
    """What one start took: seconds to ready, of the processor until then, and MB of all processes of it, by RSS and PSS, and of
    the first alone by RSS.
    """

    ready: float
    cpu: float
    rss: float
    pss: float
    first_rss: float


@dataclass(frozen=True, slots=True)
class Figure:
    """A line of the table; the aim is an upper bound, None where there is none."""

    what: str
    value: float
    unit: str
    aim: float | None = None

    @property
    def missed(self) -> bool:
        """Whether the aim is missed."""
        return self.aim is not None and self.value > self.aim

    def __str__(self) -> str:
        aim = "" if self.aim is None else f"aim {self.aim:g}{', missed' if self.missed else ''}"
        return f"{self.what:52} {self.value:9.2f} {self.unit:6} {aim}".rstrip()


def list_processes(parent: int) -> list[int]:
    """Return a process and all below it."""
    found = [parent]
    for process in found:  # which grows
        with contextlib.suppress(OSError):
            children = Path(f"/proc/{process}/task/{process}/children").read_text()
            found += map(int, children.split())
    return found


def read_cpu(process: int) -> float:
    """Return seconds of the processor that a process has taken."""
    fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def read_memory(process: int, name: str) -> float:
    """Return MB that a process has, by a row of `smaps_rollup`."""
    for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    return 0.0


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def measure_server(command: Callable[[int], Sequence[str]]) -> Start:
    """Start a server and return what it took until it was ready, and what it then has."""
    port = free_port()
    begun = time.monotonic()
    with subprocess.Popen(command(port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            wait_until_ready(server, port)
            ready = time.monotonic() - begun
            cpu = sum(map(read_cpu, list_processes(server.pid)))
            time.sleep(SETTLED_S)
            tree = list_processes(server.pid)
            rss, pss = (sum(read_memory(each, name) for each in tree) for name in ("Rss", "Pss"))
            return Start(ready, cpu, rss, pss, read_memory(server.pid, "Rss"))
        finally:
            server.terminate()


def wait_until_ready(server: subprocess.Popen[bytes], port: int) -> None:
    """Return once `/readyz` answers 200; raises `RuntimeError` where the server ends before, or takes too long."""
    end = time.monotonic() + READY_S
    while time.monotonic() < end:
        if server.poll() is not None:
            raise RuntimeError(f"the server ended with {server.returncode}")
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5).close()
            return
        time.sleep(0.01)
    raise RuntimeError("the server was not ready in time")


def serve(workers: int) -> Callable[[int], Sequence[str]]:
    """Return the command of the proxy with the default policy, for a port."""
    given = ["--upstream", "http://127.0.0.1:9/v1", "--workers", str(workers)]
    return lambda port: [sys.executable, "-m", "guardrails", "serve", *given, "--port", str(port)]


def floor(port: int) -> Sequence[str]:
    """Return the command of the floor, for a port."""
    return [sys.executable, "-c", textwrap.dedent(FLOOR), str(ENCODER), str(port)]


def measure_command(*given: str) -> tuple[float, float]:
    """Return the seconds that a command of Python takes, and those of the processor."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run([sys.executable, *given], stdout=subprocess.DEVNULL, check=True)
    took, after = time.monotonic() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure_installation() -> float:
    """Return the MB of what `pip install .` brings into an environment without anything, byte code left out."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-compile",
            "--target",
            folder,
            str(ROOT),
        ]
        subprocess.run(command, check=True)
        return sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file()) / 2**20


def figures(repeats: int, *, installs: bool) -> Iterator[Figure]:
    """Yield what is measured, with its aim."""
    commands = {"floor": floor, 1: serve(1), 2: serve(2), 4: serve(4)}
    starts: dict[object, list[Start]] = {name: [] for name in commands}
    checks: list[tuple[float, float]] = []
    imports: list[tuple[float, float]] = []
    for turn in range(repeats + 1):
        for name, command in commands.items():
            starts[name].append(measure_server(command))
        checks.append(measure_command("-m", "guardrails", "check", "Hello"))
        imports.append(measure_command("-c", "import guardrails"))
        if not turn:  # the first writes byte code
            for each in (*starts.values(), checks, imports):
                each.clear()
    aims = {1: (1.2, 1.2, 200.0)}
    for name, found in starts.items():
        of = "floor" if name == "floor" else f"serve, {name} worker{'' if name == 1 else 's'}"
        ready, cpu, rss = aims.get(name, (None, None, None))  # type: ignore[call-overload]
        yield Figure(f"{of}: ready", min(each.ready for each in found), "s", ready)
        yield Figure(f"{of}: processor until then", min(each.cpu for each in found), "s", cpu)
        yield Figure(f"{of}: RSS of the first process", min(each.first_rss for each in found), "MB", rss)
        yield Figure(f"{of}: RSS of all", min(each.rss for each in found), "MB")
        yield Figure(f"{of}: PSS of all", min(each.pss for each in found), "MB")
    two, four = (min(each.pss for each in starts[workers]) for workers in (2, 4))
    yield Figure("each further worker, PSS", (four - two) / 2, "MB", 60.0)
    yield Figure("guardrails check", min(took for took, _ in checks), "s", 0.6)
    yield Figure("guardrails check: processor", min(cpu for _, cpu in checks), "s")
    yield Figure("import guardrails: processor", min(cpu for _, cpu in imports), "s", 0.1)
    if installs:
        yield Figure("core installation", measure_installation(), "MB", 300.0)


def main() -> int:
    """Print each figure as it is known; return 1 where an aim is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=3, help="starts of each kind (default 3)")
    parser.add_argument("--install", action="store_true", help="also measure a core installation")
    given = parser.parse_args()
    missed = 0
    for figure in figures(given.repeats, installs=given.install):
        print(figure, flush=True)
        missed += figure.missed
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
