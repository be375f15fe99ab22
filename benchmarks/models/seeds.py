"""Hand-written texts: `seeds/*.txt`, and `seeds/by_language/*.txt` in others than English, go in, labelled rows come out.

One line in ten is held out, with all its variants.

A section begins with `== kind | labels that are 1, or harmless | open heads that are unknown`; every other head is 0. Under it
stands one text a line: `\\n` is a line break, `[a|b]` a choice, `{slot}` one of `slots.yaml`; a reply is `prompt => reply`.

`seeds/planted/` has what injections in documents are made of: `passages.txt` (documents), `orders.txt` (what an attacker
plants in them) and `harmless_orders.txt` (what is written for people). A passage with an order is an injection, alone or
with a harmless order it is none, so that neither a document nor an imperative gives it away.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

from rows import CONTENT, HEADS, LATER, PROMPT, WINDOW_CHARACTERS, Row, about, pieces

FOLDER = Path(__file__).parent / "seeds"
HELD_ONE_IN = 10
LONG = 600
"""Characters from which on a text is more than one window."""
VARIANTS = 3
"""Rows at most of a line with choices or slots."""
PLANTED_IN = 4
"""Documents that an order is planted in."""
ABUSE = frozenset({"toxic", "hate", "harassment", "sexual", *LATER})
"""Heads whose texts are of no head of `LATER` that is not named beside them."""
LEAVES = ("self_harm.intent", "self_harm.instructions")
Fill = Callable[[Random, str], str]


def rows(seed: int, fill: Fill) -> Iterator[Row]:
    """Yield the rows of all files; `fill` makes the choices of a line, and fills its slots."""
    for path in sorted(FOLDER.glob("*.txt")):
        yield from _sections(path, Random(f"{seed}:{path.stem}"), fill)
    for path in sorted(FOLDER.glob("by_language/*.txt")):
        yield from (
            replace(row, lang=path.stem) for row in _sections(path, Random(f"{seed}:{path.stem}"), fill)
        )
    yield from _planted(Random(f"{seed}:planted"), fill)


def labelled(kind: str, ones: frozenset[str], unknown: frozenset[str]) -> dict[str, int]:
    """Return the labels of a row: 1 where named, 0 where neither named nor unknown.

    Of what is known to be harmful nothing is known of the heads of `LATER` that are not named, unless it is abuse alone.
    """
    known = (*CONTENT, "unsafe_reply") if kind == "reply" else PROMPT
    if ones - ABUSE:
        unknown |= {*LATER}
    if "self_harm" in ones:
        unknown |= {"self_harm.intent"} if "self_harm.instructions" in ones else {*LEAVES} - ones
    if "self_harm.intent" in ones:
        unknown -= {"self_harm.instructions"}
    return {head: int(head in ones) for head in known if head in ones or head not in unknown}


def is_held(line: str) -> bool:
    return zlib.crc32(line.encode()) % HELD_ONE_IN == 0


def _sections(path: Path, rng: Random, fill: Fill) -> Iterator[Row]:
    kind, labels, title = "", dict[str, int](), ""
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if line.startswith("== "):
            kind, labels, title = _header(line[3:], f"{path.name}:{number}")
        elif line.strip():
            held = is_held(line)
            source = f"hand:{path.stem}:{title}{':held' if held else ''}"
            asked, text = "", line
            if kind == "reply":
                asked, mark, text = line.partition(" => ")
                if not mark:
                    raise SystemExit(f"{path.name}:{number}: a reply is 'prompt => reply'")
            for filled in _variants(rng, text, fill):
                for part in _windows(filled, harm=title == "harm"):
                    yield Row(part, source, kind, labels, fill(rng, asked), held=held)


def _windows(text: str, *, harm: bool) -> list[str]:
    """Return what is read of a text at once: all windows of a long harmless one, the first and the last of a harmful one."""
    if len(text) <= LONG:
        return [text]
    parts = pieces(text)
    return [parts[0], text[-WINDOW_CHARACTERS:]] if harm else parts


def _header(line: str, place: str) -> tuple[str, dict[str, int], str]:
    kind, said, *rest = (part.strip() for part in line.split("|"))
    ones = frozenset(said.split()) - {"harmless"}
    unknown = frozenset(word for part in rest for word in part.split()) - {"open"}
    if kind not in ("prompt", "comment", "document", "reply") or not (ones | unknown) <= {*HEADS}:
        raise SystemExit(f"{place}: not a header: {line}")
    return kind, labelled(kind, ones, unknown), "harm" if ones else "harmless"


def _variants(rng: Random, line: str, fill: Fill) -> Iterator[str]:
    more = VARIANTS if "[" in line or "{" in line else 1
    yield from dict.fromkeys(fill(rng, line) for _ in range(more))


def _planted(rng: Random, fill: Fill) -> Iterator[Row]:
    harm = labelled("document", frozenset({"injection"}), frozenset({"jailbreak", "unsafe"}))
    harmless = labelled("document", frozenset(), frozenset())
    passages, orders, calm = (
        [
            line
            for line in (FOLDER / "planted" / f"{name}.txt").read_text("utf-8").splitlines()
            if line.strip()
        ]
        for name in ("passages", "orders", "harmless_orders")
    )
    for held in (False, True):
        mine = [line.replace("\\n", "\n") for line in passages if is_held(line) == held]
        suffix = ":held" if held else ""
        for passage in mine:
            yield Row(
                passage[:WINDOW_CHARACTERS], f"hand:planted:passage{suffix}", "document", harmless, held=held
            )
        for name, lines, labels in (("harm", orders, harm), ("harmless", calm, harmless)):
            for line in lines:
                if is_held(line) != held:
                    continue
                for _ in range(PLANTED_IN if name == "harm" else 2 * PLANTED_IN):
                    order = fill(rng, line)
                    text = about(_with(rng, rng.choice(mine), order), order)
                    yield Row(text, f"hand:planted:{name}{suffix}", "document", labels, held=held)


def _with(rng: Random, passage: str, order: str) -> str:
    """Put an order before, behind or into a passage: between lines, or between sentences where it is one paragraph."""
    mark = "\n" if "\n" in passage else ". "
    parts = passage.split(mark)
    at = rng.choice((0, len(parts), rng.randrange(len(parts) + 1)))
    return mark.join([*parts[:at], order.rstrip(".") if mark == ". " else order, *parts[at:]])
