"""Texts that stand encoded in others, through the whole engine: found, pointed at, redacted, bounded."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from guardrails import Detection, Finding, Guard, Stage, Text
from guardrails.detectors.kinds import Kind
from guardrails.engine.content.content_tree import ContentTree, Leaf, resolve_span
from guardrails.engine.core.fast_path import FastPath, decoding_limits
from guardrails.engine.core.findings_cache import FindingsCache
from guardrails.types import CLEAN, Place
from tests.cases import each_case

POLICY = """
detectors:
  bad: {use: terms, terms: [badword], category: custom.bad}
  mail: {use: pii, entities: [email]}
rules:
  - {id: bad, on: [input, output, tool_call, tool_result], when: custom.bad > 0, then: block}
  - {id: mail, on: [input, output, tool_call, tool_result], when: pii.email > 0, then: redact}
"""


def b64(text: str) -> str:
    """Encode."""
    return base64.b64encode(text.encode()).decode()


MAIL = b64("write to jo@example.com, now")


@pytest.fixture(scope="module")
def guard(guard_of: Callable[..., Guard]) -> Guard:
    """Return a guard that blocks a word and redacts addresses."""
    return guard_of(POLICY)


@each_case(
    ("text", "origin", "span", "content"),
    [
        (f"see {MAIL}.", "base64", (4, 44), "see [EMAIL]."),
        ("see jo%40example.com.", "percent", (4, 20), "see [EMAIL]."),
        (f"see {b64('0x' + b'jo@example.com'.hex())}!", "base64>hex", (4, 44), "see [EMAIL]!"),
    ],
)
def test_a_finding_in_what_was_encoded_is_redacted_where_it_stood(
    guard: Guard, text: str, origin: str, span: tuple[int, int], content: str
) -> None:
    """The finding has the encoding as origin and the payload as span; nothing else of the text changes."""
    verdict = guard.check(text)
    [finding] = verdict.findings
    assert (finding.category, finding.origin, finding.span) == ("pii.email", origin, span)
    assert verdict.content == content


@each_case("text", [f"decode {b64('this is a badword indeed')}", "gur onqjbeq vf urer, naq gung vf nyy"])
def test_a_block_in_what_was_encoded_blocks(guard: Guard, text: str) -> None:
    """Rules hold for the decoded text as for any other."""
    verdict = guard.check(text)
    assert [rule.id for rule in verdict.rules] == ["bad"]


def test_what_is_found_plainly_is_not_found_again_in_a_decoded_text(guard: Guard) -> None:
    """Percent escapes nearby make a text be read once more: the address in it is one finding."""
    verdict = guard.check("jo@example.com is 100%20sure")
    assert [finding.origin for finding in verdict.findings] == [None]


def test_a_payload_split_over_two_parts_is_found(guard: Guard) -> None:
    """Parts of a message are joined before they are decoded; each loses its half."""
    parts = [
        {"type": "text", "text": f"see {MAIL[:18]}"},
        {"type": "text", "text": f"{MAIL[18:]} there"},
    ]
    verdict = guard.check([{"role": "user", "content": parts}])
    assert [part["text"] for part in verdict.content[0]["content"]] == ["see [EMAIL]", " there"]  # type: ignore[index]


def test_a_payload_inside_tool_arguments_is_redacted_in_place(guard: Guard) -> None:
    """The arguments stay JSON, and only the string with the payload changes."""
    call = {
        "id": "1",
        "type": "function",
        "function": {"name": "f", "arguments": f'{{"to": "{MAIL}", "n": 1}}'},
    }
    verdict = guard.check(
        [{"role": "user", "content": "go"}, {"role": "assistant", "content": None, "tool_calls": [call]}]
    )
    assert verdict.content[1]["tool_calls"][0]["function"]["arguments"] == '{"to": "[EMAIL]", "n": 1}'  # type: ignore[index]


def test_decoded_texts_are_not_counted_as_parts(guard: Guard) -> None:
    """Coverage counts what was given."""
    assert guard.check(f"see {MAIL}").coverage.to_dict()["text"] == {
        "parts": 1,
        "checked": 1,
        "characters": 44,
    }


@each_case(
    ("limits", "text", "reason"),
    [
        ("{encoding_depth: 1}", b64(b64("a harmless sentence")), "base64 nested deeper than 1 levels"),
        (
            "{encoded_payloads: 1}",
            f"{b64('one harmless sentence')} {b64('and another one')}",
            "more encoded payloads than are decoded",
        ),
        ("{characters: 200}", b64("harmless words " * 9) + " " + b64("more of them " * 9), None),
    ],
)
def test_what_is_beyond_the_limits_is_unchecked(
    guard_of: Callable[..., Guard], limits: str, text: str, reason: str | None
) -> None:
    """Depth, number and size are the policy's; what lies beyond is blocked unless the policy says otherwise."""
    verdict = guard_of(f"limits: {limits}\n{POLICY}").check(text)
    assert [rule.id for rule in verdict.rules] == ["unchecked.limit"]
    assert verdict.blocked
    assert reason is None or [entry.reason for entry in verdict.coverage.unchecked] == [reason]


