"""What the chunks of a streamed answer of Gemini's API hold: candidates, their parts, and what is said of them beside.

Texts of one kind that follow each other are one part, as those who show them read them; what signs such a text ends it. All other
parts are whole in one chunk. Of what chunks say beside, the last holds, but for what lists more with each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from guardrails.protocols.gemini.gemini_fields import READ, THOUGHT
from guardrails.protocols.streaming.codec import Patch, malformed_event
from guardrails.wire.pointers import Path

MOST_CANDIDATES: Final = 128
SIGNATURE: Final = "thoughtSignature"
LISTING: Final = ("citationMetadata", "logprobsResult")
"""Fields of a candidate whose lists go on with each chunk."""


def kind_of(part: Any) -> str:
    """Return what a part goes on: the text that people read, or a thought; "" where it stands for itself."""
    if not isinstance(part, Mapping) or not isinstance(part.get("text"), str):
        return ""
    thought = part.get("thought")
    if not part.keys() <= {"text", "thought", SIGNATURE} or not isinstance(thought, bool | None):
        return ""
    return THOUGHT if thought else READ


def candidates_of(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the candidates that a chunk tells of.

    Raises:
        BackendError: one is none, or of no place.
    """
    found = data.get("candidates")
    if not isinstance(found, list | None):
        raise malformed_event("chunk: candidates is no array")
    for candidate in found or ():
        index = candidate.get("index", 0) if isinstance(candidate, Mapping) else None
        if type(index) is not int or not 0 <= index < MOST_CANDIDATES:
            raise malformed_event("chunk: a candidate has no index")
    return found or []


def parts_of(candidate: Mapping[str, Any]) -> list[Any]:
    """Return the parts that a chunk tells of a candidate; raises `BackendError` where they are none."""
    content = candidate.get("content")
    parts = content.get("parts") if isinstance(content, Mapping) else None
    if not isinstance(content, Mapping | None) or not isinstance(parts, list | Mapping | None):
        raise malformed_event("chunk: the content of a candidate is none")
    return [parts] if isinstance(parts, Mapping) else parts or []


class TextRuns:
    """The parts of one candidate as they come: what goes on the last of them, and what begins another."""

    def __init__(self) -> None:
        self.length = 0
        self._last = ""

    def goes_on(self, part: Any) -> bool:
        """Take a part; tell whether it goes on the last one."""
        kind = kind_of(part)
        goes_on = bool(kind) and kind == self._last
        self.length += not goes_on
        self._last = "" if kind and part.get(SIGNATURE) else kind
        return goes_on


def patches_beside_parts(index: int, candidate: Mapping[str, Any]) -> Iterator[Patch]:
    """Yield what a chunk changes of a candidate, but for the parts of its content, of which there may be none."""
    path: Path = ("candidates", index)
    content = candidate.get("content")
    for name, value in ({**content, "parts": []} if content else {}).items():
        yield Patch("append" if name == "parts" else "set", (*path, "content", name), value)
    for name, value in {**candidate, "index": index}.items():
        if name != "content":
            yield Patch("append" if name in LISTING else "set", (*path, name), value)
