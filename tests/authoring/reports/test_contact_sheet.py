"""Contact sheets."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

import numpy as np
from PIL import Image

from guardrails.authoring.reports.contact_sheet import SIDE, render_contact_sheet
from guardrails.media.images.picture import Picture, open_picture
from guardrails.types import Finding
from tests.cases import each_case


def striped(count: int = 1, size: tuple[int, int] = (800, 400), mode: str = "RGB") -> Picture:
    """Return a picture of so many frames, each with fine stripes from another place on."""
    frames = []
    for number in range(count):
        values = np.full((size[1], size[0], 3), 255, dtype=np.uint8)
        values[:, 10 * number :: 40] = values[:, 10 * number + 1 :: 40] = (200, 0, 0)
        frames.append(Image.fromarray(values).convert(mode))
    out = io.BytesIO()
    if count == 1:
        frames[0].save(out, "PNG")
    else:
        frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=40)
    return open_picture(out.getvalue())


def shown(markup: str) -> list[Image.Image]:
    """Return the pictures of a sheet."""
    found = re.findall(r'<img src="data:image/jpeg;base64,([^"]+)"', markup)
    return [Image.open(io.BytesIO(base64.b64decode(each)), formats=["JPEG"]) for each in found]


def box(*place: int, clip: tuple[int, int] | None = None) -> Finding:
    """Return a finding in a box."""
    x, y, width, height = place
    return Finding("custom.own", 0.9, "own", box=(x, y, width, height), clip=clip)


def test_a_picture_is_small_with_numbered_boxes_over_it() -> None:
    """The boxes are in pixels of the picture at full size; those that are outside of it are not drawn, others are cut."""
    marks = [(1, box(100, 50, 60, 40)), (2, box(790, 390, 99, 99)), (3, box(900, 0, 5, 5))]
    markup = render_contact_sheet(striped(), marks)
    assert shown(markup)[0].size == (SIDE, SIDE // 2)
    assert 'viewBox="0 0 800 400"' in markup
    assert '<rect x="100" y="50" width="60" height="40" fill="none"' in markup
    assert '<rect x="790" y="390" width="10" height="10" fill="none"' in markup
    assert re.findall(r"<text[^>]*>(\d+)</text>", markup) == ["1", "2"]
    assert 'alt="picture; boxes 1, 2, 3"' in markup


@each_case("pixelated", [True, False])
def test_what_is_pixelated_is_so_in_the_file(pixelated: bool) -> None:
    """Nothing of the fine structure is left in the pixels that the page holds."""
    [small] = shown(render_contact_sheet(striped(), pixelated=pixelated))
    columns = np.asarray(small.convert("L"), dtype=float).mean(axis=0)
    assert bool(columns.std() < 2) is pixelated


def test_frames_in_which_something_is_found_are_shown_first() -> None:
    """At most so many frames, and how many there are; a box is drawn in the frames in which it was seen."""
    picture = striped(8)
    markup = render_contact_sheet(picture, [(1, box(5, 5, 9, 9, clip=(200, 240)))], most=3)
    captions = re.findall(r"<figcaption>([^<]+)<", markup)
    assert captions == ["frame 1, at 0 ms", "frame 4, at 120 ms", "frame 6, at 200 ms"]
    assert "3 of 8 frames are shown." in markup
    assert markup.count("<svg") == 1
    assert render_contact_sheet(picture, [(1, box(5, 5, 9, 9))], most=99).count("<svg") == 8


def test_no_frame_is_shown_where_none_may_be() -> None:
    """A limit of none is kept."""
    assert "0 of 2 frames are shown." in render_contact_sheet(
        striped(2), [(1, box(1, 1, 9, 9, clip=(0, 40)))], most=0
    )


def test_transparent_pictures_are_shown_in_each_of_their_views(tmp_path: Path) -> None:
    """As what is found may be seen over one ground only."""
    image = Image.new("RGBA", (40, 40), (255, 255, 255, 0))
    image.paste((0, 0, 0, 255), (5, 5, 20, 20))
    image.save(tmp_path / "a.png")
    markup = render_contact_sheet(open_picture(tmp_path / "a.png"))
    assert "picture, over white" in markup
    assert "picture, over black" in markup
    white, black = (int(each.convert("L").getpixel((30, 30))) for each in shown(markup)[:2])  # type: ignore[arg-type]
    assert (white > 250, black < 5) == (True, True)
