"""Films among leaves: watched once, judged by the detectors for pictures, and named where they cannot be."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Mapping
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image as Pillow

from guardrails import Guard
from guardrails.detectors.speech.transcript import SoundTranscript
from guardrails.detectors.speech.transcript_text import SpokenText, TimedWord
from guardrails.engine.media.films import open_films
from guardrails.types import CLEAN, Detection, Finding, Unchecked, Video
from tests.cases import each_case
from tests.films import SQUARE, film, green, plain, scene, taped, tone

GREEN = """
detectors:
  green: {use: green_square}
rules:
  - {id: green, on: [input, output], when: custom.green_square > 0.5, then: block}
"""
MIXED = chain.from_iterable
"""Scenes, one after the other."""


@pytest.fixture(scope="module")
def guard(guard_of: Callable[..., Guard]) -> Guard:
    """A guard that blocks green squares."""
    return guard_of(GREEN)


def told(verdict: Any) -> Mapping[str, Any]:
    """Return the coverage of the only film."""
    (found,) = verdict.to_dict()["coverage"]["films"]
    return dict(found)


def near(clip: tuple[int, int] | None, start: int, end: int, by: int = 150) -> bool:
    """Tell whether a clip is a stretch, within so many milliseconds."""
    return clip is not None and abs(clip[0] - start) <= by and abs(clip[1] - end) <= by


@pytest.mark.parametrize("ending", ["mp4", "webm"])
def test_what_is_in_a_film_is_found_with_its_time(guard: Guard, ending: str) -> None:
    """In every container, from the frame on with which it begins to the one with which it ends; one without it passes."""
    data = film(MIXED([scene(60), green(45), scene(60, 2)]), ending)
    verdict = guard.check(data, "output", complete=True)
    (finding,) = verdict.findings
    assert verdict.blocked
    assert verdict.content is None
    assert near(finding.clip, 2_000, 3_500, 40)
    assert finding.box is not None
    assert np.abs(np.array(finding.box) - np.array(SQUARE)).max() <= 4
    coverage = told(verdict)
    assert (coverage["frames"], coverage["cuts"], coverage["stopped"], coverage["sound"]) == (
        165,
        2,
        None,
        "absent",
    )
    assert coverage["judged"] < 40
    harmless = film(MIXED([scene(60), scene(60, 2)]), ending)
    passed = guard.check(harmless, "output")
    assert (passed.action.name, passed.content, passed.coverage.unchecked) == ("ALLOW", harmless, ())


def test_one_odd_frame_of_many_is_found(guard: Guard) -> None:
    """Between two cuts, where nobody who looks once a second would see it; and what comes behind it is not watched."""
    data = film(MIXED([scene(900), green(1), scene(899, 2)]))
    verdict = guard.check(data, "output")
    assert [each.clip for each in verdict.findings] == [(30_000, 30_033)]
    assert not verdict.complete
    assert told(verdict)["frames"] < 1_200
    whole = guard.check(data, "output", complete=True)
    assert whole.complete
    assert whole.blocked
    assert told(whole)["frames"] == 1_800


@each_case(
    ("policy", "floor", "blocked"),
    [(9_000, None, False), (1_000, None, True), ("", 1_000, True), (1_000, "", True), (9_000, 1_000, True)],
)
def test_a_gap_without_frames_is_named_where_a_policy_says_so(
    guard_of: Callable[..., Guard], policy: int | str, floor: int | str | None, blocked: bool
) -> None:
    """Also where the other one of both says nothing of gaps, which counts damage alone."""
    texts = [each and f"{GREEN}films: {{max_gap_ms: {each}}}" for each in (policy, floor)]
    own = guard_of(texts[0] or GREEN, floor=GREEN if floor == "" else texts[1])
    data = film(scene(60), "mkv", times=[33 * at + 3_000 * (at >= 30) for at in range(60)])
    verdict = own.check(data, "output")
    assert told(verdict)["largest_gap_ms"] == 3_000
    assert [each.kind for each in verdict.coverage.unchecked] == ["video"] * blocked
    assert verdict.blocked is blocked


@each_case("form", [bytes, Path, io.BytesIO, "open", bytearray])
def test_a_film_comes_as_bytes_or_file(guard: Guard, tmp_path: Path, form: Any) -> None:
    """A path is told by its name, or where that says nothing by its first bytes, as bytes are."""
    data = film(green(10))
    path = tmp_path / "noending"
    path.write_bytes(data)
    given: Any = path if form is Path else path.open("rb") if form == "open" else form(data)
    for _ in range(2):  # it is left as it was
        assert [each.category for each in guard.check(given).findings] == ["custom.green_square"]
    if form == "open":
        given.close()


SIDES = (20, 30)
STRETCHES = ((40, 46), (40, 60), (63, 99))
SEEDS = (None, 1)
"""Of a shot that stands still, and of one that moves."""


@pytest.mark.parametrize(("side", "stretch", "seed"), [(20, (40, 46), None), (30, (63, 99), 1)])
def test_what_comes_and_goes_in_a_part_of_a_shot_is_found(
    guard: Guard, side: int, stretch: tuple[int, int], seed: int | None
) -> None:
    """Between two frames that are due, without any cut, small; and its end is known however long the shot goes on."""
    start, end = stretch
    frames = [*(scene(120, seed) if seed else plain(120, 100)), *scene(30, 2)]
    for pixels in frames[start:end]:
        pixels[40 : 40 + side, 60 : 60 + side] = (0, 255, 0)
    (finding,) = guard.check(film(frames), "output", complete=True).findings
    assert near(finding.clip, round(start * 1000 / 30), round(end * 1000 / 30), 110)


def shade(content: Any) -> Detection:
    """Say how white a picture is."""
    mean = float(content.source.views[0].mean()) / 255
    return Detection((Finding("custom.own", min(1.0, mean), "own"),)) if mean > 0.1 else CLEAN


@pytest.fixture
def shaded(guard_of: Callable[..., Guard], kind_of: Any) -> Callable[..., Guard]:
    """Return a function: more of a policy that blocks what is whiter than 0.6 in, a guard out."""

    def make(more: str = "", judge: Any = shade, when: str = "custom.own >= 0.6", **options: Any) -> Guard:
        own = kind_of(judge, contents=frozenset({"image"}), tier=1)
        judge_ = own.build("", None, None)
        judge_.pixels, judge_.inline = True, False
        rule = f"rules:\n  - {{id: w, on: [input, output], when: {when}, then: block}}\n"
        text = "detectors:\n  own: {use: own}\n" + rule + more
        return guard_of(text, detectors={"own": own}, **options)

    return make


def test_a_lone_score_is_looked_at_more_closely(shaded: Callable[..., Guard]) -> None:
    """A detector that is wrong about one frame in a shot is not believed; about a stretch of it, it is."""
    seen: list[float] = []

    def wrong(content: Any) -> Detection:
        frame = content.source.frames[0]
        seen.append(frame.start_ms)
        lone = len([each for each in seen if each == 2_000]) == 1 and frame.start_ms == 2_000
        return Detection((Finding("custom.own", 0.8, "own"),)) if lone else CLEAN

    guard = shaded(judge=wrong)
    assert guard.check(film(scene(150)), "output").action.name == "ALLOW"
    assert len([each for each in seen if 1_000 < each < 3_000]) > 4

    def long(content: Any) -> Detection:
        at = content.source.frames[0].start_ms
        return Detection((Finding("custom.own", 0.8, "own"),)) if 1_700 <= at < 2_300 else CLEAN

    verdict = shaded(judge=long).check(film(scene(150)), "output", complete=True)
    assert verdict.blocked
    (finding,) = verdict.findings
    assert near(finding.clip, 1_700, 2_300, 300)


def test_a_rule_with_a_low_threshold_has_its_own_stretch(shaded: Callable[..., Guard]) -> None:
    """Scores below `enter` are told apart by tenths, so that each rule gets what reaches its threshold."""

    def rising(content: Any) -> Detection:
        at = content.source.frames[0].start_ms
        return Detection((Finding("custom.own", 0.35 if at < 3_000 else 0.55, "own"),))

    guard = shaded(judge=rising, when="custom.own >= 0.5")
    found = guard.check(film(scene(180)), "output", complete=True).findings
    assert [round(each.score, 2) for each in found] == [0.35, 0.55]
    assert near(found[1].clip, 3_000, 6_000, 40)


@pytest.mark.parametrize("more", ["", "unchecked: {video: allow}"])
def test_a_detector_that_fails_over_a_frame_has_failed(shaded: Callable[..., Guard], more: str) -> None:
    """Its rules cannot be decided; the failure is named."""

    def fails(content: Any) -> Detection:
        raise RuntimeError("no")

    verdict = shaded(more, judge=fails).check(film(scene(30)), "output")
    assert (verdict.blocked, verdict.rules) == (True, ())
    assert verdict.unavailable is not None
    assert verdict.unavailable.reason == "crash"
    assert [each.error for each in verdict.errors] == ["raised RuntimeError"]


DATA = film(MIXED([scene(60), scene(60, 2)]))


@each_case(
    ("data", "said"),
    [
        (DATA[: len(DATA) // 2], "undecodable"),
        (DATA[:40] + bytes(200), "undecodable"),
        (b"\x00\x00\x00\x18ftypmp42" + bytes(80), "undecodable"),
    ],
)
def test_what_cannot_be_watched_is_named(guard: Guard, data: bytes, said: str) -> None:
    """A film that is cut off or broken is unchecked, which blocks; the cause is in the coverage."""
    verdict = guard.check(data, "output")
    (entry,) = verdict.coverage.unchecked
    assert verdict.blocked
    assert (entry.kind, entry.reason.split(":")[0]) == ("video", said)


@each_case(
    ("more", "kind", "said"),
    [
        ("limits: {film_seconds: 2}", "limit", "seconds"),
        ("films: {max_frames: 3}", "limit", "budget"),
        ("limits: {film_bytes: 1000}", "limit", "too_many_bytes"),
        ("limits: {film_pixels: 1000}", "limit", "too_many_pixels"),
    ],
)
@each_case("action", ["block", "flag", "allow"])
def test_a_limit_ends_in_the_policy_s_action(
    guard_of: Callable[..., Guard], more: str, kind: str, said: str, action: str
) -> None:
    """Never in a pass, unless the policy says so."""
    guard = guard_of(f"{GREEN}{more}\nunchecked: {{{kind}: {action}}}\n")
    verdict = guard.check(DATA, "output")
    assert str(verdict.action) == action
    assert [(each.kind, said in each.reason) for each in verdict.coverage.unchecked] == [(kind, True)]


def test_a_strobe_ends_by_the_budget(guard_of: Callable[..., Guard]) -> None:
    """Where every frame is a cut it is not watched for ever, and not let pass."""
    guard = guard_of(GREEN + "films: {max_frames: 20}\n")
    verdict = guard.check(film(MIXED(scene(1, seed) for seed in range(60))), "output")
    assert verdict.blocked
    assert told(verdict)["judged"] <= 20
    assert verdict.coverage.unchecked[0].kind == "limit"


def test_the_floor_sees_no_less_than_it_would_alone(guard_of: Callable[..., Guard]) -> None:
    """A policy's own limits do not blind the floor under it."""
    data = film(MIXED([scene(90), green(30)]))
    weak = "rules: []\nlimits: {film_seconds: 1}\nfilms: {fps: 0.1, max_frames: 2}\nunchecked: {limit: allow, part: allow}\n"
    assert guard_of(weak).check(data, "output").action.name == "ALLOW"
    assert [rule.id for rule in guard_of(weak, floor=GREEN).check(data, "output").rules] == ["green"]


