"""Suggests the name that a misspelt one most likely stands for: the did-you-mean of every message."""

from __future__ import annotations

from collections.abc import Sequence

CLEAR = 0.2
"""How much more alike one name must be than another for the other not to be meant."""

FEW = 16
"""So many names a hint lists when none is near."""


def suggest_name(name: str, known: Sequence[str], few: int = FEW) -> str:
    """Return a did-you-mean for a name, or what is possible where nothing is near and there are few."""
    import difflib  # takes a millisecond, and few programs misspell

    close = [each for each in known if each.lower() == name.lower()][:1]
    close = close or difflib.get_close_matches(name, known, n=2, cutoff=0.6)
    if len(close) > 1:
        first, second = (difflib.SequenceMatcher(None, each, name).ratio() for each in close)
        close = close[: 1 if first - second > CLEAR else 2]
    if close:
        return f"did you mean {' or '.join(map(repr, close))}?"
    return f"one of: {', '.join(known)}" if 0 < len(known) <= few else ""
