"""Pictures among leaves: decoded once, and named where they cannot be."""

from __future__ import annotations

import io
import threading
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageDraw

from guardrails import Guard
from guardrails.engine.content.content_tree import ContentTree, Leaf
from guardrails.engine.media import picture_decoding as pictures_module
from guardrails.engine.media.picture_decoding import decode_picture, prepare_decoding
from guardrails.engine.model import Request
from guardrails.engine.redaction import media_redaction
from guardrails.media.errors import MediaError
from guardrails.media.images import picture as decoding
from guardrails.media.images.picture import Picture
from guardrails.media.limits import PictureLimits
from guardrails.media.pixel_pool import PixelPool
from guardrails.types import Action, Detection, Finding, Image, KindCoverage, Place, Stage, Text
from tests.cases import each_case

GREEN = """
detectors:
  green: {use: green_square}
rules:
  - {id: green, on: [input, output], when: custom.green_square > 0.5, then: block}
"""
BOX = (20, 30, 40, 24)


def drawn(*, green: bool, mode: str = "RGB") -> Pillow.Image:
    """Return a picture of 120 x 80 pixels, with a green square in it or not."""
    image = Pillow.new("RGB", (120, 80), (200, 180, 160))
    if green:
        x, y, width, height = BOX
        ImageDraw.Draw(image).rectangle((x, y, x + width - 1, y + height - 1), fill=(0, 255, 0))
    return image.convert(mode)


def filed(image: Pillow.Image, format_: str = "PNG", **more: Any) -> bytes:
    """Return a picture as a file."""
    out = io.BytesIO()
    image.save(out, format_, **more)
    return out.getvalue()


@pytest.fixture(scope="module")
def guard(guard_of: Callable[..., Guard]) -> Guard:
    """A guard that blocks green squares."""
    return guard_of(GREEN)


@each_case("format_", ["PNG", "JPEG", "WEBP", "GIF", "AVIF", "BMP"])
def test_a_picture_is_judged_in_every_format(guard: Guard, format_: str) -> None:
    """The box is that of what was found, and coverage counts the picture."""
    verdict = guard.check(filed(drawn(green=True), format_), "output")
    assert verdict.blocked
    assert verdict.content is None
    shown = verdict.to_dict()
    finding: Any = verdict.to_dict()["findings"][0]  # type: ignore[index]
    near = np.abs(np.array(finding["box"]) - np.array(BOX))
    assert near.max() <= (0 if format_ in ("PNG", "GIF", "BMP") else 2)
    assert (finding["span"], finding["clip"]) == (None, None)
    assert shown["coverage"]["image"] == {"parts": 1, "checked": 1, "frames": 1, "pixels": 9600}  # type: ignore[index]
    assert guard.check(filed(drawn(green=False), format_), "output").action.name == "ALLOW"


@each_case("green", [True, False])
@each_case(
    "shape",
    [
        lambda image, _: image,
        lambda image, _: np.asarray(image),
        lambda image, _: np.asarray(image) / 255,
        lambda image, _: filed(image),
        lambda image, _: bytearray(filed(image)),
        lambda image, _: memoryview(filed(image)),
        lambda image, _: io.BytesIO(filed(image)),
        lambda image, _: Image(filed(image)),
        lambda image, _: Image(source=image),
        lambda image, folder: (folder / "a.png").write_bytes(filed(image)) and folder / "a.png",
    ],
    ids=[
        "pillow",
        "array",
        "floats",
        "bytes",
        "bytearray",
        "memoryview",
        "file",
        "content",
        "source",
        "path",
    ],
)
def test_what_a_picture_is_comes_back_itself(
    guard: Guard, tmp_path: Path, shape: Callable[[Any, Path], Any], *, green: bool
) -> None:
    """Where it may pass it is what was given, and nothing where it may not."""
    given = shape(drawn(green=green), tmp_path)
    verdict = guard.check(given, "output")
    assert verdict.blocked is green
    assert verdict.content is (None if green else given)


