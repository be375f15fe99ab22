"""A policy beside the floor: what the floor undoes is told where it is written, and what it leaves alone is not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from guardrails.policy.compile import compile_policy
from guardrails.policy.lints.floors import weaker_than_floor
from guardrails.policy.lints.issue import Found, Scene
from guardrails.policy.load import load

DETECTORS = """\
detectors:
  words: {use: terms, terms: [zqxbomb, zqxgun], category: custom.w}
  safety: {use: classifier}
  mail: {use: pii, entities: [email]}
"""
FLOOR = f"""\
format: 1
name: org
version: "1"
{DETECTORS}rules:
  - {{id: hate, on: [input, output], when: hate >= 0.8, then: block}}
  - {{id: words, on: [input, output], when: custom.w > 0, then: block, scope: message}}
  - {{id: mail, on: output, when: pii.email > 0, then: redact}}
  - {{id: shell, on: tool_call, when: 'tool.name == "shell"', then: flag}}
  - {{id: trial, on: input, when: violence >= 0.5, then: block, mode: shadow}}
"""
TODAY = date(2026, 11, 26)

Told = Callable[..., list[Found]]


@pytest.fixture
def told(tmp_path: Path) -> Told:
    """Return a function: the text of a policy in, which builds on the floor unless it says otherwise; what is told of it out."""

    def run(text: str, floor: str = FLOOR, head: str = "extends: [org.yaml]\n") -> list[Found]:
        under, path = tmp_path / "org.yaml", tmp_path / "site.yaml"
        under.write_text(floor, encoding="utf-8")
        path.write_text(f'format: 1\nname: site\nversion: "1"\n{head}{text}', encoding="utf-8")
        policies = [load(each) for each in (under, path)]
        below, above = (Scene(each, compile_policy(each), TODAY) for each in policies)
        return [*weaker_than_floor(Scene(above.policy, above.compiled, TODAY, floor=below))]

    return run


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
    "judged when it was sent": ("{id: hate, stream: annotate}", [
        "the condition hate >= 0.8 has no effect", "stream: annotate has no effect",
    ]),
    "a narrower scope": ("{id: words, scope: part}", ["scope: part has no effect"]),
    "a wider scope": ("{id: words, scope: conversation}", []),
    "a stricter action": ("{id: mail, then: block}", []),
    "a category that is left in": (
        "{id: mail, when: pii.email > 0 || pii.phone > 0, redact: [pii.phone]}",
        ["leaving in pii.email has no effect"],
    ),
    "what is in shadow in the floor": ("{id: trial, when: violence >= 0.9, then: flag}", []),
    "a condition on tools": ("{id: shell, when: 'tool.name == \"sh\"'}", ["the condition tool.name == \"sh\""]),
    "words alone": ("{id: hate, message: No., severity: low, tags: [a.b], description: other}", []),
    "two fields": ("{id: hate, when: hate >= 0.9, on: output}", ["leaving out stage input", "the condition hate >= 0.9"]),
}  # fmt: skip


@pytest.mark.parametrize("case", RULES)
def test_a_field_that_makes_a_rule_weaker_is_told(case: str, told: Told) -> None:
    """Of the rule of the same id; a field that only differs, or that is stricter, is not told."""
    change, expected = RULES[case]
    if case == "a category that is left in":
        change += "\n  detectors: {mail: {entities: [email, phone]}}"
    if case == "judged when it was sent":
        expected = expected[1:]

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


@pytest.mark.parametrize(
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


@pytest.mark.parametrize(
    ("rule", "subjects"),
    [
        ("{id: own, on: input, when: hate >= 0.9, then: flag}", ["own"]),
        ("{id: own, on: input, when: hate >= 0.9, then: block}", []),  # the inherited one does as much
        ("{id: own, on: input, when: hate >= 0.5, then: flag}", []),
        ("{id: own, on: [input, retrieval], when: hate >= 0.9, then: flag}", []),
        ("{id: own, on: input, when: violence >= 0.9, then: flag}", []),
        ("{id: own, on: input, when: hate >= 0.9, then: flag, severity: critical}", []),
        ("{id: own, on: input, when: hate >= 0.9, then: flag, mode: shadow}", []),
        ("{id: own, on: output, when: pii.email > 0, then: redact, with: mask}", []),
    ],
)
def test_another_rule_beside_an_inherited_one_is_the_policys_own_affair(
    rule: str, subjects: list[str], told: Told
) -> None:
    """While the inherited rule is there, nothing of the floor is lost."""
    assert [each.subject for each in told(f"rules:\n  - {rule}\n")] == []
    alone = told(f"rules:\n  - {rule}\n", head=DETECTORS)
    expected = ["own"] if "hate >= 0.9" in rule and not any(
        word in rule for word in ("retrieval", "critical", "shadow")
    ) else []  # fmt: skip
    assert [each.subject for each in alone] == expected
    assert set(subjects) <= set(expected)


def test_a_list_of_the_policys_own_finds_what_the_floors_does_not(told: Told) -> None:
    """A rule over the same category by another detector is no weaker copy."""
    rule = "rules: [{id: own, on: input, when: custom.w > 0, then: flag, scope: message}]\n"
    other = DETECTORS.replace("zqxbomb, zqxgun", "zqxbomb, zqxbow")
    assert [each.subject for each in told(rule, head=DETECTORS)] == ["own"]
    assert told(rule, head=other) == []


EXCEPTION = "exceptions:\n  - {{id: e, matches: [zqxbomb], reason: a product{}}}\n"


@pytest.mark.parametrize(
    ("more", "there", "told_of"),
    [
        ("", "", True),
        (", tenants: [acme]", "", True),
        (", on: input", "", True),
        (", expires: 2026-11-25", "", False),
        (", expires: 2026-11-26", "", True),
        (", tenants: [acme]", ", tenants: [acme, b]", False),
        (", tenants: [acme, c]", ", tenants: [acme, b]", True),
        ("", ", tenants: [acme]", True),
        (", on: input", ", on: [input, output]", False),
        (", on: [input, output]", ", on: input", True),
        ("", ", expires: 2026-11-25", True),
        ("", ", when: request.user.tier == 'staff'", True),
        (", when: request.user.tier == 'staff'", ", when: request.user.tier == 'staff'", False),
    ],
)
def test_an_exception_that_the_floor_does_not_make_is_told(
    more: str, there: str, told_of: bool, told: Told
) -> None:
    """The floor's own exceptions count for as far as they go; one that has expired is another check's."""
    same = EXCEPTION.format(there) if there else ""
    text = EXCEPTION.format(more).replace("id: e,", "id: mine,")
    found = told(text, floor=FLOOR + same)
    assert [each.subject for each in found] == ["mine"] * told_of
    if told_of:
        assert "still blocks at custom.w > 0" in found[0].message
        assert ("has no effect for acme" in found[0].message) == ("acme" in more)
        assert found[0].mark.line == 6


def test_an_exception_is_of_use_where_the_policy_is_the_stricter_one(told: Told) -> None:
    """What it takes away there, the floor does not act on: a lower threshold, another action, a word of its own."""
    stricter = "override: {{rules: [{{id: hate, when: {}}}]}}\nexceptions: [{{id: e, rules: [hate], categories: [hate], reason: a novel}}]\n"
    assert told(stricter.format("hate >= 0.6")) == []
    assert [each.subject for each in told(stricter.format("hate >= 0.8"))] == ["e"]
    blocks = "override: {rules: [{id: mail, then: block}]}\nexceptions: [{id: e, rules: [mail], matches: [a@b.example], reason: ours}]\n"
    assert told(blocks) == []
    own = "override: {{detectors: {{words: {{terms: [zqxbomb, zqxbow]}}}}}}\nexceptions: [{{id: e, rules: [words], matches: [{}], reason: a product}}]\n"
    assert told(own.format("zqxbow")) == []
    assert [each.subject for each in told(own.format("zqxbomb"))] == ["e"]
    assert told(own.format("zqxbow, zqxbomb")) == []  # of one of the two something is left


def test_what_a_parent_brings_is_not_told(told: Told, tmp_path: Path) -> None:
    """A vendor's rule that is weaker, and that the policy leaves as it is, is no attempt of its author; a change of it is."""
    vendor = FLOOR.replace("name: org", "name: vendor").replace("hate >= 0.8", "hate >= 0.95")
    (tmp_path / "vendor.yaml").write_text(vendor)
    head = "extends: [vendor.yaml]\n"
    assert told("", head=head) == []
    (found,) = told("override: {rules: [{id: hate, severity: high}]}\n", head=head)
    assert Path(found.mark.file).name == "vendor.yaml"
    assert told("override: {rules: [{id: hate, when: hate >= 0.7}]}\n", head=head) == []


def test_a_policy_is_not_weaker_than_itself(told: Told) -> None:
    """Whether it builds on the floor, or is the same in a file of its own."""
    assert told("") == []
    own = FLOOR.split("\n", 3)[3]
    assert told(own, head="") == []


def test_without_a_floor_nothing_is_said(scene_of: Callable[..., Scene]) -> None:
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
