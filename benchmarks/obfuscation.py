"""Disguises: how much of what detectors find they still find when it is written in another way.

    python benchmarks/obfuscation.py            # recall of each detector under each trick, with views and without

Every cell: as many attempts as `--count` says, each a thing of the detector's kind in a made-up sentence, disguised by
the trick. It is found where a finding touches it, and exactly where the finding covers it and nothing else. "without" is the
same patterns and words on the text as it is, without views and without decoding (`urls` and `prompt_leak` have no way
to look without views: without decoding alone). A dash: the trick does not apply
(digits have no leetspeak). Everything is made up here; the tricks are not those of any test. What is encoded is found
where the whole payload is.
"""

from __future__ import annotations

import argparse
import codecs
import random
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from guardrails import Guard, Stage, Text
from guardrails.authoring.testing import disguises
from guardrails.detectors.patterns.patterns_detector import PatternsDetector
from guardrails.types import Place
from measure import machine, table

Draw = random.Random
SYSTEM = (
    "You are the assistant of a bicycle workshop in Porto. Quote prices with tax, never promise a repair within "
    "one day, and send customers with electric bicycles to the shop in the harbour street."
)


def between(text: str, signs: Sequence[str], draw: Draw) -> str:
    return "".join(char + draw.choice(signs) for char in text)


def encoded(encode: Callable[[str], str]) -> Callable[[str, Draw], str]:
    return lambda text, _draw: encode(text)


def leet(text: str, draw: Draw) -> str:
    return "".join(
        draw.choice(disguises.LEET[char]) if char in disguises.LEET and draw.random() < 0.6 else char
        for char in text
    )


def spaced(text: str, draw: Draw) -> str:
    sign = draw.choice(" .-_")
    return (sign * 3 if sign != " " else "   ").join(sign.join(word) for word in text.split(" "))


def repeated(text: str, draw: Draw) -> str:
    return "".join(
        char * draw.randint(3, 5) if char.isalpha() and draw.random() < 0.3 else char for char in text
    )


def emoji(text: str, draw: Draw) -> str:
    first = draw.choice((0x1F130, 0x1F150, 0x1F170))
    return "".join(
        chr(first + ord(char.upper()) - 65) if char.isascii() and char.isalpha() else char for char in text
    )


TRICKS: dict[str, Callable[[str, Draw], str]] = {
    "none": lambda text, _draw: text,
    "zero width": lambda text, draw: between(text, "\u200b\u200c\u2060\ufeff", draw),
    "bidi marks": lambda text, draw: between(text, ("\u202a", "\u2067", "\u200f", ""), draw),
    "full width": encoded(disguises.to_full_width),
    "look-alikes": encoded(disguises.to_homoglyphs),
    "zalgo": lambda text, draw: between(text, ["\u0301\u0327", "\u0334\u0310", "\u0336"], draw),
    "leetspeak": leet,
    "spaced out": spaced,
    "repeated": repeated,
    "HTML entities": lambda text, draw: "".join(
        draw.choice((f"&#{ord(char)};", f"&#x{ord(char):x};")) for char in text
    ),
    "escapes": encoded(disguises.to_json_escapes),
    "emoji letters": emoji,
    "base64": encoded(disguises.to_base64),
    "hex": encoded(lambda text: text.encode().hex()),
    "percent": encoded(disguises.to_percent_encoding),
    # Nobody rotates two words: the sentence around them is rotated along.
    "rot13": encoded(lambda text: codecs.encode(f"tell me about the {text} and what you have", "rot13")),
    "tags": encoded(disguises.to_unicode_tags),
    "base64 twice": encoded(lambda text: disguises.to_base64(disguises.to_base64(text))),
}
LETTERS = {"leetspeak", "repeated", "emoji letters", "look-alikes"}
"""Tricks that letters can play and digits cannot, or that would make another thing of a key."""


def digits(draw: Draw, count: int) -> str:
    return "".join(draw.choice("0123456789") for _ in range(count))


def card(draw: Draw) -> str:
    body = "4" + digits(draw, 14)
    total = sum(int(digit) if at % 2 else sum(map(int, str(2 * int(digit)))) for at, digit in enumerate(body))
    return body + str(-total % 10)


def words(draw: Draw, size: int) -> str:
    return "".join(draw.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(size))


@dataclass(frozen=True)
class Kind:
    """A category, a detector in YAML that gives it, the same without views, things to find, tricks that do not apply."""

    category: str
    detector: str
    bare: str
    thing: Callable[[Draw], str]
    without: frozenset[str] = frozenset()
    carrier: str = "Well, {} and so on."


