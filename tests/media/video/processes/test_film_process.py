"""The process for a film: killed, late, lying, or left alone; nothing hangs, and nothing goes on."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from typing import IO, Any

import numpy as np
import pytest

from guardrails.errors import Overloaded
from guardrails.media.errors import MediaError
from guardrails.media.video.film_source import Sampling, VideoLimits, open_film
from guardrails.media.video.processes import film_process
from guardrails.media.video.processes.film_process import FilmProcess, OutOfTime, ProcessEnded
from tests.films import program_of

Reel = Callable[..., bytes]
Scene = Callable[..., Any]


@pytest.fixture
def nothing() -> Iterator[IO[bytes]]:
    """An empty file."""
    with tempfile.TemporaryFile() as file:
        yield file


def speaking(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """Let processes run another program: one that a film took over."""
    monkeypatch.setattr(film_process, "STARTED", program_of(program))


def told(file: IO[bytes], limits: VideoLimits | None = None) -> list[Any]:
    """Return what a process sends."""
    return [*FilmProcess(file, {"call": "probe"}, limits or VideoLimits(), 10.0, 1_000).answers()]


def gone(pid: int) -> bool:
    """Tell whether a process is no more."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_killed_process_ends_the_watch_by_name(reel: Reel, scene_of: Scene) -> None:
    """From outside, in the middle, while more is waited for."""
    data = reel(map(scene_of(width=256, height=144), range(300)))
    with open_film(data) as film, film.watch(Sampling(fps=30, static=0.0, side=256)) as watch:
        next(watch)
        os.kill(watch._process._process.pid, signal.SIGKILL)
        left = [*watch]
        assert watch.seen.stopped == "crashed"
        assert watch.seen.done
        assert not watch.seen.whole
        assert len(left) < 299


def test_a_watch_can_be_closed_by_another_thread(reel: Reel, scene_of: Scene) -> None:
    """As a request is given up while a worker waits for the next frame."""
    still = scene_of()(0)
    data = reel(still for _ in range(200))
    with open_film(data) as film:
        watch = film.watch(Sampling(fps=30, static=0.0))  # more than the pipe holds
        next(watch)
        process = watch._process._process
        os.kill(process.pid, signal.SIGSTOP)  # what is waited for does not come
        clock = threading.Timer(0.1, watch.close)
        clock.start()
        for _ in watch:
            continue
        clock.join()
        assert watch.seen.stopped == "closed"
        assert process.returncode == -signal.SIGKILL


