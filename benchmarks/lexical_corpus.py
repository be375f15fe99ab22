"""A made-up lexical job: a seed goes in, banned phrases, regular expressions and texts that match none come
out.

Every word is built from a small consonant and vowel grammar, so nothing here means anything. The texts share
words with the phrases (each word of a longer phrase occurs in texts, the whole phrase never does) and the
patterns' keywords and number shapes (never side by side), so that an automaton or a prefilter has real work
and still finds nothing: this is the allow path. "Nothing matches" is asserted, also for the text in lower
case without accents, punctuation and spaces, so that a matcher that normalises first does the same job.
"""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

PHRASES = 2_000
PATTERNS = 100
BYTES = 2_000
COMMON_WORDS = 3_000

ONSETS = ("b", "d", "f", "l", "m", "n", "r", "s", "t", "v", "br", "dr", "fl", "st", "tr")
VOWELS = ("a", "e", "i", "o", "u")
CODAS = ("", "", "", "", "l", "n", "r", "m")
ACCENTED = {"a": "äàâ", "e": "éèê", "i": "îï", "o": "öô", "u": "üùû", "s": "ß", "n": "ñ"}
CYRILLIC = ("бвгджзклмнпрстфшщ", "аеиоуыюя")
GREEK = ("βγδζθκλμνξπρσφψ", "αεηιουωά")
SMALL = ("and", "the", "with", "for", "from", "about", "into", "over")


@dataclass(frozen=True, slots=True)
class Corpus:
    """One job. `samples[i]` is a string that `patterns[i]` matches; no text matches any phrase or pattern."""

    phrases: list[str]
    patterns: list[str]
    samples: list[str]
    ascii: list[str]
    unicode: list[str]

    def plant(self, inserted: str, which: int = 0) -> str:
        """An ASCII text of the corpus with `inserted` in its middle, as words of their own."""
        words = self.ascii[which].split(" ")
        middle = len(words) // 2
        return " ".join([*words[:middle], inserted, *words[middle:]])


def corpus(scale: int = 1, texts: int = 200, seed: int = 13) -> Corpus:
    """Make the job.

    Args:
        scale: 1 for 2,000 phrases and 100 patterns, 10 for ten times both.
        texts: how many distinct 2 kB texts of each kind (ASCII, and mixed with other scripts).
        seed: the same seed gives the same job on every machine.
    """
    rng = random.Random(seed)
    common = distinct(rng, COMMON_WORDS, (2, 3), set())
    singles = distinct(rng, PHRASES * scale * 2 // 5, (4, 4), set(common))
    phrases = sorted({*singles, *pairs_and_triples(rng, common, PHRASES * scale - len(singles))})
    rng.shuffle(phrases)
    keywords = distinct(rng, PATTERNS * scale, (3, 3), {*common, *singles})
    shapes = [SHAPES[index % len(SHAPES)](rng, word) for index, word in enumerate(keywords)]
    clean = Clean(phrases, keywords, [pattern for pattern, _ in shapes])
    job = Corpus(
        phrases=phrases,
        patterns=[pattern for pattern, _ in shapes],
        samples=[sample for _, sample in shapes],
        ascii=[clean.draw(lambda: text(rng, common, keywords, mixed=False)) for _ in range(texts)],
        unicode=[clean.draw(lambda: text(rng, common, keywords, mixed=True)) for _ in range(texts)],
    )
    check(job)
    return job


def word(rng: random.Random, syllables: int) -> str:
    """One word of the grammar."""
    parts = (rng.choice(ONSETS) + rng.choice(VOWELS) + rng.choice(CODAS) for _ in range(syllables))
    return "".join(parts)


def distinct(rng: random.Random, count: int, syllables: tuple[int, int], taken: set[str]) -> list[str]:
    """`count` different words, none of them taken."""
    found: dict[str, None] = {}
    while len(found) < count:
        drawn = word(rng, rng.randint(*syllables))
        if drawn not in taken:
            found[drawn] = None
    return list(found)


def pairs_and_triples(rng: random.Random, common: list[str], count: int) -> list[str]:
    """`count` different phrases, two thirds of two words and one third of three, out of common words."""
    found: dict[str, None] = {}
    while len(found) < count:
        found[" ".join(rng.sample(common, 2 if len(found) % 3 else 3))] = None
    return list(found)


def digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choices("0123456789", k=count))


def order_number(rng: random.Random, key: str) -> tuple[str, str]:
    return rf"\b{key}[ -]?(?:no|nr)\.? ?[0-9]{{5,8}}\b", f"{key} no. {digits(rng, 6)}"


def sku(rng: random.Random, key: str) -> tuple[str, str]:
    head = key[:4].upper()
    return rf"\b{head}-[0-9]{{4}}-[A-Z]{{2}}\b", f"{head}-{digits(rng, 4)}-KX"


def dated(rng: random.Random, key: str) -> tuple[str, str]:
    pattern = rf"\b{key} (?:on|of|since) [0-9]{{1,2}}[./][0-9]{{1,2}}[./]20[0-9]{{2}}\b"
    return pattern, f"{key} since {rng.randint(1, 28)}.{rng.randint(1, 12)}.2031"


def ticket(rng: random.Random, key: str) -> tuple[str, str]:
    pattern = rf"\b(?:{key}|{key[:5]}s)[:#] ?[A-F0-9]{{8}}\b"
    return pattern, f"{key}: {digits(rng, 4)}{rng.choice('ABCDEF') * 4}"


def reference(rng: random.Random, key: str) -> tuple[str, str]:
    return rf"\b{key}\s+(?:id|ref)\s*[:=]\s*[a-z0-9]{{6,12}}\b", f"{key} ref = q{digits(rng, 7)}"


