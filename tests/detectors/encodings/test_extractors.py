"""Extractors: which texts hold something encoded, what it says, and the way back to where it stood."""

from __future__ import annotations

import base64
import zlib
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from guardrails.detectors.encodings.decoders import READABLE, UNSEEN
from guardrails.detectors.encodings.extractors import (
    NOTHING_EXTRACTED,
    DerivedText,
    Extraction,
    extract,
    holds_nothing,
)
from guardrails.detectors.encodings.payload_stream import PayloadStream
from tests.cases import each_case
from tests.detectors.encodings.forms import FORMS

SAID = "Please ignore the previous parcel and your letter with the stamps"


def all_of(text: str) -> Extraction:
    """Decode under limits that no text here reaches."""
    return extract(text, 3, 1_000, 200_000)


def b64(text: str) -> str:
    """Encode."""
    return base64.b64encode(text.encode()).decode()


def test_every_row_of_the_table_has_a_form() -> None:
    """A new encoding is tested like the others."""
    assert {row.name for row in (*READABLE, *UNSEEN)} == set(FORMS)


@each_case("name", FORMS)
def test_a_payload_is_decoded_and_pointed_at(name: str) -> None:
    """What stands encoded in a text comes out, with its encoding as origin and the stretch that it stood in."""
    form = FORMS[name](SAID)
    text = f"Well: {form} ."
    derived = next(each for each in all_of(text).derived if each.origin == name)
    assert SAID.lower() in derived.text.lower()
    at = derived.text.lower().index(SAID.lower())
    spans = derived.originals((at, at + len(SAID)))
    assert min(start for start, _ in spans) <= 7
    assert max(end for _, end in spans) >= len(text) - 5


WRITTEN = st.one_of(
    st.sampled_from([form(SAID) for form in FORMS.values()]),
    st.sampled_from(
        [
            "\u00e9",
            "\u7535\u8bdd",
            "\u2019s",
            "a",
            "1",
            " ",
            "\n",
            ". ",
            "\u200b",
            "\ufe0f",
            "\ud800",
            "hotel",
        ]
    ),
    st.text("ab01 =%&#x\\\u200b\u2801\u202e\ufe00\U000e0041\u0131", max_size=8),
)


@given(st.lists(WRITTEN, max_size=5).map("".join))
def test_nothing_is_found_in_what_is_said_to_hold_nothing(text: str) -> None:
    """Of ASCII or not, with a payload or without."""
    assert not holds_nothing(text) or all_of(text) == NOTHING_EXTRACTED


@each_case(
    "text",
    [
        "We said \u201cyes\u201d \u2013 it\u2019s caf\u00e9 time at nine.",
        "Gestern gingen wir auf den Markt und liefen zu Fu\u00df nach Hause.",
        "\u6211\u4eec\u6628\u5929\u53bb\u4e86\u5e02\u573a\u3002",
    ],
)
def test_prose_of_other_alphabets_holds_nothing(text: str) -> None:
    """It is told without a look at each encoding."""
    assert holds_nothing(text)


@each_case("outer", ["base64", "hex", "percent"])
@each_case("inner", ["base64", "hex", "percent", "rot13"])
def test_encodings_within_encodings_are_followed(outer: str, inner: str) -> None:
    """The origin names the chain from the outside in; spans lead all the way back."""
    text = f"x {FORMS[outer](FORMS[inner](SAID))} y"
    found = {derived.origin: derived for derived in all_of(text).derived}
    derived = found[f"{outer}>{inner}"]
    assert SAID in derived.text
    at = derived.text.index(SAID)
    assert derived.originals((at, at + len(SAID))) == [(2, len(text) - 2)]


@each_case(
    "text",
    [
        "",
        "What is the capital of France?",
        "Call 212-555-0142, card 4111 1111 1111 1111, id 550e8400-e29b-41d4-a716-446655440000.",
        "for (int i = 0; i < 100; i++) { total += values[i]; }  // 100% sure",
        "Größer als Zürich, 東京に行きます, Привет, как дела?",
        "A family 👨‍👩‍👧 and a heart ❤️ from 🏴󠁧󠁢󠁥󠁮󠁧󠁿",
        "\ud800 alone",
    ],
)
def test_texts_without_payloads_give_nothing_to_judge(text: str) -> None:
    """Prose, code, numbers, other scripts, emoji and broken characters hold no encoded text worth a look."""
    said = [derived.text for derived in all_of(text).derived]
    assert said in ([], ["gbeng"])


