"""Scenes: rules are there as written and as they run, with what they are tried with."""

from __future__ import annotations

from collections.abc import Callable

from guardrails.policy.lints.scene.scene import LintContext, fixed_context
from guardrails.types import Stage


def test_a_row_tells_of_its_fields(scene_of: Callable[..., LintContext]) -> None:
    """What is found at a field stands there, what is found at one that is left out at the id, and so in a condition."""
    (row,) = scene_of(
        "rules:\n  - id: a\n    on: input\n    when: |\n      custom.w > 0\n    then: flag\n"
    ).rows
    base = row.item.mark(()).line
    assert [row.found(field, "m").mark.line - base for field in ("on", "severity")] == [1, 0]
    assert (row.inside(7, "m").mark.line - base, row.inside(7, "m").mark.col) == (3, 14)
    assert row.found("on", "m").subject == "a"


def test_a_scene_knows_what_feeds_a_rule(scene_of: Callable[..., LintContext]) -> None:
    """Detectors, shadow rules apart, and what they may find at the rule's stages."""
    scene = scene_of(
        "rules:\n  - {id: a, on: input, when: custom > 0, then: flag}\n  - {id: b, on: input, when: pii > 0, then: flag, mode: shadow}\n"
    )
    assert [row.doc.id for row in scene.enforced] == ["a"]
    assert [each.detector for each in scene.given_to(["a"], frozenset({Stage.INPUT}))] == ["words", "soft"]
    assert {each.category for each in scene.feeding["pii"]} == {"pii.email"}
    assert scene.answers["a"] is not None
    assert scene.kinds["mail"].name == "pii"
    assert scene.head["name"] == "tested"


def test_what_is_known_of_a_rule_follows_from_its_stages(scene_of: Callable[..., LintContext]) -> None:
    """Only a model calls tools, and no tool is called in an input."""
    rules = scene_of(
        "rules:\n"
        "  - {id: a, on: tool_call, when: '!tool.listed', then: block}\n"
        "  - {id: b, on: input, when: custom.w > 0, then: block}\n"
    ).rows
    assert [fixed_context(row) for row in rules] == [
        {"message.declared": False, "content.asks_for": "", "message.role": "assistant"},
        {"tool.name": "", "tool.server": ""},
    ]


def test_rules_of_messages_are_tried_with_all_kinds_together(scene_of: Callable[..., LintContext]) -> None:
    """In one message a picture may stand beside a text: the condition holds for some of what it is tried with."""
    scene = scene_of(
        "rules:\n"
        "  - {id: a, on: input, when: 'custom.w > 0 && content.kind == \"image\"', then: flag}\n"
        "  - {id: b, on: input, when: 'custom.w > 0 && content.kind == \"image\"', then: flag, scope: message}\n"
    )
    assert [any(holds for _, holds in scene.answers[each] or ()) for each in ("a", "b")] == [False, True]
    assert len([*scene.trials(*scene.rows)]) > 0


def test_too_much_has_no_answer(rules_of: Callable[..., LintContext]) -> None:
    """A condition that cannot be tried whole is not tried at all."""
    scene = rules_of(" && ".join(f"request.user.k{at} > {at}" for at in range(12)))
    assert scene.answers[scene.rows[0].rule.id] is None
