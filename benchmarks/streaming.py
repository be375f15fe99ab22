"""Streams side by side, in one run: what a chunk costs, how much is held, when the first character is shown, and what leaks.

    python benchmarks/streaming.py               # ours alone, under a minute
    python benchmarks/streaming.py --rivals      # and four rivals, each in an environment of its own (slow to make)

The lexical job: personal data and credentials are replaced, 2,002 terms and 100 patterns stop the reply; chunks of 4 characters.
The classifier: the shipped default policy. Ours is checked against the buffered verdict at every size. Everything is made up
(`streaming_job.py`); the attacks are those that a product on the market let through (`rivals/`). A rival's detectors are its own
where it has them, else the expressions that the job gives; what it does not find in a whole text either is marked.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict
from pathlib import Path
from time import process_time
from typing import Any
from unittest.mock import patch

import lexical_ours
import streaming_job as made
from guardrails import Guard
from guardrails.detectors.classifier.shipped_classifier import SHIPPED
from guardrails.engine.core.findings_cache import FindingsCache
from guardrails.inference.safety.session import Inputs, OnnxSession
from guardrails.inference.safety.windows import BertTokenizer
from guardrails.text import fold_text
from lexical_corpus import Corpus, corpus
from measure import machine, table
from rivals.stream_harness import SCRIPTS, Result, measure_all
from rivals.stream_job import measured, text_chunks
from rivals.stream_play import Show, Source, Stopped, Way

SIZES = (1_000, 10_000, 100_000, 1_000_000)
CONTEXT = 32
TOKEN_MS = 20
LEGEND = (
    "characters of the offending span that were shown, the worst over the cuts; +n: and n more after it; !: never noticed;\n"
    "~: not found in the whole text at once either, so that the stream is not to blame"
)


def lexical(job: Corpus) -> Guard:
    """Return the guard of the lexical job; findings are not remembered, as the same texts come round again."""
    rules = made.policy(job.phrases, job.patterns, 2 * max(SIZES))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "streaming.yaml"
        path.write_text(json.dumps(rules))
        return _forgetful(Guard.load(path))


def _forgetful(guard: Guard) -> Guard:
    guard.pipeline.cache = FindingsCache(entries=0)
    return guard


def ours(guard: Guard, name: str, **options: Any) -> Way:
    """Return our filter as a way."""

    def opened() -> Show:
        async def show(source: Source) -> AsyncIterator[str]:
            stream = guard.stream()
            async for chunk in source:
                yield stream.feed(chunk)
                if stream.verdict is not None:  # it is blocked
                    break
            yield stream.flush()
            if stream.verdict.blocked:
                raise Stopped

        return show

    return Way(name, opened, **options)


def cost_rows(guard: Guard, job: Corpus, sizes: Sequence[int], seconds: float) -> list[dict[str, object]]:
    """Return what a chunk and a character cost by size in processor time, and the floors: the buffered check, and the bare
    engines. A size that would take more than `seconds` is left out, and says so.
    """
    floor = lexical_ours.floor(guard, job)
    _stream(guard, made.prose(2_000, 9, 0.02))
    rows: list[dict[str, object]] = []
    last = 0.0
    for size in sizes:
        if last * 10 > seconds:
            rows.append({"characters": f"{size:,}: left out, about {last * 10:.0f} s; give --seconds"})
            continue
        text = made.prose(size, 1, 0.02)
        rounds = 3 if size <= 10_000 else 1
        spent, shown, most = min(_stream(guard, text) for _ in range(rounds))
        last = spent
        begun = process_time()
        whole = guard.check(text, "output").content
        buffered = process_time() - begun
        parts = text_chunks(text[: min(size, 100_000)])
        begun = process_time()
        for at in range(len(parts)):
            floor(text[max(0, 4 * at - CONTEXT) : 4 * at + 4])
        bare_chunk = (process_time() - begun) / len(parts)
        begun = process_time()
        floor(text)
        bare = process_time() - begun
        rows.append(
            {
                "characters": f"{size:,}",
                "us a chunk": spent / (size / 4) * 1e6,
                "us a char": f"{spent / size * 1e6:.2f}",
                "most held": most,
                "as buffered": shown == whole,
                "buffered check, us a char": f"{buffered / size * 1e6:.2f}",
                "bare engines, us a char": f"{bare / size * 1e6:.3f}",
                "bare, each chunk + 32 before": bare_chunk * 1e6,
            }
        )
    return rows


def _stream(guard: Guard, text: str) -> tuple[float, str, int]:
    """Return the seconds that a stream takes, what it showed and the most that it held (raw less shown)."""
    parts = text_chunks(text)
    stream = guard.stream()
    shown: list[str] = []
    received = released = most = 0
    begun = process_time()
    for part in parts:
        output = stream.feed(part)
        shown.append(output)
        received += len(part)
        released += len(output)
        most = max(most, received - released)
    shown.append(stream.flush())
    return process_time() - begun, "".join(shown), most


def job_of(words: Corpus, sizes: Sequence[int], seconds: float) -> dict[str, Any]:
    """Return the job as all products get it."""
    return {
        "terms": [*words.phrases, made.TERM, made.PHRASE],
        "patterns": words.patterns,
        "personal": made.PERSONAL,
        "cases": [asdict(case) for case in made.cases()],
        "controls": made.controls(),
        "firsts": [made.prose(2_400, 100 + at) for at in range(12)],
        "clean": made.prose(8_000, 2),
        "prose": {str(size): made.prose(size, 11) for size in sizes},
        "seconds": seconds,
    }


def late_case(guard: Guard) -> dict[str, Any]:
    """Return harmless prose in which one sentence is bad: the one that the shipped policy's own test says is stopped."""
    name = "hate in a reply"
    bad = next(test.output for _, test in guard.policy.tests if test.name == name)
    assert isinstance(bad, str)
    before = made.prose(60, 21).rpartition(".")[0] + ". "
    cut = text_chunks(before + bad)
    return {"name": "a bad sentence", "before": before, "bad": bad, "after": "", "cuts": [cut]}


