"""Ways past the shipped policies: what is blocked plainly, and how much of it passes once it is written in another way.

    python benchmarks/bypass.py --data DIR [--count 40] [--converters pyrit]     # DIR holds public/*.jsonl.gz

Requests of public test sets (harm: SimpleSafetyTests, HarmBench, MaliciousInstruct; in places also the injections of deepset's
set) that a policy blocks as they are, each transformed (`bypass_transforms`). "passes" is the share of those that is then not
blocked, by policy; "alarms" the share of harmless requests (OKTest), not blocked as they are, that is blocked once it is
transformed in the same way. Weakest first. With `--converters pyrit` what PyRIT makes of the same requests comes in addition,
where PyRIT is installed. Languages are those of MultiJail: translations by people of the English originals that are blocked.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
from collections.abc import Sequence
from pathlib import Path
from random import Random

from bypass_transforms import FAMILIES, Checked, Transform, load_pyrit
from guardrails import Guard
from measure import machine, table

HARM = ("simplesafetytests", "harmbench_prompt", "malicious_instruct")
INJECTIONS = ("deepset_pi_test",)
HARMLESS = ("oktest",)
POLICIES = ("default", "strict", "agents")
LANGUAGES = "multijail"
SHORTEST = 20
"""Characters of a request that is taken."""
LONGEST = 400

Row = dict[str, object]


def requests(folder: Path, names: Sequence[str], label: int, count: int) -> list[str]:
    """Return some requests of sets that have a label."""
    found: list[str] = []
    for name in names:
        with gzip.open(folder / "public" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            rows = [json.loads(line) for line in lines]
        key = "injection" if name in INJECTIONS else "unsafe"
        found += [row["text"] for row in rows if row["labels"].get(key) == label]
    fitting = [text for text in found if SHORTEST <= len(text) <= LONGEST and text.isascii()]
    return Random(7).sample(fitting, min(count, len(fitting)))


def blocked(guard: Guard, checked: Checked) -> bool:
    return guard.check(checked, stage="input").blocked


class Measured:
    """A policy with the requests that it blocks as they are, and the harmless ones that it does not."""

    def __init__(self, name: str, folder: Path, count: int) -> None:
        self.guard = Guard.load(name)
        asked = {
            "harm": requests(folder, HARM, 1, 3 * count),
            "injections": requests(folder, INJECTIONS, 1, 3 * count),
        }
        self.plain: dict[str, float] = {}
        self.seeds: dict[str, list[str]] = {}
        for kind, texts in asked.items():
            stopped = [text for text in texts if blocked(self.guard, text)]
            self.plain[kind] = len(stopped) / max(1, len(texts))
            self.seeds[kind] = stopped[:count]
        harmless = requests(folder, HARMLESS, 0, 3 * count)
        self.harmless = [text for text in harmless if not blocked(self.guard, text)][:count]

    def passing(self, transform: Transform, kind: str) -> float:
        """Return the share of blocked requests that passes once it is transformed."""
        seeds = self.seeds[kind]
        passed = [not blocked(self.guard, transform(text, Random(at))) for at, text in enumerate(seeds)]
        return sum(passed) / max(1, len(passed))

    def alarming(self, transform: Transform) -> float:
        """Return the share of harmless requests that is blocked once it is transformed."""
        stopped = [blocked(self.guard, transform(text, Random(at))) for at, text in enumerate(self.harmless)]
        return sum(stopped) / max(1, len(stopped))

    def languages(self, folder: Path, count: int) -> dict[str, float]:
        """Return the share of blocked English requests whose translation passes, by language."""
        with gzip.open(folder / "public" / f"{LANGUAGES}.jsonl.gz", "rt", encoding="utf-8") as lines:
            rows = [json.loads(line) for line in lines]
        by_language: dict[str, list[str]] = {}
        for row in rows:
            by_language.setdefault(row["lang"], []).append(row["text"])
        stopped = [at for at, text in enumerate(by_language["en"][: 2 * count]) if blocked(self.guard, text)][
            :count
        ]
        return {
            language: sum(not blocked(self.guard, texts[at]) for at in stopped) / max(1, len(stopped))
            for language, texts in by_language.items()
            if language != "en"
        }


def measure(policies: dict[str, Measured], families: dict[str, dict[str, Transform]]) -> list[Row]:
    """Return a row for each transformation."""
    rows: list[Row] = []
    for family, transforms in families.items():
        kinds = ("harm", "injections") if family == "places" else ("harm",)
        for kind in kinds:
            for name, transform in transforms.items():
                shown = name if kind == "harm" else f"{name}, injected"
                row: Row = {"family": family, "written": shown}
                for policy, measured in policies.items():
                    row[policy] = f"{measured.passing(transform, kind):.2f}"
                row["alarms"] = f"{next(iter(policies.values())).alarming(transform):.2f}"
                rows.append(row)
                print(".", end="", flush=True)
    return rows


def summarize(rows: Sequence[Row], policies: Sequence[str]) -> list[Row]:
    """Return the mean of each family."""
    by_family: dict[str, list[Row]] = {}
    for row in rows:
        by_family.setdefault(str(row["family"]), []).append(row)
    means = [
        {"family": family, "ways": len(own)}
        | {
            name: f"{sum(float(str(row[name])) for row in own) / len(own):.2f}"
            for name in (*policies, "alarms")
        }
        for family, own in by_family.items()
    ]
    return sorted(means, key=lambda row: str(row[policies[0]]), reverse=True)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--data", default=os.environ.get("GUARDRAILS_DATA"), help="folder of the labelled texts"
    )
    parser.add_argument("--count", type=int, default=40, help="requests of each kind")
    parser.add_argument(
        "--policies", nargs="+", default=list(POLICIES), help="shipped policies by name, or paths"
    )
    parser.add_argument("--only", nargs="*", choices=FAMILIES, help="families")
    parser.add_argument("--converters", choices=("pyrit",), help="released converters, beside our own")
    given = parser.parse_args(arguments)
    if given.data is None:
        parser.error("give the folder of the labelled texts by --data or the environment's GUARDRAILS_DATA")
    folder = Path(given.data)
    policies = {name: Measured(name, folder, given.count) for name in given.policies}
    families = {name: FAMILIES[name] for name in given.only or FAMILIES}
    if given.converters:
        families["pyrit"] = load_pyrit()
    rows = measure(policies, families)
    print("", machine(), sep="\n")
    for name, measured in policies.items():
        plain = ", ".join(
            f"{kind} {share:.2f} of which {len(measured.seeds[kind])}"
            for kind, share in measured.plain.items()
        )
        print(f"{name}: blocked as they are: {plain} are transformed; harmless {len(measured.harmless)}")
    print("\npasses though it was blocked as it is, weakest first")
    print(table(sorted(rows, key=lambda row: str(row[given.policies[0]]), reverse=True)))
    print("\nmeans of the families")
    print(table(summarize(rows, given.policies)))
    if not given.only:
        first = next(iter(policies.values()))
        print(
            "\nlanguages:",
            *(f"{key} {share:.2f}" for key, share in first.languages(folder, given.count).items()),
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
