"""The tree of nodes, its limits, and the problems of aliases, tags and keys, with both parsers of PyYAML."""

from __future__ import annotations

import pytest
import yaml

from guardrails.errors import PolicyError, PolicyErrors
from guardrails.policy.loading import compose
from guardrails.policy.loading.compose import (
    MAX_ALIASES,
    MAX_DEPTH,
    Composer,
    SourceText,
)
from tests.cases import check_each, each_case

pytestmark = pytest.mark.usefixtures("_loader")


@pytest.fixture(params=[yaml.SafeLoader, getattr(yaml, "CSafeLoader", yaml.SafeLoader)])
def _loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compose, "LOADER", request.param)


def errors_of(text: str) -> list[PolicyError]:
    """Return the problems of `text`, checked to say what and how to cure it."""
    composer = Composer(SourceText(text, "p.yaml"))
    try:
        composer.document()
        found = composer.problems
    except PolicyErrors as errors:
        found = errors.errors
    assert all(error.message and error.hint for error in found)
    return found


@each_case(
    ("text", "expected"),
    [
        ("", [("empty_policy", 1, 1)]),
        ("# nothing\n", [("empty_policy", 1, 1)]),
        ("---\n", [("empty_policy", 2, 1)]),
        ("a: 1\n---\nb: 1", [("multiple_documents", 2, 1)]),
        ("a: 1\na: 2\n'a': 3", [("duplicate_key", 2, 1), ("duplicate_key", 3, 1)]),
        ("{a: {b: 1, b: 2}}", [("duplicate_key", 1, 12)]),
        ("1: a", [("invalid_key", 1, 1)]),
        (
            "true: a\n~: b\n?\n: c",
            [("invalid_key", 1, 1), ("invalid_key", 2, 1), ("invalid_key", 3, 2)],
        ),
        ("? [a]\n: 1\n? {b: c}\n: 2", [("invalid_key", 1, 3), ("invalid_key", 3, 3)]),
        (".inf: a", [("invalid_number", 1, 1)]),
        ("a: &x {b: 1}\nc: {<<: *x}", [("merge_key", 2, 5)]),
        ("a: .nan\nb: 1e999", [("invalid_number", 1, 4), ("invalid_number", 2, 4)]),
        ("a: !!timestamp 2026-01-01\nb: !x y", [("unknown_tag", 1, 4), ("unknown_tag", 2, 4)]),
        ("- !!python/object/apply:os.system [ls]", [("unknown_tag", 1, 3)]),
        ("- !!set {a}\n- ! x", [("unknown_tag", 1, 3), ("unknown_tag", 2, 3)]),
        (
            "- !!int x\n- !!seq {}\n- !!map x\n- !!str []",
            [("invalid_value", line, 3) for line in range(1, 5)],
        ),
        ("a: &x [*x]", [("recursive_alias", 1, 8)]),
        ("a: &x {b: [*x, *x]}", [("recursive_alias", 1, 12), ("recursive_alias", 1, 16)]),
        ("a: *x\nb: &x 1", [("unknown_alias", 1, 4)]),
        ("a: 'b\nc: d", [("yaml_syntax", 1, 4)]),
        ("a: b\n c: d", [("yaml_syntax", 2, 2)]),
        ("a: 1\na: 2\nb: @c", [("duplicate_key", 2, 1), ("yaml_syntax", 3, 4)]),
    ],
)
def test_problems_are_found_where_they_are(text: str, expected: list[tuple[str, int, int]]) -> None:
    """Each problem is reported once, at its line and column."""
    assert [(error.code, error.line, error.col) for error in errors_of(text)] == expected


@each_case("escape", [r"\UFFFFFFFF", r"\ud83d", r"\xzz", r"\q"])
def test_escapes_that_name_no_character_are_syntax_errors(escape: str) -> None:
    """An escape beyond Unicode, half a surrogate pair and an unknown one are located by both parsers."""
    assert [(error.code, error.line) for error in errors_of(f'a: b\nc: "{escape}"')] == [("yaml_syntax", 2)]


