"""Breaks the markers of chat templates in a text that is to be judged.

Servers and tokenizers read `<|eot_id|>` in any text that they are given as the end of a turn, and what follows as one of its
own: whoever writes that into a text could answer in the guard's place. So each marker is broken by a space.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from guardrails.detectors.llm.guards.form import UnreadableAnswer

_NAMES: Final = (
    *("s", "bos", "eos", "pad", "unk", "mask", "</?sys>", "image", r"image_soft_token", r"unused\d+"),
    *("think", "no-think", "score", "confidence", "guardian", "tools?", "tool_calls?", "tool_response"),
    *(r"(?:start|end|begin)[_ -][\w -]{1,60}",),
)
"""What stands between the brackets of a marker that has no bars in it, and is no usual mark-up."""

_MARKER: Final = re.compile(
    rf"<(?=[|\uff5c])|[|\uff5c](?=>)|<(?=/?(?:{'|'.join(_NAMES)})>)|\[(?=/?(?-i:[A-Z][A-Z_]+)\])",
    re.IGNORECASE,
)
"""The character behind which a marker is broken."""

ROUNDS: Final = 4
"""How often a text is gone over for markers of the tokenizer's own."""


def break_markers(text: str, special: Sequence[str] = ()) -> str:
    """Return a text in which no marker is whole, nor any of the tokens that are special to the tokenizer at hand.

    Raises:
        Unreadable: a special token is of a kind that cannot be broken.
    """
    text = _MARKER.sub(r"\g<0> ", text)
    for _ in range(ROUNDS):
        found = [token for token in special if token in text]
        if not found:
            return text
        for token in found:
            text = text.replace(token, f"{token[:1]} {token[1:]}")
    raise UnreadableAnswer("the text holds special tokens of the model")
