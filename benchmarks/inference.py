"""The shipped model beside a bare ONNX session on the same weights: cold load, one text, many callers, the fast tier.

    python benchmarks/inference.py [--seconds 1.5] [--texts FILE.jsonl]

The bare session is what one would write by hand: the folded text, its tokens, one run on one thread (`intra_op_num_threads=1`,
no spinning); for throughput the best of some numbers of threads over one session. What the clock says depends on what else runs
on the machine; processor time of a text, and how often threads were switched for it, hardly do. Texts are prose of Python's own
documentation, in as many tokens as stated; each is new to every cache. Both sides are asked in turn, text by text, and
medians are shown, so that what else runs on the machine meets both. `--texts` adds a file with one `{"text": …}` a line to
the shares that the fast tier decides.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count, islice
from pathlib import Path
from pydoc_data.topics import topics
from time import perf_counter, process_time
from typing import Any

from guardrails import Guard
from guardrails.detectors.classifier.shipped_classifier import SHIPPED
from guardrails.inference.safety.folder import read_contents, read_manifest
from guardrails.inference.safety.session import OnnxSession, pad_rows
from guardrails.inference.safety.windows import BertTokenizer
from guardrails.processor.cores import count_cores
from guardrails.text import fold_text
from guardrails.types import Text
from measure import machine, table

FOLDER = SHIPPED["text-safety"]
CALLERS = 32
SIZES = (16, 32, 64, 128)
TEXTS = 60
ROUNDS = 4
POLICY = """
format: 1
name: benchmark
detectors:
  safety: {{use: classifier, model: text-safety, effort: {effort}}}
rules:
  - {{id: any, on: input, when: unsafe >= 0.999, then: flag}}
"""
COLD = """
from time import perf_counter
start = perf_counter()
import numpy, onnxruntime, tokenizers
from guardrails.detectors.classifier.shipped_classifier import SHIPPED
from guardrails.inference.safety.model import load_safety_model
imported = perf_counter()
model = load_safety_model(SHIPPED["text-safety"])
loaded = perf_counter()
from guardrails.detectors.language.identification import identify_language
identify_language("Loaded now, and not in a request.")
print(imported - start, loaded - imported, perf_counter() - loaded)
"""


class Bare:
    """The session by hand."""

    def __init__(self) -> None:
        files = read_contents(FOLDER, read_manifest(FOLDER))
        self.tokens = BertTokenizer(files["tokenizer.json"])
        self.session = OnnxSession(files["encoder.onnx"])

    def run(self, text: str) -> object:
        ids = self.tokens.ids(fold_text(text).text)
        return self.session.run(pad_rows([self.tokens.row(ids[:126])], self.tokens.pad))


def guard(effort: str) -> Guard:
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(POLICY.format(effort=effort))
        file.flush()
        return Guard.load(file.name)


def words() -> Iterator[str]:
    """Words of prose without end, each round another by a number, so that no text comes twice."""
    prose = " ".join(text for text in topics.values()).split()
    for turn in count():
        for at, word in enumerate(prose):
            yield word if at % 40 or not turn else f"{word}{turn}"


def sized(source: Iterator[str], tokens: BertTokenizer, size: int) -> Iterator[str]:
    """Texts of `size` tokens, the two at the ends included; one sentence, so that it is one window."""
    while True:
        text, length = "", 2
        while length < size:
            word = next(source).strip(".!?*`:")
            length += len(tokens.ids(word))
            text += f" {word}" if length <= size else ""
        yield text.strip()


def paired(sides: Sequence[Callable[[str], object]], texts: Sequence[str]) -> list[tuple[float, float]]:
    """Milliseconds of each side by the clock and of the processors: medians over the texts, each asked of all sides in turns,
    and the best of the rounds.
    """
    medians: list[list[tuple[float, float]]] = []
    for round_ in range(ROUNDS + 1):
        took: list[list[tuple[float, float]]] = [[] for _ in sides]
        for number, text in enumerate(texts):
            for turn in range(len(sides)):
                at = (number + turn) % len(sides)
                fresh = f"{text} {round_ * len(sides) + at}"
                start, used = perf_counter(), process_time()
                sides[at](fresh)
                took[at].append(((perf_counter() - start) * 1000, (process_time() - used) * 1000))
        medians.append([_medians(times) for times in took])
    return [
        (min(wall for wall, _ in values), min(cpu for _, cpu in values))
        for values in zip(*medians[1:], strict=True)
    ]


def _medians(times: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return statistics.median(wall for wall, _ in times), statistics.median(cpu for _, cpu in times)


def cold() -> None:
    runs = [
        [
            float(each)
            for each in subprocess.run(
                [sys.executable, "-c", COLD], capture_output=True, text=True, check=True
            ).stdout.split()
        ]
        for _ in range(5)
    ]
    imports, load, language = min(runs, key=sum)
    print("\nCold, a fresh process, best of 5 (s)")
    print(
        table(
            [
                {
                    "imports": f"{imports:.2f}",
                    "the model, warm": f"{load:.2f}",
                    "both": f"{imports + load:.2f}",
                    "language model": f"{language:.2f}",
                }
            ]
        )
    )


def latency(bare: Bare, source: Iterator[str]) -> None:
    full, auto = guard("full"), guard("auto")
    [detector] = (bound.detector for bound in full.pipeline.bounds())
    rows = []
    for size in SIZES:
        texts = list(islice(sized(source, bare.tokens, size - 2), TEXTS))
        sides = [bare.run, lambda text: detector.detect([Text(text)]), full.check, auto.check]
        found = dict(zip(("bare", "detector", "guard", "auto"), paired(sides, texts), strict=True))
        row: dict[str, object] = {"tokens": size}
        for name, (wall, cpu) in found.items():
            row |= {f"{name} ms": f"{wall:.2f}", f"cpu {name}": f"{cpu:.2f}"}
        for name in ("detector", "guard"):
            row[f"{name} / bare"] = f"{found[name][1] / found['bare'][1]:.2f}"
        rows.append(row)
    print(
        "\nOne text at a time, p50: both tiers always; `auto` asks the fast tier first. Ratios are of processor time"
    )
    print(table(rows))


def threads(ask: Callable[[str], object], callers: int, text: Callable[[], str], seconds: float) -> int:
    """Texts that so many threads get done."""
    end = perf_counter() + seconds

    def caller(_: int) -> int:
        done = 0
        while perf_counter() < end:
            ask(text())
            done += 1
        return done

    with ThreadPoolExecutor(callers) as pool:
        return sum(pool.map(caller, range(callers)))


def count_waits() -> int:
    """How often threads of this process have let a core go to wait for something."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw


