"""What a fuzzing harness is, the corpus that is kept for it, and how inputs are made of that.

A harness is one function of bytes that raises for nothing, whatever they are: what must hold of them stands in it as assertions.
Hypothesis (`test_harnesses.py`) and atheris (`coverage_guided.py`) run the same functions over the same corpus.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

CORPUS = Path(__file__).with_name("corpus")
"""A folder for each harness, with small harmless files."""

LONGEST = 4_096
"""Bytes of an input: what takes more time finds no more."""


@dataclass(frozen=True)
class Harness:
    """One target of fuzzing.

    Attributes:
        name: of the target, and of its folder of the corpus.
        run: takes any bytes; raises where something does not hold of them.
        tokens: what inputs are made of besides the corpus.
        json: whether an input ends in JSON, the values of which are changed as well, each as a whole.
        cost: how many inputs of the cheapest harness take the time of one of this.
    """

    name: str
    run: Callable[[bytes], None]
    tokens: Sequence[bytes] = ()
    json: bool = False
    cost: int = 1

    def seeds(self) -> list[Path]:
        """Return the files of the corpus."""
        return sorted(path for path in (CORPUS / self.name).iterdir() if path.is_file())


def changed_seeds(harness: Harness) -> st.SearchStrategy[bytes]:
    """Return a strategy for inputs: seeds of the corpus in which stretches are replaced, taken out, doubled or flipped."""
    seeds = [path.read_bytes() for path in harness.seeds()]
    tokens = [*harness.tokens, *(piece for seed in seeds for piece in _stretches(seed))]
    stretch = st.sampled_from(tokens) | st.binary(max_size=8)
    change = st.tuples(
        st.floats(0, 1), st.integers(0, 24), st.sampled_from(("put", "cut", "double", "flip")), stretch
    )
    changed = st.builds(_change_bytes, st.sampled_from(seeds), st.lists(change, max_size=6))
    if not harness.json:
        return changed
    values = st.lists(st.tuples(st.integers(0), st.sampled_from(VALUES)), min_size=1, max_size=3)
    return changed | st.builds(_change_values, st.sampled_from(seeds), values)


NEW: Sequence[str] = (
    *("null", "true", "-1.5", '""', '"zqxbomb"', '"say zqxveil now"', "[]", "{}", '["zqxbomb"]', '{"zqxbomb": 1}', '{"a": "zqxveil"}'),
    '[{"type": ["text"], "text": "zqxbomb"}]',
)  # fmt: skip
"""What stands in the place of a value of JSON."""

VALUES: Sequence[Callable[[Any], Any]] = (
    *(lambda old, new=new: json.loads(new) for new in NEW),
    lambda old: {**old, "x_new": "zqxbomb"} if isinstance(old, dict) else [old, "zqxbomb"],
    lambda old: [old, json.loads(json.dumps(old))],
    lambda old: f"{old} zqxbomb",
)
"""What is made of a value of JSON."""


def _change_values(seed: bytes, changes: Sequence[tuple[int, Callable[[Any], Any]]]) -> bytes:
    head, between, raw = seed.rpartition(b"\n")
    body = json.loads(raw)
    for number, change in changes:
        paths = [*_find_paths(body)]
        if paths:
            *way, last = paths[number % len(paths)]
            holder = body
            for step in way:
                holder = holder[step]
            holder[last] = change(holder[last])
    return head + between + json.dumps(body).encode()


def _find_paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, each in inner:
        yield from _find_paths(each, (*path, step))


def _stretches(seed: bytes) -> list[bytes]:
    """Return a seed's lines, in which inputs of other seeds are mixed."""
    return [line for line in seed.splitlines(keepends=True)[:16] if 0 < len(line) <= 256]


def _change_bytes(seed: bytes, changes: Sequence[tuple[float, int, str, bytes]]) -> bytes:
    made = bytearray(seed)
    for where, size, how, new in changes:
        start = int(where * len(made))
        stop = start + size
        if how == "put":
            made[start : start + min(size, len(new))] = new
        elif how == "cut":
            del made[start:stop]
        elif how == "double":
            made[start:start] = made[start:stop]
        elif made[start : start + 1]:
            made[start] ^= 1 << (size % 8)
    return bytes(made[:LONGEST])


def split_head(data: bytes) -> tuple[bytes, bytes]:
    """Return the first line of an input, which says what the rest is, and the rest."""
    head, _, rest = data.partition(b"\n")
    return head, rest


def cut_at(data: bytes, cuts: bytes) -> list[bytes]:
    """Return pieces that make up some bytes, as long as the numbers in `cuts` say in turn."""
    sizes = [size % 31 + 1 for size in cuts] or [1]
    pieces: list[bytes] = []
    at = turn = 0
    while at < len(data):
        size = sizes[turn % len(sizes)]
        pieces.append(data[at : at + size])
        at, turn = at + size, turn + 1
    return pieces
