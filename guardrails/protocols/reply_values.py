"""Puts the user's own values back into a model's answer, in the texts that a person reads.

These are a text, the content of an assistant's message in OpenAI's or Anthropic's form (a text, or parts of that), that
of each choice of a chat response, that of each message of a response, that of each candidate (Gemini's form), and that of
the message or completion of Ollama's. All else stays as it is: calls and their arguments, thoughts, structures of another form.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from guardrails.protocols.chat.chat_payload import SPELLED
from guardrails.protocols.gemini import gemini_fields
from guardrails.types import Restorer, Text

COMPLETED = ("text", "response")
"""Fields in which a completion's text stands."""

TEXT_PARTS = ("text", "output_text")
"""The types of parts that hold what a person reads, in their field `text`."""


def restore_reply(answer: Any, restorer: Restorer) -> Any:
    """Return an answer that was checked with values put back into it; itself if nothing changes."""
    if isinstance(answer, str):
        return restorer.restore(answer)
    if isinstance(answer, Text):
        text = restorer.restore(answer.text)
        return answer if text == answer.text else replace(answer, text=text)
    if isinstance(answer, list | tuple):
        return _map_entries(answer, lambda entry: _message(entry, restorer))
    if isinstance(answer, Mapping) and isinstance(answer.get("choices"), list):
        return _replace_field(
            answer, "choices", _map_entries(answer["choices"], lambda entry: _choice(entry, restorer))
        )
    if isinstance(answer, Mapping) and isinstance(answer.get("output"), list):
        return _replace_field(answer, "output", _items(answer["output"], restorer))
    if isinstance(answer, Mapping) and isinstance(answer.get("candidates"), list):
        return _replace_field(
            answer, "candidates", _map_entries(answer["candidates"], lambda each: _candidate(each, restorer))
        )
    if isinstance(answer, Mapping) and _is_ollamas(answer):
        return _choice(answer, restorer)
    return _message(answer, restorer)


def _is_ollamas(answer: Mapping[str, Any]) -> bool:
    """Tell whether an answer has the form of Ollama's API, which is that of one choice."""
    return isinstance(answer.get("message"), Mapping) or isinstance(answer.get("response"), str)


def _choice(choice: Any, restorer: Restorer) -> Any:
    """Return a choice; what spells its text in tokens goes where that changes."""
    if not isinstance(choice, Mapping):
        return choice
    if "message" in choice:
        changed = _replace_field(choice, "message", _message(choice["message"], restorer))
    else:
        name = next((name for name in COMPLETED if isinstance(choice.get(name), str)), None)
        changed = choice if name is None else _replace_field(choice, name, restorer.restore(choice[name]))
    if changed is choice:
        return choice
    return {name: None if name in SPELLED else value for name, value in changed.items()}


def _message(message: Any, restorer: Restorer) -> Any:
    if not isinstance(message, Mapping) or message.get("role", "assistant") != "assistant":
        return message
    content = message.get("content")
    if isinstance(content, str):
        return _replace_field(message, "content", restorer.restore(content))
    if isinstance(content, list | tuple):
        return _replace_field(message, "content", _parts(content, restorer))
    return message


def _candidate(candidate: Any, restorer: Restorer) -> Any:
    """Return a candidate of Gemini's API; what spells its text, or points into it, goes where that changes."""
    content = candidate.get("content") if isinstance(candidate, Mapping) else None
    if not isinstance(content, Mapping) or not isinstance(content.get("parts"), list):
        return candidate
    changed = _replace_field(content, "parts", _parts(content["parts"], restorer))
    return candidate if changed is content else gemini_fields.drop_spelling({**candidate, "content": changed})


def _items(items: Any, restorer: Restorer) -> Any:
    """Return the items of a response with values put back, unless one alone would get what all as one text would not."""
    changed = _map_entries(items, lambda item: _message(item, restorer))
    before, after = "".join(_texts(items)), "".join(_texts(changed))
    return changed if restorer.restore(before) == after else items


def _texts(items: Any) -> Iterator[str]:
    """Yield the texts of the messages among items."""
    for item in items:
        content = item.get("content") if isinstance(item, Mapping) else None
        if isinstance(content, list | tuple):
            yield from (part["text"] for part in content if _is_text(part))


def _parts(parts: Any, restorer: Restorer) -> Any:
    """Return parts with values put back, unless a part alone would get what all of them as one text would not: a link
    may begin in one part and go on in the next.
    """
    changed = _map_entries(parts, lambda part: _part(part, restorer))
    joined = "".join(part["text"] for part in parts if _is_text(part))
    alike = restorer.restore(joined) == "".join(part["text"] for part in changed if _is_text(part))
    return changed if alike else parts


def _is_text(part: Any) -> bool:
    if not isinstance(part, Mapping) or not isinstance(part.get("text"), str):
        return False
    # Parts of Gemini's API have no type: a text is one unless it is a thought.
    return part["type"] in TEXT_PARTS if "type" in part else not part.get("thought")


def _part(part: Any, restorer: Restorer) -> Any:
    changed = _replace_field(part, "text", restorer.restore(part["text"])) if _is_text(part) else part
    return part if changed is part else drop_spelling(changed)


def drop_spelling(part: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a part whose text was changed without what spells it as it was, and without what points into that."""
    gone: dict[str, Any] = {"logprobs": []} if part.get("logprobs") else {}
    notes = part.get("annotations")
    if isinstance(notes, list):
        kept = [note for note in notes if not (isinstance(note, Mapping) and "start_index" in note)]
        gone |= {"annotations": kept} if len(kept) < len(notes) else {}
    return {**part, **gone} if gone else part


def _replace_field(mapping: Mapping[str, Any], name: str, value: Any) -> Mapping[str, Any]:
    """Return a mapping with a field of another value, itself if it is the same."""
    same = name in mapping and (value is mapping[name] or value == mapping[name])
    return mapping if same else {**mapping, name: value}


def _map_entries(entries: Any, change: Callable[[Any], Any]) -> Any:
    """Return a list or tuple of what its entries become, itself where nothing changes."""
    changed = [change(entry) for entry in entries]
    if all(new is old for new, old in zip(changed, entries, strict=True)):
        return entries
    return tuple(changed) if isinstance(entries, tuple) else changed
