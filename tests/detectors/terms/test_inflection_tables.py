"""The tables of endings: every row is in the shape that `inflections` reads, and can be reached."""

from __future__ import annotations

from guardrails.detectors.terms.inflection_tables import AGREEING, ENGLISH_IRREGULAR, SIGNS, TABLES, Language
from tests.cases import each_case


@each_case("language", TABLES)
def test_each_row_has_one_group_at_the_end_of_a_word_and_endings(language: Language) -> None:
    """What gives way to the endings is the group of the pattern, and no ending is doubled in a row."""
    _, groups = TABLES[language]
    for row in (row for group in groups for row in group):
        assert row.end.groups == 1
        assert row.end.pattern.endswith(")$")
        assert row.endings
        assert len(set(row.endings)) == len(row.endings), row.end.pattern


def test_signs_and_agreement_are_of_languages_with_tables() -> None:
    """No language is named that has no endings, and no irregular word stands among its own forms."""
    assert SIGNS.keys() | AGREEING <= TABLES.keys()
    assert [word for word, forms in ENGLISH_IRREGULAR.items() if word in forms or not forms] == []