@each_case(
    ("given", "code"),
    [
        (Image(b""), "empty"),
        (Image(b"what is no picture"), "unsupported_type"),
        (filed(drawn(green=False))[:-40], "truncated"),
        (filed(drawn(green=False)) + b"PK\x03\x04", "trailing_data"),
        (filed(Pillow.new("1", (9_000, 9_000))), "too_many_pixels"),
        (Image(filed(drawn(green=False)), declared="image/jpeg"), "mistyped"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "unsupported_type"),
        (Path("no-such-file.png"), "undecodable"),
        (np.zeros((2, 2, 7), dtype=np.uint8), "undecodable"),
        (np.full((2, 2), np.nan), "undecodable"),
    ],
)
def test_what_cannot_be_decoded_is_unchecked_and_blocks(guard: Guard, given: object, code: str) -> None:
    """The reason begins with the code, and quotes nothing of the file."""
    verdict = guard.check(given, "output")
    [entry] = verdict.coverage.unchecked
    assert (verdict.blocked, entry.kind, entry.reason.partition(":")[0]) == (True, "image", code)
    assert [rule.id for rule in verdict.rules] == ["unchecked.image"]
    assert "picture" not in entry.reason or "what is no picture" not in entry.reason


def test_a_policy_says_what_becomes_of_what_cannot_be_decoded(guard_of: Callable[..., Guard]) -> None:
    """That is another matter than parts that nothing reads."""
    flags = guard_of(GREEN + "unchecked: {image: flag}\n")
    broken = filed(drawn(green=False))[:-40]
    verdict = flags.check(broken)
    assert (verdict.action.name, verdict.content) == ("FLAG", broken)
    assert guard_of(GREEN + "unchecked: {part: allow}\n").check(broken).blocked


@each_case(
    ("limits", "code"),
    [
        ("picture_bytes: 100", "too_many_bytes"),
        ("picture_pixels: 9599", "too_many_pixels"),
        ("picture_frames: 1", "too_many_frames"),
        ("picture_pixels: 9600, picture_frames: 9", "too_many_pixels"),
        ("picture_pixels: 19200", None),
    ],
)
def test_a_policy_says_how_large_pictures_may_be(
    guard_of: Callable[..., Guard], limits: str, code: str | None
) -> None:
    """What is larger is unchecked; a floor sees no less than it would alone."""
    frames = [drawn(green=False).point(lambda value, step=step: value - step) for step in range(6)]
    moving = filed(frames[0], "PNG", save_all=True, append_images=frames[1:], duration=40)
    guard = guard_of(GREEN + f"limits: {{{limits}}}\n")
    reasons = [entry.reason.partition(":")[0] for entry in guard.check(moving).coverage.unchecked]
    assert reasons == ([] if code is None else [code])
    assert not guard_of(GREEN + f"limits: {{{limits}}}\n", floor=GREEN).check(moving).blocked


def test_a_picture_that_nothing_looks_at_is_a_part_and_not_decoded(guard: Guard) -> None:
    """Neither at a stage without a rule on pictures, nor where only its address is known."""
    elsewhere = guard.check(filed(drawn(green=True)), "tool_result")
    assert [entry.kind for entry in elsewhere.coverage.unchecked] == ["part"]
    assert "pictures" not in elsewhere.timings_ms
    far = guard.check(Image(url="https://pictures.example/a.png"))
    assert [entry.kind for entry in far.coverage.unchecked] == ["part"]


def test_a_rule_can_ask_for_the_kind_of_content(guard_of: Callable[..., Guard]) -> None:
    """It fires on the picture, and not on the text."""
    guard = guard_of(
        "rules:\n  - {id: k, on: input, when: content.kind == 'image', then: flag}\nunchecked: {part: allow}"
    )
    assert [rule.id for rule in guard.check(filed(drawn(green=False))).rules] == ["k"]
    assert guard.check("a text").rules == ()


def test_texts_are_judged_as_without_a_detector_for_pictures(guard: Guard) -> None:
    """They take the short way, and streams wait for no picture."""
    verdict = guard.check("a green square", "output")
    assert verdict.to_dict()["coverage"] == {
        "text": {"parts": 1, "checked": 1, "characters": 14},
        "unchecked": [],
    }
    assert guard.held() == {}
    stream = guard.stream()
    assert stream.feed("a green square") + stream.flush() == "a green square"


