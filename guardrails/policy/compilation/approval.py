"""Whether and by whom a block of a rule may be lifted (`approval`), and where that can be said."""

from __future__ import annotations

from collections.abc import Iterator

from guardrails.policy.compilation.on_fail import Misuse
from guardrails.policy.compiled import ApprovalTerms
from guardrails.policy.loading.items import PolicyItem
from guardrails.policy.schema import RuleDoc
from guardrails.wire.durations import parse_duration


def read_approval(doc: RuleDoc) -> ApprovalTerms | None:
    """Return who may lift a block of a rule, None where nobody may."""
    return None if doc.approval is None else ApprovalTerms(doc.approval.by, parse_duration(doc.approval.for_))


def find_approval_misuse(item: PolicyItem, doc: RuleDoc) -> Iterator[Misuse]:
    """Yield what is wrong with the `approval` of a rule: it lifts a block of calls of tools, and nothing else."""
    if doc.approval is None:
        return
    place = item.mark(("approval",))
    if doc.then != "block":
        message = f"an approval lifts a block, and the rule has then: {doc.then}"
        yield place, "unused_field", message, "write then: block, or remove approval"
    if ([doc.on] if isinstance(doc.on, str) else [*doc.on]) != ["tool_call"]:
        message = "an approval lets a call of a tool through, and the rule judges other stages"
        yield (
            item.mark(("on",)),
            "not_in_scope",
            message,
            "write on: tool_call, and a rule of its own for the rest",
        )
    if doc.stream == "annotate":
        message = "what went out already cannot wait for an approval"
        yield item.mark(("stream",)), "unused_field", message, "remove stream: annotate"
