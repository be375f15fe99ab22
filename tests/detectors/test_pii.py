# ruff: noqa: RUF001 - characters that look alike are what is tested
"""Personal data by the table: published forms are found in any surroundings, near misses are not."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.detectors import ConfigProblems, Folder
from guardrails.detectors.pii import KIND, PiiConfig
from guardrails.types import Text

ALL = KIND.build("pii", PiiConfig(use="pii"), Folder(Path()))
HITS = {
    "email": ["jo@example.com", "j.o+x@mail.example.co.uk", "A_B-c%d@x-y.museum"],
    "credit_card": ["4111 1111 1111 1111", "4111111111111111", "378282246310005", "5555-5555-5555-4444"],
    "phone": ["+49 30 901820", "+1 (555) 010-9999", "0044 20 7946 0958", "(555) 010-9999", "555-010-9999"],
    "us_ssn": ["123-45-6789", "123 45 6789"],
    "iban": ["GB82 WEST 1234 5698 7654 32", "DE89370400440532013000"],
    "ip_address": ["192.168.0.1", "8.8.8.8"],
}
MISSES = [
    "jo at example dot com", "jo@example", "@example.com", "4111 1111 1111 1112", "0000000000000000",
    "000-45-6789", "123-45-67890", "GB83 WEST 1234 5698 7654 32", "256.1.1.1", "1.2.3",
    "2024-01-02", "12:34:56", "price 1,234.56", "order 12345",
]  # fmt: skip


def found(text: str) -> list[tuple[str, str]]:
    """Return category and text of each finding."""
    return [(each.category, text[slice(*each.span)]) for each in ALL.detect([Text(text)])[0].findings]


@pytest.mark.parametrize(("entity", "text"), [(entity, text) for entity in HITS for text in HITS[entity]])
@pytest.mark.parametrize(
    "around",
    ["{}", "see {}, ok", "({})", "\u4fe1\u606f{}\u8c22\u8c22", "«{}»", "é {} é", "2024 {} 7", "\ud800{}"],
)
def test_published_forms_are_found_in_any_surroundings(entity: str, text: str, around: str) -> None:
    """Each form is found whole, at the ends of a text, in brackets, and touching Chinese characters."""
    if around[0].isdigit() and entity in {"phone", "ip_address"}:
        around = "{}"  # with a number before it, it may be another one
    assert (f"pii.{entity}", text) in found(around.format(text))


@pytest.mark.parametrize("text", MISSES)
def test_near_misses_are_not_found(text: str) -> None:
    """Wrong checks, fragments, dates and prices are no personal data."""
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("ｊｏ＠ｅｘａｍｐｌｅ．ｃｏｍ", "pii.email"),
        ("jo@exam\u200bple.com", "pii.email"),
        ("４１１１ １１１１ １１１１ １１１１", "pii.credit_card"),
        ("٤١١١ ١١١١ ١١١١ ١١١١", "pii.credit_card"),
        ("123\u201145\u20116789", "pii.us_ssn"),
    ],
)
def test_dressed_forms_are_found_whole(text: str, category: str) -> None:
    """Wide forms, invisible characters, other hyphens and the digits of other scripts do not hide anything."""
    assert (category, text) in found(text)


@pytest.mark.parametrize("entity", HITS)
def test_only_the_wanted_entities_are_looked_for(entity: str) -> None:
    """`entities` chooses, and the declared categories are just those."""
    config = PiiConfig(use="pii", entities=[entity])
    detector = KIND.build("pii", config, Folder(Path()))
    text = " ; ".join(forms[0] for forms in HITS.values())
    assert {each.category for each in detector.detect([Text(text)])[0].findings} == {f"pii.{entity}"}
    assert KIND.categories("pii", config) == {f"pii.{entity}"}


@pytest.mark.parametrize(
    ("entity", "hint"),
    [("emial", "did you mean 'email'?"), ("pii.email", "did you mean 'email'?"), ("zzz", "one of: email, ")],
)
def test_an_unknown_entity_is_a_located_problem(entity: str, hint: str) -> None:
    """A misspelt entity says what was meant; rules that name any entity are not blamed for it."""
    config = PiiConfig(use="pii", entities=["email", entity])
    with pytest.raises(ConfigProblems) as caught:
        KIND.build("pii", config, Folder(Path()))
    (problem,) = caught.value.problems
    assert (problem.code, problem.path) == ("unknown_entity", ("entities", 1))
    assert problem.hint.startswith(hint)
    assert "pii.phone" in KIND.categories("pii", config)


@given(st.text(max_size=60))
def test_any_text_is_judged(text: str) -> None:
    """No text makes the detector fail, and every span lies within it."""
    detection = ALL.detect([Text(text)])[0]
    assert detection.error is None
    assert all(0 <= each.span[0] < each.span[1] <= len(text) for each in detection.findings)
