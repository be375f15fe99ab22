"""`guardrails log query`: what an audit asks."""

from __future__ import annotations

import json

import pytest

from tests.cli.operate.log.log_kit import LogCommands

QUESTIONS = {
    "all": ((), 10),
    "what was blocked": (("--action", "block"), 4),
    "what was blocked within the hour": (("--action", "block", "--since", "1h"), 4),
    "what was before that": (("--until", "1h"), 0),
    "of one user": (("--user", "u1", "--tenant", "acme"), 3),
    "of a user of another tenant": (("--user", "u1", "--tenant", "other"), 0),
    "of a tenant": (("--tenant", "acme"), 10),
    "of a conversation": (("--conversation", "c1", "--tenant", "acme"), 10),
    "at a stage": (("--stage", "output"), 0),
    "by a rule": (("--rule", "word"), 4),
    "by a condition": (("--where", 'scores["custom.word"] > 0.9 && "word" in rules'), 4),
    "by several": (("--rule", "word", "--user", "u0", "--tenant", "acme"), 4),
    "of a request": (("--request", "req_1"), 0),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_questions_are_answered(log: LogCommands, question: str) -> None:
    """Exit status 1 where nothing was found."""
    arguments, count = QUESTIONS[question]
    done = log("query", "--json", *arguments)
    assert len(done.rows) == count
    assert done.status == (0 if count else 1)
    assert log("query", "--count", *arguments).out.strip() == str(count)


def test_the_newest_come_first_and_so_many(log: LogCommands) -> None:
    """A hundred if nobody says how many; 0 is all."""
    assert [row["id"] for row in log("query", "--json", "--limit", "3").rows] == log.ids[:-4:-1]
    assert len(log("query", "--json", "--limit", "0").rows) == 10


def test_lines_for_people(log: LogCommands) -> None:
    """What was done, where, by which rules, what was found, whose it was, and the id to ask on with."""
    done = log("query", "--action", "block", "--limit", "1")
    line = done.out.strip()
    assert "BLOCK        input        word  custom.word 1.00  user " in line
    assert line.endswith(f"tenant acme  {log.ids[9]}")
    assert "\x1b" not in line


def test_records_are_counted(log: LogCommands) -> None:
    """By columns, for people and for programs."""
    assert log("query", "--by", "action").out.splitlines() == [
        "action  records", "allow         6", "block         4",
    ]  # fmt: skip
    done = log("query", "--by", "rules", "--by", "stage", "--json")
    assert json.loads(done.out) == [{"rules": "word", "stage": "input", "records": 4}]
    assert log("query", "--by", "rules", "--action", "allow").status == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--where", "acton == 1"), "undeclared reference to 'acton'"),
        (("--since", "soon"), "'soon' is no time"),
        (("--by", "colour"), "there is no column 'colour'"),
    ],
)
def test_wrong_questions_say_what_is_wrong(
    log: LogCommands, arguments: tuple[str, ...], message: str
) -> None:
    """Exit status 2."""
    done = log("query", *arguments)
    assert (done.status, done.out) == (2, "")
    assert message in done.err
