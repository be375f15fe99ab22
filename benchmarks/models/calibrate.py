"""Scores from logits: fitted on held-out texts, written to the model's `manifest.json`.

Every head is on one scale, so that a policy needs no table of thresholds: at `TEXT` (0.8) it finds at most `BUDGET` of
harmless texts, hard ones among them, at `DOCUMENT` (0.95) at most `DOCUMENT_BUDGET` of harmless documents of 4k tokens. In
between and beyond, a score is sigmoid(w_e * encoder + w_h * hashed + bias): the direction is a logistic regression's with
weights not below 0, the scale goes through those two points (within `STEEP`, so that a head which no document comes near
keeps to the scale of the others).

The fast tier's score is the line that comes nearest to the whole model's. Its band: below `clear` at most 1 % of what the
whole model finds is lost; above `sure` stand at most 0.2 % of the negatives.
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
TEXT, DOCUMENT = 0.8, 0.95
TEXT_CHARACTERS = 1_500
"""What is longer is a document: each window more is one more chance of a false alarm."""
BUDGET = {"unsafe": 0.02, "unsafe_reply": 0.02}
OTHERS, DOCUMENT_BUDGET = 0.01, 0.003
STEEP = (0.7, 2.5)
"""Logits of the scale for one of the regression, at least and at most."""
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


def direction(held: Sequence[Row], at: int, slow: Matrix, fast: Matrix) -> tuple[Matrix, Matrix, list[float]]:
    """Return which rows know a head, their labels, and the weights of both tiers with a bias."""
    head = HEADS[at]
    known = np.array([index for index, row in enumerate(held) if head in row.labels])
    label = np.array([held[index].labels[head] for index in known])
    # A large source counts for more than a small one, but only by the root of its size.
    groups = [(held[index].source, int(value)) for index, value in zip(known, label, strict=True)]
    sizes = Counter(groups)
    weight = np.array([sizes[group] ** -0.5 for group in groups])
    weight *= len(weight) / weight.sum()
    return known, label, fit(np.stack([slow[known, at], fast[known, at]], 1), label, weight)


def scaled(weights: Sequence[float], texts: Matrix, documents: Matrix, budget: float) -> list[float]:
    """Return the weights with which logit(TEXT) and logit(DOCUMENT) keep to their budgets; both are rows of the two tiers."""
    tops = np.sort(np.stack([_raw(weights, texts[:, 0], texts[:, 1])]).ravel())
    at_text = float(np.quantile(tops, 1 - budget))
    at_document = float(np.quantile(documents, 1 - DOCUMENT_BUDGET))
    span = evaluate.logit(DOCUMENT) - evaluate.logit(TEXT)
    steep = float(np.clip(span / max(at_document - at_text, 1e-6), *STEEP))
    bias = evaluate.logit(TEXT) + steep * (weights[2] - at_text)
    return [round(steep * weights[0], 5), round(steep * weights[1], 5), round(bias, 5)]


def _raw(weights: Sequence[float], slow: Matrix, fast: Matrix) -> Matrix:
    return np.asarray(weights[0] * slow + weights[1] * fast + weights[2])


def scores(
    held: Sequence[Row], slow: Matrix, fast: Matrix, long: tuple[Matrix, Matrix, Matrix]
) -> dict[str, dict[str, Any]]:
    """Return the calibration of every head; `long` are the tiers' logits of documents' windows, and where each ends."""
    calm = evaluate.benign(held)
    out = {}
    for at, head in enumerate(HEADS):
        known, label, weights = direction(held, at, slow, fast)
        mine = [index for index in calm if head in held[index].labels]
        tops = _raw(weights, long[0][:, at], long[1][:, at])
        documents = np.array([part.max() for part in np.split(tops, long[2][:-1])])
        texts = np.stack([slow[mine, at], fast[mine, at]], 1)
        both = scaled(weights, texts, documents, BUDGET.get(head, OTHERS))
        whole = _raw(both, slow[known, at], fast[known, at])
        alone = _line(fast[known, at], np.clip(whole, -8, 8))
        quick = evaluate.sigmoid(alone[0] * fast[known, at] + alone[1])
        found = quick[(label == 1) & (whole >= evaluate.logit(TEXT))]
        clear = float(np.quantile(found, LOST)) if len(found) else 0.0
        sure = float(np.quantile(quick[label == 0], 1 - WRONG))
        out[head] = {
            "hashed": alone,
            "both": both,
            "clear": round(min(clear, 0.5), 4),
            "sure": round(min(max(sure, 0.9), 0.9999), 4),
        }
    return out


def _line(fast: Matrix, whole: Matrix) -> list[float]:
    slope, bias = np.polyfit(fast, whole, 1)
    return [round(max(float(slope), 0.0), 5), round(float(bias), 5)]


def write_manifest(folder: Path, held: Sequence[Row], tok: Tokenizer) -> None:
    slow, fast = evaluate.logits(folder, held, tok)
    documents = [text for kind in evaluate.documents(held, 4000).values() for text in kind]
    manifest = {
        "name": "text-safety",
        "version": VERSION,
        "files": {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in FILES},
        "heads": list(HEADS),
        "window": encoder.WINDOW,
        "prompt_tokens": encoder.PROMPT_TOKENS,
        "view": "folded",
        "languages": list(LANGUAGES),
        "scores": scores(held, slow, fast, evaluate.windows(folder, documents, tok)),
        "thresholds": {"text": TEXT, "text_characters": TEXT_CHARACTERS, "document": DOCUMENT},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", "utf-8")