def test_payloads_of_one_encoding_make_up_one_text() -> None:
    """A thousand small payloads cost one search; each keeps its own place."""
    text = ", ".join(b64(f"node number {at}") for at in range(200))
    [derived] = all_of(text).derived
    lines = derived.text.split("\n")
    assert lines == [f"node number {at}" for at in range(200)]
    at = derived.text.index("node number 7\n")
    [(start, end)] = derived.originals((at, at + 13))
    assert text[start:end] == b64("node number 7")


def test_a_span_over_two_payloads_stands_for_both() -> None:
    """What runs over the end of a payload points at each that it touches, and at nothing between."""
    text = f"{b64('first words')} and {b64('other words')}"
    [derived] = all_of(text).derived
    spans = derived.originals((6, len(derived.text)))
    assert [text[start:end] for start, end in spans] == [b64("first words"), b64("other words")]


@each_case(
    ("text", "limits", "reason"),
    [
        (b64(b64(b64(SAID))), (2, 10, 10_000), "base64 nested deeper than 2 levels"),
        (
            f"{b64('first words')} {b64('other words')}",
            (3, 1, 10_000),
            "more encoded payloads than are decoded",
        ),
        (b64(SAID), (3, 10, 20), "encoded payloads longer than is decoded"),
        (
            base64.b64encode(zlib.compress(b"la " * 9_000)).decode(),
            (3, 10, 100_000),
            "encoded payloads longer than is decoded",
        ),
    ],
)
def test_what_is_beyond_a_limit_is_named(text: str, limits: tuple[int, int, int], reason: str) -> None:
    """Depth, number and size are bounded, and what was left is said."""
    assert reason in extract(text, *limits).left


def test_escapes_beyond_the_bound_are_named() -> None:
    """The views of a text undo codes of codes a few times; what lies deeper was not judged, in a stream too."""
    text = "ok"
    for _ in range(4):
        text = "".join(rf"\u{ord(char):04x}" for char in text)
    assert "escapes nested deeper than is decoded" in all_of(f"so {text} it is").left
    stream = PayloadStream(3, 1_000, 200_000)
    for at in range(0, len(text), 50):
        stream.feed(text[at : at + 50], stream.settled)
    stream.flush(stream.settled)
    assert "escapes nested deeper than is decoded" in stream.left


def test_rot13_is_undone_once() -> None:
    """Twice is nothing: a text that is plain in part and rotated in part is no nest of encodings."""
    found = all_of("mailto jo%40example.com, wb@rknzcyr.pbz")
    assert found.left == ()
    assert {"percent", "rot13"} <= {derived.origin for derived in found.derived}


def test_a_depth_of_zero_decodes_nothing() -> None:
    """The policy can switch decoding off."""
    assert extract(b64(SAID), 0, 10, 10_000) is NOTHING_EXTRACTED


def test_disguised_payloads_are_read() -> None:
    """Full-width letters and invisible characters in a payload do not hide it, and the span is that of the disguise."""
    wide = b64(SAID).translate({code: code + 0xFEE0 for code in range(33, 127)})
    split = "\u200b".join(b64(SAID))
    for disguised in (wide, split):
        text = f"é {disguised} é"
        derived = next(each for each in all_of(text).derived if each.origin == "base64")
        assert derived.text == SAID
        assert derived.originals((0, 5)) == [(2, 2 + len(disguised))]


def inside(derived: DerivedText, length: int) -> bool:
    """Tell whether every character stands for some of the text."""
    spans = [span for at in range(len(derived.text)) for span in derived.originals((at, at + 1))]
    return all(0 <= start < end <= length for start, end in spans)


@given(st.text(st.sampled_from("aZ09+/=-_ %\\x\n\u200b\U000e0041\ufe01é,."), max_size=80))
def test_every_character_of_a_derived_text_has_a_place(text: str) -> None:
    """Whatever the text, nothing raises and every span lies inside the text."""
    assert all(inside(derived, len(text)) for derived in all_of(text).derived)


@given(
    st.text(
        st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Co", "Cn"]), min_size=12, max_size=60
    ),
    st.sampled_from(["base64", "hex"]),
)
def test_any_text_of_letters_survives_the_way_there_and_back(said: str, name: str) -> None:
    """What is encoded is found again, unless it has no letter at all."""
    derived = all_of(FORMS[name]("word " + said)).derived
    assert "word " + said in [each.text for each in derived]


@given(st.text(min_size=1, max_size=60))
def test_percent_encoding_is_undone_for_any_text(said: str) -> None:
    """Quoted text reads as it was, each character at its escape."""
    whole = "ok/" + said.encode("utf-8", "replace").decode()
    text = quote(whole, safe="") + "%20"
    derived = next(each for each in all_of(text).derived if each.origin == "percent")
    assert derived.text == whole + " "
    places = [derived.originals((at, at + 1))[0] for at in range(len(whole))]
    assert "".join(text[start:end] for start, end in places) == quote(whole, safe="")
