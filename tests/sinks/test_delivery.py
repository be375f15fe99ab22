"""Sinks: verdicts go there, without making anybody wait, and without their contents."""

from __future__ import annotations

import gc
import json
import logging
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from guardrails import Guard
from guardrails.errors import GuardrailsError
from guardrails.plugins import Config, Sink
from guardrails.registry.sources import PluginSources
from guardrails.sinks.delivery import WAITING, open_sinks
from guardrails.types import Verdict

POLICY = {
    "format": 1,
    "name": "tested",
    "detectors": {"words": {"use": "terms", "terms": ["zqx"], "category": "custom.word"}},
    "rules": [{"id": "word", "on": ["input", "output"], "when": "custom.word > 0", "then": "block"}],
}


class Kept:
    """A sink that keeps what it gets, once it may go on."""

    def __init__(self, *, fails: bool = False) -> None:
        self.records: list[Any] = []
        self.may_go_on = threading.Event()
        self.wrote, self.closed = threading.Semaphore(0), threading.Event()
        self._fails = fails

    def write(self, record: Any) -> None:
        """Keep a record."""
        self.may_go_on.wait(30)
        if self._fails:
            raise RuntimeError("full of zqx")
        self.records.append(record)
        self.wrote.release()

    def close(self) -> None:
        """Say that the end came."""
        self.closed.set()


class NoConfig(Config):
    """Nothing to be set."""


def sources_of(*sinks: Kept) -> PluginSources:
    """Return where one kind of sink comes from that opens these, one after the other."""
    given = iter(sinks)
    own = {"kept": Sink("kept", "Keeps.", NoConfig, lambda config: next(given))}
    return PluginSources.read([]).with_own("sinks", own)


@pytest.fixture
def verdict() -> Verdict:
    """A verdict on a harmless text."""
    return Guard.load(POLICY).check("a text")


def test_a_file_gets_a_line_for_every_verdict(tmp_path: Path) -> None:
    """Of checks, of wrapped calls and of streams, in their order, without their contents; the file is whole at the end."""
    path = tmp_path / "verdicts.jsonl"
    program = f"""
from guardrails import Blocked, Guard

guard = Guard.load({POLICY!r}, sinks=[{{"use": "jsonl", "path": {str(path)!r}}}])
guard.check("harmless secret")
guard.check("some zqx")
try:
    guard.wrap(lambda text: "zqx")("harmless secret")
except Blocked:
    pass
stream = guard.stream()
stream.feed("harmless secret")
stream.flush()
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)

    records = [json.loads(line) for line in path.read_text().splitlines()]

    assert [(each["stage"], each["action"]) for each in records] == [
        ("input", "allow"), ("input", "block"), ("input", "allow"), ("output", "block"), ("output", "allow"),
    ]  # fmt: skip
    assert [rule["id"] for rule in records[1]["rules"]] == ["word"]
    assert all(each["time"][:2] == "20" and each["time"].endswith("+00:00") for each in records)
    assert "secret" not in path.read_text()
    assert all("content" not in each for each in records)


def test_nobody_waits_for_a_sink(verdict: Verdict, caplog: pytest.LogCaptureFixture) -> None:
    """What is too much is dropped, counted and logged; the rest comes in its order once the sink goes on."""
    kept = Kept()
    sinks = open_sinks([{"use": "kept"}], sources_of(kept))
    with caplog.at_level(logging.ERROR, "guardrails"):
        for _ in range(WAITING + 50):
            sinks.put(verdict)
    [thread] = sinks.sinks
    dropped = thread.counts.dropped
    assert 0 < dropped <= 50
    assert "sink kept is too slow: 1 verdicts were dropped" in caplog.text

    kept.may_go_on.set()
    for _ in range(WAITING + 50 - dropped):
        assert kept.wrote.acquire(timeout=30)
    assert len(kept.records) == WAITING + 50 - dropped


def test_a_sink_that_fails_changes_nothing(verdict: Verdict, caplog: pytest.LogCaptureFixture) -> None:
    """It is counted and logged, without the message, which may quote a content; the next verdict is offered again."""
    kept = Kept(fails=True)
    kept.may_go_on.set()
    sinks = open_sinks([{"use": "kept"}], sources_of(kept))
    [thread] = sinks.sinks
    with caplog.at_level(logging.ERROR, "guardrails"):
        sinks.put(verdict)
        sinks.put(verdict)
        del sinks
        counts = thread.counts
        del thread
        gc.collect()
        assert kept.closed.wait(30)
    assert counts.failed == 2
    assert f"sink kept raised RuntimeError: verdict {verdict.id} is not in it" in caplog.text
    assert "zqx" not in caplog.text


def test_a_sink_is_closed_once_nobody_holds_it(verdict: Verdict) -> None:
    """It gets what waited before that."""
    kept = Kept()
    kept.may_go_on.set()
    sinks = open_sinks([{"use": "kept"}], sources_of(kept))
    sinks.put(verdict)
    del sinks
    gc.collect()
    assert kept.closed.wait(30)
    assert [each["id"] for each in kept.records] == [verdict.id]


def test_guards_that_name_the_same_share_it(verdict: Verdict) -> None:
    """A guard that is loaded anew goes on with the sink of the one before it."""
    kept = Kept()
    kept.may_go_on.set()
    sources = sources_of(kept, Kept())
    first, second = (open_sinks([{"use": "kept"}], sources) for _ in range(2))
    assert first.sinks == second.sinks


def test_a_process_that_forked_has_a_thread_of_its_own(verdict: Verdict, tmp_path: Path) -> None:
    """What it judges is in the file as well."""
    path = tmp_path / "verdicts.jsonl"
    program = f"""
import os
from guardrails import Guard

guard = Guard.load({POLICY!r}, sinks=[{{"use": "jsonl", "path": {str(path)!r}}}])
guard.check("one")
child = os.fork()
if child == 0:
    import sys
    guard.check("zqx")
    sys.exit(0)
os.waitpid(child, 0)
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=True, timeout=60)
    actions = sorted(json.loads(line)["action"] for line in path.read_text().splitlines())
    assert actions == ["allow", "block"]


def test_a_sink_that_cannot_be_opened_is_an_error_at_load(tmp_path: Path) -> None:
    """Nothing is judged by a guard whose verdicts go nowhere."""
    with pytest.raises(GuardrailsError, match="sink 'jsonl' cannot be opened: FileNotFoundError"):
        Guard.load(POLICY, sinks=[{"use": "jsonl", "path": str(tmp_path / "none" / "file")}])
