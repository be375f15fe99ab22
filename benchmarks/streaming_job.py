"""The streamed job: a seed goes in; prose, attack streams, harmless streams and the rules that every product gets come out.

Nothing here has a meaning: prose comes from a small grammar, terms are invented words, personal data is made up (numbers with
right check digits where one is asked for), and no text is harmful.
"""

from __future__ import annotations

import base64
import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

TERM = "zqxbomb"
PHRASE = "zqxbomb recipe"
CARD = "4111 1111 1111 1111"
KEY = "AKIAQ3Z7TKX5VN2M8JWR"
TOKEN = "ghp_" + "k3Jd8Qw2ZpL6vTx9Rm4Bn7Ys1Hc5Fg0Ae2Du"
EMAIL = "jo.fenwick@mail.example.org"
SSN = "219-45-6789"
IBAN = "DE89 3704 0044 0532 0130 00"

SUBJECTS = (
    "The gardener", "My neighbour", "A young baker", "The night train", "Our old teacher", "The harbour master",
    "A quiet librarian", "The village band", "Her brother", "The ferry", "A retired pilot", "The museum guide",
)  # fmt: skip
VERBS = (
    "waters", "carries", "paints", "repairs", "admires", "collects", "sketches", "sorts", "borrows", "describes",
    "photographs", "polishes", "measures", "follows",
)  # fmt: skip
OBJECTS = (
    "the tall sunflowers", "three wooden boxes", "an old bicycle", "the morning newspapers", "a basket of pears",
    "the brass lamps", "several maps", "the garden gate", "a well-worn violin", "the blue curtains", "two chairs",
    "a letter from Lisbon", "the library's atlas", "seven small kites",
)  # fmt: skip
ENDINGS = (
    "before breakfast.", "in the late afternoon.", "near the river, as always.", "while the kettle sings.",
    "at about half past nine.", "for the summer fair in 2024.", "(it takes an hour or so).", "and then rests.",
    "because the weather is kind!", "without any hurry.", "on the third floor.", "when guests arrive; nobody minds.",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """An attack: `bad` stands between `before` and `after`, and is cut in each of these ways."""

    name: str
    before: str
    bad: str
    after: str
    cuts: list[list[str]]


def prose(size: int, seed: int = 1, personal: float = 0.0) -> str:
    """Return prose of exactly `size` characters; `personal` of its sentences hold personal data."""
    rng = random.Random(seed)
    parts: list[str] = []
    length = 0
    while length < size:
        sentence = " ".join(rng.choice(words) for words in (SUBJECTS, VERBS, OBJECTS, ENDINGS))
        if rng.random() < personal:
            sentence = rng.choice((_email, _card, _ssn, _iban))(rng)
        parts.append(sentence + ("\n\n" if rng.random() < 0.1 else " "))
        length += len(parts[-1])
    return "".join(parts)[:size]


def _email(rng: random.Random) -> str:
    return f"Write to {rng.choice(('jo', 'ann', 'lee'))}.{rng.randint(10, 99)}@mail{rng.randint(1, 99)}.example.org soon."


def _card(rng: random.Random) -> str:
    digits = [4, *(rng.randint(0, 9) for _ in range(14))]
    total = sum(digit if at % 2 else sum(divmod(2 * digit, 10)) for at, digit in enumerate(digits))
    number = "".join(map(str, [*digits, -total % 10]))
    return f"The card is {' '.join(number[at : at + 4] for at in range(0, 16, 4))}, she says."


def _ssn(rng: random.Random) -> str:
    return f"Her SSN was {rng.randint(200, 600)}-{rng.randint(10, 99)}-{rng.randint(1000, 9999)} once."


def _iban(rng: random.Random) -> str:
    account = f"{rng.randint(10**17, 10**18 - 1)}"
    check = 98 - int(account + "131400") % 97
    return f"Pay to DE{check:02}{account} by Monday."


def chunks(text: str, size: int = 4) -> list[str]:
    """Return the text in pieces of `size` characters."""
    return [text[at : at + size] for at in range(0, len(text), size)]


def every_cut(text: str) -> Iterator[list[str]]:
    """Yield the text cut in all 2^(n-1) ways."""
    for borders in itertools.product((False, True), repeat=len(text) - 1):
        pieces = [text[0]]
        for char, border in zip(text[1:], borders, strict=True):
            if border:
                pieces.append(char)
            else:
                pieces[-1] += char
        yield pieces


def each_border(text: str) -> Iterator[list[str]]:
    """Yield the text cut in two at each place."""
    for at in range(1, len(text)):
        yield [text[:at], text[at:]]


def private_key(lines: int = 24) -> str:
    """Return a made-up private key in its armour."""
    rng = random.Random(7)
    body = base64.b64encode(rng.randbytes(48 * lines)).decode()
    inner = "\n".join(body[at : at + 64] for at in range(0, len(body), 64))
    return f"-----BEGIN PRIVATE KEY-----\n{inner}\n-----END PRIVATE KEY-----"


def cases() -> list[Case]:
    """Return the attacks."""
    before, after = (
        "The harbour is calm. She says: ",
        " and so on. The boats are blue, and nobody hurries home.",
    )
    long = prose(3_000, 5) + " "

    def spelled(
        name: str, bad: str, how: Sequence[list[str]], before: str = before, after: str = after
    ) -> Case:
        return Case(name, before, bad, after, [[*chunks(before), *pieces, *chunks(after)] for pieces in how])

    hidden = base64.b64encode(f"card {CARD}, soon".encode()).decode()
    window = [*chunks(before + prose(200, 6), 1)[:179], " "]
    pem = private_key()
    return [
        spelled("term, all 64 cuts", TERM, list(every_cut(TERM))),
        spelled("phrase, each border", PHRASE, list(each_border(PHRASE))),
        spelled("term first in the reply", TERM, list(each_border(TERM)), before=""),
        spelled("term last, no full stop", TERM, list(each_border(TERM)), after=""),
        spelled("term, then 150 words", TERM, [chunks(TERM)], after=" " + prose(900, 8)),
        spelled("bad after 3,000 characters", TERM, [chunks(TERM)], before=long),
        spelled("empty chunk in a term", TERM, [["zqx", "", "bomb"]]),
        Case(
            "key over a border of 200 chunks",
            "".join(window),
            TOKEN,
            after,
            [[*window, *chunks(TOKEN, 1), *chunks(after)]],
        ),
        spelled("private key, 400 chunks", pem, [chunks(pem)]),
        spelled("e-mail, each border", EMAIL, list(each_border(EMAIL))),
        spelled("card over 3 chunks", CARD, [["4111 11", "11 1111", " 1111"]]),
        spelled("SSN over 4 chunks", SSN, [["219", "-45", "-67", "89"]]),
        spelled("IBAN, one by one", IBAN, [list(IBAN)]),
        spelled("access key, chunks of 4", KEY, [chunks(KEY)]),
        spelled("Base64 of a card", hidden, [chunks(hidden)]),
        spelled("zero-width in a term", (bad := "\u200b".join(TERM)), [chunks(bad)]),
        spelled("spaced-out term", (bad := " ".join(TERM)), [chunks(bad)]),
        spelled("full-width term", (bad := "".join(chr(ord(char) + 0xFEE0) for char in TERM)), [chunks(bad)]),
    ]


def controls() -> dict[str, list[str]]:
    """Return harmless streams, which must pass as they are."""
    layout = "Steps:\n\n1. Open  the gate.\n2. Wait...\n\n```py\nx = {'a': 1}\n\tprint(x)\n```\n- last one, unfinished"
    near = "The zqxbo is a bird; ticket 219-4, room 4111 and mail at noon are fine. AKIA is a letter group."
    return {
        "prose": chunks(prose(2_000, 3)),
        "layout kept": chunks(layout, 3),
        "near misses": chunks(near),
        "empty chunks": [piece for four in chunks(prose(200, 4)) for piece in (four, "")],
        "short reply": ["Yes", "."],
    }


PERSONAL: dict[str, str] = {
    "email": r"\b[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}\b",
    "card": r"\b4\d{3}[ -]?\d{4}[ -]?\d{4}[ -]?\d{4}\b",
    "ssn": r"\b\d{3}-\d{2}-\d{4}\b",
    "iban": r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b",
    "aws": r"\bAKIA[0-9A-Z]{16}\b",
    "github": r"\bghp_[A-Za-z0-9]{36}\b",
    "private_key": r"-----BEGIN PRIVATE KEY-----[\s\S]*?-----END PRIVATE KEY-----",
}
"""What a rival gets that has no such detectors of its own, or is asked for expressions."""


def policy(terms: Sequence[str], patterns: Sequence[str], characters: int) -> dict[str, Any]:
    """Return our lexical policy: personal data and credentials are replaced, terms and patterns stop the reply."""
    on = ["input", "output"]
    return {
        "format": 1,
        "name": "streaming",
        "detectors": {
            "personal": {"use": "pii"},
            "credentials": {"use": "secrets"},
            "words": {"use": "terms", "terms": [*terms, TERM, PHRASE], "category": "custom.term"},
            "shapes": {
                "use": "patterns",
                "patterns": [{"pattern": pattern, "category": "custom.shape"} for pattern in patterns],
            },
        },
        "rules": [
            {"id": "pii.redact", "on": on, "when": "pii > 0", "then": "redact"},
            {"id": "secrets.redact", "on": on, "when": "secret > 0", "then": "redact"},
            {"id": "term.block", "on": on, "when": "custom.term > 0", "then": "block"},
            {"id": "shape.block", "on": on, "when": "custom.shape > 0", "then": "block"},
        ],
        "limits": {"characters": characters},
        "unchecked": {"language": "allow", "limit": "block"},
    }
