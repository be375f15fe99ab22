"""What needs no model: organizations by their form, countries, and what bears somebody's name and is nobody."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from guardrails.detectors.pii.names import EntityHit
from guardrails.detectors.pii.shipped_names.known_names import drop_known, drop_within, find_known_names
from tests.cases import each_case


@each_case(
    ("text", "expected"),
    [
        ("The invoice from Lloyd, White and Gomez Ltd was paid.", [("organization", "Lloyd, White and Gomez Ltd")]),
        ("I work for Acme Widgets Ltd.", [("organization", "Acme Widgets Ltd")]),
        ("Acme Corp. said no.", [("organization", "Acme Corp.")]),
        ("Acme Inc. They said no.", [("organization", "Acme Inc")]),
        ("Müller GmbH & Co. KG, Bonn", [("organization", "Müller GmbH & Co. KG")]),
        ("Ernst & Söhne AG", [("organization", "Ernst & Söhne AG")]),
        ("Société Martin S.A. est", [("organization", "Société Martin S.A.")]),
        ("Rossi S.p.A. vende", [("organization", "Rossi S.p.A.")]),
        ("Jansen B.V. levert", [("organization", "Jansen B.V.")]),
        ("Nowak Sp. z o.o. wysłała", [("organization", "Nowak Sp. z o.o.")]),
        ("She studied at Boston College and the University of Leeds.", [
            ("organization", "Boston College"), ("organization", "University of Leeds"),
        ]),
        ("Universidad de Sevilla, Universität Bonn", [
            ("organization", "Universidad de Sevilla"), ("organization", "Universität Bonn"),
        ]),
        ("Company: Lewis-Robson\nStreet: High", [("organization", "Lewis-Robson")]),
        ("What is the share price of Zenobia? Zenobia's headquarters", [
            ("organization", "Zenobia"), ("organization", "Zenobia"),
        ]),
        ("Ryanair and Marks & Spencer", [("organization", "Ryanair"), ("organization", "Marks & Spencer")]),
        ("from South Africa to Côte d'Ivoire", [("location", "South Africa"), ("location", "Côte d'Ivoire")]),
        ("aus Österreich", [("location", "Österreich")]),
        ("Parkinson's disease, Lucey-Driscoll syndrome", [
            ("nobody", "Parkinson's disease"), ("nobody", "Lucey-Driscoll syndrome"),
        ]),
        ("Pydantic reads JSON", [("nobody", "Pydantic"), ("nobody", "JSON")]),
        ("ann.lee@example.com or https://ann-lee.example", [
            ("nobody", "ann.lee@example.com"), ("nobody", "https://ann-lee.example"),
        ]),
        ("ask Mr. Lind or ms. Wijtze, Frau von Bülow, la señora Exposito", [
            ("person", "Lind"), ("person", "Wijtze"), ("person", "Bülow"), ("person", "Exposito"),
        ]),
        ("My name is Guus Bave. Ich heiße Özlem", [("person", "Guus Bave"), ("person", "Özlem")]),
        ("Piazza Garibaldi, 12, Roma", [("street_address", "Piazza Garibaldi, 12")]),
    ],
)  # fmt: skip
def test_forms_are_found(text: str, expected: list[tuple[str, str]]) -> None:
    """Whole, without the full stop of the sentence, and in the order in which they stand."""
    assert [(hit.name, text[hit.start : hit.end]) for hit in find_known_names(text)] == expected


@each_case(
    "text",
    [
        "The Bank is closed, and so is our Hospital.",
        "the company ltd",
        "Call me, Ann. Limited time only.",
        "Lloyd, White and Gomez were late.",
        "indiana jones",
        "Jordan met Georgia",
        "a company: it sells",
        "this disease and that syndrome",
        "Spainish",
        "",
    ],
)
def test_near_misses_are_not_found(text: str) -> None:
    """Everyday words, names alone, names within words."""
    assert find_known_names(text) == []


@given(st.text(max_size=60).filter(lambda text: text.isprintable()))
def test_no_hit_lies_within_another(text: str) -> None:
    """What is found lies within the text, each beginning and ending behind the one before."""
    hits = find_known_names(text)
    assert all(0 <= hit.start < hit.end <= len(text) for hit in hits)
    assert all(one.start <= other.start and one.end < other.end for one, other in pairwise(hits))


def hits(*given: tuple[str, int, int]) -> list[EntityHit]:
    """Return hits with these names and places."""
    return [EntityHit(name, 1.0, start, end) for name, start, end in given]


@each_case(
    ("found", "known", "left"),
    [
        ([("person", 0, 5)], [("organization", 0, 9)], []),
        ([("person", 0, 9)], [("organization", 0, 9)], []),
        ([("location", 0, 5)], [("location", 0, 9)], [("location", 0, 5)]),
        ([("person", 4, 12)], [("organization", 0, 9)], [("person", 4, 12)]),
        ([("person", 4, 7)], [("organization", 0, 5), ("street_address", 3, 8)], []),
        ([("person", 4, 7)], [], [("person", 4, 7)]),
        ([("person", 4, 7), ("person", 20, 24)], [("nobody", 3, 9)], [("person", 20, 24)]),
    ],
)
def test_what_is_known_to_be_something_else_is_no_person(
    found: list[tuple[str, int, int]], known: list[tuple[str, int, int]], left: list[tuple[str, int, int]]
) -> None:
    """A hit of the model within what is known goes, unless both say the same; one that goes on over its end stays."""
    assert [*drop_known(hits(*found), hits(*known))] == hits(*left)


@each_case(
    ("known", "found", "left"),
    [
        ([("location", 4, 11)], [("person", 0, 11)], []),
        ([("location", 4, 11)], [("person", 0, 9)], [("location", 4, 11)]),
        ([("location", 4, 11)], [], [("location", 4, 11)]),
        ([("location", 4, 11)], [("person", 5, 11)], [("location", 4, 11)]),
    ],
)
def test_what_is_known_within_a_longer_name_is_none(
    known: list[tuple[str, int, int]], found: list[tuple[str, int, int]], left: list[tuple[str, int, int]]
) -> None:
    """`Ireland` is no country in "Ann Ireland"."""
    assert drop_within(hits(*known), hits(*found)) == hits(*left)
