"""Scores from logits: fitted on held-out texts, written to the model's `manifest.json`.

All heads are on one scale, so that a policy needs no table of thresholds: at `TEXT` (0.8) at most a budget of the harmless
held-out texts, hard ones among them, are found by any head of those that share a budget (`SHARING`), and at most another one
of natural texts (half of those in `dev/`: `data.natural`): of English ones, of those in all other validated languages, and of
each kind and each language by itself, where chance is allowed for (`allowed`); at `DOCUMENT`
(0.95) at most `DOCUMENT_BUDGET` of harmless documents of 4k tokens; the heads share it so that most harm is found. A score is
sigmoid(w_e * encoder + w_h * hashed + bias): the direction is a logistic regression's with weights not below 0, the scale goes
through those two points (within `STEEP`, so that a head which no document comes near keeps to the scale of the others).

The fast tier's score is the line that comes nearest to the whole model's. Its band: a text is left to the fast tier where all
heads that are asked for are below `clear` (or above `sure`, where at most 0.03 % of the negatives stand), or all heads below
`calm`. Of the texts that the whole model finds by any head of a group that is mostly asked for together (`GROUPS`), at most
1 % are settled by either (`fast_tier.py`).
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import encoder
import evaluate
import fast_tier
import numpy as np
from rows import HEADS, Row
from scipy.stats import binom
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from tokenizers import Tokenizer

FILES = ("encoder.onnx", "tokenizer.json", "hashed.npz")
VERSION = "1.1.0"
LANGUAGES = ("en", "de", "es", "fr", "it", "pt", "tr", "ru", "ar", "hi", "zh", "ja", "ko")
"""The validated ones: of each there are some hundred harmful and harmless texts to train on, and as many natural ones to try."""
FEW_WORDS = {"words": 4, "agreement": 0.68, "doubted": 0.6}
"""Both tiers must find what is found in so few words: `Kissing`, `strip mall`, `Which model is GPT?`."""
WRONG = 0.0003
TEXT, DOCUMENT = 0.8, 0.95
TEXT_CHARACTERS = 1_500
"""What is longer is a document: each window more is one more chance of a false alarm."""
DOCUMENT_BUDGET = 0.02
GROUPS = (
    HEADS[:11],
    ("jailbreak", "injection"),
    ("unsafe_reply",),
    ("privacy", "misinformation", "intellectual_property"),
)
"""Heads that a policy mostly asks for together."""
HARMS = HEADS[:11]
SHARING = (HEADS[:10], ("unsafe",), *GROUPS[1:])
"""Heads that share a budget. `unsafe` has its own: it is the one that refuses by itself, and in a budget that ten more draw on
it found a third less.
"""
TEXT_BUDGETS = (0.025, 0.03, 0.015, 0.015, 0.015)
"""Of each of these."""
NATURAL_BUDGETS = (0.005, 0.005, 0.003, 1.0, 0.003)
"""The same for natural texts of each kind and language, all windows of each, among which there are no replies."""
KINDS = {
    "framework_prompts": (0.006, 0.006, 0.004, 1.0, 0.008),
    "prism": (0.012, 0.012, 0.004, 1.0, 0.01),
    "wiki_talk": (0.012, 0.012, 0.004, 1.0, 0.01),
    "hh_online": (0.012, 0.012, 0.004, 1.0, 0.01),
    "english": (0.0015, 0.0015, 0.001, 1.0, 0.0007),
    "multilingual": (0.002, 0.003, 0.0015, 1.0, 0.001),
} | dict.fromkeys(LANGUAGES[1:], (0.015, 0.015, 0.005, 1.0, 0.008))
"""What is natural but seldom (touchy subjects, quarrels, instructions of applications), and all of English but these and all
other languages together.
"""
SELDOM = ("framework_prompts", "prism", "wiki_talk", "hh_online")
STACKED, NATURAL_WEIGHT, DISTRESS_WEIGHT = ("english", "multilingual", *SELDOM), 8.0, 1.0
"""Natural texts that the sum `unsafe` is fitted on, what they weigh together, and what people in distress do, beside all held-out
harm, which weighs 1, as harmless rows do. Natural weights between 3 and 20 make little difference.
"""
CHANCE = 0.95
MOST_TURNS = 60
"""The shares that each head may begin with."""
REFUSED = 0.03
"""People in distress who are taken for asking how to do it."""
STEEP = (0.7, 2.5)
"""Logits of the scale for one of the regression, at least and at most."""
Matrix = np.ndarray
Windows = tuple[Matrix, Matrix, Matrix]
"""The tiers' logits of the windows of texts, and where each text ends."""


