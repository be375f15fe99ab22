"""Maps a service's labels to the categories that a policy wants of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from guardrails import taxonomy


class ServiceLabels:
    """A service's labels, and the categories that each stands for.

    Args:
        table: label → categories.
        wanted: what to report; None for everything.
    """

    def __init__(self, table: Mapping[str, tuple[str, ...]], wanted: Iterable[str] | None = None) -> None:
        self._all = table
        self._wanted = None if wanted is None else tuple(wanted)
        self._table = {label: tuple(filter(self.wants, of)) for label, of in table.items()}
        self.expected = tuple(label for label, of in self._table.items() if of)
        """The labels without whose scores nothing can be said of what is wanted."""

    def wants(self, category: str) -> bool:
        """Tell whether a category is to be reported."""
        return self._wanted is None or is_wanted(category, self._wanted)

    def categories(self) -> frozenset[str]:
        """Return every category that some label stands for, and that is wanted."""
        return frozenset(category for of in self._table.values() for category in of)

    def knows(self, label: str) -> bool:
        """Tell whether the table has the label."""
        return label in self._all

    def resolve(self, label: str, otherwise: str | None = None) -> tuple[str, ...]:
        """Return what a label stands for of what is wanted; `otherwise` is that of a label that is not in the table."""
        if label in self._table:
            return self._table[label]
        return () if otherwise is None or not self.wants(otherwise) else (otherwise,)


def is_wanted(category: str, wanted: Iterable[str]) -> bool:
    """Tell whether a category is one of these, or a leaf of one."""
    return any(f"{category}.".startswith(f"{each}.") for each in wanted)


def nearest_category(category: str, known: frozenset[str]) -> str | None:
    """Return the category if it is one of those, else the closest of its parents that is."""
    return next((each for each in taxonomy.with_ancestors(category) if each in known), None)


def best_scores(found: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Return the best score of each category."""
    best: dict[str, float] = {}
    for category, score in found:
        best[category] = max(score, best.get(category, 0.0))
    return best
