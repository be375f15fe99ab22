"""Comments that silence lint: their line, what is indented below it, or the whole file; never a text that looks like one."""

from __future__ import annotations

from guardrails.policy.lints.silence import find_suppressions, find_unused_suppressions
from guardrails.policy.loading.source import Mark, read_yaml
from tests.cases import each_case

TEXT = """\
# lint: ignore-file no_owner
rules:
  - id: a  # lint: ignore one, two
    when: x
    deep:
      - y

  # lint: ignore three
  # (it is meant)
  - id: b
    when: "a # lint: ignore four"
  - id: c
    when: >-
      # lint: ignore five
    then: block  #lint:ignore six
tests: []  # lint: ignore
"""


def test_each_comment_has_its_lines() -> None:
    """At the end of a line it is for that and what is indented below; on its own line for the next; texts are none."""
    found = [(each.code, each.first, each.last) for each in find_suppressions(read_yaml(TEXT, "p.yaml"))]
    assert found == [
        ("no_owner", 1, 17), ("one", 3, 6), ("two", 3, 6), ("three", 10, 11), ("six", 15, 15), ("", 16, 16),
    ]  # fmt: skip


def test_windows_line_ends_count_as_one() -> None:
    """Lines are those of an editor."""
    found = find_suppressions(read_yaml(TEXT.replace("\n", "\r\n"), "p.yaml"))
    assert [(each.code, each.mark.line, each.mark.col) for each in found][:2] == [
        ("no_owner", 1, 1),
        ("one", 3, 12),
    ]


@each_case(
    ("code", "line", "file", "covered"),
    [
        ("one", 4, "p.yaml", True),
        ("one", 8, "p.yaml", False),
        ("two", 4, "q.yaml", False),
        ("three", 4, "p.yaml", False),
    ],
)
def test_a_comment_covers_its_code_in_its_lines(code: str, line: int, file: str, covered: bool) -> None:
    """Another code, line or file is told."""
    assert (
        any(each.covers(code, Mark(file, line, 1)) for each in find_suppressions(read_yaml(TEXT, "p.yaml")))
        is covered
    )


def test_what_silences_nothing_is_told() -> None:
    """A comment without a code, with one that there is not, or with one that was looked for and not found; no other."""
    silenced = find_suppressions(
        read_yaml("a: 1  # lint: ignore one, two, three, four\nb: 1  # lint: ignore\n", "p.yaml")
    )
    told = find_unused_suppressions(
        silenced, silenced[:1], frozenset({"one", "two", "four"}), frozenset({"one", "two"})
    )
    assert [(mark.line, code) for mark, _, code in told] == [(1, "two"), (1, "three"), (2, "")]


def test_a_file_without_comments_silences_nothing() -> None:
    """Most files have none."""
    assert find_suppressions(read_yaml("rules: []\n", "p.yaml")) == []
