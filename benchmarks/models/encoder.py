"""The encoder: a seed BERT with one linear head per category, trained on rows with masked labels; and a smaller one.

Input: `[CLS] text [SEP]`, or `[CLS] prompt [SEP] reply [SEP]` (token type 1 for the reply; of the prompt its last
`PROMPT_TOKENS`), 128 tokens at most, of the view in which words keep their script. Pooling: mean and maximum over the tokens,
side by side.

The large model is the seed with all its layers. The small one begins as every other layer (`STUDENT_LAYERS`), of the seed or
of the large model, and learns at once: the labels; what the seed says that a text is about (`Topics`), which keeps the
languages together and is the embedding that topics are told by (`fit_topics` fits its layer at the end); and, where there is a
large model, its logits of all heads, known or not.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TextIO

import numpy as np
import seed_e5
import torch
from rows import HEADS, Row
from tokenizers import Tokenizer
from torch import nn

from guardrails.detectors.classifier.classifier_windows import blank_signs
from guardrails.inference.safety.session import OnnxSession
from guardrails.processor.cores import count_cores
from guardrails.text import normalize_scripts

WINDOW = 128
SHARED = 2
"""Directions that ordinary texts differ most in, which say nothing of topics."""
PROMPT_TOKENS = 40
KEPT_EVERY = 5
"""Minutes after which the state of a training is written down again."""
MASK, FIRST_WORD, MASK_ONE_IN = 4, 5, 20
"""`[MASK]` and the first token that is no special one, in the seed's vocabulary."""
LAYERS = 12
STUDENT_LAYERS = (0, 2, 4, 7, 9, 11)
"""The layers of the large model that the small one begins with."""
TEACHER_SHARE = 1.0
"""What the large model's logits count for beside the labels."""
TOPIC_SHARE, TOPIC_ONE_IN = 1.0, 3
"""What the seed's embedding counts for, and in which part of the batches it is asked."""
RIDGE = 0.1
"""What the squares of the embedding's weights count for beside the mean squared error."""
Ids = tuple[list[int], list[int]]
Arrays = dict[str, np.ndarray]


