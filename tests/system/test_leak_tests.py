"""Released leak tests that others wrote, against the proxy: what they send does not reach the model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.ports import free_port
from tests.system.frameworks.environments import environment
from tests.system.test_proxy_serve import until_ready

WAIT_S = 60
VAULT = """
format: 1
name: vaulted
version: "1"
extends: [pii-only]
override:
  rules:
    - {id: pii.redact, with: vault}
    - {id: secrets.redact, with: vault}
"""


@contextmanager
def serving(policy: str, upstream: int, folder: Path) -> Iterator[str]:
    """Run the proxy before a model on this machine; yields its address once it is ready."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "guardrails", "serve", "--policy", policy, "--port", str(port)]
    home = {**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CACHE_HOME": str(folder)}
    process = subprocess.Popen(
        [*command, "--upstream", f"http://127.0.0.1:{upstream}/v1"], env=home, text=True
    )
    try:
        until_ready(address, process)
        yield address
    finally:
        process.terminate()
        process.wait(WAIT_S)


def run(tool: str, *arguments: str, folder: Path) -> str:
    """Run a command of the package, which must end well, and return what it prints."""
    program = environment("pii_leak_benchmark").parent / tool
    done = subprocess.run(
        [str(program), *arguments], capture_output=True, text=True, timeout=240, check=False, cwd=folder
    )
    assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-2000:]}"
    return done.stdout


@pytest.mark.parametrize(
    ("policy", "duty"),
    [("pii-only", "anonymize"), ("strict", "anonymize"), ("vaulted", "restore")],
)
def test_no_specimen_reaches_the_model(policy: str, duty: str, tmp_path: Path) -> None:
    """pii-leak-benchmark, `selfcheck`: numbers, addresses and credentials that only tests have; a vault gives them back."""
    if policy == "vaulted":
        file = tmp_path / "vaulted.yaml"
        file.write_text(VAULT, "utf-8")
        policy = str(file)
    upstream = free_port()
    with serving(policy, upstream, tmp_path) as address:
        target = ["--target-base-url", f"{address}/v1", "--capture-port", str(upstream), "--duty", duty]
        report = tmp_path / "report.json"
        said = run("pii-leak-benchmark", "selfcheck", *target, "--json-out", str(report), folder=tmp_path)
    assert "CLEAN" in said
    boundary = json.loads(report.read_text("utf-8"))["checks"]["configured_upstream_boundary"]
    assert boundary["correlated_requests"] > 0
    assert boundary["leaked_entity_types"] == []


def test_no_cut_of_a_stream_leaks(tmp_path: Path) -> None:
    """Its second profile: values in four places of a request, in answers whole and cut, plain and encoded."""
    upstream = free_port()
    with serving("pii-only", upstream, tmp_path) as address:
        target = ["--gateway-url", f"{address}/v1/chat/completions", "--upstream-port", str(upstream)]
        summary = tmp_path / "summary.json"
        options = ["--only", "passthrough", "--out", str(tmp_path / "out"), "--json-out", str(summary)]
        run("pii-leak-benchmark-v2", *target, *options, folder=tmp_path)
    [row] = json.loads(summary.read_text("utf-8"))["rows"]
    assert row["cases_applicable"] == row["cases_attempted"] > 0
    assert (row["leak_single_chunk"], row["leak_adversarial"], row["request_path_leak"]) == (0.0, 0.0, [])
