"""Names in context: what is found in several languages and what is not, wherever it stands, however the text is cut."""

from __future__ import annotations

from time import perf_counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.cancellation import Cancelled, Token, within
from guardrails.detectors.pii.names import EntityHit
from guardrails.detectors.pii.pii_detector import OF_SHIPPED, SHIPPED
from guardrails.detectors.pii.pii_stream import drop_contained, make_finding
from guardrails.detectors.pii.shipped_names.name_passages import MOST
from guardrails.detectors.pii.shipped_names.shipped_searcher import ShippedNames
from tests.cases import each_case, scale

NAMES = ShippedNames(SHIPPED["pii-names"], OF_SHIPPED, 0.5)


def found(text: str) -> list[tuple[str, str]]:
    """Return the name and the text of each hit."""
    return [(hit.name, text[hit.start : hit.end]) for hit in NAMES.read(text).hits]


@each_case(
    ("text", "expected"),
    [
        ("My name is Ann Lee and I moved to Springfield last month.", [("person", "Ann Lee"), ("location", "Springfield")]),
        ("hi im ann lee and i live in springfield", [("person", "ann lee"), ("location", "springfield")]),
        ("MY NAME IS ANN LEE AND I LIVE IN BOSTON", [("person", "ANN LEE"), ("location", "BOSTON")]),
        ("I saw Dr. Smith yesterday.", [("person", "Smith")]),
        ("Please ship it to 12 Main Street, Springfield.", [("street_address", "12 Main Street"), ("location", "Springfield")]),
        ("Guten Tag, mein Name ist Jürgen Müller und ich wohne in Köln.", [("person", "Jürgen Müller"), ("location", "Köln")]),
        ("Bonjour, je m'appelle Hélène Dupont et j'habite à Lyon.", [("person", "Hélène Dupont"), ("location", "Lyon")]),
        ("Hola, me llamo José García y vivo en Sevilla.", [("person", "José García"), ("location", "Sevilla")]),
        ("Buongiorno, mi chiamo Paolo Rossi e abito a Torino.", [("person", "Paolo Rossi"), ("location", "Torino")]),
        ("Olá, meu nome é João Pereira e moro em Lisboa.", [("person", "João Pereira"), ("location", "Lisboa")]),
        ("Goedendag, mijn naam is Sanne de Vries en ik woon in Utrecht.", [("person", "Sanne de Vries"), ("location", "Utrecht")]),
        ("We moved from Kenya to Austria.", [("location", "Kenya"), ("location", "Austria")]),
        ("Ann Lee works for Acme Widgets Ltd in Boston.", [
            ("person", "Ann Lee"), ("organization", "Acme Widgets Ltd"), ("location", "Boston"),
        ]),
        ("The invoice from Lloyd, White and Gomez Ltd was paid.", [("organization", "Lloyd, White and Gomez Ltd")]),
        ("My name is Bob Ray, and Ryanair lost my bag.", [("person", "Bob Ray"), ("organization", "Ryanair")]),
    ],
)  # fmt: skip
def test_names_are_found_in_context(text: str, expected: list[tuple[str, str]]) -> None:
    """In the languages that the model was made for, in any case of letters."""
    assert found(text) == expected


@each_case(
    "text",
    [
        "Please restart the server and clear the cache.",
        "How do I convert a list of strings into a dictionary in Python?",
        "Sort the table by date, then by amount.",
        "The patient should take one tablet after meals for ten days.",
        "Kubernetes restarts the pod when the probe fails.",
        "Parkinson's disease affects the nervous system.",
        "await asyncio.run(main()) and print(len(rows))",
        "What is the boiling point of water at 2,000 metres?",
        "Wie kann ich mein Passwort zurücksetzen?",
        "Le contrat prend fin à la fin du mois.",
        "1204 88 17, 99.5 %, 12:30",
        "write to ann.lee@example.com",
        "",
        " \n\t ",
    ],
)
def test_near_misses_are_not_found(text: str) -> None:
    """Ordinary requests, programs, diseases, numbers, and names within addresses of other kinds."""
    assert found(text) == []


@each_case(
    ("text", "expected"),
    [
        ("\U0001f469\u200d\U0001f467 I am Ann Lee \U0001f600.", ["Ann Lee"]),
        ("I am Jo\u0301se\u0301 Mu\u0308ller.", ["Jo\u0301se\u0301 Mu\u0308ller"]),
        ("I am A\u200bnn L\u200bee.", ["A\u200bnn L\u200bee"]),
        ("I am \uff21\uff4e\uff4e \uff2c\uff45\uff45.", ["\uff21\uff4e\uff4e \uff2c\uff45\uff45"]),
        ("\ud800 I am Ann Lee.", ["Ann Lee"]),
        ("My name is J\\u00fcrgen M\\u00fcller.", ["J\\u00fcrgen M\\u00fcller"]),
        ("I am Ann&nbsp;Lee.", ["Ann&nbsp;Lee"]),
        ("Ann Lee\nBob Ray", ["Ann Lee", "Bob Ray"]),
    ],
)  # fmt: skip
def test_spans_are_those_of_the_text(text: str, expected: list[str]) -> None:
    """Pictures, marks that combine, invisible characters, wide forms, lone surrogates, codes, lines."""
    findings = drop_contained(make_finding("p", hit) for hit in NAMES.read(text).hits)
    assert [text[slice(*(each.span or ()))] for each in findings] == expected


