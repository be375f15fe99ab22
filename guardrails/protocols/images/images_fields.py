"""The field tables of OpenAI's images API: requests, answers and events of streams in, leaves out.

A request is read alike whether it came as JSON or as a form, whose pictures are `Upload`s. What a picture is made from, and what
it became, is judged as a picture; an address of one that is not in the body is named as unchecked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from guardrails.engine.content.content_tree import ContentTree, Leaf
from guardrails.engine.content.field_readers import (
    Reader,
    by_table,
    each,
    figures,
    identifier,
    keep,
    seed,
    text,
)
from guardrails.engine.content.inline_media import (
    base64,
    may_be_picture,
    on_its_way,
    pictured,
    uri,
)
from guardrails.engine.content.payload import apply_edits
from guardrails.engine.content.places import place_at
from guardrails.engine.model import Outcome
from guardrails.engine.values.walk import LISTS, find_strings
from guardrails.engine.values.writer import replace_values, value_at
from guardrails.errors import RequestError
from guardrails.media.errors import MediaError
from guardrails.media.images.outline import read_outline
from guardrails.media.rewrite.recode import MEDIA
from guardrails.media.video.file_type import HEAD, detect_file_type
from guardrails.protocols.chat import chat_fields
from guardrails.protocols.completions.completions_fields import ASKED
from guardrails.types import AsksFor, Image, Place, Stage
from guardrails.wire.forms import Upload
from guardrails.wire.pointers import Path, pointer

ADDRESSES: Final = ("http", "data:")

NEGATIVE: Final = ("negative_prompt", "negativePrompt")
"""Fields of servers that speak this API: what is not to be seen."""

INSIDE: Final = re.compile(r"(?i)(?:images?|mask|markup)\[(?!\]$)")
"""How names of a form's fields begin that mean something in a picture, or in one of several: `images[0][image_url]`."""


