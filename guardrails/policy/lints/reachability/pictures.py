"""Lint checks of what rules expect of pictures: that somebody looks for it there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from guardrails.policy.lints.issue import LintFinding
from guardrails.policy.lints.scene.scene import LintContext, RuleRow
from guardrails.taxonomy import SEEN_WITH, VISIBLE, describe_not_seen, with_ancestors

KIND: Final = "content.kind"
OF_KIND: Final = re.compile(r"""["'](?:image|video)["']""")
WORDS: Final = re.compile(r"(?:picture|image|photo|film|video)s?(?![a-z])", re.IGNORECASE)

CURE: Final = (
    "add a detector that does: {{use: image_classifier, model: FOLDER, prompts: {{{category}: […]}}}} with a zero-shot model, or "
    "one with endpoint: for a vision model; where texts alone are meant, write content.kind == 'text' && …"
)


def unseen_in_pictures(scene: LintContext) -> Iterator[LintFinding]:
    """A rule for pictures names what no detector of the policy looks for in pictures."""
    seen = {
        name for bound in scene.compiled.detectors for each in bound.sees for name in with_ancestors(each)
    }
    for row in scene.rows:
        named = [each for each in _named(scene, row) if each in VISIBLE or each in SEEN_WITH.values()]
        missing = [each for each in named if each not in seen and SEEN_WITH.get(each) not in seen]
        if missing and _is_for_pictures(row, seen=any(each in seen for each in named)):
            what = describe_not_seen(sorted(missing))
            message = f"rule {row.doc.id!r} names {what}, which no detector of the policy sees in pictures"
            yield row.found("when", message, CURE.format(category=min(missing)))


def _named(scene: LintContext, row: RuleRow) -> set[str]:
    """Return the categories that a condition names, but for those of detectors that look at no pictures."""
    condition = row.rule.condition
    own = {each for _, name, each in condition.detectors if "image" in scene.bounds[name].contents}
    return {*condition.scores, *(each for _, each in condition.counts), *own}


def _is_for_pictures(row: RuleRow, *, seen: bool) -> bool:
    """Tell whether a rule is meant for pictures: by the kind of content in its condition, by what it does with pictures, by its
    name and description, or as another category in its condition is seen in them.
    """
    if KIND in row.rule.condition.context:
        return OF_KIND.search(row.rule.condition.text) is not None
    with_ = row.item.data.get("with")
    covers = isinstance(with_, dict) and not {"image", "video"}.isdisjoint(with_)
    return seen or covers or any(map(WORDS.search, (row.doc.id, row.doc.description or "")))
