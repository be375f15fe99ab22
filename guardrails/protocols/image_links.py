"""Finds the pictures of which a body has only the address, and puts pictures in the place of their addresses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, Literal, NamedTuple

from guardrails.engine.values.writer import replace_values, value_at
from guardrails.protocols.gemini.gemini_fields import camel_case, field_of
from guardrails.wire.pointers import MAX_DEPTH, Path

HOLDING: Final = ("messages", "input", "system", "images", "image", "mask", "markup")
"""Fields of a request in which pictures stand."""

PARTS: Final = frozenset({"image_url", "input_image", "computer_screenshot"})
"""Types of parts whose field `image_url` is a picture's."""

MASK: Final = "input_image_mask"
"""The field of a tool that draws with a picture."""

GEMINIS: Final = frozenset(
    {
        "contents",
        "content",
        "systemInstruction",
        "generateContentRequest",
        "parts",
        "functionResponse",
        "toolResponse",
    }
)
"""Fields of Gemini's API in which parts stand."""

FILE: Final = "fileData"
"""The field of a part of a file that stands elsewhere."""

DATA: Final = "data:"


class Link(NamedTuple):
    """An address, the place of what a picture is to stand in the place of, and how that is written there: a `uri`; a `source`,
    which is a mapping with `type`, `media_type` and `data`, as Anthropic's API has it; or in a `part` of Gemini's.
    """

    path: Path
    url: str
    form: Literal["uri", "source", "part"] = "uri"


def request_links(body: Mapping[str, Any]) -> Iterator[Link]:
    """Yield the addresses of pictures in a request."""
    for name in HOLDING:
        own = name in ("images", "image", "mask", "markup")
        yield from _below(body.get(name), (name,), own=own)
    yield from _masks(body.get("tools"), ("tools",))
    yield from _parts(body, ())


def answer_links(body: Mapping[str, Any]) -> Iterator[Link]:
    """Yield those in an answer of the images API, or in an event of its streams."""
    yield from _link(body.get("url"), ("url",))
    data = body.get("data")
    for index, entry in enumerate(data if isinstance(data, list) else ()):
        if isinstance(entry, Mapping):
            yield from _link(entry.get("url"), ("data", index, "url"))


def put_pictures(body: Any, links: Iterable[Link], pictures: Mapping[str, str], most: int) -> Any:
    """Return a body with pictures, which are data URIs, in the place of their addresses, as long as they have at most `most`
    characters together; the same object where there are none.
    """
    edits: dict[tuple[Path, Path | None], Any] = {}
    for link in links:
        picture = pictures.get(link.url)
        if picture is None or len(picture) > most:
            continue
        most -= len(picture)
        edits[link.path, None] = WRITTEN[link.form](picture, value_at(body, link.path))
    return replace_values(body, edits) if edits else body


def _source(picture: str, before: Any) -> dict[str, str]:
    media, data = _split_data_uri(picture)
    return {"type": "base64", "media_type": media, "data": data}


def _part(picture: str, before: Any) -> dict[str, Any]:
    """Return a part of Gemini's that holds a picture; all else of it stays."""
    media, data = _split_data_uri(picture)
    return dict(
        ("inlineData", {"mimeType": media, "data": data}) if camel_case(name) == FILE else (name, value)
        for name, value in before.items()
    )


def _split_data_uri(picture: str) -> tuple[str, str]:
    """Return the type and the data of a data URI."""
    head, _, data = picture.partition(";base64,")
    return head.removeprefix(DATA), data


WRITTEN: Final[Mapping[str, Callable[[str, Any], Any]]] = {
    "uri": lambda picture, before: picture,
    "source": _source,
    "part": _part,
}
"""How a picture, given as a data URI, is written in the place of what was there before."""


def _below(value: Any, path: Path, *, own: bool) -> Iterator[Link]:
    """Yield what stands below a value; `own` says that it is a picture's."""
    if len(path) > MAX_DEPTH:
        return
    if isinstance(value, list):
        for index, entry in enumerate(value):
            yield from _below(entry, (*path, index), own=own)
    elif own and isinstance(value, str):
        yield from _link(value, path)
    elif isinstance(value, Mapping):
        kind = value.get("type")
        if own or (isinstance(kind, str) and kind in PARTS):
            given, at = value.get("image_url"), (*path, "image_url")
            yield from (
                _link(given.get("url"), (*at, "url")) if isinstance(given, Mapping) else _link(given, at)
            )
        source = value.get("source") if kind == "image" else None
        if isinstance(source, Mapping) and source.get("type") == "url":
            yield from (
                link._replace(path=(*path, "source"), form="source")
                for link in _link(source.get("url"), path)
            )
        for name in ("content", "output"):
            yield from _below(value.get(name), (*path, name), own=False)
        yield from _masks(value.get("tools"), (*path, "tools"))


def _parts(value: Any, path: Path) -> Iterator[Link]:
    """Yield what stands in the parts of Gemini's API, whose names have two spellings."""
    if len(path) > MAX_DEPTH:
        return
    if isinstance(value, list):
        for index, entry in enumerate(value):
            yield from _parts(entry, (*path, index))
    elif isinstance(value, Mapping):
        names = {camel_case(name): name for name in value}
        if FILE in names and "inlineData" not in names:
            yield from (
                link._replace(form="part") for link in _link(field_of(value[names[FILE]], "fileUri"), path)
            )
        for name in names.keys() & GEMINIS:
            yield from _parts(value[names[name]], (*path, names[name]))


def _masks(tools: Any, path: Path) -> Iterator[Link]:
    """Yield what stands in the definitions of tools."""
    for index, tool in enumerate(tools if isinstance(tools, list) else ()):
        if isinstance(tool, Mapping):
            yield from _below(tool.get(MASK), (*path, index, MASK), own=True)


def _link(value: Any, path: Path) -> Iterator[Link]:
    if isinstance(value, str) and value and value[: len(DATA)].lower() != DATA:
        yield Link(path, value)
