"""The data that we write: families of templates go in, labelled rows come out; the same seed gives the same rows.

    python benchmarks/models/generator.py            # counts per family, and a few rows of each

A template holds slots `{name}` (from its family, else `slots.yaml`) and choices `[a|b|]`. A family says what its rows
are (`labels`), which heads they leave open (`unknown`), and how many it gives (`count`); other heads are 0.
A family with `safe` and `harm` gives both members of each pair: the same sentence, one filling apart. Hand-written texts
come from `seeds.py`, what is no language from `noise.py`, records with keys and values from `records.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import noise
import seeds
import yaml
from carriers import document
from rows import Row, key

import records

FOLDER = Path(__file__).parent / "templates"
SEED = 20_261
_CHOICE = re.compile(r"\[([^\[\]]*\|[^\[\]]*)\]")
_SLOT = re.compile(r"\{(\w+)\}")
_LEET = str.maketrans({"a": "4", "e": "3", "i": "1", "o": "0", "s": "5"})
Slots = dict[str, list[str]]


def rows(seed: int = SEED) -> list[Row]:
    """Return the rows of every family, each text once."""
    slots: Slots = yaml.safe_load((FOLDER / "slots.yaml").read_text("utf-8"))
    seen: set[str] = set()
    out = []
    for path in sorted(FOLDER.glob("*.yaml")):
        if path.stem == "slots":
            continue
        for family in yaml.safe_load(path.read_text("utf-8")):
            rng = Random(f"{seed}:{family['name']}")
            held = path.stem == "held_out"
            for row in _family(rng, family, slots, held):
                mark = key(row.text)
                if mark not in seen:
                    seen.add(mark)
                    out.append(row)

    def fill(rng: Random, line: str) -> str:
        return _filled(rng, line, slots).replace("\\n", "\n")

    rng = Random(f"{seed}:seeds")
    out += (
        row if row.held else replace(row, text=_roughened(rng, row.text)) for row in seeds.rows(seed, fill)
    )
    return [*out, *noise.rows(seed), *records.rows(seed, out)]


def _family(rng: Random, family: dict[str, Any], slots: Slots, held: bool) -> Iterator[Row]:
    local = (
        slots | {name: [str(value) for value in values] for name, values in family.get("slots", {}).items()}
        if (isinstance(family.get("slots"), dict))
        else slots
    )
    name, kind = f"ours:{family['name']}", family.get("kind", "prompt")
    if "safe" in family:
        for template in family["templates"]:
            for side, labels in (("safe", {}), ("harm", family["labels"])):
                fillings = [str(value) for value in family[side]]
                for filling in fillings:
                    text = _filled(rng, template, local | {"x": [filling]})
                    yield Row(
                        _roughened(rng, text), name, kind, _labels(kind, labels, family.get("unknown", ()))
                    )
        return
    labels = family.get("labels", {})
    for index in range(family["count"]):
        text = _filled(rng, family["templates"][index % len(family["templates"])], local)
        if kind == "planted":
            yield from _planted(rng, text, local, name, held, family)
        else:
            yield Row(
                text if held else _roughened(rng, text),
                name,
                kind,
                _labels(kind, labels, family.get("unknown", ())),
                context=_asked(rng, local) if kind == "reply" and rng.random() < 0.4 else "",
                held=held,
            )


def _planted(
    rng: Random, text: str, slots: Slots, name: str, held: bool, family: dict[str, Any]
) -> Iterator[Row]:
    """An order in a document, often its twin without the order, and at times the order alone."""
    lines = [rng.choice(slots["sentence"]) for _ in range(rng.randint(2, 5))]
    harm = _labels("document", family["labels"], family.get("unknown", ()))
    yield Row(document(rng, lines, text), name, "document", harm, held=held)
    if rng.random() < 0.7:
        yield Row(document(rng, lines), f"{name}:clean", "document", _labels("document", {}, ()), held=held)


def _asked(rng: Random, slots: Slots) -> str:
    """Return what a reply may answer: harmless or not, for good and bad replies alike."""
    harm = (
        f"How do I {rng.choice(slots['deed'])}?"
        if "deed" in slots
        else f"Help me with {rng.choice(slots['crime'])}"
    )
    return rng.choice(
        (f"How do I {rng.choice(slots['task'])}?", f"What about {rng.choice(slots['topic'])}?", harm, harm)
    )


def _labels(kind: str, harm: dict[str, int], unknown: Any) -> dict[str, int]:
    return seeds.labelled(kind, frozenset(harm), frozenset(unknown))


def _filled(rng: Random, template: str, slots: Slots) -> str:
    text, last = template, ""
    while text != last:
        last = text
        text = _CHOICE.sub(lambda match: rng.choice(match[1].split("|")), text)
        text = _SLOT.sub(
            lambda match: str(rng.choice(slots[match[1]])) if match[1] in slots else match[0], text
        )
    text = re.sub(r" +([?.!,])", r"\1", re.sub(r"  +", " ", text)).strip()
    return text if rng.random() < 0.25 else text[:1].upper() + text[1:]


def _roughened(rng: Random, text: str) -> str:
    """Write one text in ten as people do: without punctuation, with slips, stretched, spelled in figures or apart."""
    chance = rng.random()
    if chance > 0.1 or len(text) < 8:
        return text
    if chance < 0.03:
        return text.lower().rstrip("?.!")
    if chance < 0.06:
        at = rng.randrange(1, len(text) - 2)
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    if chance < 0.08:
        return text.translate(_LEET)
    parts = text.split()
    longest = max(range(len(parts)), key=lambda index: len(parts[index]))
    parts[longest] = rng.choice((" ", "-", ".", "*")).join(parts[longest])
    return " ".join(parts)


if __name__ == "__main__":
    made = rows()
    for source in dict.fromkeys(row.source for row in made):
        mine = [row for row in made if row.source == source]
        print(
            f"{source:32} {len(mine):6}",
            *(row.text[:70].replace("\n", " ") for row in Random(1).sample(mine, 2)),
            sep=" | ",
        )
    print(len(made), "rows")
