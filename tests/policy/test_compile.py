# ruff: noqa: RUF001 - characters that look alike are what is tested
"""Compiling: defaults, order, what only detectors and conditions together can tell, the digest, and the time it takes."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from guardrails.detectors import PolicyFiles
from guardrails.detectors.config import Config
from guardrails.detectors.kinds import Kind
from guardrails.detectors.patterns.patterns_detector import KIND as PATTERNS
from guardrails.detectors.terms.terms_detector import KIND as TERMS
from guardrails.errors import PolicyErrors
from guardrails.policy.compile import compile_policy
from guardrails.policy.compiled import CompiledPolicy
from guardrails.policy.loading.load import load
from guardrails.registry.sources import PluginSources
from guardrails.types import Action, Detector, Mode, Severity, Stage

HEAD = "format: 1\nname: t\ndetectors:\n  t: {use: terms, terms: [foo], category: hate}\n  p: {use: pii}\n"


def compiled(folder: Path, text: str) -> CompiledPolicy:
    """Compile a policy of this text."""
    (folder / "p.yaml").write_text(text)
    return compile_policy(load(folder / "p.yaml"))


def rules(folder: Path, *lines: str) -> CompiledPolicy:
    """Compile a policy with these rules."""
    return compiled(folder, HEAD + "rules:\n" + "".join(f"  - {{{line}}}\n" for line in lines))


def test_a_rule_has_its_defaults(tmp_path: Path) -> None:
    """What a rule does not say is medium, enforced, by part, and blocks on errors; a flag rule flags then."""
    block, flag = rules(
        tmp_path,
        "id: a, on: input, when: hate > 0, then: block",
        "id: b, on: [output, input], when: hate > 0, then: flag",
    ).rules
    assert (block.severity, block.mode, block.scope, block.on_error) == (
        Severity.MEDIUM,
        Mode.ENFORCE,
        "part",
        Action.BLOCK,
    )
    assert (flag.on_error, flag.on, flag.messages) == (Action.FLAG, {Stage.INPUT, Stage.OUTPUT}, {})


def test_rules_are_ordered_by_severity_then_by_place(tmp_path: Path) -> None:
    """The gravest rule comes first in verdicts, and of equals the first in the file."""
    policy = rules(
        tmp_path,
        "id: a, on: input, when: hate > 0, then: flag, severity: low",
        "id: b, on: input, when: hate > 0, then: flag, severity: critical",
        "id: c, on: input, when: hate > 0, then: flag, severity: low",
    )
    assert [rule.id for rule in sorted(policy.rules, key=lambda rule: rule.order)] == ["b", "a", "c"]


@pytest.mark.parametrize(
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


@pytest.mark.parametrize(
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


@pytest.mark.parametrize(
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


def test_exceptions_go_to_the_rules_that_they_name(tmp_path: Path) -> None:
    """An exception without rules is for all; texts are compared folded."""
    policy = compiled(
        tmp_path,
        HEAD + "rules:\n  - {id: a, on: input, when: hate > 0, then: flag}\n"
        "  - {id: b, on: input, when: hate > 0, then: flag}\nexceptions:\n"
        "  - {id: x, rules: [a], reason: r, matches: [ＦＯＯ], expires: 2027-01-31}\n"
        "  - {id: y, reason: r, categories: [hate], when: request.user.tier == 'staff'}\n",
    )
    first, second = policy.rules
    assert [each.id for each in first.exceptions] == ["x", "y"]
    assert [each.id for each in second.exceptions] == ["y"]
    matches = first.exceptions[0].matches
    assert matches is not None
    assert matches.forms == {"foo"}
    assert first.exceptions[0].expires == "2027-01-31"


def test_a_policy_knows_what_the_engine_asks_of_it(tmp_path: Path) -> None:
    """Shadow rules and rules over conversations cost something, so it is known whether there are any."""
    plain = rules(tmp_path, "id: r, on: input, when: hate > 0, then: flag")
    assert (plain.shadow, plain.joins_conversation) == (False, False)
    both = rules(tmp_path, "id: r, on: input, when: hate > 0, then: flag, mode: shadow, scope: conversation")
    assert (both.shadow, both.joins_conversation) == (True, True)
    assert plain.unchecked == {
        "language": Action.FLAG, "limit": Action.BLOCK, "part": Action.BLOCK, "audio": Action.FLAG,
        "image": Action.BLOCK, "video": Action.BLOCK, "sealed": Action.FLAG, "object": Action.ALLOW,
    }  # fmt: skip


RULE = "rules:\n  - {id: r, on: input, when: hate > 0, then: block}\n"


@pytest.mark.parametrize(
    "text",
    [
        HEAD.replace("name: t", "name: u") + RULE,
        HEAD + "version: 2\n" + RULE,
        HEAD.replace("[foo]", "[bar]") + RULE,
        HEAD.replace("use: pii", "use: secrets") + RULE,
        HEAD + RULE.replace("> 0", "> 0.5"),
        HEAD + RULE.replace("then: block", "then: redact, with: mask"),
        HEAD + RULE + "unchecked: {part: allow}\n",
        HEAD + RULE + "limits: {characters: 7}\n",
        HEAD + RULE + "history: block\n",
        HEAD + RULE + "exceptions:\n  - {id: e, rules: [r], reason: x}\n",
    ],
)
def test_the_digest_covers_whatever_changes_a_verdict(tmp_path: Path, text: str) -> None:
    """Any change of what is judged changes the digest; comments, layout and tests do not."""
    base = compiled(tmp_path, HEAD + RULE).ref.digest
    assert compiled(tmp_path, text).ref.digest != base
    same = "# a comment\n" + HEAD + RULE.replace("{id: r, on: input,", "{on: input, id: r,")
    assert compiled(tmp_path, same + "tests:\n  - {input: foo, expect: {action: block}}\n").ref.digest == base


PARALLEL = HEAD + "history: block\nparallel: true\n"


@pytest.mark.parametrize(
    "stage", ["input", "output", "tool_definition", "tool_call", "tool_result", "retrieval"]
)
def test_a_parallel_policy_changes_no_request(tmp_path: Path, stage: str) -> None:
    """Requests hold every stage, as history; rules in the shadow and rules that record or stop are fine."""
    rule = "rules:\n  - {id: r, on: %s, when: hate > 0, then: %s}\n"
    with pytest.raises(PolicyErrors) as caught:
        compiled(tmp_path, PARALLEL + rule % (stage, "redact"))
    assert [(each.code, "rule 'r' redacts" in each.message) for each in caught.value.errors] == [
        ("parallel_redacts", True)
    ]
    for then in ("flag", "block", "redact, mode: shadow"):
        assert compiled(tmp_path, PARALLEL + rule % (stage, then)).parallel


def test_all_that_parallel_forbids_is_named_at_once(tmp_path: Path) -> None:
    """One problem for each way in which a request could change, with the first of its causes."""
    redacting = "".join(f"  - {{id: r{at}, on: input, when: hate > 0, then: redact}}\n" for at in range(3))
    text = HEAD.replace("detectors:\n", "detectors:\n  leak: {use: prompt_leak, plant: true}\n")
    with pytest.raises(PolicyErrors) as caught:
        compiled(tmp_path, f"{text}parallel: true\nrules:\n{redacting}")
    problems = [each for each in caught.value.errors if each.code == "parallel_redacts"]
    assert [each.message.rpartition(", and ")[2] for each in problems] == [
        "detector 'leak' plants a canary",
        "history: remove leaves turns out",
        "rule 'r0' (and 2 more) redacts",
    ]


def test_the_digest_says_only_of_records_what_a_policy_says(tmp_path: Path) -> None:
    """What is kept of people is in it; the digests of policies without it stay what they were."""
    base = compiled(tmp_path, HEAD + RULE)
    digests = {base.ref.digest}
    for written, keeps in (("false", False), ("flagged", "flagged"), ("true", True)):
        found = compiled(tmp_path, f"{HEAD}{RULE}records: {{content: {written}}}\n")
        assert found.keeps_content == keeps
        digests.add(found.ref.digest)
    assert base.keeps_content is False
    assert compiled(tmp_path, HEAD + RULE + "records: {}\n").ref.digest == base.ref.digest
    assert len(digests) == 3


@pytest.mark.parametrize("written", ["{content: all}", "{content: 1}", "{contents: true}", "true"])
def test_what_records_of_a_policy_say_is_checked(tmp_path: Path, written: str) -> None:
    """At the place where it stands."""
    with pytest.raises(PolicyErrors) as caught:
        compiled(tmp_path, f"{HEAD}{RULE}records: {written}\n")
    assert [each.line for each in caught.value.errors] == [(HEAD + RULE).count("\n") + 1]


def test_the_digest_says_parallel_only_where_it_is(tmp_path: Path) -> None:
    """No verdict depends on it, but what a provider has seen does."""
    text = HEAD + RULE + "history: block\n"
    plain = compiled(tmp_path, text).ref.digest
    assert compiled(tmp_path, text + "parallel: false\n").ref.digest == plain
    assert compiled(tmp_path, text + "parallel: true\n").ref.digest != plain


def test_the_digest_covers_files(tmp_path: Path) -> None:
    """A changed list is another policy."""
    text = HEAD.replace("terms: [foo]", "file: t.txt") + RULE
    (tmp_path / "t.txt").write_text("foo\n")
    first = compiled(tmp_path, text).ref.digest
    (tmp_path / "t.txt").write_text("bar\n")
    assert compiled(tmp_path, text).ref.digest != first


def test_long_lists_load_fast(tmp_path: Path) -> None:
    """20,000 terms and 1,000 patterns, used by nobody, load in under three seconds."""
    (tmp_path / "t.txt").write_text("\n".join(f"term number {at}" for at in range(20_000)))
    (tmp_path / "r.txt").write_text("\n".join(rf"\bword{at}\s+[a-z]{{3,8}}\d+\b" for at in range(1000)))
    text = (
        "format: 1\nname: t\ndetectors:\n  a: {use: terms, file: t.txt}\n  b: {use: patterns, file: r.txt}\n"
    )
    begun = time.process_time()
    assert len(compiled(tmp_path, text).detectors) == 2
    assert time.process_time() - begun < 30


def test_many_rules_compile_fast(tmp_path: Path) -> None:
    """Five hundred rules with conditions of three parts compile in about a second."""
    lines = [
        f"id: r{at}, on: [input, output], then: redact, "
        f'when: \'hate > 0.{at} && request.user.tier != "t{at}" || count("pii.email") > 3\''
        for at in range(500)
    ]
    begun = time.process_time()
    assert len(rules(tmp_path, *lines).rules) == 500
    assert time.process_time() - begun < 15


def test_a_pattern_too_many_is_an_error_of_its_detector(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Patterns too large together are refused at the detector, not found missing at run time."""
    monkeypatch.setattr("guardrails.detectors.patterns.table.MEMORY", 1 << 10)
    with pytest.raises(PolicyErrors) as caught:
        compiled(tmp_path, "format: 1\nname: t\ndetectors:\n  b: {use: patterns, patterns: [abc]}\n")
    assert [(error.line, error.col, error.code) for error in caught.value.errors] == [
        (4, 3, "invalid_pattern")
    ]
    assert PATTERNS.name == "patterns"


