"""Scores from logits: fitted on held-out texts, written to the model's `manifest.json`.

All heads are on one scale, so that a policy needs no table of thresholds: at `TEXT` (0.8) at most a budget of the harmless
held-out texts, hard ones among them, are found by any head of a group, and at most another one of natural texts (half of those
in `dev/`: `data.natural`); at `DOCUMENT` (0.95) at most `DOCUMENT_BUDGET` of harmless documents of 4k tokens, and of natural
ones as many as of natural texts; the heads of a group share its budgets so that most harm is found. A score is
sigmoid(w_e * encoder + w_h * hashed + bias): the direction is a logistic regression's with weights not below 0, the scale
goes through those two points (within `STEEP`, so that a head which no document comes near keeps to the scale of the others).

The fast tier's score is the line that comes nearest to the whole model's. Its band: a text is left to the fast tier where all
heads that are asked for are below `clear` (or above `sure`, where at most 0.2 % of the negatives stand). Of the texts that the
whole model finds by any head of a group that is mostly asked for together (`GROUPS`), at most 1 % are all clear.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import encoder
import evaluate
import numpy as np
from rows import HEADS, Row
from sklearn.linear_model import LogisticRegression
from tokenizers import Tokenizer

from guardrails.policy.shipped import shipped_folder

FILES = ("encoder.onnx", "tokenizer.json", "hashed.npz")
FEW_WORDS = {"words": 4, "agreement": 0.68, "doubted": 0.6}
"""Both tiers must find what is found in so few words: `goodbye`, `strip mall`, `ChatGPT`. Chosen on 40 words and phrases that
people say every day and 20 threats and insults as short; `kill yourself` has .69 in the fast tier.
"""
VERSION = "0.3.0"
LANGUAGES = ("en",)
LOST, WRONG, MOST_CLEAR = 0.01, 0.002, 0.6
TEXT, DOCUMENT = 0.8, 0.95
TEXT_CHARACTERS = 1_500
"""What is longer is a document: each window more is one more chance of a false alarm."""
DOCUMENT_BUDGET = 0.02
GROUPS = (HEADS[:9], ("jailbreak", "injection"), ("unsafe_reply",))
TEXT_BUDGETS = (0.045, 0.015, 0.025)
"""Of each group, which a policy mostly asks for together."""
NATURAL_BUDGETS = (0.008, 0.006, 1.0)
"""The same for natural texts, all windows of each, among which there are no replies."""
MARGIN, MOST_TURNS = 0.5, 60
"""Raw scores by which examples stay below the cut, and the shares that each head may begin with."""
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


def by_source(sources: Sequence[str]) -> Matrix:
    """Return a weight for each row: a large source counts for more than a small one, but only by the root of its size."""
    sizes = Counter(sources)
    weight = np.array([sizes[source] ** -0.5 for source in sources])
    return weight * (len(weight) / weight.sum())


def direction(held: Sequence[Row], at: int, slow: Matrix, fast: Matrix) -> tuple[Matrix, Matrix, list[float]]:
    """Return which rows know a head, their labels, and the weights of both tiers with a bias."""
    head = HEADS[at]
    known = np.array([index for index, row in enumerate(held) if head in row.labels])
    label = np.array([held[index].labels[head] for index in known])
    groups = [f"{held[index].source}:{value}" for index, value in zip(known, label, strict=True)]
    weight = by_source(groups)
    return known, label, fit(np.stack([slow[known, at], fast[known, at]], 1), label, weight)


Budgeted = tuple[Matrix, float]
"""Harmless rows by heads, and the share of them that may be found."""


def cuts(calm: Sequence[Budgeted], harm: Matrix, truth: Matrix, weight: Matrix) -> Matrix:
    """Return for each head the raw score from which on it finds, so that of each kind of harmless rows at most its budget is
    found by any head, and as much harm as possible for that: each row of harm counts by its weight, half of it when any head
    finds it, half for its own heads. All are rows by heads.

    From equal shares of the first budget on, shares move from one head to another, in ever smaller steps, while that finds more.
    """
    first, _ = calm[0]
    steps = np.sort(first, 0)[::-1]
    columns = np.arange(first.shape[1])
    own = weight[:, None] * truth / np.maximum(truth.sum(1, keepdims=True), 1)

    def fits(shares: Matrix) -> bool:
        limits = steps[shares, columns]
        return all((rows > limits).any(1).sum() <= int(budget * len(rows)) for rows, budget in calm)

    def worth(shares: Matrix) -> float:
        found = harm > steps[shares, columns]
        return float(weight[found.any(1)].sum() + own[found].sum()) / 2

    shares = np.zeros(len(columns), dtype=int)  # harmless rows above the cut of each head alone
    for column in _turns(columns, len(first)):
        moved = shares.copy()
        moved[column] += 1
        if fits(moved):
            shares = moved
    best, size = worth(shares), 16
    while size:
        before = best
        for gives, gets in product((None, *columns), columns):
            moved = shares.copy()
            moved[gets] += size
            if gives is not None and gives != gets:
                moved[gives] = max(0, moved[gives] - size)
            if moved[gets] < len(first) and worth(moved) > best and fits(moved):
                best, shares = worth(moved), moved
        if best == before:
            size //= 2
    return steps[shares, columns]


def above(tops: Sequence[Budgeted], at_text: Matrix) -> Matrix:
    """Return for each head a raw score, as far above its cut for texts as for the other heads, at which of each kind of
    documents at most its budget is found by any head; `tops` are their highest raw scores.
    """
    first, _ = tops[0]
    spread = np.maximum(first.std(0), 1e-6)
    for more in np.arange(0.0, 30.0, 0.02):
        if all(
            (rows > at_text + more * spread).any(1).mean() <= budget for rows, budget in tops if len(rows)
        ):
            return at_text + more * spread
    return first.max(0)


def scaled(weights: Sequence[float], at_text: float, at_document: float) -> list[float]:
    """Return the weights with which raw scores of these two sizes become logit(TEXT) and logit(DOCUMENT)."""
    span = evaluate.logit(DOCUMENT) - evaluate.logit(TEXT)
    steep = float(np.clip(span / max(at_document - at_text, 1e-6), *STEEP))
    bias = evaluate.logit(TEXT) + steep * (weights[2] - at_text)
    return [round(steep * weights[0], 5), round(steep * weights[1], 5), round(bias, 5)]


def _turns(columns: Matrix, most: int) -> list[int]:
    """Return each column in turn, often enough."""
    return [int(column) for _ in range(min(most, MOST_TURNS)) for column in columns]


Windows = tuple[Matrix, Matrix, Matrix]
"""The tiers' logits of the windows of texts, and where each text ends."""


