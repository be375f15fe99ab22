"""Runs the rivals' scripts: a corpus goes in, one row per rival comes out.

    python benchmarks/rivals/harness.py [--scale 10] [--texts 200] [--only nemoguardrails]

Each script runs in its rival's own environment, one after the other, with no network and no telemetry.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parents[1]
if str(BENCHMARKS) not in sys.path:  # run as a script, by path
    sys.path.insert(0, str(BENCHMARKS))

from lexical_corpus import Corpus, corpus  # noqa: E402
from measure import machine, table  # noqa: E402
from rivals.environments import REQUIREMENTS, python_of, quiet_environment  # noqa: E402

SCRIPTS = {
    "llm-guard": "rivals.llm_guard_lexical",
    "openai-guardrails": "rivals.openai_guardrails_lexical",
    "nemoguardrails": "rivals.nemo_lexical",
    "guardrails-ai": "rivals.guardrails_ai_lexical",
}
assert SCRIPTS.keys() <= REQUIREMENTS.keys()


@dataclass(frozen=True, slots=True)
class Row:
    """One way of one rival. `best`: the way that speaks for it; `us_*` None where it did not finish."""

    rival: str
    version: str
    job: str
    us_ascii: float | None = None
    us_unicode: float | None = None
    texts: int = 0
    caught_phrases: str = ""
    caught_patterns: str = ""
    correct: bool = False
    words: bool = False
    best: bool = False
    notes: list[str] = field(default_factory=list)


def message(job: Corpus, seconds: float) -> str:
    """The job as JSON, with the plants that tell whether a rival really did it."""
    by_length = {len(phrase.split()): phrase for phrase in job.phrases}
    wanted = [job.phrases[0], job.phrases[-1], *by_length.values()]
    phrases = [form for phrase in dict.fromkeys(wanted) for form in (phrase, phrase.title(), f"({phrase}).")]
    samples = [*job.samples[:8], *job.samples[-8:]]
    return json.dumps(
        {
            "phrases": job.phrases,
            "patterns": job.patterns,
            "ascii": job.ascii,
            "unicode": job.unicode,
            "planted_phrases": [(phrase, job.plant(phrase)) for phrase in phrases],
            "planted_samples": [(sample, job.plant(sample)) for sample in samples],
            "inside": [job.plant(f"xx{phrase}xx") for phrase in by_length.values()],
            "seconds": seconds,
        }
    )


def measure_rival(rival: str, job: Corpus, seconds: float = 20.0, limit: float = 240.0) -> list[Row]:
    """A rival's rows, its best first; a row with notes and without numbers for what failed or ran over.

    Args:
        rival: a key of `SCRIPTS`.
        job: the corpus, the same for all.
        seconds: about how long to time each way; a slow one gets fewer texts, and says how many.
        limit: when to stop waiting, in seconds; the ways done by then count.
    """
    command = [str(python_of(rival)), "-W", "ignore", "-m", SCRIPTS[rival]]
    process = subprocess.Popen(
        command,
        cwd=BENCHMARKS,
        env=quiet_environment(rival),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    problem = ""
    try:
        output, errors = process.communicate(message(job, seconds), timeout=limit)
    except subprocess.TimeoutExpired:
        process.kill()
        output, errors = process.communicate()
        problem = f"stopped after {limit:.0f} s"
    if process.returncode and not problem:
        problem = (errors.strip().splitlines() or ["failed without a word"])[-1]
    lines = [json.loads(line) for line in output.splitlines() if line.startswith('{"rival"')]
    rows = sorted((Row(**line) for line in lines), key=rank)
    if rows:
        rows[0] = replace(rows[0], best=True)
    if problem:
        release = REQUIREMENTS[rival][0].partition("==")[2]
        rows.append(Row(rival, release, "another way did not finish" if rows else "failed", notes=[problem]))
    return rows


def rank(row: Row) -> tuple[bool, bool, float]:
    """Right before wrong, whole words before substrings, then the faster."""
    return not row.correct, not row.words, row.us_ascii or 0.0


def measure_rivals(job: Corpus, rivals: Sequence[str] = tuple(SCRIPTS), seconds: float = 20.0) -> list[Row]:
    """The rows of all rivals, one rival after the other."""
    return [row for rival in rivals for row in measure_rival(rival, job, seconds)]


def cells(row: Row) -> dict[str, object]:
    """A row for `measure.table`."""
    return {
        "": "*" if row.best else "",
        "package": f"{row.rival} {row.version}",
        "us ascii": row.us_ascii,
        "us unicode": row.us_unicode,
        "texts": row.texts,
        "phrases": row.caught_phrases,
        "patterns": row.caught_patterns,
        "correct": row.correct,
        "whole words": row.words,
        "job": row.job,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the machine, the table and the notes."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--scale", type=int, default=1)
    parser.add_argument("--texts", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--only", action="append", choices=list(SCRIPTS))
    given = parser.parse_args(arguments)
    job = corpus(given.scale, given.texts)
    print(machine())
    print(f"{len(job.phrases)} phrases, {len(job.patterns)} patterns, {len(job.ascii)} texts of each kind")
    rows = measure_rivals(job, given.only or tuple(SCRIPTS), given.seconds)
    print(table([cells(row) for row in rows]))
    for row in rows:
        for note in row.notes:
            print(f"{row.rival}: {row.job}: {note}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
