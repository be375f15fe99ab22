"""The field tables of OpenAI's transcriptions and translations: requests and answers in, leaves out, and edits back into them.

A request is a form with a sound or a film. Its answer is a text, with times of segments and words, as lines of subtitles, or as
the events of a stream; what is said is judged piece by piece and as a whole. An answer in which a text was changed loses what
spells it once more, and segments that do not say what it says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from guardrails.engine.content.content_tree import ContentTree, Leaf
from guardrails.engine.content.field_readers import (
    by_table,
    each,
    figures,
    flag,
    identifier,
    keep,
    spelling,
    text,
)
from guardrails.engine.content.inline_media import NO_SOUND, pictured, sound
from guardrails.engine.content.payload import apply_edits
from guardrails.engine.content.places import place_at
from guardrails.engine.model import Outcome
from guardrails.engine.values.media_types import medium
from guardrails.engine.values.walk import LISTS
from guardrails.engine.values.writer import replace_values
from guardrails.protocols.chat import chat_fields
from guardrails.protocols.completions.completions_fields import ASKED
from guardrails.protocols.images import images_fields
from guardrails.types import Audio, Place, Stage, Text, Video
from guardrails.wire.forms import Upload
from guardrails.wire.pointers import Path

SAID: Final = Place(Stage.OUTPUT, role="assistant")

TIMED: Final = re.compile(
    r"(?:\d{1,3}:)?\d{2}:\d{2}[.,]\d{1,6} --> (?:\d{1,3}:)?\d{2}:\d{2}[.,]\d{1,6}\r?\n?"
)
NUMBERED: Final = re.compile(r"\d{1,6}\r?\n?")
"""Lines of subtitles that say nothing: from when until when one is shown, and before that its number."""

HEADED: Final = re.compile(r"(?:\ufeff?WEBVTT)?\r?\n?")
"""Other such lines."""


class Lines(dict[str, Any]):
    """An answer that is a text: its `lines`, each with its end."""


PLAIN: Final = frozenset(
    {"text/plain", "text/vtt", "text/srt", "application/x-subrip", "application/octet-stream"}
)
"""How servers call an answer that is a text."""


class Events(dict[str, Any]):
    """An answer that is a stream: what its `events` say."""


SPELLED: Final = ("words", "logprobs", "tokens")
"""Fields that spell a text once more."""


def read_recording(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """The file that is to be heard: a sound, or a film."""
    if isinstance(value, Upload):
        said = value.media.lower() or None
        kind = Video if medium(value.data, said) is Video else Audio
        tree.leaves.append(Leaf(kind(value.data, place_at(ASKED, path), declared=said), path))
        tree.text(value.name, path, ASKED, editable=False)
    elif value is not None:
        pictured(sound, "audio", NO_SOUND)(tree, value, path, ASKED)


def listed(reader: Any) -> Any:
    """Read each entry of a list, or one that stands there alone."""
    several = each(reader)
    return lambda tree, value, path, place: (several if isinstance(value, LISTS) else reader)(
        tree, value, path, place
    )


WORDS: Final = (
    "model", "language", "languages", "languages[]", "response_format", "temperature", "timestamp_granularities",
    "timestamp_granularities[]", "include", "include[]", "chunking_strategy",
)  # fmt: skip
NAMES: Final = ("keywords", "keywords[]", "known_speaker_names", "known_speaker_names[]")
REFERENCES: Final = ("known_speaker_references", "known_speaker_references[]")

REQUEST = by_table(
    {
        "file": listed(read_recording),
        "prompt": images_fields.read_prompt,
        **dict.fromkeys(WORDS, listed(keep)),
        **dict.fromkeys(NAMES, listed(images_fields.read_prompt)),
        **dict.fromkeys(REFERENCES, listed(read_recording)),
        "stream": flag,
        **{name: chat_fields.REQUEST.fields[name] for name in ("user", "safety_identifier", "metadata")},
    }
)


def read_request(body: Any) -> ContentTree:
    """Return the leaves of a request; raises `RequestError` for what is refused."""
    tree = ContentTree(roles=("user",))
    REQUEST(tree, body, (), Place(Stage.INPUT, role="user"))
    return tree


WORD = by_table({"word": text, "speaker": text, **dict.fromkeys(("start", "end", "probability"), flag)})
SEGMENT = by_table(
    {
        "type": keep,
        **dict.fromkeys(("id", "segment_id"), identifier),
        **dict.fromkeys(("seek", "start", "end", "temperature", "avg_logprob"), flag),
        **dict.fromkeys(("compression_ratio", "no_speech_prob"), flag),
        **dict.fromkeys(("text", "speaker"), text),
        "tokens": figures,
        "words": each(WORD),
    }
)
COMMON: Final = {
    **dict.fromkeys(("task", "language"), keep),
    "languages": each(by_table({"code": keep, "probability": flag})),
    "duration": flag,
    "usage": figures,
    "logprobs": spelling,
}
ANSWER = by_table({"text": text, "segments": each(SEGMENT), "words": each(WORD), **COMMON})
EVENT = by_table({**ANSWER.fields, **SEGMENT.fields, "delta": text})


def read_response(body: Any) -> ContentTree:
    """Return the leaves of an answer: of one that is JSON, of `Lines` or of `Events`."""
    tree = ContentTree()
    if isinstance(body, Lines):
        _lines(tree, body["lines"])
    elif isinstance(body, Events):
        each(EVENT)(tree, body["events"], ("events",), SAID)
        for index in range(len(body["events"])):
            _timed(tree, ("events", index))
        for name in ("delta", "text"):
            _join(tree, ("events",), name)
    else:
        ANSWER(tree, body, (), SAID)
        _timed(tree, ())
    return tree


def lines(raw: bytes) -> Lines:
    """Return an answer that is a text; raises `UnicodeDecodeError` where it is none."""
    return Lines(lines=raw.decode().splitlines(keepends=True))


def _lines(tree: ContentTree, lines: list[str]) -> None:
    """Add the lines of a text, or of subtitles without what says only when they are shown; and all of them as one."""
    found = []
    for index, line in enumerate(lines):
        numbered = NUMBERED.fullmatch(line) and index + 1 < len(lines) and TIMED.fullmatch(lines[index + 1])
        if not (numbered or TIMED.fullmatch(line) or HEADED.fullmatch(line)):
            found.append(len(tree.leaves))
            tree.text(line, ("lines", index), SAID)
    tree.join(found, ("lines",), SAID)


def _timed(tree: ContentTree, path: Path) -> None:
    """Add the texts of all segments of an answer as one, and all of its words."""
    _join(tree, (*path, "segments"), "text")
    _join(tree, (*path, "words"), "word")


def _join(tree: ContentTree, path: Path, name: str) -> None:
    """Add the texts of one field of all entries as one: a word that is split over two of them is still a word."""
    found = [
        index
        for index, leaf in enumerate(tree.leaves)
        if isinstance(leaf.content, Text)
        and len(leaf.path) == len(path) + 2
        and (leaf.path[: len(path)], leaf.path[-1]) == (path, name)
    ]
    tree.join(found, path, SAID)


def edit_response(body: Any, tree: ContentTree, outcome: Outcome) -> Any:
    """Return an answer with an outcome's edits; the same object where nothing changes."""
    new: Any = apply_edits(body, tree, outcome)
    if new is body:
        return body
    if isinstance(body, Lines):
        return {"lines": [_ended(line, old) for line, old in zip(new["lines"], body["lines"], strict=True)]}
    if isinstance(body, Events):
        return {"events": [_coherent(event) for event in new["events"]]}
    return _coherent(new)


def _coherent(new: Any) -> Any:
    """Return an answer, or an event, without what spells its text once more, and with no segments that say something else."""
    new = _unspelled(new)
    segments = new.get("segments") if isinstance(new, Mapping) else None
    if isinstance(segments, list):
        kept = [_unspelled(segment) for segment in segments]
        said = "".join(str(each.get("text")) for each in kept if isinstance(each, Mapping))
        alike = _bare(said) == _bare(str(new.get("text")))
        new = replace_values(new, {(("segments",), None): kept if alike else []})
    return new


def _ended(line: str, old: str) -> str:
    """Return a line that ends as it did: what was found in it may have gone on in the next one."""
    end = old[len(old.rstrip("\r\n")) :]
    return line if line.endswith(end) else line + end


def _bare(said: str) -> str:
    return "".join(said.split())


def _unspelled(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    gone: dict[str, Any] = {"tokens": []} if "tokens" in value else {}
    return {name: inner for name, inner in value.items() if name not in SPELLED} | gone
