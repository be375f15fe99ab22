"""Scores from logits: fitted on whole held-out sources, written to the model's `manifest.json`.

A score is a probability under even odds: sigmoid(w_e * encoder + w_h * hashed + bias), by logistic regression with
weights not below 0. The fast tier's band: below `clear` at most 1 % of the positives that the whole model finds at
0.5 are lost; above `sure` at most 0.2 % of the negatives stand. Thresholds per head: `text` keeps at least 99 % of the
harmless held-out texts, `document` 99.5 % of the harmless documents of 4k tokens (`evaluate.py`).
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import encoder
import evaluate
import numpy as np
from rows import HEADS, Row
from sklearn.linear_model import LogisticRegression
from tokenizers import Tokenizer

FILES = ("encoder.onnx", "tokenizer.json", "hashed.npz")
VERSION = "0.1.0"
LANGUAGES = ("en",)
LOST, WRONG = 0.01, 0.002
TEXT_FPR, DOCUMENT_FPR = 0.01, 0.005
Matrix = np.ndarray


def fit(features: Matrix, label: Matrix, weight: Matrix) -> list[float]:
    """Return weights and bias; a feature whose weight would be negative gets 0."""
    used = list(range(features.shape[1]))
    while True:
        model = LogisticRegression(C=1.0, class_weight="balanced").fit(features[:, used], label, weight)
        if (model.coef_[0] >= 0).all() or len(used) == 1:
            break
        used = [index for index, weight in zip(used, model.coef_[0], strict=True) if weight >= 0] or [0]
    weights = [0.0] * features.shape[1]
    for index, weight in zip(used, model.coef_[0], strict=True):
        weights[index] = max(float(weight), 0.0)
    return [*(round(weight, 5) for weight in weights), round(float(model.intercept_[0]), 5)]


def scores(slow: Matrix, fast: Matrix, rows: Sequence[Row]) -> dict[str, dict[str, Any]]:
    out = {}
    for at, head in enumerate(HEADS):
        known = np.array([head in row.labels for row in rows])
        label = np.array([row.labels.get(head, 0) for row in rows])[known]
        e, h = slow[known, at], fast[known, at]
        # A large source counts for more than a small one, but only by the root of its size.
        groups = [(row.source, row.labels[head]) for row in rows if head in row.labels]
        sizes = Counter(groups)
        weight = np.array([sizes[group] ** -0.5 for group in groups])
        weight *= len(weight) / weight.sum()
        both = fit(np.stack([e, h], 1), label, weight)
        alone = fit(h[:, None], label, weight)
        quick = evaluate.sigmoid(alone[0] * h + alone[1])
        whole = evaluate.sigmoid(both[0] * e + both[1] * h + both[2])
        true = quick[(label == 1) & (whole >= 0.5)]
        clear = float(np.quantile(true, LOST)) if len(true) else 0.0
        sure = float(np.quantile(quick[label == 0], 1 - WRONG))
        out[head] = {
            "encoder": fit(e[:, None], label, weight),
            "hashed": alone,
            "both": both,
            "clear": round(min(clear, 0.3), 4),
            "sure": round(min(max(sure, 0.9), 0.9999), 4),
        }
    return out


def thresholds(
    folder: Path, fitted: dict[str, dict[str, Any]], held: Sequence[Row], score: Matrix, tok: Tokenizer
) -> dict[str, dict[str, float]]:
    """Return the least thresholds, in steps of 0.01, that keep the false positives within the budgets."""
    calm = evaluate.benign(held)
    texts = {
        head: score[[index for index in calm if head in held[index].labels], at]
        for at, head in enumerate(HEADS)
    }
    long = [text for kind in evaluate.documents(held, 4000).values() for text in kind]
    tops = evaluate.maxima(folder, fitted, long, tok)
    return {
        "text": {head: _least(texts[head], TEXT_FPR) for head in HEADS},
        "document": {head: _least(tops[:, at], DOCUMENT_FPR) for at, head in enumerate(HEADS)},
    }


def _least(negative: Matrix, budget: float) -> float:
    for step in range(50, 100):
        if (negative >= step / 100).mean() <= budget:
            return step / 100
    return 0.99 + 0.001 * min(9, int(1000 * max(0.0, float(np.quantile(negative, 1 - budget)) - 0.99) + 1))


def write_manifest(folder: Path, held: Sequence[Row], tok: Tokenizer) -> None:
    slow, fast = evaluate.logits(folder, held, tok)
    fitted = scores(slow, fast, held)
    manifest = {
        "name": "text-safety",
        "version": VERSION,
        "files": {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in FILES},
        "heads": list(HEADS),
        "window": encoder.WINDOW,
        "prompt_tokens": encoder.PROMPT_TOKENS,
        "view": "folded",
        "languages": list(LANGUAGES),
        "scores": fitted,
        "thresholds": thresholds(folder, fitted, held, evaluate.combined(fitted, slow, fast), tok),
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", "utf-8")
