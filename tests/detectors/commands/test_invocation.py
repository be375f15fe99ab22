"""Options are told from operands, as programs do."""

from __future__ import annotations

from guardrails.detectors.commands.invocation import Invocation, name_set, program_name
from tests.cases import each_case


@each_case(
    ("word", "name"),
    [("/bin/rm", "rm"), ("C:\\Windows\\System32\\CMD.EXE", "cmd"), ("rm", "rm"), ("d^el", "del"), ("/", "")],
)
def test_a_program_has_a_name(word: str, name: str) -> None:
    """Without its folder, its ending, and what cmd.exe ignores."""
    assert program_name(word) == name


def test_options_are_known_by_letter_and_name() -> None:
    """Letters may stand together, names may be cut."""
    call = Invocation(["rm", "-fr", "--recurs", "--", "-x", "/"])
    assert call.has_option("r")
    assert call.has_option("", ("recursive",))
    assert not call.has_option("q", ("quiet",))
    assert call.operands() == ["-x", "/"]


def test_options_with_values_are_skipped() -> None:
    """The value is no operand."""
    assert Invocation(["ssh", "-p", "22", "host"]).operands(("-p",)) == ["host"]


def test_windows_arguments_are_read_as_written() -> None:
    """A backslash parts folders there."""
    call = Invocation(["del", "/s", "C:Users"], ["del", "/s", "C:\\Users"])
    assert call.windows_operands() == ["C:\\Users"]


def test_a_call_may_begin_later() -> None:
    """What is left of a call keeps what it reads."""
    call = Invocation(["sudo", "rm", "x"], stdin="y")
    assert (call.rest(1).words, call.rest(1, 1).words, call.rest(1).stdin) == (["rm", "x"], ["rm"], "y")


def test_names_are_parted_by_blanks() -> None:
    """However many there are."""
    assert name_set(" a  b ") == {"a", "b"}