def tokens_read(guard: Guard, text: str) -> tuple[float, float]:
    """Return how many tokens the encoder reads for each of a text that is streamed in chunks, and that is checked at once: each
    the first time.
    """
    tokens = BertTokenizer((SHIPPED["text-safety"] / "tokenizer.json").read_bytes())
    own, read, run_session = len(tokens.ids(fold_text(text).text)), list[int](), OnnxSession.run

    def counted(self: OnnxSession, inputs: Inputs) -> Any:
        read.append(int(inputs[1].sum()))
        return run_session(self, inputs)

    with patch.object(OnnxSession, "run", counted):
        _stream(guard, text)
        streamed = sum(read) / own
        read.clear()
        # The same words in another order: what was read of them is not remembered.
        guard.check(". ".join(reversed(text.split(". "))), "output")
        return streamed, sum(read) / own


def run(way: Way, job: dict[str, Any]) -> Result:
    """Return the results of one of our ways."""

    async def parts() -> dict[str, Any]:
        return {part: value async for part, value in measured(way, job)}

    return Result("guardrails", "", way.name, asyncio.run(parts()))


def speed_row(result: Result) -> dict[str, object]:
    """Return a way's row: held, first character, cost."""
    held, first, costs = (result.parts.get(part) or {} for part in ("held", "first", "costs"))
    row: dict[str, object] = {"what": f"{result.rival} {result.version}".strip(), "way": result.way}
    row |= {f"held {name}": held.get(name) for name in ("median", "p90", "p99", "most")}
    received = first.get("received")
    row |= {
        "first after chars": None if received is None else int(received),
        "own ms": None if not first else f"{first['ms']:.3f}",
        "most": None if not first else f"{first['ms_most']:.3f}",
        f"ms at {TOKEN_MS} ms a chunk": None
        if received is None
        else first["ms"] + TOKEN_MS * (max(received, 4) / 4 - 1),
    }
    return row | {
        f"us a chunk, {int(size):,}": value["error"] or ("stopped" if value["stopped"] else value["us"])
        for size, value in costs.items()
    }


