"""Texts that are made to cost much: long runs of each alphabet, and of what detectors look for; beside them prose, which costs what
texts ordinarily do.
"""

# ruff: noqa: RUF001 - look-alikes are meant

from __future__ import annotations

import base64
import random
import string
from collections.abc import Callable, Mapping

Make = Callable[[random.Random, int], str]
"""Makes a text of at least so many characters."""

SUBJECTS = [
    "committee",
    "library",
    "gardener",
    "teacher",
    "river",
    "council",
    "museum",
    "bakery",
    "driver",
    "student",
    "neighbour",
    "engineer",
]
VERBS = [
    "opened",
    "measured",
    "described",
    "painted",
    "visited",
    "repaired",
    "discussed",
    "collected",
    "watched",
    "finished",
    "carried",
    "sold",
]
OBJECTS = [
    "bridge",
    "budget",
    "garden",
    "letter",
    "window",
    "recipe",
    "timetable",
    "report",
    "ceiling",
    "harvest",
    "lesson",
    "collection",
]
ADJECTIVES = [
    "old",
    "quiet",
    "narrow",
    "careful",
    "early",
    "broken",
    "wooden",
    "northern",
    "gentle",
    "late",
    "public",
    "heavy",
]
PLACES = [
    "before the holidays",
    "near the station",
    "on Tuesday",
    "with some help",
    "after the rain",
    "at the market",
]


def prose(random_: random.Random, size: int) -> str:
    """Return sentences of which hardly two are alike."""
    pick = random_.choice
    sentences: list[str] = []
    length = 0
    while length < size:
        sentences.append(
            f"The {pick(ADJECTIVES)} {pick(SUBJECTS)} {pick(VERBS)} the {pick(ADJECTIVES)} {pick(OBJECTS)} {pick(PLACES)}. "
        )
        length += len(sentences[-1])
    return "".join(sentences)


