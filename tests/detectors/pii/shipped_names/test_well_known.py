"""The lists of what everybody knows: one name for each line of an alternation, and what bears somebody's name."""

from __future__ import annotations

import re

from guardrails.detectors.pii.shipped_names.well_known import COMPANIES, COUNTRIES, EPONYMS, PROGRAMS
from tests.cases import each_case


@each_case("names", [COUNTRIES, COMPANIES, PROGRAMS])
def test_lists_have_no_name_twice_and_longer_ones_first(names: str) -> None:
    """So that the longest is found of several that begin alike."""
    split = names.split("|")
    assert len(split) == len({*split})
    assert "" not in split
    assert [len(each) for each in split] == sorted(map(len, split), reverse=True)


@each_case(
    ("names", "text"),
    [
        (COUNTRIES, "Papua New Guinea"),
        (COUNTRIES, "U.S.A."),
        (COUNTRIES, "\u00d6sterreich"),
        (COMPANIES, "Marks & Spencer"),
        (COMPANIES, "Booking.com"),
        (PROGRAMS, "PostgreSQL"),
    ],
)
def test_a_list_matches_its_names_whole(names: str, text: str) -> None:
    """With the signs that stand in them, and not with others in their place."""
    assert re.fullmatch(names, text)
    assert not re.fullmatch(names, text.lower())
    assert not re.fullmatch(names, text.replace(".", "x") if "." in text else f"{text}x")


@each_case(
    ("text", "expected"),
    [
        ("Parkinson's disease", True),
        ("Lucey-Driscoll syndrome", True),
        ("Dijkstra Algorithm", True),
        ("Maxwell\u2019s equations", True),
        ("Parkinson's friend", False),
        ("her disease", False),
    ],
)
def test_what_is_called_after_somebody_is_told_by_what_it_is(text: str, expected: bool) -> None:
    """A name with a capital letter in front of a disease, a theorem and the like."""
    assert (re.fullmatch(EPONYMS, text) is not None) is expected
