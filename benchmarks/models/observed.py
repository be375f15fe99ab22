"""The highest score that the shipped classifier gave to any text of labelled sets, by category.

    python benchmarks/models/observed.py --data DIR      # holds train/ and manifest.json; writes observed.json beside the model

Of each permissively licensed training set at most `MOST` texts that are labelled as some harm or attack are judged with both
tiers, the same ones in every run, replies beside their prompts. A threshold above what is written down fires hardly ever; it
is no bound, as the calibration has none below 1. `guardrails lint` reads the file (`threshold_unreachable`).
"""

from __future__ import annotations

import argparse
import json
import math
from collections import defaultdict
from pathlib import Path
from random import Random

from guardrails.authoring.rows import ContentRow, read_rows
from guardrails.detectors.classifier.classifier_config import ClassifierConfig
from guardrails.detectors.classifier.shipped_classifier import SHIPPED, ShippedClassifier
from guardrails.inference.safety.model import load_safety_model
from guardrails.types import Text

MOST = 120
BATCH = 32
NEUTRAL = ("benign", "spam", "pii", "secret", "privacy", "misinformation")


def harmful(row: ContentRow) -> bool:
    return any(positive for label, positive in row.labels.items() if label not in NEUTRAL)


def sets(data: Path) -> list[Path]:
    manifest = json.loads((data / "manifest.json").read_text())
    return sorted(
        path
        for path in (data / "train").glob("*.jsonl.gz")
        if manifest[path.name.removesuffix(".jsonl.gz")]["licence_class"] == "P"
        # Texts of applications are no kind that a sheet of texts knows.
        and path.name.removesuffix(".jsonl.gz") not in ("framework_prompts", "promptsource_filled")
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    folder = SHIPPED["text-safety"]
    model = load_safety_model(folder)
    detector = ShippedClassifier(
        "observed", model, model.heads, ClassifierConfig(use="classifier", effort="full")
    )
    highest: dict[str, float] = defaultdict(float)
    texts = 0
    names = []
    for path in sets(parser.parse_args().data):
        found = [row for row in read_rows(path) if isinstance(row.content, str) and harmful(row)]
        rows = Random(0).sample(found, min(MOST, len(found)))
        contents = [
            Text(row.content, context={"prompt": row.prompt} if row.stage == "output" else None)
            for row in rows
        ]
        for start in range(0, len(contents), BATCH):
            for detection in detector.detect(contents[start : start + BATCH]):
                for finding in detection.findings:
                    highest[finding.category] = max(highest[finding.category], finding.score)
        texts += len(rows)
        names += [path.name.removesuffix(".jsonl.gz")] * bool(rows)
        print(f"{path.name}: {len(rows)} texts", flush=True)
    told = {
        "model": model.name,
        "version": model.version,
        "texts": texts,
        "sets": names,
        "script": "benchmarks/models/observed.py",
        "highest": {name: math.floor(score * 1e4) / 1e4 for name, score in sorted(highest.items())},
    }
    (folder / "observed.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(told["highest"], indent=1))


if __name__ == "__main__":
    main()
