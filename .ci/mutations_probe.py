"""What `mutations.py` puts beside the product in its copy: a call that notes which test gets to a line, and a plugin of pytest
that picks tests by name and writes how each went. Both do what variables of the environment say.
"""

from __future__ import annotations

import json
import os
from typing import Any

REACHED, RESULTS, WANTED = "MUTATIONS_REACHED", "MUTATIONS_RESULTS", "MUTATIONS_WANTED"

_noted: set[tuple[str, str, int]] = set()
_results: dict[str, tuple[str, float]] = {}


def reach(row: str) -> None:
    """Note once in each process that the test of now gets to a row's line."""
    test, file = os.environ.get("PYTEST_CURRENT_TEST"), os.environ.get(REACHED)
    if not test or not file or (row, test, os.getpid()) in _noted:
        return
    _noted.add((row, test, os.getpid()))
    # One write for a line: those of several processes do not mix.
    at = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(at, f"{row}\t{test.rpartition(' (')[0]}\n".encode("utf-8", "surrogateescape"))
    os.close(at)


def pytest_collection_modifyitems(config: Any, items: list[Any]) -> None:
    """Leave the tests that are wanted."""
    if file := os.environ.get(WANTED):
        with open(file, encoding="utf-8") as text:
            wanted = frozenset(json.load(text))
        items[:] = [item for item in items if item.nodeid in wanted]
    if config.option.collectonly:
        _results.update((item.nodeid, ("passed", 0.0)) for item in items)


def pytest_runtest_logreport(report: Any) -> None:
    """Take how a phase of a test went; the first that did not pass is how the test went."""
    outcome, seconds = _results.get(report.nodeid, ("passed", 0.0))
    outcome = report.outcome if outcome == "passed" else outcome
    _results[report.nodeid] = outcome, round(seconds + report.duration, 3)


def pytest_sessionfinish() -> None:
    """Write how the tests went, from the process that hears of all."""
    if "PYTEST_XDIST_WORKER" not in os.environ and (path := os.environ.pop(RESULTS, "")):
        with open(path, "w", encoding="utf-8") as out:
            json.dump(_results, out)
