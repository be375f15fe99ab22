"""Makes `_gibberish_table.py`: `python -m guardrails.detectors.language._generate_gibberish > FILE`.

Counts trigrams of letters in the stop words and example sentences of spaCy (MIT) and in the names and the filler
words of Faker (MIT), of all their languages in Latin letters, each language weighing the same. Needs the extras
`pii` and `fake`. Write to another file and move it.
"""

from __future__ import annotations

import math
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Final

LETTERS: Final = "_abcdefghijklmnopqrstuvwxyz"
"""The letters of the table, in order; `_` is the edge of a word."""

STEPS: Final = 5
"""Steps of the table for one bit."""

FIRST: Final = 40
"""The character of 0 bits; past it there is neither a quote nor, up to `MOST`, a backslash."""

MOST: Final = 51
"""The most steps: 10.2 bits, for what is hardly ever seen."""

_WORD: Final = re.compile(r"[^\W\d_]+")
_SPELT: Final = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ł": "l", "\u0131": "i", "þ": "th", "ð": "d"}
)
_HEAD: Final = '''"""The generated table of how likely a letter is after two others, in words of many languages.

Made by `python -m guardrails.detectors.language._generate_gibberish`, which names the sources; do not edit.
"""

from __future__ import annotations

from typing import Final

BITS: Final = (
'''


def plain(word: str) -> str:
    """Return a word in the letters a to z, accents left out; empty if it has others."""
    apart = unicodedata.normalize("NFKD", word.lower().translate(_SPELT))
    letters = "".join(char for char in apart if not unicodedata.combining(char)).lower()
    return letters if letters.isascii() and letters.isalpha() else ""


def trigrams(words: Iterable[str]) -> Counter[str]:
    """Count the trigrams of plain words, edges included."""
    found: Counter[str] = Counter()
    for word in words:
        edged = f"__{word}_"
        found.update(edged[at : at + 3] for at in range(len(edged) - 2))
    return found


def table(languages: Iterable[Mapping[str, int]]) -> str:
    """Return the bits of each trigram as one character, in the order of `LETTERS`: the last letter given the first two."""
    three: dict[str, float] = {}
    two: dict[str, float] = {}
    for counts in languages:
        total = sum(counts.values()) or 1
        for gram, count in counts.items():
            three[gram] = three.get(gram, 0.0) + 20_000 * count / total
            two[gram[1:]] = two.get(gram[1:], 0.0) + 20_000 * count / total
    out = []
    for first in LETTERS:
        for second in LETTERS:
            all_three = sum(three.get(first + second + last, 0.0) for last in LETTERS)
            all_two = sum(two.get(second + last, 0.0) for last in LETTERS)
            for last in LETTERS:
                # What was never seen after two letters is as likely as after one, and never impossible.
                after_one = (two.get(second + last, 0.0) + 0.5) / (all_two + 0.5 * len(LETTERS))
                chance = (three.get(first + second + last, 0.0) + 200 * after_one) / (all_three + 200)
                out.append(chr(FIRST + min(MOST, round(-math.log2(chance) * STEPS))))
    return "".join(out)


def _words(texts: Iterable[object]) -> Iterator[str]:
    for text in texts:
        for word in _WORD.findall(str(text)):
            if letters := plain(word):
                yield letters


def _attributes(module: str, names: Iterable[str]) -> Iterator[object]:
    try:
        found: Any = import_module(module)
    except ModuleNotFoundError:
        return
    for name in names:
        value = getattr(found, name, None) or getattr(getattr(found, "Provider", None), name, None) or ()
        if isinstance(value, Iterable):
            yield from value


def languages() -> Iterator[Counter[str]]:
    """Yield the trigrams of each language of the sources that is mostly in Latin letters."""
    import faker.providers
    import spacy.lang

    texts: dict[str, list[object]] = {}
    for folder in sorted(path.name for path in Path(spacy.lang.__path__[0]).iterdir() if path.is_dir()):
        found = texts.setdefault(folder[:2], [])
        found.extend(_attributes(f"spacy.lang.{folder}.stop_words", ["STOP_WORDS"]))
        found.extend(_attributes(f"spacy.lang.{folder}.examples", ["sentences"]))
    for kind, names in (("lorem", ["word_list"]), ("person", ["first_names", "last_names"])):
        folders = Path(faker.providers.__path__[0], kind)
        for locale in sorted(path.name for path in folders.iterdir() if path.is_dir()):
            found = texts.setdefault(locale[:2], [])
            # Names alone make no language: each is there once, however many there are.
            found.extend(
                sorted({str(each) for each in _attributes(f"faker.providers.{kind}.{locale}", names)})
            )
    for _, found in sorted(texts.items()):
        words = sorted(_words(sorted(map(str, found))))
        if len(words) >= 150:
            yield trigrams(words)


def main() -> None:
    """Write the module."""
    bits = table(languages())
    body = "".join(f'    "{bits[at : at + 100]}"\n' for at in range(0, len(bits), 100))
    sys.stdout.write(f"{_HEAD}{body})\n")
    sys.stdout.write(
        f'"""Bits times {STEPS}, from the character {chr(FIRST)!r} on, by first, second and third letter."""\n'
    )


if __name__ == "__main__":
    main()
