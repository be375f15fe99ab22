"""Finds the few among many short texts that a test does not clear, by testing joined texts: a table of hundreds of cells costs a
handful of tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

BETWEEN: Final = "\n\n"
"""What stands between joined texts: no word, no line and no row of codes goes on over an empty line."""
SHORT: Final = 400
"""Characters of a text up to which it is joined with others: of a longer one the call is a small part of the cost."""
FEWEST: Final = 4
"""Texts from which it pays to test some together."""
GROUPS: Final = (64, 8)
"""How many texts are tested together, and again where these are not clear."""


def find_open_texts(texts: Sequence[str], is_clear: Callable[[str], bool]) -> Sequence[int]:
    """Return the numbers of the texts that a test does not clear, in no particular order.

    Args:
        texts: any texts.
        is_clear: the test. One that clears texts of ASCII joined by `BETWEEN` must clear each of them by itself.
    """
    if len(texts) < FEWEST:
        return [number for number, text in enumerate(texts) if not is_clear(text)]
    short: list[int] = []
    found: list[int] = []
    for number, text in enumerate(texts):
        if len(text) <= SHORT and text.isascii():
            short.append(number)
        elif not is_clear(text):
            found.append(number)
    found.extend(_find_open(texts, short, is_clear, GROUPS))
    return found


def _find_open(
    texts: Sequence[str], numbers: Sequence[int], is_clear: Callable[[str], bool], sizes: Sequence[int]
) -> Iterator[int]:
    if len(numbers) < 2 or not sizes:
        yield from (number for number in numbers if not is_clear(texts[number]))
        return
    size = sizes[0]
    for at in range(0, len(numbers), size):
        group = numbers[at : at + size]
        if len(group) == 1 or not is_clear(BETWEEN.join([texts[number] for number in group])):
            yield from _find_open(texts, group, is_clear, sizes[1:])
