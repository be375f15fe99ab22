"""How many windows of ordinary texts reach the larger model of a cascade, and what that costs over the shipped model alone.

    python benchmarks/cascade.py                       # texts made here, with text-safety-large: a minute or two
    python benchmarks/cascade.py --data DIR            # and the harmless texts of DIR/dev/natural_benign_*.jsonl.gz
    python benchmarks/cascade.py --larger FOLDER       # another larger model, by its folder
    python benchmarks/cascade.py --grey 0.2 0.98       # and how many windows other bounds would bring it, as often as wanted

For each kind of text: its windows; those that the encoder of the shipped model reads, as its fast tier is not sure; those that
have a grey score; and processor time over that without the larger model, which is measured apart within the same calls, so that
both are of one run. No text comes twice, and each is judged by itself. The status is 1 where all of them together cost more than
the aim.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from pydoc_data.topics import topics
from time import process_time
from typing import Any

import numpy as np

import ordinary
import ordinary_objects
from guardrails.detectors import PolicyFolder
from guardrails.detectors.classifier.head_table import AskedText, OpenWindows
from guardrails.detectors.classifier.shipped_classifier import KIND, ClassifierConfig, ShippedClassifier
from guardrails.types import Text
from measure import machine, table

AIM = 2.5
"""The most that ordinary texts may cost on average, for 1 without the larger model."""

TEXTS = 200
"""Texts of each kind that are read."""

Bounds = tuple[float, float]


@dataclass
class Count:
    """What was counted of some texts: processor times are in seconds."""

    texts: int = 0
    windows: int = 0
    encoder: int = 0
    larger: int = 0
    cpu_s: float = 0.0
    larger_cpu_s: float = 0.0

    @property
    def ratio(self) -> float:
        """The cost, for 1 without the larger model."""
        return self.cpu_s / max(self.cpu_s - self.larger_cpu_s, 1e-9)

    def add(self, other: Count) -> None:
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))


class Meter:
    """A cascade that counts what its models are asked."""

    def __init__(self, larger: Path | None, effort: str, bounds: Sequence[Bounds]) -> None:
        named = "text-safety-large" if larger is None else larger.name
        config = ClassifierConfig(use="classifier", effort=effort, escalate_to=named, windows=100_000)
        detector = KIND.build("safety", config, PolicyFolder(larger.parent if larger else Path()))
        assert isinstance(detector, ShippedClassifier)
        self.detector = detector
        self.count = Count()
        self.elsewhere = dict.fromkeys(bounds, 0)
        self._watch(detector)

    def _watch(self, detector: ShippedClassifier) -> None:
        read, escalation = detector._read, detector._escalation
        assert escalation is not None
        judge, is_first = escalation.judge, [True]

        def timed(*given: Any) -> Any:
            began = process_time()
            found = judge(*given)
            self.count.larger_cpu_s += process_time() - began
            return found

        def counted(asked: Any, scores: Any, select: Callable[..., Iterator[OpenWindows]], judge: Any) -> int:
            first, is_first[0] = is_first[0], not is_first[0]
            if not first:
                self._count_grey(asked, scores)

            def selected(each: AskedText, own: Any) -> Iterator[OpenWindows]:
                for opened in select(each, own):
                    if first:
                        self.count.encoder += len(opened.at)
                    else:
                        self.count.larger += len(opened.at)
                    yield opened

            return read(asked, scores, selected, judge if first else timed)

        detector._read = counted  # type: ignore[method-assign]

    def _count_grey(self, asked: Sequence[AskedText | None], scores: Sequence[Any]) -> None:
        for each, own in zip(asked, scores, strict=True):
            if each is None or own is None:
                continue
            self.count.windows += len(own)
            for low, high in self.elsewhere:
                for columns, _ in each.heads.groups:
                    grey = np.any((own >= low) & (own <= high) & columns, axis=1)
                    self.elsewhere[low, high] += int(grey.sum())

    def run(self, texts: Sequence[str]) -> Count:
        """Return what was counted of texts."""
        self.count = Count(texts=len(texts))
        for text in texts:
            began = process_time()
            self.detector.detect([Text(text)])
            self.count.cpu_s += process_time() - began
        return self.count


def made_here(rng: random.Random) -> Iterator[tuple[str, list[str]]]:
    """Yield kinds of ordinary texts, with their names."""
    paragraphs = [part for text in topics.values() for part in text.split("\n\n") if 80 < len(part) < 1_500]
    yield "paragraphs of documentation", rng.sample(paragraphs, TEXTS)
    yield "pages of documentation", sorted(topics.values(), key=len)[-40:-20]
    objects = [str(each) for each in ordinary_objects.objects()]
    yield "objects", rng.sample(objects, min(TEXTS, len(objects)))


def natural(data: Path, rng: random.Random) -> Iterator[tuple[str, list[str]]]:
    """Yield the harmless texts of a folder, by set."""
    sets: dict[str, list[str]] = {}
    for name, text in ordinary.natural(data):
        sets.setdefault(name, []).append(text)
    for name, texts in sets.items():
        yield name, rng.sample(texts, min(TEXTS, len(texts)))


def row(name: str, count: Count) -> dict[str, object]:
    """A line of the table."""
    windows = max(count.windows, 1)
    return {
        "texts": name,
        "number": count.texts,
        "windows": count.windows,
        "encoder %": f"{100 * count.encoder / windows:.1f}",
        "larger %": f"{100 * count.larger / windows:.1f}",
        "cost": f"{count.ratio:.2f}",
    }


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, help="folder of the labelled texts, for the natural ones")
    parser.add_argument("--larger", type=Path, help="folder of the larger model (default: text-safety-large)")
    parser.add_argument("--effort", choices=("auto", "full"), default="auto")
    parser.add_argument(
        "--grey",
        nargs=2,
        type=float,
        action="append",
        default=[],
        metavar=("LOW", "HIGH"),
        help="other bounds",
    )
    given = parser.parse_args(arguments)
    meter = Meter(given.larger, given.effort, [(low, high) for low, high in given.grey])
    rng = random.Random(5)
    kinds = [*made_here(rng), *([] if given.data is None else natural(given.data, rng))]
    every, rows = Count(), []
    meter.run(["Read once, so that nothing is measured that happens only once."])
    meter.elsewhere = dict.fromkeys(meter.elsewhere, 0)
    for name, texts in kinds:
        count = meter.run(texts)
        every.add(count)
        rows.append(row(name, count))
    print(machine(), f"effort {given.effort}", sep=", ")
    print(table([*rows, row("all", every)]))
    for (low, high), found in meter.elsewhere.items():
        print(f"grey from {low} to {high}: {100 * found / max(every.windows, 1):.1f} % of the windows")
    met = every.ratio <= AIM
    print(
        f"cost of all over the shipped model alone: {every.ratio:.2f}, aim {AIM}: {'met' if met else 'MISSED'}"
    )
    return 0 if met else 1


if __name__ == "__main__":
    raise SystemExit(main())
