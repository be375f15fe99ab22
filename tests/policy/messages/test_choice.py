"""Which of several texts a person reads."""

from __future__ import annotations

from collections.abc import Iterator

from guardrails.policy.messages.choice import choose_language_tag
from tests.cases import each_case


@each_case(
    ("languages", "offered", "tag"),
    [
        (["de"], ["en", "de"], "de"),
        (["nl", "de-AT", "en"], ["en", "de"], "de"),
        (["zh"], ["en", "zh-Hant"], "zh-Hant"),
        (["nl"], ["de", "en"], "en"),
        (["nl"], ["de", "fr"], "de"),
        ([], ["de", "fr"], "de"),
        (["de"], ["fr"], "fr"),
    ],
)
def test_the_first_language_that_there_is_then_english_then_what_there_is(
    languages: list[str], offered: list[str], tag: str
) -> None:
    """A tag serves its language, and the other way round."""
    assert choose_language_tag(languages, offered) == tag


def test_no_more_languages_are_asked_for_than_are_needed() -> None:
    """None where there is one text alone."""
    asked: list[str] = []

    def tell() -> Iterator[str]:
        for code in ("de", "fr"):
            asked.append(code)
            yield code

    assert choose_language_tag(tell(), ["en"]) == "en"
    assert asked == []
    assert choose_language_tag(tell(), ["en", "de"]) == "de"
    assert asked == ["de"]
