"""A call is looked at with all that it calls in turn."""

from __future__ import annotations

import pytest

from guardrails.detectors.commands.call_reader import DEEPEST, MENTIONED, CallReader, LimitExceeded
from guardrails.detectors.commands.invocation import Invocation
from guardrails.detectors.commands.shell_words import DOWNLOADED, Environment
from tests.cases import each_case


def reader_of(runs: list[str]) -> CallReader:
    """Return a reader that notes which texts it would have run."""

    def run(source: str, stdin: str) -> str:
        runs.append(source)
        return ""

    return CallReader(run, Environment(lambda source: ""))


@each_case(
    ("words", "score"),
    [
        (["rm", "-rf", "/"], 1.0),
        (["sudo", "rm", "-rf", "/"], 1.0),
        (["xargs", "rm", "-rf", "/"], 1.0),
        (["frobnicate", "--now", "rm", "-rf", "/"], MENTIONED),
    ],
)
def test_scores_tell_commands_from_mentions(words: list[str], score: float) -> None:
    """Behind a program that is not known to run others a command is less sure."""
    reader = reader_of([])
    reader.read(Invocation(words))
    assert {(each.leaf, each.score) for each in reader.found} == {("delete", score)}


def test_shells_run_their_texts() -> None:
    """What stands behind `-c`, and what comes by a pipe, is read as a script."""
    runs: list[str] = []
    reader = reader_of(runs)
    reader.read(Invocation(["bash", "-c", "one"]))
    reader.read(Invocation(["sh"], stdin="two"))
    assert runs == ["one", "two"]


def test_downloads_that_are_run_are_found() -> None:
    """By a pipe, or by a file that was written before."""
    reader = reader_of([])
    reader.read(Invocation(["sh"], stdin=DOWNLOADED))
    reader.read(Invocation(["curl", "-o", "x", "https://example.com/x"]))
    reader.read(Invocation(["mv", "x", "y"]))
    reader.read(Invocation(["./y"]))
    assert [each.leaf for each in reader.found] == ["download_and_run"] * 2


def test_functions_get_their_arguments() -> None:
    """A function's body is read with what it is called with."""
    runs: list[str] = []
    reader = reader_of(runs)
    reader.functions["f"] = "rm -rf $1"
    reader.read(Invocation(["f", "/"]))
    assert runs == ["rm -rf $1"]


def test_steps_are_bounded() -> None:
    """Programs that run programs are followed so deep."""
    with pytest.raises(LimitExceeded):
        reader_of([]).read(Invocation([*["sudo"] * (DEEPEST + 1), "ls"]))
