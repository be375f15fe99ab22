"""What is not read as it looks: conditions that a comment cuts off, and curly quotes."""

from __future__ import annotations

from collections.abc import Callable

from guardrails.policy.lints import writing
from guardrails.policy.lints.scene.scene import LintContext
from tests.cases import each_case

RULE = "rules:\n  - id: r\n    on: input\n    when: {when}\n    then: flag\n"


@each_case(
    ("when", "is_cut"),
    [
        ("custom.w > 0 #high && custom.soft > 0", True),
        ("custom.w > 0  # || custom.soft > 0", True),
        ("custom.w > 0 # the words of our trade", False),
        ("'custom.w > 0' # && custom.soft > 0", False),
        ("custom.w > 0", False),
    ],
)
def test_a_condition_that_a_comment_cuts_off_is_found(
    scene_of: Callable[..., LintContext], when: str, is_cut: bool
) -> None:
    """Where the comment looks like the rest of it, and the condition is not in quotes."""
    found = [*writing.cut_condition(scene_of(RULE.format(when=when)))]
    assert [each.mark.line for each in found] == [11] * is_cut


@each_case(
    ("text", "is_found"),
    [
        ("“said so”", True),
        ("„so“", True),
        ("\u2018so\u2019", True),
        ("the word “so” in it", False),
        ('"so"', False),
    ],
)
def test_curly_quotes_around_a_text_are_found(
    scene_of: Callable[..., LintContext], text: str, is_found: bool
) -> None:
    """With the straight ones that are meant."""
    found = [*writing.curly_quotes(scene_of(RULE.format(when="custom.w > 0") + f"    description: {text}\n"))]
    assert [each.cure for each in found] == [f'write straight ones: "{text[1:-1]}"'] * is_found
