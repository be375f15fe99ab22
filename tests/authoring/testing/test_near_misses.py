"""Why a test failed: the conditions of the rules that it is about, beside the scores."""

from __future__ import annotations

from collections.abc import Callable

from guardrails import Guard
from guardrails.authoring.testing import suite
from tests.cases import each_case

WHY = [
    (
        "{output: zzz, expect: {rules: [rare.flag]}}",
        ("rare.flag does not fire: when custom.rare >= 0.5; custom.rare is 0.40 (rare)",),
    ),
    ("{output: fine, expect: {rules: [rare.flag]}}", ("rare.flag does not fire: when custom.rare >= 0.5; custom.rare is 0.00",)),
    ("{input: zzz, expect: {rules: [rare.flag]}}", ("rare.flag is not tried here: on output",)),
    ("{input: zzz, expect: {rules: [rare.flagg]}}", ("there is no rule 'rare.flagg' - did you mean 'rare.flag'?",)),
    ("{input: zzz, expect: {rules: [unchecked.limit]}}", ()),
    (
        "{input: forbidden, expect: {rules: []}}",
        ("word.block fires: when custom.word > 0; custom.word is 1.00 (words)",),
    ),
    (
        "{input: forbidden, expect: {action: allow}}",
        ("word.block fires: when custom.word > 0; custom.word is 1.00 (words)",),
    ),
    (
        "{input: ID-1, expect: {shadow: []}}",
        ("id.shadow fires: when custom.id > 0; custom.id is 1.00 (ids)",),
    ),
    (
        "{output: zzz, expect: {action: flag}}",
        ("rare.flag does not fire: when custom.rare >= 0.5; custom.rare is 0.40 (rare)",),
    ),
    ("{output: fine, expect: {action: flag}}", ()),
    ("{input: ID-1, expect: {action: redact, content: x}}", ()),
]  # fmt: skip


@each_case(("test", "why"), WHY)
def test_says_why_rules_fired_or_did_not(
    test: str, why: tuple[str, ...], tested: Callable[..., Guard]
) -> None:
    """Rules that are named and did not fire, that fired and are not named, and that came near where none is named."""
    [result] = suite.run_suite(tested(test))
    assert result.differences
    assert result.why == why


def test_counts_and_context_are_told(guard_of: Callable[..., Guard]) -> None:
    """How often something was found, and what else a condition depends on."""
    guard = guard_of(
        "detectors:\n  ids: {use: patterns, patterns: ['ID-\\d+'], category: custom.id}\n"
        'rules:\n  - {id: many, on: input, when: \'count("custom.id") >= 3 && request.user.tier != "a"\', then: block}\n'
        'tests:\n  - {input: "ID-1 ID-2", user: {tier: b}, expect: {rules: [many]}}\n'
    )
    [result] = suite.run_suite(guard)
    assert result.why == (
        'many does not fire: when count("custom.id") >= 3 && request.user.tier != "a"; '
        "custom.id is 1.00 (ids), found 2 times, request.user.tier counts as well",
    )
