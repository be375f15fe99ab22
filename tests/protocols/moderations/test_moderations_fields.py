"""What the moderation API is asked in, what to judge out; a verdict in, a result out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails import Content, Detection, Finding, Guard, RequestError
from guardrails.engine.content.payload import Payload
from guardrails.engine.model import Outcome, Request
from guardrails.protocols.chat.chat_fields import read_request, read_response
from guardrails.protocols.moderations.moderations_fields import MOST, Moderation, deciding, inputs, stricter
from guardrails.taxonomy import OPENAI
from guardrails.types import (
    CLEAN,
    Action,
    Coverage,
    DetectorFailure,
    FiredRule,
    Stage,
)
from tests.cases import each_case

TEXT = {"type": "text", "text": "a zqxhate"}
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "iVBORw0KGgo" * 5 + "="}}
POLICY = """
detectors:
  hate: {use: terms, terms: [zqxhate], category: hate}
  worse: {use: terms, terms: [zqxworse], category: hate.threatening}
  rude: {use: terms, terms: [zqxrude], category: harassment}
  mask: {use: terms, terms: [zqxmask], category: custom.mask}
rules:
  - {id: hate, on: input, when: hate > 0, then: block}
  - {id: rude, on: input, when: harassment > 0, then: flag}
  - {id: mask, on: input, when: custom.mask > 0, then: redact}
unchecked: {part: flag}
"""


@pytest.fixture(scope="module")
def guard(guard_of: Callable[..., Guard]) -> Guard:
    """A guard that blocks hate, flags rudeness, and redacts zqxmask."""
    return guard_of(POLICY)


def judged(guard: Guard, asked: Any, stage: Stage = Stage.INPUT) -> list[dict[str, Any]]:
    """Return the results on what is asked."""
    out, moderation = [], Moderation(guard.pipeline.policies, stage)
    for tree in inputs(asked, stage):
        verdict = guard.check(Payload(tree, lambda _: None), stage.value, complete=True)
        out.append(moderation.result(verdict, tree))
    return out


def told(said: dict[str, Any]) -> dict[str, tuple[bool, float, list[str]]]:
    """Return a result by category."""
    maps = [said[name] for name in ("categories", "category_scores", "category_applied_input_types")]
    assert [*maps[0]] == [*maps[1]] == [*maps[2]]
    assert {*OPENAI} <= {*maps[0]}
    return {name: tuple(each[name] for each in maps) for name in maps[0]}


YES, NO, NEVER = (True, 1.0, ["text"]), (False, 0.0, ["text"]), (False, 0.0, [])


@each_case(
    ("text", "flagged", "found"),
    [
        ("all is fine", False, {}),
        ("a zqxhate", True, {"hate": YES, "unsafe": YES}),
        ("a zqxworse", True, {"hate": YES, "hate/threatening": YES, "unsafe": YES}),
        ("a zqxrude", False, {"harassment": (False, 1.0, ["text"]), "unsafe": (False, 1.0, ["text"])}),
        ("zqxrude zqxhate", True, {"hate": YES, "harassment": (False, 1.0, ["text"]), "unsafe": YES}),
        ("a zqxmask", True, {"custom.mask": YES, "custom": YES}),
        ("", False, {}),
    ],
)
def test_a_category_is_true_where_a_rule_blocks_or_redacts_for_it(guard, text, flagged, found) -> None:
    """Scores are those of the findings, a parent's at least its children's; what only a flag rule names is not flagged."""
    (said,) = judged(guard, text)
    names = told(said)
    assert said["flagged"] is flagged
    known = {"hate", "hate/threatening", "harassment", "custom.mask", *found}
    assert names == {name: found.get(name, NO if name in known else NEVER) for name in names}
    assert "unchecked" not in said


def test_of_several_findings_those_that_are_enough_make_a_category_true(guard_of, kind_of) -> None:
    """A score below the rule's is no reason for it; where only several together are enough, all are."""
    found = (Finding("hate", 0.9, "d"), Finding("violence", 0.2, "d"))
    kind = kind_of(lambda content: Detection(found), "hate", "violence", spans=False)
    for when, true in (("unsafe >= 0.5", {"hate"}), ("hate + violence > 1.0", {"hate", "violence"})):
        guard = guard_of(
            f"detectors: {{d: {{use: own}}}}\nrules: [{{id: r, on: input, when: {when}, then: block}}]",
            detectors={"own": kind},
        )
        (said,) = judged(guard, "x")
        assert {name for name in OPENAI if said["categories"][name]} == true
        assert said["category_scores"]["violence"] == 0.2


