"""A policy beside the floor: what the floor undoes is told where it is written, and what it leaves alone is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from guardrails.policy.lints.floors.floor_pairs import FloorPair
from guardrails.policy.lints.floors.floors import weaker_than_floor
from guardrails.policy.lints.issue import LintFinding
from guardrails.policy.lints.scene.scene import LintContext
from tests.cases import each_case

Told = Callable[..., list[LintFinding]]


@pytest.fixture
def told(pair_of: Callable[..., FloorPair]) -> Told:
    """Return a function: a policy in, as for `pair_of`; what is told of it out."""
    return lambda *text, **options: [*weaker_than_floor(pair_of(*text, **options).scene)]


RULES: dict[str, tuple[str, list[str]]] = {
    "a higher threshold": ("{id: hate, when: hate >= 0.9}", ["the condition hate >= 0.9 has no effect on 'hate'"]),
    "the least bit higher": ("{id: hate, when: hate > 0.8}", ["the condition hate > 0.8 has no effect"]),
    "a lower threshold": ("{id: hate, when: hate >= 0.7}", []),
    "the same in other words": ("{id: hate, when: '!(hate < 0.8)'}", []),
    "a wider category": ("{id: hate, when: unsafe >= 0.8}", []),
    "one thing more that must hold": ("{id: hate, when: hate >= 0.8 && violence >= 0.1}", ["the condition hate >= 0.8 && violence >= 0.1"]),
    "some people alone": (
        "{id: hate, when: 'hate >= 0.8 && request.user.tier != \"staff\"'}",
        ["the condition hate >= 0.8 && request.user.tier != \"staff\" has no effect"],
    ),
    "fewer stages": ("{id: hate, on: output}", ["leaving out stage input has no effect"]),
    "more stages": ("{id: hate, on: [input, output, retrieval]}", []),
    "a weaker action": ("{id: hate, then: flag}", ["then: flag has no effect"]),
    "shadow": ("{id: hate, mode: shadow}", ["mode: shadow has no effect"]),
    "failures that pass": ("{id: hate, on_error: allow}", ["on_error: allow has no effect"]),
    "judged when it was sent": ("{id: hate, stream: annotate}", ["stream: annotate has no effect"]),
    "a narrower scope": ("{id: words, scope: part}", ["scope: part has no effect"]),
    "a wider scope": ("{id: words, scope: conversation}", []),
    "a stricter action": ("{id: mail, then: block}", []),
    "a category that is left in": (
        "{id: mail, when: pii.email > 0 || pii.phone > 0, redact: [pii.phone]}\n"
        "  detectors: {mail: {entities: [email, phone]}}",
        ["leaving in pii.email has no effect"],
    ),
    "what is in shadow in the floor": ("{id: trial, when: violence >= 0.9, then: flag}", []),
    "a condition on tools": ("{id: shell, when: 'tool.name == \"sh\"'}", ["the condition tool.name == \"sh\""]),
    "words alone": ("{id: hate, message: No., severity: low, tags: [a.b], description: other}", []),
    "two fields": ("{id: hate, when: hate >= 0.9, on: output}", ["leaving out stage input", "the condition hate >= 0.9"]),
}  # fmt: skip


@each_case("case", RULES)
def test_a_field_that_makes_a_rule_weaker_is_told(case: str, told: Told) -> None:
    """Of the rule of the same id; a field that only differs, or that is stricter, is not told."""
    change, expected = RULES[case]

    found = told(f"override:\n  rules:\n    - {change}\n")

    assert len(found) == len(expected), found
    assert all(each.message.startswith(start) for each, start in zip(found, expected, strict=True)), found
    assert {each.mark.line for each in found} <= {7}


def test_the_floors_rule_is_named_with_its_place_and_condition(told: Told, tmp_path: Path) -> None:
    """The author reads what happens all the same, who decides it, and what to do."""
    (found,) = told("override: {rules: [{id: hate, when: hate >= 0.9}]}\n")
    assert found.message == (
        f"the condition hate >= 0.9 has no effect on 'hate': the floor's rule 'hate' ({tmp_path / 'org.yaml'}:9) "
        "still blocks at hate >= 0.8"
    )
    assert found.cure == "leave it out, or have it changed in the floor by who answers for that"
    assert (found.subject, found.mark.line, found.mark.col) == ("hate", 5, 37)


@each_case(
    ("text", "lines"),
    [
        ("disable: [hate]\n", [5]),
        ("disable: {rules: [words, hate]}\n", [5, 5]),
        ("disable: [trial]\n", []),
        ("disable: [hate]\nrules: [{id: all, on: [input, output], when: unsafe >= 0.7, then: block}]\n", []),
        ("disable: [hate]\nrules: [{id: all, on: input, when: unsafe >= 0.7, then: block}]\n", [5]),
        (
            "disable: [hate]\nrules: [{id: all, on: [input, output], when: unsafe >= 0.7, then: redact}]\n",
            None,
        ),
        ("disable: [hate]\nrules: [{id: hate, on: [input, output], when: hate >= 0.5, then: block}]\n", []),
        ("disable: [hate]\nrules: [{id: hate, on: [input, output], when: hate >= 0.85, then: block}]\n", [6]),
        (
            "disable: [hate]\nrules:\n  - {id: h1, on: input, when: hate >= 0.8, then: block}\n"
            "  - {id: h2, on: output, when: hate >= 0.8, then: block}\n",
            [],
        ),
        (
            "disable: [hate]\nrules:\n  - {id: h1, on: [input, output], when: hate >= 0.8 && hate < 0.9, then: block}\n"
            "  - {id: h2, on: [input, output], when: hate >= 0.9, then: block, severity: high}\n",
            [],
        ),
    ],
)
def test_a_rule_that_is_disabled_is_told_unless_another_does_as_much(
    text: str, lines: list[int] | None, told: Told
) -> None:
    """One rule or several together; the name in the list is where it stands."""
    if lines is None:  # a classifier finds no span that could be replaced
        text, lines = text.replace("redact", "flag"), [5]
    assert [each.mark.line for each in told(text)] == lines


@each_case(
    ("rule", "is_idle"),
    [
        ("on: input, when: hate >= 0.9, then: flag", True),
        ("on: input, when: hate >= 0.9, then: block", True),
        ("on: input, when: hate >= 0.8, then: block", False),
        ("on: input, when: hate >= 0.5, then: flag", False),
        ("on: [input, retrieval], when: hate >= 0.9, then: flag", False),
        ("on: input, when: violence >= 0.9, then: flag", False),
        ("on: input, when: hate >= 0.9, then: flag, severity: critical", False),
        ("on: input, when: hate >= 0.9, then: flag, mode: shadow", False),
        ("on: output, when: pii.email > 0, then: redact, with: mask", False),
        ("on: output, when: pii.email > 0, then: flag", True),
    ],
)
def test_a_rule_of_another_id_is_told_where_it_only_does_less(rule: str, is_idle: bool, told: Told) -> None:
    """It fires on nothing else than the floor's rule does, and its message is not the one that is told; beside the inherited
    rule it is the policy's own affair, as nothing of the floor is lost.
    """
    text = f"rules:\n  - {{id: own, {rule}}}\n"

    assert [each.subject for each in told(text, apart=True)] == ["own"] * is_idle
    assert told(text) == []


def test_a_list_of_the_policys_own_finds_what_the_floors_does_not(told: Told) -> None:
    """A rule over the same category by another detector is no weaker copy."""
    text = (
        "detectors: {{words: {{use: terms, terms: [zqxbomb, {}], category: custom.w}}}}\n"
        "rules: [{{id: own, on: input, when: custom.w > 0, then: flag, scope: message}}]\n"
    )
    assert [each.subject for each in told(text.format("zqxgun"), apart=True)] == ["own"]
    assert told(text.format("zqxbow"), apart=True) == []


def test_what_a_parent_brings_is_not_told(told: Told, tmp_path: Path) -> None:
    """A vendor's rule that is weaker, and that the policy leaves as it is, is no attempt of its author; a change of it is."""
    assert told("") == []
    floor = (tmp_path / "org.yaml").read_text()
    (tmp_path / "vendor.yaml").write_text(floor.replace("hate >= 0.8", "hate >= 0.95"))
    head = "extends: [vendor.yaml]\n"
    assert told("", head=head) == []
    (found,) = told("override: {rules: [{id: hate, severity: high}]}\n", head=head)
    assert Path(found.mark.file).name == "vendor.yaml"
    assert told("override: {rules: [{id: hate, when: hate >= 0.7}]}\n", head=head) == []


def test_a_policy_is_not_weaker_than_itself(told: Told, tmp_path: Path) -> None:
    """Whether it builds on the floor, or is the same in a file of its own."""
    assert told("") == []
    own = (tmp_path / "org.yaml").read_text().split("\n", 3)[3]
    assert told(own, apart=True) == []


def test_without_a_floor_nothing_is_said(scene_of: Callable[..., LintContext]) -> None:
    """There is nothing to compare."""
    assert [
        *weaker_than_floor(scene_of("rules: [{id: a, on: input, when: custom.w > 0, then: flag}]\n"))
    ] == []


def test_what_is_too_much_to_try_is_not_told(told: Told) -> None:
    """Silence is better than a false alarm, where a condition has more cases than can be tried."""
    many = " || ".join(
        f"hate > 0.{n} && content.length > {n} && conversation.turns > {n}" for n in range(10, 40)
    )
    assert told(f"override:\n  rules:\n    - {{id: hate, when: '{many}'}}\n") == []
