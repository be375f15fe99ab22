"""Tells what a film's or a sound's container says of itself from what somebody has written in it.

Encoders and cameras write brands, times, names of programs and of tracks into each file. They say nothing to anybody, and read as
prose they make nonsense. A tag counts as such by its name and only where its value has the form that such a tag has: anything
else under the same name is a text like all others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

_PROGRAM: Final = re.compile(
    r"(?:Lav[cf]\d[\d.]{0,16}|(?:HandBrake|mkvmerge v|GPAC-)\d[\d.]{0,16})"
    r"(?: (?:lib)?(?:x26[45]|vpx(?:-vp9)?|aom-av1|mp3lame|opus|aac|mpeg4|h26[34]))?"
)
_BRANDS: Final = re.compile(
    r"(?:isom|iso\d|avc1|hvc1|hev1|av01|mp4[12]|mp7\d|qt(?:  )?|M4[VAPB] ?|f4v ?|"
    r"3g[p2][\da-z]|dash|msdh|msix|cmf[c2]|dby1|mif1|XAVC|MSNV)+"
)
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?")
_LENGTH: Final = re.compile(r"\d{1,3}:\d\d:\d\d[.,]\d{1,9}")
_NUMBER: Final = re.compile(r"\d{1,9}")

FORMS: Final[Mapping[str, re.Pattern[str]]] = MappingProxyType(
    {
        "major_brand": _BRANDS,
        "compatible_brands": _BRANDS,
        "minor_version": _NUMBER,
        "encoder": _PROGRAM,
        "software": _PROGRAM,
        "handler_name": re.compile(
            r"(?:Video|Sound|Subtitle|Data)Handler|Core Media (?:Video|Audio|Metadata)|"
            r"(?:Video|Sound|Audio)(?:Handle|Media Handler)?|"
            r"ISO Media file produced by Google Inc\.(?: Created on: \d\d/\d\d/\d{4}\.)?"
        ),
        "vendor_id": re.compile(r"(?:\[0\]){4}|[A-Za-z]{4}"),
        "language": re.compile(r"[a-z]{2,3}"),
        "creation_time": _TIME,
        "date": _TIME,
        "duration": _LENGTH,
        "bps": _NUMBER,
        "number_of_frames": _NUMBER,
        "number_of_bytes": _NUMBER,
        "com.android.version": _NUMBER,
        "com.apple.quicktime.creationdate": _TIME,
    }
)
"""Name of a tag → the form of a value that says nothing."""


def find_written(tags: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield the texts of tags that somebody may have written."""
    for name, value in tags:
        form = FORMS.get(name.lower())
        if form is None or not form.fullmatch(value.strip()):
            yield value
