"""What each family of data brings, and what more of it would: small trainings side by side, scored on public test sets.

    OMP_WAIT_POLICY=passive python benchmarks/models/ablation.py --data DIR --seed-encoder DIR [--share 0.2] [--only NAME ...]

Each row trains the encoder alone from the seed, one pass over a share of the rows, without one family or with all of them, and
prints the areas under the precision-recall curve and, in brackets, under the ROC curve per set, of the first window of each
text (`detection.py` has the whole model's figures, which are higher). The sets are read for this table only: nothing is
chosen by it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import data
import encoder
import numpy as np
import torch
from rows import HEADS, Row
from sklearn.metrics import average_precision_score, roc_auc_score

HARMS = HEADS[:9]
ATTACKS = ("jailbreak", "injection")
SETS: dict[str, tuple[str, Sequence[str]]] = {
    "openai_moderation": ("unsafe", HARMS),
    "toxicchat_test_human2853": ("toxic", HARMS),
    "xstest": ("unsafe", HARMS),
    "jbb_behaviors": ("unsafe", HARMS),
    "hatecheck": ("hate", ("hate",)),
    "wiki_toxicity_test": ("toxic", ("toxic", "hate", "harassment")),
    "deepset_pi_test": ("injection", ATTACKS),
    "injecguard_valid": ("injection", ATTACKS),
    "bipia_test": ("injection", ATTACKS),
}
Keep = Callable[[Row], bool]
RUNS: dict[str, tuple[Keep, float]] = {
    "all": (lambda row: True, 1.0),
    "all, second seed": (lambda row: True, 1.0),
    "without hand-written": (lambda row: not row.source.startswith("hand:"), 1.0),
    "without templates": (lambda row: not row.source.startswith("ours:"), 1.0),
    "without public sets": (lambda row: row.source.startswith(("hand:", "ours:")), 1.0),
    "half of all": (lambda row: True, 0.5),
    "a quarter of all": (lambda row: True, 0.25),
}
"""Which rows are kept, and how much of the share."""


def probabilities(model: encoder.Encoder, rows: Sequence[Row], tok: encoder.Tokenizer) -> np.ndarray:
    items = encoder.tokenized(rows, tok)
    order = sorted(range(len(items)), key=lambda index: len(items[index][0]))
    out = np.zeros((len(items), len(HEADS)), dtype=np.float32)
    model.eval()
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        for start in range(0, len(order), 64):
            chosen = order[start : start + 64]
            batch = {
                name: torch.from_numpy(a) for name, a in encoder.padded([items[i] for i in chosen]).items()
            }
            out[chosen] = model(**batch).float().sigmoid().numpy()
    return out


def figures(model: encoder.Encoder, folder: Path, tok: encoder.Tokenizer) -> list[str]:
    shown = []
    for name, (label, heads) in SETS.items():
        records = [r for r in data.read(folder / "public" / f"{name}.jsonl.gz") if label in r["labels"]]
        rows = [Row(record["text"], name, "") for record in records]
        score = probabilities(model, rows, tok)[:, [HEADS.index(head) for head in heads]].max(1)
        truth = np.array([record["labels"][label] for record in records])
        shown.append(f"{average_precision_score(truth, score):.3f} ({roc_auc_score(truth, score):.3f})")
    return shown


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seed-encoder", type=Path, required=True)
    parser.add_argument("--share", type=float, default=0.2)
    parser.add_argument("--only", nargs="*", choices=RUNS)
    args = parser.parse_args()
    tok = encoder.tokenizer(args.seed_encoder)
    everything = data.mixed(data.load(args.data))
    Random(3).shuffle(everything)
    print(
        "| data | samples | " + " | ".join(SETS) + " |", "|" + "---|" * (len(SETS) + 2), sep="\n", flush=True
    )
    for name in args.only or RUNS:
        keep, part = RUNS[name]
        rows = [row for row in everything[: int(len(everything) * args.share * part)] if keep(row)]
        with tempfile.TemporaryDirectory() as out:
            items = encoder.tokenized(rows, tok)
            seed = 8 if "second seed" in name else 7
            torch.manual_seed(seed)  # of the heads that the encoder begins with, too
            model = encoder.Encoder(args.seed_encoder)
            encoder.train(
                model, rows, items, Path(out), minutes=60, rate=1e-4, passes=1, seed=seed, log=sys.stderr
            )
        print(f"| {name} | {len(rows)} | " + " | ".join(figures(model, args.data, tok)) + " |", flush=True)


if __name__ == "__main__":
    main()