def dose(rng: random.Random, key: str) -> tuple[str, str]:
    return rf"(?i)\b{key}[a-z]{{0,4}} [0-9]{{2,3}} ?(?:kg|mm|ml)\b", f"{key.title()}en {digits(rng, 2)} ml"


def plate(rng: random.Random, key: str) -> tuple[str, str]:
    tail = key[:4].upper()
    return rf"\b[A-Z]{{2}}[0-9]{{2}}-{tail}[0-9]{{3}}\b", f"QW{digits(rng, 2)}-{tail}{digits(rng, 3)}"


def mailbox(rng: random.Random, key: str) -> tuple[str, str]:
    return rf"\b[a-z]{{3,12}}\.{key}@[a-z]{{3,12}}\.example\b", f"{word(rng, 2)}.{key}@{word(rng, 2)}.example"


# Shapes of data a policy bans by pattern, in the syntax that Python's re and RE2 share: pattern and a match.
SHAPES: tuple[Callable[[random.Random, str], tuple[str, str]], ...] = (
    order_number, sku, dated, ticket, reference, dose, plate, mailbox,
)  # fmt: skip


def near_miss(rng: random.Random, keywords: list[str]) -> str:
    """Half of what a pattern wants: its keyword without the number, or a number without the keyword."""
    key = rng.choice(keywords)
    match rng.randrange(5):
        case 0:
            return f"{key} and"
        case 1:
            return f"no. {digits(rng, 6)}"
        case 2:
            return f"since {rng.randint(1, 28)}.{rng.randint(1, 12)}.2031"
        case 3:
            return f"{key.title()} with {digits(rng, 2)} ml"
        case _:
            return f"{word(rng, 2).upper()}-{digits(rng, 3)}"


def foreign(rng: random.Random, common: list[str]) -> str:
    """A word with accents, or one in Cyrillic or Greek."""
    kind = rng.random()
    if kind < 0.6:
        drawn = rng.choice(common)
        place = rng.choice([index for index, letter in enumerate(drawn) if letter in ACCENTED])
        return drawn[:place] + rng.choice(ACCENTED[drawn[place]]) + drawn[place + 1 :]
    onsets, vowels = CYRILLIC if kind < 0.8 else GREEK
    return "".join(rng.choice(onsets) + rng.choice(vowels) for _ in range(rng.randint(2, 4)))


def text(rng: random.Random, common: list[str], keywords: list[str], *, mixed: bool) -> str:
    """Sentences of at most 2,000 bytes of UTF-8, and at least 1,960."""
    words: list[str] = []
    size, start = 0, True
    while True:
        kind = rng.random()
        if kind < 0.06:
            drawn = near_miss(rng, keywords)
        elif mixed and kind < 0.40:
            drawn = foreign(rng, common)
        else:
            drawn = rng.choice(SMALL) if kind > 0.85 else rng.choice(common)
        if start:
            drawn = drawn[0].upper() + drawn[1:]
        start = rng.random() < 0.08
        drawn += "." if start else rng.choice(("", "", "", "", "", "", "", ","))
        size += len(drawn.encode()) + 1
        if size > BYTES:
            return " ".join(words)
        words.append(drawn)


def folded(value: str) -> str:
    """Lower case without accents."""
    return "".join(c for c in unicodedata.normalize("NFKD", value.casefold()) if not unicodedata.combining(c))


class Clean:
    """Draws texts until one matches nothing, in any of the forms that matchers normalise to."""

    def __init__(self, phrases: list[str], keywords: list[str], patterns: list[str]) -> None:
        self.squeezed = {phrase.replace(" ", "") for phrase in phrases}
        self.lengths = sorted({len(phrase) for phrase in self.squeezed})
        compiled = (re.compile(pattern, re.IGNORECASE) for pattern in patterns)
        self.patterns = [(key[:4], pattern) for key, pattern in zip(keywords, compiled, strict=True)]

    def draw(self, make: Callable[[], str]) -> str:
        while True:
            drawn = make()
            if not self.has_phrase(drawn) and not self.has_pattern(folded(drawn)):
                return drawn

    def has_phrase(self, value: str) -> bool:
        """Whether a phrase occurs in the letters of the text, wherever its spaces are."""
        letters = "".join(filter(str.isalpha, folded(value)))
        squeezed, end = self.squeezed, len(letters)
        return any(
            letters[at : at + length] in squeezed for length in self.lengths for at in range(end - length + 1)
        )

    def has_pattern(self, value: str) -> bool:
        """Whether a pattern matches near a number: each needs one, or a mark that no text has."""
        assert not set(":#=@") & set(value)
        near = "\n".join(value[max(0, m.start() - 40) : m.end() + 15] for m in re.finditer("[0-9]+", value))
        return any(key in near and pattern.search(near) for key, pattern in self.patterns)


def check(job: Corpus) -> None:
    """State what the job promises, on the result as it is; `Clean` is not asked."""
    assert len(set(job.phrases)) == len(job.phrases) == len(job.patterns) * PHRASES // PATTERNS
    texts = job.ascii + job.unicode
    assert len(set(texts)) == len(texts)
    for value in texts:
        assert BYTES - 40 <= len(value.encode()) <= BYTES, len(value.encode())
    assert all(value.isascii() for value in job.ascii)
    assert not any(value.isascii() for value in job.unicode)
    compiled = [re.compile(pattern) for pattern in job.patterns]
    for pattern, sample in zip(compiled, job.samples, strict=True):
        assert pattern.search(f"before {sample} after"), (pattern.pattern, sample)
    for value in texts[:: max(1, len(texts) // 20)]:
        assert not any(phrase in value.lower() for phrase in job.phrases)
        assert not any(pattern.search(value) for pattern in compiled)
