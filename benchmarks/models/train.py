"""Train the shipped models `text-safety` and `text-safety-large`: public sets and a seed encoder go in, model folders come out.

    pip install . torch transformers tokenizers onnx onnxruntime numpy scikit-learn pyyaml
    python benchmarks/models/seed_e5.py --file … --data DIR --out SEED         # the seed encoder: see there
    OMP_WAIT_POLICY=passive python benchmarks/models/train.py --data DIR --seed-encoder SEED --out OUT

OUT gets `large/` and `small/`, each with the files of a model. `--part` runs one of the steps: `large` (the seed with all its
layers), `small` (six of these, which learn from the large one where OUT has it), `topics` (the embedding of the small one: two
minutes), `hashed` (the fast tier: as long), `export` (ONNX files, tokenizer, calibration, manifest). `--minutes` is the most
that the training of each encoder takes; what is half done is kept, and the same command goes on with it.
`--part small --further --seed 11 --rate 1e-4` goes on with a small encoder that is done, on samples that another seed draws.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import calibrate
import data
import encoder
import evaluate
import export
import numpy as np
import torch
from rows import HEADS, Row
from torch import nn

from guardrails.inference.safety.hashed import BUCKETS, HashedHeads, hash_texts
from guardrails.text import fold_text

TOPIC_TEXTS, TOPIC_CHARACTERS = 9_000, 160
"""Texts that the embedding is fitted on, and the longest of them: topics are told by questions and pieces of texts."""


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


def topic_teacher(args: argparse.Namespace, rows: Sequence[Row]) -> encoder.Topics:
    """Return what the seed says that texts are about."""
    tok = encoder.tokenizer(args.seed_encoder)
    return encoder.Topics(args.seed_encoder, encoder.tokenized(data.ordinary(rows), tok))


def train_small(args: argparse.Namespace, rows: Sequence[Row], limits: Mapping[str, Any]) -> None:
    """Train the small encoder, from the seed's layers or further."""
    large, small, tok = args.out / "large", args.out / "small", encoder.tokenizer(args.seed_encoder)
    chosen = data.sampled(rows, args.samples, args.seed + 1)
    whole = encoder.Encoder(args.seed_encoder).eval()
    taught = (large / "checkpoint.pt").exists()
    if taught:
        whole.load_state_dict(torch.load(large / "checkpoint.pt", weights_only=True))
    model = encoder.Encoder(args.seed_encoder, len(encoder.STUDENT_LAYERS))
    model.take_layers(whole)
    if args.further:
        model.load_state_dict(torch.load(small / "checkpoint.pt", weights_only=True))
    teachers = encoder.Teachers(topic_teacher(args, rows), whole if taught else None)
    items = encoder.tokenized(chosen, tok)
    encoder.train(model, chosen, items, small, rate=args.rate or 1.5e-4, teachers=teachers, **limits)


def fit_topics(args: argparse.Namespace, rows: Sequence[Row]) -> None:
    """Fit the embedding of the small encoder to what the seed says of short texts of all languages."""
    path, tok = args.out / "small/checkpoint.pt", encoder.tokenizer(args.seed_encoder)
    model = encoder.Encoder(args.seed_encoder, len(encoder.STUDENT_LAYERS)).eval()
    model.load_state_dict(torch.load(path, weights_only=True))
    short = [row for row in rows if not row.held and not row.context and len(row.text) <= TOPIC_CHARACTERS]
    Random(args.seed).shuffle(short)
    model.fit_topics(
        topic_teacher(args, rows),
        sorted(encoder.tokenized(short[:TOPIC_TEXTS], tok), key=lambda item: len(item[0])),
    )
    torch.save(model.state_dict(), path)


def write_models(args: argparse.Namespace, rows: Sequence[Row]) -> None:
    """Write the files of the models that are trained."""
    large, small = args.out / "large", args.out / "small"
    held, natural = data.held_out(rows, args.data), data.natural(args.data)
    for folder, name, layers in (
        (small, "text-safety", len(encoder.STUDENT_LAYERS)),
        (large, "text-safety-large", encoder.LAYERS),
    ):
        if (checkpoint := folder / "checkpoint.pt").exists():
            model = encoder.Encoder(args.seed_encoder, layers)
            model.load_state_dict(torch.load(checkpoint, weights_only=True))
            write = partial(
                export.write,
                model,
                args.seed_encoder,
                folder,
                window=encoder.WINDOW,
                topics=folder == small,
            )
            hashed = HashedHeads.load(small / "heads.npz")
            hashed.save(folder / "hashed.npz")
            write()
            logits = evaluate.logits(folder, held, encoder.tokenizer(folder))
            sum_of_heads = calibrate.stack(held, *logits, calibrate.calm_texts(folder, natural))
            export.set_unsafe(model, hashed, *sum_of_heads).save(folder / "hashed.npz")
            write()
            calibrate.write_manifest(folder, name, held, natural, encoder.tokenizer(folder))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seed-encoder", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--part", choices=("all", "large", "small", "topics", "hashed", "export"), default="all"
    )
    parser.add_argument("--samples", type=int, default=200_000, help="that each encoder sees")
    parser.add_argument("--minutes", type=float, default=240, help="the most that each encoder takes")
    parser.add_argument(
        "--rate", type=float, help="of learning: 1e-4 for the large one, 1.5e-4 for the small one"
    )
    parser.add_argument("--threads", type=int, default=0, help="that a training runs on; 0: as torch likes")
    parser.add_argument(
        "--further", action="store_true", help="train the small encoder of OUT further, on other samples"
    )
    parser.add_argument("--seed", type=int, default=7, help="of the order of the samples and of the heads")
    args = parser.parse_args()
    large, small = args.out / "large", args.out / "small"
    for folder in (large, small):
        folder.mkdir(parents=True, exist_ok=True)
    if args.threads:
        torch.set_num_threads(args.threads)
    np.random.seed(args.seed)
    torch.manual_seed(args.seed)
    rows = data.load(args.data)
    tok = encoder.tokenizer(args.seed_encoder)
    limits = {"minutes": args.minutes, "passes": 1, "seed": args.seed, "size": 48}
    if args.part in ("all", "large"):
        chosen = data.sampled(rows, args.samples, args.seed)
        model = encoder.Encoder(args.seed_encoder)
        items = encoder.tokenized(chosen, tok)
        encoder.train(model, chosen, items, large, rate=args.rate or 1e-4, **limits)
    if args.part in ("all", "small"):
        train_small(args, rows, limits)
    if args.part in ("all", "topics"):
        fit_topics(args, rows)
    if args.part in ("all", "hashed"):
        train_hashed(data.mixed(rows)).save(small / "heads.npz")
    if args.part in ("all", "export"):
        write_models(args, rows)


if __name__ == "__main__":
    main()