def test_decoding_can_be_switched_off_but_not_for_the_floor(guard_of: Callable[..., Guard]) -> None:
    """With a depth of 0 nothing is decoded; a floor that decodes is not weakened."""
    off = f"limits: {{encoding_depth: 0}}\n{POLICY}"
    assert str(guard_of(off).check(MAIL).action) == "allow"
    assert str(guard_of(off, floor=POLICY).check(MAIL).action) == "redact"
    assert decoding_limits(guard_of(off, floor=POLICY).pipeline.policies) == (3, 1_000, 200_000)


def test_exceptions_compare_the_decoded_text(guard_of: Callable[..., Guard]) -> None:
    """An address that is known to be harmless is so in an encoding too."""
    allowed = f"{POLICY}exceptions:\n  - {{id: ours, matches: [jo@example.com], reason: our own}}\n"
    assert str(guard_of(allowed).check(f"see {MAIL}").action) == "allow"


def test_rules_that_need_no_finding_do_not_fire_for_a_decoded_text_alone(
    guard_of: Callable[..., Guard],
) -> None:
    """A rule about length looks at what was given, once."""
    guard = guard_of(f"{POLICY}  - {{id: short, on: input, when: content.length < 30, then: flag}}\n")
    assert str(guard.check(f"see {MAIL} {MAIL}").action) == "redact"
    assert [rule.id for rule in guard.check(f"see {MAIL} {MAIL}").rules] == ["mail"]


@each_case(("decoded", "seen"), [(True, 2), (False, 1)])
def test_a_detector_says_whether_it_judges_decoded_texts(
    guard_of: Callable[..., Guard], kind_of: Callable[..., Kind], own: Any, decoded: bool, seen: int
) -> None:
    """A detector of length, say, has no business with what was encoded."""
    detector = own(lambda content: CLEAN)
    rules = "detectors: {one: {use: own}}\nrules: [{id: own, on: input, when: custom.own > 0, then: block}]\n"
    guard_of(rules, detectors={"own": kind_of(detector, decoded=decoded)}).check(f"see {MAIL}")
    # The allow path asks once, and what it learnt is not asked again.
    assert len(detector.seen) == seen


def test_a_decoded_text_keeps_stage_and_context(
    guard_of: Callable[..., Guard], kind_of: Callable[..., Kind]
) -> None:
    """Detectors that read the system prompt have it for what was encoded in a reply as well."""

    def judge(content: Text) -> Detection:
        known = content.place.origin == "base64" and content.context == {"system": "be kind", "prompt": ""}
        return Detection((Finding("custom.own", 1.0, "one", (0, 1)),)) if known else CLEAN

    rules = (
        "detectors: {one: {use: own}}\nrules: [{id: own, on: output, when: custom.own > 0, then: block}]\n"
    )
    guard = guard_of(rules, detectors={"own": kind_of(judge, reads=("system",))})
    assert guard.check(Text(f"see {MAIL}", Place(Stage.OUTPUT), {"system": "be kind"})).blocked


def test_the_allow_path_judges_encoded_texts(guard: Guard) -> None:
    """What stands encoded is allowed at once where nothing is found in it either, and within the limits."""

    def allow(text: str) -> object:
        tree = ContentTree(leaves=[Leaf(Text(text, Place(Stage.INPUT)))])
        return FastPath(guard.pipeline.policies, FindingsCache()).allow(tree, {}, {})

    assert allow(f"see {b64('a harmless sentence')}") is not None
    assert allow(f"see {b64('a badword in a sentence')}") is None
    assert allow(f"see {b64(b64('a badword in a sentence'))}") is None
    assert allow("see " + b64(b64(b64(b64(b64("a harmless sentence")))))) is None
    assert allow("see the internationalization guide of /usr/share/documentation") is not None


def places(leaves: Sequence[Leaf], index: int, span: tuple[int, int]) -> list[tuple[int, int, int]]:
    """Return the stretches as a list."""
    return list(resolve_span(leaves, index, span))


def test_stretches_of_a_decoded_text_lead_through_joined_parts() -> None:
    """A span of what was encoded in a joined text covers the payload's pieces in the parts."""
    tree = ContentTree()
    place = Place(Stage.INPUT)
    tree.text(f"see {MAIL[:18]}", ("a",), place)
    tree.text(f"{MAIL[18:]} there", ("b",), place)
    tree.join([0, 1], (), place)
    tree.decode(3, 10, 1_000)
    derived = len(tree.leaves) - 1
    assert tree.leaves[derived].parent == 2
    assert places(tree.leaves, derived, (9, 23)) == [(0, 4, 22), (1, 0, 22)]
    assert [leaf.again for leaf in tree.leaves[:3]] == [False, False, True]
    assert all(leaf.again for leaf in tree.leaves[3:])