def test_the_frames_of_what_moves_are_all_judged(guard: Guard) -> None:
    """One green frame of three is found, with the time when it is shown."""
    frames = [drawn(green=False), drawn(green=True), drawn(green=False, mode="L").convert("RGB")]
    moving = filed(frames[0], "WEBP", save_all=True, append_images=frames[1:], duration=40, lossless=True)
    [finding] = guard.check(moving).findings
    assert (finding.box, finding.clip) == (BOX, (40, 80))


def test_a_picture_is_turned_as_it_is_shown(guard: Guard) -> None:
    """A box is in pixels after the turn that EXIF says."""
    exif = Pillow.Exif()
    exif[0x0112] = 6
    [finding] = guard.check(filed(drawn(green=True), "JPEG", quality=98, exif=exif)).findings
    x, y, width, height = BOX
    assert finding.box is not None
    assert np.abs(np.array(finding.box) - np.array((80 - y - height, x, height, width))).max() <= 2


def test_findings_are_kept_by_the_bytes(guard_of: Callable[..., Guard], kind_of: Any, own: Any) -> None:
    """The same picture is looked at once, another anew; no text is taken for it."""
    eye = own(lambda content: Detection((Finding("custom.own", 0.9, "d"),)))
    eye.pixels = True
    guard = guard_of(
        "detectors:\n  d: {use: own}\nrules:\n  - {id: r, on: input, when: custom.own > 0.5, then: flag}",
        detectors={"own": kind_of(eye, contents=frozenset({"image"}))},
    )
    for _ in range(2):
        assert [rule.id for rule in guard.check(filed(drawn(green=True))).rules] == ["r"]
    assert len(eye.seen) == 1
    guard.check(filed(drawn(green=False)))
    assert len(eye.seen) == 2
    assert all(isinstance(content.source, Picture) for content in eye.seen)


@each_case("format_", ["PNG", "JPEG", "AVIF"])
def test_a_picture_that_comes_again_is_not_decoded_again(
    guard_of: Callable[..., Guard], monkeypatch: pytest.MonkeyPatch, format_: str
) -> None:
    """Its findings are known, and so is all that coverage says of it."""
    guard, data, decoded = guard_of(GREEN), filed(drawn(green=True), format_), []
    whole = decoding._whole
    monkeypatch.setattr(decoding, "_whole", lambda *given: decoded.append(1) or whole(*given))
    for _ in range(2):
        tree = ContentTree([Leaf(Image(data, place=Place(Stage.OUTPUT)))])
        outcome = guard.pipeline.check(tree, Request())
        assert outcome.action is Action.BLOCK
        assert outcome.coverage.kinds["image"] == KindCoverage(1, 1, 0, 1, 9600)
        source: Any = tree.leaves[0].content
        assert not source.source.frames.ready
    assert decoded == [1]


def test_a_picture_that_comes_again_is_decoded_for_whoever_has_not_judged_it(
    guard_of: Callable[..., Guard], kind_of: Any, own: Any
) -> None:
    """A detector that failed sees it; another guard knows nothing of it."""
    shades: list[int] = []

    def look(content: Any) -> Detection:
        shades.append(int(content.source.frames[0].views[0][0, 0, 0]))
        if len(shades) < 3:
            raise ValueError
        return Detection((Finding("custom.own", 0.9, "d"),))

    eye = own(look)
    eye.pixels = True
    text = "detectors:\n  d: {use: own}\n  green: {use: green_square}\nrules:\n  - {id: r, on: input, when: custom.own > 0.5, then: flag}"
    guard, other = (guard_of(text, detectors={"own": kind_of(eye, contents=frozenset({"image"}))}) for _ in range(2))  # fmt: skip
    data = filed(drawn(green=True))
    for found in ([], [], ["r"], ["r"]):
        verdict = guard.check(data)
        assert [rule.id for rule in verdict.rules if rule.reason == "matched"] == found
        assert bool(verdict.errors) is not bool(found)
    assert shades == [200] * 3
    other.check(data)
    assert shades == [200] * 4


