"""Runs the rivals' streaming scripts: the job goes in, one result for each way of each rival comes out.

Each script runs in its rival's own environment (`environments.py`), one after the other, offline. What a script printed before it
failed or ran over its time counts; a rival that could not run is a result with a problem.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from rivals.environments import REQUIREMENTS, python_of, quiet_environment
from rivals.harness import BENCHMARKS

SCRIPTS = {
    "nemoguardrails": "rivals.nemo_streaming",
    "openai-guardrails": "rivals.openai_guardrails_streaming",
    "guardrails-ai": "rivals.guardrails_ai_streaming",
    "litellm": "rivals.litellm_streaming",
}
assert SCRIPTS.keys() <= REQUIREMENTS.keys()


@dataclass(slots=True)
class Result:
    """One way of one product: its parts by name, and what went wrong."""

    rival: str
    version: str
    way: str
    parts: dict[str, Any] = field(default_factory=dict)
    problem: str = ""


def measure(rival: str, job: dict[str, Any], limit: float) -> list[Result]:
    """Return the results of a rival's ways.

    Args:
        rival: a key of `SCRIPTS`.
        job: what the script reads on stdin.
        limit: when to stop waiting, in seconds.
    """
    release = REQUIREMENTS[rival][0].partition("==")[2]
    try:
        command = [str(python_of(rival)), "-W", "ignore", "-m", SCRIPTS[rival]]
    except subprocess.CalledProcessError as problem:
        return [Result(rival, release, "not installed", problem=str(problem)[:200])]
    process = subprocess.Popen(
        command,
        cwd=BENCHMARKS,
        env=quiet_environment(rival) | {"PYTHONPATH": str(BENCHMARKS)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    problem_text = ""
    try:
        output, errors = process.communicate(json.dumps(job), timeout=limit)
    except subprocess.TimeoutExpired:
        process.kill()
        output, errors = process.communicate()
        problem_text = f"stopped after {limit:.0f} s"
    if process.returncode and not problem_text:
        problem_text = (errors.strip().splitlines() or ["failed without a word"])[-1][:200]
    results = merged(output)
    if problem_text:
        results = results or [Result(rival, release, "did not run")]
        results[-1].problem = problem_text
    return results


def merged(output: str) -> list[Result]:
    """Return the printed lines as results, a way's parts together."""
    found: dict[str, Result] = {}
    for line in output.splitlines():
        if line.startswith('{"rival"'):
            read = json.loads(line)
            result = found.setdefault(read["way"], Result(read["rival"], read["version"], read["way"]))
            result.parts[read["part"]] = read["value"]
    return list(found.values())


def measure_all(job: dict[str, Any], rivals: list[str], limit: float) -> Iterator[Result]:
    """Yield the results of these rivals, one rival after the other."""
    for rival in rivals:
        yield from measure(rival, job, limit)
