"""How what a page shows is held against what comes out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cases import each_case
from tests.pages import agrees, changed, walk


@each_case(
    ("expected", "printed", "same"),
    [
        ("a\nb\n", "a\nb\n", True),
        ("a\n", "a\nb\n", False),
        ("a\nb\n", "a\n", False),
        ("", "", True),
        ("", "a\n", False),
        ("…\n", "a\nb\n", True),
        ("…\n", "", True),
        ("a\n…\nd\n", "a\nb\nc\nd\n", True),
        ("a\n…\nd\n", "a\nd\n", True),
        ("a\n…\nd\n", "a\nb\n", False),
        ("…\nb\n…\n", "a\nb\nb\nc\n", True),
        ("…\nb\n…\n", "a\nc\n", False),
        ("…\nb\n", "a\nb\nb\n", True),
        ("sha256:… 3 found\n", "sha256:0a1b 3 found\n", True),
        ("sha256:… 3 found\n", "sha256:0a1b 4 found\n", False),
        ("passed in 0.01 s, 2.5 ms\n", "passed in 12.30 s, 7 ms\n", True),
        ("recall  70.8 %\n", "recall 71.9 %\n", True),
        ("recall 70.8 %\n", "recall 50.8 %\n", False),
        ("score 0.65\n", "score 0.71\n", True),
        ("score 0.65\n", "score 0.90\n", False),
        ("6 passed\n", "7 passed\n", False),
    ],
)
def test_agrees(expected: str, printed: str, same: bool) -> None:
    """All lines count but those that `…` stands for; durations do not, scores do to a tenth, counts exactly."""
    assert agrees(expected, printed) is same


def test_a_page_is_walked_in_its_order(tmp_path: Path) -> None:
    """A file is written, goes on, is changed, and each command meets it as it is by then."""
    page = (
        '```yaml title="a.yaml"\nx: 1\n```\n```console\n$ show a\nx: 1\n$ show b\n```\n```yaml { title="a.yaml" .append }\ny: 2\nz: 3\n```\n'
        '```diff title="a.yaml"\n-x: 1\n+x: 4\n\n y: 2\n-z: 3\n```\n```yaml\nnot: a file\n```\n```console\n$ show c\n```\n'
    )

    shown = [*walk(page, tmp_path, lambda command: f"{command}: {(tmp_path / 'a.yaml').read_text()}")]

    assert [(each.command, each.expected) for each in shown] == [
        ("show a", "x: 1\n"),
        ("show b", ""),
        ("show c", ""),
    ]
    assert shown[0].printed == "show a: x: 1\n"
    assert shown[2].printed == "show c: x: 4\ny: 2\n"


@each_case("diff", ["-b: 1\n+c: 1\n", "-a: 1\n"])
def test_a_change_that_does_not_fit_is_an_error(diff: str) -> None:
    """What a page changes must be there, once."""
    with pytest.raises(AssertionError, match="times in the file"):
        changed("a: 1\na: 1\n", diff)
