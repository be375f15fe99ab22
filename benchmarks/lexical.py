"""The lexical allow path side by side, in one run: ours, the bare engines under it, and the released rivals.

    python benchmarks/lexical.py                 # ours alone (after `pip install .`), at 1x and 10x the rules
    python benchmarks/lexical.py --rivals        # and four rivals, each in an environment of its own (slow to make)

The job: 2,000 phrases and 100 patterns, each pattern a rule of its own, on top of the shipped default policy without its
model; texts of 2 kB in which nothing is found. `correct` says that planted phrases and matches are caught all the same.

Those texts are made of one small vocabulary, which suits RE2: the states that it builds are soon all there. So further rows are
of text that is new to every engine, as traffic is: pieces of the source files of this Python, each seen once. Then come bodies: a
short chat's request and its answer, and a list of a hundred records, each time with other words. These rows are processor time.
"""

from __future__ import annotations

import argparse
import statistics
import sysconfig
from collections.abc import Callable, Sequence
from pathlib import Path
from time import process_time

import lexical_ours as ours
from guardrails import Guard
from guardrails.types import StageName
from lexical_corpus import Corpus, corpus
from measure import best, machine, table


def correct(guard: Guard, job: Corpus) -> bool:
    """Tell whether planted phrases and matches of patterns are blocked."""
    planted = [*job.phrases[:20], *(phrase.upper() for phrase in job.phrases[-20:]), *job.samples[:50]]
    return all(guard.check(job.plant(text)).blocked for text in planted)


def our_rows(scales: Sequence[int], texts: int) -> list[dict[str, object]]:
    """Return the rows of our own check and of its floor, at each scale."""
    rows: list[dict[str, object]] = []
    for scale in scales:
        job = corpus(scale, texts)
        guard = ours.guard(job)
        floor, check = ours.floor(guard, job), ours.checks(guard)
        row: dict[str, object] = {
            "what": "guardrails, whole guard.check",
            "rules": f"{scale}x",
            "correct": correct(guard, job),
        }
        bare: dict[str, object] = {"what": "bare engines, same views", "rules": f"{scale}x", "correct": None}
        for kind, samples in (("ascii", job.ascii), ("unicode", job.unicode)):
            # Both in turns, so that a slow minute of the machine hits both.
            pairs = [(best(floor, samples, 3), best(check, samples, 3)) for _ in range(3)]
            low, whole = (min(column) for column in zip(*pairs, strict=True))
            bare[f"us {kind}"], row[f"us {kind}"] = low, whole
            row[f"x floor {kind}"] = f"{whole / low:.2f}"
        rows += [bare, row]
    return rows


def new_rows(texts: int) -> list[dict[str, object]]:
    """Return the rows of text that neither our check nor the engines under it have seen: each is timed once."""
    job = corpus(1, 3)
    guard = ours.guard(job)
    floor = ours.floor(guard, job)
    samples = pieces(texts)
    guard.check(job.ascii[0])
    floor(job.ascii[0])
    bare, whole = [], []
    for sample in samples:
        started = process_time()
        floor(sample)
        between = process_time()
        guard.check(sample)
        bare.append(between - started)
        whole.append(process_time() - between)
    low, high = (statistics.mean(times) * 1e6 for times in (bare, whole))
    return [
        {"what": "bare engines, text that is new", "rules": "1x", "us ascii": low},
        {
            "what": "guardrails, text that is new",
            "rules": "1x",
            "us ascii": high,
            "x floor ascii": f"{high / low:.2f}",
        },
    ]


