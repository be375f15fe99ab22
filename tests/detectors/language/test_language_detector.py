"""The `language` detector: stretches in languages that are not wanted, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails import Action, Guard
from guardrails.detectors import ConfigProblems, PolicyFolder
from guardrails.detectors.language.language_detector import (
    KIND,
    LanguageConfig,
    LanguageDetector,
    split_units,
)
from guardrails.detectors.language.scripts import NAMES
from guardrails.types import Detection, Image, Text
from tests.cases import each_case

SENTENCES: dict[str, str] = json.loads(
    (Path(__file__).parents[1] / "sentences.json").read_text(encoding="utf-8")
)
"""One everyday sentence, written for these tests, in many languages."""


def build(**fields: object) -> LanguageDetector:
    """Return a detector of this configuration."""
    config = LanguageConfig.model_validate({"use": "language", **fields})
    detector = KIND.build("l", config, PolicyFolder(Path()))
    assert isinstance(detector, LanguageDetector)
    return detector


def judge(text: str, **fields: object) -> Detection:
    """Return what is said of a text."""
    return build(**fields).detect([Text(text)])[0]


def found(text: str, **fields: object) -> list[str]:
    """Return the parts of a text that are found."""
    return [text[slice(*each.span)] for each in judge(text, **fields).findings if each.span]


def test_each_language_is_told_from_the_others() -> None:
    """A sentence is no finding where its language is allowed or not denied, and one with its span where it is not."""
    for code, text in SENTENCES.items():
        other = "fr" if code != "fr" else "de"
        assert found(text, allow=[code]) == [], code
        assert found(text, deny=[other]) == [], code
        assert found(f"  {text}\n", deny=[code]) == [text], code
        assert found(text, allow=[other]) == [text], code


def test_a_paragraph_in_another_language_is_found() -> None:
    """Its span is exact; the paragraphs around it are left alone."""
    for code in ("de", "fi", "ru", "zh", "vi", "ar"):
        text = f"{SENTENCES['en']}\n\n{SENTENCES[code]}\n\nThe rest of this text is in English again, as it should be."
        assert found(text, allow=["en"]) == [SENTENCES[code]], code


@each_case(
    ("text", "expected"),
    [
        ("Привет", ["Привет"]),
        ("帮我写一封邮件", ["帮我写一封邮件"]),
        ("the word привет means hello in Russian", []),
        ("say 你好 to her", []),
        ("ok 42 👍", []),
        ("", []),
        ("...", []),
        ("Guten Tag", []),
        ("Jean-Claude Van Damme, Arnold Schwarzenegger, Javier Bardem", []),
        ("1. Eggs\n2. Milk\n3. Bread\n4. Butter\n5. Cheese\n", []),
        ("def größe(menge):\n    ergebnis = menge.länge()\n    return ergebnis\n", []),
        (f"```\n{SENTENCES['ru']}\n```", [SENTENCES["ru"]]),
        (
            "```python\nIch möchte gerne wissen, wie man das macht, bitte hilf mir\n```",
            ["Ich möchte gerne wissen, wie man das macht, bitte hilf mir"],
        ),
        ("see https://example.de/das/ist/eine/sehr/lange/adresse/mit/vielen/woertern for more", []),
    ],
)
def test_what_is_judged(text: str, expected: list[str]) -> None:
    """Short texts are not, unless their script is certain; nor are quoted words, names, programs and links; a fence alone
    hides nothing.
    """
    assert found(text, allow=["en"]) == expected


def test_doubt_between_allowed_languages_does_no_harm() -> None:
    """Near languages together have the probability that counts."""
    assert found(SENTENCES["da"], allow=["da", "no", "sv"]) == []
    assert judge(SENTENCES["da"], deny=["da", "no"]).findings[0].score > 0.9


@each_case(("setting", "kinds"), [("allow", []), ("flag", ["language"])])
def test_undetermined_texts_are_unchecked_if_so_wished(setting: str, kinds: list[str]) -> None:
    """A short text is named as unchecked, a certain one and one without letters are not."""
    assert [each.kind for each in judge(" Hallo du ", allow=["en"], undetermined=setting).unchecked] == kinds
    for text in ("Привет", "42 👍", "This is quite clearly a sentence in English."):
        assert not judge(text, allow=["en"], undetermined=setting).unchecked


def test_findings_can_name_the_language() -> None:
    """`leaves` adds the code to the category; varieties count as their language."""
    [plain] = judge(SENTENCES["zh"], allow=["en"]).findings
    [leaf] = judge(SENTENCES["zh"], allow=["en"], leaves=True).findings
    assert (plain.category, leaf.category, leaf.detector) == ("custom.language", "custom.language.zh", "l")
    config = LanguageConfig.model_validate({"use": "language", "allow": ["en"], "leaves": True})
    assert {"custom.language", "custom.language.zh"} < KIND.categories("l", config)
    assert "custom.language.yue" not in KIND.categories("l", config)
    assert build(allow=["en"]).detect([Image(b"a")])[0].findings == ()


@each_case(
    ("fields", "expected"),
    [
        ({}, [("no_language", ())]),
        ({"allow": ["en"], "deny": ["de"]}, [("allow_and_deny", ("deny",))]),
        (
            {"allow": ["en", "german"], "category": "x"},
            [("unknown_language", ("allow", 1)), ("unknown_category", ("category",))],
        ),
    ],
)
def test_every_problem_has_its_place(fields: dict[str, object], expected: list[object]) -> None:
    """All problems come at once, each with the path to its value and a cure."""
    with pytest.raises(ConfigProblems) as caught:
        build(**fields)
    assert [(each.code, each.path) for each in caught.value.problems] == expected
    assert all(each.hint for each in caught.value.problems)


@given(
    st.lists(
        st.sampled_from(["One two three. ", "a", "\n\n", "漢字。", " ", "x" * 700, "!?", "\r\n"]), max_size=12
    ).map("".join)
)
def test_units_cover_the_text(text: str) -> None:
    """In order, without a gap or an overlap, so that nothing is left unjudged."""
    parts = list(split_units(text, 20))
    assert [part.start for part in parts] == [0, *(part.end for part in parts[:-1])]
    assert parts[-1].end == len(text)


@given(
    st.text(max_size=120)
    | st.lists(st.sampled_from(["Привет ", "hello my friend ", "\ud800", "```\n", "漢字", "\n"])).map("".join)
)
def test_any_text_has_an_answer(text: str) -> None:
    """Nothing raises; spans are inside the text, in order, and hold something."""
    [answer] = DETECTOR.detect([Text(text)])
    spans = [each.span for each in answer.findings if each.span]
    assert len(spans) == len(answer.findings)
    assert all(start < end <= len(text) and text[start:end].strip() for start, end in spans)
    assert spans == sorted(spans)


DETECTOR = build(allow=["en"])


def test_a_policy_keeps_to_its_languages(guard_of: Callable[..., Guard]) -> None:
    """From YAML to verdict; `content.language` is the language of the text."""
    guard = guard_of(
        "detectors:\n  tongue: {use: language, allow: [en, de]}\n"
        "rules:\n  - {id: other, on: input, when: custom.language > 0, then: block}\n"
        "  - {id: german, on: output, when: content.language == 'de', then: flag}\n"
    )
    assert guard.check(SENTENCES["fr"]).action is Action.BLOCK
    assert guard.check(SENTENCES["de"]).action is Action.ALLOW
    assert guard.check(SENTENCES["de"], stage="output").action is Action.FLAG
    assert guard.check(SENTENCES["en"], stage="output").action is Action.ALLOW
    assert len(NAMES) > 100
