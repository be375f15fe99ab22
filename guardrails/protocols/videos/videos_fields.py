"""The field tables of OpenAI's videos API: requests and what is told of jobs in, leaves out.

A request is read alike whether it came as JSON or as a form. What a film is to show, and the picture or film that it is made
from, are judged; a job that is named by its id alone is not, as its film is judged when it is fetched. Of a job the prompt is
judged as what it is, the client's; an address of a film that is not in the answer is named as unchecked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from guardrails.engine.content.content_tree import ContentTree, Leaf
from guardrails.engine.content.field_readers import (
    by_table,
    each,
    figures,
    flag,
    identifier,
    keep,
    seed,
    text,
)
from guardrails.engine.content.inline_media import base64, pictured, uri
from guardrails.engine.content.places import place_at
from guardrails.engine.values.media_types import medium
from guardrails.engine.values.walk import LISTS
from guardrails.protocols.chat import chat_fields
from guardrails.protocols.completions.completions_fields import ASKED
from guardrails.protocols.images import images_fields
from guardrails.types import Place, Stage
from guardrails.wire.forms import Upload
from guardrails.wire.pointers import Path

INSIDE: Final = re.compile(r"(?i)(?:input_references?|frame_images?|images?|video)\[(?!\]$)")
"""How names of a form's fields begin that mean something in a picture or a film: `input_reference[image_url]`."""

LINKED: Final = "a film that is not in the answer itself is not judged"


def sent(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """A picture or a film that is sent, or several: a file of a form, Base64, a data URI, or a mapping with one."""
    if isinstance(value, Upload):
        said = value.media.lower() or None
        kind = medium(value.data, said)
        tree.leaves.append(Leaf(kind(value.data, place_at(ASKED, path), declared=said), path))
        tree.text(value.name, path, ASKED, editable=False)
    elif isinstance(value, LISTS):
        for index, entry in enumerate(value):
            sent(tree, entry, (*path, index), place)
    elif isinstance(value, Mapping) and value.keys() == {"id"}:
        identifier(tree, value["id"], (*path, "id"), ASKED)
    else:
        images_fields.picture(tree, value, path, place)


REQUEST = by_table(
    {
        "prompt": images_fields.asking("film"),
        **dict.fromkeys(images_fields.NEGATIVE, images_fields.asking("absence")),
        **dict.fromkeys(("input_reference", "input_references", "frame_images", "image", "video"), sent),
        **dict.fromkeys(("model", "seconds", "size", "resolution", "aspect_ratio", "quality"), keep),
        **dict.fromkeys(("duration", "fps", "n", "generate_audio"), flag),
        "seed": seed,
        **{name: chat_fields.REQUEST.fields[name] for name in ("user", "safety_identifier", "metadata")},
    }
)


def read_request(body: Any) -> ContentTree:
    """Return the leaves of a request; raises `RequestError` for what is refused."""
    tree = ContentTree(roles=("user",))
    REQUEST(tree, images_fields.around(tree, body, INSIDE, sent), (), Place(Stage.INPUT, role="user"))
    return tree


def linked(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """Addresses of a film, or of several; one that is a data URI is the film itself."""
    for index, entry in enumerate(value) if isinstance(value, LISTS) else [(None, value)]:
        if entry not in (None, ""):
            at = path if index is None else (*path, index)
            pictured(uri, none=LINKED)(tree, entry, at, place)


def read_film(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """A film that a model made, in Base64."""
    if value not in (None, ""):
        pictured(base64)(tree, value, path, place)


JOB = by_table(
    {
        **dict.fromkeys(("id", "object", "model", "status", "seconds", "size", "quality"), keep),
        **dict.fromkeys(("remixed_from_video_id", "first_id", "last_id"), keep),
        **dict.fromkeys(
            ("created_at", "completed_at", "expires_at", "progress", "deleted", "has_more"), flag
        ),
        "prompt": images_fields.asking("film"),
        "error": by_table({"code": keep, "message": text}),
        "usage": figures,
        **dict.fromkeys(("url", "urls", "video_url", "unsigned_urls", "thumbnail_url"), linked),
        "b64_json": read_film,
    }
)


RESPONSE = by_table({**JOB.fields, "data": each(JOB)})
"""A job, or a list of them."""


def read_response(body: Any) -> ContentTree:
    """Return the leaves of what is told of a job, or of several."""
    tree = ContentTree()
    RESPONSE(tree, body, (), Place(Stage.OUTPUT, role="assistant"))
    return tree
