"""Whether decoding can begin with a picture, by its first bytes."""

from __future__ import annotations

import av
import pytest

from guardrails.media.fragments.fragment import UncuttableFilm
from guardrails.media.fragments.keyframes import (
    SAMPLES,
    STREAMS,
    Anew,
    begins_av1,
    begins_vp9,
    common_parameters,
    h264_keyframe_test,
    h265_keyframe_test,
    split_units,
)
from tests.cases import each_case
from tests.films import SIZE, scene

CODERS: dict[str, tuple[Anew, dict[str, str]]] = {
    "libx264": (STREAMS[0x1B], {"preset": "ultrafast"}),
    "libx265": (STREAMS[0x24], {"preset": "ultrafast", "x265-params": "log-level=none:open-gop=0"}),
    "libvpx-vp9": (begins_vp9, {"deadline": "realtime", "cpu-used": "8"}),
    "libsvtav1": (begins_av1, {"preset": "11", "svtav1-params": "progress=0"}),
}


@each_case("coder", CODERS)
def test_of_what_coders_make_those_are_known_that_need_no_other(coder: str) -> None:
    """As coders say themselves which these are."""
    anew, options = CODERS[coder]
    context = av.CodecContext.create(coder, "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height = SIZE
    context.pix_fmt, context.framerate, context.gop_size = "yuv420p", 10, 5
    context.options = options
    packets = [
        packet
        for pixels in scene(12)
        for packet in context.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24"))
    ]
    packets += context.encode(None)
    said = [packet.is_keyframe for packet in packets]
    assert said.count(True) == 3
    found = [anew(bytes(packet)) for packet in packets]
    assert [each is not None for each in found] == said
    assert len({*found} - {None}) == 1


def long(*named: bytes) -> bytes:
    """Return units behind their lengths in four bytes."""
    return b"".join(len(unit).to_bytes(4) + unit for unit in named)


@each_case(
    ("named", "is_anew"),
    [
        ([b"\x67sps", b"\x68pps", b"\x06sei", b"\x65slice"], True),
        ([b"\x65slice", b"\x41slice"], True),
        ([b"\x41slice", b"\x65slice"], False),
        ([b"\x67sps", b"\x61an I picture, after which others may look back"], False),
        ([b"", b"\x09aud"], False),
        ([], False),
    ],
)
def test_h264_begins_with_an_idr_picture(named: list[bytes], is_anew: bool) -> None:
    """The first slice decides, in either form; in a stream, what says how it is coded must stand before it."""
    assert (h264_keyframe_test(4)(long(*named)) is not None) is is_anew
    said = h264_keyframe_test(0)(b"".join(b"\0\0\1" + unit for unit in (b"\x67sps", b"\x68pps", *named)))
    assert (said is not None) is is_anew
    assert said is None or {said} <= {b"\x67sps\x68pps", b"\x67sps\x67sps\x68pps\x68pps"}
    if not any(unit[:1] == b"\x68" for unit in named):
        assert h264_keyframe_test(0)(b"".join(b"\0\0\1" + unit for unit in (b"\x67sps", *named))) is None


@each_case(
    ("unit", "is_anew"),
    [
        (b"\x26\x01", True),  # IDR_W_RADL
        (b"\x28\x01", True),  # IDR_N_LP
        (b"\x20\x01", True),  # BLA_W_LP
        (b"\x2a\x01", False),  # CRA, before which others may look back
        (b"\x02\x01", False),  # TRAIL_R
        (b"\x26\x09", False),  # of another layer
        (b"\x26", False),
    ],
)
def test_h265_begins_with_a_picture_behind_which_nothing_looks_back(unit: bytes, is_anew: bool) -> None:
    """In a stream, what says how it is coded must stand before it."""
    sets = (b"\x40\x01vps", b"\x42\x01sps", b"\x44\x01pps")
    assert h265_keyframe_test(4)(long(unit)) == (b"" if is_anew else None)
    assert h265_keyframe_test(4)(long(*sets, unit)) == (b"".join(sets) if is_anew else None)
    assert h265_keyframe_test(0)(b"".join(b"\0\0\1" + each for each in (*sets, unit))) == (
        b"".join(sets) if is_anew else None
    )
    assert h265_keyframe_test(0)(b"".join(b"\0\0\1" + each for each in (*sets[:2], unit))) is None


@each_case(
    ("data", "is_anew"),
    [
        (b"\x12\x00\x0a\x01\x00\x32\x01\x10", True),
        (b"\x12\x00\x32\x01\x10", False),  # without the head of a sequence
        (b"\x12\x00\x0a\x01\x00\x32\x01\x00", False),  # a key frame that is not shown
        (b"\x12\x00\x0a\x01\x00\x32\x01\x30", False),  # one that needs others
        (b"\x12\x00\x0a\x01\x00\x32\x01\x90", False),  # one that was decoded before
        (b"\x12\x00\x0a\x01\x00\x32\x01", False),
        (b"\x10\x00\x10", False),
        (b"\x12\xff\xff", False),
        (b"", False),
    ],
)
def test_av1_begins_with_a_key_frame_that_is_shown(data: bytes, is_anew: bool) -> None:
    """Others may look back."""
    assert begins_av1(data) == (b"\x0a\x01\x00" if is_anew else None)


@each_case(("first", "is_anew"), [(0x82, True), (0x86, False), (0x8A, False), (0x02, False), (0xC2, False)])
def test_vp9_begins_with_a_key_frame(first: int, is_anew: bool) -> None:
    """Its mark, its type, and that it is no frame that was decoded before."""
    assert begins_vp9(bytes([first])) == (b"" if is_anew else None)
    assert begins_vp9(b"") is None


def test_units_end_with_what_there_is() -> None:
    """A length beyond it, or a head without anything behind, is no error."""
    assert [*split_units(b"\0\0\0\x09abc", 4)] == [b"abc"]
    assert [*split_units(b"\0\0\0", 4)] == []
    assert [*split_units(b"\0\0\1", 0)] == [b""]


@each_case("size", [1, 2, 4])
@each_case("kind", [b"avc1", b"avc3"])
def test_samples_say_how_long_their_lengths_are(kind: bytes, size: int) -> None:
    """In so many bytes."""
    assert SAMPLES[kind][2](size)((2).to_bytes(size) + b"\x65s") == b""


def test_all_pictures_with_which_decoding_can_begin_say_the_same() -> None:
    """Of how they are coded; what one says would hold for those behind it that say nothing."""
    assert common_parameters(None, None) is None
    assert (
        common_parameters(None, b"a")
        == common_parameters(b"a", None)
        == common_parameters(b"a", b"a")
        == b"a"
    )
    for before, said in ((b"a", b"b"), (b"", b"b"), (b"a", b"")):
        with pytest.raises(UncuttableFilm, match="coded otherwise"):
            common_parameters(before, said)