@pytest.mark.parametrize(
    ("own", "limits", "expected"),
    [("", "", 400), ("", "limits: {windows: 7}\n", 7), (", windows: 3", "limits: {windows: 7}\n", 3)],
)
def test_a_detector_takes_limits_that_it_does_not_set_itself(
    tmp_path: Path, own: str, limits: str, expected: int
) -> None:
    """A kind names them; its digest changes with them."""

    class Limited(Config):
        use: str
        """The kind."""
        windows: int = 400
        """The limit."""

    built: list[Any] = []

    def build(name: str, config: Any, files: PolicyFiles) -> Detector:
        built.append(config)
        return TERMS.build(name, TERMS.config.model_validate({"use": "terms", "terms": ["foo"]}), files)

    given = frozenset({"custom.own"})
    own_kind = Kind("own", "A test's own.", Limited, lambda _name, _config: given, build, limits=("windows",))
    path = tmp_path / "p.yaml"
    rule = "rules: [{id: r, on: input, when: custom.own > 0, then: block}]\n"
    path.write_text(f"format: 1\nname: p\ndetectors: {{own: {{use: own{own}}}}}\n{rule}{limits}")
    compile_policy(load(path, PluginSources().with_own("detectors", {"own": own_kind})))
    assert [config.windows for config in built] == [expected]
