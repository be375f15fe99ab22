"""Servers as processes: a command in; a port, a cold start, memory and a clean end out."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from proxies import script

BENCHMARKS = Path(__file__).resolve().parents[1]
START_S = 120.0
SERVER_CORE, REST_CORE = 0, 1
"""The server that is measured has a core of its own; the upstream and the load share the other."""

STATE = tempfile.TemporaryDirectory(prefix="guardrails-state-", ignore_cleanup_errors=True)
"""Where servers that say nothing of records have theirs, as they are shipped."""

ANY_CORE = -1
"""The server runs where the system puts it."""


def pinned(core: int) -> Callable[[], None] | None:
    """Return what a new process does first: stay on one core, where the system knows how."""
    if core == ANY_CORE or not hasattr(os, "sched_setaffinity") or (os.cpu_count() or 1) < 2:
        return None
    return lambda: os.sched_setaffinity(0, {core})


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(slots=True)
class Server:
    """One server: how it is started (`{port}` stands for its own), and what a client must send it: one of the `keys`, if any."""

    name: str
    command: list[str]
    kind: str
    guarded: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    keys: Sequence[str] = ()
    environment: Mapping[str, str] | None = None
    core: int = SERVER_CORE
    port: int = 0
    cold_s: float = float("inf")
    log: Path = Path(os.devnull)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and wait for the first answer; how long that took is kept if it was the quickest start.

        Raises:
            RuntimeError: it ended, or did not answer in time.
        """
        self.port = free_port()
        command = [part.replace("{port}", str(self.port)) for part in self.command]
        began = time.perf_counter()
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command,
                cwd=BENCHMARKS,
                env={
                    "XDG_STATE_HOME": STATE.name,
                    **(os.environ if self.environment is None else self.environment),
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=pinned(self.core),
                start_new_session=True,
            )
        while self.status("Hello.") != 200:
            if self.process.poll() is not None or time.perf_counter() > began + START_S:
                self.stop()
                told = self.log.read_text(errors="replace")[-2_000:] if self.log.is_file() else ""
                raise RuntimeError(f"{self.name} did not start: {told}")
            time.sleep(0.005)
        self.cold_s = min(self.cold_s, time.perf_counter() - began)

    def status(self, content: str) -> int:
        """Return the status of an answer to one question; 0 where there is none."""
        try:
            return self.ask(content)[0]
        except (OSError, http.client.HTTPException):
            return 0

    def ask(self, content: str, timeout: float = 60.0) -> tuple[int, bytes]:
        """Ask one question; returns the status and the body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        headers = {"content-type": "application/json", "authorization": "Bearer sk-none", **self.headers}
        if self.keys:
            headers[script.KEY] = self.keys[0]
        try:
            connection.request(
                "POST", "/v1/chat/completions", script.question(content, stream=False), headers
            )
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def memory_mb(self) -> float:
        """Return the resident memory of the process and of all that it started."""
        assert self.process is not None
        return sum(map(resident_mb, family(self.process.pid)))

    def cpu_s(self) -> float:
        """Return the processor time that all of them have taken."""
        assert self.process is not None
        return sum(map(busy_s, family(self.process.pid)))

    def stop(self) -> None:
        """End it and all that it started."""
        if self.process is None:
            return
        for sent in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, sent)
                self.process.wait(5)
                break
            except subprocess.TimeoutExpired:
                continue
            except ProcessLookupError:
                break
        self.process.wait()
        self.process = None


def family(root: int) -> Iterable[int]:
    """Return a process and its descendants."""
    parents: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name, in brackets, may hold anything.
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(fields[1]), []).append(int(path.parent.name))
    waiting, found = [root], []
    while waiting:
        found.append(waiting.pop())
        waiting += parents.get(found[-1], [])
    return found


def resident_mb(process: int) -> float:
    """Return the resident memory of one process; nothing where the system does not tell."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:"))


def busy_s(process: int) -> float:
    """Return the processor time that one process has taken; nothing where the system does not tell."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measured(
    server: Server, python: str, connections: int, seconds: float, stream: bool, first: int
) -> dict[str, float]:
    """Return what the load generator saw, in a process of its own, and microseconds of the server's processor for each answer.

    Raises:
        RuntimeError: an answer was not the one that was asked for.
    """
    command = [python, "-m", "proxies.load", str(server.port), "--connections", str(connections)]
    command += [
        "--seconds",
        str(seconds),
        "--headers",
        json.dumps(dict(server.headers)),
        "--keys",
        json.dumps([*server.keys]),
        "--first",
        str(first),
    ]
    before = server.cpu_s()
    done = subprocess.run(
        [*command, *(["--stream"] if stream else [])],
        cwd=BENCHMARKS,
        capture_output=True,
        text=True,
        preexec_fn=pinned(REST_CORE),
        check=False,
    )
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or ["no answer"])[-1])
    seen: dict[str, float] = json.loads(done.stdout)
    return {**seen, "cpu": 1e6 * (server.cpu_s() - before) / seen["answers"]}
