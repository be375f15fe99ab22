"""The shipped classifier on disguised texts of public test sets, with the package's views and decoding and without.

    python benchmarks/detection_obfuscated.py --data DIR [--count 60]     # DIR holds public/*.jsonl.gz

Recall at the threshold for short texts (0.8) by the categories of each set, per trick of `obfuscation.py`: "with" is a guard's
whole check, in brackets the same model on the characters as they stand. The column `xstest` is of its safe prompts: what is found
there is found by mistake.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

from guardrails import Guard
from guardrails.detectors.classifier.shipped_classifier import SHIPPED, head_category
from guardrails.inference.safety.model import load_safety_model
from measure import machine, table
from obfuscation import TRICKS

THRESHOLD = 0.8
POLICY = """
format: 1
name: measured
detectors:
  it: {{use: classifier, effort: full, categories: [{categories}]}}
rules:
  - {{id: any, on: input, when: "{condition}", then: flag}}
unchecked: {{language: allow, limit: allow}}
"""
HARMS = ("toxic", "hate", "harassment", "sexual", "violence", "self_harm", "illicit", "unsafe")
SETS: dict[str, tuple[str, int, tuple[str, ...]]] = {
    "simplesafetytests": ("unsafe", 1, HARMS),
    "harmbench_prompt": ("unsafe", 1, HARMS),
    "hatecheck": ("hate", 1, ("hate",)),
    "deepset_pi_test": ("injection", 1, ("jailbreak", "injection")),
    "xstest": ("unsafe", 0, HARMS),
}
"""The set → its label, which of its texts are taken, and the categories that may find them."""
Judge = Callable[[str], bool]


def whole(categories: Sequence[str]) -> Judge:
    """Return a guard's check."""
    condition = " || ".join(f"{each} >= {THRESHOLD}" for each in categories)
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(POLICY.format(categories=", ".join(categories), condition=condition))
        file.flush()
        guard = Guard.load(file.name)
    return lambda text: bool(guard.check(text).action)


def bare(categories: Sequence[str]) -> Judge:
    """Return the same model on the characters as they stand."""
    model = load_safety_model(SHIPPED["text-safety"])
    columns = [
        at
        for at, head in enumerate(model.heads)
        if head_category(head) in categories and head != "unsafe_reply"
    ]

    def judge(text: str) -> bool:
        windows = [window for window in model.windows(text) if window.ids]
        if not windows:
            return False
        fast = model.fast([text[window.start : window.end].lower() for window in windows])
        scores = model.both([model.tokens.row(window.ids) for window in windows], fast.logits)
        return bool((scores[:, columns] >= THRESHOLD).any())

    return judge


def texts(folder: Path, name: str, count: int) -> list[str]:
    label, wanted, _ = SETS[name]
    with gzip.open(folder / "public" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        found = [row["text"] for row in map(json.loads, lines) if row["labels"].get(label) == wanted]
    return Random(3).sample(found, min(count, len(found)))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--data", default=os.environ.get("GUARDRAILS_DATA"), help="folder of the labelled texts"
    )
    parser.add_argument("--count", type=int, default=60, help="texts of each set")
    given = parser.parse_args(arguments)
    if given.data is None:
        parser.error("give the folder of the labelled texts by --data or the environment's GUARDRAILS_DATA")
    print(machine())
    rows: dict[str, dict[str, object]] = {trick: {"trick": trick} for trick in TRICKS}
    for name, (_, _, categories) in SETS.items():
        sample = texts(Path(given.data), name, given.count)
        judges = whole(categories), bare(categories)
        for trick, disguise in TRICKS.items():
            shown = [disguise(text, Random(index)) for index, text in enumerate(sample)]
            rates = [sum(map(judge, shown)) / len(shown) for judge in judges]
            rows[trick][name] = f"{rates[0]:.2f} ({rates[1]:.2f})"
    print(table(list(rows.values())))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
