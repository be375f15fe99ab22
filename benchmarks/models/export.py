"""Writes what is shipped of a trained encoder: an ONNX file with 8-bit matrices and 4-bit word embeddings, and its tokenizer.

    python benchmarks/models/train.py … --part export

Matrices are quantized dynamically, one scale for each output; the word embeddings, which are not trained, stay as the seed's
file has them: blocks of 32 numbers, each with a scale, so that nothing is lost by them. Of the vocabulary the pieces stay
that are used most.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from encoder import Encoder
from rows import HEADS
from torch import nn

from guardrails.inference.safety.hashed import HashedHeads

PIECES = 72_000
"""Pieces of the vocabulary that are shipped: those that the texts use most, special ones and single characters among them."""
BLOCK = 32


class PackedWords(nn.Module):
    """Word embeddings in blocks of 32 numbers of four bits: byte j of a block has number j in its low and number j + 16 in
    its high half, both less 8, times the block's scale.
    """

    def __init__(self, packed: np.ndarray, scales: np.ndarray) -> None:
        """Take bytes uint8 [pieces, blocks, 16] and scales float16 [pieces, blocks]."""
        super().__init__()
        self.register_buffer("packed", torch.from_numpy(np.array(packed)))
        self.register_buffer("scales", torch.from_numpy(np.array(scales)))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Return embeddings, float32 [rows, tokens, width]."""
        both = self.packed[ids].float()
        high = torch.floor(both / 16)
        values = torch.cat([both - 16 * high, high], -1) - 8
        return (values * self.scales[ids].float().unsqueeze(-1)).flatten(-2)


class Exported(nn.Module):
    """What the file computes: `logits` of the heads, and `embedding`, which says what a text is about, at length 1."""

    def __init__(self, model: Encoder, *, topics: bool) -> None:
        super().__init__()
        self.model, self.topics = model.eval(), topics

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        logits, about = self.model(input_ids, attention_mask, token_type_ids)
        return (logits, nn.functional.normalize(about, dim=1)) if self.topics else (logits,)


def set_unsafe(model: Encoder, hashed: HashedHeads, weights: np.ndarray, bias: float) -> HashedHeads:
    """Make the head `unsafe` of both tiers a sum of all their heads; it is linear, as they are.

    `weights` are those of the encoder's heads, then of the hashed ones. The encoder is changed, new hashed heads are returned.
    """
    at, of_slow, of_fast = HEADS.index("unsafe"), weights[: len(HEADS)], weights[len(HEADS) :]
    with torch.no_grad():
        of_all = torch.from_numpy(of_slow)
        row, own = of_all @ model.head.weight, of_all @ model.head.bias + bias
        model.head.weight[at], model.head.bias[at] = row, own
    columns, biases = hashed.weights * hashed.scale, hashed.bias.copy()
    columns[:, at], biases[at] = columns @ of_fast, biases @ of_fast
    return HashedHeads.train_on(hashed.heads, columns, biases)


def trim(seed: Path, pieces: int = PIECES) -> tuple[np.ndarray, bytes]:
    """Return the numbers of the seed's pieces that are shipped, in order, and the tokenizer that has these alone."""
    counts = np.load(seed / "words.npz")["counts"].astype(np.int64)
    said = json.loads((seed / "tokenizer.json").read_text("utf-8"))
    vocabulary = said["model"]["vocab"]
    always = np.array(
        [piece.startswith("[") or len(piece.removeprefix("\u2581")) <= 1 for piece, _ in vocabulary]
    )
    always[: len(said["added_tokens"])] = True
    order = np.argsort(-np.where(always, counts.max() + 1, counts), kind="stable")
    kept = np.sort(order[: min(pieces, len(order))])
    said["model"]["vocab"] = [[piece, round(score, 4)] for piece, score in (vocabulary[at] for at in kept)]
    return kept, json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()


def write(model: Encoder, seed: Path, folder: Path, *, window: int, topics: bool) -> None:
    """Write `encoder.onnx` and `tokenizer.json`; `topics` says whether the file has the output `embedding`."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    kept, tokenizer = trim(seed)
    words = np.load(seed / "words.npz")
    (folder / "tokenizer.json").write_bytes(tokenizer)
    embeddings = model.bert.embeddings
    embeddings.word_embeddings = PackedWords(words["packed"][kept], words["scales"][kept])
    embeddings.position_embeddings = nn.Embedding.from_pretrained(
        embeddings.position_embeddings.weight[:window].detach().clone()
    )
    embeddings.position_ids = embeddings.position_ids[:, :window]
    plain, path = folder / "encoder.fp32.onnx", folder / "encoder.onnx"
    names = ("input_ids", "attention_mask", "token_type_ids")
    outputs: Sequence[str] = ("logits", "embedding") if topics else ("logits",)
    axes = {name: {0: "batch", 1: "tokens"} for name in names} | {name: {0: "batch"} for name in outputs}
    torch.onnx.export(
        Exported(model, topics=topics).eval(),
        tuple(torch.ones((2, 16), dtype=torch.int64) for _ in names),
        str(plain),
        input_names=list(names),
        output_names=list(outputs),
        dynamic_axes=axes,
        opset_version=17,
        dynamo=False,
    )
    quantize_dynamic(
        str(plain),
        str(path),
        weight_type=QuantType.QInt8,
        per_channel=True,
        op_types_to_quantize=["MatMul"],
        # In 8 bits topics are told worse, and a sum of heads is less than what they say.
        nodes_to_exclude=[
            f"/model/{name}/{node}" for name in ("about", "head") for node in ("Gemm", "Gemm_MatMul")
        ],
    )
    plain.unlink()
