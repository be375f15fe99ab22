"""Records that people labelled, as rows for `guardrails tune` and `eval`: a file of labels goes in, by the ids of verdicts, and
contents that were kept come out with them.

    {"id": "vd_7d0f14a7d3ff3c43a6b0a0cf", "label": "benign"}
    {"id": "vd_0c5f0f6f2c1e4d5a9b8e7f60", "labels": {"hate": 1}}
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any, Final

from guardrails.authoring.replay.replayed_traffic import LoggedTraffic
from guardrails.authoring.rows import ContentRow, LabelCounts, RowError, make_row, read_records
from guardrails.records.decision_store import Filter

FROM_LABELS: Final = ("id", "label", "labels", "lang", "source")
"""What is taken of a line of labels; all else is in the record."""


def count_labels(path: str, labels: LabelCounts) -> int:
    """Return how many lines a file of labels has, and which `labels` these are; raises `RowError` where one is wrong."""
    count = 0
    for number, data in read_records(path):
        count += 1
        labels.add(make_row({**_take_labels(data, f"{path}:{number}"), "input": ""}, f"{path}:{number}"))
    return count


def _take_labels(data: Any, place: str) -> dict[str, Any]:
    if not (isinstance(data, dict) and isinstance(data.get("id"), str)):
        raise RowError(f'{place}: has no id; write {{"id": "vd_…", "label": "benign"}}')
    return {name: data[name] for name in FROM_LABELS if name in data}


class LabelledRecords:
    """The labelled rows of one log.

    Args:
        traffic: the records.
        labels: the file of labels, JSON lines or CSV.

    Attributes:
        without_content: how many of those that were read had no content that was kept, and are no rows.
    """

    def __init__(self, traffic: LoggedTraffic, labels: str) -> None:
        self._traffic, self._labels = traffic, labels
        self.without_content = 0

    def __iter__(self) -> Iterator[ContentRow]:
        """Yield the rows in the order of their labels.

        Raises:
            RowError: a line is no label, or no record has its id.
        """
        for number, data in read_records(self._labels):
            row = self._find(data, f"{self._labels}:{number}")
            if row is None:
                self.without_content += 1
            else:
                yield row

    def _find(self, data: Any, place: str) -> ContentRow | None:
        told = _take_labels(data, place)
        id_ = told["id"]
        stored = next(chain(self._traffic.store.select(Filter(id=id_), most=1), [None]))
        if stored is None:
            raise RowError(
                f"{place}: there is no record of {id_} in {self._traffic.place}: it is older than what is kept, or of another log"
            )
        content = self._traffic.read_content(stored)
        if content is None:
            return None
        record = {"content": content, "stage": stored.stage, "tenant": stored.tenant}
        return make_row({"source": self._traffic.place, **told, **record}, place)
