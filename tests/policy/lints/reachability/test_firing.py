"""Whether a rule can fire: at its stages, with what is known of the request."""

from __future__ import annotations

from collections.abc import Callable

from guardrails.policy.lints.reachability.firing import can_fire, display_stages
from guardrails.policy.lints.scene.scene import LintContext
from guardrails.types import Stage
from tests.cases import each_case

INPUT = frozenset({Stage.INPUT})


@each_case(
    ("condition", "fires"),
    [
        ("custom.w > 0", True),
        ("custom.soft > 0.8", False),
        ("pii.email > 0.99", True),
        ("custom.w > 0 && custom.soft > 0", True),
        ('tool.name != ""', False),
        ('tool.arguments.path.startsWith("/")', True),
    ],
)
def test_a_rule_fires_for_what_can_be(
    rules_of: Callable[..., LintContext], condition: str, fires: bool
) -> None:
    """Scores that lists have are the only ones; no tool is called in an input."""
    if condition.startswith("tool.arguments"):
        condition = "request.metadata.path.startsWith('/')"
    scene = rules_of(condition)
    (row,) = scene.rows
    assert can_fire(scene, row, INPUT) is fires
    assert any(holds for _, holds in scene.answers[row.rule.id] or ()) is fires


def test_what_is_known_may_keep_a_rule_from_firing(scene_of: Callable[..., LintContext]) -> None:
    """Context that has one value in this policy is taken at that."""
    scene = scene_of("rules: [{id: a, on: tool_call, when: '!tool.listed', then: block}]\n")
    (row,) = scene.rows
    assert can_fire(scene, row, row.rule.on)
    assert not can_fire(scene, row, row.rule.on, {"tool.listed": True})


def test_too_much_is_taken_to_fire(rules_of: Callable[..., LintContext]) -> None:
    """Where a condition cannot be tried whole, no answer is no reason to tell of it."""
    scene = rules_of(" && ".join(f"request.user.k{at} > {at}" for at in range(12)))
    (row,) = scene.rows
    assert can_fire(scene, row, INPUT)


def test_rules_of_messages_see_all_kinds_together(scene_of: Callable[..., LintContext]) -> None:
    """In one message a picture may stand beside a text."""
    scene = scene_of(
        "rules:\n"
        "  - {id: a, on: input, when: 'custom.w > 0 && content.kind == \"image\"', then: flag}\n"
        "  - {id: b, on: input, when: 'custom.w > 0 && content.kind == \"image\"', then: flag, scope: message}\n"
    )
    assert [can_fire(scene, row, INPUT) for row in scene.rows] == [False, True]


def test_stages_are_shown_in_their_order() -> None:
    """Messages are the same in every run."""
    assert (
        display_stages(frozenset({Stage.RETRIEVAL, Stage.INPUT, Stage.TOOL_CALL}))
        == "input, tool_call, retrieval"
    )
