"""Swear words: found in each language, and not in ordinary words that look like them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from guardrails import Guard, PolicyErrors, Text
from guardrails.detectors.language import identification
from guardrails.detectors.terms.profanity.profanity_detector import LANGUAGES, ProfanityDetector, read_words
from tests.cases import each_case

POLICY = "detectors: {{p: {{use: profanity{}}}}}\nrules: [{{id: r, on: [input, output], when: profanity > 0, then: block}}]\n"
COMMON = Path(identification.__file__).parents[2] / "models" / "language_id" / "common_words.txt"


@pytest.fixture(scope="module")
def every() -> ProfanityDetector:
    """Return a detector of all lists."""
    return ProfanityDetector("p", [word for language in LANGUAGES for word in read_words(language)])


@each_case("language", LANGUAGES)
def test_each_word_is_found_by_itself_and_in_a_text(language: str, every: ProfanityDetector) -> None:
    """The list of each language has a few dozen."""
    words = read_words(language)  # type: ignore[arg-type] # one of them
    assert len(words) > 25
    texts = [text for word in words for text in (word, f"- {word.upper()}, -")]
    found = every.detect([Text(text) for text in texts])
    assert [text for text, each in zip(texts, found, strict=True) if not each.findings] == []


@each_case(
    "text",
    [
        "I live in Scunthorpe, pass the class assessment and take a cockatoo to Essex.",
        "She graduated magna cum laude; Randi and Kike took a pic and got the puzzle.",
        "I got a picture of the peacock, and the tits eat at my pussy willow.",
        "Die Hurtigruten fahren im Oktober, Niki Lauda fuhr in Fickenhofen.",
        "El negro es un color; la concha de la playa y la polla de agua.",
        "La bite de la carte mère est un con de forme; elle a fait une pipe en bois.",
        "La città di Troia; una sega per il legno, il finocchio e il pesce.",
        "Vou comer um pau de canela; a saia é do homem.",
        "Ben şimdi göt dedim sanma; am ve sik olmayan kelimeler.",
        "Сукно и хулиган, страхование, мандарин и говядина.",
        "زبيب وزبدة وطيزان",
        "आज मौसम साफ है और गांव में मेला है",
        "我操作电脑。今日你妈妈来了。热狗日到了。他奶奶的房子很大。自我操控。",
        "イブラヒモビッチがパチンコとファックスの話をした。約束とたくさんの時間。",
        "보지 마세요. 3개년 계획, 출시발표, 에밀 졸라, 불이 꺼져 있다, 무지개같은 미니미.",
    ],
)
def test_ordinary_words_are_none(text: str, every: ProfanityDetector) -> None:
    """Also where accents are left out, and where a script has no spaces."""
    assert [text[slice(*each.span or (0, 0))] for each in every.detect([Text(text)])[0].findings] == []


def test_the_common_words_of_no_language_are_profane(every: ProfanityDetector) -> None:
    """In seventy languages."""
    words = [word for line in COMMON.read_text(encoding="utf-8").splitlines() for word in line.split()]
    found = every.detect([Text(word) for word in words])
    assert [word for word, each in zip(words, found, strict=True) if each.findings] == []


def test_words_are_added_and_left_out(guard_of: Callable[..., Guard]) -> None:
    """An editor has the last word; languages that are not named are not looked for."""
    guard = guard_of(POLICY.format(", languages: [en, de], add: [dagnabbit], leave_out: [BASTARD]"))
    texts = ("dagnabbit", "you bastard", "Sch3iße", "que mierda")
    assert [guard.check(text).blocked for text in texts] == [True, False, True, False]


@each_case(
    ("fields", "code"),
    [("leave_out: [zqx]", "unknown_word"), ("add: ['']", "empty_term"), ("languages: [xx]", "invalid_value")],
)
def test_what_cannot_be_meant_is_an_error(fields: str, code: str, guard_of: Callable[..., Guard]) -> None:
    """With its place."""
    with pytest.raises(PolicyErrors) as caught:
        guard_of(POLICY.format(f", {fields}"))
    assert [error.code for error in caught.value.errors] == [code]
