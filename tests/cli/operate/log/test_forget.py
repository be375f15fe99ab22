"""`guardrails log forget`: erases a person, once it was agreed to."""

from __future__ import annotations

import io
import json

import pytest

from tests.cli.operate.log.log_kit import LogCommands


class Terminal(io.StringIO):
    """Somebody who types."""

    def isatty(self) -> bool:
        """Say that it is one."""
        return True


def test_nothing_is_erased_without_a_word(log: LogCommands) -> None:
    """From a pipe it must be said on the command line."""
    done = log("forget", "--user", "u1", "--tenant", "acme")
    assert done.status == 2
    assert "3 records are about u1: say --yes" in done.err
    assert log("query", "--user", "u1", "--tenant", "acme", "--count").out == "3\n"


def test_who_is_erased_is_found_no_more(log: LogCommands) -> None:
    """The decisions are, and the chain is intact."""
    done = log("forget", "--user", "u1", "--tenant", "acme", "--yes", "--json")
    assert json.loads(done.out) == {"records": 3}
    assert log("query", "--user", "u1", "--tenant", "acme", "--count").out == "0\n"
    assert log("query", "--count", "--where", 'kind == "decision"').out == "10\n"
    assert log("verify").status == 0


@pytest.mark.parametrize(("answer", "erased"), [("y\n", True), ("n\n", False), ("\n", False)])
def test_a_person_at_a_terminal_is_asked(
    log: LogCommands, monkeypatch: pytest.MonkeyPatch, answer: str, erased: bool
) -> None:
    """No is what is taken where nothing is said."""
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    done = log("forget", "--user", "u1", "--tenant", "acme")
    assert "It cannot be undone. [y/N]" in done.out
    assert ("erased from 3 records" in done.out) is erased
    assert ("nothing was erased" in done.err) is not erased
