"""The counters of a server with two workers, as promtool and a real Prometheus read them; `prometheus` is needed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.ports import free_port
from tests.proxy.metrics_kit import counted
from tests.system.serve_kit import Model, Server, serving
from tests.waiting import WAIT_S, wait_until

CHAT = "/v1/chat/completions"
ASKED = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
BLOCKED = {**ASKED, "messages": [{"role": "user", "content": "zqxbomb"}]}


def ask(server: Server, times: int) -> None:
    """Ask so often, every fourth time for what is blocked."""
    for number in range(times):
        status, _ = server.read(CHAT, ASKED if number % 4 else BLOCKED)
        assert status == (200 if number % 4 else 400)


@contextmanager
def prometheus(folder: Path, target: int) -> Iterator[Any]:
    """Run Prometheus, which scrapes a port each second; yields a function from a query to its value, None without one."""
    port = free_port()
    scrape = {"job_name": "guardrails", "static_configs": [{"targets": [f"127.0.0.1:{target}"]}]}
    config = {"global": {"scrape_interval": "1s"}, "scrape_configs": [scrape]}
    (folder / "prometheus.yml").write_text(json.dumps(config))
    command = ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    process = subprocess.Popen(
        [*command, f"--web.listen-address=127.0.0.1:{port}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def query(text: str) -> float | None:
        url = f"http://127.0.0.1:{port}/api/v1/query?{urllib.parse.urlencode({'query': text})}"
        try:
            with urllib.request.urlopen(url, timeout=WAIT_S) as answer:
                found = json.load(answer)["data"]["result"]
        except OSError:
            return None
        return float(found[0]["value"][1]) if found else None

    try:
        yield query
    finally:
        process.kill()
        process.wait()


def test_sums_of_two_workers_are_exact_also_when_one_is_killed(tmp_path: Path) -> None:
    """Whoever is asked tells all that was counted; the worker in the place of the dead one goes on from that."""
    with serving(tmp_path, 2) as server:
        Model.go.set()
        ask(server, 40)
        # An answer is counted once it has gone out, when another worker may be asked already.
        name = "guardrails_request_seconds_count"
        wait_until(lambda: counted(server.read("/metrics")[1], name, route=CHAT) == 40)
        # The first worker may have answered them all before the other one has begun.
        wait_until(lambda: counted(server.read("/metrics")[1], "guardrails_worker_processes") == 2)
        pages = [server.read("/metrics")[1] for _ in range(8)]
        for page in pages:
            assert counted(page, "guardrails_requests_total", route=CHAT) == 40
            assert counted(page, "guardrails_decisions_total", action="block", stage="input") == 10
            assert counted(page, "guardrails_rules_fired_total", action="block") == 10
            assert counted(page, "guardrails_checks_total", result="blocked") == 10
            assert counted(page, "guardrails_checks_total", stage="input", result="allowed") == 30
            assert counted(page, "guardrails_request_seconds_count", route=CHAT) == 40
            assert counted(page, "guardrails_first_token_seconds_count", route=CHAT) == 30
            assert counted(page, "guardrails_upstream_answer_seconds_count", model="m") == 30
            assert counted(page, "guardrails_worker_processes") == 2
        first, _ = server.workers()
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: len(server.workers()) == 2 and first not in server.workers())
        wait_until(lambda: counted(server.read("/metrics")[1], "guardrails_worker_processes") == 2)
        page = server.read("/metrics")[1]
        assert counted(page, "guardrails_requests_total", route=CHAT) == 40
        assert counted(page, "guardrails_worker_deaths_total", why="signal") == 1
        ask(server, 20)
        with prometheus(tmp_path, server.port) as query:
            wait_until(lambda: query(f'sum(guardrails_requests_total{{route="{CHAT}"}})') == 60)
            assert query('sum(guardrails_requests_total{action="block"})') == 15
            assert query("sum(guardrails_check_seconds_count)") == query("sum(guardrails_checks_total)")
            assert query("guardrails_in_flight") == 0
            assert query("process_start_time_seconds") is not None


def test_promtool_finds_nothing_wrong_with_the_names(tmp_path: Path) -> None:
    """But that some old names end otherwise than it likes."""
    with serving(tmp_path, 1) as server:
        page = server.read("/metrics")[1]
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=page, capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")
