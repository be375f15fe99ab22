"""Programs that run others."""

from __future__ import annotations

from guardrails.detectors.commands.invocation import Invocation
from guardrails.detectors.commands.programs.wrappers import inner_calls, inner_sources, skip_prefix
from tests.cases import each_case


@each_case(
    ("words", "inner"),
    [
        ("sudo -u jo rm x", "rm x"),
        ("env -i A=1 rm x", "rm x"),
        ("timeout -s KILL 5 rm x", "rm x"),
        ("nice -n 5 -- rm x", "rm x"),
        ("xargs -I {} rm {}", "rm {}"),
        ("chroot /mnt rm x", "rm x"),
    ],
)
def test_a_prefix_is_skipped(words: str, inner: str) -> None:
    """With its own options and operands."""
    found = skip_prefix(Invocation(words.split()))
    assert found is not None
    assert " ".join(found.words) == inner


def test_other_programs_run_none() -> None:
    """Neither does a prefix with nothing behind it."""
    assert skip_prefix(Invocation(["rm", "x"])) is None
    assert skip_prefix(Invocation(["sudo", "-k"])) is None


@each_case(
    ("words", "sources"),
    [
        (["bash", "-lc", "a b"], ["a b"]),
        (["su", "-", "jo", "-c", "a"], ["a"]),
        (["ssh", "-p", "22", "h", "rm", "-rf", "x"], ["rm -rf x"]),
        (["eval", "a", "b"], ["a b"]),
        (["trap", "a", "EXIT"], ["a"]),
        (["env", "-S", "a b"], [" a b"]),
        (["git", "-c", "alias.x=!a", "x"], ["a"]),
        (["ls", "-c"], []),
    ],
)
def test_texts_of_shell_are_found(words: list[str], sources: list[str]) -> None:
    """Where each program has them."""
    assert inner_sources(Invocation(words)) == sources


@each_case(
    ("words", "calls"),
    [
        (["find", "/a", "-exec", "rm", "{}", ";"], [["rm", "-r", "/a"]]),
        (["find", "/a", "-name", "x", "-exec", "cat", "{}", "+"], [["cat"]]),
        (["docker", "exec", "-it", "-u", "0", "web", "ls"], [["ls"]]),
        (["kubectl", "exec", "web", "--", "ls"], [["ls"]]),
        (["ls"], []),
    ],
)
def test_calls_in_calls_are_found(words: list[str], calls: list[list[str]]) -> None:
    """Of `find`, of containers and clusters."""
    assert [call.words for call in inner_calls(Invocation(words))] == calls
