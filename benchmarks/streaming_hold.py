"""How much text the watermarks hold back, what they cost, and how often they look at a character.

    python benchmarks/streaming_hold.py

For each detector: characters held after each character of prose (median, 90th and 99th percentile, most), microseconds of CPU
time for each character in chunks of four, first on text that is new and then again, and characters handed to searches for
each character of texts that are made to be held. The prose is that of this repository's own documents.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from guardrails.detectors.patterns.patterns_detector import PatternsDetector
from guardrails.detectors.patterns.streaming.patterns_stream import PatternStream
from guardrails.detectors.patterns.streaming.stream_rows import StreamRows
from guardrails.detectors.pii import pii_detector
from guardrails.detectors.secrets import secrets_detector
from guardrails.detectors.terms.terms_detector import TermsDetector
from lexical_corpus import corpus
from measure import machine, table

ROOT = Path(__file__).resolve().parents[1]
SIZE = 20_000
HOLDING = {
    "-----BEGIN PRIVATE KEY-----\n": "-----BEGIN PRIVATE KEY-----\n"
    + "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n" * 600,
    "aaaa": "a" * SIZE,
    "1 1 1": "1 " * (SIZE // 2),
    "1111": "1" * SIZE,
    "a.a.": "a." * (SIZE // 2),
    'open quote "': '"' + "words and words " * (SIZE // 16),
}
Start = Callable[[], Any]


def prose() -> str:
    """Return some text that people wrote, without its code."""
    files = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", ROOT / "LICENSE"]
    return "\n".join(path.read_text(encoding="utf-8") for path in files)[:SIZE]


def starts() -> dict[str, Start]:
    """Return the detectors that are measured: a function for each that begins a stream."""
    found: dict[str, Start] = {}
    for name, choice in (("pii fast", pii_detector.CHOICE), ("secrets", secrets_detector.CHOICE)):
        detector = choice.build(name, None)
        found[name] = _patterns(detector, "codes")
    found["pii email+card"] = _patterns(pii_detector.CHOICE.build("few", ["email", "credit_card"]), "codes")
    words = [*corpus().phrases]
    for name, fold in (("2,000 terms", True), ("2,000 terms, exact", False)):
        terms = TermsDetector(name, words, "custom.terms", score=1.0, words=True, fold=fold)
        found[name] = lambda terms=terms: terms.stream(None)  # type: ignore[misc]
    return found


def _patterns(detector: PatternsDetector, view: Any) -> Start:
    rows = StreamRows(detector.table)
    print(f"{len(rows.rows)} rows, {len(rows.whole)} held whole, {len(rows.endless)} may hold without end")
    return lambda: PatternStream("x", rows, view)


def held(start: Start, text: str) -> list[int]:
    """Return how much is held after each character, in order of size."""
    stream = start()
    return sorted(at - stream.feed(char).settled for at, char in enumerate(text, 1))


def cost(start: Start, text: str, chunk: int = 4) -> tuple[float, float]:
    """Return microseconds of CPU time, and characters scanned, for each character."""
    stream = start()
    begun = time.process_time()
    for at in range(0, len(text), chunk):
        stream.feed(text[at : at + chunk])
    stream.flush()
    return (time.process_time() - begun) / len(text) * 1e6, stream.scanned / len(text)


def main() -> None:
    """Measure and print."""
    text = prose()
    rows = []
    for name, start in starts().items():
        new = cost(start, text)[0]
        sizes = held(start, text)
        row: dict[str, object] = {
            "detector": name,
            "median": sizes[len(sizes) // 2],
            "p90": sizes[len(sizes) * 90 // 100],
            "p99": sizes[len(sizes) * 99 // 100],
            "most": sizes[-1],
            "us new": round(new, 1),
            "us": round(cost(start, text)[0], 1),
        }
        for label, made in HOLDING.items():
            row[label.strip()] = "{:.1f} us, {:.0f}x".format(*cost(start, made))
        rows.append(row)
        print(row, file=sys.stderr)
    print(machine(), table(rows), sep="\n\n")


if __name__ == "__main__":
    main()
