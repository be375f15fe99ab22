"""Conditions are taken apart as CEL reads them."""

from __future__ import annotations

from guardrails.authoring.explain.conditions.condition_shapes import BoundComparison, TermShape, parse_shape
from guardrails.policy.names import ConditionNames
from tests.cases import each_case

NAMES = ConditionNames({"one": frozenset({"hate", "toxic", "pii.email"})})


def outline(shape: TermShape) -> object:
    """Return a shape as its terms' texts, joined as it says."""
    return (shape.kind, *map(outline, shape.parts)) if shape.parts else shape.text


def of(text: str) -> TermShape:
    """Take a condition apart."""
    return parse_shape(text, NAMES)


@each_case(
    ("text", "expected"),
    [
        ("hate > 0.5", "hate > 0.5"),
        ("((hate > 0.5))", "hate > 0.5"),
        ("hate > 0.5 && toxic > 0.1", ("and", "hate > 0.5", "toxic > 0.1")),
        (
            "hate > 0 && toxic > 0 && pii > 0 && hate < 1",
            ("and", "hate > 0", "toxic > 0", "pii > 0", "hate < 1"),
        ),
        ("hate > 0 || toxic > 0 && pii > 0", ("or", "hate > 0", ("and", "toxic > 0", "pii > 0"))),
        ("(hate > 0 || toxic > 0) && (pii > 0)", ("and", ("or", "hate > 0", "toxic > 0"), "pii > 0")),
        ("(hate > 0) || (toxic > 0)", ("or", "hate > 0", "toxic > 0")),
        ("!(hate > 0 && toxic > 0)", ("not", ("and", "hate > 0", "toxic > 0"))),
        ("!!!(hate > 0)", ("not", "hate > 0")),
        ("!!(hate > 0)", "!!(hate > 0)"),
        ("!request.user.vip && hate > 0", ("and", ("not", "request.user.vip"), "hate > 0")),
        ("hate > 0 ? toxic > 0 : pii > 0", ("if", "hate > 0", "toxic > 0", "pii > 0")),
        (
            "hate > 0 ? toxic > 0 : pii > 0 ? hate > 0.5 : hate > 0.6",
            ("if", "hate > 0", "toxic > 0", ("if", "pii > 0", "hate > 0.5", "hate > 0.6")),
        ),
        (
            'request.tenant == "a && b" && request.tenant != \'x ? ")" : y\'',
            ("and", 'request.tenant == "a && b"', "request.tenant != 'x ? \")\" : y'"),
        ),
        (
            'request.tenant == ":" ? request.model == """a":b""" : hate > 0',
            ("if", 'request.tenant == ":"', 'request.model == """a":b"""', "hate > 0"),
        ),
        ("hate > 0 // or (\n && toxic > 0", ("and", "hate > 0", "toxic > 0")),
        (
            'message.role in ["user", "tool"] && (hate > 0 ? 0.2 : 0.4) < toxic',
            ("and", 'message.role in ["user", "tool"]', "(hate > 0 ? 0.2 : 0.4) < toxic"),
        ),
        (
            '["a"].exists(x, x == request.tenant && hate > 0) || toxic > 0',
            ("or", '["a"].exists(x, x == request.tenant && hate > 0)', "toxic > 0"),
        ),
        ("hate > 0\r\n  &&\r\n\ttoxic > 0", ("and", "hate > 0", "toxic > 0")),
        ('request.tenant == "ünï && 😀" || hate > 0', ("or", 'request.tenant == "ünï && 😀"', "hate > 0")),
    ],
)
def test_terms_are_what_is_joined(text: str, expected: object) -> None:
    """Brackets, quotes, comments, chains and line ends of any kind: each term is what CEL takes for one."""
    assert outline(of(text)) == expected


@each_case(
    ("text", "expected"),
    [
        ("hate >= 0.85", BoundComparison("hate", ">=", 0.85, True, False)),
        ("0.85 <= hate", BoundComparison("hate", ">=", 0.85, True, False)),
        ("hate > 0", BoundComparison("hate", ">", 0.0, True, False)),
        ("detector.one.hate < 0.5", BoundComparison("detector.one.hate", "<", 0.5, True, False)),
        ('count("pii.email") >= 2', BoundComparison('count("pii.email")', ">=", 2.0, False, True)),
        ('2 == count("pii.email")', BoundComparison('count("pii.email")', "==", 2.0, False, True)),
        ("content.length <= 1500", BoundComparison("content.length", "<=", 1500.0, False, False)),
        ('request.tenant == "a"', None),
        ("hate > toxic", None),
        ("hate + toxic > 0.5", None),
        ("request.user.vip", None),
        ("request.user.vip == true", None),
    ],
)
def test_a_comparison_of_a_name_with_a_number_is_known(text: str, expected: BoundComparison | None) -> None:
    """Whichever side the number stands on; all else is no such comparison."""
    assert of(text).compared == expected


@each_case(
    ("text", "keys"),
    [
        ('request.metadata.plan == "free"', ("request.metadata.plan",)),
        ("request.metadata.a.b == 1", ("request.metadata.a.b",)),
        ('request.metadata["a"] == 1', ()),
        ("hate > 0", ()),
    ],
)
def test_what_is_read_of_a_map_is_known(text: str, keys: tuple[str, ...]) -> None:
    """The longest chain of names below a map of the context."""
    assert of(text).keys == keys
