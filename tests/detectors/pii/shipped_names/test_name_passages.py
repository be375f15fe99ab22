"""What the shipped model is given: passages alone or together, words in the places of the text, nothing too long."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guardrails.detectors.pii.pii_detector import SHIPPED
from guardrails.detectors.pii.shipped_names.name_passages import (
    BESIDE,
    MOST,
    Stretch,
    is_code,
    is_near,
    read_passage,
    read_words,
)
from guardrails.inference.entities.entity_model import load_entity_model
from guardrails.inference.safety.passages import split_passages
from guardrails.text import TextView, normalize_text, replace_surrogates
from tests.cases import each_case

MODEL = load_entity_model(SHIPPED["pii-names"])


def stretches(text: str) -> list[Stretch]:
    """Return what is read together of a text."""
    found: list[Stretch] = []
    for start, end in split_passages(text):
        passage = read_passage(MODEL, text[start:end], start)
        if not found or not found[-1].takes(passage):
            found.append(Stretch(passage, found[-1] if found else None))
    return found


LONG = "We went to the market in the morning and came home at noon. "


@each_case(
    ("text", "expected"),
    [
        (LONG + LONG, [LONG, LONG]),
        # Too short to be worth a run.
        ("Yes. No. " + LONG, ["Yes. No. " + LONG]),
        # What may be an abbreviation.
        (LONG.replace("noon", "Mr") + LONG, [LONG.replace("noon", "Mr") + LONG]),
        # Lines that are no sentences, as those of an address.
        ("Ann Lee and family\n12 Main Street, Apartment 4\nSpringfield, Illinois\n" + LONG, [
            "Ann Lee and family\n12 Main Street, Apartment 4\nSpringfield, Illinois\n" + LONG,
        ]),
        ("This line of text is a whole sentence.\nAnd so is this one, is it not?\n", [
            "This line of text is a whole sentence.\n", "And so is this one, is it not?\n",
        ]),
    ],
)  # fmt: skip
def test_passages_are_read_alone_or_with_what_belongs_to_them(text: str, expected: list[str]) -> None:
    """Sentences alone; what is short, is cut behind an abbreviation, or is a line of a block, together."""
    found = [text[each.passages[0].start : each.passages[-1].end] for each in stretches(text)]
    assert found == expected


def test_a_sentence_without_end_is_read_with_what_is_beside_its_parts() -> None:
    """Where it had to be cut, some word pieces of the neighbours are read too, and are not judged twice."""
    text = "word " * 200
    first, second, third = stretches(text)
    assert [each.goes_on for each in (first, second, third)] == [True, True, True]
    assert len(first.rows[0]) == len(first.ids) + BESIDE
    assert len(second.rows[0]) == len(second.ids) + 2 * BESIDE
    assert sum(len(each.own(MODEL.probabilities(each.rows))) for each in (first, second, third)) == 200


@each_case("text", ["\u1112\u1161\u11ab" * 130 + " Ann", "\ufdfa" * 390 + " Ann", "\U0001f600" * 399 + "a"])
def test_no_row_is_longer_than_the_model_reads(text: str) -> None:
    """Letters that are taken apart, and signs that stand for many letters, make many word pieces of few characters."""
    for stretch in stretches(text):
        assert max(map(len, stretch.rows), default=0) <= MOST + 2 * BESIDE
        if stretch.rows:
            assert len(stretch.own(MODEL.probabilities(stretch.rows))) == len(stretch.ids)


def test_numbers_alone_are_not_given_to_the_model() -> None:
    """A table of them costs nothing; beside words they are read."""
    assert [each.rows for each in stretches("1,204 88 17\n" * 40)] == [[]] * len(
        stretches("1,204 88 17\n" * 40)
    )
    assert all(each.rows for each in stretches("Ann Lee\n12 Main Street\n77058\n"))


@given(st.text(max_size=80).map(replace_surrogates))
def test_words_stand_in_order_within_their_passage(text: str) -> None:
    """Whatever a view makes of the characters, each word has a place in the text, and its pieces are there."""
    for start, end in split_passages(text):
        read = read_passage(MODEL, text[start:end], start).read
        assert all(start <= word.start < word.end <= end for word in read.words)
        assert all(one.first < one.last <= len(read.ids) for one in read.words)
        assert [word.first for word in read.words] == sorted({word.first for word in read.words})


def test_words_have_the_places_of_the_text() -> None:
    """Marks that combine, invisible characters and pictures move what stands behind them."""
    text = "\U0001f469\u200d\U0001f467 Jo\u0301se\u200b Mu\u0308ller"
    read = read_words(MODEL, normalize_text(text), 100)
    assert [text[word.start - 100 : word.end - 100] for word in read.words if word.has_letters] == [
        "Jo\u0301se",
        "Mu\u0308ller",
    ]


def test_words_in_other_scripts_are_left_out_of_what_is_mostly_in_one() -> None:
    """What is nearly all in Latin letters is read as it is."""
    foreign = read_passage(MODEL, "Вчера я видел Ann Lee в городе.", 0)
    assert foreign.is_foreign
    assert [word.start for word in foreign.read.words][:2] == [14, 18]
    assert read_passage(MODEL, "これはテストの文章です。", 0).read.ids == ()
    assert not read_passage(MODEL, "We met Анна yesterday at the station.", 0).is_foreign


@each_case(
    ("gap", "expected"),
    [
        ("", True),
        (" ", True),
        ("  ", True),
        ("\u00a0", True),
        ("\n", False),
        (" \n ", False),
        (", ", False),
        ("x", False),
    ],
)
def test_spaces_in_a_line_leave_words_together(gap: str, expected: bool) -> None:
    """The end of a line does not."""
    assert is_near(gap) is expected


@each_case(
    ("before", "word", "after", "expected"),
    [
        ("", "run", "(x)", True),
        ("models.", "field", " =", True),
        ("a ", "data", ".key", True),
        ("`", "ann", "`", True),
        ("x_", "ann", "", True),
        ("", "userName", " is", True),
        ("~/.", "claude", "/x", True),
        ("", "Ann", "(x)", False),
        ("`", "Ann", "`", False),
        ("hi ", "ann", ", how", False),
        ("hi ", "ann", ".", False),
        ("hi ", "ann", ". Bye", False),
        ("Bye. ", "ann", " left", False),
        ('"', "ann", '"', False),
        ("(", "ann", ")", False),
    ],
)
def test_names_of_programs_begin_small_and_touch_their_signs(
    before: str, word: str, after: str, expected: bool
) -> None:
    """A capital letter, or a sign of prose, makes it the name of somebody again."""
    assert is_code(before + word + after, len(before), len(before) + len(word)) is expected


def test_a_view_is_read_where_the_part_begins() -> None:
    """Known names have the places of the text, too."""
    read = read_words(MODEL, TextView("from Kenya"), 7)
    assert [(hit.name, hit.start, hit.end) for hit in read.known] == [("location", 12, 17)]
