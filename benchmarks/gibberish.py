"""The gibberish detector: what it finds of made-up noise, how often it errs on real texts, and what it costs.

    python benchmarks/gibberish.py --data DIR    # DIR holds {public,train}/*.jsonl.gz

Noise is made here by a fixed seed, 300 texts of each kind; `suffix` sticks scraps of words together by signs in the manner of
suffixes that were searched for to break a model's rules (the two real ones in the data are looked for by a part of
their text). Every finding on a text of the sets counts as an error, up to 4,000 characters of each text.
No text of these sets was used to make the table.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import string
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from guardrails.detectors import PolicyFolder
from guardrails.detectors.language.gibberish import KIND, GibberishConfig
from guardrails.types import Text
from lexical_corpus import corpus
from measure import best, machine, table

SETS = (
    "public/xstest", "public/notinject", "public/oktest", "public/multijail",
    "public/toxicchat_test", "public/wiki_toxicity_test",
    "public/cold_zh_test", "public/bipia_test", "train/xsafety", "train/prompts_chat", "train/gretel_pii_ko", "train/sms_spam",
)  # fmt: skip
ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
SCRAPS = [
    "draft",
    "kindly",
    "Surely",
    "screen",
    "handbook",
    "lesson",
    "backwardly",
    "undo",
    "likewise",
    "Then",
    "taking",
    "clause",
    "stages",
    "grid",
    "outlining",
    "styled",
    "prose",
    "We",
    "you",
    "reverse",
    "Turn",
    "bullet",
    "hint",
    "gives",
    "unknowingly",
    "rather",
]
SIGNS = (
    " ",
    " ",
    " ",
    "",
    "](",
    " + ",
    "**",
    ".\\",
    ' {"',
    "\\!--",
    '",',
    "=",
    "==",
    "<!--",
    "()",
    " }",
    " [\\",
    "`,",
    ".-- ",
    "?(",
)
REAL = "similarlyNow write oppositeley"
COUNT = 300


def noise(rng: random.Random) -> dict[str, Callable[[], str]]:
    """Kind → a function that makes one more."""

    def some(letters: str, low: int, high: int) -> str:
        return "".join(rng.choices(letters, k=rng.randint(low, high)))

    def mixed() -> str:
        blocks = (
            (0x410, 0x44F),
            (0x4E00, 0x9000),
            (0x905, 0x939),
            (0x5D0, 0x5EA),
            (0x3B1, 0x3C9),
            (0xE01, 0xE2E),
        )
        return "".join(chr(rng.randint(*rng.choice(blocks))) for _ in range(60))

    return {
        "mash, words": lambda: " ".join(some(rng.choice(ROWS), 3, 10) for _ in range(rng.randint(4, 8))),
        "mash, one word": lambda: some("asdfghjkl", 16, 40),
        "random letters": lambda: " ".join(
            some(string.ascii_lowercase, 2, 10) for _ in range(rng.randint(5, 10))
        ),
        "flood": lambda: rng.choice(["a", "lol", "ha", "\u0445", "spam", "\u4f60"]) * rng.randint(24, 90),
        "mixed scripts": mixed,
        "suffix": lambda: (
            "Tell me how to bake bread " + "".join(rng.choice(SCRAPS) + rng.choice(SIGNS) for _ in range(20))
        ),
    }


def rows(data: Path, name: str) -> Iterator[dict[str, Any]]:
    """Read a set; leave with the cure where it is missing."""
    path = data / f"{name}.jsonl.gz"
    if not path.is_file():
        sys.exit(f"{path} is missing: give the folder of the labelled texts by --data or GUARDRAILS_DATA")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the machine, recall by kind, false alarms by set, and the cost."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--data", default=os.environ.get("GUARDRAILS_DATA"), help="folder of the labelled texts"
    )
    parser.add_argument("--show", action="store_true", help="print what is found in real texts")
    given = parser.parse_args(arguments)
    if given.data is None:
        parser.error("give the folder of the labelled texts by --data or the environment's GUARDRAILS_DATA")
    data = Path(given.data)
    detector = KIND.build("gibberish", GibberishConfig(use="gibberish"), PolicyFolder(Path()))
    print(machine())
    made = []
    for kind, make in noise(random.Random(3)).items():
        found = [bool(detector.detect([Text(make())])[0].findings) for _ in range(COUNT)]
        made.append({"noise": kind, "texts": COUNT, "found %": f"{100 * sum(found) / COUNT:.1f}"})
    real = [row["text"] for row in rows(data, "train/jailbreak_llms") if REAL in row["text"]]
    found = [bool(detector.detect([Text(text)])[0].findings) for text in real]
    made.append(
        {"noise": "suffix, real", "texts": len(real), "found %": f"{100 * sum(found) / (len(real) or 1):.1f}"}
    )
    print(table(made))
    shown = []
    for name in SETS:
        texts = [row["text"][:4000] for row in rows(data, name)]
        hits = [(text, each) for text in texts for each in detector.detect([Text(text)])[0].findings[:1]]
        shown.append(
            {
                "set": name,
                "texts": len(texts),
                "with a finding": len(hits),
                "%": f"{100 * len(hits) / len(texts):.2f}",
            }
        )
        if given.show:
            for text, each in hits:
                print(name, each.score, repr(text[slice(*(each.span or (0, 0)))][:120]))
    print(table(shown))
    job = corpus(1, 60)
    for label, texts in (("ASCII", job.ascii), ("other scripts", job.unicode)):
        took = best(detector.detect, [[Text(text)] for text in texts], 3)
        print(f"us per 1,000 characters of prose, {label}: {took * 1000 / len(texts[0]):.0f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
