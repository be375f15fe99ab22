"""Reads what picture generators write into their pictures: prompts, and what was not to be shown.

AUTOMATIC1111 and its like write one text (`parameters`): the prompt, `Negative prompt: …`, `Steps: 20, Sampler: …`. ComfyUI has
graphs in JSON (`prompt`, `workflow`), InvokeAI and others a mapping: their texts are read one by one. What a picture is not to
show is found by its key, or in a graph by what it leads to.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from guardrails.media.metadata.written_texts import WrittenTexts

_SETTINGS: Final = re.compile(r"(?:^|\n)(Steps: \d+, .*)\Z", re.DOTALL)
_NEGATIVE: Final = re.compile(r"(?:^|\n)Negative prompt:\s?(.*)\Z", re.DOTALL)
_SETTING: Final = re.compile(r"\s*([\w +/.-]{1,64}):\s?((?:\"(?:\\.|[^\"\\])*\"|[^,])*)(?:,|\Z)")

NEGATIVE: Final = frozenset(("negative", "negative_prompt", "uc", "negative_conditioning", "negativeprompt"))
"""Keys of what a picture is not to show, and of what leads to it."""

LONGEST: Final = 4_000_000
"""Characters of JSON that are read."""

DEEPEST: Final = 100


def add_parameters(place: str, text: str, texts: WrittenTexts) -> bool:
    """Add a text of parameters in its parts; tell whether it is one."""
    settings = _SETTINGS.search(text)
    if settings is None:
        return False
    rest = text[: settings.start()]
    negative = _NEGATIVE.search(rest)
    if negative is not None:
        texts.add(f"{place}.negative_prompt", negative[1], avoided=True)
        rest = rest[: negative.start()]
    texts.add(f"{place}.prompt", rest)
    end = 0
    for found in _SETTING.finditer(settings[1]):
        if found.start() != end:
            break
        end = found.end()
        texts.add(f"{place}.{found[1].strip()}", found[2])
    texts.add(place, settings[1][end:])
    return True


def add_json(place: str, text: str, texts: WrittenTexts) -> bool:
    """Add the texts of a mapping or a list in JSON; tell whether it is one."""
    if text[:1] not in "{[" or len(text) > LONGEST:
        return False
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return False
    avoided = _find_avoided(found)
    for key, said, is_avoided in _find_texts(found, "", avoided, 0):
        texts.add(f"{place}.{key}" if key else place, said, avoided=is_avoided)
    return True


def _find_texts(
    value: Any, key: str, avoided: frozenset[str], depth: int, within: bool = False
) -> Iterator[tuple[str, str, bool]]:
    """Yield the texts of a value, each with its key, and whether it is what a picture is not to show."""
    within = within or key.lower() in NEGATIVE
    if isinstance(value, str):
        yield key, value, within
    elif depth < DEEPEST and isinstance(value, Mapping):
        own = within or str(value.get("id", "")) in avoided
        for name, inner in value.items():
            if len(name.split()) > 1:
                yield key, name, False
            yield from _find_texts(
                inner, name[:64], avoided, depth + 1, own or (depth == 0 and name in avoided)
            )
    elif depth < DEEPEST and isinstance(value, list):
        for inner in value:
            yield from _find_texts(inner, key, avoided, depth + 1, within)


def _find_avoided(graph: Any) -> frozenset[str]:
    """Return the nodes of a graph of ComfyUI that lead to what a picture is not to show, and to nothing else."""
    if not isinstance(graph, Mapping):
        return frozenset()
    wanted, avoided = set[str](), set[str]()
    if isinstance(graph.get("nodes"), list) and isinstance(graph.get("links"), list):
        begins = {
            str(each[0]): str(each[1]) for each in graph["links"] if isinstance(each, list) and len(each) > 2
        }
        nodes = [each.get("inputs") for each in graph["nodes"] if isinstance(each, Mapping)]
        slots = [
            slot for some in nodes if isinstance(some, list) for slot in some if isinstance(slot, Mapping)
        ]
        for slot in slots:
            begin = begins.get(str(slot.get("link")))
            if begin is not None:
                (avoided if str(slot.get("name", "")).lower() in NEGATIVE else wanted).add(begin)
        return frozenset(avoided - wanted)
    for node in graph.values():
        inputs = node.get("inputs") if isinstance(node, Mapping) else None
        for name, value in inputs.items() if isinstance(inputs, Mapping) else ():
            if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str | int):
                (avoided if name.lower() in NEGATIVE else wanted).add(str(value[0]))
    return frozenset(avoided - wanted)
