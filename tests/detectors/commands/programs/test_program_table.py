"""What one call is, whichever table knows its program."""

from __future__ import annotations

from guardrails.detectors.commands.invocation import Invocation
from guardrails.detectors.commands.programs.program_table import (
    call_leaves,
    find_mentions,
    is_severe,
    resolve_program,
    severe_names,
)
from guardrails.detectors.commands.shell_words import UNKNOWN
from tests.cases import each_case


def test_all_tables_are_asked() -> None:
    """Each leaf once."""
    assert [*call_leaves(Invocation(["rm", "-rf", "/", "/etc"]))] == ["delete"]
    assert [*call_leaves(Invocation(["sudo", "su"]))] == []
    assert [*call_leaves(Invocation(["sudo", "bash"]))] == ["escalate"]
    assert [*call_leaves(Invocation(["mimikatz"]))] == ["read_credentials"]


@each_case(
    ("words", "program"),
    [
        (["/bin/r?", "-rf", "/"], "rm"),
        (["/???/c?t", "x"], "cat"),
        ([UNKNOWN, "-rf", "/"], "rm"),
        ([UNKNOWN, "x"], UNKNOWN),
        ([f"{UNKNOWN}rm", "x"], "rm"),
        (["ls"], "ls"),
    ],
)
def test_programs_without_a_plain_name_are_resolved(words: list[str], program: str) -> None:
    """Patterns by what they fit, unknown ones by what they are given."""
    assert resolve_program(Invocation(words)).words[0] == program


def test_programs_that_may_do_harm_are_looked_for() -> None:
    """Behind a program that is not known."""
    assert [*find_mentions(Invocation(["x", "rm", "a", "bash"]))] == [1, 3]
    assert is_severe("/bin/rm")
    assert is_severe("python3.11")
    assert not is_severe("echo")
    assert "rm" in severe_names()
