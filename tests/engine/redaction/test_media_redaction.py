"""Pictures in which something is found that rules redact: covered, in the shape they had, and judged again."""

from __future__ import annotations

import io
from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from guardrails import Guard, Verdict
from guardrails.media.images.picture import open_picture
from guardrails.types import CLEAN, Detection, Finding, Image
from tests.cases import each_case, scale

BOX = (24, 30, 40, 24)


def drawn(*boxes: tuple[int, int, int, int], size: tuple[int, int] = (120, 90)) -> Pillow.Image:
    """Return a grey picture with green squares of which every third row is black."""
    pixels = np.full((size[1], size[0], 3), 200, dtype=np.uint8)
    for x, y, width, height in boxes:
        pixels[y : y + height, x : x + width] = (0, 255, 0)
        pixels[y + 1 : y + height - 1 : 3, x : x + width] = 0
    return Pillow.fromarray(pixels)


def filed(image: Pillow.Image, format_: str = "PNG", **more: Any) -> bytes:
    """Return a picture as a file."""
    out = io.BytesIO()
    image.save(out, format_, **more)
    return out.getvalue()


@pytest.fixture(scope="module")
def covering(guard_of: Callable[..., Guard]) -> Callable[[str], Guard]:
    """Return a function: how a rule covers green squares in, a guard out."""
    policy = (
        "detectors:\n  green: {use: green_square}\nrules:\n"
        "  - {id: green, on: [input, output], when: custom.green_square > 0.3, then: redact%s}\n"
    )
    return lambda how: guard_of(policy % (f", with: {{image: {how}}}" if how else ""))


def pixels_of(given_: Any) -> np.ndarray:
    """Return the pixels of whatever is a picture."""
    return np.asarray(open_picture(given_).frames[0].views[0])


@each_case("how", ["", "solid", "pixelate", "blur", "placeholder"])
@each_case(
    "shape",
    [filed, lambda image: image, np.asarray, lambda image: Image(filed(image)), lambda image: Image(source=image)],
    ids=["bytes", "pillow", "array", "content", "source"],
)  # fmt: skip
def test_what_is_found_is_covered_and_the_rest_is_left(
    covering: Callable[[str], Guard], shape: Callable[[Pillow.Image], Any], how: str
) -> None:
    """In the shape that was given, with nothing of it left to be found."""
    given_ = shape(drawn(BOX))
    verdict = covering(how).check(given_, "output")
    assert (str(verdict.action), [rule.reason for rule in verdict.rules]) == ("redact", ["matched"])
    made: Any = verdict.content
    assert type(made) is type(given_) or isinstance(given_, Pillow.Image)
    content = (made.data or made.source) if isinstance(made, Image) else made
    before, after = np.asarray(drawn(BOX)), pixels_of(content)
    x, y, width, height = BOX
    inside = np.s_[y : y + height, x : x + width]
    assert not (
        (after[inside] == before[inside]).all(axis=2) & (before[inside] == (0, 255, 0)).all(axis=2)
    ).any()
    assert (after[: y - 10] == before[: y - 10]).all()
    assert covering("").check(content, "output").findings == ()
    if how in ("", "solid"):
        assert not after[inside].any()


def test_a_path_comes_back_as_the_bytes_of_the_redacted_file(
    covering: Callable[[str], Guard], tmp_path: Path
) -> None:
    """The file itself stays as it is."""
    path = tmp_path / "a.png"
    path.write_bytes(filed(drawn(BOX)))
    made = covering("").check(path, "output").content
    assert isinstance(made, bytes)
    assert path.read_bytes() == filed(drawn(BOX))


