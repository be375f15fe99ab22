"""A real server under more load than its checks can bear: what was let in is served, the rest is told to come back, and nothing is
taken for a violation.
"""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest

from guardrails import Guard
from guardrails.engine.core.worker_pool import workers
from guardrails.types import CLEAN
from tests.proxy.metrics_kit import counted
from tests.waiting import wait_until

TAKES_S = 0.05
"""What the slow detector takes for a text."""

WAIT_S = 30.0

MANY = (workers().threads + 1) // 2 + 6
"""Requests of which six wait: one client holds half of the threads."""


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """An event on which detectors hang until the test is over."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def slow_guard(guard_of, kind_of) -> Callable[..., Guard]:
    """Return a function: what a detector does before it finds nothing, in; a guard that has workers run it, out."""

    def make(judge: Callable[[], Any]) -> Guard:
        return guard_of(
            "detectors: {slow: {use: own}}\nlimits: {deadline_ms: 60000}\n"
            "rules: [{id: slow, on: [input, output], when: custom.own > 0, then: block}]",
            detectors={"own": kind_of(lambda content: (judge(), CLEAN)[1], tier=1)},
        )

    return make


def flood(callers: int, each: int, ask: Callable[[int], Any]) -> list[Any]:
    """Return what so many callers at a time get, who ask so often one after the other."""
    with ThreadPoolExecutor(callers) as threads:
        asked = [
            threads.submit(lambda at=at: [ask(at * each + number) for number in range(each)])
            for at in range(callers)
        ]
        return [answer for one in asked for answer in one.result()]


@pytest.mark.parametrize("streamed", [False, True])
def test_a_flood_is_served_as_far_as_there_is_time(serve, fake, kit, slow_guard, streamed) -> None:
    """Every answer is whole, or 503 before any work began, with the time after which to come back; afterwards all is as before."""
    pause = threading.Event()
    url = serve(slow_guard(lambda: pause.wait(TAKES_S)), max_wait_s=0.3)
    kit.chat(url, kit.asking("first"))
    if streamed:
        fake.streams(*kit.pieces("A whole answer.", size=5))
    asked_before = len(fake.asked)

    answers = flood(24, 3, lambda number: kit.chat(url, kit.asking(f"hello {number}", stream=streamed)))

    statuses = Counter(each.status for each in answers)
    assert {*statuses} == {200, 503}
    for each in answers:
        if each.status == 503:
            assert each.error["code"] == "guard_unavailable"
            assert int(each.headers["retry-after"]) >= 1
        elif streamed:
            assert (
                "".join(frame["choices"][0]["delta"].get("content", "") for frame in each.frames)
                == "A whole answer."
            )
    assert len(fake.asked) - asked_before == statuses[200]
    assert kit.chat(url, kit.asking("after", stream=streamed)).status == 200
    metrics = kit.send(url, "/metrics").raw.decode()
    refused = sum(
        counted(metrics, "guardrails_admission_refused_total", kind=kind) for kind in ("request", "stream")
    )
    assert refused == counted(metrics, "guardrails_shed_total") == statuses[503]
    ready = kit.send(url, "/readyz")
    assert (ready.status, ready.json["admission"]["streams"], ready.json["stuck_workers"]) == (200, 0, 0)


def test_a_light_load_is_not_refused(serve, kit, slow_guard) -> None:
    """Two callers that ask one after the other, as long as they like."""
    pause = threading.Event()
    url = serve(slow_guard(lambda: pause.wait(TAKES_S)))

    answers = flood(2, 8, lambda number: kit.chat(url, kit.asking(f"hello {number}")))

    assert Counter(each.status for each in answers) == {200: 16}


def test_what_judges_nothing_is_served_whatever_the_load(serve, kit, slow_guard, gate) -> None:
    """The threads hang, and a text waits behind them for longer than it may: others are refused, probes and models are not."""
    url = serve(slow_guard(lambda: gate.wait(WAIT_S)), max_wait_s=1.0, wait_ready=False)
    threads = [threading.Thread(target=lambda: kit.chat(url, kit.asking("hi"))) for _ in range(MANY)]
    for thread in threads:
        thread.start()
    wait_until(lambda: kit.send(url, "/readyz").json["admission"]["expected_wait_s"] > 1.0)

    refused = kit.chat(url, kit.asking("late"))
    others = [kit.send(url, path).status for path in ("/healthz", "/metrics", "/v1/models")]
    gate.set()
    for thread in threads:
        thread.join(WAIT_S)

    assert (refused.status, refused.error["code"]) == (503, "guard_unavailable")
    assert others == [200, 200, 200]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", b'{"model": "m", "messages": [{"role": "user", "content": "gone"}]}'),
        (
            "/v1/chat/completions",
            b'{"model": "m", "stream": true, "messages": [{"role": "user", "content": "gone"}]}',
        ),
        ("/v1/check", b'{"text": "gone"}'),
        ("/v1/moderations", b'{"input": "gone"}'),
        ("/beta/litellm_basic_guardrail_api", b'{"input_type": "request", "texts": ["gone"]}'),
    ],
)
def test_the_check_of_a_client_that_left_is_not_begun(serve, fake, kit, slow_guard, gate, path, body) -> None:
    """It waits behind others when its client goes: its place in the queue is free at once."""
    seen: list[int] = []
    guard = slow_guard(lambda: (seen.append(1), gate.wait(WAIT_S)))
    url = serve(guard, max_wait_s=20.0, wait_ready=False)
    threads = [threading.Thread(target=lambda: kit.chat(url, kit.asking("hi"))) for _ in range(MANY)]
    for thread in threads:
        thread.start()
    wait_for(kit, url, 6)
    begun = len(seen)
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), WAIT_S) as gone:
        gone.sendall(
            b"POST %s HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n\r\n%s"
            % (path.encode(), len(body), body)
        )
        wait_for(kit, url, 7)
    wait_for(kit, url, 6)
    assert len(seen) == begun
    gate.set()
    for thread in threads:
        thread.join(WAIT_S)
    assert not any(b"gone" in each.raw for each in fake.asked)


def wait_for(kit, url: str, jobs: int) -> None:
    """Return once so many jobs wait for a worker."""
    wait_until(lambda: counted(kit.send(url, "/metrics").raw.decode(), "guardrails_workers_waiting") == jobs)
