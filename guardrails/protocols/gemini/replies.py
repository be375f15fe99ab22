"""What a model of Gemini's API replies with, by candidate, and how it is asked again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from guardrails.wire.pointers import Path


def find_replies(answer: Mapping[str, Any]) -> list[tuple[Path, ...]]:
    """Return where the texts of each candidate's reply stand: nowhere in one that calls a function."""
    candidates = answer.get("candidates")
    found = (
        (*_texts(candidate, ("candidates", index)),)
        for index, candidate in enumerate(candidates if isinstance(candidates, list) else ())
    )
    return [paths for paths in found if paths]


def _texts(candidate: Any, path: Path) -> Iterator[Path]:
    content = candidate.get("content") if isinstance(candidate, Mapping) else None
    parts = content.get("parts") if isinstance(content, Mapping) else None
    if not isinstance(parts, list) or any(
        isinstance(part, Mapping) and "functionCall" in part for part in parts
    ):
        return
    for index, part in enumerate(parts):
        if isinstance(part, Mapping) and isinstance(part.get("text"), str) and not part.get("thought"):
            yield (*path, "content", "parts", index, "text")


def append_reask(body: Mapping[str, Any], answer: str, words: str) -> dict[str, Any]:
    """Return a request with what the model answered, and the words on that, as its last turns."""
    turns = ({"role": "model", "parts": [{"text": answer}]}, {"role": "user", "parts": [{"text": words}]})
    return {**body, "contents": [*(body.get("contents") or []), *turns]}
