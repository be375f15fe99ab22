"""Detectors beside the floor's: what an override finds no more is told at the field, and only where the floor acts on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from guardrails.policy.lints.floors.floor_pairs import FloorPair
from guardrails.policy.lints.floors.floors import weaker_than_floor
from tests.cases import each_case


@each_case(
    ("change", "told"),
    [
        ("words: {terms: [zqxbomb]}", ["leaving out 'zqxgun' has no effect on detector 'words': the floor's rule 'words'"]),
        ("words: {terms: [zqxbomb, ZQXGUN, more]}", []),
        ("words: {terms: [a1, b1]}", ["leaving out 'zqxbomb', 'zqxgun' has no effect"]),
        ("words: {score: 0.2}", ["score: 0.2 has no effect"]),
        ("words: {match: substring}", []),
        ("safety: {min_score: 0.9}", ["min_score: 0.9 has no effect on detector 'safety': the floor's rule 'hate'"]),
        ("safety: {min_score: 0.05}", []),
        ("mail: {entities: [phone]}", ["leaving out 'pii.email' has no effect on detector 'mail'"]),
        ("mail: {entities: [email, phone]}", []),
    ],
)  # fmt: skip
def test_what_an_override_finds_no_more_is_told(
    change: str, told: list[str], pair_of: Callable[..., FloorPair]
) -> None:
    """Fewer entries, fewer kinds, another score; more of any is the policy's own affair."""
    rules = (
        "override:\n  rules: [{id: mail, when: pii > 0, redact: [pii]}]\n"
        if "mail" in change
        else "override:\n"
    )
    pair = pair_of(f"{rules}  detectors:\n    {change}\n")

    found = [each for each in weaker_than_floor(pair.scene) if "detector" in each.message]

    assert [each.message.startswith(start) for each, start in zip(found, told, strict=True)] == [True] * len(
        told
    )
    assert {each.mark.line for each in found} <= {7, 8}


def test_patterns_are_compared_with_all_that_is_said_of_them(
    pair_of: Callable[..., FloorPair], tmp_path: Path
) -> None:
    """A pattern with another group is another one."""
    (tmp_path / "base.yaml").write_text(
        "format: 1\nname: base\ndetectors: {ids: {use: patterns, patterns: ['ID-\\d+', {pattern: 'NO (\\d+)', group: 1}]}}\n"
    )
    more = "extends: [base.yaml]\nexceptions: []\n"
    floor_rule = "  - {id: ids, on: input, when: custom.ids > 0, then: block}\n"
    head = "extends: [base.yaml]\n"
    text = "override: {{detectors: {{ids: {{patterns: [{}]}}}}}}\n"
    every = "'ID-\\d+', {pattern: 'NO (\\d+)', group: 1}"
    for patterns, told in (
        (every, []),
        (f"{every}, 'X\\d'", []),
        ("'ID-\\d+', 'NO (\\d+)'", ["leaving out 'NO (\\\\d+)'"]),
    ):
        pair = pair_of(text.format(patterns), more=floor_rule + more, head=head)
        found = [*weaker_than_floor(pair.scene)]
        assert [each.message.split(" has")[0] for each in found] == told


def test_a_detector_of_the_same_name_from_elsewhere_is_another(pair_of: Callable[..., FloorPair]) -> None:
    """Only what the floor's files declare is compared with what became of it."""
    text = "detectors: {words: {use: terms, terms: [zqxbow], category: custom.w}}\nrules: [{id: own, on: input, when: custom.w > 0, then: block}]\n"
    assert [*weaker_than_floor(pair_of(text, apart=True).scene)] == []