@dataclass(frozen=True, slots=True)
class Calm:
    """Harmless texts of a kind: the logits of their windows, and the budget of each group."""

    kind: str
    windows: Windows
    budgets: tuple[float, ...]
    is_long: bool = False


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


def stack(held: Sequence[Row], slow: Matrix, fast: Matrix, natural: Sequence[Calm]) -> tuple[Matrix, float]:
    """Return weights of all heads of both tiers [2 * heads], and a bias, whose sum is the head `unsafe`: any harm, told from
    what all heads say.

    A person in distress does no harm to others. What it is fitted on is held out, so that heads which are sure of what they
    learnt count no more than they are worth; natural texts are among it, as it is these that it must leave alone: without
    them it found 48 % of the harm at .2 % of these, with them 64 % (each measured on the half that it was not fitted on).
    """
    harmless = set(evaluate.benign(held))
    chosen = [
        index
        for index, row in enumerate(held)
        if row.kind != "reply" and (index in harmless or any(row.labels.get(head) for head in HARMS))
    ]
    harmful = np.array(
        [index not in harmless and not held[index].labels.get("self_harm.intent") for index in chosen]
    )
    calm = [np.hstack(each.windows[:2]) for each in natural if each.kind in STACKED]
    weight = by_source(
        [f"{held[index].source}:{value}" for index, value in zip(chosen, harmful, strict=True)]
    )
    heard = np.array([bool(held[index].labels.get("self_harm.intent")) for index in chosen])
    for part, share in ((harmful, 1.0), (~harmful & ~heard, 1.0), (heard, DISTRESS_WEIGHT)):
        weight[part] *= share / weight[part].sum()
    features = np.concatenate([np.hstack([slow, fast])[chosen], *calm])
    label = np.concatenate([harmful, np.zeros(len(features) - len(chosen), dtype=bool)])
    shares = [np.full(len(each), NATURAL_WEIGHT / len(calm) / len(each)) for each in calm]
    weight = np.concatenate([weight, *shares])
    spread = StandardScaler().fit(features)
    model = LogisticRegression(C=0.03, max_iter=2000)
    model.fit(spread.transform(features), label, weight * (len(weight) / weight.sum()))
    weights = model.coef_[0] / spread.scale_
    return weights.astype(np.float32), float(model.intercept_[0] - weights @ spread.mean_)


def by_source(sources: Sequence[str]) -> Matrix:
    """Return a weight for each row: a large source counts for more than a small one, but only by the root of its size."""
    sizes = Counter(sources)
    weight = np.array([sizes[source] ** -0.5 for source in sources])
    return weight * (len(weight) / weight.sum())


def direction(held: Sequence[Row], at: int, slow: Matrix, fast: Matrix) -> tuple[Matrix, Matrix, list[float]]:
    """Return which rows know a head, their labels, and the weights of both tiers with a bias.

    Both tiers of `unsafe` are parts of one sum already (`stack`).
    """
    head = HEADS[at]
    known = np.array([index for index, row in enumerate(held) if head in row.labels])
    label = np.array([held[index].labels[head] for index in known])
    groups = [f"{held[index].source}:{value}" for index, value in zip(known, label, strict=True)]
    weight = by_source(groups)
    if head == "unsafe":
        return known, label, [1.0, 1.0, 0.0]
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
        return all((rows > limits).any(1).sum() <= allowed(len(rows), budget) for rows, budget in calm)

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


