"""One rule over a record: known, or between what it lies."""

from __future__ import annotations

from guardrails.authoring.replay.logged_detection import LoggedDetection
from guardrails.authoring.replay.rule_replay import SILENT, make_rules
from guardrails.types import Action
from tests.authoring.replay.replay_kit import check_recorded, load_guard, make_policy
from tests.cases import each_case

RULE = {"id": "mixed", "on": "input", "when": "custom.mixed > 0", "then": "flag"}


@each_case(
    ("when", "least", "most", "why"),
    [
        ("custom.mixed > 0.3", Action.BLOCK, Action.BLOCK, set()),
        ("custom.mixed > 0.5", SILENT, SILENT, set()),
        ("custom.code > 0", SILENT, Action.BLOCK, {"detector"}),
        ('request.user.tier == "x" && custom.mixed > 0.3', SILENT, Action.BLOCK, {"context"}),
        ('request.user.tier == "x" && custom.mixed > 0.5', SILENT, SILENT, set()),
        ("content.length == 5 && custom.mixed > 0.3", Action.BLOCK, Action.BLOCK, set()),
    ],
)
def test_a_rule_is_known_or_says_why_not(when: str, least: int, most: int, why: set[str]) -> None:
    """What is false whatever the unknown is, is known."""
    record = check_recorded(load_guard(make_policy([RULE])), "lowly")[1]
    policy = load_guard(make_policy([{**RULE, "when": when, "then": "block"}])).policy
    (rule,) = make_rules([policy])
    answer = rule.answer(LoggedDetection(record))
    assert (answer.least, answer.most, {*answer.why}) == (least, most, why)
