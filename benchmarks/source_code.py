"""The code detector: how much code it finds and names rightly, how often it takes prose for code, and what it costs.

    python benchmarks/source_code.py --data DIR    # DIR holds {public,train}/*.jsonl.gz

`files` are the modules of the Python that runs it (up to 20,000 characters each): the share of them with a finding, of their
characters in findings (the rest is mostly prose in docstrings), and of these characters called Python. `samples` is the
table of the tests. The sets are prose; xsafety, multijail, cold_zh and wiki_toxicity hold no code, in toxicchat and
bipia_test (a third of which is about code) findings are mostly right: `--show` prints them.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from guardrails.detectors import PolicyFolder
from guardrails.detectors.formats.code import KIND, CodeConfig, find_code_blocks
from guardrails.types import Text
from lexical_corpus import corpus
from measure import best, machine, table

SAMPLES = Path(__file__).parents[1] / "tests" / "detectors" / "formats" / "code_samples.json"
SETS = (
    "public/xstest", "public/notinject", "public/multijail", "public/wiki_toxicity_test", "public/cold_zh_test", "train/xsafety",
    "train/sms_spam", "public/toxicchat_test", "public/bipia_test",
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the machine, recall on code, findings in prose, and the cost."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--data", default=os.environ.get("GUARDRAILS_DATA"), help="folder of the labelled texts"
    )
    parser.add_argument("--show", action="store_true", help="print what is found in prose")
    given = parser.parse_args(arguments)
    if given.data is None:
        parser.error("give the folder of the labelled texts by --data or the environment's GUARDRAILS_DATA")
    detector = KIND.build("code", CodeConfig(use="code"), PolicyFolder(Path()))
    print(machine())
    files = [
        path.read_text("utf-8", "replace")[:20_000]
        for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    ]
    found = [[block for block in find_code_blocks(text) if block.score >= 0.5] for text in files]
    covered = sum(block.end - block.start for each in found for block in each)
    named = sum(block.end - block.start for each in found for block in each if block.language == "python")
    print(f"files: {len(files)}, with a finding {100 * sum(map(bool, found)) / len(files):.1f} %, ", end="")
    print(
        f"characters {100 * covered / sum(map(len, files)):.1f} %, called Python {100 * named / covered:.2f} %"
    )
    samples: dict[str, str] = json.loads(SAMPLES.read_text(encoding="utf-8"))
    right = [
        language
        for language, text in samples.items()
        if [block.language for block in find_code_blocks(text)] == [language]
    ]
    print(f"samples: {len(right)} of {len(samples)} are one block in their language")
    shown = []
    for name in SETS:
        path = Path(given.data) / f"{name}.jsonl.gz"
        if not path.is_file():
            sys.exit(f"{path} is missing: give the folder of the labelled texts by --data or GUARDRAILS_DATA")
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            texts = [json.loads(line)["text"][:8000] for line in lines]
        hits = [(text, each) for text in texts for each in detector.detect([Text(text)])[0].findings[:1]]
        shown.append(
            {
                "set": name,
                "texts": len(texts),
                "with code": len(hits),
                "%": f"{100 * len(hits) / len(texts):.2f}",
            }
        )
        if given.show:
            for text, each in hits:
                print(name, each.score, repr(text[slice(*(each.span or (0, 0)))][:120]))
    print(table(shown))
    prose = corpus(1, 60).ascii
    for label, some in (("prose", prose), ("code", files[:60])):
        size = sum(map(len, some)) / len(some)
        took = sum(best(detector.detect, [[Text(text)]], 2) for text in some) / len(some)
        print(f"us per 1,000 characters of {label}: {took * 1000 / size:.0f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