def tops(weights: Matrix, found: Windows) -> Matrix:
    """Return the highest raw scores of each text."""
    raw = weights[:, 0] * found[0] + weights[:, 1] * found[1] + weights[:, 2]
    return np.stack([part.max(0) for part in np.split(raw, found[2][:-1])])


def scores(
    held: Sequence[Row],
    slow: Matrix,
    fast: Matrix,
    long: Windows,
    natural: Windows,
    is_long: Matrix,
    examples: Windows,
) -> dict[str, dict[str, Any]]:
    """Return the calibration of every head; `long` are documents, `natural` texts as they come, some of them long, `examples`
    those of the shipped policies, of which none may be found.
    """
    fitted = [direction(held, at, slow, fast) for at in range(len(HEADS))]
    weights = np.array([each[2] for each in fitted])
    raw = weights[:, 0] * slow + weights[:, 1] * fast + weights[:, 2]
    documents, ordinary = tops(weights, long), tops(weights, natural)
    out: dict[str, dict[str, Any]] = {}
    for heads, budget, other in zip(GROUPS, TEXT_BUDGETS, NATURAL_BUDGETS, strict=True):
        replies = heads == ("unsafe_reply",)
        mine = [index for index, row in enumerate(held) if (row.kind == "reply") == replies]
        calm = sorted(set(evaluate.benign(held)).intersection(mine))
        harm = [index for index in mine if any(held[index].labels.get(head) for head in heads)]
        columns = [HEADS.index(head) for head in heads]
        truth = np.array([[held[index].labels.get(head, 0) for head in heads] for index in harm])
        weight = by_source([held[index].source for index in harm])
        hard = raw[np.ix_(calm, columns)]
        # An example above all harmless rows cannot be kept out by any cut of these.
        shown = np.minimum(tops(weights, examples)[:, columns] + MARGIN, hard.max(0))
        calms = ((hard, budget), (ordinary[~is_long][:, columns], other), (shown, 0.0))
        at_text = cuts(calms, raw[np.ix_(harm, columns)], truth, weight)
        at_document = above(
            ((documents[:, columns], DOCUMENT_BUDGET), (ordinary[is_long][:, columns], other)), at_text
        )
        for head, at, *places in zip(heads, columns, at_text, at_document, strict=True):
            known, label, _ = fitted[at]
            both = scaled(weights[at].tolist(), *map(float, places))
            whole = both[0] * slow[known, at] + both[1] * fast[known, at] + both[2]
            alone = _line(fast[known, at], np.clip(whole, -8, 8))
            quick = evaluate.sigmoid(alone[0] * fast[known, at] + alone[1])
            calm_quick = evaluate.sigmoid(alone[0] * natural[1][:, at] + alone[1])
            sure = max(float(np.quantile(each, 1 - WRONG)) for each in (quick[label == 0], calm_quick))
            out[head] = {"hashed": alone, "both": both, "sure": round(min(max(sure, 0.9), 0.9999), 4)}
    whole, quick = evaluate.combined(out, slow, fast), evaluate.quick(out, fast)
    for group in GROUPS:
        columns = [HEADS.index(head) for head in group]
        limits = clear(whole[:, columns], quick[:, columns])
        for head, limit in zip(group, limits, strict=True):
            out[head]["clear"] = round(float(limit), 4)
    return out


