"""What a report was made from: the data sets, the policy and the date, so that whoever reads it can tell what it is about."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import file_digest
from pathlib import Path
from typing import Final

from guardrails.authoring.markup import Html, tag

SHORT: Final = 12
"""Digits of a data set's digest that are shown."""


@dataclass(frozen=True, slots=True)
class DataSet:
    """A file of rows: as it was named, how many rows it has, and its sha256; both None where it can be read but once."""

    name: str
    rows: int | None = None
    digest: str | None = None

    def __str__(self) -> str:
        known = [] if self.rows is None else [f"{self.rows:,} rows"]
        known += [] if self.digest is None else [f"sha256 {self.digest[:SHORT]}"]
        name = "standard input" if self.name == "-" else self.name
        return f"{name} ({', '.join(known)})" if known else name


@dataclass(frozen=True, slots=True)
class ReportSource:
    """Where a report comes from. `policy` is what the command was given for it, `at` when the report was begun, `more` are its
    other arguments that say which rows these are.
    """

    policy: str
    data: tuple[DataSet, ...]
    at: datetime
    more: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, policy: str, names: Sequence[str], more: Sequence[str] = (), *, rows: bool = True
    ) -> ReportSource:
        """Look at files; what is no file, such as a log, is named alone. `rows`: they are files of rows, which are counted."""
        return cls(
            policy,
            tuple(_look_at(name, rows) for name in names),
            datetime.fromtimestamp(time.time(), UTC),
            tuple(more),
        )

    def render(self, policy: str) -> Iterator[Html]:
        """Yield the lines at the top of a report; `policy` is its name and version."""
        data = "; ".join(map(str, self.data))
        if data:
            yield tag("p", f"Data: {data}", class_="dim")
        yield tag("p", f"Policy: {policy}. Date: {render_date(self.at)}.", class_="dim")

    def command(self, *words: str) -> Html:
        """Return a command on the same policy and data, ready to be copied."""
        given = ("--policy", self.policy, "--on", *(each.name for each in self.data), *self.more)
        return tag("code", shlex.join(["guardrails", *words[:1], *given, *words[1:]]))


def render_date(at: datetime) -> str:
    """Return a time as reports name it."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _look_at(name: str, rows: bool) -> DataSet:
    from guardrails.authoring.rows import count_rows

    path = Path(name)
    if not path.is_file():
        return DataSet(name)
    with path.open("rb") as stream:
        digest = file_digest(stream, "sha256").hexdigest()
    return DataSet(name, count_rows(path) if rows else None, digest)
