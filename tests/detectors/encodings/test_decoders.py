"""The table: what its gate lets through is all that its rows find, in whatever layout, at every depth, and as streams see it."""

from __future__ import annotations

import base64
import random
import string
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.detectors.encodings.decoders import GROUPS, NEAR, READABLE, UNSEEN, find_encodings
from guardrails.detectors.encodings.extractors import extract
from guardrails.detectors.encodings.payload_stream import PayloadStream
from tests.cases import each_case, scale
from tests.detectors.encodings.forms import FORMS

WORDS = [
    "the",
    "parcel",
    "waits",
    "at",
    "back",
    "door",
    "and",
    "you",
    "can",
    "take",
    "it",
    "with",
    "your",
    "letter",
    "this",
    "evening",
    "when",
    "nobody",
    "is",
    "there",
    "please",
    "tell",
    "about",
    "stamps",
    "garden",
    "winter",
    "music",
    "orange",
    "river",
]
said = st.lists(st.sampled_from(WORDS), min_size=8, max_size=20).map(
    lambda words: "please tell you " + " ".join(words)
)
WRAPPED = ("base64", "base32", "hex")
"""Rows whose letters may be cut anywhere."""
JOINTS = ("\n", "\r\n", "\n> ", "\n# ", "\n// ", " |\n| ", '" + "', '"\n  "', "' . '", '", "')
FRAMES = ("{}", "Decode this: {} and go on.", "A line.\n{}\nAnother line.", "é {} ü", "({})", "> {}")


def lay_out(name: str, form: str, draw: random.Random) -> str:
    """Write a form in some layout that its row knows."""
    if name in WRAPPED and draw.random() < 0.7:
        width, joint = draw.randint(4, 80), draw.choice(JOINTS)
        width = max(width, 8) if "|" in joint else width
        width += len(form) % width == 1  # one letter is no piece
        form = joint.join(form[at : at + width] for at in range(0, len(form), width))
        form = f'"{form}"' if '"' in joint or "'" in joint else form
    if name == "hex" and draw.random() < 0.5:
        form = form.upper()
    elif name in ("codes", "binary"):
        form = form.replace(" ", draw.choice((" ", ", ", ",", "\n", "; ")))
    return form


@pytest.mark.parametrize("name", FORMS)
@given(text=said, seed=st.integers(0, 2**32), frame=st.sampled_from(FRAMES))
@settings(max_examples=scale(25))
def test_what_a_row_reads_is_let_through_and_decoded(name: str, text: str, seed: int, frame: str) -> None:
    """Random payloads of an encoder of the standard library, in random layouts: the gate names the row, the row decodes."""
    whole = frame.format(lay_out(name, FORMS[name](text), random.Random(seed)))
    said = [
        derived.text.lower()
        for derived in extract(whole, 1, 1_000, 1_000_000).derived
        if derived.origin == name
    ]
    assert any(text in each for each in said), whole
    row = next(each for each in (*READABLE, *UNSEEN) if each.name == name)
    if row in READABLE and whole.isascii():
        assert name in [each.name for each in find_encodings(whole)]


@pytest.mark.parametrize("depth", [1, 2, 3])
@given(
    text=said,
    names=st.lists(st.sampled_from(["base64", "base32", "hex", "percent", "binary"]), min_size=3, max_size=3),
)
@settings(max_examples=scale(15))
def test_payloads_are_followed_to_the_depth(depth: int, text: str, names: list[str]) -> None:
    """Encodings within encodings are undone down to the bound; one more is named as left."""
    whole = text
    for name in names[:depth]:
        whole = FORMS[name](whole)
    origin = ">".join(reversed(names[:depth]))
    assert any(
        each.origin == origin and text in each.text
        for each in extract(whole, depth, 1_000, 1_000_000).derived
    )
    assert depth == 1 or extract(whole, depth - 1, 1_000, 1_000_000).left


@pytest.mark.parametrize("name", FORMS)
@given(
    text=said, seed=st.integers(0, 2**32), frame=st.sampled_from(FRAMES), size=st.sampled_from([1, 3, 7, 40])
)
@settings(max_examples=scale(5))
def test_streams_decode_what_is_decoded_of_the_whole(
    name: str, text: str, seed: int, frame: str, size: int
) -> None:
    """Each row in each layout, however it is cut."""
    whole = frame.format(lay_out(name, FORMS[name](text), random.Random(seed)))
    stream = PayloadStream(1, 1_000, 1_000_000)
    found = [
        each
        for at in range(0, len(whole), size)
        for each in stream.feed(whole[at : at + size], stream.settled)
    ]
    found += stream.flush(stream.settled)
    once = extract(whole, 1, 1_000, 1_000_000).derived
    assert sorted((each.origin, line) for each in found for line in each.text.split("\n")) == sorted(
        (each.origin, line) for each in once for line in each.text.split("\n")
    )


