"""`guardrails log tail`: the newest records, and those that come."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from tests.cli.operate.log.log_kit import LogCommands
from tests.records.records_kit import write_records


def test_the_newest_oldest_first(log: LogCommands) -> None:
    """Twenty if nobody says how many."""
    assert [row["id"] for row in log("tail", "--json", "-n", "3").rows] == log.ids[-3:]
    assert len(log("tail").out.splitlines()) == 10
    assert log("tail", "-n", "0").out == ""


def test_those_that_come_are_shown_as_they_come(log: LogCommands) -> None:
    """Until Ctrl-C, which is no error of it."""
    command = [
        sys.executable,
        "-m",
        "guardrails",
        "log",
        "tail",
        "-f",
        "--json",
        "--records",
        str(log.folder),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ}) as process:
        assert process.stdout is not None
        shown = [process.stdout.readline() for _ in range(10)]
        ids = write_records(log.folder, 3)
        shown += [process.stdout.readline() for _ in range(3)]
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
    assert [each in line for each, line in zip([*log.ids, *ids], shown, strict=True)] == [True] * 13
