"""What a classifier reads of a structured text: sentences alone, keys and short values in a row, nothing of what says nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.detectors.classifier.classifier_windows import cut_tier_windows
from guardrails.detectors.classifier.value_reading import LONGEST_OPEN, read_values
from guardrails.inference.safety.model import SafetyModel, load_safety_model
from tests.cases import each_case

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["how do I", "a b c d e f"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def model(text_folder: Callable[..., Path]) -> SafetyModel:
    """A model of small windows."""
    return load_safety_model(text_folder({word: {} for word in ("a", "b", "bad")}, {}, languages=["en"]))


def read(text: str) -> list[str]:
    """Return what the readings of a JSON text say, without white space around."""
    return [reading.view.text.strip() for reading in read_values(text) or ()]


@each_case(
    ("value", "readings"),
    [
        ({"note": "they met in the park"}, ["they met in the park", "note: they met in the park"]),
        ({"note": "They met in the park."}, ["They met in the park.", "note"]),
        ({"a": {"b": [{"comment": "They met in the park."}]}}, ["They met in the park.", "a: b: comment"]),
        (["how", "do", "you", "build", "it"], ["how do you build it"]),
        ({"how to": "build", "a big": "boat"}, ["how to: build a big: boat"]),
        ([{"id": 17, "state": "open"}, {"id": 18, "state": "shut"}], ["id: state: open shut"]),
        ([{"state": "in use"}] * 50, ["state: in use"]),
        (["in use", "by me", "in use"], ["in use by me in use"]),
        ({"howToBuildIt": 1, "how_to_sail": 2}, ["how to build it: how to sail"]),
        (
            {"one": "how would you begin to", "two": "build a boat at home?"},
            [
                "how would you begin to",
                "build a boat at home?",
                "one: how would you begin to\ntwo: build a boat at home?",
            ],
        ),
        ({"text": 'He said "no"\nand went off.'}, ['He said "no"\nand went off.', "text"]),
        (["\u4f60\u597d\u5417\u6211\u5f88\u597d"], ["\u4f60\u597d\u5417\u6211\u5f88\u597d"]),
        (
            {
                "1": [
                    2.5,
                    None,
                    True,
                    "7",
                    "c0ffee-12",
                    "550e8400-e29b-41d4-a716-446655440000",
                    "2024-05-01T10:00:00Z",
                ]
            },
            [],
        ),
        (["b", "o", "m", "b"], ["b o m b"]),
        ({"note": "b o m b s f o r y o u"}, ["b o m b s f o r y o u", "note: b o m b s f o r y o u"]),
        ([], []),
    ],
)
def test_a_json_text_is_read_as_what_it_says(value: object, readings: list[str]) -> None:
    """In either way to write it, with escapes and without."""
    assert read(json.dumps(value)) == readings
    assert read(json.dumps(value, ensure_ascii=False, indent=2)) == readings


@each_case(
    "text",
    ["", "plain words", '"a string"', "17", "{not json}", '{"a": "cut', '[1] Smith, "Boats"', "[" * 100_000],
)
def test_what_is_no_json_mapping_or_list_is_no_such_text(text: str) -> None:
    """It is read as it stands."""
    assert read_values(text) is None


def test_a_number_of_many_digits_costs_no_time() -> None:
    """It is not read, so that it is not refused either."""
    assert read(f'{{"n": {"9" * 100_000}, "note": "in use"}}') == ["n: note: in use"]


def test_a_key_that_comes_twice_hides_nothing() -> None:
    """All literals are read, whichever of them a parser takes."""
    assert read('{"note": "in use", "note": "out of use"}') == ["note: in use out of use"]


def test_every_sentence_is_read_alone_however_many_there_are() -> None:
    """Harmless ones before it hide none."""
    sentences = [f"The boat number {at} has left." for at in range(400)]
    assert read(json.dumps(sentences)) == sentences


ROWS = [{"id": at, "note": f"The boat number {at} has left."} for at in range(12)]
NOTES = [row["note"] for row in ROWS]


@each_case(
    ("text", "around"),
    [
        (json.dumps(ROWS)[:-1] + ",]", []),
        (
            f"These are all of the boats that left today:\n{ROWS!r}",
            ["These are all of the boats that left today:\n[{'"],
        ),
        (json.dumps({"result": json.dumps(ROWS)}), []),
        (json.dumps(json.dumps(ROWS)), []),
    ],
)
def test_structured_texts_that_are_no_sound_json_are_read_as_what_they_say(
    text: str, around: list[str]
) -> None:
    """Sentences alone, keys and short values in a row, and a little prose around them by itself."""
    readings = read(text)
    assert readings[: len(NOTES)] == NOTES
    assert readings[len(NOTES) + 1 :] == around
    assert "id: note" in readings[len(NOTES)]


def test_prose_with_an_example_is_read_as_it_stands_too() -> None:
    """Its sentences keep their neighbours."""
    text = f"{'They met in the park, which was green. ' * 40}\n{json.dumps(ROWS)}\nThat is all."
    assert read(text) == [*NOTES, text]


def test_a_long_open_sentence_is_read_alone_only() -> None:
    """The half of one says enough by itself."""
    long = " ".join(["word"] * (LONGEST_OPEN + 1))
    assert read(json.dumps({"note": long})) == [long, "note"]


@given(VALUES, st.booleans())
def test_offsets_lead_back_to_the_literals(value: object, ascii_only: bool) -> None:
    """A word of a view stands where its original does, escaped or not; spans are spans of the text."""
    text = json.dumps(value, ensure_ascii=ascii_only)
    for view, _ in read_values(text) or ():
        for at in range(len(view.text)):
            start, end = view.original(at, at + 1)
            assert 0 <= start <= end <= len(text)
            if end == start + 1 and view.text[at].isalnum():
                assert text[start] == view.text[at]


def test_windows_stand_in_the_text_as_it_was_written(model: SafetyModel) -> None:
    """The span of a sentence is the literal, without what stands around."""
    text = json.dumps({"id": 7, "rows": [{"note": "the bad and the red."}, {"note": "one red and one bad."}]})
    found = cut_tier_windows(text, None, model, 100)
    assert [text[slice(*span)].strip('"') for span in found.spans[:2]] == [
        "the bad and the red.",
        "one red and one bad.",
    ]
    assert [read.strip() for read in found.folded] == [
        "the bad and the red.",
        "one red and one bad.",
        "id: rows: note",
    ]


def test_sentences_that_are_read_alone_may_be_as_much_as_all_windows(model: SafetyModel) -> None:
    """They cost what they have to read, however many they are; what is more is named."""
    text = json.dumps([f"a b a b a b {at}." for at in range(100)])
    found = cut_tier_windows(text, None, model, 100)
    assert len(found.spans) > 100
    assert not found.unchecked
    [left] = cut_tier_windows(text, None, model, 2).unchecked
    assert (left.kind, left.span[1]) == ("limit", len(text))


def test_only_sentences_tell_a_language(model: SafetyModel) -> None:
    """Keys and names are alike in many; scripts tell in either."""
    names = json.dumps(
        [{"name": name} for name in ("carlos hernandez", "maria del carmen", "jose antonio garcia")] * 3
    )
    assert not cut_tier_windows(names, None, model, 100).unchecked
    spanish = "Los barcos salieron del puerto por la ma\u00f1ana y no volvieron hasta que se hizo de noche."
    [left] = cut_tier_windows(json.dumps({"note": spanish}), None, model, 100).unchecked
    assert left.kind == "language"
    assert cut_tier_windows(
        json.dumps(["\u043a\u043e\u0440\u0430\u0431\u043b\u0438"]), None, model, 100
    ).unchecked
