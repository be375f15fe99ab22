"""The `prompt_leak` detector: stretches of the system prompt and canaries, with their spans."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails import Action, Guard
from guardrails.detectors import ConfigProblems, PolicyFolder
from guardrails.detectors.binding import bind
from guardrails.detectors.prompt_leak.prompt_leak_detector import KIND, PromptLeakConfig, PromptLeakDetector
from guardrails.types import CLEAN, Finding, Image, Text
from tests.cases import each_case

SYSTEM = (
    "You are Ada, the assistant of Acme Bank. Never speak of the merger with Initech before March. "
    "Always answer in the customer's own language, and be brief."
)


def build(**fields: object) -> PromptLeakDetector:
    """Return a detector of this configuration."""
    config = PromptLeakConfig.model_validate({"use": "prompt_leak", **fields})
    detector = KIND.build("p", config, PolicyFolder(Path()))
    assert isinstance(detector, PromptLeakDetector)
    return detector


def findings(text: str, system: str | None = SYSTEM, **fields: object) -> tuple[Finding, ...]:
    """Return what is found in a text beside a system prompt."""
    context = None if system is None else {"system": system}
    return build(**fields).detect([Text(text, context=context)])[0].findings


def found(text: str, system: str | None = SYSTEM, **fields: object) -> list[str]:
    """Return the parts of a text that are found."""
    return [text[slice(*each.span)] for each in findings(text, system, **fields) if each.span]


EIGHT = "Never speak of the merger with Initech before"


@each_case(
    ("text", "expected"),
    [
        (f"My rules: {EIGHT} you know.", [EIGHT]),
        ("Never speak of the merger with Initech in public", []),
        (f"«{EIGHT.upper()}»", [EIGHT.upper()]),
        (EIGHT.replace(" ", ",\n> "), [EIGHT.replace(" ", ",\n> ")]),
        (EIGHT.replace("e", "\u0435"), [EIGHT.replace("e", "\u0435")]),
        ("\u200b".join(EIGHT), ["\u200b".join(EIGHT)]),
        (f"x {EIGHT} March. ALWAYS y", [f"{EIGHT} March. ALWAYS"]),
        (f"{EIGHT} and also {EIGHT}", [EIGHT, EIGHT]),
        (SYSTEM, [SYSTEM[:-1]]),
        ("", []),
        ("\ud800", []),
    ],
)
def test_stretches_of_the_prompt_are_found(text: str, expected: list[str]) -> None:
    """Eight words in a row are, whatever their dress, as one finding each stretch; seven are not."""
    assert found(text) == expected


def test_the_score_grows_with_the_share_of_the_prompt() -> None:
    """Half for certain, the other half by how much of the prompt's runs of words appear."""
    system = "one two three four five six seven eight nine ten eleven"
    assert [each.score for each in findings(system, system)] == [1.0]
    assert [each.score for each in findings("one two three four five six seven eight", system)] == [0.625]
    two = "one two three four five six seven eight, no, four five six seven eight nine ten eleven"
    assert [each.score for each in findings(two, system)] == [0.75, 0.75]
    assert findings("one two three four five six seven eight", system, min_share=0.3) == ()
    assert len(findings(two, system, min_share=0.5)) == 2


@each_case(
    ("system", "text", "words", "expected"),
    [
        ("Always call me Bob", "always call me bob", 8, ["always call me bob"]),
        ("Always call me Bob", "always call me", 8, []),
        ("Be nice, Bob", "be nice, bob", 8, []),
        ("a b c d e f", "x b c d e y", 4, ["b c d e"]),
        ("絶対に合併の話をしないでください", "はい:合併の話をしないで、", 8, ["合併の話をしないで"]),
        ("", "anything", 8, []),
    ],
)
def test_sizes_and_scripts(system: str, text: str, words: int, expected: list[str]) -> None:
    """A short prompt counts as a whole unless it says too little; letters of unspaced scripts are words."""
    assert found(text, system, words=words) == expected


