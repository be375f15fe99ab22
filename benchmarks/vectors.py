"""The public tests of three rivals as vectors, and how often our detectors say what their tests expect.

    git clone --depth 1 https://github.com/openai/openai-guardrails-python PACKS/openai-guardrails-python
    git clone --depth 1 https://github.com/protectai/llm-guard PACKS/llm-guard
    git clone --depth 1 https://github.com/microsoft/presidio PACKS/presidio
    python benchmarks/vectors.py --packs PACKS

Each rival passes its own tests by construction. The files are read as data (`vectors_ast.py`): nothing of them is
imported, run or kept here. `deliberate` counts vectors where we mean to do otherwise, `no kind` those of personal data
for which our table has no row, `other` those about a rival's inner functions or that need a model; none is hidden.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import vectors_llm_guard
import vectors_openai
import vectors_presidio
from measure import table
from vectors_ast import Outcome

PACKS: dict[str, Callable[[Path], Iterator[Outcome]]] = {
    "openai-guardrails-python": vectors_openai.outcomes,
    "llm-guard": vectors_llm_guard.outcomes,
    "presidio": vectors_presidio.outcomes,
}
VERDICTS = ("agree", "differ", "deliberate", "no kind", "untranslated")


def row(name: str, outcomes: Sequence[Outcome]) -> dict[str, object]:
    """Return a line of the table: counts, and the rate with and without what is deliberate."""
    counts = Counter(each.verdict for each in outcomes)
    agree, differ, deliberate = counts["agree"], counts["differ"], counts["deliberate"]
    shown: dict[str, object] = {"pack": name, "vectors": len(outcomes)}
    shown |= {verdict if verdict != "untranslated" else "other": counts[verdict] for verdict in VERDICTS}
    shown["agree %"] = 100 * agree / (agree + differ) if agree + differ else None
    whole = agree + differ + deliberate
    shown["with deliberate %"] = 100 * agree / whole if whole else None
    return shown


def report(pack: str, outcomes: Sequence[Outcome], *, show: bool) -> None:
    """Print a pack: a line for each file, reasons with counts, and what differs."""
    files = dict.fromkeys(each.file for each in outcomes)
    rows = [row(f"  {file}", [each for each in outcomes if each.file == file]) for file in files]
    print(table([*rows, row(pack, outcomes)]))
    for verdict, title in (("deliberate", "deliberate"), ("no kind", "no kind"), ("untranslated", "other")):
        reasons = Counter(each.detail for each in outcomes if each.verdict == verdict)
        for reason, count in reasons.most_common():
            print(f"  {title}: {count:4} {reason}")
    if show:
        for each in outcomes:
            if each.verdict == "differ":
                print(f"  differs: {each.file} {each.test}[{each.number}] {each.detail}")
    print()


def main(arguments: Sequence[str] | None = None) -> int:
    """Print every pack that is there."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--packs", type=Path, required=True, help="folder of the checkouts")
    parser.add_argument("--only", choices=sorted(PACKS), help="one pack alone")
    parser.add_argument("--show", action="store_true", help="print each vector that differs")
    given = parser.parse_args(arguments)
    for pack, outcomes in PACKS.items():
        if given.only in {None, pack}:
            report(pack, list(outcomes(given.packs / pack)), show=given.show)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
