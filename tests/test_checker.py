"""Verdicts on contents of any form: who asks, and what a check goes on from."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import pytest

from guardrails.checker import Checker, escape_earlier_placeholders
from guardrails.engine.redaction.vault import Vault
from guardrails.guard import Guard
from guardrails.types import Action, Place, Stage

POLICY = """
detectors: {pii: {use: pii, entities: [email]}}
rules: [{id: r, on: [input, output], when: pii > 0, then: redact, with: vault}]
tests: [{input: "jo@example.com", expect: {action: redact}}]
"""


@pytest.fixture(scope="module")
def checker(guard_of: Callable[..., Guard]) -> Checker:
    """A checker that numbers addresses."""
    return Checker(guard_of(POLICY).policy)


def test_a_checker_judges_without_a_guard_around_it(checker: Checker) -> None:
    """A verdict names the policy, the stage and what is left to use."""
    verdict = checker.check("mail jo@example.com")
    assert (verdict.action, verdict.stage, verdict.content) == (Action.REDACT, Stage.INPUT, "mail [EMAIL_1]")
    assert verdict.policy == checker.policy.ref


def test_check_and_acheck_take_the_same_arguments() -> None:
    """One is the twin of the other."""
    sync, twin = inspect.signature(Checker.check), inspect.signature(Checker.acheck)
    assert sync.parameters == twin.parameters


def test_a_misspelt_option_is_an_error_that_names_it(checker: Checker) -> None:
    """At once, before anything is judged."""
    with pytest.raises(TypeError, match="tennant"):
        checker.check("x", tennant="acme")  # type: ignore[call-arg]


def test_only_a_model_can_name_what_was_handed_out(checker: Checker) -> None:
    """A placeholder that somebody else writes is written otherwise; a model's own stays."""
    vault = Vault()
    vault.number_for("pii.email", "jo@example.com", Place(Stage.INPUT))
    assert escape_earlier_placeholders("[EMAIL_1]", Stage.INPUT, vault) == "[EMAIL-1]"
    assert escape_earlier_placeholders("[EMAIL_1]", Stage.OUTPUT, vault) == "[EMAIL_1]"
    assert escape_earlier_placeholders("[EMAIL_1]", Stage.INPUT, None) == "[EMAIL_1]"
