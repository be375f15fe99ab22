"""The canonical form: one order and layout, whatever it was before, and nothing of it lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.errors import PolicyErrors
from guardrails.policy.editing.canonical_form import FormattingError, format_source
from guardrails.policy.editing.layout import parse_layout
from guardrails.policy.loading.source import read_yaml
from guardrails.policy.testing.test_fields import TestsDoc
from tests.cases import each_case

ROOT = Path(__file__).resolve().parents[3]

CASES = {
    "fields of a file": ("name: x\nformat: 1\n", "format: 1\nname: x\n"),
    "fields of a rule": (
        "rules:\n  - then: block\n    id: a\n    when: x > 1\n",
        "rules:\n  - id: a\n    when: x > 1\n    then: block\n",
    ),
    "fields in brackets": ("rules: [{then: block,  id: a}]\n", "rules: [{id: a, then: block}]\n"),
    "fields of a detector": (
        "detectors:\n  a: {terms: [x], use: terms}\n",
        "detectors:\n  a: {use: terms, terms: [x]}\n",
    ),
    "fields of an expectation": (
        "tests:\n  - {expect: {rules: [a], action: block}, input: x}\n",
        "tests:\n  - {input: x, expect: {action: block, rules: [a]}}\n",
    ),
    "fields of a change": (
        "override: {rules: [{then: flag, id: a}]}\n",
        "override: {rules: [{id: a, then: flag}]}\n",
    ),
    "what is not known stays behind": ("zzz: 1\nname: x\naaa: 2\n", "name: x\nzzz: 1\naaa: 2\n"),
    "indentation": (
        "rules:\n- id: a\n  on:\n      - input\n",
        "rules:\n  - id: a\n    on:\n      - input\n",
    ),
    "a dash alone": ("rules:\n  -\n    id: a\n", "rules:\n  - id: a\n"),
    "blank lines": (
        "\n\nname: x\n\n\nrules:\n\n  - id: a\n\n    on: input\n\n\n  - id: b\ntests: []\n\n",
        "name: x\n\nrules:\n  - id: a\n    on: input\n\n  - id: b\n\ntests: []\n",
    ),
    "a comment above goes with its field": (
        "# of x\nname: x\n# of 1\nformat: 1\n",
        "# of 1\nformat: 1\n# of x\nname: x\n",
    ),
    "what is said of the file stays at its head": (
        "# yaml-language-server: $schema=./s.json\n# The file.\n\n# of x\nname: x\nformat: 1\n",
        "# yaml-language-server: $schema=./s.json\n# The file.\n\nformat: 1\n# of x\nname: x\n",
    ),
    "a comment beside goes with its field": (
        "name: x   # of x\nformat: 1 # of 1\n",
        "format: 1 # of 1\nname: x # of x\n",
    ),
    "comments in brackets": (
        "rules:\n  - {id: a, # of a\n     on: input,\n     # of b\n     then: flag} # of all\n",
        "rules:\n  # of all\n  - id: a # of a\n    on: input\n    # of b\n    then: flag\n",
    ),
    "comments at the end of a list": (
        "rules:\n  - id: a\n    # on a\n  # on the list\nname: x\n# on the file\n",
        "name: x\n\nrules:\n  - id: a\n    # on a\n  # on the list\n# on the file\n",
    ),
    "brackets over lines that fit one": ("rules:\n  - {id: a,\n     on: input}\n", "rules:\n  - {id: a, on: input}\n"),
    "words over lines": (
        f"detectors:\n  a:\n    terms: [{', '.join(['abcdefghij'] * 11)},\n      k]\n    use: terms\n",
        "detectors:\n  a:\n    use: terms\n    terms: [\n"
        f"      {', '.join(['abcdefghij'] * 8)},\n      {', '.join(['abcdefghij'] * 3)}, k,\n    ]\n",
    ),
    "a long line that was one": (
        f"rules:\n  - {{description: {'x ' * 60}x, id: a}}\n",
        f"rules:\n  - {{id: a, description: {'x ' * 60}x}}\n",
    ),
    "a text over lines": (
        "rules:\n  - when: >-\n          a > 1\n            || b\n\n          || c\n    id: a\n",
        "rules:\n  - id: a\n    when: >-\n      a > 1\n        || b\n\n      || c\n",
    ),
    "a quoted text over lines": ('description: "a\n    b"\n', 'description: "a\n  b"\n'),
    "escapes of what nobody sees": (r'name: "a\u200bb"' + "\n", r'name: "a\u200bb"' + "\n"),
    "numbers as they are written": ('version: "1.10"\nlimits: {windows: 0x10}\n', 'version: "1.10"\nlimits: {windows: 0x10}\n'),
    "carriage returns": ("name: x\r\n# c\r\nformat: 1\r\n", "# c\nformat: 1\nname: x\n"),
    "aliases": ("tests: [&a {input: x}, *a]\nname: x\n", "tests: [&a {input: x}, *a]\nname: x\n"),
    "a value that is nothing": ("rules:\n  - id:\nname: x\n", "name: x\n\nrules:\n  - id:\n"),
    "an empty list": ("rules:   []  # none\n", "rules: [] # none\n"),
    "a # that begins no comment": ("name: 'a # b'\ndescription: a#b\n", "name: 'a # b'\ndescription: a#b\n"),
}  # fmt: skip
"""What it is about → a file, and what it becomes."""


def text(content: str) -> str:
    """Return the text of a file in the canonical form."""
    return format_source(read_yaml(content, "x.yaml")).text


@each_case("case", CASES)
def test_a_file_becomes_the_same_in_one_form(case: str) -> None:
    """Order and layout are those of the form, and it is its own form."""
    given_, expected = CASES[case]

    assert text(given_) == expected
    assert text(expected) == expected


@each_case(
    ("content", "words"),
    [
        ("---\nname: x\n", "remove that line"),
        ("name: |2\n    x\n", "without the digit"),
        ("? [a]\n: x\n", "a key must be a text"),
        ("!!str x: 1\n", "tag"),
    ],
)
def test_what_cannot_be_followed_is_an_error(content: str, words: str) -> None:
    """A file that is laid out otherwise is named with the cure, and nothing comes out."""
    with pytest.raises((FormattingError, PolicyErrors), match=words):
        text(content)


def test_what_cannot_be_read_is_an_error() -> None:
    """A key that stands there twice would lose one of its values."""
    with pytest.raises(PolicyErrors, match="duplicate_key"):
        text("name: x\nname: y\n")


def test_files_of_tests_have_their_own_order() -> None:
    """In `X.test.yaml` the policy stands above its tests."""
    source = read_yaml("tests:\n  - {expect: {action: allow}, input: x}\npolicy: a.yaml\n", "a.test.yaml")

    made = format_source(source, TestsDoc).text

    assert made == "policy: a.yaml\n\ntests:\n  - {input: x, expect: {action: allow}}\n"


WORDS = st.sampled_from(["a", "'it''s # x'", '"b\\u200b"', "x > 1", "1.10", "on", "a#b", "", "'?'"])
KEYS = st.sampled_from(["id", "on", "when", "use", "zz", "'q'", "tests", "rules", "input"])
NOTES = st.sampled_from(["", "", "", " # beside", " #"])
ABOVE = st.sampled_from(["", "", "", "\n", "# above\n", "\n# above\n\n", "      # far right\n"])


@st.composite
def flows(draw: st.DrawFn, depth: int = 0) -> str:
    """Draw something in brackets, now and then over lines and with comments."""
    gap = st.sampled_from(
        [" ", "  ", "", "\n          ", " # in brackets\n          ", "\n          # own line\n          "]
    )
    some = draw(
        st.lists(WORDS.filter(bool) if depth > 1 else WORDS.filter(bool) | flows(depth + 1), max_size=3)
    )
    if draw(st.booleans()):
        keys = draw(st.permutations(["id", "on", "when"]))
        parts = [f"{draw(gap)}{key}: {value}" for key, value in zip(keys, some, strict=False)]
        return f"{{{','.join(parts)}{draw(gap)}}}"
    return f"[{','.join(draw(gap) + each for each in some)}{draw(gap)}]"


@st.composite
def blocks(draw: st.DrawFn, indent: int = 0) -> str:
    """Draw a block with comments and blank lines anywhere."""
    pad, lines = " " * indent, []
    keys = draw(st.lists(KEYS, min_size=1, max_size=3, unique=True))
    listed = indent > 0 and draw(st.booleans())
    for key in keys:
        above = "".join(f"{pad}{line}\n" if line else "\n" for line in draw(ABOVE).splitlines())
        head = f"{above}{pad}{'-' if listed else key + ':'}"
        kind = draw(st.sampled_from(["word", "flow", "block", "text"]))
        if kind == "block" and indent < 6:
            deeper = indent + draw(st.sampled_from([2, 3, 4]))
            lines.append(f"{head}{draw(NOTES)}\n{draw(blocks(deeper))}")
        elif kind == "flow":
            lines.append(f"{head} {draw(flows())}{draw(NOTES)}\n")
        elif kind == "text":
            lines.append(f"{head} |-\n{pad}   one # two\n\n{pad}     three\n")
        else:
            lines.append(f"{head} {draw(WORDS)}{draw(NOTES)}\n")
    return "".join(lines) + draw(st.sampled_from(["", f"{pad}# end\n"]))


@given(blocks())
def test_nothing_is_lost_and_the_form_is_its_own_form(content: str) -> None:
    """Whatever the layout: the same values and comments come out, or an error; and a second time changes nothing."""
    try:
        source = read_yaml(content, "x")
        made = format_source(source)
    except (PolicyErrors, FormattingError):
        return
    assert made.data == source.data
    assert made.text.count("#") == content.count("#")
    assert format_source(made).text == made.text
    assert parse_layout(made.text).entries