TEXTS = """
detectors:
  words: {use: terms, terms: [zqxbomb], category: custom.bomb}
  green: {use: green_square}
rules:
  - {id: bomb, on: [input, output], when: custom.bomb > 0, then: block}
  - {id: green, on: [input, output], when: custom.green_square > 0.5, then: block}
"""


@each_case(
    ("options", "clip"),
    [
        ({"metadata": {"title": "About zqxbomb."}}, None),
        (
            {"captions": [(0, 500, "Hello."), (700, 1_500, "The zqxbomb."), (1_600, 1_900, "Bye.")]},
            (700, 1_500),
        ),
    ],
)
def test_texts_in_the_file_meet_the_rules_on_texts(
    guard_of: Callable[..., Guard], options: dict[str, Any], clip: object
) -> None:
    """What the file says of itself, and its subtitles, with their times."""
    guard = guard_of(TEXTS)
    verdict = guard.check(film(scene(60), "mkv", **options), "output")
    assert [rule.id for rule in verdict.rules] == ["bomb"]
    assert [(each.category, each.span, each.clip) for each in verdict.findings] == [
        ("custom.bomb", None, clip)
    ]
    assert guard.check(film(scene(60), "mkv", captions=[(0, 500, "Hello.")]), "output").action.name == "ALLOW"


