"""Figures on what the model never saw in training: whole held-out sources, and ordinary documents.

Used by `calibrate.py` (thresholds) and `card.py`. Benign documents: 1k and 4k tokens cut from the prose of Python's own
manual (`pydoc_data.topics`), from the source of its standard library, and joined from harmless held-out texts.
"""

from __future__ import annotations

import pydoc
import re
import sysconfig
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from pydoc_data.topics import topics
from random import Random

import encoder
import numpy as np
from rows import HEADS, OURS, Row
from tokenizers import Tokenizer

from guardrails.inference.safety.hashed import HashedHeads
from guardrails.inference.safety.scores import bound_leaves, leaf_columns
from guardrails.inference.safety.session import OnnxSession, pad_rows
from guardrails.inference.safety.windows import BertTokenizer
from guardrails.processor.cores import count_cores
from guardrails.text import fold_text

Matrix = np.ndarray
LEVELS = (0.5, 0.7, 0.8, 0.9, 0.95)
PER_TOKEN = 3.9
"""Characters per token, measured on the held-out prose."""


def sigmoid(value: Matrix) -> Matrix:
    return 1 / (1 + np.exp(-np.clip(value, -30, 30)))


def logit(score: float) -> float:
    return float(np.log(score / (1 - score)))


def logits(folder: Path, rows: Sequence[Row], tok: Tokenizer) -> tuple[Matrix, Matrix]:
    """Return the encoder's and the fast tier's logits, float32 [rows, heads]."""
    fast = HashedHeads.load(folder / "hashed.npz").logits([fold_text(row.text).text for row in rows])
    return encoder.logits(folder / "encoder.onnx", encoder.tokenized(rows, tok)), fast


def combined(scores: dict[str, dict[str, list[float]]], slow: Matrix, fast: Matrix) -> Matrix:
    """Return the score of both tiers together."""
    both = np.array([scores[head]["both"] for head in HEADS])
    return bound_leaves(sigmoid(both[:, 0] * slow + both[:, 1] * fast + both[:, 2]), leaf_columns(HEADS))


def quick(scores: dict[str, dict[str, list[float]]], fast: Matrix) -> Matrix:
    """Return the score of the fast tier alone."""
    alone = np.array([scores[head]["hashed"] for head in HEADS])
    return bound_leaves(sigmoid(alone[:, 0] * fast + alone[:, 1]), leaf_columns(HEADS))


def benign(rows: Sequence[Row]) -> list[int]:
    """Return which rows are harmless: every head that they name is 0."""
    return [
        index
        for index, row in enumerate(rows)
        if not any(row.labels.values()) and len(row.labels) >= 8 and row.source != "trustllm_jailbreak"
    ]


def documents(rows: Sequence[Row], tokens: int, each: int = 120) -> dict[str, list[str]]:
    """Return harmless documents of about this many tokens, by kind."""
    size, rng = int(tokens * PER_TOKEN), Random(5)
    library = Path(sysconfig.get_path("stdlib"))
    files = [path for path in sorted(library.rglob("*.py")) if not {"site-packages", "test"} & {*path.parts}]
    code = [path.read_text("utf-8", "replace") for path in files]
    manual = "\n\n".join(pydoc.plain(topics[name]) for name in sorted(topics))
    said = "\n\n".join(found for text in code for found in re.findall(r'"""(.{80,}?)"""', text, re.DOTALL))
    prose = manual + "\n\n" + said
    texts = [rows[index].text for index in benign(rows) if not rows[index].source.startswith(OURS)]
    joined = []
    for _ in range(each):
        rng.shuffle(texts)
        joined.append("\n".join(texts)[:size])
    long = [text[:size] for text in code if len(text) > size // 2]
    return {
        "prose": [prose[at : at + size] for at in range(0, len(prose) - size, size)][:each],
        "code": rng.sample(long, min(each, len(long))),
        "mixed": joined,
    }


def windows(folder: Path, texts: Sequence[str]) -> tuple[Matrix, Matrix, Matrix]:
    """Return the tiers' logits of all windows, cut as the detector cuts them, and the index behind each text's last one."""
    tokens = BertTokenizer((folder / "tokenizer.json").read_bytes())
    session = OnnxSession((folder / "encoder.onnx").read_bytes())
    found = []
    for text in texts:
        view = encoder.read(text)
        found.append(
            [(each, view[each.start : each.end]) for each in tokens.windows(view, encoder.WINDOW - 2)]
        )
    rows = [tokens.row(each.ids) for mine in found for each, _ in mine]
    fast = HashedHeads.load(folder / "hashed.npz").logits(
        [fold_text(part).text for mine in found for _, part in mine]
    )
    with ThreadPoolExecutor(count_cores()) as threads:
        slow = np.stack(list(threads.map(lambda row: session.run(pad_rows([row], tokens.pad))[0], rows)))
    return slow, fast, np.cumsum([len(mine) for mine in found])


def maxima(folder: Path, scores: dict[str, dict[str, list[float]]], texts: Sequence[str]) -> Matrix:
    """Return the highest score of each document over its windows."""
    slow, fast, ends = windows(folder, texts)
    return np.stack([part.max(0) for part in np.split(combined(scores, slow, fast), ends[:-1])])
