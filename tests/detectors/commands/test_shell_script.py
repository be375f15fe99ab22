"""Scripts are followed as far as they follow from the text alone."""

from __future__ import annotations

import pytest

from guardrails.detectors.commands.call_reader import LimitExceeded
from guardrails.detectors.commands.shell_script import ShellReader
from tests.cases import each_case


def read(text: str) -> list[tuple[str, str]]:
    """Return the leaves that are found with the text that each stands in."""
    reader = ShellReader()
    reader.read(text)
    return [(finding.leaf, text[finding.start : finding.end]) for finding in reader.found]


CASES = [
    ("ls; rm -rf /; ls", "rm -rf /"),
    ("é\U0001f600; rm -rf /", "rm -rf /"),
    ("X=/; rm -rf $X", "rm -rf $X"),
    ("X=(rm -rf /); ${X[@]}", "${X[@]}"),
    ("declare X=/; rm -rf $X", "rm -rf $X"),
    ("case a in a) rm -rf /;; esac", "rm -rf /"),
    ("while true; do rm -rf /; done", "rm -rf /"),
    ("sh -c 'rm -rf /'", "sh -c 'rm -rf /'"),
    ("cd /; rm -rf ./*", "rm -rf ./*"),
    ("tee x.sh <<< 'rm -rf /'; sh x.sh", "sh x.sh"),
    ("a | rm -rf / | b", "rm -rf /"),
    ("[[ -d / ]] && rm -rf /", "rm -rf /"),
    ("r\\\nm -rf /", "r\\\nm -rf /"),
]


@each_case(("text", "where"), CASES)
def test_a_command_is_found_where_it_stands(text: str, where: str) -> None:
    """Findings stand where the outermost command does, in characters."""
    assert ("delete", where) in read(text)


@each_case(
    "text", ["# rm -rf /", "X='rm -rf /'", "X=/; X=build; rm -rf $X", "echo rm -rf /", "cd build; rm -rf ./x"]
)
def test_what_is_not_run_is_not_found(text: str) -> None:
    """Comments, values of variables and printed texts are no commands."""
    assert read(text) == []


def test_texts_without_the_grammar_are_read_by_lines() -> None:
    """Prose and commands of Windows are no scripts; their lines are read."""
    reader = ShellReader()
    assert not reader.read("it's (rm -rf /")
    assert {finding.leaf for finding in reader.found} == {"delete"}


def test_depth_is_bounded() -> None:
    """What nests deeper than is followed is an error that says so."""
    with pytest.raises(LimitExceeded):
        ShellReader().read("$(" * 200 + "rm" + ")" * 200)
