"""What a character of a hostile text costs, as a ratio to prose of the same length: for each detector, and for a whole check.

    python benchmarks/cost_per_character.py [--size 20000] [--policy default] [--most 20] [--search 0]

Processor time, so that other jobs of the machine change little. `no model` is a check without the detectors that read texts in
windows, beside a whole check of prose: without them prose costs nearly nothing. With `--search N` so many rounds look for dearer
texts than the table has: they join, cut and change the dearest.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from pathlib import Path
from time import process_time

import measure

sys.path.insert(0, str(Path(__file__).parents[1]))

from guardrails import Guard
from guardrails.types import CLEAN, Content, Detection, Place, Stage, Text
from tests.hostile_texts import TEXTS, make_prose, make_text

AIM = 10.0
"""How many times as much as prose a text may cost in a whole check."""

PROSES = 3
"""Texts of prose, of which the mean counts."""

KEPT = 8
"""Texts that a round of the search goes on with."""

NUMBERS = count()

Cost = Callable[[str], float]


class NoModel:
    """A detector that takes no time."""

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        """Find nothing."""
        return [CLEAN] * len(batch)


def without_models(policy: str) -> Guard:
    """Return a guard whose detectors that read texts in windows find nothing."""
    guard = Guard.load(policy)
    for bound in guard.pipeline.bounds():
        if bound.passages:
            object.__setattr__(bound, "detector", NoModel())
            object.__setattr__(bound, "at_once", NoModel().detect)
    return guard


def microseconds(call: Callable[[str], object]) -> Cost:
    """Return what tells how many microseconds of the processor a call takes for each character of a text.

    No two calls have the same text: what is read of a text is remembered for whoever asks next.
    """

    def cost(text: str) -> float:
        text = f"{text[:-4]}{next(NUMBERS) % 10_000:4}"
        started = process_time()
        call(text)
        return (process_time() - started) * 1e6 / len(text)

    return cost


def costs_of(policy: str) -> dict[str, Cost]:
    """Return what is measured: a whole check, one without models, each detector."""
    guard, plain = Guard.load(policy), without_models(policy)
    costs: dict[str, Cost] = {
        "check": microseconds(lambda text: guard.check(text, complete=True)),
        "no model": microseconds(lambda text: plain.check(text, complete=True)),
    }
    for bound in guard.pipeline.bounds():
        if Text.kind in bound.contents and bound.adetect is None:
            detect, place = bound.detector.detect, Place(Stage.INPUT)
            costs[bound.name] = microseconds(
                lambda text, detect=detect, place=place: detect([Text(text, place)])  # type: ignore[misc]
            )
    return costs


def measured(costs: Mapping[str, Cost], texts: Mapping[str, str], size: int) -> list[dict[str, object]]:
    """Return a row for each text: microseconds of a whole check, and ratios to prose, the dearest first."""
    proses = [make_prose(size, seed) for seed in range(PROSES + 1)]
    base: dict[str, float] = {}
    for name, cost in costs.items():
        cost(proses[0])  # warms up
        base[name] = sum(map(cost, proses[1:])) / PROSES
    base["no model"] = base["check"]
    plain = costs["no model"](make_prose(size, PROSES + 1)) / base["check"]
    rows: list[dict[str, object]] = [
        {"text": "prose", "\u00b5s": base["check"], **dict.fromkeys(costs, 1.0), "no model": plain}
    ]
    for name, text in texts.items():
        found = {each: cost(text) for each, cost in costs.items()}
        # What costs less than a twentieth of a check of prose is no matter, however many times it costs its own.
        least = base["check"] / 20
        ratios = {each: value / max(base[each], least) for each, value in found.items()}
        rows.append({"text": name, "\u00b5s": found["check"], **ratios})
    return [rows[0], *sorted(rows[1:], key=lambda row: -float(str(row["check"])))]


def search(cost: Cost, texts: Sequence[str], size: int, rounds: int) -> list[str]:
    """Return the dearest texts that were found by joining, cutting and changing some, again and again."""
    random_ = random.Random(1)
    units = [text[:64] for text in texts]
    kept = sorted(((cost(text), text) for text in texts), reverse=True)[:KEPT]
    for _ in range(rounds):
        for _, text in kept[:]:
            other, at = random_.choice(kept)[1], random_.randrange(1, 64)
            unit = random_.choice(
                (
                    text[:at] + other[at : at + 64],
                    text[:at] + random_.choice(units),
                    text[:at] + chr(random_.randrange(32, 0x3000)),
                    "".join(random_.sample(text[:at], at)),
                )
            )
            made = (
                (unit * (size // len(unit) + 1))[:size]
                if random_.random() < 0.7
                else (text[: size // 2] + other)[:size]
            )
            kept.append((cost(made), made))
        kept = sorted(kept, reverse=True)[:KEPT]
    return [text for _, text in kept]


def main() -> None:
    """Print a row for each text."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, default=20_000)
    parser.add_argument("--policy", default="default")
    parser.add_argument("--most", type=int, default=20)
    parser.add_argument("--search", type=int, default=0, metavar="ROUNDS")
    args = parser.parse_args()
    print(measure.machine())
    texts = {name: make_text(name, args.size) for name in TEXTS}
    costs = costs_of(args.policy)
    rows = measured(costs, texts, args.size)
    print(measure.table(rows[: args.most + 1]))
    for name in ("check", "no model"):
        dearest = max(rows, key=lambda row: float(str(row[name])))
        said = f"{name}: {dearest['text']} costs {dearest[name]:.1f} times as much as prose (aim: \u2264 {AIM:.0f})"
        print(f"{'met' if float(str(dearest[name])) <= AIM else 'MISSED':7} {said}")
    if args.search:
        for name in ("no model", "check"):
            found = search(costs[name], [*texts.values()], args.size, args.search)
            base = costs["check"](make_prose(args.size, PROSES + 1))
            for text in found:
                print(f"{name} {costs[name](text) / base:.1f} times: {text[:80]!r}")


if __name__ == "__main__":
    main()
