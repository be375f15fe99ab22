"""How a text that comes in pieces waits for each rule."""

from __future__ import annotations

from collections.abc import Callable

from guardrails import Guard, Stage
from guardrails.authoring.explain.explained_streaming import HOWS, note_streaming
from tests.cases import each_case

DETECTORS = """
detectors:
  words: {use: terms, terms: [blast], category: custom.x}
  safety: {use: classifier}
rules:
"""


@each_case(
    ("rule", "how", "why", "detectors"),
    [
        ("when: custom.x > 0, then: redact", "settled", HOWS["settled"], ("words",)),
        ("when: toxic > 0.8, then: block", "segment", HOWS["segment"], ("safety",)),
        ("when: toxic > 0.8 || custom.x > 0, then: block", "segment", HOWS["segment"], ("safety", "words")),
        ("when: toxic > 0.8, then: block, stream: annotate", "annotate", HOWS["annotate"], ()),
        ("when: custom.x > 0, then: flag", "recorded", HOWS["recorded"], ()),
        ("when: custom.x > 0, then: block, mode: shadow", "recorded", HOWS["recorded"], ()),
        ("when: custom.x > 0, then: block, stream: whole", "whole", "the rule says stream: whole", ()),
        ("when: custom.x < 0.5, then: block", "whole", "its condition has an upper bound for a score", ()),
    ],
)
def test_each_rule_says_how_it_is_waited_for(
    guard_of: Callable[..., Guard], rule: str, how: str, why: str, detectors: tuple[str, ...]
) -> None:
    """With the reason, and the detectors that are waited for; what holds a text to its end is what `Guard.held` says."""
    guard = guard_of(f"{DETECTORS}  - {{id: r, on: output, {rule}}}")
    [said] = note_streaming(guard.pipeline, [Stage.OUTPUT])
    assert (said.rule, said.stage, said.how, said.why, said.detectors) == (
        "r",
        Stage.OUTPUT,
        how,
        why,
        detectors,
    )
    assert guard.held("output") == ({"r": why} if how == "whole" else {})


def test_what_holds_most_comes_first(guard_of: Callable[..., Guard]) -> None:
    """Only rules of the stages that are asked for, or the one that is."""
    guard = guard_of(f"""{DETECTORS}  - {{id: a, on: [input, output], when: custom.x > 0, then: flag}}
  - {{id: b, on: output, when: custom.x > 0, then: block}}
  - {{id: c, on: output, when: custom.x > 0, then: block, stream: whole}}
""")
    said = note_streaming(guard.pipeline, [Stage.OUTPUT])
    assert [each.rule for each in said] == ["c", "b", "a"]
    assert [each.rule for each in note_streaming(guard.pipeline, [Stage.INPUT])] == ["a"]
    assert [each.rule for each in note_streaming(guard.pipeline, [Stage.OUTPUT], "b")] == ["b"]
    assert said[0].to_dict() == {
        "rule": "c",
        "stage": "output",
        "how": "whole",
        "why": "the rule says stream: whole",
        "detectors": [],
        "patterns": [],
    }


def test_patterns_that_may_hold_any_length_are_named(guard_of: Callable[..., Guard]) -> None:
    """Of the rule that is asked for, as it takes a while to find them."""
    guard = guard_of("""
detectors:
  ids: {use: patterns, category: custom.id, patterns: ['ID-[0-9]{4}', 'open [a-z]+ end']}
rules:
  - {id: r, on: output, when: custom.id > 0, then: redact}
""")
    [said] = note_streaming(guard.pipeline, [Stage.OUTPUT], "r")
    assert said.patterns == ("ids: 'open [a-z]+ end': an open match may be of any length",)
    assert note_streaming(guard.pipeline, [Stage.OUTPUT])[0].patterns == ()