def test_what_is_written_in_frames_is_read(guard_of: Callable[..., Guard], kind_of: Any) -> None:
    """On each cut and every five seconds; the same text is told once, for as long as it may be seen."""
    from guardrails.detectors.images.text_layout import TextLine, place_lines

    class Reader:
        inline, pixels = False, True
        read = 0

        def detect(self, batch: Any) -> list[Detection]:
            return [CLEAN] * len(batch)

        def extracts(self, batch: Any) -> list[Any]:
            Reader.read += 1
            (content,) = batch
            at = content.source.frames[0].start_ms
            lines = [TextLine("zqxbomb", (10, 10, 40, 10))] if 2_000 <= at < 4_000 else []
            text = place_lines([TextLine("hello", (0, 0, 9, 9)), *lines], "ocr")
            return [(text,)]

    reader = kind_of(Reader(), contents=frozenset({"image"}), tier=1)
    guard = guard_of(
        TEXTS.replace("detectors:\n", "detectors:\n  own: {use: own}\n"), detectors={"own": reader}
    )
    verdict = guard.check(film(MIXED([scene(60), scene(60, 2), scene(240, 3)])), "output", complete=True)
    (finding,) = verdict.findings
    assert (finding.category, finding.box, finding.origin) == ("custom.bomb", (10, 10, 40, 10), "ocr")
    assert near(finding.clip, 2_000, 4_000, 40)
    assert told(verdict)["read"] == Reader.read <= 6


