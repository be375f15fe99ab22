"""The language detector: how often it is right, by language and length, how often it errs, and what it costs.

    python benchmarks/language.py --data DIR               # DIR holds {public,train}/*.jsonl.gz
    python benchmarks/language.py --unchecked --data DIR   # DIR holds dev/*.jsonl.gz

`right` is the share whose language `identify_language` names, `und` the share where it names none, the rest is wrong. `false`:
the share with a finding by `allow: [own language]`; `found`: by `allow: [all other languages]`. `short` is the first words of
each text, up to 30 characters. `hidden`: a paragraph of the language inside three English ones, by `allow: [en]`; it is found
where a finding's span overlaps it and leaves most of the English alone.

`--unchecked` measures what a classifier that was validated on some languages (`--languages`) leaves `unchecked: language`
(`language_fit.py`). Texts are taken whole (up to 400 characters) and by their first words, up to 12, 20, 32 and 60 letters.
`wrong`: the share of texts in validated languages that are taken for foreign; `caught`: that of texts in other languages;
`unclear`: what is too short to tell, and judged all the same. English is also cut anywhere, and there are programs of this
machine, commands, logs, names and addresses (made by Faker, extra `test`). `message`: how often `choose_language` names the right
one of these languages, and how often a wrong one.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import language_fit
from guardrails.detectors import PolicyFolder
from guardrails.detectors.language.identification import identify_language
from guardrails.detectors.language.language_detector import KIND, LanguageConfig, LanguageDetector
from guardrails.detectors.language.scripts import NAMES, with_varieties
from guardrails.types import Detector, Text
from measure import best, machine, table

SETS = (
    "public/multijail",
    "public/cold_zh_test",
    "train/xsafety",
    "train/oasst_sample",
    "train/gretel_pii_ko",
)
MOST = 300
ENGLISH = (
    "We met at the station and walked along the river until it got dark.",
    "The report is due on Friday, so please send me your comments before then.",
    "Bread needs only flour, water, salt and time.",
)


def texts(data: Path) -> dict[str, list[str]]:
    """Read up to `MOST` texts of each set and language; leave with the cure where a set is missing."""
    found: dict[str, list[str]] = {}
    for name in SETS:
        path = data / f"{name}.jsonl.gz"
        if not path.is_file():
            sys.exit(f"{path} is missing: give the folder of the labelled texts by --data or GUARDRAILS_DATA")
        counts: dict[str, int] = {}
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                counts[row["lang"]] = counts.get(row["lang"], 0) + 1
                if counts[row["lang"]] <= MOST:
                    found.setdefault(row["lang"], []).append(row["text"][:2000])
    return {code: rows for code, rows in sorted(found.items()) if len(rows) >= 20}


def short(text: str) -> str:
    """The first words of a text, or of one without spaces the first characters."""
    return text[:30].rpartition(" ")[0] or text[:15]


def detector(**fields: object) -> Detector:
    """A detector of this configuration."""
    return KIND.build(
        "language", LanguageConfig.model_validate({"use": "language", **fields}), PolicyFolder(Path())
    )


def share(hits: Sequence[object]) -> str:
    """The share that is true, in percent."""
    return f"{100 * sum(map(bool, hits)) / (len(hits) or 1):.1f}"


def row(code: str, rows: Sequence[str]) -> dict[str, object]:
    """Every figure for one language."""
    own, others = detector(allow=[code]), detector(allow=sorted(NAMES.keys() - with_varieties([code])))
    brief = [short(text) for text in rows]
    shown: dict[str, object] = {"language": code, "texts": len(rows)}
    for label, each in (("", list(rows)), ("short ", brief)):
        named = [identify_language(text)[0] for text in each]
        shown[f"{label}right %"] = share([name == code for name in named])
        shown[f"{label}und %"] = share([name == "und" for name in named])
        shown[f"{label}false %"] = share([own.detect([Text(text)])[0].findings for text in each])
        shown[f"{label}found %"] = share([others.detect([Text(text)])[0].findings for text in each])
    shown["hidden %"] = "" if code == "en" else share([hidden(text) for text in rows[:100]])
    return shown


_english: list[Detector] = []


def hidden(text: str) -> bool:
    """Whether the text is found between English paragraphs, and little else is."""
    if not _english:
        _english.append(detector(allow=["en"]))
    paragraph = " ".join(text[:300].split())
    whole = "\n\n".join((ENGLISH[0], ENGLISH[1], paragraph, ENGLISH[2]))
    start = whole.index(paragraph)
    spans = [each.span for each in _english[0].detect([Text(whole)])[0].findings if each.span]
    inside = any(first < start + len(paragraph) and start < last for first, last in spans)
    outside = sum(max(0, start - first) + max(0, last - start - len(paragraph)) for first, last in spans)
    return inside and outside < 50


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the machine, the table by language, and the cost."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--data", default=os.environ.get("GUARDRAILS_DATA"), help="folder of the labelled texts"
    )
    parser.add_argument("--unchecked", action="store_true", help="measure what is left unchecked: language")
    parser.add_argument(
        "--languages", default=language_fit.LANGUAGES, help="those that a model is validated on"
    )
    given = parser.parse_args(arguments)
    if given.data is None:
        parser.error("give the folder of the labelled texts by --data or the environment's GUARDRAILS_DATA")
    if given.unchecked:
        print(machine())
        print(language_fit.report(Path(given.data), frozenset(given.languages.split(","))))
        return 0
    found = texts(Path(given.data))
    print(machine())
    print(table([row(code, rows) for code, rows in found.items()]))
    judge = detector(allow=["en"])
    assert isinstance(judge, LanguageDetector)
    for label, text in (("English", " ".join(ENGLISH * 12)), ("Chinese", "".join(found["zh"])[:2000])):
        contents = [[Text(f"{at} {text}")] for at in range(20)]
        print(f"us per 1,000 characters, {label}: {best(judge.detect, contents, 3) * 1000 / len(text):.0f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
