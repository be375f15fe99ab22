"""The queue behind shadow policies."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.model import Request
from guardrails.proxy.server.metrics import Metrics
from guardrails.proxy.shadow import shadow_queue
from guardrails.proxy.shadow.shadow_queue import ShadowJob, ShadowQueue, ShadowSample
from guardrails.proxy.shadow.shadow_settings import ShadowDoc
from guardrails.types import Action, PolicyRef, Stage, Verdict

WAIT_S = 20
VERDICT = Verdict("vd_1", Action.ALLOW, Stage.INPUT, PolicyRef("p", "1", "sha256:"), None)


class Held:
    """Something beside that waits to be let go, and fails at what it is told; it counts what it judged."""

    def __init__(self, failing: Callable[[int], bool] = lambda number: False) -> None:
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.done = 0
        self._failing = failing

    def evaluate(self, job: ShadowJob, content: bool, started: float) -> tuple[dict[str, Any], str]:
        """Judge, once it may."""
        self.begun.set()
        assert self.go_on.wait(WAIT_S)
        self.done += 1
        if self._failing(self.done):
            raise ZeroDivisionError
        return {"n": self.done, "shadow": {"rules": [{"id": "r", "action": "block"}]}}, "new_block"

    def failure_row(self, job: ShadowJob, why: str) -> dict[str, Any]:
        """Return a row that says why."""
        return {"n": self.done, "error": why}


def job(beside: Held, size: int = 1) -> ShadowJob:
    """Return something to judge."""
    return ShadowJob(beside, ShadowSample(ContentTree(), Request(), size), VERDICT, None, "/x", 0.0)


async def until(holds: Callable[[], bool]) -> None:
    """Let the loop run until something holds."""
    end = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < end, "it never came to hold"
        await asyncio.sleep(0.001)


def become_a_folder(path: Path) -> None:
    """Put a folder in the place of a file, in which nothing can be written."""
    path.unlink()
    path.mkdir()


def become_nothing(folder: Path) -> None:
    """Take a folder away."""
    folder.rmdir()


def rows(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a log."""
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., tuple[Metrics, Path]]:
    """Return a function: settings and what is done with a runner in, its numbers and its log out, once it is closed."""

    def make(
        what: Callable[[ShadowQueue], Coroutine[Any, Any, None]], **settings: Any
    ) -> tuple[Metrics, Path]:
        metrics, log = Metrics(), tmp_path / "log"
        runner = ShadowQueue(metrics)
        runner.configure(ShadowDoc.model_validate({"log": str(log), **settings}))

        async def whole() -> None:
            await what(runner)
            await asyncio.to_thread(runner.close)
            await asyncio.sleep(0)

        asyncio.run(whole())
        return metrics, log

    return make


@pytest.mark.parametrize(("settings", "left_out"), [({"queue": 2}, 3), ({"queue_bytes": 20}, 3), ({}, 0)])
def test_what_comes_when_too_much_waits_is_left_out(
    run: Any, settings: dict[str, int], left_out: int
) -> None:
    """By number or by size; what was judged and what was not is all that came."""
    held = Held()

    async def what(runner: ShadowQueue) -> None:
        runner.put(job(held, 10))
        await until(held.begun.is_set)
        for _ in range(5):
            runner.put(job(held, 10))
        assert (runner.waiting, runner.dropped) == (5 - left_out, left_out)
        held.go_on.set()

    metrics, log = run(what, **settings)
    found = rows(log)
    assert sum("dropped" not in row for row in found) == 6 - left_out
    assert sum(row.get("dropped", 0) for row in found) == left_out
    assert ('guardrails_shadow_dropped_total{why="queue_full"} 3' in metrics.text()) is bool(left_out)
    assert (
        f'guardrails_shadow_decisions_total{{stage="input",turn="new_block"}} {6 - left_out}'
        in metrics.text()
    )


def test_one_that_fails_is_a_row_and_the_next_is_judged(run: Any) -> None:
    """Whatever it raises."""
    held = Held(lambda number: number == 2)
    held.go_on.set()

    async def what(runner: ShadowQueue) -> None:
        for _ in range(3):
            runner.put(job(held))

    metrics, log = run(what)
    assert [row.get("error") for row in rows(log)] == [None, "ZeroDivisionError", None]
    assert 'guardrails_shadow_failures_total{error="ZeroDivisionError"} 1' in metrics.text()


def test_what_is_left_when_the_server_stops_is_written_so(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for ever for a policy that is tried out."""
    monkeypatch.setattr(shadow_queue, "CLOSE_S", 0.05)
    held = Held()

    async def what(runner: ShadowQueue) -> None:
        for _ in range(4):
            runner.put(job(held))
        await until(held.begun.is_set)

    _, log = run(what)
    held.go_on.set()
    (row,) = (row for row in rows(log) if "dropped" in row)
    assert (row["dropped"], row["why"]) == (3, "stopped")


def test_it_gives_way_to_requests(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as some wait for a worker, within its patience."""

    class Busy:
        waiting = 1

    busy = Busy()
    monkeypatch.setattr(shadow_queue, "workers", lambda: busy)
    held = Held()
    held.go_on.set()

    async def what(runner: ShadowQueue) -> None:
        runner.put(job(held))
        await until(lambda: runner.waiting == 0)
        assert not held.begun.is_set()
        busy.waiting = 0
        await until(held.begun.is_set)

    run(what)
    assert held.done == 1


def test_without_a_log_it_only_counts(run: Any) -> None:
    """Numbers need no file."""
    held = Held()
    held.go_on.set()

    async def what(runner: ShadowQueue) -> None:
        runner.leave_out("film")
        runner.put(job(held))

    metrics, log = run(what, log=None, policy="next")
    assert not log.exists()
    assert 'guardrails_shadow_dropped_total{why="film"} 1' in metrics.text()


def test_a_log_that_cannot_be_written_is_told_once(run: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Rows are counted; the thread goes on, and writes again as soon as it can."""
    held = Held()
    held.go_on.set()

    async def what(runner: ShadowQueue) -> None:
        log = Path(str(runner.doc.log))
        become_a_folder(log)
        for count in (1, 2):
            runner.put(job(held))
            await until(lambda count=count: held.done == count)  # type: ignore[misc] # bound now
        await until(lambda: "unwritten_total 2" in runner.metrics.text())
        become_nothing(log)
        runner.put(job(held))

    _, log = run(what)
    assert [row["n"] for row in rows(log)] == [3]
    assert sum("cannot be written" in record.message for record in caplog.records) == 1
