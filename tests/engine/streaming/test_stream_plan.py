"""What a growing text waits for: the rules that may change or stop it, their detectors, and why some of it is held whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from guardrails import Guard, Stage
from guardrails.detectors.kinds import Kind
from guardrails.engine.streaming.stream_plan import StreamPlan, build_stream_plan
from guardrails.types import CLEAN, Detection
from tests.cases import each_case

DETECTORS = """
detectors:
  words: {use: terms, terms: [zqxbomb], category: custom.bad}
  more: {use: terms, terms: [kkstop], category: custom.stop}
  pii: {use: pii, entities: [email]}
  own: {use: own}
  judge: {use: judge-like}
"""


@pytest.fixture(scope="module")
def kinds(kind_of: Callable[..., Kind]) -> dict[str, Kind]:
    """Two detectors of a test's own: one that needs the whole text, one that judges passages."""

    class Passages:
        passages = True

        def detect(self, batch: Any) -> list[Detection]:
            return [CLEAN for _ in batch]

    return {
        "own": kind_of(lambda content: CLEAN),
        "judge-like": kind_of(Passages(), "custom.judged", spans=False, tier=1),
    }


Gates = Callable[..., StreamPlan]


@pytest.fixture
def gate_of(guard_of: Callable[..., Guard], kinds: dict[str, Kind]) -> Gates:
    """Return a function: rules in, the gate of outputs out."""

    def make(
        *rules: str, more: str = "", floor: str | None = None, stage: Stage = Stage.OUTPUT
    ) -> StreamPlan:
        lines = "".join(f"  - {{id: r{at}, on: output, {rule}}}\n" for at, rule in enumerate(rules))
        guard = guard_of(f"{DETECTORS}rules:\n{lines}{more}", floor=floor, detectors=kinds)
        return guard.pipeline.stream_plan((stage,))

    return make


BAD = "when: custom.bad > 0"


@each_case(
    ("rule", "waits"),
    [
        (f"{BAD}, then: block", True),
        (f"{BAD}, then: redact", True),
        (f"{BAD}, then: flag", False),
        (f"{BAD}, then: flag, on_error: block", True),
        (f"{BAD}, then: redact, on_error: flag", True),
        (f"{BAD}, then: block, on_error: allow", True),
        (f"{BAD}, then: block, mode: shadow", False),
        (f"{BAD}, then: redact, mode: shadow", False),
        (f"{BAD}, then: block, stream: annotate", False),
        (f"{BAD}, then: redact, stream: annotate", False),
        (f"{BAD}, then: block, stream: segment", True),
    ],
)
def test_a_text_waits_for_rules_that_may_change_or_stop_it(gate_of: Gates, rule: str, waits: bool) -> None:
    """Not for what only records, nor for what is said to come after."""
    gate = gate_of(rule)
    assert [len(rules) for rules in gate.rules] == [int(waits)]
    assert [bound.name for bound in gate.exact] == ["words"] * waits
    assert (gate.passages, gate.whole) == ((), {})


def test_it_waits_for_the_detectors_of_these_rules_alone(gate_of: Gates) -> None:
    """A detector that only flags is not waited for; one that two rules read stands there once."""
    gate = gate_of(
        "when: custom.bad > 0, then: block",
        "when: custom.bad > 0 || pii > 0, then: redact",
        "when: custom.stop > 0 || custom.own > 0 || custom.judged > 0, then: flag",
    )
    assert sorted(bound.name for bound in gate.exact) == ["pii", "words"]
    assert (gate.passages, gate.whole) == ((), {})
    assert sorted(bound.name for bounds, _ in gate.streams for bound in bounds) == ["pii", "words"]


def test_where_unread_languages_stop_a_text_it_waits_for_all_that_tell_them(gate_of: Gates) -> None:
    """Also for a detector that only flags."""
    flags = "when: custom.judged > 0, then: flag"
    assert gate_of(flags).passages == ()
    waited = gate_of(flags, more="unchecked: {language: block}\n").passages
    assert [bound.name for bound in waited] == ["judge"]


