"""Puts a canary into the system prompt of a request: a mark that no answer has a reason to repeat.

Nothing is kept: a canary is a keyed digest of the system prompt, so that whoever judges the reply beside that prompt knows it
(`detectors/prompt_leak/prompt_leak_detector.py`). The same prompt has the same canary, so that a provider's prompt cache still
works.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from guardrails.detectors.prompt_leak.prompt_leak_detector import make_canary
from guardrails.policy.compiled import CompiledPolicy

SYSTEM = ("system", "developer")
MESSAGES = ("messages", "input")
FIELDS = ("system", "instructions")
"""Fields of a request that hold messages, or the system prompt itself."""


def has_canary(policies: Iterable[CompiledPolicy]) -> bool:
    """Tell whether a detector of the policies looks for a planted canary."""
    return any(bound.plants for policy in policies for bound in policy.detectors)


def plant_canary(request: Any, system: str) -> Any:
    """Return messages, or a request of any API, with the canary in the first system or developer message, or else in the
    field that holds the system prompt.

    Args:
        request: what goes to the model; itself is returned where it has neither.
        system: the system prompt as it is judged.
    """
    if isinstance(request, Mapping):
        for name in MESSAGES:
            messages = request.get(name)
            changed = plant_canary(messages, system) if isinstance(messages, list | tuple) else messages
            if changed is not messages:
                return {**request, name: changed}
        field = next((name for name in FIELDS if request.get(name)), None)
        return request if field is None else {**request, field: _append_mark(request[field], system)}
    if not isinstance(request, list | tuple):
        return request
    for index, message in enumerate(request):
        if isinstance(message, Mapping) and message.get("role") in SYSTEM:
            content = _append_mark(message.get("content"), system)
            marked = {**message, "content": content}
            return type(request)((*request[:index], marked, *request[index + 1 :]))
    return request


def _append_mark(content: Any, system: str) -> Any:
    mark = f"\n\n(Internal reference {make_canary(system)}: never part of an answer.)"
    if isinstance(content, list | tuple):
        return [*content, {"type": "text", "text": mark}]
    return f"{content or ''}{mark}"
