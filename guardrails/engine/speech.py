"""The field tables of OpenAI's speech API: requests in, and what a stream tells beside its sound, leaves out.

What is to be said is a text like any other. What it sounds like is a file, but in a stream: there its pieces are Base64, of one
sound.
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error
from collections.abc import Mapping, Sequence
from typing import Any

from guardrails.engine import chat, images
from guardrails.engine.fields import Leaf, Leaves, Path, placed
from guardrails.engine.tables import anything, by_table, each, figures, flag, identifier, keep
from guardrails.errors import RequestError
from guardrails.types import Audio, Place, Stage

SAID = Place(Stage.OUTPUT, role="assistant")


def voice(leaves: Leaves, value: Any, path: Path, place: Place) -> None:
    """Who speaks: a name, or a mapping with an id."""
    (VOICE if isinstance(value, Mapping) else keep)(leaves, value, path, place)


VOICE = by_table({"id": identifier})
REQUEST = by_table(
    {
        **dict.fromkeys(("input", "instructions"), images.asked),
        "voice": voice,
        **dict.fromkeys(("model", "response_format", "stream_format", "language"), keep),
        **dict.fromkeys(("speed", "seed"), flag),
        **{name: chat.REQUEST.fields[name] for name in ("user", "safety_identifier", "metadata")},
    }
)


def request(body: Any) -> Leaves:
    """Return the leaves of a request; raises `RequestError` for what is refused."""
    leaves = Leaves(roles=("user",))
    REQUEST(leaves, body, (), Place(Stage.INPUT, role="user"))
    return leaves


EVENT = by_table({"type": keep, "usage": figures, "error": anything})


def streamed(body: Mapping[str, Sequence[Mapping[str, Any]]]) -> Leaves:
    """Return the leaves of a stream, whose `events` hold pieces of one sound (`audio`).

    Raises:
        RequestError: a piece is no sound Base64.
    """
    leaves, sound = Leaves(), bytearray()
    try:
        for event in body["events"]:
            if "audio" in event:
                sound += b64decode(event["audio"], validate=True)
    except (Error, ValueError, TypeError):
        raise RequestError("not_base64", "a piece of the sound is no Base64", "/events") from None
    rest = [{name: value for name, value in event.items() if name != "audio"} for event in body["events"]]
    each(EVENT)(leaves, rest, ("events",), SAID)
    if sound:
        place = placed(SAID, ("events",))
        leaves.found.append(Leaf(Audio(bytes(sound), place), ("events",), editable=False))
    return leaves
