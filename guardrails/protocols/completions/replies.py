"""How a model is asked again that continues a text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def append_reask(body: Mapping[str, Any], answer: str, words: str) -> dict[str, Any]:
    """Return a request with what the model answered, and the words on that, behind each prompt that is a text."""
    prompt = body.get("prompt")
    more = f"{answer}\n\n{words}\n"
    if isinstance(prompt, list):
        return {**body, "prompt": [f"{each}{more}" if isinstance(each, str) else each for each in prompt]}
    return {**body, "prompt": f"{prompt}{more}" if isinstance(prompt, str) else prompt}
