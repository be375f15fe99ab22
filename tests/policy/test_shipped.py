"""The shipped policies: found by name, and free of problems."""

from __future__ import annotations

import pytest

from guardrails.policy.compile import compile_policy
from guardrails.policy.load import load
from guardrails.policy.shipped import shipped_folder, shipped_names


def test_names_are_the_files_of_the_folder() -> None:
    """Every YAML file of the folder is a shipped policy, `default` among them, in order."""
    assert "default" in shipped_names()
    assert list(shipped_names()) == sorted(path.stem for path in shipped_folder().glob("*.yaml"))


@pytest.mark.parametrize("name", shipped_names())
def test_each_shipped_policy_compiles_under_its_own_name(name: str) -> None:
    """A shipped policy loads by its name, has rules and tests, and each rule says what it is for."""
    policy = load(name)
    assert (policy.name, policy.problems.errors) == (name, [])
    compiled = compile_policy(policy)
    assert compiled.rules
    assert compiled.tests
    assert [
        rule.item.data["id"] for rule in policy.rules if rule.doc is None or not rule.doc.description
    ] == []
