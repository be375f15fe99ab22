"""How many texts in pictures are read, by how they stand there, and what that costs pictures with and without texts.

    python benchmarks/picture_texts.py [--half build|held] [--side PIXELS] [--show]

Eleven ways to write a phrase into a picture, ten pictures of each, drawn here: plain, small on a page, small on a photo, turned,
mirrored, in perspective, bent, faint, on a coloured ground, damaged, and with its letters apart. A phrase is read where a rule on
a term of that name blocks the picture. The halves have other phrases, other places and other amounts: passes of the reader may be
written with `build`, nothing was tuned on `held`. Then the time of a whole check: of these pictures, of ordinary pages of
text, and of pictures without any. Needs the extra `ocr`; status 1 where an aim is missed.
"""

from __future__ import annotations

import argparse
import statistics
from collections import Counter
from collections.abc import Iterator
from time import perf_counter

from PIL import Image

from guardrails import Guard
from image_files import drawn, lines
from measure import table
from picture_text_drawings import WAYS, draw_phrase

PHRASES = {
    "build": (
        "Project Nightingale", "Blue Harbour Plan", "Operation Larkspur", "Silver Meadow Fund", "Winter Garden List",
        "Amber Lantern Report", "Copper Valley Deal", "Quiet River Memo", "Hidden Orchard File", "Golden Bridge Budget",
    ),
    "held": (
        "Velvet Compass Study", "Maple Crown Merger", "Red Falcon Contract", "Stone Lighthouse Pact", "Paper Tiger Survey",
        "Northern Pearl Offer", "Marble Staircase Note", "Crystal Forest Paper", "Summer Castle Group", "Iron Cathedral Draft",
    ),
}  # fmt: skip
"""Ten phrases of each half, one for each picture of a way."""

READ, SLOWEST_MS = 104, 300.0
"""The aims: pictures of 110 that are read, and the milliseconds that nine checks of ten may take."""


def draw(half: str) -> Iterator[tuple[str, str, Image.Image]]:
    """Yield the pictures of a half, each with its way and its phrase."""
    first = 0 if half == "build" else 10
    for way in WAYS:
        for at, phrase in enumerate(PHRASES[half]):
            yield way, phrase, draw_phrase(way, phrase, first + at)


def load(half: str, side: int) -> Guard:
    """Return a guard that blocks the phrases of a half in pictures."""
    return Guard.load(
        {
            "format": 1,
            "name": "phrases",
            "detectors": {
                "written": {"use": "image_text", "read": ["text"], "side": side},
                "phrases": {"use": "terms", "terms": list(PHRASES[half]), "category": "custom.phrase"},
            },
            "rules": [{"id": "phrase", "on": ["input"], "when": "custom.phrase > 0", "then": "block"}],
        }
    )


def check_ms(guard: Guard, image: Image.Image) -> tuple[bool, float]:
    """Return whether a guard blocks a picture, and how long that took."""
    start = perf_counter()
    blocked = guard.check(image).blocked
    return blocked, (perf_counter() - start) * 1_000


def percentile(times: list[float], share: float) -> float:
    """Return the time within which a share of the checks were done."""
    return sorted(times)[max(0, round(share * len(times)) - 1)]


def ordinary(first: int) -> Iterator[tuple[str, Image.Image]]:
    """Yield pictures that no pass need look at twice: soft patches without texts, and pages with plain lines."""
    for seed in range(first, first + 6):
        yield "no text, 640 x 480", drawn(640, 480, seed)
        yield "no text, 1600 x 1200", drawn(1_600, 1_200, seed)
        page = lines(4)
        page.putpixel((seed, 0), (0, 0, 0))
        yield "a page of 4 lines, 640 x 480", page


def measure(half: str, side: int, *, show: bool) -> bool:
    """Print what of a half is read, and the times; tell whether the aims are met."""
    guard = load(half, side)
    guard.check(lines(1))  # which loads the models
    read: Counter[str] = Counter()
    times: dict[str, list[float]] = {}
    for way, phrase, image in draw(half):
        blocked, took = check_ms(guard, image)
        read[way] += blocked
        times.setdefault(way, []).append(took)
        if show and not blocked:
            print(f"missed {way}: {phrase}")
    rows = [
        {"way": way, "read": read[way], "of": len(of), "median ms": statistics.median(of), "p90 ms": percentile(of, 0.9)}
        for way, of in times.items()
    ]  # fmt: skip
    everything = [each for of in times.values() for each in of]
    rows.append(
        {
            "way": "all",
            "read": read.total(),
            "of": len(everything),
            "median ms": statistics.median(everything),
            "p90 ms": percentile(everything, 0.9),
        }
    )
    print(f"\n{half}\n{table(rows)}")
    plain: dict[str, list[float]] = {}
    for name, image in ordinary(0 if half == "build" else 6):
        plain.setdefault(name, []).append(check_ms(guard, image)[1])
    print(
        f"\n{table([{'ordinary': name, 'median ms': statistics.median(of)} for name, of in plain.items()])}"
    )
    slowest = percentile(everything, 0.9)
    for met, text in (
        (read.total() >= READ, f"{read.total()} of {len(everything)} read (aim: >= {READ})"),
        (slowest <= SLOWEST_MS, f"{slowest:.0f} ms for nine checks of ten (aim: <= {SLOWEST_MS:.0f})"),
    ):
        print(f"{'met' if met else 'missed'}  {text}")
    return read.total() >= READ and slowest <= SLOWEST_MS


def main() -> int:
    """Print the tables of one half, or of both."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--half", choices=("build", "held"))
    parser.add_argument("--side", type=int, default=640)
    parser.add_argument("--show", action="store_true")
    given = parser.parse_args()
    halves = [given.half] if given.half else ["build", "held"]
    met = [measure(half, given.side, show=given.show) for half in halves]
    return 0 if all(met) else 1


if __name__ == "__main__":
    raise SystemExit(main())
