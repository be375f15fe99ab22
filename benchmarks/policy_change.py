"""What it costs to know what a change of policy does, each as a ratio within one run.

    python benchmarks/policy_change.py

First `guardrails diff`: two versions over the same texts, as one comparison and as two runs of their own. Three changes of the
shipped default: none at all, a threshold, and a detector more. All guards are warm, none has seen a text before; rounds
alternate, and the medians of them are shown, in time of the processor.

Then what a shadow policy costs a request on its way: the copy that is taken of it, beside the check that is made anyway.
"""

from __future__ import annotations

import random
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import process_time

from guardrails import Guard
from guardrails.authoring.diff.change import PolicyVersion
from guardrails.authoring.diff.traffic import pairs
from guardrails.authoring.diff.traffic.effects import ChangeEffects
from guardrails.authoring.rows import ContentRow
from guardrails.engine.model import Request
from guardrails.protocols.chat.chat_payload import read
from guardrails.proxy.server.metrics import Metrics
from guardrails.proxy.shadow.shadow_evaluation import Shadow
from guardrails.proxy.shadow.shadow_queue import ShadowQueue
from guardrails.types import Stage
from measure import best, machine, table

ROUNDS, TEXTS = 7, 60
SIZES = (8, 20, 60, 200)
WORDS = (
    *("the", "weather", "is", "fine", "and", "we", "ride", "along", "river", "until", "evening"),
    *("comes", "with", "music", "good", "food", "call", "or", "mail"),
)
HEAD = "format: 1\nname: default\nextends: [default]\n"
CHANGES = {
    "nothing": HEAD,
    "a threshold": f"{HEAD}override: {{rules: [{{id: harm.block, when: detector.safety.unsafe >= 0.9}}]}}\n",
    "a detector more": f"{HEAD}detectors: {{w: {{use: terms, terms: [music], category: custom.w}}}}\n"
    "rules: [{id: w.flag, on: [input, output], when: custom.w > 0, then: flag}]\n",
}


def texts(chance: random.Random) -> list[ContentRow]:
    """Texts of 8 to 200 words that nobody has seen, half of them replies."""
    made = []
    for at in range(TEXTS):
        words = chance.choices(WORDS, k=SIZES[at % len(SIZES)])
        made.append(
            ContentRow("t:1", chance.choice(("input", "output")), f"{' '.join(words)} {chance.random()}")
        )
    return made


def seconds(guards: Sequence[Guard], rows: Sequence[ContentRow]) -> float:
    """Seconds of the processor for each guard to judge all rows by itself."""
    started = process_time()
    for guard in guards:
        for row in rows:
            row.judge(guard)
    return process_time() - started


def compared(old: PolicyVersion, new: PolicyVersion) -> dict[str, object]:
    """The median over the rounds: milliseconds for a text by two runs, by one comparison, and their ratio."""
    chance = random.Random(1)
    alone = [Guard(each.compiled) for each in (old, new)]
    shared = pairs.load_guards(old, new)
    for guards in (alone, shared):
        seconds(guards, texts(chance))
    two, one = [], []
    for _ in range(ROUNDS):
        two.append(seconds(alone, texts(chance)))
        rows = texts(chance)  # new ones: what a text is folded into is remembered, whoever asked
        started = process_time()
        pairs.compare_rows(*shared, rows, ChangeEffects())
        one.append(process_time() - started)
    return {
        "two runs, ms": statistics.median(two) / TEXTS * 1_000,
        "diff, ms": statistics.median(one) / TEXTS * 1_000,
        "ratio": f"{statistics.median(b / a for a, b in zip(two, one, strict=True)):.2f}",
    }


def taken(turns: int) -> dict[str, object]:
    """Microseconds to read and judge a conversation that was seen before, and to take it for a shadow policy."""
    guard = Guard.load("pii-only")
    shadow = Shadow(ShadowQueue(Metrics()), guard, guard)
    messages = [
        {"role": "user", "content": f"message {number} of a long chat, as they are"}
        for number in range(turns)
    ]
    tree = read(messages, Stage.INPUT).tree
    check = best(guard.check, [messages] * 20)
    copy = best(lambda request: shadow.sample(tree, request), [Request()] * 20)
    return {"messages": turns, "check, us": check, "taken, us": copy, "ratio": f"{copy / check:.4f}"}


def main() -> None:
    """Print both tables."""
    print(machine(), end="\n\n")
    compared(PolicyVersion.load("default"), PolicyVersion.load("default"))  # what the process does but once
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name, text in CHANGES.items():
            path = Path(folder) / "next.yaml"
            path.write_text(text)
            rows.append({"change": name, **compared(PolicyVersion.load("default"), PolicyVersion.load(path))})
    print(table(rows), end="\n\n")
    print(table([taken(turns) for turns in (1, 10, 1_000)]))


if __name__ == "__main__":
    main()