def clear(whole: Matrix, quick: Matrix) -> Matrix:
    """Return a limit for each head, all at one quantile of what the head finds: the highest one at which of the texts that
    are found by any head at most `LOST` are below the limits of all.
    """
    found = whole >= TEXT
    any_found = found.any(1)
    best = np.zeros(whole.shape[1])
    for quantile in np.arange(0.002, 0.4, 0.002):
        limits = np.array(
            [np.quantile(quick[rows, at], quantile) if rows.any() else 0.0 for at, rows in enumerate(found.T)]
        )
        if (quick[any_found] < np.minimum(limits, MOST_CLEAR)).all(1).mean() > LOST:
            break
        best = np.minimum(limits, MOST_CLEAR)
    return best


def _line(fast: Matrix, whole: Matrix) -> list[float]:
    slope, bias = np.polyfit(fast, whole, 1)
    return [round(max(float(slope), 0.0), 5), round(float(bias), 5)]


def harmless_examples() -> list[str]:
    """Return the texts of `default.yaml` and `education.yaml` that their tests expect to pass, whole or with a word masked."""
    pattern = re.compile(r'(?:input|output): "((?:[^"\\]|\\.)*)", expect: \{action: (?:allow|redact)')
    files = [shipped_folder() / f"{name}.yaml" for name in ("default", "education")]
    return [text for path in files for text in pattern.findall(path.read_text("utf-8"))]


def write_manifest(folder: Path, held: Sequence[Row], natural: Sequence[str], tok: Tokenizer) -> None:
    slow, fast = evaluate.logits(folder, held, tok)
    documents = [text for kind in evaluate.documents(held, 4000).values() for text in kind]
    is_long = np.array([len(text) > TEXT_CHARACTERS for text in natural])
    long, ordinary, examples = (
        evaluate.windows(folder, texts, tok) for texts in (documents, natural, harmless_examples())
    )
    manifest = {
        "name": "text-safety",
        "version": VERSION,
        "files": {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in FILES},
        "heads": list(HEADS),
        "window": encoder.WINDOW,
        "prompt_tokens": encoder.PROMPT_TOKENS,
        "view": "folded",
        "languages": list(LANGUAGES),
        "scores": scores(held, slow, fast, long, ordinary, is_long, examples),
        "few_words": FEW_WORDS,
        "thresholds": {"text": TEXT, "text_characters": TEXT_CHARACTERS, "document": DOCUMENT},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", "utf-8")
