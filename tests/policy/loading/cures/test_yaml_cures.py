"""Lines that YAML cannot read: what was most likely meant, and nothing where no other line would be read."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from guardrails.policy.loading.cures.yaml_cures import LOADER, find_yaml_cure, quote_text
from tests.cases import each_case


def stumble(text: str) -> int | None:
    """Return where the parser cannot go on; None where it can."""
    try:
        for _ in yaml.parse(text, Loader=LOADER):
            pass
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        return mark.index if mark else 0
    return None


@each_case(
    ("text", "line", "column", "message"),
    [
        ("a:1\nb: 2\n", "a: 1", 2, "a space is missing behind the colon"),
        ("a 1\nb: 2\n", "a: 1", 1, "a colon is missing behind 'a'"),
        ("a: 1\n  b: 2\n", "b: 2", 7, "the line is indented by 2, which fits nothing above it"),
        ("a: b: c\n", 'a: "b: c"', 3, "a text with ': ' or ' #' in it stands in quotes"),
        ("a: 'it's'\n", 'a: "it\'s"', 3, "the text in quotes ends at the next ', and more follows"),
        ("a: [1, 2\nb: 3\n", "a: [1, 2]", 3, "the '[' that opens here is not closed"),
        ('a: ["\\d"]\n', "a: ['\\d']", 4, "in double quotes a backslash begins an escape such as \\n"),
        ("a: // no\n  b: 1\n", "a: # no", 3, "'//' begins no comment in YAML"),
        ("a:\n\tb: 1\n", "  b: 1", 3, "there is a tab at the beginning of the line"),
        ("- {a: b: c, d: e}\n", '- {a: "b: c", d: e}', 6, "a text with ': ' in it stands in quotes"),
    ],
)
def test_a_line_is_cured(text: str, line: str, column: int, message: str) -> None:
    """With its place, its cause, and the line as it was meant."""
    at = stumble(text)
    if at is None:
        pytest.fail("the parser reads it")
    cure = find_yaml_cure(text, at, at)
    assert cure is not None
    assert (cure.line, cure.index, cure.message) == (line, column, message)


@example("::\t[")  # which the parser in C reads, and that in Python does not
@given(st.text(alphabet="ab:-[]{}'\"#, \n\t@!&*|>%\u00a0", max_size=40))
def test_a_proposal_lets_the_parser_go_on(text: str) -> None:
    """Whatever is broken, the line that is proposed is read, or the parser stumbles in a later one."""
    at = stumble(text)
    cure = None if at is None else find_yaml_cure(text, at, at)
    if cure is None or at is None:
        return
    lines, number = text.split("\n"), text.count("\n", 0, cure.index)
    again = stumble("\n".join([*lines[:number], cure.line, *lines[number + 1 :]]))
    lookalike = (
        "plain space" in cure.hint or "with spaces" in cure.hint
    )  # which is cured in all lines together
    assert again is None or lookalike or again > at or text.count("\n", 0, again) > number


@each_case(
    ("text", "quoted"),
    [("a", '"a"'), ('say "a"', "'say \"a\"'"), ("'it's'", '"it\'s"'), ("\\d", "'\\d'"), ("!x", '"!x"')],
)
def test_a_text_is_quoted(text: str, quoted: str) -> None:
    """In the quotes that it does not hold."""
    assert quote_text(text) == quoted
    assert yaml.safe_load(quoted) is not None
