"""What tests ask of `guardrails serve` as a process: its policy in versions, who judged a check, and how many serve."""

from __future__ import annotations

import http.client
import json
from pathlib import Path

from tests.proxy.metrics_kit import counted
from tests.waiting import wait_until

WAIT_S = 60


def text(version: int) -> str:
    """Return a policy in some version."""
    return (
        f"format: 1\nname: p\nversion: '{version}'\ndetectors: {{d: {{use: terms, terms: [zqx], category: custom.d}}}}\n"
        "rules: [{id: r, on: input, when: custom.d > 0, then: block}]\n"
    )


def write(path: Path, text: str) -> None:
    """Write a file whole at once."""
    new = path.with_suffix(".new")
    new.write_text(text)
    new.replace(path)


def checked(port: int, text: str = "hi", path: str = "/v1/check") -> tuple[int, str]:
    """Return the status of a request over a connection of its own, and the digest of the policy that judged."""
    body = (
        {"text": text}
        if path == "/v1/check"
        else {"model": "m", "messages": [{"role": "user", "content": text}]}
    )
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT_S)
    try:
        connection.request("POST", path, json.dumps(body), {"content-type": "application/json"})
        response = connection.getresponse()
        response.read()
        return response.status, (response.getheader("x-guardrails-policy") or "").partition(";")[2]
    finally:
        connection.close()


def settled(port: int, digest: str, *, begun: bool = True) -> set[int]:
    """Wait until a dozen checks in a row were judged by one policy; return the statuses of all that were answered."""
    row, statuses = 0, set[int]()

    def is_settled() -> bool:
        nonlocal row
        try:
            status, found = checked(port)
        except ConnectionError:
            assert not begun  # nobody listens yet
            return False
        statuses.add(status)
        row = row + 1 if found == digest else 0
        return row == 12

    wait_until(is_settled, WAIT_S)
    return statuses


def listens(port: int) -> bool:
    """Tell whether a server answers at a port by now."""
    try:
        return checked(port)[0] == 200
    except ConnectionError:
        return False


def count_processes(port: int) -> float:
    """Return how many processes serve, as one of them tells."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT_S)
    try:
        connection.request("GET", "/metrics")
        return counted(connection.getresponse().read(), "guardrails_worker_processes")
    finally:
        connection.close()


def wait_for_all(port: int, workers: str) -> None:
    """Wait until each worker serves."""
    wait_until(lambda: count_processes(port) == int(workers), WAIT_S)
