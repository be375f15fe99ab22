"""Words become what the shell would make of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guardrails.detectors.commands.shell_words import (
    UNKNOWN,
    Environment,
    expand_word,
    split_words,
    unescape_ansi,
)
from tests.cases import each_case


def expand(source: str, **variables: str) -> list[str]:
    """Expand a word where commands print their own text."""
    environment = Environment(lambda command: f"<{command}>")
    environment.variables |= variables
    return expand_word(source, environment)


CASES = [
    ("r''m", ["rm"]),
    ("r\\m", ["rm"]),
    ("'a b'c", ["a bc"]),
    ('"a  b"', ["a  b"]),
    ("''", [""]),
    ("$'\\x72\\155'", ["rm"]),
    ("{rm,-rf,/}", ["rm", "-rf", "/"]),
    ("a{1..3}", ["a1", "a2", "a3"]),
    ("{a,{b,c}}", ["a", "b", "c"]),
    ("'{a,b}'", ["{a,b}"]),
    ("~/x", ["/home/user/x"]),
    ("'~'", ["~"]),
    ("rm${IFS}-rf", ["rm", "-rf"]),
    ("$X", ["one", "two"]),
    ('"$X"', ["one two"]),
    ("${X:0:3}", ["one"]),
    ("${X/one/1}", ["1", "two"]),
    ("${X#* }", ["two"]),
    ("${X^^}", ["ONE", "TWO"]),
    ("${Y:-/}", ["/"]),
    ("${X:+/}", ["/"]),
    ("${HOME:0:1}", ["/"]),
    ("r${@}m", ["rm"]),
    ("$Y", [UNKNOWN]),
    ("$(ls)", ["<ls>"]),
    ("`ls`", ["<ls>"]),
    ('"a$(ls)"', ["a<ls>"]),
    ("$((3))", ["3"]),
    ("a\\\nb", ["ab"]),
]


@each_case(("source", "words"), CASES)
def test_a_word_is_expanded(source: str, words: list[str]) -> None:
    """Quotes, escapes, variables, braces and substitutions are read as bash reads them."""
    assert expand(source, X="one two") == words


def test_a_text_is_cut_into_words() -> None:
    """Blanks in quotes and substitutions part nothing."""
    source = "a 'b c' \"d e\" $(f g) ${h:-i j} k\\ l"
    assert [source[a:b] for a, b in split_words(source)] == [
        "a",
        "'b c'",
        '"d e"',
        "$(f g)",
        "${h:-i j}",
        "k\\ l",
    ]


@each_case(
    ("text", "plain"), [("\\x72", "r"), ("\\162", "r"), ("\\u0072m", "rm"), ("\\n", "\n"), ("\\q", "q")]
)
def test_escapes_are_read(text: str, plain: str) -> None:
    """Those of `$'…'`, by their digits and letters."""
    assert unescape_ansi(text) == plain


@given(st.text(max_size=60))
def test_any_word_is_expanded(source: str) -> None:
    """No word stops the expansion, however its quotes stand."""
    assert all(isinstance(word, str) for word in expand(source))
