"""The encoder: a seed BERT with one linear head per category, trained on rows with masked labels.

Input: `[CLS] text [SEP]`, or `[CLS] prompt [SEP] reply [SEP]` (token type 1 for the reply; of the prompt its last
`PROMPT_TOKENS`), 128 tokens at most, of the folded view. Pooling: mean and maximum over the tokens, side by side.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import TextIO

import numpy as np
import torch
from rows import HEADS, Row
from tokenizers import Tokenizer
from torch import nn
from transformers import BertModel

from guardrails.inference.safety.session import OnnxSession
from guardrails.processor.cores import count_cores
from guardrails.text import fold_text

WINDOW = 128
ABOUT = 3
"""The layer whose tokens say what a text is about."""
SHARED = 3
PROMPT_TOKENS = 40
KEPT_EVERY = 5
"""Minutes after which the state of a training is written down again."""
MASK, FIRST_WORD, MASK_ONE_IN = 103, 999, 20
"""`[MASK]` and the first token that is no special one, in the seed's vocabulary."""
Ids = tuple[list[int], list[int]]


class Encoder(nn.Module):
    def __init__(self, seed: Path, layers: int = 6) -> None:
        super().__init__()
        # On a CPU drawing dropout's masks costs a quarter of the time, and the fused attention's backward pass half of it.
        self.bert = BertModel.from_pretrained(
            seed,
            num_hidden_layers=layers,
            attn_implementation="eager",
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )
        self.bert.pooler = None
        self.drop = nn.Dropout(0.1)
        self.head = nn.Linear(2 * self.bert.config.hidden_size, len(HEADS))

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor
    ) -> torch.Tensor:
        hidden = self.bert(
            input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
        ).last_hidden_state
        return self.judged(hidden, attention_mask)

    def judged(self, hidden: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return the logits of the heads for the tokens of the last layer."""
        mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
        top = (hidden + (mask - 1) * 100.0).amax(1)
        return self.head(self.drop(torch.cat([mean_of(hidden, attention_mask), top], 1)))


def mean_of(hidden: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
    mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * mask).sum(1) / mask.sum(1)


def tokenizer(seed: Path) -> Tokenizer:
    loaded = Tokenizer.from_file(str(seed / "tokenizer.json"))
    loaded.no_padding()
    loaded.no_truncation()
    return loaded


def tokenized(rows: Sequence[Row], tok: Tokenizer) -> list[Ids]:
    """Return ids and token types per row, cut to the window."""
    cls, sep = tok.token_to_id("[CLS]"), tok.token_to_id("[SEP]")
    texts = tok.encode_batch([fold_text(row.text).text for row in rows], add_special_tokens=False)
    asked = tok.encode_batch([fold_text(row.context).text for row in rows], add_special_tokens=False)
    out = []
    for text, prompt in zip(texts, asked, strict=True):
        first = [cls, *prompt.ids[-PROMPT_TOKENS:], sep] if prompt.ids else [cls]
        second = [*text.ids[: WINDOW - len(first) - 1], sep]
        out.append((first + second, [0] * len(first) + [1 if prompt.ids else 0] * len(second)))
    return out


def padded(items: Sequence[Ids]) -> dict[str, np.ndarray]:
    longest = max(len(ids) for ids, _ in items)
    out = {
        name: np.zeros((len(items), longest), dtype=np.int64)
        for name in ("input_ids", "attention_mask", "token_type_ids")
    }
    for row, (ids, types) in enumerate(items):
        out["input_ids"][row, : len(ids)] = ids
        out["attention_mask"][row, : len(ids)] = 1
        out["token_type_ids"][row, : len(ids)] = types
    return out


def hide(ids: np.ndarray, rng: np.random.Generator) -> None:
    """Put `[MASK]` in the place of some tokens, special ones and padding excepted."""
    ids[(rng.random(ids.shape) < 1 / MASK_ONE_IN) & (ids >= FIRST_WORD)] = MASK


def labels(rows: Sequence[Row]) -> tuple[np.ndarray, np.ndarray]:
    """Return labels and which of them are known, float32 [rows, heads]."""
    value = np.array([[row.labels.get(head, 0) for head in HEADS] for row in rows], dtype=np.float32)
    known = np.array([[head in row.labels for head in HEADS] for row in rows], dtype=np.float32)
    return value, known


def positive_weight(value: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return what a positive of each head counts for: rare ones more, by the root of the odds."""
    positive = (value * known).sum(0)
    return np.clip(np.sqrt((known.sum(0) - positive) / np.maximum(positive, 1)), 1, 8).astype(np.float32)


def loss_of(
    logits: torch.Tensor, value: torch.Tensor, known: torch.Tensor, weight: torch.Tensor
) -> torch.Tensor:
    smooth = value * 0.96 + 0.02
    each = nn.functional.binary_cross_entropy_with_logits(logits, smooth, pos_weight=weight, reduction="none")
    return (each * known).sum() / known.sum().clamp(min=1)


def batches(lengths: Sequence[int], size: int, rng: Random) -> list[list[int]]:
    """Return shuffled batches of rows of like length."""
    order = list(range(len(lengths)))
    rng.shuffle(order)
    out = []
    for start in range(0, len(order), size * 64):
        pool = sorted(order[start : start + size * 64], key=lengths.__getitem__)
        out += [pool[at : at + size] for at in range(0, len(pool), size)]
    rng.shuffle(out)
    return out


def train(
    model: Encoder,
    rows: Sequence[Row],
    items: Sequence[Ids],
    out: Path,
    *,
    minutes: float,
    rate: float,
    passes: int,
    size: int = 64,
    seed: int = 7,
    log: TextIO | None = None,
) -> None:
    """Train for `passes` over the rows, or `minutes`, whichever ends first; the rate falls to 0 at that end.

    Instead of dropout, one token in `MASK_ONE_IN` is hidden. What is half done is kept in `progress.pt` every `KEPT_EVERY`
    minutes, from where the same call goes on; parameters that need no gradient stay as they are.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    value, known = (torch.from_numpy(array) for array in labels(rows))
    weight = torch.from_numpy(positive_weight(value.numpy(), known.numpy()))
    lengths = [len(ids) for ids, _ in items]
    plan = [batch for turn in range(passes) for batch in batches(lengths, size, Random(seed + turn))]
    free = [(name, each) for name, each in model.named_parameters() if each.requires_grad]
    heads = [each for name, each in free if name.startswith("head")]
    rest = [each for name, each in free if not name.startswith("head")]
    optimizer = torch.optim.AdamW(
        [{"params": rest, "lr": rate}, {"params": heads, "lr": rate * 10}], weight_decay=0.01, fused=True
    )
    bases = [group["lr"] for group in optimizer.param_groups]
    model.train()
    first, before = _resume(model, optimizer, out / "progress.pt")
    started, average = time.monotonic() - before, 0.0
    kept = time.monotonic()
    for step, chosen in enumerate(plan):
        if step < first:
            continue
        spent = (time.monotonic() - started) / 60 / minutes
        if spent >= 1:
            break
        done = max(step / len(plan), spent)
        for group, base in zip(optimizer.param_groups, bases, strict=True):
            group["lr"] = base * min(1, (step + 1) / 200) * (1 - done)
        arrays = padded([items[index] for index in chosen])
        hide(arrays["input_ids"], rng)
        batch = {name: torch.from_numpy(array) for name, array in arrays.items()}
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = model(**batch)
        loss = loss_of(logits.float(), value[chosen], known[chosen], weight)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        average = loss.item() if step == first else 0.99 * average + 0.01 * loss.item()
        if step % 100 == 0:
            rate_now = (step + 1 - first) * size / (time.monotonic() - started - before)
            print(
                f"step {step}/{len(plan)} loss {average:.4f} {rate_now:.0f} samples/s", flush=True, file=log
            )
        if time.monotonic() - kept > KEPT_EVERY * 60:
            kept = time.monotonic()
            state = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
            torch.save(state | {"step": step + 1, "seconds": kept - started}, out / "progress.pt")
    torch.save(model.state_dict(), out / "checkpoint.pt")
    (out / "progress.pt").unlink(missing_ok=True)


def _resume(model: Encoder, optimizer: torch.optim.Optimizer, path: Path) -> tuple[int, float]:
    """Load what was kept of a training that was cut off; returns the step to go on with, and the seconds that were spent."""
    if not path.exists():
        return 0, 0.0
    state = torch.load(path, weights_only=True)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    return state["step"], state["seconds"]


def freeze_lower(model: Encoder) -> None:
    """Keep the embeddings and the layers up to `ABOUT` as they are, and with them what the file says of topics."""
    for part in (model.bert.embeddings, *model.bert.encoder.layer[:ABOUT]):
        for each in part.parameters():
            each.requires_grad = False


def average(checkpoints: Sequence[Path]) -> dict[str, torch.Tensor]:
    """Return the mean of the weights of several trainings from one seed encoder (Wortsman et al. 2022, "Model soups")."""
    states = [torch.load(path, weights_only=True) for path in checkpoints]
    return {
        name: torch.stack([state[name].float() for state in states]).mean(0).to(value.dtype)
        for name, value in states[0].items()
    }


def both(
    model: Encoder, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the logits, and the mean of the tokens behind layer `ABOUT`."""
    states = model.bert(
        input_ids=input_ids,
        attention_mask=attention_mask,
        token_type_ids=token_type_ids,
        output_hidden_states=True,
    ).hidden_states
    return model.judged(states[-1], attention_mask), mean_of(states[ABOUT], attention_mask)


def style(model: Encoder, texts: Sequence[Ids]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return what ordinary texts share: the mean of what they are about, and the `SHARED` directions they differ most in."""
    model.eval()
    with torch.no_grad():
        each = [both(model, *map(torch.from_numpy, padded([text]).values()))[1] for text in texts]
        found = torch.cat(each)
        center = found.mean(0)
        return center, torch.linalg.svd(found - center, full_matrices=False).Vh[:SHARED]


class Exported(nn.Module):
    """What the file computes: `logits`, and `embedding`, which says what a text is about.

    The embedding is the mean of the tokens behind layer `ABOUT`, less what ordinary texts share (`style`), at length 1.
    Training for harms costs the upper layers most of what the seed knew of topics, and the lower ones little
    (`benchmarks/topics.py`).
    """

    def __init__(self, model: Encoder, center: torch.Tensor, directions: torch.Tensor) -> None:
        super().__init__()
        self.model = model.eval()
        self.register_buffer("center", center)
        self.register_buffer("directions", directions)

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        logits, about = both(self.model, input_ids, attention_mask, token_type_ids)
        about = about - self.center
        about = about - about @ self.directions.T @ self.directions
        return logits, nn.functional.normalize(about, dim=1)


def export(model: Encoder, path: Path, shared: tuple[torch.Tensor, torch.Tensor]) -> None:
    """Write the int8 ONNX file (dynamic quantization, one scale per channel); `shared` is what `style` returns."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    plain = path.with_suffix(".fp32.onnx")
    sample = {
        name: torch.ones((2, 16), dtype=torch.int64)
        for name in ("input_ids", "attention_mask", "token_type_ids")
    }
    names = list(sample)
    axes = {name: {0: "batch", 1: "tokens"} for name in names} | {
        name: {0: "batch"} for name in ("logits", "embedding")
    }
    torch.onnx.export(
        Exported(model, *shared).eval(),
        tuple(sample.values()),
        str(plain),
        input_names=names,
        output_names=["logits", "embedding"],
        dynamic_axes=axes,
        opset_version=17,
        dynamo=False,
    )
    quantize_dynamic(str(plain), str(path), weight_type=QuantType.QInt8, per_channel=True)


def logits(path: Path, items: Sequence[Ids]) -> np.ndarray:
    """Return float32 [rows, heads] of an exported file, each row by itself as at run time: what stands beside a row changes
    the scale of its 8-bit activations.
    """
    session = OnnxSession(path.read_bytes())

    def run(item: Ids) -> np.ndarray:
        arrays = padded([item])
        return session.run((arrays["input_ids"], arrays["attention_mask"], arrays["token_type_ids"]))[0]

    with ThreadPoolExecutor(count_cores()) as threads:
        return np.stack(list(threads.map(run, items)))
