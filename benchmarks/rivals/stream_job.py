"""What is measured of a product under streams: the job as JSON on stdin, a JSON line for each part of each way's result out.

Used for our own filter too. Standard library only, as the rivals' environments import it.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from importlib.metadata import version
from typing import Any

from rivals.stream_play import Played, Source, Way, common_start, leaked, play


async def case_result(way: Way, case: dict[str, Any]) -> dict[str, Any]:
    """Return the worst over the cuts of a case: `leaked`, `after` (shown after a full leak, before the stop), `caught`, and
    `unseen`: whether it passes in one piece too.
    """
    result: dict[str, Any] = {
        "of": len(case["bad"]),
        "leaked": 0,
        "after": 0,
        "cuts": 0,
        "caught": True,
        "error": "",
    }
    for cut in case["cuts"]:
        played = await play(way.open(), cut)
        count = leaked(case, played.text)
        if count == result["of"]:
            place = played.text.rfind(case["bad"]) + len(case["bad"])
            result["after"] = max(result["after"], common_start(played.text[place:], case["after"]))
        result["leaked"] = max(result["leaked"], count)
        result["cuts"] += count > 0
        result["caught"] &= played.stopped or bool(played.error) or case["bad"] not in played.text
        result["error"] = result["error"] or played.error
    result["unseen"] = not await detected(way, case["before"] + case["bad"] + case["after"], case["bad"])
    return result


async def detected(way: Way, text: str, bad: str) -> bool:
    """Tell whether the product finds the bad span where it gets the whole text at once."""
    if way.detects is not None:
        return way.detects(text)
    whole = await play(way.open(), [text])
    return whole.stopped or bool(whole.error) or bad not in whole.text


async def control_result(way: Way, chunks: Sequence[str]) -> str:
    """Return `ok` where a harmless stream came through as it was, else what became of it."""
    played = await play(way.open(), chunks)
    return verdict(played, "".join(chunks))


def verdict(played: Played, text: str) -> str:
    """Say what became of a harmless text."""
    if played.error:
        return played.error
    if played.stopped:
        return "blocked"
    if played.text == text:
        return "ok"
    return "spaces changed" if "".join(played.text.split()) == "".join(text.split()) else "changed"


async def two_at_once(way: Way, chunks: Sequence[str], others: Sequence[str]) -> str:
    """Play two harmless streams in turns through one product; `ok` where each came through as it does alone."""
    alone = [(await play(way.open(), part)).text for part in (chunks, others)]
    show = way.open()
    shown: list[list[str]] = [[], []]
    open_ = {at: aiter(show(Source(part))) for at, part in enumerate((chunks, others))}
    try:
        while open_:
            for at, outputs in list(open_.items()):
                try:
                    shown[at].append(await anext(outputs))
                except StopAsyncIteration:
                    del open_[at]
    except Exception as problem:
        return type(problem).__name__
    texts = ["".join(part) for part in shown]
    return "ok" if texts == alone else "mixed"


async def costs(way: Way, job: dict[str, Any], seconds: float) -> dict[str, Any]:
    """Return microseconds of processor time a chunk by size of text, less the same path without the guard, while time allows."""
    found: dict[str, Any] = {}
    last = growth = 0.0
    for size, text in job["prose"].items():
        if last and last * 10 * max(1.0, growth) > seconds:
            break
        parts = text_chunks(text)
        times: list[float] = []
        bares: list[float] = []
        while len(times) < 3 and sum(times) < seconds / 10:
            played = await play(way.open(), parts)
            times.append(played.seconds)
            if way.bare is not None:
                bares.append((await play(way.bare(), parts)).seconds)
        spent = min(times)
        net = spent - (min(bares) if bares else 0.0)
        found[size] = {"us": net / len(parts) * 1e6, "stopped": played.stopped, "error": played.error}
        growth = spent / last / 10 if last else 1.0
        last = spent
    return found


def text_chunks(text: str, size: int = 4) -> list[str]:
    """Return the text in pieces of `size` characters."""
    return [text[at : at + size] for at in range(0, len(text), size)]


async def firsts(way: Way, texts: Sequence[str]) -> dict[str, Any]:
    """Return what passes before the first shown character: milliseconds of work, and characters received."""
    all_played = [await play(way.open(), text_chunks(text), way.pace) for text in texts]
    waited = way.pace * 1e3  # for each chunk after the first
    times = [
        played.first_ms - waited * ((played.first_received or 0) // 4 - 1)
        for played in all_played[1:]
        if played.first_ms is not None
    ]
    received = [played.first_received for played in all_played[1:] if played.first_received is not None]
    if not times:
        return {}
    return {"ms": statistics.median(times), "ms_most": max(times), "received": statistics.median(received)}


def spread(sizes: Sequence[int]) -> dict[str, int]:
    """Return median, p90, p99 and the most."""
    sizes = sorted(sizes)
    if not sizes:
        return {}
    at = {"median": 0.5, "p90": 0.9, "p99": 0.99}
    found = {name: sizes[min(len(sizes) - 1, int(share * len(sizes)))] for name, share in at.items()}
    return found | {"most": sizes[-1]}


async def measured(way: Way, job: dict[str, Any]) -> AsyncIterator[tuple[str, Any]]:
    """Yield the parts of a way's result, as they come."""
    for part in way.parts:
        yield part, await PARTS[part](way, job)


async def notes_of(way: Way, job: dict[str, Any]) -> list[str]:
    """Return what is to be said of the way."""
    return way.notes


async def cases_of(way: Way, job: dict[str, Any]) -> dict[str, Any]:
    """Return the results of the attacks."""
    return {case["name"]: await case_result(way, case) for case in job["cases"]}


async def controls_of(way: Way, job: dict[str, Any]) -> dict[str, str]:
    """Return what became of the harmless streams."""
    found = {name: await control_result(way, parts) for name, parts in job["controls"].items()}
    parts = job["controls"]["prose"]
    found["two at once"] = await two_at_once(way, parts, text_chunks("The other one: " + "".join(parts)))
    return found


async def first_of(way: Way, job: dict[str, Any]) -> dict[str, Any]:
    """Return what passes before the first shown character."""
    return await firsts(way, job["firsts"])


async def held_of(way: Way, job: dict[str, Any]) -> dict[str, int]:
    """Return how much is held on prose, before each chunk."""
    return spread((await play(way.open(), text_chunks(job["clean"]), way.pace)).source.held)


async def costs_of(way: Way, job: dict[str, Any]) -> dict[str, Any]:
    """Return microseconds a chunk by size of text."""
    return await costs(way, job, job["seconds"])


PARTS: dict[str, Callable[[Way, dict[str, Any]], Awaitable[Any]]] = {
    "notes": notes_of,
    "cases": cases_of,
    "controls": controls_of,
    "first": first_of,
    "held": held_of,
    "costs": costs_of,
}


def read_job() -> dict[str, Any]:
    """The job on stdin."""
    found: dict[str, Any] = json.load(sys.stdin)
    return found


def report(rival: str, job: dict[str, Any], ways: Sequence[Way]) -> None:
    """Measure the ways in one event loop and print a line for each part as it is done."""

    async def run() -> None:
        for way in ways:
            async for part, value in measured(way, job):
                line = {
                    "rival": rival,
                    "version": version(rival),
                    "way": way.name,
                    "part": part,
                    "value": value,
                }
                print(json.dumps(line), flush=True)

    asyncio.run(run())
