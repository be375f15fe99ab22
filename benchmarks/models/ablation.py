"""What each family of data brings, and what more of it would: small trainings side by side, scored on held-out rows.

    OMP_WAIT_POLICY=passive python benchmarks/models/ablation.py --data DIR --seed-encoder DIR [--share 0.1] [--only NAME ...]

Each row trains a small encoder by itself, one pass over a share of the rows, without one family or with all of them, and prints
for each head the area under the precision-recall curve on what `data.held_out` returns: no public test set is read.
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
from rows import HEADS, OURS, Row
from sklearn.metrics import average_precision_score

SHOWN = tuple(head for head in HEADS if head not in ("sexual.minors", "unsafe_reply"))
Keep = Callable[[Row], bool]
RUNS: dict[str, tuple[Keep, float]] = {
    "all": (lambda row: True, 1.0),
    "all, second seed": (lambda row: True, 1.0),
    "without hand-written": (lambda row: not row.source.startswith("hand:"), 1.0),
    "without templates": (lambda row: not row.source.startswith("ours:"), 1.0),
    "without public sets": (lambda row: row.source.startswith(OURS), 1.0),
    "without other languages": (lambda row: row.lang == "en", 1.0),
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
            out[chosen] = model(**batch)[0].float().sigmoid().numpy()
    return out


def figures(model: encoder.Encoder, held: Sequence[Row], tok: encoder.Tokenizer) -> list[str]:
    score = probabilities(model, held, tok)
    shown = []
    for head in SHOWN:
        known = [index for index, row in enumerate(held) if head in row.labels]
        truth = [held[index].labels[head] for index in known]
        shown.append(f"{average_precision_score(truth, score[known, HEADS.index(head)]):.3f}")
    return shown


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seed-encoder", type=Path, required=True)
    parser.add_argument("--share", type=float, default=0.1)
    parser.add_argument("--only", nargs="*", choices=RUNS)
    args = parser.parse_args()
    tok = encoder.tokenizer(args.seed_encoder)
    rows_of_all = data.load(args.data)
    held = data.held_out(rows_of_all, args.data)
    everything = data.mixed(rows_of_all)
    Random(3).shuffle(everything)
    print(
        "| data | samples | " + " | ".join(SHOWN) + " |",
        "|" + "---|" * (len(SHOWN) + 2),
        sep="\n",
        flush=True,
    )
    for name in args.only or RUNS:
        keep, part = RUNS[name]
        rows = [row for row in everything[: int(len(everything) * args.share * part)] if keep(row)]
        with tempfile.TemporaryDirectory() as out:
            items = encoder.tokenized(rows, tok)
            seed = 8 if "second seed" in name else 7
            torch.manual_seed(seed)  # of the heads that the encoder begins with, too
            model = encoder.Encoder(args.seed_encoder, len(encoder.STUDENT_LAYERS))
            model.take_layers(encoder.Encoder(args.seed_encoder))
            encoder.train(
                model, rows, items, Path(out), minutes=60, rate=1e-4, passes=1, seed=seed, log=sys.stderr
            )
        print(f"| {name} | {len(rows)} | " + " | ".join(figures(model, held, tok)) + " |", flush=True)


if __name__ == "__main__":
    main()