@each_case("box", [(-1, 0, 5, 5), (0, 0, 0, 5), (100, 0, 30, 5), (0, 79, 5, 2)])
def test_a_box_outside_of_the_picture_is_a_failure(
    guard_of: Callable[..., Guard], kind_of: Any, own: Any, box: tuple[int, int, int, int]
) -> None:
    """The detector is wrong, and its rule follows `on_error`."""
    eye = own(lambda content: Detection((Finding("custom.own", 0.1, "d", box=box),)))
    eye.pixels = True
    guard = guard_of(
        "detectors:\n  d: {use: own}\nrules:\n  - {id: r, on: input, when: custom.own > 0.5, then: flag, on_error: block}",
        detectors={"own": kind_of(eye, contents=frozenset({"image"}))},
    )
    verdict = guard.check(filed(drawn(green=True)))
    assert verdict.blocked
    assert [error.error for error in verdict.errors] == ["gave a box outside the picture"]


def pool_of(monkeypatch: pytest.MonkeyPatch, pictures: int, keep: int) -> PixelPool:
    """Return a pool with room for so many of the pictures above, in the place of the process's."""
    pool = PixelPool(pictures * 9_600, keep * 9_600)
    for module in (pictures_module, media_redaction):
        monkeypatch.setattr(module, "get_pixel_pool", lambda: pool)
    return pool