def test_a_category_whose_detector_failed_was_judged_on_nothing(guard_of, kind_of) -> None:
    """Its block rules fire, as elsewhere; no score is made up."""

    def judge(content: Content) -> Detection:
        return 1 / 0 if "zqx" in getattr(content, "text", "") else CLEAN

    guard = guard_of(
        "detectors: {d: {use: own}}\nrules: [{id: own, on: input, when: custom.own > 0, then: block}]",
        detectors={"own": kind_of(judge)},
    )
    fine, failed = judged(guard, ["x", "zqx"])
    assert (fine["flagged"], told(fine)["custom.own"]) == (False, NO)
    assert (failed["flagged"], told(failed)["custom.own"]) == (True, NEVER)


def test_a_text_that_was_judged_in_part_was_not_judged_on_but_for_what_was_found(guard_of) -> None:
    """What is past a limit is named, and the action of `unchecked: limit` holds."""
    guard = guard_of(POLICY + "limits: {characters: 20}\n")
    (said,) = judged(guard, "zqxrude " + "x" * 30)
    assert said["flagged"] is True
    assert [entry["kind"] for entry in said["unchecked"]] == ["limit"]
    assert told(said)["hate"] == NEVER


def test_there_is_one_result_for_each_text_and_one_for_all_parts(guard) -> None:
    """A picture is judged by nobody, which is said; what stands beside it is."""
    assert [each["flagged"] for each in judged(guard, ["x", "zqxhate", "y"])] == [False, True, False]
    (said,) = judged(guard, [TEXT, PICTURE])
    assert told(said)["hate"] == YES
    assert told(said)["sexual"] == NEVER
    assert said["unchecked"] == [
        {
            "kind": "part",
            "reason": "no detector reads this image",
            "path": "/input/1/image_url/url",
            "span": None,
        }
    ]


def test_a_picture_alone_was_judged_on_nothing(guard, guard_of) -> None:
    """Not even where its address is a text; it is flagged as the policy says of what nobody judges."""
    for url in ("https://x.example/p.png", PICTURE["image_url"]["url"]):
        (said,) = judged(guard, [{"type": "image_url", "image_url": {"url": url}}])
        assert (said["flagged"], said["category_applied_input_types"]["hate"]) == (False, [])
    (said,) = judged(guard_of(POLICY.replace("part: flag", "part: block")), [PICTURE])
    assert said["flagged"] is True
    assert not any(said["categories"].values())


def test_a_word_in_two_parts_is_a_word(guard) -> None:
    """Parts are judged joined too."""
    halves = [{"type": "text", "text": "zqx"}, {"type": "text", "text": "hate"}]
    assert judged(guard, halves)[0]["flagged"] is True


def test_a_floor_counts_too(guard_of) -> None:
    """Its rules flag, and its categories are told."""
    floor = """
format: 1
name: floor
detectors: {bomb: {use: terms, terms: [zqxbomb], category: custom.bomb}}
rules: [{id: bomb, on: input, when: custom.bomb > 0, then: block}]
"""
    (said,) = judged(guard_of(POLICY, floor=floor), "a zqxbomb")
    assert (said["flagged"], said["categories"]["custom.bomb"]) == (True, True)


def test_the_stage_decides_which_rules_there_are(guard) -> None:
    """What is only judged in what a user says is not judged elsewhere."""
    (said,) = judged(guard, "zqxhate", Stage.OUTPUT)
    assert said["flagged"] is False
    assert {*told(said)} == {*OPENAI}
    assert {*map(len, said["category_applied_input_types"].values())} == {0}


@each_case(
    ("asked", "path"),
    [
        (None, "/input"), (1, "/input"), ({"type": "text"}, "/input"), ([], "/input"),
        (["a", 1], "/input/1"), (["a", TEXT], "/input/1"), ([TEXT, "a"], "/input/1"), ([1, 2], "/input/0"),
        ([{"type": "text"}], "/input/0"), ([{"type": "text", "text": 1}], "/input/0"), ([{"text": "a"}], "/input/0"),
        ([{"type": ["text"], "text": "x"}], "/input/0"), ([{"type": "image_url", "image_url": "x"}], "/input/0"),
        ([{"type": "audio", "audio": {}}], "/input/0"), ([{"type": "x"}], "/input/0"), ([[1, 2]], "/input/0"),
    ],
)  # fmt: skip
def test_anything_else_is_refused(asked, path) -> None:
    """With its place."""
    with pytest.raises(RequestError) as caught:
        inputs(asked, Stage.INPUT)
    assert (caught.value.code, caught.value.path) == ("invalid_input", path)


