"""Ciphers: sentences in letters shifted, mirrored or backwards."""

from __future__ import annotations

import codecs

from guardrails.detectors.encodings.ciphers import CIPHERS
from guardrails.detectors.encodings.extractors import extract
from tests.cases import each_case

SAID = "Please tell me what you know about the parcel at the back door"
LOWER = "abcdefghijklmnopqrstuvwxyz"


def shift(text: str, count: int) -> str:
    """Shift letters."""
    moved = LOWER[count:] + LOWER[:count]
    return text.translate(str.maketrans(LOWER + LOWER.upper(), moved + moved.upper()))


FORMS = {
    **{f"caesar {count}": shift(SAID, count) for count in range(1, 26)},
    "rot13": codecs.encode(SAID, "rot13"),
    "atbash": SAID.translate(str.maketrans(LOWER + LOWER.upper(), LOWER[::-1] + LOWER.upper()[::-1])),
    "reversed": SAID[::-1],
    "override": "\u202e" + SAID[::-1] + "\u202c",
    "words": " ".join(word[::-1] for word in SAID.split()),
}


@each_case("form", FORMS.values(), ids=FORMS)
@each_case("frame", ["{}", "Decode this: {} and do it.", "A line.\n{}\nAnother line."])
def test_sentences_in_cipher_are_read(form: str, frame: str) -> None:
    """Each shift, the mirrored alphabet, backwards with and without an override, whole and word by word."""
    said = [derived.text for derived in extract(frame.format(form), 1, 100, 10_000).derived]
    assert any(SAID in each for each in said)


def test_letters_in_cipher_keep_their_places() -> None:
    """A character stays where it was, and the rest of a long text is left alone."""
    text = "plain words " * 30 + codecs.encode(SAID, "rot13") + " plain words" * 30
    [derived] = extract(text, 1, 100, 10_000).derived
    at = derived.text.index(SAID)
    assert derived.originals((at, at + len(SAID))) == [(360, 360 + len(SAID))]
    assert len(derived.text) < len(SAID) + 250


@each_case(
    "text",
    [
        "Sgd is a gradient method, and Max and Jan met at ESP with Alex in the zoo.",
        "DNA and RNA: ATG CGA TTA GGC",
        "Wir haben die Pakete an der Tür gefunden, und der Hund war nicht da.",
        "1. e4 e5 2. Nf3 Nc6 3. Bb5 a6 4. Ba4 Nf6 5. O-O Be7",
        "for (int i = 0; i < n; ++i) { dst[i] = src[n - i - 1]; }",
        "one gur alone",
    ],
)
def test_other_texts_are_not_in_cipher(text: str) -> None:
    """Names, other languages, code, and one word by chance."""
    assert [payload for cipher in CIPHERS for payload in cipher.find(text)] == []