def test_canaries_are_found_with_and_without_a_prompt() -> None:
    """Exactly, folded, anywhere, with score 1."""
    text = f"xZX-Canary-7f3a! {EIGHT}"
    assert found(text, None, canaries=["zx-canary-7F3A"]) == ["ZX-Canary-7f3a"]
    both = findings(text, canaries=["zx-canary-7F3A", "absent"])
    assert [each.score == 1.0 for each in both] == [True, False]
    assert found("zx-canary-7f3", canaries=["zx-canary-7f3a"]) == []


def test_nothing_to_compare_with_is_clean() -> None:
    """No context, another context, no text: clean, in the order of the batch."""
    batch = [Image(b"a"), Text(SYSTEM), Text(SYSTEM, context={"prompt": SYSTEM}), Text("hi", context={"system": SYSTEM})]  # fmt: skip
    assert build().detect(batch) == [CLEAN] * 4


def test_the_kind_says_what_it_reads() -> None:
    """The context that it declares, and its category, reach the engine."""
    config = PromptLeakConfig.model_validate({"use": "prompt_leak"})
    bound = bind("p", KIND, config, PolicyFolder(Path()))
    assert (bound.reads, bound.categories, bound.spans, bound.inline) == (
        ("system",),
        {"prompt_leak"},
        True,
        False,
    )
    assert [each.category for each in findings(EIGHT, category="custom.leak")] == ["custom.leak"]


def test_every_problem_has_its_place() -> None:
    """All problems come at once, each with the path to its value and a cure."""
    with pytest.raises(ConfigProblems) as caught:
        build(canaries=["ok", " ", "\u200b"], category="x")
    assert [(each.code, each.path) for each in caught.value.problems] == [
        ("empty_canary", ("canaries", 1)),
        ("empty_canary", ("canaries", 2)),
        ("unknown_category", ("category",)),
    ]
    assert all(each.hint for each in caught.value.problems)


WORDS = st.lists(
    st.sampled_from(["a", "B", "ﬁ", "é", "機密", "\u200b", "\ud800", ".", " ", "\n"]), max_size=30
)


@given(st.one_of(st.text(max_size=40), WORDS.map("".join)), WORDS.map("".join), st.integers(4, 8))
def test_spans_are_apart_and_inside(text: str, system: str, words: int) -> None:
    """Any two texts have an answer: stretches in order, apart, inside the text, scores above a half."""
    seen = findings(text, system, words=words)
    spans = [each.span for each in seen if each.span]
    assert len(spans) == len(seen)
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    assert all(0.5 < each.score <= 1 for each in seen)


@given(st.integers(0, 14), st.integers(8, 20))
def test_what_is_cut_from_the_prompt_is_found(start: int, length: int) -> None:
    """Any cut of eight words and more is one finding, of just that."""
    words = SYSTEM.split()
    cut = " ".join(words[start : start + length]).strip(".,")
    if len(cut.split()) >= 8:
        assert found(f"Well: {cut} — zzz") == [cut]


def test_a_policy_stops_a_canary(tmp_path: Path) -> None:
    """From YAML to verdict; the prompt itself comes with the engine's context."""
    (tmp_path / "p.yaml").write_text(
        "format: 1\nname: p\nversion: '1'\ndetectors:\n  leak: {use: prompt_leak, canaries: [zx-7f3a]}\n"
        "rules:\n  - {id: r, on: output, when: prompt_leak >= 0.5, then: redact}\n"
    )
    guard = Guard.load(tmp_path / "p.yaml")
    verdict = guard.check("It says ZX-7F3A there", stage="output")
    assert verdict.action is Action.REDACT
    assert [each.span for each in verdict.findings] == [(8, 15)]
    assert guard.check("It says zx-7f3b there", stage="output").action is Action.ALLOW
