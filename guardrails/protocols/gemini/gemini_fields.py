"""The field tables of Google's Gemini API: requests in, leaves out, and edits back into them; `gemini_answer` has answers.

A part says by its field what it is: texts and thoughts stand where their content does, calls and code at `tool_call`, what came
of them at `tool_result`. Google's server takes every name of a request in two spellings, `systemInstruction` and
`system_instruction`: a mapping with both is refused, so that no two parsers read two requests, and where it takes a list, it
takes one entry alone. What the guard cannot see is refused where it is a conversation (`cachedContent`), and named as an
unchecked part where it is a part (`inlineData`, `fileData`).

A signature that stands with an edited text goes with what was there: it seals what the model thought of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.content.field_readers import (
    Reader,
    anything,
    arguments,
    each,
    figures,
    flag,
    identifier,
    keep,
    opaque,
    refused,
    seed,
    signature,
    spoken,
    text,
)
from guardrails.engine.content.inline_media import added
from guardrails.engine.content.payload import apply_edits
from guardrails.engine.model import Outcome
from guardrails.engine.tools.tool_calls import place_call, place_definition, place_result
from guardrails.engine.values.media_types import SAID
from guardrails.engine.values.walk import LISTS, MAPPINGS
from guardrails.engine.values.writer import remove_entries, replace_values, value_at
from guardrails.errors import RequestError
from guardrails.types import Place, Stage
from guardrails.wire.pointers import Path, pointer

ROLES: Mapping[str, tuple[str, Stage]] = {
    "user": ("user", Stage.INPUT),
    "model": ("assistant", Stage.OUTPUT),
    "function": ("tool", Stage.TOOL_RESULT),
}
"""Role of a content → what it is called here, and where its texts stand."""

READ, THOUGHT = "text", "thought"
"""What a text of a model is: people read it, or it is a thought."""

POINTING = ("logprobsResult", "avgLogprobs", "citationMetadata")
"""Fields of a candidate that spell its text in tokens, or point into it."""

SIGNATURES = ("thoughtSignature", "thought_signature")

SNAKE = re.compile("_([a-z0-9])")


def camel_case(name: str) -> str:
    """Return the other spelling of a name: `systemInstruction` for `system_instruction`."""
    return SNAKE.sub(lambda match: match[1].upper(), name)


def field_of(value: Any, name: str) -> Any:
    """Return a field of a mapping in either spelling, None where it has none."""
    if not isinstance(value, Mapping):
        return None
    return next((inner for spelt, inner in value.items() if spelt == name or camel_case(spelt) == name), None)


@dataclass(frozen=True, slots=True)
class Names:
    """Reads a mapping by the readers of its fields, each in either spelling; raises `RequestError` for both."""

    fields: Mapping[str, Reader]
    lenient: bool = False

    def __call__(self, tree: ContentTree, value: Any, path: Path, place: Place) -> None:
        if not isinstance(value, MAPPINGS):
            text(tree, value, path, place)
            return
        for name, inner in value.items():
            own = camel_case(name)
            if own != name and own in value:
                raise RequestError(
                    "duplicate_key", "a field stands there in both spellings", pointer((*path, own))
                )
            reader = self.fields.get(own)
            if reader is not None:
                reader(tree, inner, (*path, name), place)
            elif self.lenient:
                tree.anything({name: inner}, path, place)
            else:
                tree.unknown_field(inner, (*path, name), place)


def many(reader: Reader) -> Reader:
    """Read each entry of a list, or one that stands there alone."""
    several = each(reader)
    return lambda tree, value, path, place: (reader if isinstance(value, MAPPINGS) else several)(
        tree, value, path, place
    )


def media(name: str, data: str, reader: Reader) -> Reader:
    """Read a picture, a film, a sound, or a text, in Base64; what else there is cannot be judged by this build."""
    fields: dict[str, Reader] = {"mimeType": keep, "displayName": text}
    other, written = Names({**fields, data: reader}), Names({**fields, data: signature})

    def read(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
        kind = str(field_of(value, "mimeType") or "").lower()
        if kind.partition("/")[0] in SAID and data == "data":
            named = next((name for name in value if camel_case(name) == data), data)
            if added(tree, value.get(named), (*path, named), place, "", kind):
                other(tree, _without(value, (named,)), path, place)
                return
        sound = kind.startswith("audio/")
        tree.cannot(
            "audio" if sound else "part", f"no detector reads this {'sound' if sound else name}", path, place
        )
        (written if kind.startswith("text/") and data == "data" else other)(tree, value, path, place)

    return read


def came_of(place: Place) -> Place:
    """Return where a result stands that is found here. In an answer it is what the client reads as well."""
    also = (Stage.OUTPUT,) if place.message is None else ()
    return replace(place, stage=Stage.TOOL_RESULT, also=also, role="tool")


CODE: Final = "code_execution"
"""What the provider's tool is called that runs code."""


