"""Contact sheets of films."""

from __future__ import annotations

import io
import re
from base64 import b64decode
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from guardrails.authoring.reports.film_sheet import render_film_sheet
from guardrails.media.errors import MediaError
from guardrails.media.video.film_source import Film, VideoLimits
from guardrails.media.video.frames_in_memory import FramesFilm
from guardrails.media.video.processes.film_process import FilmProcess
from guardrails.types import Finding, Video
from tests.cases import each_case
from tests.films import film, green, scene

DATA = film(chain(scene(60), green(30), scene(60, 2)))
GREEN = Finding("c", 1.0, "d", box=(50, 30, 60, 60), clip=(2_000, 3_000))


def shown(markup: str) -> list[tuple[str, bool]]:
    """Return what stands under each picture, and whether the green square is in it as it was."""
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", markup)
    images = [
        np.asarray(Image.open(io.BytesIO(b64decode(data))).convert("RGB")).astype(int)
        for data in re.findall(r"base64,([^\"]+)", markup)
    ]
    return [
        (caption, bool(pixels[40:80, 60:100].mean((0, 1)) @ [-1, 1, -1] > 150))
        for caption, pixels in zip(captions, images, strict=True)
    ]


def test_frames_of_findings_come_first_and_others_beside_them() -> None:
    """With their numbers and boxes; the others are where nothing was found."""
    markup = render_film_sheet(Video(DATA), [(7, GREEN)], VideoLimits(), seconds=5.0, most=6)
    frames = shown(markup)
    assert frames[:3] == [("2.10 s: 7", True), ("2.50 s: 7", True), ("2.90 s: 7", True)]
    assert len(frames) == 6
    assert not any(is_green for _, is_green in frames[3:])
    assert markup.index("Frames in which something was found") < markup.index("Other frames")
    assert markup.count('<rect x="50" y="30" width="60" height="60"') == 2 * 3


def test_what_is_pixelated_is_so_in_the_file() -> None:
    """Every frame, and it is said."""
    frames = shown(render_film_sheet(Video(DATA), [(1, GREEN)], VideoLimits(), pixelated=True, most=3))
    assert [caption.endswith("pixelated") for caption, _ in frames] == [True] * len(frames)


def test_of_a_film_with_stretches_cut_out_others_are_shown() -> None:
    """As times are not what they were."""
    short = film(chain(scene(60), scene(60, 2)))
    markup = render_film_sheet(Video(short), [(1, GREEN)], VideoLimits(), seconds=5.0, most=4)
    assert "Stretches of it are cut out: 4.0 s of 5.0 s are left." in markup
    assert "Frames in which" not in markup
    assert len(shown(markup)) == 4


@each_case(
    ("content", "said"),
    [
        (Video(b"what is no film"), "unsupported_type"),
        (Video(source=Path("/no/such.mp4")), "No such file"),
        (Video(DATA[:300]), "undecodable"),
        (Video(source=MediaError("empty", "there are no frames")), "empty: there are no frames"),
    ],
)
def test_a_film_that_cannot_be_shown_is_named(content: Video, said: str) -> None:
    """With the reason, in the place of its frames."""
    assert said in render_film_sheet(content, [], VideoLimits())


def test_frames_in_memory_are_shown_too() -> None:
    """Those of a film that has no file, and stays as it is."""
    footage = FramesFilm([*green(8)], 8)
    frames = shown(render_film_sheet(Video(source=footage), [], VideoLimits(), seconds=1.0, most=2))
    assert [is_green for _, is_green in frames] == [True, True]


def test_none_are_shown_where_none_may_be() -> None:
    """Nor are more than were asked for."""
    assert shown(render_film_sheet(Video(DATA), [(1, GREEN)], VideoLimits(), most=0)) == []
    many = [(at, Finding("c", 0.5, "d", clip=(at * 400, at * 400 + 300))) for at in range(12)]
    assert len(shown(render_film_sheet(Video(DATA), many, VideoLimits(), seconds=5.0, most=5))) == 5


def test_all_frames_come_of_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are: starting one takes longer than looking at a film."""
    started: list[str] = []
    begin = Film.process

    def counted(self: Film, call: str, most: int, **more: Any) -> FilmProcess:
        started.append(call)
        return begin(self, call, most, **more)

    monkeypatch.setattr(Film, "process", counted)
    assert len(shown(render_film_sheet(Video(DATA), [(1, GREEN)], VideoLimits(), most=12))) == 12
    assert started == ["probe", "stills"]
