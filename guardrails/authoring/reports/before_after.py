"""Renders the parts of a content as they were and as the policy leaves them.

What may be shown of a part is what is left of it: nothing of what is blocked or removed, and of what is redacted what is still
there afterwards. So nothing has to be known of why, and what one cannot tell is masked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from types import MappingProxyType
from typing import Final

from guardrails.authoring.markup import Html, cover_text, mark_text, tag
from guardrails.authoring.reports.contact_sheet import Numbered, render_contact_sheet
from guardrails.authoring.reports.film_sheet import render_film_sheet
from guardrails.authoring.reports.timeline import render_lines, render_timeline
from guardrails.engine.core.observers import FilmRecord
from guardrails.engine.media.picture_decoding import decode_picture
from guardrails.engine.redaction.film_redaction import DROPPED
from guardrails.errors import GuardrailsError
from guardrails.media.errors import MediaError
from guardrails.media.limits import PictureLimits
from guardrails.media.video.film_source import VideoLimits
from guardrails.protocols.chat.chat_payload import read
from guardrails.types import Audio, Finding, Image, Media, Text, Verdict, Video

MASK: Final = "▒"

NOTHING: Final[Mapping[str, FilmRecord]] = MappingProxyType({})

NEAR_MS: Final = 600
"""Milliseconds around what was found in which what is written or said may be gone from a film, too."""

_WORDS: Final = re.compile(r"\s*(?:\w+|[^\w\s])|\s+")

EXACT: Final = 2_000
"""Words up to which all are compared; of a longer text, words that come again and again may be masked without need."""

PARTS: Final = 100
"""Texts and pictures of one content that are shown, those first in which something was found."""

LEAST: Final = 0.5
"""The score from which a finding that is all of a text is marked in it: models say something of every text."""


@dataclass(frozen=True, slots=True)
class ReportStyle:
    """How all parts of a report look: whether what may not be shown is masked, what is read of pictures and films, and the most
    frames of one that are shown.
    """

    covered: bool
    limits: PictureLimits
    frames: int
    film_limits: VideoLimits = field(default_factory=VideoLimits)


Part = Text | Image | Video | Audio
"""What can be shown."""


def _leaves(content: object, verdict: Verdict) -> list[Part] | None:
    """Return the texts, pictures, films and sounds of a content; None where it is of no form that is read."""
    try:
        found = read(content, verdict.stage).tree.leaves
    except (TypeError, GuardrailsError):
        return None
    return [leaf.content for leaf in found if isinstance(leaf.content, Part)]


def render_checked(
    content: object,
    verdict: Verdict,
    numbered: Sequence[Numbered],
    looks: ReportStyle,
    told: Mapping[str, FilmRecord] = NOTHING,
) -> Iterator[Html]:
    """Yield what was checked, part by part, with the findings in it; `told` is what else is known of films, by path."""
    yield tag("h3", "What was checked")
    leaves = _leaves(content, verdict)
    if leaves is None:
        yield tag("p", "This content cannot be shown.", class_="dim")
        return
    after = {} if verdict.blocked else _by_path(_leaves(verdict.content, verdict))
    paths = {finding.path for finding in verdict.findings}
    ranked = sorted(range(len(leaves)), key=lambda at: leaves[at].place.path not in paths)
    for at in sorted(ranked[:PARTS]):
        part, path = leaves[at], leaves[at].place.path
        own = [(number, finding) for number, finding in numbered if finding.path == path]
        moved = _path_after_removal(path, verdict.removed)
        left = after.get(moved) if moved is not None else None
        left = left if looks.covered else part
        seconds = max([0.0, *(each.seconds for each in verdict.coverage.films if each.path == path)])
        shown = (
            tag("div", *_film(part, left, own, looks, told.get(path), seconds))
            if isinstance(part, Video | Audio)
            else _part(part, left, own, looks)
        )
        yield tag("div", tag("p", path, class_="dim") if path else None, shown)
    if len(leaves) > PARTS:
        yield tag("p", f"{len(leaves) - PARTS:,} more parts are not shown.", class_="dim")


def _by_path(leaves: Sequence[Part] | None) -> dict[str, Part]:
    return {content.place.path: content for content in leaves or ()}


def _path_after_removal(path: str, removed: Sequence[str]) -> str | None:
    """Return where a part stands once messages are removed; None where it is removed itself."""
    for gone in sorted(removed, key=lambda each: -int(each.rpartition("/")[2])):
        head, _, number = gone.rpartition("/")
        at, slash, rest = path.removeprefix(f"{head}/").partition("/")
        if not path.startswith(f"{head}/") or not at.isdecimal() or int(at) < int(number):
            continue
        if at == number:
            return None
        path = f"{head}/{int(at) - 1}{slash}{rest}"
    return path


def _film(
    content: Video | Audio,
    left: Part | None,
    own: Sequence[Numbered],
    looks: ReportStyle,
    told: FilmRecord | None,
    seconds: float,
) -> Iterator[Html]:
    """Yield what is known of a film or sound, of which that may be shown which is `left`."""
    same, gone = _is_same(content, left), not isinstance(left, Video | Audio)
    yield from render_timeline(own, told, seconds)
    if isinstance(content, Video):
        if not (same or gone):
            yield tag("p", "As the policy leaves it.", class_="dim")
        shown = left if isinstance(left, Video) else content
        yield render_film_sheet(
            shown, own, looks.film_limits, seconds=seconds, pixelated=gone, most=looks.frames
        )
    if told is not None:
        clips = [each.clip for _, each in own if each.clip is not None]
        yield from render_lines(
            told,
            [
                text if same or not (gone or _is_lost(origin, clip, clips)) else mask_text(text, "")
                for origin, text, clip in told.lines
            ],
        )


def _is_lost(origin: str, clip: tuple[int, int] | None, found: Sequence[tuple[int, int]]) -> bool:
    """Tell whether a line may be gone from a film that was redacted: what the file says is, and what is shown or said nearby."""
    if clip is None or origin in DROPPED:
        return True
    return any(clip[0] < end + NEAR_MS and start - NEAR_MS < clip[1] for start, end in found)


def _part(content: Text | Image, left: Part | None, own: Sequence[Numbered], looks: ReportStyle) -> Html:
    """Return one text or picture, of which that may be shown which is `left`."""
    if isinstance(content, Image):
        if not isinstance(left, Image):
            return _picture(content, looks, own, pixelated=True)
        note = None if _is_same(content, left) else tag("p", "As the policy leaves it.", class_="dim")
        return tag("div", note, _picture(left, looks, own))
    text = mask_text(content.text, left.text if isinstance(left, Text) else "")
    spans = [(*each.span, at) for at, each in own if each.span is not None and _is_marked(each, text)]
    is_gone = left is None and bool(text)
    note = tag("p", f"{len(text):,} characters, masked", class_="dim")
    marked = mark_text(text, spans)
    if is_gone:
        return tag("div", note, tag("div", marked, class_="text", aria_hidden="true"))
    return cover_text(marked)


def _is_marked(finding: Finding, text: str) -> bool:
    return finding.box is None and (finding.score >= LEAST or finding.span != (0, len(text)))


def mask_text(text: str, left: str) -> str:
    """Return a text of the same length of which that is shown which is still there, in this order, in what is left of it."""
    if text == left:
        return text
    before, after = [each[0] for each in _WORDS.finditer(text)], [each[0] for each in _WORDS.finditer(left)]
    keep = [False] * len(before)
    matcher = SequenceMatcher(None, before, after, autojunk=len(before) > EXACT)
    for start, _, size in matcher.get_matching_blocks():
        keep[start : start + size] = [True] * size
    return "".join(
        word if kept else "".join(char if char.isspace() else MASK for char in word)
        for word, kept in zip(before, keep, strict=True)
    )


def _picture(
    content: Image, looks: ReportStyle, marks: Sequence[Numbered] = (), *, pixelated: bool = False
) -> Html:
    picture = decode_picture(content, looks.limits)
    if isinstance(picture, MediaError):
        return tag("p", f"This picture cannot be shown: {picture.code}: {picture}.", class_="dim")
    return render_contact_sheet(picture, marks, pixelated=pixelated, most=looks.frames)


def render_result(content: object, verdict: Verdict, looks: ReportStyle) -> Iterator[Html]:
    """Yield what the policy leaves: of a conversation the parts that are not as they were."""
    yield tag("h3", "What it becomes")
    for gone in verdict.removed:
        yield tag("p", f"{gone} is removed.")
    before = _by_path(_leaves(content, verdict))
    before = {
        moved: before[path]
        for path in before
        if (moved := _path_after_removal(path, verdict.removed)) is not None
    }
    leaves = _leaves(verdict.content, verdict) or ()
    changed = [part for part in leaves if not _is_same(before.get(part.place.path), part)]
    for part in changed[:PARTS]:
        yield tag("p", part.place.path, class_="dim") if part.place.path else Html()
        if isinstance(part, Image):
            yield _picture(part, looks)
        elif isinstance(part, Text):
            yield cover_text(mark_text(part.text, ()))
        else:
            name = "film" if isinstance(part, Video) else "sound"
            yield tag("p", f"A {name} of {len(part.data):,} bytes; what is left of it is shown above.")
    if len(changed) > PARTS:
        yield tag("p", f"{len(changed) - PARTS:,} more parts are not shown.", class_="dim")


def _is_same(before: Part | None, part: Part | None) -> bool:
    if isinstance(before, Text) and isinstance(part, Text):
        return before.text == part.text
    return (
        isinstance(before, Media)
        and isinstance(part, Media)
        and before.source is part.source
        and before == part
    )
