"""What a process says: taken for what it is, and no further."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import IO, Any

import numpy as np
import pytest

from guardrails.media.video.film_parts import Sampling, VideoLimits, WatchAccount
from guardrails.media.video.processes import film_process
from guardrails.media.video.processes.film_process import FilmProcess
from guardrails.media.video.processes.film_run import SoundRun, WatchRun
from tests.films import program_of

SEEN = asdict(WatchAccount(decoded=3))

SAMPLE: dict[str, Any] = {
    "kind": "sample",
    "seen": SEEN,
    "index": 0,
    "start": 0,
    "end": 40,
    "why": "first",
    "shot": 0,
    "track": 0,
    "hidden": False,
    "corrupt": False,
    "shapes": [[2, 4, 3]],
    "bytes": 24,
}

END = {"kind": "end", "bytes": 0}


@pytest.fixture
def nothing() -> Iterator[IO[bytes]]:
    """An empty file."""
    with tempfile.TemporaryFile() as file:
        yield file


def saying(file: IO[bytes], monkeypatch: pytest.MonkeyPatch, *heads: dict[str, Any]) -> FilmProcess:
    """Return a process that says some things, with zeros as bytes."""
    lines = [(json.dumps(head), head["bytes"]) for head in heads]
    program = (
        f"for line, size in {lines!r}:\n    sys.stdout.buffer.write(line.encode() + b'\\n' + bytes(size))\n"
    )
    monkeypatch.setattr(film_process, "STARTED", program_of(program))
    return FilmProcess(file, {"call": "watch"}, VideoLimits(), 10.0, 1_000)


def done(**more: Any) -> dict[str, Any]:
    """Return the last account."""
    return {"kind": "seen", "seen": {**SEEN, "done": True, **more}, "bytes": 0}


def test_samples_come_with_an_account(nothing: IO[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """What was sampled is counted here."""
    with WatchRun(saying(nothing, monkeypatch, SAMPLE, SAMPLE, done(sampled=99), END), Sampling()) as watch:
        first = next(watch)
        assert (first.pixels.shape, first.pixels.dtype, first.views) == ((2, 4, 3), np.uint8, (first.pixels,))
        assert watch.seen == replace(WatchAccount(decoded=3), sampled=1)
        assert len([*watch]) == 1
    assert watch.seen == replace(WatchAccount(decoded=3), sampled=2, done=True)
    assert watch.seen.whole


@pytest.mark.parametrize(
    "answers",
    [
        [],
        [END],
        [SAMPLE, END],
        [done(done=False), END],
        [{**SAMPLE, "shapes": [[2, 4, 4]]}, done(), END],
        [{**SAMPLE, "shapes": [[4, 4, 3]]}, done(), END],
        [{**SAMPLE, "shapes": [[1, 4, 3]]}, done(), END],
        [{**SAMPLE, "shapes": []}, done(), END],
        [{**SAMPLE, "why": "zqx"}, done(), END],
        [{**SAMPLE, "start": "soon"}, done(), END],
        [{**SAMPLE, "seen": None}, done(), END],
        [{**SAMPLE, "seen": {"decoded": 1}}, done(), END],
        [{key: value for key, value in SAMPLE.items() if key != "track"}, done(), END],
    ],
)
def test_a_process_that_does_not_say_that_it_is_done_broke_down(
    answers: list[dict[str, Any]], nothing: IO[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And so did one that says what cannot be: nothing of it counts as the whole film."""
    with WatchRun(saying(nothing, monkeypatch, *answers), Sampling()) as watch:
        assert len([*watch]) <= 1
        assert watch.seen.stopped == "crashed"
        assert watch.seen.done
        assert not watch.seen.whole


def test_a_budget_is_kept_whatever_the_process_says(
    nothing: IO[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is past it is not handed out."""
    with WatchRun(
        saying(nothing, monkeypatch, *[SAMPLE] * 5, done(stopped="budget"), END), Sampling(budget=2)
    ) as watch:
        assert len([*watch]) == 2
        assert (watch.seen.stopped, watch.seen.sampled) == ("budget", 2)


def test_unknown_reasons_are_none(nothing: IO[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """Only names that are known here get out."""
    with WatchRun(saying(nothing, monkeypatch, SAMPLE, done(stopped="zqx"), END), Sampling()) as watch:
        assert [*watch]
        assert watch.seen.stopped is None


def test_sound_comes_in_pieces(nothing: IO[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """With the time at which each begins, and what was damaged so far."""
    piece = {
        "kind": "sound",
        "start": 20,
        "seconds": 1.0,
        "corrupt": 2,
        "stopped": "seconds",
        "apart": [1],
        "bytes": 16,
    }
    with SoundRun(saying(nothing, monkeypatch, piece, END)) as sound:
        ((start, samples),) = sound
        assert (start, samples.tolist()) == (20, [0.0] * 4)
        assert (sound.corrupt, sound.stopped, sound.apart) == (2, "seconds", {1})


@pytest.mark.parametrize("broken", [{"bytes": 15}, {"start": None}, {"seconds": "long"}])
def test_sound_that_cannot_be_is_the_end(
    broken: dict[str, Any], nothing: IO[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By name."""
    piece = {
        "kind": "sound",
        "start": 20,
        "seconds": 1.0,
        "corrupt": 0,
        "stopped": None,
        "apart": [],
        "bytes": 16,
    }
    with SoundRun(saying(nothing, monkeypatch, {**piece, **broken}, END)) as sound:
        assert [*sound] == []
        assert sound.stopped == "crashed"
