"""One labelled text, the heads, and how a record becomes a row: shared by the generator, the data and the training.

Heads that a row does not name are unknown: they are masked in training and left out of evaluation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

HEADS = (
    *("toxic", "hate", "harassment", "sexual", "sexual.minors", "violence"),
    *("self_harm", "self_harm.intent", "self_harm.instructions", "illicit"),
    *(
        "unsafe",
        "unsafe_reply",
        "jailbreak",
        "injection",
        "privacy",
        "misinformation",
        "intellectual_property",
    ),
)
CONTENT = HEADS[:10]
LATER = HEADS[-3:]
"""Heads that the data of earlier versions says nothing of: what is known to be harmful may be one of these as well."""
PROMPT = tuple(head for head in HEADS if head != "unsafe_reply")
WINDOW_CHARACTERS = 480
"""About 128 tokens of English."""


OURS = ("ours:", "hand:")
"""How the sources of what we write begin: from templates, by hand."""


@dataclass(frozen=True, slots=True)
class Row:
    text: str
    source: str
    kind: str
    labels: dict[str, int] = field(default_factory=dict)
    context: str = ""
    lang: str = "en"
    held: bool = False


def zeros(*heads: str, but: Iterable[str] = ()) -> dict[str, int]:
    return dict.fromkeys((head for head in heads if head not in set(but)), 0)


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def key(text: str) -> str:
    """What two texts share that are the same but for case, spacing and punctuation."""
    return " ".join(words(text)) or text.strip()


def pieces(text: str, size: int = WINDOW_CHARACTERS) -> list[str]:
    """Cut a long text at white space into parts of at most about `size` characters."""
    out, start = [], 0
    while start < len(text):
        end = start + size
        if end < len(text):
            cut = max(text.rfind(" ", start + size // 2, end), text.rfind("\n", start + size // 2, end))
            end = cut if cut > start else end
        if part := text[start:end].strip():
            out.append(part)
        start = end
    return out


def about(text: str, part: str, size: int = WINDOW_CHARACTERS) -> str:
    """Return a stretch of `text` of about `size` characters in which `part` begins."""
    at = max(text.find(part[:60]), 0)
    start = max(0, at - max(0, size - len(part)) // 2)
    return text[start : start + size].strip()