def answered(held: Sequence[Row], raw: Matrix) -> float:
    """Return the raw score of asking for ways to harm oneself below which all but `REFUSED` of the people in distress are."""
    distress = [index for index, row in enumerate(held) if row.labels.get("self_harm.intent")]
    return float(np.quantile(raw[distress], 1 - REFUSED))


def allowed(number: int, budget: float) -> int:
    """Return how many of so many rows may be found: what a model that finds its budget in the long run stays within in
    `CHANCE` of such samples. Of a few hundred texts one or two more or less say nothing, and must not move a cut.
    """
    return int(binom.ppf(CHANCE, number, budget))


def above(tops: Sequence[Budgeted], at_text: Matrix) -> Matrix:
    """Return for each head a raw score, as far above its cut for texts as for the other heads, at which of each kind of
    documents at most its budget is found by any head; `tops` are their highest raw scores.
    """
    first, _ = tops[0]
    spread = np.maximum(first.std(0), 1e-6)
    for more in np.arange(0.0, 30.0, 0.02):
        if all(
            (rows > at_text + more * spread).any(1).sum() <= allowed(len(rows), budget)
            for rows, budget in tops
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


def tops(weights: Matrix, found: Windows) -> Matrix:
    """Return the highest raw scores of each text."""
    raw = weights[:, 0] * found[0] + weights[:, 1] * found[1] + weights[:, 2]
    return np.stack([part.max(0) for part in np.split(raw, found[2][:-1])])


def scores(
    held: Sequence[Row], slow: Matrix, fast: Matrix, long: Windows, natural: Sequence[Calm]
) -> dict[str, dict[str, Any]]:
    """Return the calibration of every head; `long` are documents, `natural` texts as they come."""
    fitted = [direction(held, at, slow, fast) for at in range(len(HEADS))]
    weights = np.array([each[2] for each in fitted])
    raw = weights[:, 0] * slow + weights[:, 1] * fast + weights[:, 2]
    documents = tops(weights, long)
    ordinary = [(tops(weights, calm.windows), calm.budgets) for calm in natural if not calm.is_long]
    lengthy = [(tops(weights, calm.windows), calm.budgets) for calm in natural if calm.is_long]
    fast_natural = np.concatenate([calm.windows[1] for calm in natural])
    out: dict[str, dict[str, Any]] = {}
    for group, (heads, budget) in enumerate(zip(SHARING, TEXT_BUDGETS, strict=True)):
        replies = heads == ("unsafe_reply",)
        mine = [index for index, row in enumerate(held) if (row.kind == "reply") == replies]
        calm = sorted(set(evaluate.benign(held)).intersection(mine))
        harm = [index for index in mine if any(held[index].labels.get(head) for head in heads)]
        columns = [HEADS.index(head) for head in heads]
        truth = np.array([[held[index].labels.get(head, 0) for head in heads] for index in harm])
        weight = by_source([held[index].source for index in harm])
        hard = raw[np.ix_(calm, columns)]
        kinds = [(rows[:, columns], budgets[group]) for rows, budgets in ordinary]
        at_text = cuts(((hard, budget), *kinds), raw[np.ix_(harm, columns)], truth, weight)
        if "self_harm.instructions" in heads:
            at = heads.index("self_harm.instructions")
            at_text[at] = max(at_text[at], answered(held, raw[:, columns[at]]))
        longer = [(rows[:, columns], budgets[group]) for rows, budgets in lengthy]
        at_document = above(((documents[:, columns], DOCUMENT_BUDGET), *longer), at_text)
        for head, at, *places in zip(heads, columns, at_text, at_document, strict=True):
            known, label, _ = fitted[at]
            both = scaled(weights[at].tolist(), *map(float, places))
            whole = both[0] * slow[known, at] + both[1] * fast[known, at] + both[2]
            alone = _line(fast[known, at], np.clip(whole, -8, 8))
            quick = evaluate.sigmoid(alone[0] * fast[known, at] + alone[1])
            calm_quick = evaluate.sigmoid(alone[0] * fast_natural[:, at] + alone[1])
            sure = max(float(np.quantile(each, 1 - WRONG)) for each in (quick[label == 0], calm_quick))
            out[head] = {"hashed": alone, "both": both, "sure": round(min(max(sure, 0.95), 0.9999), 4)}
    whole, quick = evaluate.combined(out, slow, fast), evaluate.quick(out, fast)
    for group_heads in GROUPS:
        columns = [HEADS.index(head) for head in group_heads]
        limits = fast_tier.clear(whole[:, columns], quick[:, columns], TEXT)
        for head, limit in zip(group_heads, limits, strict=True):
            out[head]["clear"] = float(f"{limit:.6g}")
    asked = [at for at, head in enumerate(HEADS) if head != "unsafe_reply"]
    together = [
        [asked.index(HEADS.index(head)) for head in heads] for heads in GROUPS if heads != ("unsafe_reply",)
    ]
    calm = evaluate.quick(out, fast_natural)[:, asked]
    for at, limit in zip(
        asked, fast_tier.calm(whole[:, asked], quick[:, asked], together, calm, TEXT), strict=True
    ):
        out[HEADS[at]]["calm"] = float(f"{limit:.6g}")
    return out


def _line(fast: Matrix, whole: Matrix) -> list[float]:
    slope, bias = np.polyfit(fast, whole, 1)
    return [round(max(float(slope), 0.0), 5), round(float(bias), 5)]


def calm_texts(folder: Path, natural: Mapping[str, Sequence[str]]) -> list[Calm]:
    """Return natural texts by kind, those in English and those in other languages also all together."""
    out = []
    known = {kind: texts for kind, texts in natural.items() if len(kind) > 2 or kind in LANGUAGES}
    others = [text for kind, texts in known.items() if kind in LANGUAGES[1:] for text in texts]
    english = [
        text for kind, texts in known.items() if kind not in (*LANGUAGES[1:], *SELDOM) for text in texts
    ]
    for kind, texts in (*known.items(), ("english", english), ("multilingual", others)):
        budgets = KINDS.get(kind, NATURAL_BUDGETS)
        parts = [
            (long, [each for each in texts if (len(each) > TEXT_CHARACTERS) == long])
            for long in (False, True)
        ]
        out += [Calm(kind, evaluate.windows(folder, mine), budgets, long) for long, mine in parts if mine]
    return out


def write_manifest(
    folder: Path, name: str, held: Sequence[Row], natural: Mapping[str, Sequence[str]], tok: Tokenizer
) -> None:
    """Calibrate the model whose files lie in a folder, and write its manifest beside them."""
    slow, fast = evaluate.logits(folder, held, tok)
    documents = [text for kind in evaluate.documents(held, 4000).values() for text in kind]
    long, calm = evaluate.windows(folder, documents), calm_texts(folder, natural)
    manifest = {
        "name": name,
        "version": VERSION,
        "files": {each: hashlib.sha256((folder / each).read_bytes()).hexdigest() for each in FILES},
        "heads": list(HEADS),
        "window": encoder.WINDOW,
        "prompt_tokens": encoder.PROMPT_TOKENS,
        "view": "scripts",
        "languages": list(LANGUAGES),
        "scores": scores(held, slow, fast, long, calm),
        "few_words": FEW_WORDS,
        "thresholds": {"text": TEXT, "text_characters": TEXT_CHARACTERS, "document": DOCUMENT},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", "utf-8")
