"""Personal data by patterns: precision, recall and F on Presidio's generated sets, cost, and false findings on clean text.

    python benchmarks/pii.py --data DIR     # DIR holds public/presidio_generated_{small,large}.jsonl.gz

A finding is right where it overlaps a span of its label. Labels that need a model (PERSON, LOCATION, ...) or that are
other things than personal numbers are left out. DATE_TIME counts as a date of birth only where "birth" or
"born" stands within 40 characters before it. ADDRESS, which takes postal codes too, is shown and not counted in "all": its
spans are also single house numbers, flats and towns.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import statistics
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from guardrails.detectors import Folder
from guardrails.detectors.pii import KIND, PiiConfig
from guardrails.types import Text
from lexical_corpus import corpus
from measure import best, machine, table

LABELS = {
    "EMAIL_ADDRESS": "email",
    "CREDIT_CARD": "credit_card",
    "PHONE_NUMBER": "phone",
    "US_SSN": "us_ssn",
    "IBAN_CODE": "iban",
    "IP_ADDRESS": "ip_address",
    "US_DRIVER_LICENSE": "driving_licence",
    "DATE_TIME": "date_of_birth",
    "ADDRESS": "street_address",
}
SETS = ("presidio_generated_small", "presidio_generated_large")
Spans = list[tuple[str, int, int]]


def records(data: Path) -> list[dict[str, Any]]:
    """Read both sets; leave with the cure where they are missing."""
    rows = []
    for name in SETS:
        path = data / "public" / f"{name}.jsonl.gz"
        if not path.is_file():
            sys.exit(f"{path} is missing: give the folder of the labelled texts by --data or GUARDRAILS_DATA")
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            rows += [json.loads(line) for line in lines]
    return rows


def gold(record: dict[str, Any]) -> Spans:
    """The labelled spans under our names."""
    spans: Spans = []
    for span in record.get("spans", ()):
        entity, start = LABELS.get(span["type"]), span["start"]
        before = record["text"][max(0, start - 40) : start].lower()
        born = "birth" in before or "born" in before
        if entity is not None and (entity != "date_of_birth" or born):
            spans.append((entity, start, span["end"]))
    return spans


def detector() -> Any:
    return KIND.build("pii", PiiConfig(use="pii"), Folder(Path()))


def overlaps(one: tuple[str, int, int], others: Spans) -> bool:
    return any(one[0] == name and one[1] < end and start < one[2] for name, start, end in others)


def scores(rows: Sequence[dict[str, Any]], show: str | None = None) -> list[dict[str, object]]:
    """Precision, recall and F for each entity that is labelled or found, and for all but street addresses."""
    right: Counter[str] = Counter()
    found: Counter[str] = Counter()
    hit: Counter[str] = Counter()
    wanted: Counter[str] = Counter()
    pii = detector()
    for record in rows:
        expected = gold(record)
        findings = pii.detect([Text(record["text"])])[0].findings
        names = [
            each.category.removeprefix("pii.").replace("postal_code", "street_address") for each in findings
        ]
        ours: Spans = [(name, *each.span) for name, each in zip(names, findings, strict=True)]
        for span in ours:
            found[span[0]] += 1
            right[span[0]] += overlaps(span, expected)
            if show == span[0] and not overlaps(span, expected):
                print(
                    "wrong: ",
                    record["text"][max(0, span[1] - 30) : span[1]],
                    record["text"][span[1] : span[2]],
                )
        for span in expected:
            wanted[span[0]] += 1
            hit[span[0]] += overlaps(span, ours)
            if show == span[0] and not overlaps(span, ours):
                print(
                    "missed:",
                    record["text"][max(0, span[1] - 30) : span[1]],
                    record["text"][span[1] : span[2]],
                )
    every = sorted({*found, *wanted})
    counted = [name for name in every if name != "street_address"]
    groups = [*((name, [name]) for name in every), ("all but street_address", counted)]
    return [
        _row(name, *(sum(count[each] for each in group) for count in (right, found, hit, wanted)))
        for name, group in groups
    ]


def _row(name: str, right: int, found: int, hit: int, wanted: int) -> dict[str, object]:
    precision, recall = right / (found or 1), hit / (wanted or 1)
    harmonic = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    shown = {"precision": precision, "recall": recall, "F": harmonic}
    return {"entity": name, "labelled": wanted, "found": found} | {
        key: f"{at:.3f}" for key, at in shown.items()
    }


def clean_texts() -> list[str]:
    """One megabyte of text without personal data: the corpus's words, with numbers of everyday kinds between them."""
    job = corpus(1, 260)
    rng = random.Random(5)
    kinds = (
        "{0}.{1}.{2}",
        "v{0}.{1}",
        "${0},{1}99.00",
        "20{0}-0{2}-1{1}",
        "1{1}:3{2}:05",
        "#{0}{1}{0}{2}",
        "{0}{1}%",
        "{0} {1}",
    )
    texts = []
    for text in (*job.ascii, *job.unicode):
        words = text.split(" ")
        for at in range(0, len(words), 25):
            words[at] = rng.choice(kinds).format(rng.randint(10, 29), rng.randint(1, 9), rng.randint(1, 9))
        texts.append(" ".join(words))
    return texts


def cost(texts: Sequence[str]) -> float:
    """Microseconds for 1,000 characters, over the texts."""
    pii = detector()
    contents = [[Text(text)] for text in texts]
    return best(pii.detect, contents, 3) * 1_000 / statistics.median(map(len, texts))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the machine, the table of scores, the cost, and the false findings."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--data", default=os.environ.get("GUARDRAILS_DATA"), help="folder of the labelled texts"
    )
    parser.add_argument("--show", help="print what is wrong or missed of this entity")
    given = parser.parse_args(arguments)
    if given.data is None:
        parser.error("give the folder of the labelled texts by --data or the environment's GUARDRAILS_DATA")
    rows = records(Path(given.data))
    print(machine())
    print(table(scores(rows, given.show)))
    job = corpus(1, 200)
    clean = clean_texts()
    longer = [row["text"] for row in rows if len(row["text"]) > 120]
    pii = detector()
    false = [
        (each.category, text[slice(*each.span)])
        for text in clean
        for each in pii.detect([Text(text)])[0].findings
    ]
    print(
        f"us per 1,000 characters: prose {cost(job.ascii):.1f} (ASCII), {cost(job.unicode):.1f} (other scripts), ",
        end="",
    )
    print(f"{cost(clean[:200]):.1f} (with numbers), {cost(longer):.1f} (these sets)")
    print(
        f"false findings on {sum(len(text.encode()) for text in clean):,} bytes of clean text: {len(false)} {false[:5]}"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
