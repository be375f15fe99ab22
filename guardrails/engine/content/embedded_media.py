r"""Finds pictures, films and sounds that texts carry as data URIs, each to be judged as one.

Such a URI is shown as a picture by what renders Markdown or HTML, in an attribute, a `url()` or a link, so it is read as browsers
read it: in any case, over line breaks, with character references, escapes of JSON, CSS and URLs, with or without Base64,
whatever type it is said to be of. What is cut short is a broken picture, and named as one; what is too short to show anything
(`data:image/png;base64,...` in a page about such URIs) is none.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from html import unescape
from typing import Final
from urllib.parse import unquote_to_bytes

from guardrails.engine.content.content_tree import ContentTree, Leaf
from guardrails.engine.values.media_types import KINDS, SAID
from guardrails.media.errors import MediaError
from guardrails.media.images.outline import WALKS, read_outline, sniff_format
from guardrails.media.video.file_type import HEAD as FIRST
from guardrails.media.video.file_type import detect_file_type
from guardrails.policy.compiled import CompiledPolicy
from guardrails.types import Audio, Image, Media, Stage, Text, Unchecked, Video
from guardrails.wire.lossless_json import unescaped

ORIGIN: Final = "data_uri"
"""The origin of what a text carries."""

MOST: Final = 32
"""Files of one text that are looked at."""

LEAST: Final = 40
"""Characters of Base64 from which they may be a picture that shows anything."""

SMALLEST: Final = 64
"""Bytes up to which what is no whole picture shows nothing."""

HEAD_MOST: Final = 1024
"""Characters in which the head of a data URI has its comma."""

LINE: Final = 40
"""Characters of a line of Base64 that goes on in the next."""

TOO_MANY: Final = f"more than {MOST} pictures, films and sounds stand in one text"
NO_COMMA: Final = "the head of a picture's data URI is too long"
DEEPER: Final = "a picture stands in a text that stands encoded in another"

_BREAK: Final = (
    r"(?:[\t\n\r]|&(?:Tab|NewLine);|&#0{0,8}(?:9|1[03]);?|&#[xX]0{0,8}[9aAdD];?|\\[nrt]|\\u000[9aAdD])*"
)


def _spellings(char: str) -> str:
    """Return the pattern of the ways to write a character."""
    codes = [ord(each) for each in dict.fromkeys((char, char.upper()))]
    decimal, hexadecimal = "|".join(map(str, codes)), "|".join(f"{code:02x}" for code in codes)
    hexadecimal = "|".join(dict.fromkeys((hexadecimal, hexadecimal.upper())))
    named = "|&colon;" if char == ":" else ""
    return (
        rf"(?:[{char}{char.upper()}]|&#0{{0,8}}(?:{decimal});?|&#[xX]0{{0,8}}(?:{hexadecimal});?"
        rf"|\\u00(?:{hexadecimal})|\\0{{0,4}}(?:{hexadecimal})[ \t\r\n\f]?{named})"
    )


_D, _A, _T, _COLON = map(_spellings, "dat:")
HEADS: Final = re.compile(_BREAK.join((_D, _A, _T, _A, _COLON)))
"""How a data URI begins."""

_PLAIN: Final = re.compile(r"[dD][\t\n\r]*[aA][\t\n\r]*[tT][\t\n\r]*[aA][\t\n\r]*:")
"""The same where nothing is written by references or escapes."""

_TAIL: Final = re.compile(
    rf"(?:{_D}{_BREAK}(?:{_A}{_BREAK}(?:{_T}{_BREAK}(?:{_A}{_BREAK})?)?)?)?(?:&#?\w{{0,12}}|\\u?[0-9A-Fa-f]{{0,3}})?\Z"
)
"""What may go on as such a beginning."""

_BASE64: Final = re.compile(r"(?i); *base64\s*\Z")
_RUN: Final = re.compile(r"[A-Za-z0-9+/=_\-%\s]*")
_ADDRESS: Final = re.compile(r"[^\s\"'`)>]*")
_QUOTED: Final = {quote: re.compile(f"[^{quote}]*") for quote in "\"'`"}
_CLOSES: Final = {'"': '"', "'": "'", "`": "`", "(": ")", "<": ">"}
_OTHERWISE: Final = re.compile(r"&#?\w+;?|\\(?:[/u]|[0-9A-Fa-f]{2})|\\[nrt](?=[^,]{0,32}base64)")
_MEDIA: Final = re.compile(r"\s*(image|video|audio)/")
_ESCAPED: Final = re.compile(r"\\[u0-7]")
_OF_CSS: Final = re.compile(r"\\([0-9A-Fa-f]{1,6})[ \t\r\n\f]?")
_STOP: Final = re.compile(r"[^A-Za-z0-9+/=_\-%\s]")
_ESCAPES: Final = ("&", "\\")
_SPACE: Final = re.compile(r"\s+")
_SOUND: Final = re.compile(rb"[A-Za-z0-9+/]*")

TO_END: Final = -1
"""A file that is written in a way whose end is not looked for: the text is held to its own."""

TextSpan = tuple[str, int, int]
"""What stands before a stretch of a text, and from where to where it goes."""


@dataclass(frozen=True, slots=True)
class EmbeddedFile:
    """A file that a text carries: its bytes, what it is, and the type that it is said to be of, where that is of such files; the
    span of its head, where that stands in the text as it is.
    """

    data: bytes
    kind: type[Media]
    declared: str | None = None
    head: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class DataUri:
    """The head of a data URI in a text: where it begins and where its content does, what stands before it, and what it says."""

    start: int
    body: int
    opener: str
    declared: str
    in_base64: bool

    @property
    def said(self) -> type[Media] | None:
        """What it is said to be."""
        return SAID.get(self.declared.partition("/")[0])


def media_kinds(policies: Sequence[CompiledPolicy], stages: tuple[Stage, ...]) -> frozenset[type[Media]]:
    """Return the kinds of files that policies look at, or read or listen to, in contents of some stages."""
    found: set[type[Media]] = set()
    for policy in policies:
        plan = policy.plan(stages)
        if not plan.rules:
            continue
        if any(Image.kind in bound.contents for tier in plan.tiers for bound in tier):
            found |= {Image, Video}
        if any(bound.extracts is not None for bound in policy.detectors):
            found |= {Image, Video}
        if any(bound.hears is not None for bound in policy.detectors):
            found |= {Video, Audio}
    return frozenset(found)


def may_hold_media(text: str) -> bool:
    """Tell whether a text may carry a file: by single characters first, which takes a tenth of a microsecond."""
    if "\\" in text and _ESCAPED.search(text):
        return HEADS.search(text) is not None
    if "&" in text and any(mark in text for mark in ("&#", "&colon;", "&Tab;", "&NewLine;")):
        return HEADS.search(text) is not None
    at = text.find(":")
    while at > 0:
        if text[at - 1] in "aA\t\n\r":
            return _PLAIN.search(text) is not None
        at = text.find(":", at + 1)
    return False


def find_files(text: str) -> tuple[list[EmbeddedFile], list[Unchecked]]:
    """Return what a text carries, each once, and what of it could not be read."""
    if not may_hold_media(text):
        return [], []
    found: dict[bytes, EmbeddedFile] = {}
    left: dict[str, Unchecked] = {}
    for view in _views(text):
        for match in HEADS.finditer(view):
            if len(found) >= MOST:
                left[TOO_MANY] = Unchecked("limit", TOO_MANY)
                break
            uri = _uri(view, match)
            if uri is None:
                if _MEDIA.match(view, match.end()) and len(view) - match.end() > HEAD_MOST:
                    left[NO_COMMA] = Unchecked("part", NO_COMMA)
                continue
            file = _file(view, uri)
            if file is not None:
                head = (uri.start, uri.body) if view is text else None
                found.setdefault(file.data, replace(file, head=head))
    kept = [file for file in found.values() if not _is_part(file, found)]
    return kept, [*left.values()]


def _is_part(file: EmbeddedFile, found: Iterable[bytes]) -> bool:
    """Tell whether a file is the beginning of one that another reading of the text gives in full."""
    longer = (data for data in found if len(data) > len(file.data) and data.startswith(file.data))
    return any(is_complete_picture(data) for data in longer) and not is_complete_picture(file.data)


def add_embedded_media(tree: ContentTree, policies: Sequence[CompiledPolicy], limit: int) -> bool:
    """Add what texts carry as leaves of their own, which cannot be changed, where a policy looks at such files; only the first
    characters of a text, up to a limit, are read at all. Tell whether there was anything.
    """
    known: set[tuple[object, ...]] = set()
    for index in range(len(tree.leaves)):
        leaf = tree.leaves[index]
        content = leaf.content
        if not isinstance(content, Text) or leaf.across or content.place.origin is not None:
            continue
        place = replace(content.place, origin=ORIGIN, declared=False)  # it may stand in what fills a slot
        for file in _files_of(tree, content, policies, limit):
            key = (file.data, place.stage, place.also, place.message, place.choice_index)
            if key in known:
                continue  # a joined text carries what its parts do
            known.add(key)
            medium = file.kind(file.data, place, context=content.context, declared=file.declared)
            tree.leaves.append(Leaf(medium, leaf.path, leaf.inner, editable=False))
    return bool(known)


def note_nested_media(tree: ContentTree, policies: Sequence[CompiledPolicy], limit: int) -> None:
    """Name as unchecked what stands in texts that stood encoded in others, and not in these as well."""
    known: set[bytes] | None = None
    for leaf in tree.leaves:
        content = leaf.content
        if not isinstance(content, Text) or leaf.parent is None:
            continue
        parent = tree.leaves[leaf.parent].content
        if not isinstance(parent, Text):
            continue  # what is written in a picture is shown as a text
        for file in _files_of(tree, content, policies, limit):
            if known is None:
                known = {each.content.data for each in tree.leaves if isinstance(each.content, Media)}
            if file.data not in known and not _stands_in(file, leaf, parent.text[:limit]):
                tree.unchecked.append((Unchecked("part", DEEPER, content.place.path), content.place))
                break


def _stands_in(file: EmbeddedFile, leaf: Leaf, text: str) -> bool:
    """Tell whether a file of a derived text is one that the text carries in which that stood: percent escapes are read with what
    stands around them alone, so that what lies between two of them may be missing of a picture.
    """
    derived = leaf.derived
    if file.head is None or derived is None or derived.hides(file.head):
        return False
    begins = derived.originals(file.head)[0][0]
    return any(each.head is not None and each.head[0] == begins for each in find_files(text)[0])


def _files_of(
    tree: ContentTree, content: Text, policies: Sequence[CompiledPolicy], limit: int
) -> Sequence[EmbeddedFile]:
    """Return what a text carries that a policy looks at; what of it could not be read is noted."""
    place = content.place
    if ":" not in content.text and "&" not in content.text and "\\" not in content.text:
        return ()
    kinds = media_kinds(policies, (place.stage, *place.also))
    if not kinds:
        return ()
    found, left = find_files(content.text[:limit])
    tree.unchecked += [(replace(each, path=place.path), place) for each in left]
    return [file for file in found if file.kind in kinds]


def _views(text: str) -> list[str]:
    """Return the readings of a text: as it is, as a string of JSON, as CSS, as HTML, and as HTML in the others."""
    views = [text]
    if "\\" in text:
        views += [unescaped(text), _OF_CSS.sub(lambda match: chr(int(match[1], 16) % 0x110000), text)]
    if "&" in text:
        views += [unescape(each) for each in views]
    return [*dict.fromkeys(views)]


def _uri(text: str, match: re.Match[str]) -> DataUri | None:
    """Return a head of a data URI with all of it, None where it has no comma."""
    comma = text.find(",", match.end(), match.end() + HEAD_MOST)
    if comma < 0:
        return None
    head = re.sub(r"[\t\n\r]", "", text[match.end() : comma])
    opener = text[match.start() - 1] if match.start() else ""
    return DataUri(
        match.start(),
        comma + 1,
        opener,
        head.partition(";")[0].strip().lower(),
        _BASE64.search(head) is not None,
    )


def _file(text: str, uri: DataUri) -> EmbeddedFile | None:
    """Return the file of a data URI, None where it is none that shows or sounds."""
    if uri.in_base64:
        return _of_base64(text, uri)
    pattern = _QUOTED.get(uri.opener, _ADDRESS)
    match = pattern.match(text, uri.body)
    written = "" if match is None else match[0]
    if "%" not in written[:SMALLEST] and uri.declared != "image/svg+xml":
        return None
    data = unquote_to_bytes(written)
    if uri.declared == "image/svg+xml":
        return EmbeddedFile(data, Image, uri.declared) if data.lstrip()[:1] == b"<" else None
    return _of(data, uri) if media_type_of(data) is not None else None


def _of_base64(text: str, uri: DataUri) -> EmbeddedFile | None:
    run = _RUN.match(text, uri.body)
    assert run is not None  # at least ""
    if len(run[0]) < LEAST:
        return None
    if text[run.end() : run.end() + 1] == _CLOSES.get(uri.opener, "none"):
        return _of(decode_base64(run[0]), uri)
    words = _SPACE.split(run[0].strip())
    if len(words[0]) < LEAST:
        return None
    long = next((at for at, word in enumerate(words) if len(word) < LINE), len(words))
    tried = [decode_base64("".join(words[:count])) for count in dict.fromkeys((1, long, long + 1)) if count]
    whole = next((data for data in tried if is_complete_picture(data)), tried[min(1, len(tried) - 1)])
    return _of(whole, uri)


def _of(data: bytes, uri: DataUri) -> EmbeddedFile | None:
    """Return some bytes as what they are, or are said to be; None where they are neither, or too few."""
    by_bytes = media_type_of(data)
    kind = by_bytes or uri.said
    if kind is None or (len(data) < SMALLEST and not is_complete_picture(data)):
        return None
    return EmbeddedFile(data, kind, uri.declared if uri.said is kind else None)


def decode_base64(written: str) -> bytes:
    """Return the bytes of Base64 as browsers and lenient readers take it: up to what is none of it."""
    raw = unquote_to_bytes(written) if "%" in written else written.encode("ascii", "replace")
    raw = b"".join(raw.split()).translate(bytes.maketrans(b"-_", b"+/"))
    found = _SOUND.match(raw)
    sound = b"" if found is None else found[0]
    sound = sound[: len(sound) - (len(sound) % 4 == 1)]
    return b64decode(sound + b"=" * (-len(sound) % 4))


def media_type_of(data: bytes) -> type[Media] | None:
    """Return what some bytes are: a picture, a film or a sound, None of any other."""
    head = data[:FIRST]
    if (name := sniff_format(head)) in WALKS:
        return Image if name != "bmp" or is_complete_picture(data) else None
    kind = detect_file_type(head)
    return None if kind is None else KINDS[kind.what]


def is_complete_picture(data: bytes) -> bool:
    """Tell whether some bytes are a picture to its end."""
    try:
        read_outline(data)
    except MediaError:
        return False
    return True


class MediaHold:
    """Holds a text that grows where a file may begin, and gives what is to be judged.

    Attributes:
        at: the place from which on it is held, None where it is not.
        sure: whether a file began there that has not ended.
    """

    def __init__(self) -> None:
        self.at: int | None = None
        self.sure = False
        self._rest = self._before = self._opener = ""
        self._base = self._start = 0
        self._to_end = False

    def feed(self, delta: str, *, last: bool = False) -> list[TextSpan]:
        """Take the next part, or with `last` the end; return the stretches of the text that carry files and have ended."""
        rest = self._rest + delta
        found: list[TextSpan] = []
        at = 0
        while at >= 0:
            at, kept = (
                self._ended(rest, at, found, last=last) if self.sure else self._begun(rest, at, last=last)
            )
        self._before = rest[kept - 1] if kept else self._before
        self._base += kept
        self._rest = rest[kept:]
        self.at = self._start if self.sure else self._base if self._rest else None
        return found

    def _ended(self, rest: str, at: int, found: list[TextSpan], *, last: bool) -> tuple[int, int]:
        """Look for the end of a file; return where to go on, below 0 where nothing is left, and how much is not needed."""
        stop = None if self._to_end else _STOP.search(rest, at)
        if stop is None:
            if last:
                found.append((self._opener, self._start, self._base + len(rest)))
            return -1, len(rest)
        if stop[0] in _ESCAPES:
            self._to_end = True
            return at, 0
        found.append((self._opener, self._start, self._base + stop.end()))
        self.sure = False
        return stop.start(), 0

    def _begun(self, rest: str, at: int, *, last: bool) -> tuple[int, int]:
        """Look for the beginning of a file; return the same."""
        match = HEADS.search(rest, at)
        if match is None:
            tail = None if last else _TAIL.search(rest, max(at, len(rest) - 64))
            return -1, len(rest) if tail is None else tail.start()
        begins = _begins(rest, match, last=last)
        if begins is None:
            return -1, match.start()
        if not begins:
            return match.end(), 0
        self.sure, self._start = True, self._base + match.start()
        self._opener = rest[match.start() - 1] if match.start() else self._before
        self._to_end = begins == TO_END
        return match.end() if self._to_end else begins, 0


def _begins(text: str, match: re.Match[str], *, last: bool) -> int | None:
    """Return where the Base64 of a file begins behind a head; `TO_END` where it is written in another way, 0 where none begins,
    None where that is not known before more of the text is there.
    """
    later = 0 if last else None
    window = text[match.end() : match.end() + HEAD_MOST]
    uri = _uri(text, match)
    if _OTHERWISE.search(match[0] + (window if uri is None else text[match.end() : uri.body])):
        return TO_END
    if uri is None:
        return later if len(window) < HEAD_MOST else TO_END if _MEDIA.match(window) else 0
    body = text[uri.body : uri.body + FIRST]
    if _OTHERWISE.search(body[:SMALLEST]):
        return TO_END
    if not uri.in_base64:
        if uri.declared == "image/svg+xml":
            return TO_END
        if len(body) < SMALLEST and not last:
            return None
        return TO_END if "%" in body[:SMALLEST] and media_type_of(unquote_to_bytes(body)) is not None else 0
    run = _RUN.match(body)
    written = "" if run is None else run[0]
    if len(written) < LEAST:
        if len(written) == len(body):
            return later
        return TO_END if written and body[len(written)] in _ESCAPES else 0
    return uri.body if uri.said is not None or media_type_of(decode_base64(written)) is not None else 0