def leak_rows(results: Sequence[Result], cases: Sequence[dict[str, Any]]) -> list[dict[str, object]]:
    """Return a row for each attack, with a column for each way."""
    rows: list[dict[str, object]] = []
    for case in cases:
        row: dict[str, object] = {"attack": case["name"], "of": len(case["bad"])}
        for at, result in enumerate(results):
            row[f"[{at}]"] = leak_cell(result.parts["cases"][case["name"]])
        rows.append(row)
    total: dict[str, object] = {"attack": "leaked in all", "of": sum(len(case["bad"]) for case in cases)}
    for at, result in enumerate(results):
        total[f"[{at}]"] = str(sum(value["leaked"] for value in result.parts["cases"].values()))
    return [*rows, total]


def leak_cell(value: dict[str, Any]) -> str:
    """Return one result of an attack."""
    more = f"+{value['after']}" if value["after"] and value["caught"] else ""
    mark = "" if value["caught"] else "~" if value["unseen"] else "!"
    return f"{value['leaked']}{more}{mark}" + (" crash" if value["error"] else "")


def control_rows(results: Sequence[Result]) -> list[dict[str, object]]:
    """Return a row for each harmless stream."""
    names = list(results[0].parts["controls"])
    return [
        {"harmless": name} | {f"[{at}]": result.parts["controls"][name] for at, result in enumerate(results)}
        for name in names
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rivals", action="store_true", help="measure the rivals too")
    parser.add_argument("--only", action="append", choices=list(SCRIPTS), help="of the rivals, this one")
    parser.add_argument("--most", type=int, default=SIZES[-1], help="the longest text in characters")
    parser.add_argument(
        "--seconds", type=float, default=30.0, help="about how long a product may take for one text"
    )
    parser.add_argument("--limit", type=float, default=600.0, help="when to stop waiting for a rival")
    given = parser.parse_args(arguments)
    sizes = [size for size in SIZES if size <= given.most]
    print(machine(), flush=True)
    words = corpus(1, 1)
    guard, default = lexical(words), _forgetful(Guard.load("default"))
    print(table(cost_rows(guard, words, sizes, given.seconds)), flush=True)
    job = job_of(words, SIZES[:3], given.seconds)
    results = [
        run(ours(guard, "lexical"), {**job, "prose": {}}),
        run(
            ours(default, "default policy (classifier)", parts=("first", "held")),
            {**job, "clean": made.prose(4_000, 2)},
        ),
    ]
    late = late_case(default)
    late_result = run(ours(default, "late", parts=("cases",)), {**job, "cases": [late]}).parts["cases"][
        late["name"]
    ]
    if given.rivals or given.only:
        results += measure_all(job, given.only or list(SCRIPTS), given.limit)
    print("", table([speed_row(result) for result in results]), "", sep="\n")
    print(LEGEND)
    played = [result for result in results if {"cases", "controls"} <= result.parts.keys()]
    print(
        *(f"[{at}] {result.rival} {result.version}: {result.way}" for at, result in enumerate(played)),
        sep="\n",
    )
    print(table(leak_rows(played, job["cases"])), "", table(control_rows(played)), "", sep="\n")
    print(
        f"default policy, {late['name']}, after another: {leak_cell(late_result)} of {len(late['bad'])} shown"
    )
    streamed, whole = tokens_read(default, made.prose(4_000, 5))
    print(
        f"default policy: the encoder reads {streamed:.2f} tokens a token streamed (aim: 2), {whole:.2f} at once"
    )
    for result in results:
        for note in [
            *result.parts.get("notes", []),
            *([f"NOT COMPLETE: {result.problem}"] if result.problem else []),
        ]:
            print(f"{result.rival}: {result.way}: {note}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