def test_rules_of_other_stages_are_not_waited_for(gate_of: Gates) -> None:
    """Nor their detectors."""
    gate = gate_of("when: custom.bad > 0, then: block", stage=Stage.INPUT)
    assert (gate.rules, gate.exact, gate.whole) == (((),), (), {})


def test_formats_are_judged_whole_whatever_the_rule_says(tmp_path: Path) -> None:
    """A passage of valid JSON is none: judged passage by passage, it would be blocked."""
    (tmp_path / "p.yaml").write_text(
        "format: 1\nname: t\ndetectors: {shape: {use: format, kind: json}}\n"
        "rules: [{id: r, on: output, when: custom.format > 0, then: block, stream: segment}]\n"
    )
    plan = build_stream_plan((Guard.load(tmp_path / "p.yaml").policy,), (Stage.OUTPUT,))
    assert plan.passages == ()
    assert "as a part of a valid one is not valid" in plan.whole["r"]


@each_case(
    ("rule", "passages", "whole"),
    [
        ("when: custom.judged > 0, then: block", ["judge"], None),
        ("when: custom.judged > 0, then: block, stream: segment", ["judge"], None),
        ("when: custom.judged > 0, then: block, stream: whole", [], "the rule says stream: whole"),
        ("when: custom.judged > 0, then: flag, on_error: block", ["judge"], None),
        ("when: custom.own > 0, then: block", [], "detector 'own' needs the whole text"),
        ("when: custom.own > 0, then: block, stream: segment", ["own"], None),
        ("when: custom.own > 0, then: flag, on_error: block", [], "detector 'own' needs the whole text"),
        ("when: custom.own > 0, then: redact", [], "it redacts what detector 'own' finds, which needs the whole text"),
        ("when: custom.own > 0, then: redact, stream: segment", [],
         "it redacts what detector 'own' finds, which needs the whole text"),
        ("when: custom.own > 0, then: block, stream: annotate", [], None),
        ("when: 'detector.own.custom.own > 0', then: block", [], "detector 'own' needs the whole text"),
        ("when: custom.own >= 0.5 || custom.judged > 0, then: block", ["judge"], "detector 'own' needs the whole text"),
    ],
)  # fmt: skip
def test_detectors_that_cannot_tell_what_is_settled(
    gate_of: Gates, rule: str, passages: list[str], whole: str | None
) -> None:
    """They judge passage by passage where they can or a rule says so; else the text is held, and it says why."""
    gate = gate_of(rule)
    assert [bound.name for bound in gate.passages] == passages
    assert gate.whole == ({} if whole is None else {"r0": whole})


@each_case(
    ("rule", "why"),
    [
        ("when: custom.bad > 0 && custom.stop > 0, then: block", "joins several findings"),
        ("when: 'count(\"custom.bad\") >= 2', then: block", "counts findings"),
        ("when: 'custom.bad > 0 && content.language == \"de\"', then: redact", "content.language of the whole text"),
        ("when: custom.bad > 0, then: redact, redact: [custom.stop]", "not decided by each finding alone"),
        ("when: 'custom.bad > 0 || request.user.x == \"y\"', then: redact", "redact without a finding"),
        (f"{BAD}, then: block, stream: whole", "the rule says stream: whole"),
    ],
)  # fmt: skip
def test_conditions_that_need_the_whole_text_hold_it(gate_of: Gates, rule: str, why: str) -> None:
    """Whatever their detectors can do, which are not asked as it grows."""
    gate = gate_of(rule)
    assert why in gate.whole["r0"]
    assert gate.exact == ()


def test_a_floor_is_waited_for_as_well_and_each_policy_has_its_own_detectors(gate_of: Gates) -> None:
    """Also where both give a detector the same name: what that of one finds is nothing to the rules of the other."""
    gate = gate_of(
        f"{BAD}, then: redact",
        floor="detectors:\n  words: {use: terms, terms: [other], category: custom.bad}\n"
        "rules:\n  - {id: r0, on: output, when: custom.bad > 0, then: block}\n",
    )
    assert [[rule.then.name for rule in rules] for rules in gate.rules] == [["REDACT"], ["BLOCK"]]
    assert [bound.name for bound in gate.exact] == ["words", "words"]
    first, second = (bound.digest for bound in gate.exact)
    assert [(first in own, second in own) for own in gate.own] == [(True, False), (False, True)]


