"""The model card: the model folder and the data go in, `CARD.md` comes out, every figure measured anew.

    python benchmarks/models/card.py --data DIR --model guardrails/models/text_safety > guardrails/models/text_safety/CARD.md

`card_head.md` is the prose; the tables are measured here: licences and counts, recall and false positives per head and
threshold on the held-out sources and documents, by language, by identity group (HateCheck, read for this table only),
and what the fast tier decides alone.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import data
import encoder
import evaluate
import numpy as np
from calibrate import GROUPS, LANGUAGES, TEXT
from evaluate import LEVELS, Matrix
from rows import HEADS, OURS, PROMPT, Row

from guardrails.inference.safety.scores import HeadCalibration

DISTRESS = 0.4
"""From which score of `self_harm.intent` on the shipped policies answer a person in distress."""
Scores = dict[str, dict[str, Any]]


def table(names: Sequence[str], rows: Iterator[Sequence[object]]) -> str:
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    return "\n".join([*lines, *("| " + " | ".join(map(str, row)) + " |" for row in rows)])


def percent(hits: Matrix) -> str:
    return f"{100 * hits.mean():.1f}" if len(hits) else "-"


def licences(rows: Sequence[Row], folder: Path) -> str:
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    found: dict[tuple[str, bool], int] = Counter(
        ("written for this model" if row.source.startswith(OURS) else row.source, row.held) for row in rows
    )
    return table(
        ("source", "licence", "windows", "use"),
        (
            (
                name,
                manifest[name]["licence"] if name in manifest else "Apache-2.0 (this project)",
                count,
                "calibration" if held else "training",
            )
            for (name, held), count in sorted(found.items())
        ),
    )


def heads(held: Sequence[Row], score: Matrix) -> str:
    calm = set(evaluate.benign(held))

    def lines() -> Iterator[Sequence[object]]:
        for at, head in enumerate(HEADS):
            positive = [i for i, row in enumerate(held) if row.labels.get(head) == 1]
            negative = [i for i, row in enumerate(held) if i in calm and head in row.labels]
            levels = (
                f"{percent(score[positive, at] >= t)} / {percent(score[negative, at] >= t)}" for t in LEVELS
            )
            yield head, len(positive), len(negative), *levels

    return table(("head", "positive", "benign", *(f"≥ {t}" for t in LEVELS)), lines())


def documents(folder: Path, scores: Scores, held: Sequence[Row]) -> str:
    def lines() -> Iterator[Sequence[object]]:
        for tokens, each in ((1000, 120), (4000, 120), (16000, 20)):
            for kind, texts in evaluate.documents(held, tokens, each).items():
                tops = evaluate.maxima(folder, scores, texts)
                prompt = [HEADS.index(head) for head in PROMPT]
                for name, chosen in (("any head", prompt), ("injection", [HEADS.index("injection")])):
                    levels = (percent((tops[:, chosen] >= t).any(1)) for t in LEVELS)
                    yield f"{kind}, {tokens} tokens", len(texts), name, *levels

    return table(("documents", "number", "found by", *(f"≥ {t}" for t in LEVELS)), lines())


def sources(held: Sequence[Row], score: Matrix, limit: float) -> str:
    """False positives and recall per held-out source, any head."""
    by: dict[str, list[int]] = defaultdict(list)
    for index, row in enumerate(held):
        by[row.source].append(index)

    def lines() -> Iterator[Sequence[object]]:
        for source, chosen in sorted(by.items()):
            hits = (score[chosen] >= limit).any(1)
            harm = np.array([any(held[index].labels.values()) for index in chosen])
            yield source, len(chosen), percent(hits[harm]), percent(hits[~harm])

    return table(("held-out source", "texts", "found of the harmful %", "found of the harmless %"), lines())


def tiers(scores: Scores, held: Sequence[Row], fast: Matrix, score: Matrix) -> str:
    quick = evaluate.quick(scores, fast)
    calibration = HeadCalibration(HEADS, scores)
    clear, settled = calibration.is_clear(quick, 1.0), calibration.is_settled(quick)

    def lines() -> Iterator[Sequence[object]]:
        calm = evaluate.benign(held)
        ordinary = [i for i in calm if held[i].source in ("self_instruct", "oasst_sample", "jigsaw_small")]
        for at, head in enumerate(HEADS):
            true = np.array([row.labels.get(head) == 1 for row in held]) & (score[:, at] >= TEXT)
            yield (
                head,
                round(scores[head]["clear"], 4),
                round(scores[head]["sure"], 4),
                percent(settled[ordinary, at]),
                percent(clear[true, at]),
            )
        for name, group in (
            ("all harms", GROUPS[0]),
            ("attacks", GROUPS[1]),
            ("all of a prompt", GROUPS[0] + GROUPS[1]),
        ):
            chosen = [HEADS.index(head) for head in group]
            harm = np.array([any(row.labels.get(head) == 1 for head in group) for row in held])
            true = harm & (score[:, chosen] >= TEXT).any(1)
            lost = clear[np.ix_(true, chosen)].all(1)
            yield name, "", "", percent(settled[np.ix_(ordinary, chosen)].all(1)), percent(lost)

    return table(("head", "clear", "sure", "ordinary texts decided %", "positives lost %"), lines())


def languages(
    folder: Path, where: Path, scores: Scores, held: Sequence[Row], score: Matrix, limit: float
) -> str:
    """Recall and false alarms of each validated language: held-out rows, and natural texts that calibrated nothing."""
    natural = data.natural(where, half=1)
    intent = HEADS.index("self_harm.intent")

    def lines() -> Iterator[Sequence[object]]:
        for language in LANGUAGES:
            mine = [index for index, row in enumerate(held) if row.lang == language]
            found = (score[mine] >= limit).any(1)
            harm = np.array([any(held[index].labels.values()) for index in mine], dtype=bool)
            distress = [index for index in mine if held[index].labels.get("self_harm.intent") == 1]
            texts = natural.get(language, [])
            tops = evaluate.maxima(folder, scores, texts) if texts else np.zeros((0, len(HEADS)))
            calm = tops[:, [HEADS.index(head) for group in GROUPS[:2] for head in group]]
            yield (
                language,
                *(int(harm.sum()), percent(found[harm]), int((~harm).sum()), percent(found[~harm])),
                *(len(distress), percent(score[distress, intent] >= DISTRESS)),
                *(len(calm), percent((calm >= limit).any(1))),
            )

    names = (
        *("language", "harmful", "found %", "harmless, hard ones too", "found %", "in distress", "heard %"),
        *("natural", "found %"),
    )
    return table(names, lines())


def outside(folder: Path, where: Path, scores: Scores, limit: float) -> Iterator[str]:
    """Languages (MultiJail, all harmful) and identity groups (HateCheck): read for these tables only."""
    tok = encoder.tokenizer(folder)
    records = list(data.read(where / "public" / "multijail.jsonl.gz"))
    score = evaluate.combined(
        scores, *evaluate.logits(folder, [Row(r["text"], "", "prompt") for r in records], tok)
    )
    hits = (score >= limit).any(1)
    langs = sorted({record["lang"] for record in records})
    yield table(
        ("language", "harmful prompts", "found %"),
        (
            (lang, len(mine), percent(hits[mine]))
            for lang in langs
            for mine in [[i for i, record in enumerate(records) if record["lang"] == lang]]
        ),
    )
    records = list(data.read(where / "public" / "hatecheck.jsonl.gz"))
    at = HEADS.index("hate")
    score = evaluate.combined(
        scores, *evaluate.logits(folder, [Row(r["text"], "", "comment") for r in records], tok)
    )
    found = score[:, at] >= limit
    hateful = np.array([record["labels"]["hate"] == 1 for record in records])
    target = np.array([record["meta"].get("target") or "none" for record in records])
    yield table(
        ("group named", "texts", "hateful found %", "harmless found %"),
        (
            (
                name,
                int((target == name).sum()),
                percent(found[(target == name) & hateful]),
                percent(found[(target == name) & ~hateful]),
            )
            for name in sorted(set(target))
        ),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    args = parser.parse_args()
    manifest = json.loads((args.model / "manifest.json").read_text("utf-8"))
    scores, limit = manifest["scores"], manifest["thresholds"]["text"]
    rows = data.load(args.data)
    held = data.held_out(rows, args.data)
    slow, fast = evaluate.logits(args.model, held, encoder.tokenizer(args.model))
    score = evaluate.combined(scores, slow, fast)
    multijail, groups = outside(args.model, args.data, scores, limit)
    parts = {
        "VERSION": manifest["version"],
        "LICENCES": licences(rows, args.data),
        "HEADS": heads(held, score),
        "SOURCES": sources(held, score, limit),
        "DOCUMENTS": documents(args.model, scores, held),
        "TIERS": tiers(scores, held, fast, score),
        "LANGUAGES": languages(args.model, args.data, scores, held, score, limit),
        "MULTIJAIL": multijail,
        "GROUPS": groups,
    }
    text = (Path(__file__).parent / "card_head.md").read_text("utf-8")
    for name, part in parts.items():
        text = text.replace(f"@{name}@", part)
    print(text, end="")


if __name__ == "__main__":
    main()
