# ruff: noqa: RUF001 - characters that look alike are what is tested
"""Compiling: defaults, order, what only detectors and conditions together can tell, the digest, and the time it takes."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from guardrails.errors import PolicyErrors
from guardrails.types import Action, Mode, Severity, Stage
from tests.cases import each_case
from tests.policy.compile_kit import HEAD, RULE, compiled, rules


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
        "latent": Action.BLOCK,
    }  # fmt: skip


PARALLEL = HEAD + "history: block\nparallel: true\n"


@each_case("stage", ["input", "output", "tool_definition", "tool_call", "tool_result", "retrieval"])
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


@each_case("written", ["{content: all}", "{content: 1}", "{contents: true}", "true"])
def test_what_records_of_a_policy_say_is_checked(tmp_path: Path, written: str) -> None:
    """At the place where it stands."""
    with pytest.raises(PolicyErrors) as caught:
        compiled(tmp_path, f"{HEAD}{RULE}records: {written}\n")
    assert [each.line for each in caught.value.errors] == [(HEAD + RULE).count("\n") + 1]


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