@each_case("before", [0, 100, 380, 385, 390, 393, 395, 396, 398, 400, 405, 780, 790, 795, 800, 1590])
def test_a_name_is_found_where_a_text_is_cut(before: int) -> None:
    """Sentences without an end are cut at 400 characters: a name across the cut is one, before and behind it as well."""
    text = ("so " * 600)[: before // 3 * 3] + "my name is Ann Lee and " + "so " * 40
    assert [each for each in found(text) if each[0] == "person"] == [("person", "Ann Lee")]


def test_what_stands_behind_many_pieces_is_found() -> None:
    """A row that is too long is read in parts."""
    text = "\u1112\u1161\u11ab" * 60 + " and then my name is Ann Lee"
    assert ("person", "Ann Lee") in found(text)
    assert len(text) < MOST


@each_case(
    ("text", "expected"),
    [
        ("She calls at 5.", []),
        ("Piazza Garibaldi 12, Roma", [("street_address", "Piazza Garibaldi 12"), ("location", "Roma")]),
        ("I live at 55 Barbara Harbors, Springfield.", [("street_address", "55 Barbara Harbors"), ("location", "Springfield")]),
    ],
)  # fmt: skip
def test_streets_that_are_called_after_people_are_streets(text: str, expected: list[tuple[str, str]]) -> None:
    """And a number alone is none."""
    assert found(text) == expected


def test_only_what_is_wanted_is_found() -> None:
    """What the model takes for something else is not found as what is wanted."""
    people = ShippedNames(SHIPPED["pii-names"], frozenset({"person"}), 0.5)
    text = "Ann Lee of 12 Main Street, Springfield, works for Acme Ltd in Kenya."
    assert [(hit.name, text[hit.start : hit.end]) for hit in people.read(text).hits] == [
        ("person", "Ann Lee")
    ]


def test_other_scripts_are_said_to_be_unread() -> None:
    """Once for all that touches."""
    text = "Ich heiße Ann Lee. Меня зовут Анна Иванова. Я живу в Москве. My name is Bob Ray."
    read = NAMES.read(text)
    assert [text[hit.start : hit.end] for hit in read.hits] == ["Ann Lee", "Bob Ray"]
    assert [text[slice(*(each.span or ()))] for each in read.unchecked] == [
        "Меня зовут Анна Иванова. Я живу в Москве. "
    ]
    assert {each.kind for each in read.unchecked} == {"language"}


def test_nobody_waits_for_a_long_text_behind_the_deadline() -> None:
    """Passages are looked at one by one, and rows are run one by one."""
    with pytest.raises(Cancelled), within(Token(perf_counter() + 0.2)):
        NAMES.read(
            "".join(f"Ann Lee number {at} went to the market in Bonn at noon.\n" for at in range(4_000))
        )


def in_parts(text: str, cuts: list[int]) -> tuple[list[EntityHit], list[int]]:
    """Return what is found in a text that grows, and how far it was settled after each part."""
    reader = NAMES.begin()
    hits: list[EntityHit] = []
    marks = [0]
    ends = sorted(cuts)
    for start, end in zip([0, *ends], [*ends, len(text)], strict=True):
        before = marks[-1]
        new = reader.add(text[start:end]).hits
        # Final, and nothing before what was settled; nothing goes on over what is.
        assert all(hit.start >= before for hit in new)
        hits += new
        marks.append(reader.settled)
        assert not any(hit.start < reader.settled < hit.end for hit in hits)
    rest = reader.close().hits
    assert all(hit.start >= marks[-1] for hit in rest)
    assert reader.settled == len(text)
    return [*hits, *rest], marks


PARTS = [
    "My name is Ann Lee. ", "Dr. ", "Smith lives at 12 Main Street, ", "Springfield", "\n", "Bob", " ", "Ray ", "Kenya", "Ann Ireland ",
    "Acme ", "Widgets Ltd", ", ", "so " * 70, "Lloyd, White and Gomez Ltd. ", "M\\u00fcller ", "Анна Иванова пишет. ", "\U0001f600",
    "e\u0301", "123 ", "x" * 410, "\ud800",
]  # fmt: skip


@settings(max_examples=scale(60), deadline=None)
@given(st.lists(st.sampled_from(PARTS), max_size=14).map("".join), st.data())
def test_a_text_that_grows_has_the_names_of_the_whole(text: str, data: st.DataObject) -> None:
    """For every cut; and what was settled stays so."""
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=8))
    hits, marks = in_parts(text, cuts)
    key = [(hit.name, round(hit.score, 6), hit.start, hit.end) for hit in hits]
    whole = [(hit.name, round(hit.score, 6), hit.start, hit.end) for hit in NAMES.read(text).hits]
    assert sorted(key, key=lambda each: each[2:]) == sorted(whole, key=lambda each: each[2:])
    assert marks == sorted(marks)


def test_a_text_is_settled_sentence_by_sentence() -> None:
    """What is said so far does not wait for the end of the text."""
    text = "We saw Ann Lee at the market in Bonn. She was on her way to the station. Then it began to rain."
    _, marks = in_parts(text, [*range(0, len(text), 3)])
    first, second = text.index("She"), text.index("Then")
    assert {*marks} >= {first, second}
