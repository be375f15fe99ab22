"""What redaction did, and what it did not."""

from __future__ import annotations

from collections.abc import Callable

from PIL import Image

from guardrails import Guard, ToolCall
from guardrails.authoring.explain.explained_redaction import SHOWN, RedactionNote
from guardrails.authoring.explain.explanation import explain
from tests.cases import each_case

DETECTORS = """
detectors:
  words: {use: terms, terms: [blast, blast off], category: custom.x}
  other: {use: terms, terms: [off we], category: custom.y, score: 0.4}
  green: {use: green_square}
rules:
"""
MASK = (
    "  - {id: mask, on: [input, tool_call], when: custom.x > 0, then: redact, with: mask, severity: high}\n"
)


def redaction(guard: Guard, content: object, stage: str = "input") -> RedactionNote:
    """Return what redaction did."""
    return explain(guard, content, stage).redaction


def test_each_replaced_stretch_says_by_what(guard_of: Callable[..., Guard]) -> None:
    """What stood there, what stands there now, and which rule did it how."""
    [said] = redaction(guard_of(DETECTORS + MASK), "a blast, so").replaced
    assert said.to_dict() == {
        "path": "",
        "span": [2, 7],
        "before": "blast",
        "after": "*****",
        "rule": "mask",
        "with": "mask",
        "findings": [1],
        "rules": ["mask"],
    }


def test_what_shares_a_character_is_replaced_once(guard_of: Callable[..., Guard]) -> None:
    """By the first rule that wants it; the others are named."""
    other = "  - {id: kind, on: input, when: custom.y > 0.3, then: redact}\n"
    said = redaction(guard_of(DETECTORS + other + MASK), "blast off we go")
    [one] = said.replaced
    assert (one.before, one.after, one.rule, one.merged) == ("blast off we", "***** *** **", "mask", True)
    assert (one.rules, len(one.findings)) == (("mask", "kind"), 3)
    assert said.kept == ()


@each_case(
    ("rules", "content", "why"),
    [
        (MASK.replace("severity: high", "mode: shadow"), "blast", "the rule is only recorded (mode: shadow)"),
        (
            MASK.replace("custom.x > 0", "custom.x > 0 && content.length > 99"),
            "blast",
            "the rule does not fire",
        ),
        (
            MASK.replace("when: custom.x > 0", "when: 'custom.x > 0 && request.user.tier == \"a\"'"),
            "blast",
            "the rule does not fire",
        ),
        (
            MASK.replace("when: custom.x > 0", "when: 'custom.x > 0 && tool.arguments.path == \"a\"'"),
            "blast",
            "the rule depends on what is not known (on_error: block)",
        ),
        (
            "  - {id: mask, on: input, when: 'custom.x > 0 || custom.y > 0.5', then: redact}\n",
            "blast, off we go",
            "its score alone does not make the condition hold",
        ),
        (
            "  - {id: mask, on: input, when: detector.words.custom.x > 0, then: redact}\n"
            "exceptions:\n  - {id: own, matches: [blast], reason: ours}\n",
            "blast",
            "exception 'own' removes it for this rule",
        ),
    ],
)
def test_what_stays_has_a_reason(guard_of: Callable[..., Guard], rules: str, content: str, why: str) -> None:
    """A rule that would redact it does not fire, or not for it."""
    kept = redaction(guard_of(DETECTORS + rules), content).kept
    assert [each.why for each in kept] == [why]
    assert {each.rule for each in kept} == {"mask"}


def test_what_another_detector_finds_is_not_what_the_rule_reads(guard_of: Callable[..., Guard]) -> None:
    """A condition that names a detector means that one."""
    guard = guard_of("""
detectors:
  one: {use: terms, terms: [blast], category: custom.x}
  two: {use: terms, terms: [boom], category: custom.x}
rules:
  - {id: r, on: input, when: detector.one.custom.x > 0, then: redact}
""")
    said = redaction(guard, "blast boom")
    assert [each.before for each in said.replaced] == ["blast"]
    assert [each.why for each in said.kept] == ["its condition does not read what detector 'two' finds"]


def test_what_a_rule_redacts_need_not_be_what_it_reads(guard_of: Callable[..., Guard]) -> None:
    """Where it names it (`redact:`), it is replaced whenever the rule fires, and stays when it does not."""
    rule = "  - {id: mask, on: input, when: custom.x > 0, then: redact, redact: [custom.y]}\n"
    guard = guard_of(DETECTORS + rule)
    assert [each.before for each in redaction(guard, "blast, off we go").replaced] == ["off we"]
    assert [each.why for each in redaction(guard, "off we go").kept] == ["the rule does not fire"]


def test_what_must_not_be_changed_blocks(guard_of: Callable[..., Guard]) -> None:
    """A tool's name cannot be redacted."""
    said = redaction(guard_of(DETECTORS + MASK), ToolCall("blast", '{"a": "blast"}'), "tool_call")
    assert [each.path for each in said.replaced] == ["/arguments/a"]
    assert [each.why for each in said.kept] == ["it stands where nothing may be changed, so the rule blocks"]


@each_case(("how", "done"), [("solid", True), ("blur", False)])
def test_pictures_are_covered(guard_of: Callable[..., Guard], how: str, done: bool) -> None:
    """There is no new text, but it is known how, and whether that was enough: what is blurred is as green as before."""
    picture = Image.new("RGB", (200, 200), (255, 255, 255))
    picture.paste((0, 255, 0), (50, 50, 110, 110))
    rule = "  - {id: green, on: input, when: custom.green_square > 0.5, then: redact, with: {image: %s}}\n"
    said = redaction(guard_of(DETECTORS + rule % how), picture)
    assert [each.to_dict() for each in said.covered] == [
        {"path": "", "finding": 1, "rule": "green", "how": how, "done": done}
    ]
    assert (said.replaced, said.kept) == ((), ())


def test_what_was_handed_out_is_told_apart(guard_of: Callable[..., Guard]) -> None:
    """What only looks like it is changed, too, by no rule."""
    rule = "  - {id: mask, on: input, when: custom.x > 0, then: redact, with: vault}\n"
    said = redaction(guard_of(DETECTORS + rule), "blast and [X_1]").replaced
    assert [(each.before, each.rule) for each in said] == [("blast", "mask"), ("[X_1]", None)]


def test_it_is_bounded(guard_of: Callable[..., Guard]) -> None:
    """What is not listed is counted."""
    said = redaction(guard_of(DETECTORS + MASK), "blast, " * (SHOWN + 7))
    assert (len(said.replaced), said.left_out) == (SHOWN, 7)