def test_time_that_runs_out_kills_the_process(
    reel: Reel, scene_of: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has some seconds, and more for each second of film that it went through."""
    data = reel(map(scene_of(), range(30)))
    with open_film(data) as film:
        film._limits = VideoLimits(grace=0.0, wall_factor=0.0)
        monkeypatch.setattr(film_process, "STARTED", program_of("time.sleep(100)"))
        watch = film.watch()
        assert [*watch] == []
        assert watch.seen.stopped == "wall_clock"
        assert watch._process._process.returncode == -signal.SIGKILL


def test_time_in_which_nobody_asks_does_not_count(calm: bytes) -> None:
    """Who judges frames may take long."""
    with open_film(calm) as film, film.watch(Sampling(side=32)) as watch:
        next(watch)
        left = watch._process._left
        watch._process._process.wait(
            60
        )  # it went to its end meanwhile, as three seconds of film fit into the pipe
        assert watch._process._left == left
        assert [sample.why for sample in watch][-1] == "last"
        assert watch.seen.whole


def test_more_film_gives_more_time(nothing: IO[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """Once for each second of it, up to the limit."""
    speaking(monkeypatch, "")
    process = FilmProcess(
        nothing, {"call": "probe"}, VideoLimits(grace=1, wall_factor=2, seconds=10), 10.0, 10
    )
    found = []
    for seconds in (3, 2, 4, 1_000):
        process.grant(seconds)
        found.append(process._left)
    process.end()
    assert found == [7, 7, 9, 21]


@pytest.mark.parametrize(
    "program",
    [
        "print('no answer')",
        "print('[1]')",
        'print(\'{"kind": "told"}\')',
        'print(\'{"kind": "told", "bytes": 1001}\')',
        'print(\'{"kind": "told", "bytes": -1}\')',
        'print(\'{"kind": "told", "bytes": 10}\')',
        "os.kill(os.getpid(), 11)",
        "raise SystemExit(3)",
        "sys.stdout.write('x' * (5 << 20))",
    ],
)
def test_what_cannot_be_is_the_end(program: str, nothing: IO[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that breaks down or lies about sizes is killed."""
    speaking(monkeypatch, program)
    with pytest.raises(ProcessEnded):
        told(nothing)


def test_a_process_that_says_nothing_is_late(nothing: IO[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """And killed."""
    speaking(monkeypatch, "time.sleep(600)")
    with pytest.raises(OutOfTime):
        told(nothing, VideoLimits(grace=0.05))


def test_errors_have_known_codes_and_short_texts(nothing: IO[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the process says."""
    speaking(
        monkeypatch,
        'print(\'{"kind": "error", "error": "zqx", "message": "\' + \'a\' * 900 + \'", "bytes": 0}\')',
    )
    with pytest.raises(MediaError) as caught:
        told(nothing)
    assert (caught.value.code, len(str(caught.value))) == ("undecodable", 200)


def test_memory_has_a_limit(reel: Reel, scene_of: Scene) -> None:
    """What takes more ends by name, and takes nobody along."""
    data = reel(map(scene_of(), range(10)))
    with pytest.raises(MediaError) as caught:
        open_film(data, VideoLimits(memory=64 << 20))
    assert caught.value.code in ("too_much_memory", "undecodable")
    with open_film(data) as film:
        film._limits = VideoLimits(memory=180 << 20)
        with film.watch() as watch, contextlib.suppress(MediaError):
            assert len([*watch]) < 2
        assert not watch.seen.whole


def test_no_secret_is_where_films_are_read(nothing: IO[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of a process is that of decoding."""
    monkeypatch.setenv("OPENAI_API_KEY", "zqx")
    speaking(
        monkeypatch,
        'import json; print(json.dumps(dict(kind=\'told\', names=sorted(os.environ), bytes=0))); print(\'{"kind": "end", "bytes": 0}\')',
    )
    ((head, body),) = told(nothing)
    assert "OPENAI_API_KEY" not in head["names"]
    assert body == b""


def test_too_many_at_work_are_refused(nothing: IO[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """Places are given back when a process ends, however it ends."""
    monkeypatch.setattr(film_process, "_PLACES", threading.BoundedSemaphore(1))
    monkeypatch.setattr(film_process, "WAITS_S", 0.01)
    speaking(monkeypatch, "time.sleep(600)")
    first = FilmProcess(nothing, {"call": "probe"}, VideoLimits(), 10.0, 10)
    with pytest.raises(Overloaded):
        FilmProcess(nothing, {"call": "probe"}, VideoLimits(), 10.0, 10)
    pid = first._process.pid
    del first  # who forgets it leaves nothing behind
    assert gone(pid)
    FilmProcess(nothing, {"call": "probe"}, VideoLimits(), 10.0, 10).end()


def test_a_system_without_room_is_no_verdict_on_a_film(
    nothing: IO[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says what there is none of, and the place is given back."""

    class Full:
        def start(self, *_: object) -> None:
            raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(film_process, "_PLACES", threading.BoundedSemaphore(1))
    monkeypatch.setattr(film_process, "get_processes", Full)
    for _ in range(2):
        with pytest.raises(
            Overloaded, match="no room for a process that decodes a film: Too many open files"
        ):
            FilmProcess(nothing, {"call": "probe"}, VideoLimits(), 10.0, 10)


def test_memory_is_flat_in_the_length(reel: Reel) -> None:
    """A process that is not asked waits: what lies between is a pipe."""
    numbers = np.random.default_rng(0)
    frames = (numbers.integers(0, 255, (90, 160, 3), dtype=np.uint8) for _ in range(40))
    data = reel(itertools.chain.from_iterable(itertools.repeat(frame, 2) for frame in frames))
    with open_film(data) as film, film.watch(Sampling(fps=30)) as watch:
        next(watch)
        with pytest.raises(TimeoutError):
            watch._process._process.wait(0.5)  # it cannot get on
        assert len(watch._process._buffer) <= film_process.AT_ONCE
        assert sum(1 for _ in watch) >= 39
