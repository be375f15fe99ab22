"""Answers that are files: the bytes of a film, a picture or a sound in, what is judged of it out, and what is left of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from guardrails.engine.content import value_reader
from guardrails.engine.content.inline_media import answering
from guardrails.engine.content.payload import Payload
from guardrails.engine.model import Outcome
from guardrails.engine.values.media_types import SAID
from guardrails.media.images.outline import GENERIC
from guardrails.media.video.file_type import HEAD
from guardrails.protocols.images.images_fields import media_of
from guardrails.types import Media, Place, Stage
from guardrails.wrapping.sdk.body_formats import Body, BodyFormat, unreadable_answer

PLACE: Final = Place(Stage.OUTPUT, role="assistant")

Header = Callable[[Body, str, bytes, int], bytes]
"""The request, the type of the answer, its first bytes and its size in, what a decoder has to read before it out."""


@dataclass(frozen=True, slots=True)
class AnswerFile:
    """A file of a media type: what is judged of it, which begins with `header` where it has none of its own."""

    content: Media
    kind: str
    header: bytes = b""


def no_header(asked: Body, media: str, head: bytes, size: int) -> bytes:
    """Return no header."""
    return b""


def file_format(certain: type[Media] | None = None, header: Header = no_header) -> BodyFormat:
    """Return how files are read: of a kind that is certain, where it is, and behind a header, where they need one."""

    def read(raw: bytes, kind: str, asked: Body) -> AnswerFile:
        head = raw[:HEAD]
        own = answering(head, kind, certain)
        if own is None:
            raise unreadable_answer(
                f"it is no film, picture or sound as was asked for, but of type {kind[:64]!r}"
            )
        before = header(asked, kind, head, len(raw))
        return AnswerFile(own(before + raw, PLACE, declared=None if before else kind), kind, before)

    return BodyFormat(_is_file, read, _write_file, media=lambda file: file.kind)


def file_payload(file: AnswerFile) -> Payload:
    """Read a file."""
    of = value_reader.read(file.content, Stage.OUTPUT)

    def left(outcome: Outcome) -> AnswerFile:
        content = of.apply(outcome)
        if content is file.content or not isinstance(content, Media):
            return file
        return replace(file, content=content, kind=file.kind if file.header else media_of(_data(content)))

    return Payload(of.tree, left)


def _is_file(kind: str) -> bool:
    return kind in GENERIC or kind.partition("/")[0] in SAID


def _write_file(file: AnswerFile) -> bytes:
    # What was judged with a header is written with one that is as long.
    return _data(file.content)[len(file.header) :]


def _data(content: Media) -> bytes:
    assert isinstance(content.data, bytes)
    return content.data