def test_there_may_not_be_any_number_of_them() -> None:
    """Each text is a check of its own."""
    assert len(inputs(["x"] * MOST, Stage.INPUT)) == MOST
    with pytest.raises(RequestError) as caught:
        inputs(["x"] * (MOST + 1), Stage.INPUT)
    assert caught.value.code == "too_many_inputs"


@given(
    st.lists(st.sampled_from(["x", "zqxhate", "zqxmask", "zqxrude y", "zqxworse"]), min_size=1, max_size=8)
)
def test_texts_do_not_touch_each_other(guard: Guard, texts: list[str]) -> None:
    """Each has the result that it has alone."""
    assert judged(guard, texts) == [judged(guard, text)[0] for text in texts]


SAYING = """
detectors:
  hate: {use: terms, terms: [zqxhate], category: hate}
  mask: {use: terms, terms: [zqxmask], category: custom.mask}
  seen: {use: terms, terms: [zqxseen], category: custom.seen}
  call: {use: terms, terms: [zqxcall], category: custom.call}
rules:
  - {id: hate, on: output, when: hate > 0, then: block}
  - {id: mask, on: output, when: custom.mask > 0, then: redact}
  - {id: seen, on: input, when: custom.seen > 0, then: flag}
  - {id: call, on: tool_call, when: custom.call > 0, then: flag}
"""


def answer(*contents: str) -> dict[str, Any]:
    """Return a completion with these choices."""
    messages = [{"role": "assistant", "content": content} for content in contents]
    return {"choices": [{"index": at, "message": each} for at, each in enumerate(messages)]}


@each_case(
    ("texts", "flagged", "scores"),
    [
        (("fine", "zqxhate", "zqxmask"), (False, True, True), ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0))),
        (("zqxmask zqxhate", "", "x"), (True, False, False), ((1.0, 1.0), (0.0, 0.0), (0.0, 0.0))),
    ],
)
def test_a_choice_has_what_was_found_in_it(guard_of, texts, flagged, scores) -> None:
    """A finding, a rule or a flag of another choice is none of its own."""
    guard = guard_of(SAYING)
    tree = read_response(answer(*texts))
    subject = Payload(tree, lambda _: None)
    outcome = guard.pipeline.check(tree, Request(), complete=True)
    verdict = guard.verdict(subject, outcome, Stage.OUTPUT)
    moderation = Moderation(guard.pipeline.policies, Stage.OUTPUT)

    results = [moderation.result(verdict, tree, outcome, choice) for choice in range(3)]

    assert tuple(each["flagged"] for each in results) == flagged
    found = [(each["category_scores"]["hate"], each["category_scores"]["custom.mask"]) for each in results]
    assert tuple(found) == scores
    for result, (hate, mask) in zip(results, scores, strict=True):
        true = {name for name, is_true in result["categories"].items() if is_true}
        assert true - {"custom", "unsafe"} == {
            *(["hate"] if hate else []),
            *(["custom.mask"] if mask else []),
        }
    assert moderation.result(verdict, tree)["flagged"] is True


def test_what_belongs_to_no_choice_is_each_ones(guard_of) -> None:
    """A text beside the choices flags them all."""
    guard = guard_of(SAYING)
    tree = read_response({**answer("fine", "fine"), "x_new": "a zqxhate"})
    outcome = guard.pipeline.check(tree, Request(), complete=True)
    verdict = guard.verdict(Payload(tree, lambda _: None), outcome, Stage.OUTPUT)
    moderation = Moderation(guard.pipeline.policies, Stage.OUTPUT)

    said = [moderation.said(verdict, tree, outcome, choice) for choice in range(2)]

    assert [(each.flagged, each.scores["hate"], each.rules) for each in said] == [
        (True, 1.0, {"hate": {"hate", "unsafe"}})
    ] * 2


