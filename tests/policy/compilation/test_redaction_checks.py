"""What a rule replaces, with what, and what it cannot replace."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from guardrails.detectors.terms.terms_detector import KIND as TERMS
from guardrails.errors import PolicyErrors
from guardrails.policy.compile import compile_policy
from guardrails.policy.loading.load import load
from guardrails.registry.sources import PluginSources
from tests.cases import each_case
from tests.policy.compile_kit import rules


@each_case(
    ("line", "redact", "alone", "replacement"),
    [
        ("when: hate > 0, then: redact", {"hate"}, True, "placeholder"),
        ("when: hate > 0 || pii.email > 0, then: redact, with: mask", {"hate", "pii.email"}, True, "mask"),
        (
            "when: hate > 0 && pii > 0, then: redact, redact: [pii], with: {text: mask}",
            {"pii"},
            False,
            "mask",
        ),
        ("when: hate > 0.2 && hate < 0.4, then: redact, with: {}", {"hate"}, True, "placeholder"),
        ("when: hate > 0 && request.tenant == 'x', then: redact", {"hate"}, True, "placeholder"),
        ("when: hate > 0, then: block", set(), True, "placeholder"),
    ],
)
def test_what_a_redaction_replaces(
    tmp_path: Path, line: str, redact: set[str], alone: bool, replacement: str
) -> None:
    """The categories of `redact:`, or those of the condition where a finding of any score can hold it alone."""
    (rule,) = rules(tmp_path, f"id: r, on: input, {line}").rules
    assert (rule.redact, rule.alone, rule.replacement.name) == (redact, alone, replacement)


REDACT = "id: r, on: input, when: hate > 0, then: redact, with: "


@each_case(
    ("given", "replacement", "locale"),
    [
        ("hash", "hash", "en_US"),
        ("vault", "vault", "en_US"),
        ("fake", "fake", "en_US"),
        ("{text: fake}", "fake", "en_US"),
        ("{text: fake, locale: de_DE}", "fake", "de_DE"),
    ],
)
def test_a_redaction_has_a_name_and_a_locale(
    tmp_path: Path, given: str, replacement: str, locale: str
) -> None:
    """The language of what is made up is English unless a rule says another."""
    (rule,) = rules(tmp_path, REDACT + given).rules
    assert (rule.replacement.name, rule.locale) == (replacement, locale)


@each_case(
    ("given", "col", "code", "words"),
    [
        ("{text: fake, locale: de_D}", 81, "unknown_locale", "did you mean 'de_DE'"),
        ("{text: hash, locale: de_DE}", 81, "unused_field", "write text: fake"),
        ("{locale: de_DE}", 69, "unused_field", "not text: placeholder"),
        ("{text: fake, locale: 5}", 81, "wrong_type", ""),
    ],
)
def test_a_locale_that_cannot_be_is_an_error_at_its_place(
    tmp_path: Path, given: str, col: int, code: str, words: str
) -> None:
    """One that Faker does not have, or one that nothing needs."""
    with pytest.raises(PolicyErrors) as caught:
        rules(tmp_path, REDACT + given)
    [error] = caught.value.errors
    assert (error.line, error.col, error.code) == (7, col, code)
    assert words in str(error)


def test_without_faker_a_fake_is_an_error_with_its_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the rule's `with:`; the other redactions need nothing."""
    monkeypatch.setitem(sys.modules, "faker", None)
    with pytest.raises(PolicyErrors) as caught:
        rules(tmp_path, REDACT + "hash", REDACT.replace("id: r", "id: s") + "fake")
    [error] = caught.value.errors
    assert (error.line, error.col, error.code) == (8, 60, "missing_extra")
    assert "pip install 'guardrails-middleware[fake]'" in str(error)


def test_a_redaction_needs_spans(tmp_path: Path) -> None:
    """A detector that does not say where it found something cannot be redacted."""

    class BlindConfig(TERMS.config):  # type: ignore[name-defined,misc] # a class that a value names
        """Blind."""

        use: str

    blind = {"blind": replace(TERMS, name="blind", config=BlindConfig, spans=False)}
    text = "format: 1\nname: t\ndetectors:\n  b: {use: blind, terms: [a], category: hate}\nrules:\n"
    (tmp_path / "p.yaml").write_text(text + "  - {id: r, on: input, when: hate > 0, then: redact}\n")
    with pytest.raises(PolicyErrors) as caught:
        compile_policy(load(tmp_path / "p.yaml", PluginSources().with_own("detectors", blind)))
    assert [(error.line, error.col, error.code) for error in caught.value.errors] == [
        (6, 30, "redact_without_spans")
    ]
