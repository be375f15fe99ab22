"""Nothing that takes long runs on the event loop, whatever is asked: everybody else is served meanwhile."""

from __future__ import annotations

import asyncio.events
import gc
import threading
from collections.abc import Iterator
from time import thread_time
from typing import Any

import pytest

from guardrails import Guard
from guardrails.proxy.configuration.settings import Settings
from guardrails.proxy.server import serve as serving
from guardrails.proxy.server.serve import running
from tests.proxy.hostile_requests import REQUESTS

MOST_S = 0.1
"""Seconds of the processor that one callback may take. Most take a tenth of that at most."""

NAMES = ("digits and dots", "moderations")
"""Two that took long once."""

TRIES = 3
"""Times that a request is sent before a turn counts as long: on a busy machine one is counted that was interrupted."""

THREAD = "guardrails-proxy"


class Callbacks:
    """How long the callbacks of a server's event loop take, in seconds of the processor."""

    def __init__(self) -> None:
        self.longest = 0.0


@pytest.fixture(scope="module")
def callbacks() -> Iterator[Callbacks]:
    """Return what measures each callback of a server that runs in this process."""
    found, handle = Callbacks(), asyncio.events.Handle
    plain = handle._run  # type: ignore[attr-defined]

    def run(self: Any) -> None:
        if threading.current_thread().name != THREAD:
            plain(self)
            return
        started = thread_time()
        plain(self)
        found.longest = max(found.longest, thread_time() - started)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(handle, "_run", run)
        patch.setattr(serving, "SERVER", {**serving.SERVER, "loop": "asyncio"})
        yield found


@pytest.fixture(scope="module")
def deadline_ms() -> int:
    """Return the milliseconds that a check may take: most are through by then, and judging goes on beside the event loop."""
    return 2_000


@pytest.fixture(scope="module")
def address(callbacks: Callbacks, _fake: Any, deadline_ms: int) -> Iterator[str]:
    """Return the address of a server with the default policy."""
    policy = {"format": 1, "name": "hurried", "extends": "default", "limits": {"deadline_ms": deadline_ms}}
    gc.collect()
    gc.freeze()  # as `guardrails serve` does
    with running(Settings(_fake.url, port=0), Guard.load(policy)) as url:
        yield url
    gc.unfreeze()


@pytest.mark.parametrize("name", NAMES)
def test_a_request_takes_no_long_turn_of_the_event_loop(
    address: str, callbacks: Callbacks, fake: Any, kit: Any, name: str
) -> None:
    """Neither to be read, nor to be judged, nor to be answered."""
    request = REQUESTS[name]
    longest = []

    while not longest or (longest[-1] > MOST_S and len(longest) < TRIES):
        callbacks.longest = 0.0
        answer = kit.send(address, request.path, request.make(), {"content-type": request.media})
        kit.send(address, "/healthz")  # the callback that answered has ended
        assert answer.status != 500
        longest.append(callbacks.longest)

    assert longest[-1] <= MOST_S, longest