@each_case(
    ("stages", "judged"),
    [
        ((Stage.OUTPUT,), {"hate", "custom.mask"}),
        ((Stage.INPUT,), {"custom.seen"}),
        ((Stage.INPUT, Stage.OUTPUT), {"hate", "custom.mask", "custom.seen"}),
    ],
)
def test_what_is_judged_at_the_stages_that_are_asked_for_is_told(guard_of, stages, judged) -> None:
    """A conversation stands at several."""
    guard = guard_of(SAYING)
    tree = read_request(
        {"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]}
    )
    verdict = guard.check(Payload(tree, lambda _: None), complete=True)

    result = Moderation(guard.pipeline.policies, *stages).result(verdict, tree)

    kinds = result["category_applied_input_types"]
    assert {name for name, on in kinds.items() if on} == judged
    assert kinds.keys() - OPENAI.keys() == judged - {"hate"}


FAILED = (DetectorFailure("own", "it broke"),)


def outcome_of(action: Action, **more: Any) -> Outcome:
    """Return an outcome."""
    rules = (FiredRule("r", action),) if action else ()
    return Outcome(action, rules, (), (), Coverage({}), more.pop("errors", ()), True, **more)


@each_case(
    ("outcome", "blocked", "reason"),
    [
        (outcome_of(Action.ALLOW), None, ""),
        (outcome_of(Action.FLAG), None, ""),
        (outcome_of(Action.BLOCK, blocked=frozenset({3})), None, ""),
        (outcome_of(Action.REDACT, edits={1: "x", 2: "y"}), {1, 2}, "matched"),
        (outcome_of(Action.REDACT, removed=(0,)), {-1}, "matched"),
        (outcome_of(Action.BLOCK, blocked=frozenset({3}), edits={1: "x"}), {1, 3}, "matched"),
        (outcome_of(Action.ALLOW, errors=FAILED), {-1}, "error"),
        (outcome_of(Action.REDACT, edits={1: "x"}, errors=FAILED), {-1, 1}, "error"),
        (outcome_of(Action.BLOCK, blocked=frozenset({3}), errors=FAILED), {-1, 3}, "error"),
    ],
)
def test_what_is_flagged_or_failed_can_be_blocked(outcome, blocked, reason) -> None:
    """Never weaker: what is blocked stays so, and nothing is edited any more. A rule says why, before those that did less."""
    new = stricter(outcome, "moderation.output", {"own"})

    if blocked is None:
        assert new is outcome
        return
    assert (new.action, new.blocked, new.edits, new.removed) == (Action.BLOCK, blocked, {}, ())
    why = next(rule for rule in new.rules if rule.id == "moderation.output")
    assert (why.action, why.reason) == (Action.BLOCK, reason)
    assert [rule.action for rule in new.rules] == sorted((rule.action for rule in new.rules), reverse=True)
    assert stricter(new, "moderation.output", {"own"}).blocked == new.blocked


def test_only_detectors_that_decide_are_needed(guard_of) -> None:
    """Those of enforced rules that block or redact: of the floor, too; what only records, or is in shadow, decides nothing."""
    policy = """
detectors:
  hate: {use: terms, terms: [zqxhate], category: hate.threatening}
  mask: {use: terms, terms: [zqxmask], category: custom.mask}
  seen: {use: terms, terms: [zqxseen], category: custom.seen}
  shade: {use: terms, terms: [zqxshade], category: custom.shade}
rules:
  - {id: hate, on: output, when: hate > 0, then: block, on_error: allow}
  - {id: mask, on: input, when: custom.mask > 0, then: redact}
  - {id: seen, on: input, when: custom.seen > 0, then: flag}
  - {id: shade, on: input, when: custom.shade > 0, then: block, mode: shadow}
"""
    floor = "detectors: {low: {use: terms, terms: [zqxlow], category: custom.low}}\n"
    floor += "rules: [{id: low, on: input, when: custom.low > 0, then: block}]\n"
    guard = guard_of(policy, floor=floor)

    assert deciding(guard.pipeline.policies) == {"hate", "mask", "low"}
    failed = outcome_of(Action.ALLOW, errors=FAILED)
    assert stricter(failed, "moderation.output", deciding(guard.pipeline.policies)) is failed


@each_case("green", [True, False])
def test_a_picture_is_judged_as_the_policy_says(guard_of: Callable[..., Guard], *, green: bool) -> None:
    """A category says whether it was judged on the text, on the picture, or on both."""
    import io
    from base64 import b64encode

    from PIL import Image

    image = Image.new("RGB", (60, 40), "white")
    image.paste((0, 255, 0) if green else (9, 9, 9), (10, 10, 30, 30))
    out = io.BytesIO()
    image.save(out, "PNG")
    guard = guard_of("""
detectors:
  seen: {use: green_square, category: sexual.explicit}
  words: {use: terms, terms: [zqxsex], category: sexual}
  hate: {use: terms, terms: [zqxhate], category: hate}
rules:
  - {id: sexual, on: input, when: sexual > 0.5, then: block}
  - {id: hate, on: input, when: hate > 0.5, then: block}
""")
    url = f"data:image/png;base64,{b64encode(out.getvalue()).decode()}"
    (said,) = judged(guard, [TEXT | {"text": "fine"}, {"type": "image_url", "image_url": {"url": url}}])
    found = told(said)
    assert said["flagged"] is green
    assert found["sexual"] == (green, float(green), ["text", "image"])
    assert found["hate"] == NO