def tasks(
    ask: Callable[[str], Awaitable[object]], callers: int, text: Callable[[], str], seconds: float
) -> int:
    """Texts that so many tasks of an event loop get done."""

    async def caller(end: float) -> int:
        done = 0
        while perf_counter() < end:
            await ask(text())
            done += 1
        return done

    async def every() -> int:
        end = perf_counter() + seconds
        return sum(await asyncio.gather(*(caller(end) for _ in range(callers))))

    return asyncio.run(every())


def throughput(bare: Bare, source: Iterator[str], seconds: float) -> None:
    full = guard("full")
    fresh = list(islice(sized(source, bare.tokens, 61), 1_000))
    numbers = count()  # which threads may share; no text comes twice

    def text() -> str:
        number = next(numbers)
        return f"{fresh[number % len(fresh)]} {number}"

    def run(way: Callable[..., int], ask: Callable[[str], Any], callers: int) -> tuple[float, float, float]:
        """Texts a second, processor time of a text in milliseconds, and how often threads waited for it."""
        start, used, waited = perf_counter(), process_time(), count_waits()
        done = way(ask, callers, text, seconds)
        spent = (process_time() - used) / done * 1000
        return done / (perf_counter() - start), spent, (count_waits() - waited) / done

    sides: dict[str, tuple[Callable[..., int], Callable[[str], Any], int]] = {
        f"bare, {callers} threads": (threads, bare.run, callers)
        for callers in sorted({1, count_cores(), 2 * count_cores()})
    }
    best_bare = [*sides]
    sides[f"guard.check, {CALLERS} threads"] = (threads, full.check, CALLERS)
    sides[f"guard.acheck, {CALLERS} tasks"] = (tasks, full.acheck, CALLERS)
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in sides}
    for _ in range(ROUNDS):
        for name, (way, ask, callers) in sides.items():
            found[name].append(run(way, ask, callers))
    rate = {name: max(value for value, _, _ in values) for name, values in found.items()}
    spent = {name: min(value for _, value, _ in values) for name, values in found.items()}
    waits = {name: min(value for _, _, value in values) for name, values in found.items()}
    best = max(rate[name] for name in best_bare)
    least = min(spent[name] for name in best_bare)
    print(
        f"\nMany callers, texts of 64 tokens, both tiers always, {count_cores()} cores, best of {ROUNDS} rounds"
    )
    print(
        table(
            [
                {
                    "what": name,
                    "texts/s": rate[name],
                    "of the best bare": f"{rate[name] / best:.2f}",
                    "processor ms/text": f"{spent[name]:.2f}",
                    "of the least bare": f"{least / spent[name]:.2f}",
                    "switches of threads/text": f"{waits[name]:.1f}",
                }
                for name in sides
            ]
        )
    )
    long = " ".join(fresh[:60])
    [bound] = full.pipeline.bounds()
    start, used = perf_counter(), process_time()
    bound.detector.detect([Text(long)])
    wall, cpu = (perf_counter() - start) * 1000, (process_time() - used) * 1000
    print(f"One text of {len(long)} characters: {wall:.0f} ms, {cpu:.0f} ms of the processors")


def fast(source: Iterator[str], bare: Bare, extra: Path | None) -> None:
    auto = guard("auto")
    [bound] = auto.pipeline.bounds()
    assert bound.at_once is not None
    corpora = {"prose of 32 tokens": list(islice(sized(source, bare.tokens, 30), 500))}
    if extra is not None:
        lines = extra.read_text(encoding="utf-8").splitlines()
        corpora[extra.name] = [json.loads(line)["text"] for line in lines[:2_000]]
    rows = []
    for name, texts in corpora.items():
        decided = [text for text in texts if bound.at_once([Text(text)]) is not None]
        rows.append(
            {
                "texts": name,
                "decided": f"{len(decided) / len(texts):.0%}",
                "guard.check ms": f"{paired([auto.check], decided)[0][0]:.2f}" if decided else None,
            }
        )
    print("\nWhat the fast tier decides alone, on the caller's thread (p50)")
    print(table(rows))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=1.5, help="of each round of throughput")
    parser.add_argument("--texts", type=Path, help="a JSONL file of ordinary texts")
    args = parser.parse_args()
    print(machine())
    bare, source = Bare(), words()
    cold()
    latency(bare, source)
    throughput(bare, source, args.seconds)
    fast(source, bare, args.texts)


if __name__ == "__main__":
    main()