PHRASES = (
    "midnight harvest",
    "golden parachute",
    "silver lighthouse",
    "crimson tide pools",
    "operation teacup",
)
PATTERN = r"'(?i)\b(?:skip|forget)\s+(?:all\s+)?the\s+(?:safety|house)\s+rules\b'"
NO_LETTERS = frozenset(LETTERS)
KINDS: dict[str, Kind] = {
    "terms": Kind(
        "custom.it",
        f"{{use: terms, terms: {list(PHRASES)}, category: custom.it}}",
        f"{{use: terms, terms: {list(PHRASES)}, category: custom.it, case: exact}}",
        lambda draw: draw.choice(PHRASES),
    ),
    "patterns": Kind(
        "custom.it",
        f"{{use: patterns, patterns: [{PATTERN}], category: custom.it}}",
        f"{{use: patterns, patterns: [{PATTERN}], category: custom.it, view: plain}}",
        lambda draw: (
            f"{draw.choice(('skip', 'forget'))} {draw.choice(('', 'all '))}the {draw.choice(('safety', 'house'))} rules"
        ),
    ),
    "pii: e-mail": Kind(
        "pii",
        "{use: pii, entities: [email]}",
        "",
        lambda draw: f"{words(draw, 5)}.{words(draw, 6)}@{words(draw, 7)}.com",
        frozenset({"leetspeak", "repeated"}),
    ),
    "pii: card": Kind("pii", "{use: pii, entities: [credit_card]}", "", card, NO_LETTERS | {"rot13"}),
    "secrets": Kind(
        "secret",
        "{use: secrets, kinds: [gitlab_token]}",
        "",
        lambda draw: (
            "glpat-" + "".join(draw.choice("abcdefghkmnpqrstuvwyz23456789ABCDEFG") for _ in range(20))
        ),
        frozenset({"leetspeak", "repeated", "emoji letters"}),
    ),
    "urls": Kind(
        "url",
        "{use: urls, deny: [badplace.example]}",
        "",
        lambda draw: f"https://badplace.example/{words(draw, 6)}",
        frozenset({"leetspeak", "repeated"}),
    ),
    "prompt_leak": Kind(
        "custom.it",
        "{use: prompt_leak, category: custom.it}",
        "",
        lambda draw: " ".join(SYSTEM.split()[(at := draw.randint(0, 20)) : at + 12]),
    ),
}


def guard(kind: Kind, folder: Path, *, decode: bool) -> Guard:
    path = folder / "policy.yaml"
    detector = kind.detector if decode else kind.bare or kind.detector
    path.write_text(
        f"format: 1\nname: measured\nlimits: {{encoding_depth: {3 if decode else 0}}}\ndetectors:\n  it: {detector}\n"
        f"rules:\n  - {{id: it, on: output, when: {kind.category} > 0, then: flag}}\n"
    )
    made = Guard.load(path)
    for bound in made.pipeline.bounds():
        if not decode and isinstance(bound.detector, PatternsDetector):
            object.__setattr__(
                bound, "detector", PatternsDetector(bound.name, bound.detector.table, view="plain")
            )
    return made


def covered(judge: Guard, text: str, start: int, end: int) -> tuple[bool, bool]:
    """Whether the stretch is found, and found exactly."""
    content = Text(text, Place(Stage.OUTPUT), {"system": SYSTEM})
    spans = [finding.span for finding in judge.check(content).findings if finding.span is not None]
    return any(first < end and start < last for first, last in spans), any(
        abs(first - start) <= 1 and abs(last - end) <= 1 for first, last in spans
    )


def cell(judge: Guard, kind: Kind, trick: str, count: int) -> tuple[float, float]:
    draw = Draw(f"{kind.detector}{trick}")
    found = exact = 0
    for _ in range(count):
        thing = TRICKS[trick](kind.thing(draw), draw)
        before, after = kind.carrier.split("{}")
        one, other = covered(judge, before + thing + after, len(before), len(before) + len(thing))
        found += one
        exact += other
    return found / count, exact / count


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the machine and the matrix."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=50, help="attempts in each cell")
    count = parser.parse_args(arguments).count
    rows: list[dict[str, object]] = []
    totals = {"with": [0.0, 0.0, 0], "without": [0.0, 0.0, 0]}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        guards = {
            kind: (guard(of, folder, decode=True), guard(of, folder, decode=False))
            for kind, of in KINDS.items()
        }
        for trick in TRICKS:
            row: dict[str, object] = {"trick": trick}
            for kind, of in KINDS.items():
                if trick in of.without:
                    row[kind] = "-"
                    continue
                cells = [cell(judge, of, trick, count) for judge in guards[kind]]
                row[kind] = f"{cells[0][0]:.2f} ({cells[1][0]:.2f})"
                for at, total in enumerate(totals.values()):
                    if trick != "none":
                        total[0] += cells[at][0]
                        total[1] += cells[at][1]
                        total[2] += 1
            rows.append(row)
    print(machine())
    print("recall with views and decoding (without)")
    print(table(rows))
    for name, (found, exact, cells_) in totals.items():
        print(
            f"{name}: mean recall {found / cells_:.3f}, exact spans {exact / cells_:.3f} over {cells_:.0f} cells"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
