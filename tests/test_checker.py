"""Verdicts on contents of any form: who asks, and what a check goes on from."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import pytest

from guardrails.checker import Checker, build_request, escape_earlier_placeholders, vault_of
from guardrails.engine.redaction.vault import Vault
from guardrails.guard import Guard
from guardrails.types import Action, Place, Returned, Stage

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


def test_a_request_goes_on_from_the_verdict_before_it(checker: Checker) -> None:
    """What was handed out and what tools returned come along; what the caller says himself comes first."""
    before = checker.check("mail jo@example.com")
    who = dict.fromkeys(("user", "tenant", "client", "metadata", "model"))
    content = checker.read("x", Stage.OUTPUT, before, "", "", "")
    request = build_request(content, **who, after=before)
    assert request.vault is vault_of(before)
    assert request.vault is not None
    heard = (Returned((("t", ""),), "x"),)
    assert build_request(content, **who, after=before, heard=heard).heard == heard
    assert build_request(content, **who, after=None).vault is None


def test_only_a_model_can_name_what_was_handed_out(checker: Checker) -> None:
    """A placeholder that somebody else writes is written otherwise; a model's own stays."""
    vault = Vault()
    vault.number_for("pii.email", "jo@example.com", Place(Stage.INPUT))
    assert escape_earlier_placeholders("[EMAIL_1]", Stage.INPUT, vault) == "[EMAIL-1]"
    assert escape_earlier_placeholders("[EMAIL_1]", Stage.OUTPUT, vault) == "[EMAIL_1]"
    assert vault_of(None) is None
