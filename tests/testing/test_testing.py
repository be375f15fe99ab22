"""What `from guardrails.testing import …` offers, and how little it brings along."""

from __future__ import annotations

import sys
from importlib import import_module

import pytest

from guardrails import testing
from tests.cases import each_case
from tests.test_imports import HEAVY, loaded_by


@each_case("name", testing.__all__)
def test_each_name_is_what_its_module_has(name: str) -> None:
    """It resolves at first use, to the very object."""
    module = import_module(f"guardrails.testing.{testing._PUBLIC[name]}")
    assert getattr(testing, name) is getattr(module, name)
    assert testing.__all__ == sorted(testing._PUBLIC)
    assert name in dir(testing)


def test_other_names_are_attribute_errors() -> None:
    """As for any module."""
    with pytest.raises(AttributeError, match="no attribute 'FakeGuards'"):
        testing.FakeGuards  # noqa: B018 - asking is the test


def test_importing_it_is_light() -> None:
    """Pytest imports the fixtures in every run of whoever has the package: they bring nothing that pytest has not."""
    for statement in (
        "import guardrails.testing",
        "import pytest\nbefore |= set(sys.modules)\nimport guardrails.testing.fixtures",
    ):
        loaded = loaded_by(statement)
        assert loaded.isdisjoint({*HEAVY} - {"asyncio"}), statement
        assert loaded - sys.stdlib_module_names <= {"guardrails"}, statement
