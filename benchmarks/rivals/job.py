"""What the rivals' scripts share: the corpus comes in as JSON on stdin, JSON lines of results go out.

A script builds one or more `Way`s of doing the job with its package and hands them to `report`, which
prints a line for each: nobody has to guess what a faster but looser setting would have given. The harness
picks the one that speaks for the rival.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from time import perf_counter
from typing import TypedDict

from measure import best_async

FEWEST_TEXTS = 3
REPEATS = 5


class Result(TypedDict):
    """One way's numbers, all of them microseconds per text.

    `caught_*` say how many of the planted phrases and matches were caught, `correct` that all were and that
    the clean texts passed, `words` that a phrase inside longer words passed too.
    """

    job: str
    us_ascii: float
    us_unicode: float
    texts: int
    caught_phrases: str
    caught_patterns: str
    correct: bool
    words: bool
    notes: list[str]


@dataclass(frozen=True, slots=True)
class Job:
    """The job as the harness sends it; `inside` texts hold a phrase only inside longer words."""

    phrases: list[str]
    patterns: list[str]
    ascii: list[str]
    unicode: list[str]
    planted_phrases: list[tuple[str, str]]
    planted_samples: list[tuple[str, str]]
    inside: list[str]
    seconds: float


@dataclass(frozen=True, slots=True)
class Way:
    """One way of doing the job; `blocks(text)` awaits the rival's verdict."""

    job: str
    blocks: Callable[[str], Awaitable[bool]]
    notes: list[str] = field(default_factory=list)


def read_job() -> Job:
    """The job on stdin."""
    return Job(**json.load(sys.stdin))


def awaited(blocks: Callable[[str], bool]) -> Callable[[str], Awaitable[bool]]:
    """A plain function as `Way` wants it; the coroutine around it costs about 0.1 microseconds."""

    async def call(text: str) -> bool:
        return blocks(text)

    return call


async def missed(way: Way, planted: Sequence[tuple[str, str]]) -> list[str]:
    """What was planted in a text that passed."""
    return [inserted for inserted, text in planted if not await way.blocks(text)]


def named(kind: str, names: Sequence[str]) -> list[str]:
    """A note on the first of the names, none where there are none."""
    return [f"{kind}: {', '.join(map(repr, names[:3]))}{', ...' if len(names) > 3 else ''}"] if names else []


async def measured(way: Way, job: Job) -> Result:
    """Judge one way, then time it on as many texts as its share of the seconds allows."""
    phrases = await missed(way, job.planted_phrases)
    samples = await missed(way, job.planted_samples)
    alarms = [text[:30] for text in (*job.ascii[:3], *job.unicode[:3]) if await way.blocks(text)]
    inside = [text for text in job.inside if await way.blocks(text)]
    started = perf_counter()
    for text in job.ascii[:2]:
        await way.blocks(text)
    call = (perf_counter() - started) / 2
    texts = max(FEWEST_TEXTS, min(len(job.ascii), int(job.seconds / 2 / (REPEATS + 1) / call)))
    return Result(
        job=way.job,
        us_ascii=round(await best_async(way.blocks, job.ascii[:texts], REPEATS), 1),
        us_unicode=round(await best_async(way.blocks, job.unicode[:texts], REPEATS), 1),
        texts=texts,
        caught_phrases=f"{len(job.planted_phrases) - len(phrases)}/{len(job.planted_phrases)}",
        caught_patterns=f"{len(job.planted_samples) - len(samples)}/{len(job.planted_samples)}",
        correct=not (phrases or samples or alarms),
        words=not inside,
        notes=[
            *way.notes,
            *named("missed phrases", phrases),
            *named("missed matches of patterns", samples),
            *named("blocked clean texts", alarms),
        ],
    )


def report(rival: str, job: Job, ways: Sequence[Way]) -> None:
    """Measure the ways in one event loop and print a line for each as it is done."""

    async def run() -> None:
        for way in ways:
            result = await measured(way, job)
            print(json.dumps({"rival": rival, "version": version(rival), **result}), flush=True)

    asyncio.run(run())