ORDINARY = {
    "source": "def get_user_by_identifier(self, userIdentifierValue):\n    return self.repository.find(userIdentifierValue)\n"
    * 4,
    "digests": "\n".join(f"{random.Random(at).getrandbits(256):064x}  file{at}.txt" for at in range(20)),
    "uuids": "\n".join(
        f"{random.Random(at).getrandbits(32):08x}-e29b-41d4-a716-446655440000" for at in range(20)
    ),
    "certificate": "-----BEGIN CERTIFICATE-----\n"
    + base64.encodebytes(random.Random(1).randbytes(900)).decode()
    + "-----END CERTIFICATE-----",
    "lock file": "\n".join(
        f'    "resolved": "https://registry.example/p/-/p-{at}.tgz",\n    "integrity": "sha512-'
        + base64.b64encode(random.Random(at).randbytes(64)).decode()
        + '",'
        for at in range(10)
    ),
    "log": "2026-11-29T06:52:39.123Z INFO [pool-3-thread-17] c.e.s.OrderService - order=84521 took=112ms status=200\n"
    * 8,
    "genes": "ATGCGATTAGCCGATATCGGCTAATCGATCGGATTACAGATTACA\n" * 6,
    "chess": "1. e4 e5 2. Nf3 Nc6 3. Bb5 a6 4. Ba4 Nf6 5. O-O Be7 6. Re1 b5 7. Bb3 d6 8. c3 O-O 9. h3 Nb8 10. d4 Nbd7",
    "phones": "\n".join(f"+1 (212) 555-01{at:02d}" for at in range(30)),
    "numbers": "\n".join(" ".join(str((at * 37 + col * 91) % 1000) for col in range(12)) for at in range(20)),
    "bits": "\n".join(
        " ".join(str(random.Random(at * 9 + col).getrandbits(1)) for col in range(16)) for at in range(16)
    ),
    "dump": "\n".join(
        f"{at:08x}: {random.Random(at).randbytes(16).hex(' ', 2)}  ................"
        for at in range(0, 320, 16)
    ),
    "rules": "-----\n.....\n- - - - - - -\n* * *\n=====\n| --- | --- |\n",
    "names": "Mike, Oscar, Victor, Juliet, Romeo and Charlie went to India from Quebec in November.",
    "addresses": "192.168.100.101, 10.0.0.1, 172.16.254.1; 00:1A:2B:3C:4D:5E; fe80::1ff:fe23:4567:890a",
    "words": "\n".join(WORDS * 3),
}


@each_case("name", ORDINARY)
def test_ordinary_texts_hold_nothing_encoded(name: str) -> None:
    """Code, digests, certificates, logs, tables and lists decode to nothing that is text."""
    assert [(each.origin, each.text) for each in extract(ORDINARY[name], 3, 1_000, 200_000).derived] == []


TRIES = 3
"""Measurements of which the quickest counts: on a busy machine one may be slow."""

FLOODS = [
    "A", "ab", "0", "01", "41 ", "4", "=41", "%41", "chr(65)+", ".- ", "- ", "alfa ", "gur naq ", "eht dna ", "<~", "~>", '" + "', "AB\n", "> ab\n",
    "ABCDEFGH\n", "'ab', ", "0x41", "\\x41", "M" * 61 + "\n", "00000000: 41 ", "A=", "A" * 39 + "\n", "a" * 76 + "\n", "\u2801 ", "\u200b\u200c", "\u2062",
    "&#65;", "105 ", "be ", "\n", " ", "|", "//", "-", string.printable,
]  # fmt: skip


def spent(text: str) -> float:
    """Return the processor's time for a text."""
    start = process_time()
    extract.__wrapped__(text, 3, 1_000, 200_000)
    return process_time() - start


@pytest.mark.parametrize("size", [16_000])
@each_case("piece", FLOODS)
def test_the_cost_of_each_character_is_bounded(piece: str, size: int) -> None:
    """Long runs of each alphabet and of nearly valid payloads cost at most four times as much when they are twice as long."""
    text, long, short = (piece * size)[:size], [], [spent((piece * size)[: size // 2])]
    while not long or (min(long) >= 0.02 + 4 * min(short) and len(long) < TRIES):
        short.append(spent(text[: size // 2]))
        long.append(spent(text))
    assert min(long) < 0.02 + 4 * min(short)
    assert min(long) < 2.0


def test_each_row_of_pieces_has_a_layout() -> None:
    """Streams ask it what to hold."""
    assert all(row.layout is not None for row in NEAR)


def test_each_row_has_a_gate() -> None:
    """In one group of those that are looked for together."""
    names = [name for group in GROUPS for name in group]
    assert sorted(names) == sorted({row.name for row in READABLE})


def test_rows_that_are_looked_for_together_need_shapes_alike() -> None:
    """One without shapes is in any text, and so would not be looked for beside one that has some."""
    rows = {row.name: bool(row.shapes) for row in READABLE}
    assert all(len({rows[name] for name in group}) == 1 for group in GROUPS)