def body_rows(rounds: int) -> list[dict[str, object]]:
    """Return the rows of bodies in which nothing is found: of what is read, and judged, of each."""
    guard = ours.guard(corpus(1, 3))
    kinds: dict[str, Callable[[int], list[tuple[object, StageName]]]] = {
        "a chat's request and its answer": lambda at: [(request(at), "input"), (answer(at), "output")],
        "a list of 100 records": lambda at: [([record(at + row) for row in range(100)], "input")],
    }
    rows: list[dict[str, object]] = []
    for name, make in kinds.items():
        times: list[float] = []
        for at in range(rounds):
            given = make(1_000 * at)
            started = process_time()
            allowed = not any(guard.check(body, stage=stage).action for body, stage in given)
            times.append(process_time() - started)
            assert allowed, "a clean body was not allowed"
        us = statistics.median(times) * 1e6
        rows.append({"what": f"guardrails, {name}", "rules": "1x", "us ascii": us})
    return rows


def spell(number: int) -> str:
    """Return a number in words of a made-up language, so that no two texts are the same, and no detector minds."""
    return " ".join(f"{'bdfglmnprst'[int(digit)]}{'aeiou'[int(digit) % 5]}na" for digit in str(number))


def request(at: int) -> dict[str, object]:
    """Return a chat's request."""
    asked = f"How do I boil an egg so that the yolk stays soft, {spell(at)}?"
    messages = [
        {"role": "system", "content": "You are a helpful assistant."},
        {"role": "user", "content": asked},
    ]
    return {"model": "gpt-4o-mini", "messages": messages, "temperature": 0.7, "max_tokens": 200}


def answer(at: int) -> dict[str, object]:
    """Return what the model says to it."""
    said = f"Boil water, lower the egg gently and wait six minutes, {spell(at)}. Peel it, and serve it with salt."
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1700000000,
        "model": "gpt-4o-mini",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": said}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 20, "completion_tokens": 30, "total_tokens": 50},
    }


def record(at: int) -> dict[str, object]:
    """Return a record of a list."""
    return {
        "id": 1_000 + at,
        "name": f"Person {spell(at)}",
        "city": ("Berlin", "Paris", "London")[at % 3],
        "note": "ordered a book about gardening",
        "amount": at * 0.5,
    }


def pieces(count: int, size: int = 2_000) -> list[str]:
    """Pieces of the standard library's sources, spread over its files."""
    root = Path(sysconfig.get_paths()["stdlib"])
    files = [path for path in sorted(root.rglob("*.py")) if "site-packages" not in path.parts]
    texts = (path.read_text(encoding="utf-8", errors="replace")[size : 2 * size] for path in files)
    whole = [text for text in texts if len(text) == size and text.isascii()]
    return whole[:: max(1, len(whole) // count)][:count]


def rival_rows(texts: int, seconds: float) -> tuple[list[dict[str, object]], list[str]]:
    """Return the rows of the rivals, and their notes."""
    from rivals.harness import measure_rivals

    rows, notes = [], []
    for row in measure_rivals(corpus(1, texts), seconds=seconds):
        name = f"{'* ' if row.best else '  '}{row.rival} {row.version}: {row.job}"
        rows.append(
            {
                "what": name,
                "rules": "1x",
                "correct": row.correct,
                "us ascii": row.us_ascii,
                "us unicode": row.us_unicode,
            }
        )
        notes += [f"{row.rival}: {note}" for note in row.notes]
    return rows, notes


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the machine, the table, and how we compare with the fastest rival that does the same job."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rivals", action="store_true", help="measure the rivals too")
    parser.add_argument("--texts", type=int, default=200, help="distinct texts of each kind")
    parser.add_argument(
        "--seconds", type=float, default=20.0, help="about how long to time each way of a rival"
    )
    given = parser.parse_args(arguments)
    print(machine())
    mine = [*our_rows((1, 10), given.texts), *new_rows(2 * given.texts), *body_rows(given.texts)]
    theirs, notes = rival_rows(given.texts, given.seconds) if given.rivals else ([], [])
    print(table([*mine, *theirs]))
    same_job = [row["us ascii"] for row in theirs if row["correct"]]
    if same_job:
        fastest = min(value for value in same_job if isinstance(value, float))
        us = mine[1]["us ascii"]
        assert isinstance(us, float)
        print(f"fastest rival that does the whole job / guardrails, ascii: {fastest / us:.0f}x")
    print("\n".join(notes))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
