"""What fired → edits: the findings of redact rules in, new texts out.

Spans that share a character merge into one; it is replaced once, by the first of the rules that want it
(severity, then order in the file), with a placeholder that names the longest of that rule's findings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from guardrails.engine.evaluate import Fired
from guardrails.engine.fields import Leaf, stretches
from guardrails.policy.compiled import Rule
from guardrails.types import Action, Finding, Text


def placeholder(category: str, text: str) -> str:
    """Return the kind in capitals and brackets: `[EMAIL]`; every `secret.*` is `[SECRET]`."""
    root, _, leaf = category.partition(".")
    return f"[{(root if root == 'secret' or not leaf else leaf.rsplit('.', 1)[-1]).upper()}]"


def mask(category: str, text: str) -> str:
    """Return an asterisk for each character; white space stays, so that lines do not move."""
    return "".join(char if char.isspace() else "*" for char in text)


REPLACEMENTS: Mapping[str, Callable[[str, str], str]] = {"placeholder": placeholder, "mask": mask}
"""What a rule's `with:` may name → function of the category and the text that is replaced."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a leaf's text to replace. A finding in a joined text gives one span for each part that it
    touches; only the first (`leads`) is replaced by something, the others by nothing.
    """

    start: int
    end: int
    rule: Rule
    finding: Finding
    leads: bool = True


def spans(leaves: Sequence[Leaf], fired: Iterable[Fired]) -> dict[int, list[Span]]:
    """Return the stretches to replace, by leaf."""
    found: dict[int, list[Span]] = {}
    for each in fired:
        for index, finding in each.replace:
            assert finding.span is not None  # evaluate blocks what has none
            leads = True
            for leaf, start, end in stretches(leaves, index, finding.span):
                found.setdefault(leaf, []).append(Span(start, end, each.rule, finding, leads))
                leads = False
    return found


def replaced(text: str, wanted: Iterable[Span]) -> str:
    """Return the text with every stretch replaced once."""
    out: list[str] = []
    position = 0
    for group in _merged(wanted):
        start, end = group[0].start, max(span.end for span in group)
        out += [text[position:start], _replacement(text[start:end], group)]
        position = end
    return "".join((*out, text[position:]))


def _merged(wanted: Iterable[Span]) -> list[list[Span]]:
    groups: list[list[Span]] = []
    reach = 0
    for span in sorted(wanted, key=lambda span: (span.start, span.end)):
        if groups and span.start < reach:
            groups[-1].append(span)
            reach = max(reach, span.end)
        else:
            groups.append([span])
            reach = span.end
    return groups


def _replacement(text: str, group: Sequence[Span]) -> str:
    leading = [span for span in group if span.leads]
    if not leading:
        return ""
    rule = min((span.rule for span in leading), key=lambda rule: rule.order)
    own = [span for span in leading if span.rule is rule]
    longest = max(own, key=lambda span: (_length(span.finding), -span.start))
    return REPLACEMENTS[rule.replacement](longest.finding.category, text)


def _length(finding: Finding) -> int:
    assert finding.span is not None
    return finding.span[1] - finding.span[0]


def edits(leaves: Sequence[Leaf], fired: Iterable[Fired]) -> tuple[dict[int, str], list[Fired]]:
    """Return the new text of each leaf that changes, and, as blocks, what would change a leaf that must not
    be edited.
    """
    found = list(fired)
    texts: dict[int, str] = {}
    blocks: list[Fired] = []
    for index, wanted in spans(leaves, found).items():
        leaf = leaves[index]
        if leaf.editable and isinstance(leaf.content, Text):
            texts[index] = replaced(leaf.content.text, wanted)
        else:
            rules = {id(span.rule): span.rule for span in wanted}
            blocks += [Fired(rule, Action.BLOCK, "unsafe_edit", (index,)) for rule in rules.values()]
    return texts, blocks