def call(given: str, table: Reader, *, hosted: bool = False) -> Reader:
    """Read one call of a tool by a table; `given` is the field with its arguments, `hosted` whether the provider makes it."""

    def read(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
        name, identity = _tool(value), field_of(value, "id")
        if place.stage is Stage.INPUT:  # no model made this call: it says what a user says
            place = replace(place, also=(Stage.INPUT, *place.also))
        here = place_call(tree, place, name, field_of(value, given), identity=identity, hosted=hosted)
        if name is not None and identity != name:  # its result may have no id
            tree.calls.setdefault(name, []).append((name, ""))
        tree.call(here.tool or "", here.use.arguments or "" if here.use else "", path, here)
        table(tree, value, path, here)

    return read


def result(table: Reader) -> Reader:
    """Read what a tool returned by a table."""

    def read(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
        name, identity = _tool(value), field_of(value, "id")
        here = place_result(tree, came_of(place), name if identity is None else identity, name)
        table(tree, value, path, here)

    return read


def _tool(value: Any) -> str | None:
    """Return the name of the tool that a call, or what came of it, is of; None where it has none."""
    if not isinstance(value, Mapping):
        return None
    names = {camel_case(name): inner for name, inner in value.items()}
    name = CODE if names.keys() & {"code", "outcome"} else names.get("name", names.get("toolType"))
    return name if isinstance(name, str) else None


IN_PIECES = refused("arguments that come in pieces are not judged")
MEDIA: Mapping[str, Reader] = {
    "inlineData": media("image or file", "data", opaque),
    "fileData": media("file", "fileUri", identifier),
}
BESIDE_MEDIA: Mapping[str, Reader] = dict.fromkeys(
    (
        "videoMetadata",
        "mediaResolution",
        "mediaProcessing",
        "documentMetadata",
        "spreadsheetMetadata",
        "audioMetadata",
    ),
    figures,
)
CALLED: Mapping[str, Reader] = {"id": identifier, "name": identifier, "args": arguments, "toolType": keep}
RETURNED: Mapping[str, Reader] = {
    **dict.fromkeys(("id", "name"), identifier),
    **dict.fromkeys(("scheduling", "toolType"), keep),
    "response": anything,
    "parts": many(Names({**MEDIA, **BESIDE_MEDIA})),
    "willContinue": flag,
}
KINDS: Mapping[str, Reader] = {
    "text": text,
    **MEDIA,
    "functionCall": call(
        "args", Names({**CALLED, **dict.fromkeys(("partialArgs", "willContinue"), IN_PIECES)})
    ),
    "functionResponse": result(Names(RETURNED)),
    "toolCall": call("args", Names(CALLED), hosted=True),
    "toolResponse": result(Names(RETURNED)),
    "executableCode": call("code", Names({"id": identifier, "language": keep, "code": text}), hosted=True),
    "codeExecutionResult": result(Names({"id": identifier, "outcome": keep, "output": text})),
}
"""What a part may be."""

PART = Names(
    {
        **KINDS,
        **BESIDE_MEDIA,
        "thought": flag,
        "thoughtSignature": signature,
        "partMetadata": anything,
    }
)


def part(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """One part of a content."""
    if isinstance(value, Mapping) and value and not any(camel_case(name) in PART.fields for name in value):
        tree.cannot("part", "no detector reads this type of part", path, place)
    PART(tree, value, path, place)


def parts(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """The parts of a content, judged each and joined: all texts, all thoughts, and both as they stand."""
    first = len(tree.leaves)
    many(part)(tree, value, path, place)
    by_kind: dict[str, list[int]] = {}
    for index in range(first, len(tree.leaves)):
        where = tree.leaves[index].path
        if where[-1] == "text" and len(where) == len(path) + (2 if isinstance(value, LISTS) else 1):
            kind = THOUGHT if value_at(value, where[len(path) : -1]).get("thought") else READ
            by_kind.setdefault(kind, []).append(index)
    for indexes in by_kind.values():
        tree.join(indexes, path, place)
    if len(by_kind) > 1:
        tree.join(sorted(index for indexes in by_kind.values() for index in indexes), path, place)


CONTENT = Names({"role": keep, "parts": parts})
SYSTEM: Final = Place(Stage.INPUT, role="system")
TOLD: Final = Place(Stage.INPUT, role="user")


def content(tree: ContentTree, value: Any, path: Path, index: int) -> str:
    """Read one content of a request; return whose turn it is: results come in a user's content, and are none of theirs."""
    if not isinstance(value, Mapping):
        raise RequestError(
            "invalid_contents", f"a content must be a mapping, not {type(value).__name__}", pointer(path)
        )
    role = value.get("role") or "user"
    if not isinstance(role, str) or role not in ROLES:
        raise RequestError("unknown_role", f"role is not one of {', '.join(ROLES)}", pointer((*path, "role")))
    own, stage = ROLES[role]
    also = (Stage.INPUT,) if role == "model" else ()
    CONTENT(tree, value, path, Place(stage, also, own, message=index))
    said = value.get("parts")
    answers = any(
        field_of(entry, name) is not None
        for entry in (said if isinstance(said, list) else [said])
        for name in ("functionResponse", "toolResponse")
    )
    return "tool" if own == "user" and answers else own


def contents(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """The conversation of a request, oldest content first."""
    if isinstance(value, Mapping):
        roles = [content(tree, value, path, 0)]
    elif isinstance(value, list):
        roles = [content(tree, entry, (*path, index), index) for index, entry in enumerate(value)]
    else:
        raise RequestError("invalid_contents", "contents must be a list of contents", pointer(path))
    spoken(tree, roles)


def system(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """The system prompt."""
    CONTENT(tree, value, path, SYSTEM)


def definition(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """One function: everything in its definition is read by the model."""
    DEFINITION(tree, value, path, place_definition(field_of(value, "name")))


def remote(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """Servers whose tools the model gets: how these are defined is not in the request."""
    if value:
        tree.cannot("part", "the tools of a remote server are not seen", path, place)
    tree.anything(value, path, place)


DEFINITION = Names({"name": identifier, "behavior": keep}, lenient=True)
HOSTED = (
    "googleSearch", "googleSearchRetrieval", "googleMaps", "urlContext", "codeExecution", "computerUse", "fileSearch",
    "enterpriseWebSearch", "retrieval",
)  # fmt: skip
"""Tools of the provider's."""


def hosted(name: str) -> Reader:
    """Read a tool of the provider's, which is known by its field: what is not listed is no tool here, though it says nothing."""

    def read(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
        tree.text(name, path, place_definition(name), editable=False)
        tree.anything(value, path, place_definition(name))

    return read


TOOL = Names(
    {
        "functionDeclarations": many(definition),
        "mcpServers": remote,
        **{name: hosted(name) for name in HOSTED},
    }
)


def tools(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """The tools of a request, the provider's too."""
    many(TOOL)(tree, value, path, Place(Stage.TOOL_DEFINITION, role="system"))


CALLING = Names({"streamFunctionCallArguments": IN_PIECES}, lenient=True)
GENERATION = Names(
    {
        **dict.fromkeys(
            ("temperature", "topP", "topK", "candidateCount", "maxOutputTokens", "logprobs"), flag
        ),
        "seed": seed,
        **dict.fromkeys(("presencePenalty", "frequencyPenalty", "responseLogprobs", "audioTimestamp"), flag),
        **dict.fromkeys(("thinkingConfig", "imageConfig", "responseModalities"), figures),
        **dict.fromkeys(("responseMimeType", "mediaResolution"), keep),
    },
    lenient=True,
)
REQUEST = Names(
    {
        "model": keep,
        "contents": contents,
        "systemInstruction": system,
        "tools": tools,
        "toolConfig": Names({"functionCallingConfig": CALLING}, lenient=True),
        "generationConfig": GENERATION,
        "safetySettings": figures,
        "labels": anything,
        "serviceTier": keep,
        "store": flag,
        "cachedContent": refused("the guard has not seen that conversation"),
    }
)
COUNTED = Names({**REQUEST.fields, "generateContentRequest": REQUEST})
"""What tokens are counted of: contents, or a whole request."""


def read_request(body: Any) -> ContentTree:
    """Return the leaves of a request."""
    return _asked(body, REQUEST, field_of(body, "contents"))


def read_count_request(body: Any) -> ContentTree:
    """Return the leaves of a request for a count."""
    whole, alone = field_of(body, "generateContentRequest"), field_of(body, "contents")
    if whole is not None and alone is not None:
        raise RequestError(
            "invalid_contents", "either contents or a whole request can be counted", "/contents"
        )
    return _asked(body, COUNTED, field_of(whole, "contents") if alone is None else alone)


def _asked(body: Any, table: Reader, said: Any) -> ContentTree:
    if said is None:
        raise RequestError("invalid_contents", "the body must be a mapping with 'contents'", "/contents")
    tree = ContentTree()
    table(tree, body, (), TOLD)
    tree.beside_own_system()
    return tree


def edit_body(body: Any, tree: ContentTree, outcome: Outcome) -> Any:
    """Return a request or an answer with an outcome's edits, without what signs, spells or points into a text that these change,
    and without removed turns; the same object where nothing changes.
    """
    new: Any = apply_edits(body, tree, outcome)
    paths = {tree.leaves[index].path for index in outcome.edits}
    for path in paths:
        if path[-1:] == ("text",) and any(name in value_at(new, path[:-1]) for name in SIGNATURES):
            new = replace_values(new, {(path[:-1], None): _without(value_at(new, path[:-1]), SIGNATURES)})
    for place in {path[:2] for path in paths if path[:1] == ("candidates",)}:
        new = replace_values(new, {(place, None): drop_spelling(value_at(new, place))})
    return _kept(new, outcome.removed) if outcome.removed else new


def _kept(body: Any, removed: tuple[int, ...]) -> Any:
    """Return a request without removed turns."""
    if "contents" in body:
        return {**body, "contents": remove_entries(body["contents"], removed)}
    counted = "generateContentRequest"
    return {
        name: _kept(value, removed) if camel_case(name) == counted else value for name, value in body.items()
    }


def drop_spelling(value: Any) -> Any:
    """Return a candidate whose text was changed without what spells it as it was, and without what points into that."""
    if not isinstance(value, Mapping):
        return value
    rest = _without(value, POINTING)
    grounds = rest.get("groundingMetadata")
    if isinstance(grounds, Mapping) and "groundingSupports" in grounds:
        rest["groundingMetadata"] = _without(grounds, ("groundingSupports",))
    return rest


def _without(value: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: inner for name, inner in value.items() if name not in names}