@each_case("format_", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
def test_a_file_stays_one_of_its_format_without_metadata(
    covering: Callable[[str], Guard], format_: str
) -> None:
    """What somebody wrote beside the pixels is gone with them."""
    exif = Pillow.Exif()
    exif[0x010E] = "a secret place"
    more = {"exif": exif, "quality": 95} if format_ in ("JPEG", "WEBP") else {}
    image = Pillow.new("RGB", (120, 90), "white")
    image.paste((0, 255, 0), (24, 30, 64, 54))
    verdict = covering("").check(filed(image, format_, **more), "output")
    made = verdict.content
    assert str(verdict.action) == "redact"
    assert isinstance(made, bytes)
    assert Pillow.open(io.BytesIO(made)).format == format_
    assert b"a secret place" not in made


def finds(guard_of: Callable[..., Guard], kind_of: Any, own: Any, judge: Any, rules: str) -> Guard:
    """Return a guard with a detector of the test's own that looks at pictures."""
    eye = own(judge)
    eye.pixels = True
    return guard_of(
        f"detectors:\n  d: {{use: own}}\nrules:\n{rules}",
        detectors={"own": kind_of(eye, "custom.a", "custom.b", contents=frozenset({"image"}))},
    )


def test_a_finding_without_a_box_has_all_covered(
    guard_of: Callable[..., Guard], kind_of: Any, own: Any
) -> None:
    """Also beside one that has."""

    def judge(content: Image) -> Detection:
        if not content.source.views[0].any():
            return CLEAN
        return Detection((Finding("custom.a", 0.9, "d", box=(0, 0, 5, 5)), Finding("custom.b", 0.9, "d")))

    rules = "  - {id: a, on: output, when: custom.a > 0.5 || custom.b > 0.5, then: redact}\n"
    verdict = finds(guard_of, kind_of, own, judge, rules).check(drawn(BOX), "output")
    assert str(verdict.action) == "redact"
    assert not pixels_of(verdict.content).any()


def test_who_judges_a_covered_picture_is_told_what_was_covered(
    guard_of: Callable[..., Guard], kind_of: Any, own: Any
) -> None:
    """With the margin: what it infers from around that is what was covered. The same file that comes anew is judged as it is."""
    seen: list[tuple[Any, ...]] = []

    def judge(content: Image) -> Detection:
        seen.append(content.source.covered)
        found = Detection((Finding("custom.a", 0.9, "d", box=(20, 20, 20, 40)),))
        return CLEAN if content.source.covered else found

    rules = "  - {id: a, on: output, when: custom.a > 0.5, then: redact}\n"
    guard = finds(guard_of, kind_of, own, judge, rules)
    made = guard.check(filed(drawn(BOX)), "output").content
    assert seen == [(), ((17, 14, 26, 52),)]
    assert str(guard.check(made, "output").action) == "redact"
    assert seen[2] == ()


def test_what_is_still_found_is_blocked(guard_of: Callable[..., Guard], kind_of: Any, own: Any) -> None:
    """A detector that finds something in any picture finds it in the covered one too, whichever rule it is for."""
    found = Detection((Finding("custom.a", 0.9, "d", box=(0, 0, 5, 5)),))
    rules = "  - {id: a, on: output, when: custom.a > 0.5, then: redact}\n"
    guard = finds(guard_of, kind_of, own, lambda content: found, rules)
    verdict = guard.check(drawn(BOX), "output")
    assert (verdict.blocked, verdict.content) == (True, None)
    assert [(rule.id, str(rule.action), rule.reason) for rule in verdict.rules] == [
        ("a", "block", "not_redacted")
    ]


def test_what_is_blocked_anyhow_is_not_redacted_first(
    guard_of: Callable[..., Guard], kind_of: Any, own: Any
) -> None:
    """That would be time for nothing."""
    found = Detection((Finding("custom.a", 0.9, "d", box=(0, 0, 5, 5)),))
    rules = (
        "  - {id: a, on: output, when: custom.a > 0.5, then: redact}\n"
        "  - {id: b, on: output, when: custom.a > 0.8, then: block}\n"
    )
    verdict = finds(guard_of, kind_of, own, lambda content: found, rules).check(drawn(BOX), "output")
    assert verdict.blocked
    assert "covering" not in verdict.timings_ms


def test_a_shadow_rule_covers_nothing(guard_of: Callable[..., Guard], kind_of: Any, own: Any) -> None:
    """It is only recorded."""
    found = Detection((Finding("custom.a", 0.9, "d", box=(0, 0, 5, 5)),))
    rules = "  - {id: a, on: output, when: custom.a > 0.5, then: redact, mode: shadow}\n"
    given_ = drawn(BOX)
    verdict = finds(guard_of, kind_of, own, lambda content: found, rules).check(given_, "output")
    assert (str(verdict.action), verdict.content) == ("allow", given_)
    assert [rule.id for rule in verdict.shadow] == ["a"]


def test_rules_that_cover_in_other_ways_all_do(
    guard_of: Callable[..., Guard], kind_of: Any, own: Any
) -> None:
    """Each its own boxes; what one wants black is black."""
    before = np.asarray(drawn(BOX))

    def judge(content: Image) -> Detection:
        if (content.source.views[0] != before).any():
            return CLEAN
        return Detection(
            (
                Finding("custom.a", 0.9, "d", box=(0, 0, 40, 40)),
                Finding("custom.b", 0.9, "d", box=(20, 20, 40, 40)),
            )
        )

    rules = (
        "  - {id: a, on: output, when: custom.a > 0.5, then: redact, with: {image: placeholder}}\n"
        "  - {id: b, on: output, when: custom.b > 0.5, then: redact}\n"
    )
    after = pixels_of(finds(guard_of, kind_of, own, judge, rules).check(drawn(BOX), "output").content)
    assert not after[20:60, 20:60].any()
    assert tuple(after[2, 2]) == (128, 128, 128)
    assert (after[75:, 75:] == before[75:, 75:]).all()


def test_a_floor_has_its_own_rules_covered_too(guard_of: Callable[..., Guard]) -> None:
    """The policy above it asks for nothing."""
    detector = "detectors:\n  green: {use: green_square}\nrules:\n  - {id: %s, on: output, when: custom.green_square > 0.3, then: %s}\n"
    guard = guard_of(detector % ("own", "flag"), floor=detector % ("floor", "redact"))
    verdict = guard.check(drawn(BOX), "output")
    assert (str(verdict.action), {rule.id for rule in verdict.rules}) == ("redact", {"own", "floor"})
    assert not pixels_of(verdict.content)[40:50, 30:50].any()


@settings(max_examples=scale(25))
@given(
    st.lists(
        st.tuples(st.integers(0, 70), st.integers(0, 50), st.integers(12, 40), st.integers(12, 30)),
        min_size=1,
        max_size=3,
    )
)
def test_no_green_pixel_is_left_wherever_squares_are(
    covering: Callable[[str], Guard], boxes: list[tuple[int, int, int, int]]
) -> None:
    """Overlapping, touching, at the edge: what is redacted holds none, else all of it is blocked."""
    verdict = covering("").check(drawn(*boxes), "output")
    assert verdict.action >= 2
    if not verdict.blocked:
        assert not (pixels_of(verdict.content) == (0, 255, 0)).all(axis=2).any()


def data_uri(data: bytes, type_: str = "image/png") -> str:
    """Return a picture as a data URI."""
    return f"data:{type_};base64,{b64encode(data).decode()}"


def test_a_picture_in_a_conversation_is_written_back_as_it_stood(covering: Callable[[str], Guard]) -> None:
    """The other one is as it was, and so is the text."""
    green, plain = data_uri(filed(drawn(BOX))), data_uri(filed(drawn(), "JPEG"), "image/jpeg")
    parts = [
        {"type": "text", "text": "look"},
        {"type": "image_url", "image_url": {"url": plain, "detail": "low"}},
        {"type": "image_url", "image_url": {"url": green}},
    ]
    verdict: Verdict = covering("").check([{"role": "user", "content": parts}])
    assert str(verdict.action) == "redact"
    [finding] = verdict.findings
    assert (finding.path, finding.box) == ("/0/content/2/image_url/url", BOX)
    [message] = verdict.content  # type: ignore[misc]
    assert message["content"][:2] == parts[:2]
    made = message["content"][2]["image_url"]["url"]
    assert made.startswith("data:image/png;base64,")
    assert not pixels_of(b64decode(made.partition(",")[2]))[40:50, 30:50].any()
    image = verdict.coverage.kinds["image"]
    assert (image.parts, image.checked, image.frames, image.pixels) == (2, 2, 2, 2 * 120 * 90)


def test_an_earlier_turn_with_a_picture_that_cannot_be_redacted_is_left_out(
    guard_of: Callable[..., Guard], kind_of: Any, own: Any
) -> None:
    """It must not poison the conversation for ever."""
    found = Detection((Finding("custom.a", 0.9, "d", box=(0, 0, 5, 5)),))
    rules = "  - {id: a, on: input, when: custom.a > 0.5, then: redact}\n"
    guard = finds(guard_of, kind_of, own, lambda content: found, rules)
    part = {"type": "image_url", "image_url": {"url": data_uri(filed(drawn(BOX)))}}
    messages = [
        {"role": "user", "content": [part]},
        {"role": "assistant", "content": "nice"},
        {"role": "user", "content": "thanks"},
    ]
    verdict = guard.check(messages)
    assert (str(verdict.action), verdict.removed) == ("redact", ("/0", "/1"))
    assert verdict.content == messages[2:]
    assert guard.check(messages[:1]).blocked
