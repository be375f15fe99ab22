"""Views that undo spelling tricks: what they cost on clean and on disguised text, how often the gate fires, false findings.

    python benchmarks/views.py

Texts of 2,000 characters: made-up prose (ASCII, and with other scripts), Python's own documentation (`pydoc_data.topics`, real
prose with code in it) and the source of its standard library, also the part of it that is marked; then the made-up prose with
2 % of the words in disguise. Medians; what is remembered of the last texts is forgotten before each call ("forgetting"). False
findings are those of a list of 500 terms, words of the documentation with one letter changed, on one megabyte: what
only the readings find, and the plain text does not.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from pydoc_data.topics import topics

from guardrails.detectors import PolicyFolder
from guardrails.detectors.patterns.patterns_detector import KIND as PATTERNS
from guardrails.detectors.patterns.patterns_detector import PatternsConfig
from guardrails.detectors.terms.terms_detector import KIND as TERMS
from guardrails.detectors.terms.terms_detector import TermsConfig
from guardrails.text import (
    deobfuscate_text,
    fold_text,
    mark_obfuscations,
    normalize_text,
    obfuscation_hints,
    readings,
    views,
)
from guardrails.text.obfuscation_hints import find_hints
from guardrails.types import Text
from lexical_corpus import corpus
from measure import best, machine, table

SIZE = 2_000
TEXTS = 250
LEET = str.maketrans("aeilost", "43110$7")
DISGUISES: dict[str, Callable[[str], str]] = {
    "leet": lambda word: word.translate(LEET),
    "spaced": " ".join,
    "dotted": ".".join,
    "repeated": lambda word: "".join(char * 3 for char in word),
    "entities": lambda word: "".join(f"&#{ord(char)};" for char in word),
    "escapes": lambda word: "".join(f"\\u{ord(char):04x}" for char in word),
}


REMEMBERED = [
    value
    for module in (views, readings, obfuscation_hints)
    for value in vars(module).values()
    if hasattr(value, "cache_clear")
    and value.__name__
    in ("_normalize_uncached", "_fold_uncached", "_plain", "_mark_uncached", "_undo_uncached", "find_hints")
]


def chunks(text: str) -> list[str]:
    return [text[at : at + SIZE] for at in range(0, len(text) - SIZE, SIZE)]


def code() -> list[str]:
    """One megabyte of the standard library's source, in texts."""
    library = Path(re.__file__).parents[1]
    sources = (path.read_text(encoding="utf-8", errors="replace") for path in sorted(library.glob("*.py")))
    return [text for text in chunks("".join(sources)) if text.isascii()][: 1_000_000 // SIZE]


def prepared() -> dict[str, list[str]]:
    """The texts by kind."""
    job = corpus(1, TEXTS)
    # The plain text of the topics has each paragraph broken into lines of 70 characters, as mails do.
    prose = chunks("\n".join(topics.values()))
    rng = random.Random(3)
    dressed = []
    for text in job.ascii:
        words = text.split(" ")
        for at in rng.sample(range(len(words)), max(1, len(words) // 50)):
            words[at] = rng.choice([*DISGUISES.values()])(words[at])
        dressed.append(" ".join(words))
    sources = code()
    return {
        "prose": list(job.ascii),
        "other scripts": list(job.unicode),
        "documentation": prose[:TEXTS],
        "code": sources[:TEXTS],
        "code, marked": [text for text in sources if mark_obfuscations(text) is not None],
        "disguised": dressed,
    }


def fresh(function: Callable[[str], object]) -> Callable[[str], object]:
    """The function without what is remembered of the last texts."""

    def run(text: str) -> object:
        for remembered in REMEMBERED:
            remembered.cache_clear()
        return function(text)

    return run


def costs(texts: dict[str, list[str]], steps: dict[str, Callable[[str], object]]) -> list[dict[str, object]]:
    """Microseconds for 1,000 characters of each step on each kind of text."""
    rows = []
    for name, step in steps.items():
        row: dict[str, object] = {"step": name}
        for kind, each in texts.items():
            length = sum(map(len, each)) / len(each)
            row[kind] = best(step, each, 3) * 1_000 / length
        rows.append(row)
    return rows


def ratios(rows: Sequence[dict[str, object]], floor: str) -> list[dict[str, object]]:
    """The same as multiples of one row."""
    base = next(row for row in rows if row["step"] == floor)
    return [
        {key: value / base[key] if isinstance(value, float) else value for key, value in row.items()}
        for row in rows
    ]


def fires(texts: dict[str, list[str]]) -> list[dict[str, object]]:
    """How many of the texts the gate lets through to be marked, and in how many something is."""
    rows = []
    for kind, each in texts.items():
        signalled = sum(find_hints(normalize_text(text).text) != find_hints("") for text in each)
        marked = sum(mark_obfuscations(text) is not None for text in each)
        rows.append({"texts": kind, "of": len(each), "gate fires": signalled, "marked": marked})
    return rows


def common_like(count: int) -> list[str]:
    """Words of the documentation with one letter changed, none of them a word of it."""
    counted = Counter(re.findall(r"[a-z]{3,8}", " ".join(topics.values())))
    rng, terms = random.Random(9), set[str]()
    common = [word for word, _ in counted.most_common(2_000)]
    while len(terms) < count:
        word = rng.choice(common)
        at = rng.randrange(len(word))
        term = word[:at] + rng.choice("aeilostgb") + word[at + 1 :]
        if term not in counted:
            terms.add(term)
    return sorted(terms)


def false_findings(texts: dict[str, list[str]]) -> list[dict[str, object]]:
    """What only the readings find of the terms, by kind of text and how the text reads there."""
    terms = common_like(500)
    detector = TERMS.build("t", TermsConfig(use="terms", terms=terms), PolicyFolder(Path()))
    pattern = "(?i)\\b(?:" + "|".join(terms) + ")\\b"
    searches = [
        PATTERNS.build(
            "p", PatternsConfig(use="patterns", patterns=[pattern], view=view), PolicyFolder(Path())
        )
        for view in ("both", "all")
    ]
    rows = []
    for kind, each in texts.items():
        found: Counter[str] = Counter()
        more = 0
        for text in each:
            plain, every = ({f.span for f in it.detect([Text(text)])[0].findings} for it in searches)
            more += len(every - plain)
            spans = {f.span for f in detector.detect([Text(text)])[0].findings if f.span}
            found.update(text[slice(*span)] for span in spans - plain)
        size = sum(map(len, each))
        examples = " ".join(map(repr, sorted(found)[:4]))
        rows.append(
            {"texts": kind, "characters": size, "terms": found.total(), "patterns": more, "such as": examples}
        )
    return rows


def main() -> int:
    """Print the machine, the costs, their ratios, how often the gate fires, and the false findings."""
    texts = prepared()
    terms = TERMS.build("t", TermsConfig(use="terms", terms=common_like(500)), PolicyFolder(Path()))
    bare = TERMS.build(
        "t", TermsConfig(use="terms", terms=common_like(500), case="exact"), PolicyFolder(Path())
    )
    steps: dict[str, Callable[[str], object]] = {
        "forgetting": fresh(len),
        "str.lower": str.lower,
        "gate": lambda text: find_hints.__wrapped__(text),
        "normalized": fresh(normalize_text),
        "folded": fresh(fold_text),
        "disguised": fresh(mark_obfuscations),
        "revealed": fresh(deobfuscate_text),
        "revealed, codes only": fresh(lambda text: deobfuscate_text(text, letters=False)),
        "terms, exact": fresh(lambda text: bare.detect([Text(text)])),
        "terms": fresh(lambda text: terms.detect([Text(text)])),
    }
    print(machine())
    rows = costs(texts, steps)
    for title, shown in (
        ("us per 1,000 characters", rows),
        ("as multiples of str.lower", ratios(rows, "str.lower")),
        ("as multiples of a search for terms as they stand", ratios(rows, "terms, exact")),
    ):
        print(f"\n{title}")
        print(table(shown))
    print("\nhow many texts of 2,000 characters go on")
    print(table(fires(texts)))
    print("\nfound in clean text by the readings alone")
    megabyte = {"documentation": chunks("\n".join(topics.values())), "code": code()}
    print(table(false_findings(megabyte)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