@each_case(
    ("kind", "left"), [("text/html", 1), ("image/webp", 1), ("video/mp4", 1), ("", 1), ("font/ttf", 0), ("application/x-truetype-font", 0)]
)  # fmt: skip
def test_what_is_attached_to_a_film_is_named(guard: Guard, kind: str, left: int) -> None:
    """Nobody reads it; fonts, which subtitles bring along, say nothing."""
    out = io.BytesIO()
    with av.open(out, "w", format="matroska") as made:
        pictures = made.add_stream("mpeg4", rate=30)
        pictures.width, pictures.height, pictures.pix_fmt = 160, 120, "yuv420p"
        made.add_attachment("zqx", kind, b"zqxbomb")
        for pixels in scene(5):
            made.mux(pictures.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        made.mux(pictures.encode())
    verdict = guard.check(out.getvalue(), "output")
    assert verdict.blocked == bool(left)
    reason = "a file is attached to it, which nobody reads"
    assert [(each.kind, each.reason) for each in verdict.coverage.unchecked] == [("part", reason)] * left


@each_case(
    ("container", "codec"),
    [("matroska", "dvdsub"), ("matroska", "dvbsub"), ("mpegts", "dvbsub"), ("mp4", "dvdsub")],
)
def test_subtitles_that_are_drawn_are_named(guard: Guard, container: str, codec: str) -> None:
    """As discs and television have them."""
    out = io.BytesIO()
    with av.open(out, "w", format=container) as made:
        pictures, drawn = made.add_stream("libx264", rate=30), made.add_mux_stream(codec)
        pictures.width, pictures.height, pictures.pix_fmt = 160, 120, "yuv420p"
        said = av.Packet(b"\x00\x20" + bytes(30))
        said.stream, said.pts, said.dts, said.time_base = drawn, 0, 0, Fraction(1, 1_000)
        made.mux(said)
        for pixels in scene(20):
            made.mux(pictures.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        made.mux(pictures.encode())
    verdict = guard.check(out.getvalue(), "output")
    assert verdict.blocked
    reason = "it has subtitles that are drawn, which nobody reads"
    assert [(each.kind, each.reason) for each in verdict.coverage.unchecked] == [("part", reason)]


def test_captions_inside_of_frames_are_named(guard: Guard) -> None:
    """As television has them; empty ones say nothing."""
    data = film(scene(20), "ts")
    for pair, kinds in ((b"\xd4\xf2", ["part"]), (b"\x80\x80", [])):
        note = b"\x06\x04\x11\xb5\x00\x31GA94\x03\x42\xff\xfc" + pair + b"\xfc" + pair + b"\xff\x80"
        out = io.BytesIO()
        with av.open(io.BytesIO(data)) as source, av.open(out, "w", format="mpegts") as made:
            copied = made.add_stream_from_template(source.streams.video[0], opaque=True)
            for packet in source.demux(video=0):
                if packet.size:
                    more = av.Packet(b"\x00\x00\x00\x01" + note + bytes(packet))
                    more.stream, more.is_keyframe = copied, packet.is_keyframe
                    more.pts, more.dts, more.time_base = packet.pts, packet.dts, packet.time_base
                    made.mux(more)
        verdict = guard.check(out.getvalue(), "output")
        assert [each.kind for each in verdict.coverage.unchecked] == kinds
        assert verdict.blocked == bool(kinds)


def test_silence_and_tones_are_no_speech(guard: Guard) -> None:
    """Nobody says anything, so that nothing was left out."""
    for sound in (np.zeros(96_000, np.float32), tone(2)):
        verdict = guard.check(film(scene(60), sound=sound), "output")
        assert (verdict.action.name, told(verdict)["sound"]) == ("ALLOW", "silent")


@each_case(
    ("heard", "action", "sound", "kinds"),
    [
        (SoundTranscript(((0, 900),), SpokenText("a zqxbomb", "speech", (), words=(TimedWord(0, 1, (0, 200)), TimedWord(2, 9, (300, 900))))), "BLOCK", "checked", []),
        (SoundTranscript(((0, 900),), None, (Unchecked("audio", "no transcriber"),)), "FLAG", "not_checked", ["audio"]),
        (SoundTranscript(((0, 900),), None, (), "raised OSError"), "BLOCK", "not_checked", ["part"]),
        (SoundTranscript(), "ALLOW", "silent", []),
    ],
)  # fmt: skip
def test_what_is_said_meets_the_rules_on_texts(
    guard_of: Callable[..., Guard],
    kind_of: Any,
    heard: SoundTranscript,
    action: str,
    sound: str,
    kinds: list[str],
) -> None:
    """With its time; speech that nobody transcribes is `audio`, a transcriber that fails is no pass."""

    class Hearer:
        inline = False

        def detect(self, batch: Any) -> list[Detection]:
            return [CLEAN] * len(batch)

        def hears(self, chunks: Any) -> SoundTranscript:
            assert sum(len(samples) for _, samples in chunks) > 30_000
            return heard

    guard = guard_of(
        TEXTS.replace("detectors:\n", "detectors:\n  own: {use: own}\n"),
        detectors={"own": kind_of(Hearer(), contents=frozenset({"video"}))},
    )
    verdict = guard.check(film(scene(60), sound=tone(2)), "output")
    assert (verdict.action.name, told(verdict)["sound"]) == (action, sound)
    assert [entry.kind for entry in verdict.coverage.unchecked] == kinds
    assert [each.clip for each in verdict.findings] == ([(300, 900)] if heard.text else [])


def test_watching_has_time_of_its_own(guard_of: Callable[..., Guard]) -> None:
    """The time that detectors have together does not count what watching takes."""
    guard = guard_of(GREEN + "limits: {deadline_ms: 1}\n")
    verdict = guard.check(film(scene(90)), "output")
    assert (verdict.action.name, verdict.errors) == ("ALLOW", ())


def test_a_film_of_which_only_the_address_is_known_is_not_watched(guard: Guard) -> None:
    """It is unchecked, as a picture is."""
    verdict = guard.check(Video(url="http://x/y.mp4"), "output")
    assert verdict.blocked
    assert [each.kind for each in verdict.coverage.unchecked] == ["part"]
    assert open_films(guard.pipeline.policies, []) == []


def test_a_film_is_watched_beside_an_event_loop(guard: Guard) -> None:
    """The twin that does not block."""
    assert asyncio.run(guard.acheck(film(green(10)), "output")).blocked


SOUNDS = [("wav", "pcm_s16le"), ("mp3", "mp3"), ("flac", "flac"), ("ogg", "libopus"), ("adts", "aac")]


@pytest.mark.parametrize(("container", "codec"), SOUNDS[:2])
def test_a_sound_alone_is_listened_to(
    guard_of: Callable[..., Guard], container: str, codec: str, spoken: Any
) -> None:
    """Silence is nothing to judge; speech that nobody transcribes is `audio`, and what breaks off is no pass."""
    guard = guard_of(TEXTS)
    silent = taped(np.zeros(32_000, np.float32), container, codec)
    verdict = guard.check(silent, "output")
    assert (verdict.action.name, verdict.content, told(verdict)["sound"]) == ("ALLOW", silent, "silent")
    verdict = guard.check(taped(spoken(3), container, codec), "output")
    assert (verdict.action.name, told(verdict)["sound"]) == ("FLAG", "not_checked")
    assert [entry.kind for entry in verdict.coverage.unchecked] == ["audio"]


def test_what_a_sound_says_of_itself_and_shows_is_judged(guard_of: Callable[..., Guard]) -> None:
    """Its title meets the rules on texts, its cover those on pictures."""
    guard = guard_of(TEXTS)
    silence = np.zeros(32_000, np.float32)
    verdict = guard.check(taped(silence, "flac", "flac", metadata={"title": "About zqxbomb."}), "output")
    assert [(rule.id, rule.reason) for rule in verdict.rules] == [("bomb", "matched")]
    for square, action in ((True, "BLOCK"), (False, "ALLOW")):
        (pixels,) = green(1) if square else scene(1)
        cover = io.BytesIO()
        Pillow.fromarray(pixels).save(cover, "JPEG")
        verdict = guard.check(taped(silence, "flac", "flac", covers=[cover.getvalue()]), "output")
        assert (verdict.action.name, [each.origin for each in verdict.findings]) == (
            action,
            ["cover"] if square else [],
        )


@each_case("data", [b"RIFF\x00\x00\x00\x00WAVE", b"fLaC" + bytes(60), b"OggS" + bytes(60)])
def test_a_sound_that_cannot_be_heard_is_named(guard: Guard, data: bytes) -> None:
    """It is a part that nobody judged, which blocks."""
    verdict = guard.check(data, "output")
    assert verdict.blocked
    assert [each.kind for each in verdict.coverage.unchecked] == ["part"]


@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_what_stands_behind_a_film_is_named(guard: Guard, ending: str) -> None:
    """A second film, which no player shows; without it the film passes."""
    harmless, other = film(scene(30), ending), film(green(30), ending)
    verdict = guard.check(harmless + other, "output")
    assert verdict.blocked
    [entry] = verdict.coverage.unchecked
    assert (entry.kind, entry.reason.partition(" ")[0]) == ("part", str(len(other)))
    assert "ffmpeg" in entry.reason
    assert guard.check(harmless, "output").action.name == "ALLOW"


def test_what_stands_behind_a_sound_is_named(guard_of: Callable[..., Guard]) -> None:
    """As behind a film."""
    guard, data = guard_of(TEXTS), taped(np.zeros(32_000, np.float32))
    verdict = guard.check(data + b"more", "output")
    assert verdict.blocked
    assert [(each.kind, each.reason[:7]) for each in verdict.coverage.unchecked] == [("part", "4 bytes")]


def test_a_file_that_cannot_be_opened_says_what_to_do(guard: Guard) -> None:
    """It begins as a film does, and the rest is not there."""
    verdict = guard.check(film(scene(30))[:2_000], "output")
    [entry] = verdict.coverage.unchecked
    assert entry.kind == "video"
    assert "cannot be opened as mov" in entry.reason
    assert "send all of it, or write it anew" in entry.reason
