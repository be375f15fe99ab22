"""The names of fields in streams: whatever stands behind one, it does not go on before it was judged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from . import contract_completions, contract_messages
from .conftest import asking, chunk, message, message_events, put, response, response_events

TEXT = "Hello. You. There. "
NAME = "the zqxbomb"
VALUES = ("", None, "x", 1, [], {})
STREAMS: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "/v1/chat/completions": (
        [chunk({"role": "assistant"}), chunk({"content": TEXT}), chunk({"content": TEXT}), chunk({}, "stop")],
        asking("hi", stream=True),
    ),
    "/v1/completions": (
        [*map(contract_completions.text_chunk, (TEXT, TEXT)), contract_completions.text_chunk("", "stop")],
        contract_completions.asking(stream=True),
    ),
    "/v1/messages": (
        message_events(message(TEXT + TEXT), len(TEXT)),
        {**contract_messages.asking(contract_messages.HI), "stream": True},
    ),
    "/v1/responses": (
        response_events(response(TEXT + TEXT), len(TEXT)),
        {"model": "m", "input": "hi", "stream": True},
    ),
}
"""Path → the events of an answer, and a request for it."""


def mappings(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield where the mappings below a value stand."""
    if isinstance(value, dict):
        yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(inner, dict | list):
            yield from mappings(inner, (*path, key))


PLACES = [(path, at) for path, (events, _) in STREAMS.items() for at in mappings(events)]


@pytest.mark.parametrize(("path", "at"), PLACES, ids=str)
def test_a_name_goes_on_once_it_was_judged(proxy, fake, kit, path, at) -> None:
    """In every mapping of every event; empty fields too."""
    events, body = STREAMS[path]
    for value in VALUES:
        changed = put(events, (*at, NAME), value)
        fake.events(*changed) if "type" in events[0] else fake.streams(*changed)

        answer = kit.send(proxy, path, body, {"anthropic-version": "2023-06-01"})

        assert b"zqxbomb" not in answer.raw, value
