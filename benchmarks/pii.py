"""Personal data: precision, recall and F of both engines and of Presidio's own default, cost, and false findings.

    python benchmarks/pii.py --data DIR [--engine fast|names|presidio|stock] [--model FOLDER] [--set presidio_generated_large]

DIR holds public/presidio_generated_{small,large}.jsonl.gz. `stock` is presidio-analyzer's AnalyzerEngine with its default
recognizers over a blank spaCy pipeline, which is as far as it goes without the download of a model, at its default
threshold. `names` is `fast` with names, places and organizations by the shipped model; `--model` has another one do that.

The rows of `fast` were written and tuned looking at these sets: its figures are development figures. So is the choice of
`min_score` and `phone_regions` of `presidio`. What `names` adds was written, and its thresholds were chosen, on other texts: its
figures of names, places and organizations are those of a test, and its figures of addresses are of both.

A finding is right where it overlaps a span of its label. Each engine is judged on the kinds that it finds and that are
labelled, and on "common": those that all of them find. URL and DOMAIN_NAME are the same; DATE_TIME is also a date of birth
where "birth" or "born" stands within 40 characters before it. ADDRESS takes postal codes too: its spans are also single
house numbers, flats and towns.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import statistics
import sys
import sysconfig
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from guardrails.detectors import PolicyFolder
from guardrails.detectors.pii.pii_detector import ENTITIES, KIND, SHIPPED, PiiConfig
from guardrails.inference.entities.entity_model import load_entity_model
from guardrails.types import Text
from lexical_corpus import corpus
from measure import best, machine, table

LABELS = {
    "EMAIL_ADDRESS": "email",
    "CREDIT_CARD": "credit_card",
    "PHONE_NUMBER": "phone",
    "US_SSN": "us_ssn",
    "IBAN_CODE": "iban",
    "IP_ADDRESS": "ip_address",
    "US_DRIVER_LICENSE": "driving_licence",
    "DATE_TIME": "date_time",
    "ADDRESS": "street_address",
    "DOMAIN_NAME": "url",
    "PERSON": "person",
    "LOCATION": "location",
    "ORGANIZATION": "organization",
}
COMMON = ("credit_card", "driving_licence", "email", "iban", "ip_address", "phone", "us_ssn")
SETS = ("presidio_generated_small", "presidio_generated_large")
ENGINES = ("fast", "names", "presidio", "stock")
TITLES = {"mr.", "mrs.", "ms.", "dr.", "prof.", "miss"}
"""What is labelled as a person of its own in front of a name in some of the texts."""
LEAST = 0.2
"""The least score that is looked at."""
NAMED = ("person", "location", "organization")
Spans = list[tuple[str, int, int]]
Find = Callable[[str], Spans]


def records(data: Path, sets: Sequence[str] = SETS) -> list[dict[str, Any]]:
    """Read the sets; leave with the cure where they are missing."""
    rows = []
    for name in sets:
        path = data / "public" / f"{name}.jsonl.gz"
        if not path.is_file():
            sys.exit(f"{path} is missing: give the folder of the labelled texts by --data or GUARDRAILS_DATA")
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            rows += [json.loads(line) for line in lines]
    return rows


def gold(record: dict[str, Any]) -> Spans:
    """The labelled spans under our names."""
    spans: Spans = []
    for span in record.get("spans", ()):
        entity, start = LABELS.get(span["type"]), span["start"]
        if entity is not None:
            spans.append((entity, start, span["end"]))
        before = record["text"][max(0, start - 40) : start].lower()
        if entity == "date_time" and ("birth" in before or "born" in before):
            spans.append(("date_of_birth", start, span["end"]))
    return spans


@cache
def engine(name: str, model: str | None = None) -> tuple[Find, frozenset[str]]:
    """Return an engine as a function of a text, and the labelled kinds that it finds."""
    if name == "stock":
        return stock()
    fields: dict[str, object] = {"use": "pii", "engine": name if name == "presidio" else "fast"}
    if name == "names":
        fields["entities"] = [*ENTITIES, *NAMED]
    folder = Path(model or ".")
    if model is not None:
        fields["ner"] = {"model": folder.name}
    config = PiiConfig.model_validate(fields)
    detector = KIND.build("pii", config, PolicyFolder(folder.resolve().parent))

    def find(text: str) -> Spans:
        return [
            (each.category.removeprefix("pii.").replace("postal_code", "street_address"), *each.span)
            for each in detector.detect([Text(text)])[0].findings
        ]

    offered = {name.removeprefix("pii.") for name in KIND.categories("pii", config)}
    # Telling a postal code is not telling an address.
    return find, frozenset(offered & {*LABELS.values(), "date_of_birth"})


def stock() -> tuple[Find, frozenset[str]]:
    """Presidio as it comes, with what it needs instead of a model; its e-mail recognizer is kept from the network."""
    import spacy
    import tldextract
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import SpacyNlpEngine

    class Blank(SpacyNlpEngine):
        def load(self) -> None:
            self.nlp = {"en": spacy.blank("en")}

    tldextract.extract = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
    analyzer = AnalyzerEngine(nlp_engine=Blank())
    names = {theirs: ours for theirs, ours in LABELS.items() if theirs != "DOMAIN_NAME"} | {"URL": "url"}

    def find(text: str) -> Spans:
        return [
            (names.get(each.entity_type, each.entity_type.lower()), each.start, each.end)
            for each in analyzer.analyze(text, "en")
        ]

    needs_a_model = {"PERSON", "LOCATION", "ORGANIZATION"}
    offered = {names.get(each, "") for each in analyzer.get_supported_entities() if each not in needs_a_model}
    return find, frozenset(offered & {*LABELS.values()})


def overlaps(one: tuple[str, int, int], others: Spans) -> bool:
    return any(one[0] == name and one[1] < end and start < one[2] for name, start, end in others)


def scores(
    rows: Sequence[dict[str, Any]], name: str, model: str | None, show: str | None
) -> list[dict[str, object]]:
    """Precision, recall and F of an engine for each labelled kind that it finds, and for the common ones."""
    right: Counter[str] = Counter()
    found: Counter[str] = Counter()
    hit: Counter[str] = Counter()
    wanted: Counter[str] = Counter()
    find, offered = engine(name, model)
    for record in rows:
        expected = gold(record)
        ours = find(record["text"])
        for span in ours:
            found[span[0]] += 1
            right[span[0]] += overlaps(span, expected)
            if show == span[0] and not overlaps(span, expected):
                _show("wrong: ", record["text"], span)
        for span in expected:
            wanted[span[0]] += 1
            hit[span[0]] += overlaps(span, ours)
            if show == span[0] and not overlaps(span, ours):
                _show("missed:", record["text"], span)
    groups = [*((each, [each]) for each in sorted(offered)), ("common", list(COMMON))]
    return [
        {"engine": name}
        | _row(group, *(sum(count[each] for each in kinds) for count in (right, found, hit, wanted)))
        for group, kinds in groups
    ]


def confusions(rows: Sequence[dict[str, Any]], name: str, model: str | None) -> list[dict[str, object]]:
    """What the findings of names, places and organizations are of: which are right, and what is labelled where they are not."""
    find, _ = engine(name, model)
    counts: dict[str, Counter[str]] = {each: Counter() for each in NAMED}
    for record in rows:
        expected = gold(record)
        for kind, start, end in find(record["text"]):
            if kind in counts:
                there = {label for label, begin, stop in expected if start < stop and begin < end}
                counts[kind]["right" if kind in there else min(there, default="nothing")] += 1
    return [
        {"engine": name, "found as": kind}
        | {"labelled": ", ".join(f"{of} {n}" for of, n in seen.most_common())}
        for kind, seen in counts.items()
    ]


def thresholds(rows: Sequence[dict[str, Any]]) -> list[dict[str, object]]:
    """Precision and recall of people by the score from which on a finding counts, and recall of those that are no title alone."""
    fields = {"use": "pii", "entities": ["person"], "ner": {"min_score": LEAST}}
    detector = KIND.build("pii", PiiConfig.model_validate(fields), PolicyFolder(Path()))
    found = [detector.detect([Text(record["text"])])[0].findings for record in rows]
    lines = []
    for least in (LEAST, 0.3, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9):
        counts = Counter[str]()
        for record, findings in zip(rows, found, strict=True):
            labelled = [span for span in gold(record) if span[0] == "person"]
            ours = [("person", *each.span) for each in findings if each.score >= least]
            counts["found"] += len(ours)
            counts["right"] += sum(overlaps(span, labelled) for span in ours)
            for span in labelled:
                kind = "title" if record["text"][span[1] : span[2]].lower() in TITLES else "name"
                counts[kind] += 1
                counts[f"{kind} hit"] += overlaps(span, ours)
        hit, wanted = (counts[f"name{of}"] + counts[f"title{of}"] for of in (" hit", ""))
        line = {"min_score": f"{least:.2f}"} | _row("person", counts["right"], counts["found"], hit, wanted)
        line["titles"] = counts["title"]
        line["recall without"] = f"{counts['name hit'] / (counts['name'] or 1):.3f}"
        lines.append(line)
    return lines


def _show(what: str, text: str, span: tuple[str, int, int]) -> None:
    print(what, text[max(0, span[1] - 30) : span[1]], "|", text[span[1] : span[2]])


def _row(name: str, right: int, found: int, hit: int, wanted: int) -> dict[str, object]:
    precision, recall = right / (found or 1), hit / (wanted or 1)
    harmonic = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    shown = {"precision": precision, "recall": recall, "F": harmonic}
    return {"entity": name, "labelled": wanted, "found": found} | {
        key: f"{at:.3f}" for key, at in shown.items()
    }


def clean_texts() -> list[str]:
    """One megabyte of text without personal data: the corpus's words, with numbers of everyday kinds between them."""
    job = corpus(1, 260)
    rng = random.Random(5)
    kinds = (
        "{0}.{1}.{2}",
        "v{0}.{1}",
        "${0},{1}99.00",
        "20{0}-0{2}-1{1}",
        "1{1}:3{2}:05",
        "#{0}{1}{0}{2}",
        "{0}{1}%",
        "{0} {1}",
    )
    texts = []
    for text in (*job.ascii, *job.unicode):
        words = text.split(" ")
        for at in range(0, len(words), 25):
            words[at] = rng.choice(kinds).format(rng.randint(10, 29), rng.randint(1, 9), rng.randint(1, 9))
        texts.append(" ".join(words))
    return texts


