"""What rules expect of pictures, and nobody looks for there."""

from __future__ import annotations

from collections.abc import Callable

from guardrails.policy.lints.reachability import pictures
from guardrails.policy.lints.scene.scene import LintContext
from tests.cases import each_case

POLICY = """\
detectors:
  explicit: {{use: image_classifier}}
  safety: {{use: classifier}}
  green: {{use: green_square, category: weapons}}
rules:
  - {{id: {id}, on: output, when: '{when}', then: {then}}}
"""


@each_case(
    ("rule", "when", "then", "named"),
    [
        ("r", "sexual.explicit > 0.8 || violence > 0.8", "block", ["violence"]),
        ("r", "sexual > 0.8 || weapons > 0.8", "block", []),
        ("r", 'content.kind == "image" && hate > 0.8', "block", ["hate"]),
        ("r", 'content.kind == "text" && (sexual.explicit > 0.8 || hate > 0.8)', "block", []),
        ("r", "violence > 0.8 || hate > 0.8", "block", []),
        ("photos.block", "violence > 0.8 || hate > 0.8", "block", ["violence", "hate"]),
        ("imagery", "violence > 0.8", "block", []),
        ("r", "hate > 0.8", "redact, with: {text: mask, image: blur}", ["hate"]),
        ("pictures", "detector.safety.hate > 0.8", "block", []),
        ("pictures", "detector.explicit.sexual.explicit > 0.8", "block", []),
        ("pictures", "toxic > 0.8", "block", []),
    ],
)
def test_a_rule_for_pictures_needs_somebody_who_sees(
    scene_of: Callable[..., LintContext], rule: str, when: str, then: str, named: list[str]
) -> None:
    """It is for pictures by its condition, by its name, by what it does, or as it names what is seen in them."""
    found = [*pictures.unseen_in_pictures(scene_of(POLICY.format(id=rule, when=when, then=then)))]
    assert [each.subject for each in found] == ([rule] if named else [])
    for each in found:
        assert all(name in each.message for name in named)
        assert "use: image_classifier" in each.cure
