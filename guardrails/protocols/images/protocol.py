"""OpenAI's images API: what is asked, the pictures that are sent, and those that are made are judged.

An answer of which anything is stopped is an error, never a part of it: no picture could refuse. Each event of a stream is a
picture, and is judged for itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from guardrails.protocols import image_links
from guardrails.protocols.embeddings.protocol import check_list
from guardrails.protocols.errors import write_images_error
from guardrails.protocols.images import images_fields
from guardrails.protocols.protocol import EventAnswers, Protocol, edit_or_fail, failure_writer
from guardrails.protocols.streaming.codec import Event

SHARED = ("background", "output_format", "quality", "size", "usage")
"""What an answer says of all its pictures, and an event of its one."""


withhold = edit_or_fail(400)


def write_events(answer: Mapping[str, Any], kind: str) -> Iterator[Event]:
    """Write a whole answer as the events that tell of finished pictures."""
    shared = {name: answer[name] for name in SHARED if name in answer}
    for picture in answer["data"]:
        name = f"{kind}.completed"
        yield Event(name, {"type": name, "created_at": answer.get("created", 0), **shared, **picture})


def _protocol(action: str, kind: str, **more: Any) -> Protocol:
    return Protocol(
        name=f"openai.images.{action}",
        path=f"/images/{action}",
        read_request=images_fields.read_request,
        check_response=check_list,
        read_response=images_fields.read_response,
        withhold=withhold,
        event_answers=EventAnswers(
            is_last=images_fields.is_last,
            events=partial(write_events, kind=kind),
            failure=failure_writer(write_images_error, "error"),
        ),
        links=image_links.answer_links,
        write_error=write_images_error,
        **more,
    )


GENERATIONS = _protocol("generations", "image_generation", summary="Generate pictures.")
EDITS = _protocol(
    "edits", "image_edit", summary="Edit pictures.", edit_request=images_fields.edit_request, forms="taken"
)
VARIATIONS = replace(
    EDITS, name="openai.images.variations", summary="Vary a picture.", path="/images/variations", forms="only"
)
PROTOCOLS = (GENERATIONS, EDITS, VARIATIONS)
