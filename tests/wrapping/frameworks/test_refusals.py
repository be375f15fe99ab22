"""Objects of frameworks that cannot be guarded as a whole."""

from __future__ import annotations

import pytest

from guardrails.testing import FakeGuard
from guardrails.wrapping.frameworks.refusals import CURES
from guardrails.wrapping.registry import REFUSED
from tests.cases import each_case


def test_each_class_that_is_refused_has_a_cure() -> None:
    """And each cure is for one."""
    assert sorted(CURES) == sorted(REFUSED)


@each_case("name", REFUSED)
def test_a_refusal_says_what_to_wrap(name: str) -> None:
    """Of an object of the class, or of one below."""
    package, _, kind = name.partition(".")
    above = type(kind, (), {"__module__": f"{package}.inner", "__call__": print})
    below = type("Mine", (above,), {"__module__": "application"})
    with pytest.raises(TypeError) as refused:
        FakeGuard().wrap(below())
    assert str(refused.value) == f"cannot wrap a Mine: {CURES[name]}"