def picture(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """A picture that is sent, or several: a file of a form, Base64, a data URI, or a mapping with one."""
    if isinstance(value, Upload):
        declared = value.media.lower() if value.media.lower().startswith("image/") else None
        tree.leaves.append(Leaf(Image(value.data, place_at(ASKED, path), declared=declared), path))
        tree.text(value.name, path, ASKED, editable=False)
    elif isinstance(value, LISTS):
        for index, entry in enumerate(value):
            picture(tree, entry, (*path, index), ASKED)
    elif isinstance(value, Mapping):
        SENT(tree, value, path, ASKED)
    elif isinstance(value, str) and not value.lower().startswith(ADDRESSES):
        pictured(base64)(tree, value, path, ASKED)
    elif value is not None:
        pictured(uri)(tree, value, path, ASKED)


def linked(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """The address of a picture, in a mapping or alone."""
    (URL if isinstance(value, Mapping) else uri)(tree, value, path, place)


URL = by_table({"url": uri, "detail": keep})
SENT = pictured(by_table({"type": keep, "image_url": linked, "file_id": identifier}))


def read_prompt(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """What a model is to do."""
    text(tree, value, path, ASKED)


def asking(what: AsksFor) -> Reader:
    """Return a reader of a prompt that asks a generator for something."""
    asked = replace(ASKED, asks_for=what)

    def read(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
        text(tree, value, path, asked)

    return read


REQUEST = by_table(
    {
        "prompt": asking("picture"),
        **dict.fromkeys(NEGATIVE, asking("absence")),
        **dict.fromkeys(("image", "image[]", "images", "mask", "markup"), picture),
        **dict.fromkeys(("model", "n", "size", "quality", "style", "background", "moderation"), keep),
        **dict.fromkeys(("response_format", "output_format", "output_compression", "input_fidelity"), keep),
        **dict.fromkeys(("stream", "partial_images", "complexity"), keep),
        "seed": seed,
        **dict.fromkeys(("frame_count", "frame_duration_ms", "svg[model]", "svg[reasoning][effort]"), keep),
        "svg": figures,
        **{name: chat_fields.REQUEST.fields[name] for name in ("user", "safety_identifier", "metadata")},
    }
)


def read_request(body: Any) -> ContentTree:
    """Return the leaves of a request; raises `RequestError` for what is refused."""
    tree = ContentTree(roles=("user",))
    REQUEST(tree, around(tree, body, INSIDE, picture), (), Place(Stage.INPUT, role="user"))
    return tree


def around(tree: ContentTree, body: Any, inside: re.Pattern[str], read: Reader) -> Any:
    """Read the fields of a form whose names mean something `inside` of a picture or a film; return the rest of the body."""
    names = [name for name in body if inside.match(name)] if isinstance(body, Mapping) else []
    for name in names:
        tree.text(name, (name,), ASKED, editable=False)
        read(tree, body[name], (name,), ASKED)
    return {name: value for name, value in body.items() if name not in names} if names else body


def edit_request(body: Any, tree: ContentTree, outcome: Outcome) -> Any:
    """Return a request with an outcome's edits; a file that was changed is one again, of the type that it has now.

    Raises:
        RequestError: it is no picture.
    """
    new: Any = apply_edits(body, tree, outcome)
    for index in outcome.edits:
        path = tree.leaves[index].path
        before, made = value_at(body, path), value_at(new, path)
        if isinstance(before, Upload):
            new = replace_values(new, {(path, None): replace(before, data=made, media=media_of(made))})
    return new


def media_of(picture: bytes) -> str:
    """Return the media type of a picture's bytes, or of those of a film that was redacted; raises `RequestError` for others."""
    film = detect_file_type(picture[:HEAD])
    if film is not None and film.format in MEDIA:
        return MEDIA[film.format]
    try:
        return "image/" + read_outline(picture).format
    except MediaError:
        raise RequestError("invalid_image", "a picture that was redacted cannot be written again") from None


def read_picture(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """A picture that a model made, in Base64."""
    if value not in (None, ""):
        pictured(base64)(tree, value, path, place)


def address(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """The address of one."""
    if value not in (None, ""):
        pictured(uri)(tree, value, path, place)


PICTURE: Final = {"b64_json": read_picture, "url": address}
ENTRY = by_table({**PICTURE, "revised_prompt": text})


def entry(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """One picture of an answer."""
    here = replace(place, choice_index=int(path[-1]))
    ENTRY(tree, value, path, here)
    _hidden(tree, value, path, here, ENTRY.fields)
    if isinstance(value, Mapping) and not any(value.get(name) for name in PICTURE):
        tree.cannot("part", "it holds no picture that the guard can find", path, place)


RESPONSE = by_table(
    {
        **PICTURE,
        **dict.fromkeys(("type", "object", "id", "created", "created_at", "model"), keep),
        **dict.fromkeys(("background", "output_format", "quality", "size", "partial_image_index"), keep),
        "safety_identifier": identifier,
        **dict.fromkeys(("usage", "svg_usage"), figures),
        "data": each(entry),
    }
)
"""An answer; and an event of a stream, which holds one picture itself."""

PARTIAL: Final = on_its_way(RESPONSE)
"""An event with a picture that is not finished."""


def read_response(body: Any) -> ContentTree:
    """Return the leaves of an answer, or of an event, whose picture may be one on its way."""
    tree = ContentTree()
    place = Place(Stage.OUTPUT, role="assistant")
    (PARTIAL if is_partial(body) else RESPONSE)(tree, body, (), place)
    _hidden(tree, body, (), place, RESPONSE.fields)
    return tree


def is_partial(event: Any) -> bool:
    """Tell whether an event of a stream has a picture that a finished one follows."""
    return isinstance(event, Mapping) and str(event.get("type", "")).endswith(".partial_image")


def is_last(event: Mapping[str, Any]) -> bool:
    """Tell whether an event of a stream has a finished picture."""
    return str(event.get("type", "")).endswith(".completed")


def _hidden(tree: ContentTree, value: Any, path: Path, place: Place, known: Mapping[str, Any]) -> None:
    """Name what may be a picture in fields that nobody knows."""
    named = {entry.path for entry, _ in tree.unchecked}
    for name, inner in value.items() if isinstance(value, Mapping) else ():
        if name in known:
            continue
        for where, found, _ in find_strings(inner, (*path, name)):
            if may_be_picture(where[-1], found) and pointer(where) not in named:
                tree.cannot("part", "this may be a picture", where, place)
