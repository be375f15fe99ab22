"""The shipped policies on texts that are no harm: how often each would stop, change or record one.

    python benchmarks/packs.py --data DIR [--only POLICY ...] [--rows 500]     # DIR holds public/*.jsonl.gz

The sets are public ones of benign texts, hard ones on purpose among them: prompts with alarming words (XSTest, OKTest), with
words of attacks (NotInject), of people to a chatbot (ToxicChat, those that annotators found benign), and, for rules on replies,
texts that moderators passed (OpenAI moderation), judged as if a model had said them. None was used to write a pack. Of a large
set every n-th row is taken. Rates are in percent, that of blocks with its 95 % interval (Clopper and Pearson); `fires most` is
the rule that acted most often.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from guardrails import Guard
from guardrails.authoring.evaluate.metrics import exact_interval
from guardrails.authoring.rows import BENIGN, ContentRow, read_rows
from guardrails.policy.shipped import shipped_names
from guardrails.types import Action
from measure import machine, table


@dataclass(frozen=True, slots=True)
class Set:
    """A set of texts, and where they stand."""

    file: str
    stage: str


SETS = {
    "XSTest": Set("xstest", "input"),
    "OKTest": Set("oktest", "input"),
    "NotInject": Set("notinject", "input"),
    "ToxicChat": Set("toxicchat_test", "input"),
    "moderated texts": Set("openai_moderation", "output"),
}


def benign(data: Path, of: Set, most: int) -> list[ContentRow]:
    """Return up to `most` benign rows of a set, spread over it."""
    rows = [row for row in read_rows(data / "public" / f"{of.file}.jsonl.gz") if row.labels.get(BENIGN)]
    step = max(1, -(-len(rows) // most))
    return [replace(row, stage=of.stage) for row in rows[::step]]


def rates(names: list[str], data: Path, most: int) -> Iterator[dict[str, object]]:
    """Yield a row of the table for each policy and set."""
    sets = {name: benign(data, of, most) for name, of in SETS.items()}
    for policy in names:
        guard = Guard.load(policy)
        for name, rows in sets.items():
            actions: Counter[Action] = Counter()
            rules: Counter[str] = Counter()
            for row in rows:
                verdict = row.judge(guard)
                actions[verdict.action] += 1
                rules.update(rule.id for rule in verdict.rules if rule.action is verdict.action)
            low, high = exact_interval(actions[Action.BLOCK], len(rows))
            (most_often, times), *_ = rules.most_common(1) or [("", 0)]
            yield {
                "policy": policy,
                "set": f"{name} ({len(rows)})",
                "blocked %": f"{actions[Action.BLOCK] / len(rows):.1%} ({low:.1%} to {high:.1%})".replace(
                    "%", ""
                ),
                "redacted %": f"{100 * actions[Action.REDACT] / len(rows):.1f}",
                "flagged %": f"{100 * actions[Action.FLAG] / len(rows):.1f}",
                "fires most": f"{most_often} ({times})" if times else "",
            }


def main() -> int:
    """Print the table."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--only", nargs="*", default=list(shipped_names()))
    arguments.add_argument("--rows", type=int, default=500)
    given = arguments.parse_args()
    print(machine())
    print(table([*rates(given.only, given.data, given.rows)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
