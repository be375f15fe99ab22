"""Many tenants before one server: how many tenants and policies in, a settings file and the keys of its clients out.

Each policy builds on one that all have in common, and has terms, patterns and rules of its own.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from proxies import figures
from proxies.figures import Report
from proxies.servers import Server, measured

TERMS, PATTERNS = 200, 10
"""Of each policy's own."""

READY_S = 120.0
ASKED_S = 4.0
CONNECTIONS = 8


def policy(number: int, parent: str, *, terms: int = TERMS, patterns: int = PATTERNS) -> dict[str, object]:
    """Return one policy, as YAML's JSON."""
    words = [f"zqx{number}word{each} of things" for each in range(terms)]
    shapes = [rf"\bT{number}-{chr(65 + each % 26)}{each}-\d{{4,8}}\b" for each in range(patterns)]
    return {
        "format": 1,
        "name": f"team-{number}",
        "extends": [parent],
        "detectors": {
            "own_words": {"use": "terms", "terms": words, "category": "custom.own_words"},
            "own_shapes": {"use": "patterns", "patterns": shapes, "category": "custom.own_shapes"},
        },
        "rules": [
            {"id": "own.words", "on": ["input", "output"], "when": "custom.own_words > 0", "then": "block"},
            {
                "id": "own.shapes",
                "on": ["input", "output"],
                "when": "custom.own_shapes > 0",
                "then": "redact",
            },
            {
                "id": "own.many",
                "on": "input",
                "when": f"count('custom.own_shapes') > {number} && request.user.tier != 'trusted'",
                "then": "flag",
            },
        ],
    }


def settings(
    folder: Path, parent: Path, policies: int, tenants: int, upstream: int
) -> tuple[Path, list[str]]:
    """Write the files of a server; return its settings and the tenants' keys. Tenants have the policies in turns."""
    names = [f"{number}.yaml" for number in range(policies)]
    for number, name in enumerate(names):
        (folder / name).write_text(json.dumps(policy(number, parent.name)))
    (folder / parent.name).write_text(parent.read_text())
    keys = [f"grk_{hashlib.sha256(b'%d' % tenant).hexdigest()}" for tenant in range(tenants)]
    path = folder / "settings.yaml"
    document = {
        "upstream": f"http://127.0.0.1:{upstream}/v1",
        "policy": names[0],
        "keys": [
            {"id": f"tenant-{at}", "sha256": hashlib.sha256(key.encode()).hexdigest(), "team": f"team-{at}"}
            for at, key in enumerate(keys)
        ],
        "policies": [
            _row(number, name, range(number, tenants, policies)) for number, name in enumerate(names)
        ],
    }
    path.write_text(json.dumps(document))
    return path, keys


def _row(number: int, name: str, tenants: Sequence[int]) -> dict[str, object]:
    """Return whom a policy is for: some tenants, else who asks for a model that nobody asks for."""
    if tenants:
        return {"policy": name, "teams": [f"team-{at}" for at in tenants]}
    return {"policy": name, "models": [f"none-{number}"]}


def called(policies: int, tenants: int) -> str:
    """Return the name of a server."""
    return f"guardrails, lexical, policies: {policies}, tenants: {tenants}"


def server(scratch: Path, parent: Path, policies: int, tenants: int, upstream: int) -> Server:
    """Return a server with so many policies and tenants, not started."""
    folder = scratch / f"{policies}-{tenants}"
    folder.mkdir(exist_ok=True)
    config, keys = settings(folder, parent, policies, tenants, upstream)
    command = [sys.executable, "-m", "guardrails", "serve", "--config", str(config), "--port", "{port}"]
    return Server(called(policies, tenants), command, "ours", True, keys=keys)


def until_ready(of: Server) -> None:
    """Wait until a server says that it is warm."""
    end = time.perf_counter() + READY_S
    while time.perf_counter() < end:
        connection = http.client.HTTPConnection("127.0.0.1", of.port, timeout=READY_S)
        try:
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        finally:
            connection.close()
        time.sleep(0.05)
    raise RuntimeError(f"{of.name} does not get ready")


def memory(
    servers: Sequence[tuple[int, int, Server]], python: str, first: Iterator[int]
) -> Iterator[dict[str, object]]:
    """Yield what each server takes, one after the other: loaded and warm, and after questions of all its tenants."""
    for policies, tenants, each in servers:
        each.start()
        try:
            until_ready(each)
            loaded = each.memory_mb()
            for stream in (False, True):
                measured(each, python, CONNECTIONS, ASKED_S, stream, next(first))
            asked = each.memory_mb()
        finally:
            each.stop()
        yield {
            "policies": policies,
            "tenants": tenants,
            "MB loaded": loaded,
            "MB after questions": asked,
            "cold s": f"{each.cold_s:.2f}",
        }


def more(rows: Sequence[Mapping[str, Any]], what: str, other: str, column: str) -> float:
    """Return the kB that one more of `what` takes, with the most of the `other`: of all over one, by how many more there are."""
    most = max(row[other] for row in rows)
    few, many = sorted((row for row in rows if row[other] == most), key=lambda row: row[what])
    return float(1024 * (many[column] - few[column]) / max(1, many[what] - few[what]))


def aims(report: Report, rows: Sequence[Mapping[str, Any]]) -> str:
    """Return what many tenants and policies are to cost, and what came of it."""
    few, many = (called(*cell) for cell in ((1, 1), (rows[-1]["policies"], rows[-1]["tenants"])))
    lines = [
        figures.aim(
            f"times the throughput by processor time of `{few}`", report.cheaper(many, few), "≥", 0.95
        )
    ]
    for what, other, most in (("policies", "tenants", 2048.0), ("tenants", "policies", 64.0)):
        for column in ("MB loaded", "MB after questions"):
            words = f"kB {column.removeprefix('MB ')} for one more of the {what}"
            lines.append(figures.aim(words, more(rows, what, other, column), "≤", most))
    return "\n".join(lines)
