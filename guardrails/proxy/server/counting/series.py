"""What one process counts, in its slot, and the sums of all."""

from __future__ import annotations

import json
import threading
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from itertools import accumulate
from typing import Final

from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily, Metric

from guardrails.proxy.server.counting.families import (
    BOUNDS,
    BUCKETS,
    COUNTERS,
    HISTOGRAMS,
    MOST,
    OLD,
    OTHER,
    Family,
    Labels,
)
from guardrails.proxy.server.counting.slots import Slots

DROPPED: Final = "guardrails_series_dropped_total"

FAMILIES: Final[Mapping[str, Family]] = {**COUNTERS, **HISTOGRAMS}

LONGEST: Final = 128
"""Characters of a label's value that has a series of its own."""

Values = tuple[str, ...]
"""The values of a series' labels, in the order of its family."""


class Sums:
    """Adds up what all processes counted, for any thread that asks.

    Args:
        slots: where they count.
    """

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self._read = [0] * len(slots.all)
        self._lock = threading.Lock()
        self._cells: dict[str, dict[Values, list[memoryview[float]]]] = {name: {} for name in FAMILIES}

    def refresh(self) -> None:
        """Take note of series that came since."""
        with self._lock:
            for index, slot in enumerate(self._slots.all):
                for key, cells, end in slot.records(self._read[index]):
                    self._read[index] = end
                    name, *values = json.loads(key)
                    self._cells[name].setdefault(tuple(values), []).append(cells)

    def values(self, name: str, at: int) -> set[str]:
        """Return the values that the label at an index has in a family."""
        return {values[at] for values in self._cells[name].copy()}

    def of(self, name: str) -> dict[Values, list[float]]:
        """Return the series of a family, each with its sums."""
        return {
            values: [sum(column) for column in zip(*cells, strict=True)]
            for values, cells in self._cells[name].copy().items()
        }

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        self.refresh()
        for name, family in COUNTERS.items():
            yield _counter(name, family, {values: count for values, (count,) in self.of(name).items()})
        for name, old in OLD.items():
            kept = [COUNTERS[old.new].labels.index(label) for label in old.labels]
            counts: dict[Values, float] = {}
            for values, (count,) in self.of(old.new).items():
                fewer = tuple(values[at] for at in kept)
                counts[fewer] = counts.get(fewer, 0.0) + count
            yield _counter(name, Family(old.help, old.labels), counts)
        for name, family in HISTOGRAMS.items():
            histogram = HistogramMetricFamily(name, family.help, labels=family.labels)
            for values, (*counted, total) in self.of(name).items():
                histogram.add_metric(values, [*zip(BOUNDS, accumulate(counted), strict=True)], total)
            yield histogram


def _counter(name: str, family: Family, counts: Mapping[Values, float]) -> Metric:
    """Return a counter."""
    counter = CounterMetricFamily(name, family.help, labels=family.labels)
    for values, count in counts.items():
        counter.add_metric(values, count)
    return counter


class Series:
    """The counters and histograms of one process. The library's own take locks, and check each time what holds for ever: ten
    times as long, and each request counts half a dozen. Counted by one thread at a time.

    Args:
        slots: where all processes count, this one in its own.
    """

    def __init__(self, slots: Slots) -> None:
        self._slot, self.sums = slots.own_slot, Sums(slots)
        self._cells: dict[tuple[str, Values], memoryview[float]] = {}
        self._found: dict[tuple[str, Labels], memoryview[float]] = {}
        self._named: dict[tuple[str, int], set[str]] = {}
        for key, cells, _ in self._slot.records(0):
            name, *values = json.loads(key)
            self._cells[name, tuple(values)] = cells
        for name, family in FAMILIES.items():
            if not family.labels:
                self._cell(name, ())

    def count(self, name: str, labels: Labels, by: float = 1.0) -> None:
        """Count an event, or several; raises `ValueError` for labels that the counter does not have."""
        cell = self._found.get((name, labels))
        if cell is None:
            cell = self._find(name, labels)
        cell[0] += by

    def declare(self, name: str, labels: Labels) -> None:
        """Show a series of a counter from now on; raises `ValueError` for labels that the counter does not have."""
        if (name, labels) not in self._found:
            self._find(name, labels)

    def observe(self, name: str, seconds: float, labels: Labels) -> None:
        """Count one duration; raises `ValueError` for labels that the histogram does not have."""
        add_time(self.histogram(name, labels), seconds)

    def histogram(self, name: str, labels: Labels) -> memoryview[float]:
        """Return one series of a histogram, for `add_time`; raises `ValueError` for labels that the histogram does not have."""
        cell = self._found.get((name, labels))
        return self._find(name, labels) if cell is None else cell

    def _find(self, name: str, labels: Labels) -> memoryview[float]:
        """Return the cells of a series that was not asked for under these labels before."""
        given = _label_values(FAMILIES[name], labels)
        values = tuple(self._bound(name, at, value) for at, value in enumerate(given))
        cell = self._cell(name, values)
        if values == given:  # what is one of many others is looked up each time: they may be without end
            self._found[name, labels] = cell
        return cell

    def _bound(self, name: str, at: int, value: str) -> str:
        """Return the value of a label as it is counted: `other`, where as many others have a series of their own, in whatever
        process.
        """
        most = MOST.get(FAMILIES[name].labels[at])
        if most is None:
            return value
        if len(value) > LONGEST:
            return OTHER
        named = self._named.setdefault((name, at), set())
        if value not in named and len(named) < most:
            self.sums.refresh()
            named |= self.sums.values(name, at) - {OTHER}
            if len(named) < most:
                named.add(value)
        return value if value in named else OTHER

    def _cell(self, name: str, values: Values) -> memoryview[float]:
        """Return the cells of a series; where there is no room for it, what is counted there is lost, and counted as such."""
        cell = self._cells.get((name, values))
        if cell is None:
            key = json.dumps([name, *values], ensure_ascii=False).encode()
            cell = self._slot.add(key, len(BOUNDS) + 1 if name in HISTOGRAMS else 1)
            if cell is None:
                self.count(DROPPED, ())
                return memoryview(bytearray(8 * (len(BOUNDS) + 1))).cast("d")
            self._cells[name, values] = cell
        return cell


def add_time(series: memoryview[float], seconds: float) -> None:
    """Count one duration in a series of a histogram."""
    series[bisect_left(BUCKETS, seconds)] += 1.0
    series[-1] += seconds


def _label_values(family: Family, labels: Labels) -> Values:
    """Return the values of labels in the order of their family; raises `ValueError` where it has other labels."""
    given = dict(labels)
    if given.keys() != set(family.labels):
        raise ValueError(
            f"the labels are {', '.join(family.labels) or 'none'}, not {', '.join(given) or 'none'}"
        )
    return tuple(given[name] for name in family.labels)
