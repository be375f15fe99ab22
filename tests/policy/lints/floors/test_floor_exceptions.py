"""Exceptions beside the floor: told where what they take away is acted on all the same, and only there."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from guardrails.policy.lints.floors.floor_exceptions import find_undone_exceptions
from guardrails.policy.lints.floors.floor_pairs import FloorPair
from guardrails.policy.lints.issue import LintFinding
from tests.cases import each_case

Told = Callable[..., list[LintFinding]]


@pytest.fixture
def told(pair_of: Callable[..., FloorPair]) -> Told:
    """Return a function: a policy in, as for `pair_of`; what is told of its exceptions out."""
    return lambda *text, **options: [*find_undone_exceptions(pair_of(*text, **options))]


EXCEPTION = "exceptions:\n  - {{id: e, rules: [words], matches: [zqxbomb], reason: a product{}}}\n"


@each_case(
    ("more", "there", "told_of"),
    [
        ("", "", True),
        (", tenants: [acme]", "", True),
        (", on: input", "", True),
        (", expires: 2026-11-25", "", False),
        (", expires: 2026-11-26", "", True),
        (", tenants: [acme]", ", tenants: [acme, b]", False),
        (", tenants: [acme, c]", ", tenants: [acme, b]", True),
        ("", ", tenants: [acme]", True),
        (", on: input", ", on: [input, output]", False),
        (", on: [input, output]", ", on: input", True),
        ("", ", expires: 2026-11-25", True),
        ("", ", when: request.user.tier == 'staff'", True),
        (", when: request.user.tier == 'staff'", ", when: request.user.tier == 'staff'", False),
    ],
)
def test_an_exception_that_the_floor_does_not_make_is_told(
    more: str, there: str, told_of: bool, told: Told
) -> None:
    """The floor's own exceptions count for as far as they go; one that has expired is another check's."""
    same = EXCEPTION.format(there) if there else ""
    text = EXCEPTION.format(more).replace("id: e,", "id: mine,")
    found = told(text, more=same)
    assert [each.subject for each in found] == ["mine"] * told_of
    if told_of:
        assert "still blocks at custom.w > 0" in found[0].message
        assert ("has no effect for acme" in found[0].message) == ("acme" in more)
        assert found[0].mark.line == 6


def test_an_exception_is_of_use_where_the_policy_is_the_stricter_one(told: Told) -> None:
    """What it takes away there, the floor does not act on: a lower threshold, another action, a word of its own."""
    stricter = "override: {{rules: [{{id: hate, when: {}}}]}}\nexceptions: [{{id: e, rules: [hate], categories: [hate], reason: a novel}}]\n"
    assert told(stricter.format("hate >= 0.6")) == []
    assert [each.subject for each in told(stricter.format("hate >= 0.8"))] == ["e"]
    blocks = "override: {rules: [{id: mail, then: block}]}\nexceptions: [{id: e, rules: [mail], matches: [a@b.example], reason: ours}]\n"
    assert told(blocks) == []
    own = "override: {{detectors: {{words: {{terms: [zqxbomb, zqxbow]}}}}}}\nexceptions: [{{id: e, rules: [words], matches: [{}], reason: a product}}]\n"
    assert told(own.format("zqxbow")) == []
    assert [each.subject for each in told(own.format("zqxbomb"))] == ["e"]
    assert told(own.format("zqxbow, zqxbomb")) == []  # of one of the two something is left
