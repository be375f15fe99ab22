"""Expressions: trees with offsets in characters, all errors as `CelError`, programs that know unknown."""

from __future__ import annotations

import gc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.policy.cel.cel import LONGEST, CelEnvironment, CelError, CelNode, check, parse
from tests.cases import each_case


@each_case(
    ("text", "names"),
    [
        ("hate > 0.5", {"hate": 0}),
        ("  hate > 0.5 && pii.email >= 1", {"hate": 2, "pii.email": 16}),
        ('a.b.c == "é😀" || d < 1', {"a.b.c": 0, "d": 17}),
        ("a\n  && b\n\t&& c.d", {"a": 0, "b": 7, "c.d": 13}),
        ("[a, b.c].exists(x, x > d) ? e : {'k': f}['k']", {"a": 1, "b.c": 4, "d": 23, "e": 28, "f": 38}),
    ],
)
def test_names_have_the_offsets_of_the_text(text: str, names: dict[str, int]) -> None:
    """Every name of an expression is in its tree, with the offset of its first character, also behind emoji."""
    found: dict[str, int] = {}

    def read(node: CelNode) -> None:
        dotted = node.dotted_name()
        if dotted is not None and not dotted.startswith(("@", "__")):
            found.setdefault(dotted, node.start())
        elif dotted is None:
            for arg in node.args:
                read(arg)

    read(parse(text))
    found.pop("x", None)
    assert found == names


@each_case(
    ("text", "value"),
    [("1", 1), ("-7", -7), ("0.25", 0.25), ("-0.5", -0.5), ("true", True), ("false", False), ("'é'", "é"), ("0x10", 16), ("null", None)],
)  # fmt: skip
def test_constants_have_their_values(text: str, value: object) -> None:
    """Constants of each type keep value and type, negative ones too."""
    node = parse(text)
    assert (node.kind, node.value, type(node.value)) == ("const", value, type(value))


@each_case(
    ("text", "offset"),
    [
        ("", 0),
        ("hate >", 6),
        ("hate > > 1", 7),
        ("a &&\n&& b", 5),
        ("'é😀' == ", 8),
        ("(a", 2),
        ("a" + " || a" * LONGEST, 0),
        ("(" * 200 + "a" + ")" * 200, 0),
        ("a" + " + 1" * 200, 0),
        ("a" + ".b" * 500, 0),
        ("[" * 100 + "]" * 100, 0),
        ("!" * 200 + "(" * 90 + "a" + ")" * 90, 0),
    ],
)
def test_wrong_deep_and_long_expressions_are_errors_in_their_place(text: str, offset: int) -> None:
    """Whatever is wrong, nested too deep or too long is a `CelError` with an offset, never a crash."""
    with pytest.raises(CelError) as caught:
        parse(text)
    assert caught.value.problems[0][0] == offset


@given(st.text(alphabet="ab.()[]{}<>=!&|+-*/%?:,'\"\\01 \n\té😀", max_size=30) | st.text(max_size=20))
def test_any_text_is_a_tree_or_an_error(text: str) -> None:
    """No text makes the parser raise anything else, and all offsets lie in the text."""
    try:
        offsets = [node.offset for node in parse(text).walk()]
    except CelError as error:
        offsets = [offset for offset, _ in error.problems]
    assert all(0 <= offset <= len(text) for offset in offsets)


@each_case(
    ("bound", "value"),
    [
        ({"a": 1.0, "b": 0.0}, True),
        ({"a": 0.0, "b": 0.0}, False),
        ({"a": 1.0}, True),
        ({"b": 1.0}, True),
        ({"a": 0.0}, None),
        ({}, None),
    ],
)
def test_an_unbound_name_is_unknown_unless_the_rest_decides(
    bound: dict[str, object], value: bool | None
) -> None:
    """What holds whatever the unknown is, holds; what depends on it is None."""
    assert check("a > 0.5 || b > 0.5", {"a": "double", "b": "double"}).run(bound) is value


@each_case(
    ("text", "offset", "part"),
    [
        ("a > 'x'", 2, "no matching overload"),
        ("a > 0.5 &&\n nope(a)", 16, "undeclared reference to 'nope'"),
        ("b > 0.5", 0, "undeclared reference to 'b'"),
    ],
)
def test_types_and_names_are_checked_with_their_place(text: str, offset: int, part: str) -> None:
    """Wrong types and undeclared names are errors at the place of the part."""
    with pytest.raises(CelError) as caught:
        check(text, {"a": "double"})
    assert caught.value.problems[0][0] == offset
    assert part in caught.value.problems[0][1]


def test_a_program_knows_its_type() -> None:
    """A program tells whether it is a truth value, and what else it is."""
    assert check("a > 0.5", {"a": "double"}).is_bool
    program = check("a", {"a": "double"})
    assert (program.is_bool, program.type_name) == (False, "double")


def test_an_environment_lives_as_long_as_one_of_its_expressions() -> None:
    """Expressions over the same names share it, in whichever order they are declared; there is none when the last one goes."""
    names = {"zqx.a": "double", "zqx.b": "int"}

    def alive() -> int:
        gc.collect()
        return sum(
            type(each) is CelEnvironment for each in gc.get_objects()
        )  # isinstance asks objects for a class

    before = alive()
    one = check("zqx.a > 0.5", names)
    two = check("zqx.b > 1", dict(reversed(names.items())))
    three = check("zqx.b > 1.0", {"zqx.b": "double"})
    assert alive() == before + 2
    assert (one.run({"zqx.a": 1.0}), two.run({"zqx.b": 1}), three.run({"zqx.b": 2.0})) == (True, False, True)

    del one, three
    assert alive() == before + 1
    del two
    assert alive() == before