@each_case(
    ("text", "part", "hint"),
    [
        ("a: 1\nb: 2\na: 3", "key 'a' is there already, in line 1", "remove or rename"),
        ("1.5: a", "key '1.5' is read as float", "quote it: '1.5'"),
        ("a: *b", "alias '*b' has no anchor", "quote the text"),
        ("a: !b c", "tag '!b' is not known", "quote the text"),
        ("a: !!omap []", "tag '!!omap' is not known", "remove the tag"),
        ("a: @b", "a text that begins with '@' stands in quotes", 'write a: "@b"'),
        ("a: b: c", "a text with ': '", 'write a: "b: c"'),
        ("@: [", "cannot start any token while scanning for the next token", "quote a text"),
        ("\na: 'b", "the quote that opens here is not closed", "write a: 'b'"),
    ],
)
def test_messages_name_the_thing_and_hints_the_cure(text: str, part: str, hint: str) -> None:
    """A message says what is wrong, with the parser's own words where no line that it reads is near; the hint says what to do."""
    (error,) = errors_of(text)
    assert (part in error.message, hint in error.hint, error.file) == (True, True, "p.yaml")


def test_a_tab_for_indentation_is_explained() -> None:
    """A tab where spaces belong keeps the parser's word for it and says to use spaces."""
    (error,) = errors_of("a:\n\tb: c")
    assert (error.code, error.line, error.col) == ("yaml_syntax", 2, 1)
    assert error.message == "there is a tab at the beginning of the line"
    assert "indent with spaces" in error.hint


def limit_cases(nodes: int, characters: int) -> list[tuple[str, str | None]]:
    """Return texts at the limits and one beyond them, with the code of the error."""
    return [
        ("[" * MAX_DEPTH + "]" * MAX_DEPTH, None),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "too_deep"),
        ("[" * 5000, "too_deep"),
        ("- " * 5000, "too_deep"),
        ("? " * 5000, "too_deep"),
        ("{a: " * 5000, "too_deep"),
        ("- &a " + "[" * 20 + "]" * 20 + "\n- " + "[" * 20 + "*a" + "]" * 20, "too_deep"),
        ("- &a x\n" + "- *a\n" * MAX_ALIASES, None),
        ("- &a x\n" + "- *a\n" * (MAX_ALIASES + 1), "too_many_aliases"),
        ("- x\n" * (nodes - 1), None),
        ("- x\n" * nodes, "too_large"),
        (f"- &a '{'x' * (characters // 3)}'\n- *a\n- *a", None),
        (f"- &a '{'x' * (characters // 3)}'\n- *a\n- *a\n- *a", "too_many_aliases"),
    ]


@pytest.mark.parametrize(("nodes", "characters"), [(1_000, 30_000)])
def test_limits_hold_exactly(nodes: int, characters: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is at a limit passes; one more is one error, and the rest of the file is not read. Large limits are tried as small ones."""
    monkeypatch.setattr(compose, "MAX_NODES", nodes)
    monkeypatch.setattr(compose, "MAX_CHARACTERS", characters)

    def check(case: tuple[str, str | None]) -> None:
        text, code = case
        assert [error.code for error in errors_of(text)] == ([code] if code else [])

    check_each(
        ((f"{text[:9]} {len(text)}", (text, code)) for text, code in limit_cases(nodes, characters)), check
    )


def test_a_billion_laughs_is_refused() -> None:
    """Aliases to lists of aliases are counted expanded, without expanding them."""
    levels = ["&l0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    levels += [f"&l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 10)]
    text = "".join(f"- {level}\n" for level in levels)
    assert [(error.code, error.line) for error in errors_of(text)] == [("too_many_aliases", 6)]


def test_an_anchor_may_be_used_again() -> None:
    """An alias stands for the latest anchor of its name, also inside another of that name."""
    root = Composer(SourceText("- &a [&a x, *a]\n- *a\n- &a y\n- *a", "p.yaml")).document()
    assert isinstance(root.node, compose.BranchNode)
    inner = root.node.children[0].node
    assert isinstance(inner, compose.BranchNode)
    nodes = [inner.children[1].node, *(root.node.children[index].node for index in (1, 3))]
    assert [node.text for node in nodes if isinstance(node, compose.ScalarNode)] == ["x", "x", "y"]


def test_places_count_the_lines_of_editors() -> None:
    """CR, LF and CRLF end a line; NEL and the Unicode separators do not."""
    text = SourceText("a\r\nb\rc\nd\x85\u2028e", "p.yaml")
    assert [text.place(index) for index in (0, 3, 5, 7, 10, 11)] == [
        (1, 1), (2, 1), (3, 1), (4, 1), (4, 4), (4, 5),
    ]  # fmt: skip