class Encoder(nn.Module):
    def __init__(self, seed: Path, layers: int = LAYERS) -> None:
        super().__init__()
        self.bert = seed_e5.load(seed, layers)
        width = self.bert.config.hidden_size
        self.drop = nn.Dropout(0.1)
        self.head = nn.Linear(2 * width, len(HEADS))
        self.states = (0, layers // 2, layers)
        self.about = nn.Linear(len(self.states) * width, width)
        nn.init.zeros_(self.about.weight)
        nn.init.eye_(self.about.weight[:, -width:])
        nn.init.zeros_(self.about.bias)
        for each in (self.bert.embeddings.word_embeddings, self.bert.embeddings.position_embeddings):
            each.weight.requires_grad = (
                False  # keeps the languages together, and words that were not met in training
            )

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the logits of the heads, and the embedding, not yet of length 1."""
        states = self.bert(
            input_ids=input_ids,
            attention_mask=attention_mask,
            token_type_ids=token_type_ids,
            output_hidden_states=True,
        ).hidden_states
        mask = attention_mask.unsqueeze(-1).to(states[-1].dtype)
        top = (states[-1] + (mask - 1) * 100.0).amax(1)
        # The words as they came in say more of a topic than the last layer by itself, which has learnt of harm.
        means = [mean_of(states[at], attention_mask) for at in self.states]
        return self.head(self.drop(torch.cat([means[-1], top], 1))), self.about(torch.cat(means, 1))

    def fit_topics(self, teacher: Topics, items: Sequence[Ids]) -> None:
        """Set the layer of the embedding to what comes nearest to a teacher's, by ridge regression; nothing else changes."""
        features, wanted = [], []
        for at in range(0, len(items), 32):
            arrays = padded(items[at : at + 32])
            batch = {name: torch.from_numpy(array) for name, array in arrays.items()}
            with torch.no_grad():
                states = self.bert(**batch, output_hidden_states=True).hidden_states
            mask = batch["attention_mask"]
            features.append(torch.cat([mean_of(states[at], mask) for at in self.states], 1))
            wanted.append(teacher.of(arrays))
        x, y = torch.cat(features).double(), torch.cat(wanted).double()
        middle, scale, about = x.mean(0), x.std(0) + 1e-6, y.mean(0)
        x = (x - middle) / scale
        solved = torch.linalg.solve(x.T @ x + RIDGE * len(x) * torch.eye(x.shape[1]), x.T @ (y - about))
        weight = (solved / scale[:, None]).T
        with torch.no_grad():
            self.about.weight.copy_(weight)
            self.about.bias.copy_(about - weight @ middle)

    def take_layers(self, large: Encoder) -> None:
        """Begin as some layers of one with all of them, and its heads."""
        self.head.load_state_dict(large.head.state_dict())
        self.bert.embeddings.load_state_dict(large.bert.embeddings.state_dict())
        for mine, other in enumerate(STUDENT_LAYERS):
            self.bert.encoder.layer[mine].load_state_dict(large.bert.encoder.layer[other].state_dict())


def mean_of(hidden: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
    mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * mask).sum(1) / mask.sum(1)


class Topics:
    """What the seed says that texts are about: its mean of the tokens, less what ordinary texts share, at length 1.

    Args:
        seed: its folder.
        texts: ordinary texts, of which what they share is learnt.
    """

    def __init__(self, seed: Path, texts: Sequence[Ids]) -> None:
        self._bert = seed_e5.load(seed).eval()
        prefix = tokenizer(seed).encode("query:", add_special_tokens=False).ids
        self._prefix = torch.tensor(prefix)
        found = torch.cat([self._mean(padded(texts[at : at + 32])) for at in range(0, len(texts), 32)])
        self._center = found.mean(0)
        self._directions = torch.linalg.svd(found - self._center, full_matrices=False).Vh[:SHARED]

    def of(self, arrays: dict[str, np.ndarray]) -> torch.Tensor:
        """Return the embeddings of a batch, one row a text."""
        found = self._mean(arrays) - self._center
        return nn.functional.normalize(found - found @ self._directions.T @ self._directions, dim=1)

    def _mean(self, arrays: dict[str, np.ndarray]) -> torch.Tensor:
        """Return the mean of the tokens behind the prefix that the seed was trained with."""
        ids, mask = torch.from_numpy(arrays["input_ids"]), torch.from_numpy(arrays["attention_mask"])
        before = self._prefix.expand(len(ids), -1)
        ids = torch.cat([ids[:, :1], before, ids[:, 1:]], 1)
        mask = torch.cat([mask[:, :1], torch.ones_like(before), mask[:, 1:]], 1)
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
            hidden = self._bert(input_ids=ids, attention_mask=mask).last_hidden_state
        return mean_of(hidden.float(), mask)


@dataclass(frozen=True, slots=True)
class Teachers:
    """Who a small encoder learns from beside the labels."""

    topics: Topics
    large: Encoder | None = None


def tokenizer(seed: Path) -> Tokenizer:
    loaded = Tokenizer.from_file(str(seed / "tokenizer.json"))
    loaded.no_padding()
    loaded.no_truncation()
    return loaded


def read(text: str) -> str:
    """Return what the encoder reads of a text."""
    return normalize_scripts(blank_signs(text)).text


def tokenized(rows: Sequence[Row], tok: Tokenizer) -> list[Ids]:
    """Return ids and token types per row, cut to the window."""
    cls, sep = tok.token_to_id("[CLS]"), tok.token_to_id("[SEP]")
    texts = tok.encode_batch([read(row.text) for row in rows], add_special_tokens=False)
    asked = tok.encode_batch([read(row.context) for row in rows], add_special_tokens=False)
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


def taught(logits: torch.Tensor, large: Encoder, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """Return how far logits are from those of a large encoder, by the cross-entropy of all heads."""
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        wanted = torch.sigmoid(large(**batch)[0].float())
    return nn.functional.binary_cross_entropy_with_logits(logits, wanted)


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
    teachers: Teachers | None = None,
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
            logits, about = model(**batch)
        loss = loss_of(logits.float(), value[chosen], known[chosen], weight)
        if teachers is not None:
            if teachers.large is not None:
                loss = loss + TEACHER_SHARE * taught(logits.float(), teachers.large, batch)
            if step % TOPIC_ONE_IN == 0:
                alike = nn.functional.cosine_similarity(about.float(), teachers.topics.of(arrays))
                loss = loss + TOPIC_SHARE * (1 - alike.mean())
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


def average(checkpoints: Sequence[Path]) -> dict[str, torch.Tensor]:
    """Return the mean of the weights of several trainings from one seed encoder (Wortsman et al. 2022, "Model soups")."""
    states = [torch.load(path, weights_only=True) for path in checkpoints]
    return {
        name: torch.stack([state[name].float() for state in states]).mean(0).to(value.dtype)
        for name, value in states[0].items()
    }


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
