"""The chunks of a streamed answer of Gemini's API in, the whole answer out: what was streamed is judged as if it had not been.

Texts of one kind that follow each other are one part, as those who show them read them; what signs such a text ends it. All other
parts are whole in one chunk. Of what chunks say beside, the last holds, but for what lists more with each.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from guardrails.protocols.gemini.gemini_fields import READ, THOUGHT
from guardrails.protocols.streaming.assembler import has_half_pair, join_surrogates
from guardrails.protocols.streaming.codec import malformed_event

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


class _Candidate:
    """What came of a candidate."""

    def __init__(self) -> None:
        self.runs = TextRuns()
        self.parts: list[Any] = []
        self.texts: list[list[str]] = []
        self.content: dict[str, Any] = {}
        self.fields: dict[str, Any] = {}

    def take(self, candidate: Mapping[str, Any]) -> None:
        parts, content = parts_of(candidate), candidate.get("content")
        rest = {name: value for name, value in candidate.items() if name != "content"}
        self.content.update((content or {}).items())
        if has_half_pair([rest, self.content if not parts else {**self.content, "parts": None}]):
            raise malformed_event("chunk")
        for name, value in rest.items():
            self.fields[name] = _more(self.fields.get(name), value) if name in LISTING else value
        for part in parts:
            self._part(part)

    def _part(self, part: Any) -> None:
        text = kind_of(part) != ""
        if has_half_pair({**part, "text": ""} if text else part):
            raise malformed_event("chunk")
        if not self.runs.goes_on(part):
            self.parts.append(part)
            self.texts.append([])
        else:
            self.parts[-1] = {**self.parts[-1], **part}
        self.texts[-1] += [part["text"]] if text else []

    def value(self, index: int) -> dict[str, Any]:
        """Return it whole."""
        parts = [
            {**part, "text": join_surrogates("".join(texts))} if texts else part
            for part, texts in zip(self.parts, self.texts, strict=True)
        ]
        content = {**self.content, "parts": parts} if parts or self.content else None
        return {**({} if content is None else {"content": content}), **self.fields, "index": index}


class GeminiAssembler:
    """Puts one answer together."""

    def __init__(self) -> None:
        self._top: dict[str, Any] = {}
        self._candidates: dict[int, _Candidate] = {}

    @property
    def finished(self) -> bool:
        """Whether each candidate has said why it ended, or the prompt why there is none."""
        if not self._candidates:
            feedback = self._top.get("promptFeedback")
            return isinstance(feedback, Mapping) and bool(feedback.get("blockReason"))
        return all(candidate.fields.get("finishReason") for candidate in self._candidates.values())

    def take(self, data: Mapping[str, Any]) -> bool:
        """Take a chunk; none says that it is the last.

        Raises:
            BackendError: it is none.
        """
        candidates = candidates_of(data)
        top = {name: value for name, value in data.items() if name != "candidates"}
        if has_half_pair(top):
            raise malformed_event("chunk")
        self._top.update(top)
        for candidate in candidates:
            self._candidates.setdefault(candidate.get("index", 0), _Candidate()).take(candidate)
        return False

    def answer(self) -> dict[str, Any]:
        """Return the answer; raises `BackendError` where a candidate is missing."""
        if [*range(len(self._candidates))] != sorted(self._candidates):
            raise malformed_event("stream: a candidate is missing")
        whole = [self._candidates[index].value(index) for index in sorted(self._candidates)]
        return {**({"candidates": whole} if whole else {}), **self._top}


def _more(known: Any, value: Any) -> Any:
    """Return what chunks list together."""
    if not isinstance(known, Mapping) or not isinstance(value, Mapping):
        return value
    longer = {
        name: [*known[name], *inner]
        for name, inner in value.items()
        if isinstance(inner, list) and isinstance(known.get(name), list)
    }
    return {**known, **value, **longer}