def test_patterns_are_searched_together_only_where_the_same_policies_have_them(gate_of: Gates) -> None:
    """Else nobody could tell whose finding it is: both may have the same name."""
    pattern = "words: {use: patterns, patterns: ['%s'], category: custom.bad}"
    floor = f"detectors:\n  {pattern % 'AB-1'}\n  same: {{use: patterns, patterns: ['SAME-1'], category: custom.bad}}\n"
    rule = "rules:\n  - {id: f, on: output, when: custom.bad > 0, then: block}\n"
    gate = gate_of(f"{BAD}, then: redact", "when: pii > 0, then: block", floor=floor + rule)
    groups = [sorted(bound.name for bound in bounds) for bounds, _ in gate.streams]
    assert sorted(groups) == [["pii"], ["same", "words"], ["words"]]


def test_patterns_are_searched_together_with_those_of_the_same_file(tmp_path: Path) -> None:
    """So that what policies inherit is put together once for all of them; what is overridden belongs to who overrides it."""
    each = "  {0}: {{use: patterns, patterns: ['{0}{0}'], category: custom.{0}}}\n"
    rule = "rules: [{id: ID, on: output, when: custom > 0, then: block}]\n"
    detectors = f"detectors:\n{''.join(map(each.format, 'abc'))}"
    (tmp_path / "base.yaml").write_text(f"format: 1\nname: base\n{detectors}{rule.replace('ID', 'base')}")
    own = f"detectors:\n{''.join(map(each.format, 'de'))}{rule.replace('ID', 'own')}"
    streams = []
    for name, more in (("one", ""), ("two", ""), ("three", "override: {detectors: {a: {score: 0.5}}}\n")):
        path = tmp_path / f"{name}.yaml"
        path.write_text(f"format: 1\nname: {name}\nextends: [base.yaml]\n{own}{more}")
        streams.append(Guard.load(path).pipeline.stream_plan((Stage.OUTPUT,)).streams)

    groups = [[[bound.name for bound in bounds] for bounds, _ in each] for each in streams]
    assert groups == [
        [["a", "b", "c"], ["d", "e"]],
        [["a", "b", "c"], ["d", "e"]],
        [["a", "d", "e"], ["b", "c"]],
    ]
    assert [begin.__self__ for _, begin in streams[0]] == [begin.__self__ for _, begin in streams[1]]


def test_the_same_detector_of_two_policies_is_asked_once(gate_of: Gates) -> None:
    """Both see what it finds."""
    floor = "detectors:\n  words: {use: terms, terms: [zqxbomb], category: custom.bad}\n"
    rule = "rules:\n  - {id: f, on: output, when: custom.bad > 0, then: block}\n"
    gate = gate_of(f"{BAD}, then: redact", floor=floor + rule)
    assert len(gate.exact) == len(gate.streams) == 1
    assert all(gate.exact[0].digest in own for own in gate.own)


@pytest.mark.parametrize(
    ("own", "floor", "stops"),
    [
        ("", None, {"limit", "part", "image", "video", "latent"}),
        ("unchecked: {limit: flag, image: flag, video: flag}", None, {"part", "latent"}),
        ("unchecked: {limit: flag, part: allow, language: block}", None, {"language", "image", "video", "latent"}),
        (
            "unchecked: {limit: flag, part: flag, image: allow, video: allow}",
            "unchecked: {limit: flag, image: flag, video: flag, language: block}",
            {"part", "language", "latent"},
        ),
    ],
)  # fmt: skip
def test_kinds_of_what_is_left_unchecked_stop_a_text_where_one_policy_says_block(
    gate_of: Gates, own: str, floor: str | None, stops: set[str]
) -> None:
    """The stricter of both holds."""
    under = None if floor is None else f"rules: []\n{floor}\n"
    assert gate_of(f"{BAD}, then: block", more=own, floor=under).stops == stops


def test_what_stands_encoded_is_judged_by_those_that_judge_such(gate_of: Gates) -> None:
    """A limit of length is about the text itself."""
    gate = gate_of("when: custom.bad > 0 || custom.judged > 0, then: block")
    assert [bound.name for bound in gate.decoded] == ["words", "judge"]
