"""Workers: what is decoded elsewhere, and what becomes of a process that takes too long, breaks down or lies."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image

from guardrails.errors import Overloaded
from guardrails.media import decoding_processes
from guardrails.media.decoding_processes import (
    TASKS,
    DecodingWorker,
    DecodingWorkers,
    get_workers,
    make_task,
    needs_process,
    unpack_pixels,
)
from guardrails.media.errors import MediaError
from guardrails.media.images.outline import read_outline
from guardrails.media.limits import PictureLimits
from tests.cases import each_case

Make = Callable[..., bytes]
Draw = Callable[..., Image.Image]


@pytest.fixture
def one() -> Any:
    """One process at most."""
    made = DecodingWorkers(1)
    yield made
    made.end()


def test_what_is_risky(each_file: tuple[str, bytes], film_of: Make) -> None:
    """Some formats, what moves, what is large, and what goes over itself again and again; a plain small picture is not."""
    name, data = each_file
    plain = read_outline(data)
    assert needs_process(plain) is (name == "avif")
    if name != "avif":
        assert needs_process(replace(plain, width=4_000, height=2_001)) is (name != "jpeg")
        assert needs_process(replace(plain, width=4_000, height=2_001, scans=10))
        assert needs_process(replace(plain, width=1_000, height=1_000, scans=2_000))
    assert needs_process(read_outline(film_of("gif", 2)))
    assert needs_process(read_outline(film_of("webp", 2)))


def test_a_process_gives_what_decoding_gives(one: DecodingWorkers, draw: Draw, file_of: Make) -> None:
    """And is kept for the next task."""
    of = read_outline(file_of(draw(), "png"))
    for _ in range(2):
        found = unpack_pixels(*one.do(make_task("decode", of), of.clean, PictureLimits()))
        assert (found.width, found.height, found.frames[0][1][0]) == (48, 32, (48, 32, draw().tobytes()))
    assert [worker.left for worker in one._free] == [TASKS - 2]
    head, made = one.do(make_task("edit", of, [(0, 0, 8, 8)], "solid"), of.clean, PictureLimits())
    assert (head["format"], read_outline(made).format) == ("png", "png")


def test_what_is_wrong_is_told(one: DecodingWorkers, draw: Draw, file_of: Make) -> None:
    """By the same names as anywhere."""
    of = read_outline(file_of(draw(), "avif"))
    with pytest.raises(MediaError) as caught:
        one.do(make_task("decode", of), of.clean, PictureLimits(pixels=100))
    assert caught.value.code == "too_many_pixels"
    with pytest.raises(MediaError) as caught:
        one.do(make_task("decode", of), of.clean[:-20], PictureLimits())
    assert caught.value.code in ("undecodable", "truncated")


def test_a_process_is_stopped_by_the_clock(one: DecodingWorkers, file_of: Make, film_of: Make) -> None:
    """It is killed, and the next task is done by another."""
    of = read_outline(file_of(Image.new("L", (6_000, 6_000)), "png", compress_level=1))
    small = read_outline(film_of("gif", 2))
    one.do(make_task("decode", small), small.clean, PictureLimits())
    first = one._free[0]
    with pytest.raises(MediaError, match=r"took more than 0\.05 seconds") as caught:
        one.do(make_task("decode", of), of.clean, PictureLimits(seconds=0.05))
    assert caught.value.code == "timeout"
    assert not first.alive
    one.do(make_task("decode", small), small.clean, PictureLimits())
    assert one._free[0] is not first


def test_a_process_that_died_is_replaced(one: DecodingWorkers, film_of: Make) -> None:
    """Whether it did between tasks or over one."""
    of = read_outline(film_of("gif", 2))
    one.do(make_task("decode", of), of.clean, PictureLimits())
    one._free[0]._process.kill()
    one._free[0]._process.wait()
    one.do(make_task("decode", of), of.clean, PictureLimits())
    with pytest.raises(MediaError, match="broke down over it") as caught:
        one.do({"call": "decode"}, of.clean, PictureLimits())
    assert caught.value.code == "undecodable"
    assert one._free == []


def test_who_finds_none_free_is_told(one: DecodingWorkers, film_of: Make) -> None:
    """After as long as a task may take."""
    of = read_outline(film_of("gif", 2))
    with one._places, pytest.raises(Overloaded):
        one.do(make_task("decode", of), of.clean, PictureLimits(seconds=0.05))


def test_a_system_without_room_is_no_verdict_on_a_picture(
    one: DecodingWorkers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says what there is none of, and the place is given back."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(decoding_processes.subprocess, "Popen", refuse)
    for _ in range(2):
        with pytest.raises(Overloaded, match="a process that decodes a picture: Too many open files"):
            one.do({}, b"", PictureLimits())


def test_many_callers_share_a_few_processes(film_of: Make) -> None:
    """There are never more than was said."""
    shared, of = DecodingWorkers(2), read_outline(film_of("gif", 3))
    try:
        with ThreadPoolExecutor(6) as pool:
            found = [
                *pool.map(
                    lambda _: shared.do(make_task("decode", of), of.clean, PictureLimits())[1], range(12)
                )
            ]
        assert len({*found}) == 1
        assert 1 <= len(shared._free) <= 2
    finally:
        shared.end()


def test_no_secret_of_the_environment_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor do its own variables decide what it runs."""
    monkeypatch.setenv("OPENAI_API_KEY", "zqx")
    worker = DecodingWorker()
    try:
        with open(f"/proc/{worker._process.pid}/environ", "rb") as environ:
            assert b"zqx" not in environ.read()
    finally:
        worker.end()


@each_case(
    ("change", "body"),
    [
        ({"frames": [[0, [[2, 2]]]]}, b"x" * 11),
        ({"frames": [[0, [[2, 2]]]]}, b"x" * 13),
        ({"frames": [[0, [[-2, -2]]]]}, b"x" * 12),
        ({"frames": [[0, []]]}, b""),
        ({"frames": []}, b""),
        ({"frames": None}, b""),
        ({"width": "x"}, b""),
        ({"frames": [[0, [["2", 2]]]]}, b"x" * 12),
    ],
)
def test_a_lie_about_pixels_is_one_error(change: dict[str, Any], body: bytes) -> None:
    """Sizes that are not those of the bytes."""
    head = {"width": 2, "height": 2, "alpha": False, "frames": [[0, [[2, 2]]]]}
    assert unpack_pixels(head, b"x" * 12).frames == [(0, [(2, 2, b"x" * 12)])]
    with pytest.raises(MediaError):
        unpack_pixels(head | change, body)


def test_all_share_the_same_ones() -> None:
    """Of one process of Python; threads get no others."""
    found: list[DecodingWorkers] = []
    thread = threading.Thread(target=lambda: found.append(get_workers()))
    thread.start()
    thread.join()
    assert found == [get_workers()]
    assert os.getpid()