def in_code() -> str:
    """Findings of `fast` in the modules of the standard library, of all its kinds, as a line."""
    root = Path(sysconfig.get_path("stdlib"))
    files = [path for path in sorted(root.rglob("*.py")) if not {"site-packages", "test"} & {*path.parts}]
    texts = [path.read_text("utf-8", "replace") for path in files]
    find, _ = engine("fast")
    found = Counter(span[0] for text in texts for span in find(text))
    size = sum(len(text.encode()) for text in texts) / 1e6
    kinds = ", ".join(f"{kind} {count}" for kind, count in found.most_common(6))
    return f"fast in {size:.1f} MB of source code: {found.total() / size:.1f} findings per MB ({kinds})"


def cost(find: Find, texts: Sequence[str], repeats: int) -> float:
    """Microseconds for 1,000 characters, over the texts."""
    return best(find, texts, repeats) * 1_000 / statistics.median(map(len, texts))


def forgetful(find: Find) -> Find:
    """Return an engine that remembers nothing of the texts before: the shipped model keeps what it said last."""
    model = load_entity_model(SHIPPED["pii-names"])

    def find_anew(text: str) -> Spans:
        model._memory = type(model._memory)(1)
        return find(text)

    return find_anew


def costs(rows: Sequence[dict[str, Any]], names: Sequence[str], model: str | None) -> list[dict[str, object]]:
    """Microseconds for 1,000 characters of each engine on texts of several kinds, and its false findings."""
    job, clean = corpus(1, 200), clean_texts()
    longer = [row["text"] for row in rows if len(row["text"]) > 120]
    lines: list[dict[str, object]] = []
    for name in names:
        find, _ = engine(name, model if name == "ner" else None)
        find = forgetful(find) if name == "names" else find
        few, repeats = (None, 3) if name == "fast" else (20, 1)
        of = {
            "ASCII": job.ascii,
            "other scripts": job.unicode,
            "with numbers": clean[:200],
            "these sets": longer,
        }
        line: dict[str, object] = {"engine": name}
        line |= {f"us, {kind}": cost(find, texts[:few], repeats) for kind, texts in of.items()}
        counted = {*LABELS.values()} - {"date_time"}  # of which there are some in the clean texts
        some = clean[: None if name == "fast" else 100]
        false = Counter(span[0] for text in some for span in find(text) if span[0] in counted)
        line["false findings"] = sum(false.values())
        line["in bytes"] = sum(len(text.encode()) for text in some)
        line["most"] = ", ".join(f"{kind} {count}" for kind, count in false.most_common(3))
        lines.append(line)
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the machine, the tables of scores, the costs, and the false findings."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--data", default=os.environ.get("GUARDRAILS_DATA"), help="folder of the labelled texts"
    )
    parser.add_argument("--engine", choices=ENGINES, help="one engine alone")
    parser.add_argument(
        "--model", help="folder of a token-classification model, to run beside 'fast' as 'ner'"
    )
    parser.add_argument("--set", choices=SETS, help="one set alone")
    parser.add_argument("--show", help="print what is wrong or missed of this entity")
    given = parser.parse_args(arguments)
    if given.data is None:
        parser.error("give the folder of the labelled texts by --data or the environment's GUARDRAILS_DATA")
    rows = records(Path(given.data), [given.set] if given.set else SETS)
    names = [given.engine] if given.engine else [*ENGINES, *(["ner"] if given.model else [])]
    print(machine())
    for name in names:
        print(table(scores(rows, name, given.model if name == "ner" else None, given.show)), end="\n\n")
        if name == "names":
            print(table(thresholds(rows)), end="\n\n")
        if name in ("names", "ner"):
            print(table(confusions(rows, name, given.model if name == "ner" else None)), end="\n\n")
    print(table(costs(rows, names, given.model)))
    if "fast" in names:
        print(in_code())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