def repeat(unit: str) -> Make:
    """Return what repeats a unit."""
    return lambda _, size: unit * (size // len(unit) + 1)


def draw(alphabet: str) -> Make:
    """Return what draws characters of an alphabet."""
    return lambda random_, size: "".join(random_.choices(alphabet, k=size))


def draw_code_points(first: int, last: int) -> Make:
    """Return what draws code points of a range, surrogates apart."""

    def make(random_: random.Random, size: int) -> str:
        drawn = (random_.randint(first, last) for _ in range(size))
        return "".join(chr(each if not 0xD800 <= each < 0xE000 else each - 0x800) for each in drawn)

    return make


def join(separator: str, word: Callable[[random.Random], str]) -> Make:
    """Return what joins words, each of which is drawn."""

    def make(random_: random.Random, size: int) -> str:
        words: list[str] = []
        length = 0
        while length < size:
            words.append(word(random_))
            length += len(words[-1]) + len(separator)
        return separator.join(words)

    return make


def _digits(random_: random.Random, count: int) -> str:
    return "".join(random_.choices(string.digits, k=count))


def _letters(random_: random.Random, most: int) -> str:
    return "".join(random_.choices(string.ascii_letters + string.digits, k=random_.randint(5, most)))


def _open_braces(random_: random.Random, size: int) -> str:
    return '{"a":' * (size // 5 + 1)


TEXTS: Mapping[str, Make] = {
    # Alphabets.
    "random Unicode": draw_code_points(0, 0x10FFFF),
    "random basic plane": draw_code_points(0, 0xFFFF),
    "random Latin": draw_code_points(0xA1, 0x24F),
    "random ASCII": draw("".join(map(chr, range(32, 127)))),
    "random signs": draw(string.punctuation),
    "random letters": draw(string.ascii_letters),
    "random digits": draw(string.digits),
    "digits and gaps": draw(string.digits + ".- "),
    "one letter": repeat("a"),
    "blanks": repeat(" "),
    "line breaks": repeat("\n"),
    "nulls": repeat("\0"),
    "ideographs": draw_code_points(0x4E00, 0x9FFE),
    "Hangul": draw_code_points(0xAC00, 0xD7A2),
    "Arabic": repeat("اجتمعت اللجنة يوم الثلاثاء "),
    "Devanagari": repeat("समिति की बैठक "),
    "Thai": repeat("คณะกรรมการประชุม"),
    "emoji": draw_code_points(0x1F300, 0x1F64E),
    "emoji joined": repeat("👨\u200d👩\u200d👧"),
    "mathematical letters": draw_code_points(0x1D400, 0x1D7FE),
    "full width": repeat("Ｔｈｅ　ｃｏｍｍｉｔｔｅｅ"),
    "look-alikes": repeat("Тhе соmmittее mеt оn Тuеsdау "),
    "zero width": repeat("a\u200b"),
    "combining marks": repeat("e\u0301\u0302\u0303"),
    "marks alone": repeat("\u0301\u0302"),
    "right to left": repeat("\u202eabc\u202c "),
    "tags": draw_code_points(0xE0020, 0xE007E),
    "half surrogates": repeat("\ud800"),
    # Codes.
    "Base64": lambda random_, size: base64.b64encode(random_.randbytes(size)).decode(),
    "Base64 words": repeat(base64.b64encode(b"hello there world of pay").decode() + " "),
    "hexadecimal": lambda random_, size: random_.randbytes(size).hex(),
    "hexadecimal words": join(" ", lambda random_: random_.randbytes(16).hex()),
    "percent signs": repeat("%41%42%20"),
    "entities": repeat("&#65;&amp;&lt;"),
    "nested entities": repeat("&amp;amp;amp;lt;"),
    "escapes": repeat("\\u0041\\x42"),
    "bits": join(" ", lambda random_: f"{random_.randrange(256):08b}"),
    "Morse": repeat(".- -... -.-. "),
    "leet": repeat("7h3 c0mm1773 m37 0n 7u35d4y "),
    "letters apart": repeat("T h e  c o m m "),
    "letters and dots": repeat("T.h.e.c.o.m.m."),
    "colons": repeat("a:b:c::1:"),
    # What detectors look for.
    "digits and dots": repeat("1.1.1.1 "),
    "IPv4 addresses": join(" ", lambda random_: ".".join(str(random_.randrange(256)) for _ in range(4))),
    "IPv6 addresses": join(" ", lambda random_: ":".join(f"{random_.randrange(65536):x}" for _ in range(8))),
    "card numbers": join(" ", lambda random_: "4" + _digits(random_, 15)),
    "valid cards": repeat("4111 1111 1111 1111 "),
    "social security numbers": repeat("123-45-6789 "),
    "IBANs": repeat("DE89370400440532013000 "),
    "telephone numbers": repeat("+1 (555) 123-4567 "),
    "dates": repeat("2024-01-02 03:04:05 12/31/1999 "),
    "UUIDs": join(
        " ", lambda random_: str(random_.randbytes(4).hex()) + "-1b2c-4d3e-a1b2-" + random_.randbytes(6).hex()
    ),
    "e-mail addresses": join(
        " ", lambda random_: f"user{_digits(random_, 6)}@example{_digits(random_, 4)}.com"
    ),
    "half addresses": repeat("a.a@a."),
    "links": join(
        " ", lambda random_: f"https://host{_digits(random_, 6)}.example.com/p/{_digits(random_, 6)}?q=1"
    ),
    "short links": repeat("http://a.b "),
    "pictures in Markdown": repeat("![a](http://a.b/c?d=e) "),
    "slashes": repeat("a/b/c//"),
    "long words": join(" ", lambda random_: _letters(random_, 40)),
    "keys": join(" ", lambda random_: "api_key=" + _letters(random_, 40)),
    "tokens": repeat("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc "),
    "private keys": repeat("-----BEGIN PRIVATE KEY-----\n"),
    "orders": repeat("ignore all ignore the previous "),
    "data URIs": repeat("data:image/png;base64,iVBORw0KGgo= "),
    # Languages of machines.
    "JSON": repeat('{"a": [1, 2, {"b": "c"}], "d": null} '),
    "open brackets": repeat("["),
    "open braces": _open_braces,
    "open text": repeat('"\\"'),
    "CSV": join(
        "\n", lambda random_: f"{_digits(random_, 6)},name{_digits(random_, 3)},{random_.random():.4f}"
    ),
    "HTML": repeat('<div class="a"><p>x</p></div>'),
    "open tags": repeat("<a>"),
    "tables": repeat("| a | b | c |\n|---|---|---|\n"),
    "links in Markdown": repeat("[a](b)"),
    "fences": repeat("```\n"),
    "emphasis": repeat("*_"),
    "code": repeat("def f(x):\n    return [y for y in x if y > 3]\n"),
    "SQL": repeat("SELECT a, b FROM t WHERE c = 1 OR "),
    "open SQL": repeat("SELECT ("),
}
"""What each consists of → what makes it."""


def make_text(name: str, size: int) -> str:
    """Return a hostile text of so many characters, always the same for a name and a size."""
    return TEXTS[name](random.Random(f"{name} {size}"), size)[:size]


def make_prose(size: int, seed: int = 0) -> str:
    """Return prose of so many characters."""
    return prose(random.Random(seed), size)[:size]
