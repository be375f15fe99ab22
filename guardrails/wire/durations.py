"""Durations as people write them: a number and a unit, such as `30d`, `15m` or `90s`."""

from __future__ import annotations

import re
from typing import Final

UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
"""The letter of a unit → its seconds. A month and a year have no fixed length, so there is none for them."""
DURATION: Final = r"[1-9][0-9]{0,8}[smhdw]"
LONGEST: Final = 3_660 * 86_400
"""Seconds of the longest duration that is taken: ten years, past which a number is a slip."""
CURE: Final = "write a whole number and a unit, such as 90s, 15m, 24h, 30d or 2w"


def parse_duration(text: str) -> int:
    """Return the seconds of a duration.

    Args:
        text: A whole number from 1 and one of `s`, `m`, `h`, `d`, `w`, with nothing between.

    Raises:
        ValueError: It is written otherwise, or is longer than ten years; the message has the cure.
    """
    if not re.fullmatch(DURATION, text):
        raise ValueError(f"{text!r} is no duration: {CURE}")
    seconds = int(text[:-1]) * UNITS[text[-1]]
    if seconds > LONGEST:
        raise ValueError(f"{text!r} is longer than ten years: write 3660d at most")
    return seconds


def format_duration(seconds: int) -> str:
    """Return a whole number of seconds as `parse_duration` reads it, in the largest unit that divides it."""
    unit = max((each for each in UNITS if seconds % UNITS[each] == 0), key=UNITS.__getitem__)
    return f"{seconds // UNITS[unit]}{unit}"
