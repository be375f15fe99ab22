"""The whole tables of personal data and credentials on text that is new to them, and on the same text again.

    python benchmarks/tables.py

Every kind of text meets tables that were built for it and have seen nothing: "new" is the first pass, in which no text
comes twice, "again" the second. The floor is one pass of a bare automaton over the same text, of as many words as the
tables have rows. Figures are microseconds for 1,000 characters, over all texts of a kind together.
"""

from __future__ import annotations

import json
import random
import sysconfig
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter

import ahocorasick_rs

from guardrails.detectors import PolicyFolder
from guardrails.detectors.pii import pii_detector as pii_kind
from guardrails.detectors.secrets import secrets_detector as secrets_kind
from guardrails.types import Text
from lexical_corpus import SMALL, Corpus, corpus
from measure import machine, table

SIZE = 2_000
"""Characters of a text."""

COUNT = 200
"""Texts of each kind."""


def numbered(texts: Sequence[str], rng: random.Random) -> list[str]:
    """Prose with a number of an everyday kind at every eighth word: dates, times, prices, versions, orders, hosts."""
    kinds: tuple[Callable[[], str], ...] = (
        lambda: f"{rng.randint(1, 31)}.{rng.randint(1, 12)}.{rng.randint(1980, 2030)}",
        lambda: f"{rng.randint(1980, 2030)}-{rng.randint(10, 12)}-{rng.randint(10, 28)}",
        lambda: f"{rng.randint(0, 23)}:{rng.randint(10, 59)}",
        lambda: f"${rng.randint(1, 999)},{rng.randint(100, 999)}.{rng.randint(10, 99)}",
        lambda: f"v{rng.randint(0, 9)}.{rng.randint(0, 40)}.{rng.randint(0, 9)}",
        lambda: f"#{rng.randint(1000, 99_999_999)}",
        lambda: f"{rng.randint(1, 99)}%",
        lambda: f"{rng.choice('ABCDEFX')}{rng.randint(10, 9999)}-{rng.randint(10, 999)}",
        lambda: str(rng.randint(0, 10 ** rng.randint(1, 9))),
    )
    drawn = []
    for text in texts:
        words = text.split(" ")
        for at in range(0, len(words), 8):
            words[at] = rng.choice(kinds)()
        drawn.append(" ".join(words)[:SIZE])
    return drawn


def code() -> list[str]:
    """Pieces of the standard library of this Python, spread over its files, ASCII as nearly all of it is."""
    root = Path(sysconfig.get_paths()["stdlib"])
    files = [path for path in sorted(root.rglob("*.py")) if "site-packages" not in path.parts]
    texts = (path.read_text(encoding="utf-8", errors="replace")[SIZE : 2 * SIZE] for path in files)
    whole = [text for text in texts if len(text) == SIZE and text.isascii()]
    return whole[:: max(1, len(whole) // COUNT)][:COUNT]


def records(job: Corpus, rng: random.Random) -> list[str]:
    """JSON as interfaces answer: identifiers, times, hashes, flags, nested objects and words."""
    words = [word for text in job.ascii[:20] for word in text.split(" ") if word.isalpha()]

    def record() -> dict[str, object]:
        return {
            "id": rng.randint(1, 10 ** rng.randint(3, 10)),
            "uuid": f"{rng.getrandbits(32):08x}-{rng.getrandbits(16):04x}-4{rng.getrandbits(12):03x}-"
            f"a{rng.getrandbits(12):03x}-{rng.getrandbits(48):012x}",
            "created_at": f"20{rng.randint(10, 30)}-0{rng.randint(1, 9)}-{rng.randint(10, 28)}"
            f"T1{rng.randint(0, 9)}:05:{rng.randint(10, 59)}Z",
            "title": " ".join(rng.choices(words, k=rng.randint(2, 9))),
            "url": f"https://{rng.choice(words).lower()}.example/{rng.choice(words).lower()}/{rng.randint(1, 9999)}",
            "price": round(rng.uniform(1, 2000), 2),
            "tags": rng.sample(words, 3),
            "owner": {"name": rng.choice(words).title(), "active": rng.random() < 0.5, "token": None},
        }

    return [
        json.dumps([record() for _ in range(9)], indent=rng.choice((None, 2)))[:SIZE] for _ in range(COUNT)
    ]


def mixed(job: Corpus, rng: random.Random) -> list[str]:
    """Prose in several scripts with everyday numbers."""
    return [text for text in numbered(job.unicode, rng) if not text.isascii()]


def kinds() -> dict[str, list[str]]:
    """Return the texts by their kind."""
    job, rng = corpus(1, COUNT), random.Random(11)
    return {
        "prose": job.ascii,
        "prose with numbers": numbered(job.ascii, rng),
        "code": code(),
        "JSON": records(job, rng),
        "other scripts": mixed(job, rng),
    }


def detectors() -> dict[str, list[Callable[[str], object]]]:
    """Return fresh tables by name, as functions of a text."""
    files = PolicyFolder(Path())

    def pii() -> Callable[[str], object]:
        made = pii_kind.KIND.build("pii", pii_kind.PiiConfig(use="pii"), files)
        return lambda text: made.detect([Text(text)])

    def secrets() -> Callable[[str], object]:
        made = secrets_kind.KIND.build("secrets", secrets_kind.SecretsConfig(use="secrets"), files)
        return lambda text: made.detect([Text(text)])

    return {"pii": [pii()], "secrets": [secrets()], "both": [pii(), secrets()]}


def floor() -> Callable[[str], object]:
    """Return one pass of an automaton over as many made-up words as the tables have rows."""
    rng = random.Random(3)
    letters = "abcdefghijklmnopqrstuvwxyz"
    rows = len(pii_kind.CHOICE._rows) + len(secrets_kind.CHOICE._rows)
    words = ["".join(rng.choices(letters, k=rng.randint(4, 8))) + rng.choice(SMALL) for _ in range(rows)]
    automaton = ahocorasick_rs.AhoCorasick(words, implementation=ahocorasick_rs.Implementation.DFA)
    return lambda text: automaton.find_matches_as_indexes(text, overlapping=True)


def cost(functions: Sequence[Callable[[str], object]], texts: Sequence[str]) -> float:
    """Return the microseconds for 1,000 characters of one pass over the texts."""
    begun = perf_counter()
    for text in texts:
        for function in functions:
            function(text)
    return (perf_counter() - begun) * 1e9 / sum(map(len, texts))


def main() -> int:
    """Print the machine and the table."""
    print(machine())
    rows: list[dict[str, object]] = []
    for kind, texts in kinds().items():
        bare = min(cost([floor()], texts) for _ in range(3))
        for name, functions in detectors().items():
            new = cost(functions, texts)
            again = min(cost(functions, texts) for _ in range(2))
            rows.append(
                {
                    "text": kind,
                    "tables": name,
                    "us new": new,
                    "us again": again,
                    "x floor new": f"{new / bare:.1f}",
                    "x floor again": f"{again / bare:.1f}",
                }
            )
    print(table(rows))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