@each_case("at", [None, 0, 3, 7])
def test_pictures_of_one_request_are_not_held_together(
    guard_of: Callable[..., Guard], monkeypatch: pytest.MonkeyPatch, kind_of: Any, own: Any, at: int | None
) -> None:
    """Few are decoded at a time, and each is judged: a picture that is blocked is so at any place."""
    pool, held = pool_of(monkeypatch, 3, 1), []

    def look(content: Any) -> Detection:
        assert content.source.frames[0].views[0].shape == (80, 120, 3)
        held.append(pool.held_pixels // 9_600)
        return Detection()

    eye = own(look)
    eye.pixels = True
    text = GREEN.replace("{use: green_square}", "{use: green_square}\n  d: {use: own}")
    rule = "  - {id: r, on: input, when: custom.own > 0.5, then: flag}\n"
    guard = guard_of(text + rule, detectors={"own": kind_of(eye, contents=frozenset({"image"}))})
    images = [drawn(green=number == at) for number in range(8)]
    for number, image in enumerate(images):
        image.putpixel((0, 0), (number, 0, 0))
    parts = [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{b64encode(filed(each)).decode()}"}} for each in images]  # fmt: skip

    verdict = guard.check([{"role": "user", "content": parts}], complete=True)

    assert verdict.blocked is (at is not None)
    assert [finding.path for finding in verdict.findings] == (
        [] if at is None else [f"/0/content/{at}/image_url/url"]
    )
    assert verdict.coverage.kinds["image"].checked == len(held) == 8
    assert max(held) <= 3
    assert pool.held_pixels == 0


def test_what_is_redacted_is_not_held_together(
    guard_of: Callable[..., Guard], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each picture is decoded once more to be covered, and to be judged after that."""
    pool = pool_of(monkeypatch, 2, 1)
    images = [drawn(green=True) for _ in range(4)]
    for number, image in enumerate(images):
        image.putpixel((0, 0), (number, 0, 0))
    parts = [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{b64encode(filed(each)).decode()}"}} for each in images]  # fmt: skip

    verdict = guard_of(GREEN.replace("block", "redact")).check([{"role": "user", "content": parts}])

    assert verdict.action is Action.REDACT
    assert pool.held_pixels == 0


def test_checks_share_the_room_for_pixels(
    guard_of: Callable[..., Guard], monkeypatch: pytest.MonkeyPatch, kind_of: Any, own: Any
) -> None:
    """Another check waits while one holds what there is; where that takes too long its picture is not judged, which blocks."""
    pool_of(monkeypatch, 1, 1)
    looking, go_on = threading.Event(), threading.Event()

    def look(content: Any) -> Detection:
        view = content.source.frames[0].views[0]
        looking.set()
        assert go_on.wait(20)
        return Detection(error=None if view.any() else "it is black")

    eye = own(look)
    eye.pixels = True
    text = "detectors:\n  d: {use: own}\nrules:\n  - {id: r, on: input, when: custom.own > 0.5, then: flag}\n"
    first = guard_of(text, detectors={"own": kind_of(eye, contents=frozenset({"image"}))})
    second, patient = guard_of(GREEN + "limits: {deadline_ms: 50}\n"), guard_of(GREEN)
    verdicts: list[Any] = []
    threads = [threading.Thread(target=lambda: verdicts.append(first.check(filed(drawn(green=False)))))]
    threads[0].start()
    assert looking.wait(20)

    late = second.check(filed(drawn(green=False)))
    threads.append(threading.Thread(target=lambda: verdicts.append(patient.check(filed(drawn(green=True))))))
    threads[1].start()
    go_on.set()
    for thread in threads:
        thread.join(20)

    [unchecked] = late.coverage.unchecked
    assert (late.blocked, unchecked.kind, unchecked.reason.partition(":")[0]) == (True, "image", "timeout")
    assert sorted(each.blocked for each in verdicts) == [False, True]


def test_what_is_not_decoded_in_time_is_not_judged(guard: Guard) -> None:
    """A worker that goes on changes nothing any more."""
    leaves = [Leaf(Text("x")), Leaf(Image(filed(drawn(green=True))))]
    due = prepare_decoding((guard.policy,), leaves)
    assert due is not None
    assert due.task.leaves == [1]
    timings: dict[str, float] = {}
    due.settle(leaves, timings)
    due.task.run()
    assert isinstance(leaves[1].content, Image)
    assert isinstance(leaves[1].content.source, MediaError)
    assert leaves[1].content.source.code == "timeout"
    assert timings.keys() == {"pictures"}
    assert prepare_decoding((guard.policy,), leaves) is None


def test_several_threads_may_check_pictures_at_once(guard: Guard) -> None:
    """Each gets the verdict of its own."""
    given = [filed(drawn(green=bool(at % 2))) for at in range(8)]
    blocked: dict[int, bool] = {}

    def check(at: int) -> None:
        blocked[at] = guard.check(given[at]).blocked

    threads = [threading.Thread(target=check, args=(at,)) for at in range(len(given))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert blocked == {at: bool(at % 2) for at in range(8)}


def test_what_fails_while_it_is_read_is_named() -> None:
    """Whatever an object raises that says it is a picture."""

    class Odd:
        def getbands(self) -> None:
            raise AssertionError

        size = ("a", "b")

    found = decode_picture(Image(place=Place(Stage.INPUT), source=Odd()), PictureLimits())
    assert isinstance(found, MediaError)
    assert found.code == "undecodable"


@each_case("policy", ["default", "strict"])
def test_the_shipped_policies_let_harmless_pictures_pass(policy: str) -> None:
    """Drawn ones of every kind, also large, and in a conversation; what is no picture is refused."""
    guard = Guard.load(policy)
    random = np.random.default_rng(3)
    given = [
        drawn(green=True),
        drawn(green=False).resize((1600, 1200)),
        np.full((64, 64, 3), 255, dtype=np.uint8),
        random.integers(0, 255, (200, 200, 3), dtype=np.uint8),
        filed(drawn(green=True, mode="L"), "JPEG"),
    ]
    for picture in given:
        for stage in ("input", "output"):
            verdict = guard.check(picture, stage)
            assert str(verdict.action) == "allow"
            assert verdict.coverage.kinds["image"].checked == 1
    assert guard.check(Image(b"what is no picture"), "output").blocked
    assert guard.check(b"\xff what is no picture", "output").blocked
    url = f"data:image/png;base64,{b64encode(filed(drawn(green=True))).decode()}"
    parts = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": url}}]
    assert str(guard.check([{"role": "user", "content": parts}]).action) == "allow"
