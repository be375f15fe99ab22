"""Harnesses of pictures, films and sounds: what cannot be judged is a named error, and what is read is within its limits."""

from __future__ import annotations

import io

from guardrails.errors import MissingExtra
from guardrails.media.audio.recording import AudioLimits, open_recording
from guardrails.media.errors import CODES, MediaError
from guardrails.media.fragments.cutter import FilmCutter
from guardrails.media.fragments.fragment import Fragment, UncuttableFilm, shorten_film
from guardrails.media.images.outline import read_outline
from guardrails.media.images.picture import open_picture
from guardrails.media.limits import FORMATS, PictureLimits
from guardrails.media.metadata.exif_texts import read_exif
from guardrails.media.metadata.photoshop_texts import read_iptc, read_photoshop
from guardrails.media.metadata.picture_texts import read_texts
from guardrails.media.metadata.written_texts import MOST_CHARACTERS, MOST_TEXTS, WrittenTexts
from guardrails.media.metadata.xmp_texts import read_xmp
from guardrails.media.video.film_parts import VideoLimits
from guardrails.media.video.film_source import open_film
from tests.thorough.fuzz.harness import Harness, cut_at, split_head

LIMITS = PictureLimits(bytes=4_096, pixels=1 << 20, total_pixels=1 << 21, frames=16, seconds=5.0)
FILM = VideoLimits(bytes=65_536, seconds=2.0, grace=5.0)
SOUND = AudioLimits(bytes=65_536, seconds=2.0, grace=5.0)


def _is_named(error: MediaError | MissingExtra) -> None:
    assert isinstance(error, MissingExtra) or error.code in CODES


def open_pictures(data: bytes) -> None:
    """A picture has as many pixels as its outline says, within the limits, or a named error."""
    for trailing in ("refuse", "cut"):
        limits = PictureLimits(
            LIMITS.bytes, LIMITS.pixels, LIMITS.total_pixels, LIMITS.frames, LIMITS.seconds, trailing=trailing
        )
        try:
            picture = open_picture(data, limits)
        except MediaError as error:
            _is_named(error)
            continue
        assert picture.format in FORMATS
        assert 0 < picture.width * picture.height <= LIMITS.pixels
        assert 0 < len(picture.frames) <= LIMITS.frames
        for view in picture.views:
            assert view.shape[2] == 3
        assert trailing == "cut" or not picture.trailing
        # What goes to a decoder is a file of the same outline, to which there is nothing to clean.
        again = read_outline(picture.clean, None, limits.formats)
        assert (again.format, again.width, again.height, again.frames) == (
            picture.outline and picture.outline.format,
            picture.outline and picture.outline.width,
            picture.outline and picture.outline.height,
            picture.outline and picture.outline.frames,
        )
        assert again.trailing == 0


def cut_films(data: bytes) -> None:
    """Fragments of a film lie behind each other, are all of it, and are the same however it comes."""
    cuts, film = split_head(data)
    whole, one = _fragments([film])
    pieces, two = _fragments(cut_at(film, cuts))
    assert one == two
    assert pieces == whole
    at = 0
    for fragment in whole:
        assert fragment.start == at
        assert fragment.start <= fragment.core <= fragment.end <= len(film)
        at = fragment.end
    if one:
        return
    assert at == len(film)
    if whole:
        b"".join(shorten_film(io.BytesIO(film), b"", whole[:1], closed=True))


def _fragments(pieces: list[bytes]) -> tuple[list[Fragment], bool]:
    """Return the fragments of a film, and whether it could not be cut to its end."""
    cutter, found = FilmCutter(), list[Fragment]()
    try:
        for piece in pieces:
            found += cutter.feed(piece)
        return found + cutter.close(), False
    except UncuttableFilm:
        return found, True


def open_films(data: bytes) -> None:
    """A film and a sound are opened and gone through, or have a named error; the process that decodes is never this one."""
    try:
        film = open_film(data, FILM)
        try:
            with film.watch() as watch:
                for sample in watch:
                    assert sample.views
            film.subtitles()
        finally:
            film.close()
    except (MediaError, MissingExtra) as error:
        _is_named(error)
    try:
        recording = open_recording(data, SOUND)
        try:
            with recording.sound() as sound:
                for start_ms, samples in sound:
                    assert start_ms >= 0
                    assert samples.ndim == 1
        finally:
            recording.close()
    except (MediaError, MissingExtra) as error:
        _is_named(error)


def read_metadata(data: bytes) -> None:
    """The texts of a file, and of its blocks alone, are within their bounds; nothing is raised, whatever stands there."""
    for read in (read_exif, read_xmp, read_photoshop, read_iptc):
        texts = WrittenTexts()
        read(data, texts)
        _are_bounded(texts)
    _are_bounded(read_texts(data))


def _are_bounded(texts: WrittenTexts) -> None:
    said = [each.text for each in texts]
    assert len(said) == len({*said}) <= MOST_TEXTS
    assert sum(map(len, said)) <= MOST_CHARACTERS
    assert all(said)


BOXES = (
    b"\0\0\0\x08free",
    b"moov",
    b"moof",
    b"mdat",
    b"traf",
    b"tfhd",
    b"trun",
    b"\xff\xff\xff\xff",
    b"\0\0\0\1",
    b"\0\0\0\0",
    b"G\x40\0",
)
PARTS = (
    b"\xff\xd8",
    b"\xff\xd9",
    b"IHDR",
    b"acTL",
    b"fcTL",
    b"IEND",
    b"VP8X",
    b"ANMF",
    b"\x21\xf9\x04",
    b"\x3b",
    b"\xff\xff\xff\xff",
)

HARNESSES = (
    Harness("pictures", open_pictures, PARTS, cost=3),
    Harness(
        "metadata",
        read_metadata,
        (*PARTS, b"8BIM", b"Exif\0\0", b"II*\0", b"\x1c\2", b"tEXt", b"iloc", b"<rdf:li>"),
    ),
    Harness("fragments", cut_films, BOXES),
    Harness("films", open_films, (*BOXES, b"RIFF", b"fLaC", b"OggS", b"ID3", b"data", b"fmt "), cost=200),
)
