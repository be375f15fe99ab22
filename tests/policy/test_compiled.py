"""What is ready to run: messages by language, plans by stage, and one finding alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from guardrails.policy.compile import compile_policy
from guardrails.policy.compiled import CompiledPolicy, bind_single_finding
from guardrails.policy.loading.load import load
from guardrails.types import Action, Mode, Severity, Stage
from tests.cases import each_case

TEXT = """\
format: 1
name: t
detectors:
  h: {use: terms, terms: [foo], category: hate}
  p: {use: pii, entities: [email]}
  unused: {use: terms, terms: [bar], category: custom.unused}
rules:
  - id: low
    on: [input, output]
    when: hate > 0.5 || count("pii.email") >= 2
    then: block
    severity: low
    message: {de: Nein., en: "No.", pt: Não.}
  - {id: shadow, on: input, when: detector.p.pii > 0, then: flag, mode: shadow, tags: [x]}
  - {id: always, on: output, when: "hate < 0.5", then: flag, message: Hm.}
  - {id: mask, on: tool_result, when: pii > 0, then: redact, with: mask}
"""


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> CompiledPolicy:
    """Return the policy above, compiled."""
    path: Path = tmp_path_factory.mktemp("policy") / "p.yaml"
    path.write_text(TEXT)
    return compile_policy(load(path))


@each_case(
    ("rule", "languages", "message"),
    [
        (0, ["de"], "Nein."), (0, ["de-AT"], "Nein."), (0, ["en"], "No."), (0, ["fr"], "No."), (0, [], "No."), (0, [""], "No."),
        (0, ["fr", "de", "en"], "Nein."), (0, ["en", "de"], "No."), (2, ["de"], "Hm."), (1, ["de"], None),
    ],
)  # fmt: skip
def test_messages_come_in_the_first_language_that_they_have(
    policy: CompiledPolicy, rule: int, languages: list[str], message: str | None
) -> None:
    """Of those that are asked for, else English, else what there is; None without a message."""
    assert policy.rules[rule].message(languages) == message


def test_no_language_is_looked_for_that_is_not_needed(policy: CompiledPolicy) -> None:
    """None behind the one that is found, and none at all where there is one text."""
    languages = iter(["de", "fr"])
    assert policy.rules[0].message(languages) == "Nein."
    assert policy.rules[2].message(languages) == "Hm."
    assert next(languages) == "fr"


def test_a_fired_rule_carries_what_a_verdict_shows(policy: CompiledPolicy) -> None:
    """Id, action, severity, tags and mode come from the rule."""
    fired = policy.rules[1].fired(Action.FLAG, "matched")
    assert (fired.id, fired.severity, fired.tags, fired.mode) == (
        "shadow",
        Severity.MEDIUM,
        ("x",),
        Mode.SHADOW,
    )


@each_case(
    ("stages", "detectors", "always", "rules"),
    [
        ((Stage.INPUT,), {"h", "p"}, [], ["low", "shadow"]),
        ((Stage.OUTPUT,), {"h", "p"}, ["always"], ["low", "always"]),
        ((Stage.OUTPUT, Stage.INPUT), {"h", "p"}, ["always"], ["low", "shadow", "always"]),
        ((Stage.TOOL_RESULT,), {"p"}, [], ["mask"]),
        ((Stage.RETRIEVAL,), set(), [], []),
    ],
)
def test_a_plan_needs_only_what_its_rules_name(
    policy: CompiledPolicy,
    stages: tuple[Stage, ...],
    detectors: set[str],
    always: list[str],
    rules: list[str],
) -> None:
    """At a stage run the detectors whose categories its rules name; a detector that nobody names never runs."""
    plan = policy.plan(stages)
    assert {bound.name for tier in plan.tiers for bound in tier} == detectors
    assert [rule.id for rule in plan.always] == always
    assert [rule.id for rule in plan.rules] == rules
    assert policy.plan(stages) is plan


def test_what_is_joined_of_messages_needs_what_rules_on_conversations_name(tmp_path: Path) -> None:
    """No other rule looks at it, so that no other detector is asked."""
    path = tmp_path / "p.yaml"
    path.write_text(
        TEXT.replace("on: input, when: detector", "scope: conversation, on: input, when: detector")
    )
    found = compile_policy(load(path))
    part, whole = (found.plan((Stage.INPUT,), across=across) for across in (False, True))
    assert [rule.id for rule in part.rules] == ["low", "shadow"]
    assert [rule.id for rule in whole.rules] == ["shadow"]
    assert [bound.name for tier in whole.tiers for bound in tier] == ["p"]


def test_rules_are_found_by_what_they_name(policy: CompiledPolicy) -> None:
    """The index has every rule under each category of its condition."""
    index = policy.plan((Stage.INPUT,)).by_category
    assert {name: [rule.id for rule in rules] for name, rules in index.items()} == {
        "hate": ["low"], "pii.email": ["low"], "pii": ["shadow"],
    }  # fmt: skip


@each_case(
    ("category", "score", "detector", "truth"),
    [
        ("hate", 0.6, "h", True),
        ("hate.threatening", 0.6, "h", True),
        ("hate", 0.4, "h", False),
        ("pii.email", 1.0, "p", False),
        ("toxic", 1.0, "h", False),
    ],
)
def test_one_finding_alone(
    policy: CompiledPolicy, category: str, score: float, detector: str, truth: bool
) -> None:
    """A finding alone counts once, with its score, for its category and those above."""
    condition = policy.rules[0].condition
    assert condition.evaluate(bind_single_finding(condition, category, score, detector)) is truth


@each_case(("detector", "truth"), [("p", True), ("h", False), ("", True)])
def test_one_finding_of_one_detector(policy: CompiledPolicy, detector: str, truth: bool) -> None:
    """A condition over one detector sees that one's findings alone; "" stands for any."""
    condition = policy.rules[1].condition
    assert condition.evaluate(bind_single_finding(condition, "pii.email", 1.0, detector)) is truth
