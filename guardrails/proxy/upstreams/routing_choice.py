"""Chooses the upstreams to ask for a model, and their order, from who is up; pure and without a clock.

Whoever names the model comes before those in whose pattern it lies; among either a lower `priority` comes first, and then the
order of the file, or whose turn it is (`balancing`). All of them are asked in turn before one is asked again. Who is down is
asked last, and once: a state that is perhaps of yesterday neither refuses what could work nor costs what does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from guardrails.proxy.upstreams.transport.tls import NO_FILES, CertificateFiles


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One upstream, as its settings have it (`UpstreamDoc`). `key` is what is sent to it: None lets the client's own
    authorization pass, an empty one nothing; `key_source` says where it stands.
    """

    name: str
    url: str
    key: str | None = field(default=None, repr=False)
    key_source: str = ""
    models: tuple[str, ...] = ()
    rename: Mapping[str, str] = field(default_factory=dict)
    connect_s: float = 10.0
    idle_s: float = 300.0
    total_s: float = 600.0
    tries: int = 1
    retry_on_timeout: bool = False
    failures: int = 5
    open_s: float = 15.0
    check_s: float | None = None
    first_byte_s: float | None = None
    weight: int = 1
    priority: int = 0
    key_file: str | None = None
    key_header: str | None = None
    certificates: CertificateFiles = NO_FILES
    proxy: str | None = field(default=None, repr=False)

    @property
    def files(self) -> tuple[str, ...]:
        """The files that say how it is asked."""
        return (*self.certificates.paths, *(() if self.key_file is None else (self.key_file,)))

    def is_same(self, other: Row) -> bool:
        """Tell whether two say the same."""
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)


def group_rows(model: str, rows: Sequence[Row]) -> tuple[tuple[Row, ...], ...]:
    """Return those who are asked for a model, in groups that are preferred alike, the preferred one first."""
    ranks: dict[tuple[bool, int], list[Row]] = {}
    for row in rows:
        if (names := model in row.models) or is_claimed(model, row.models):
            ranks.setdefault((not names, row.priority), []).append(row)
    return tuple(tuple(ranks[rank]) for rank in sorted(ranks))


def select_rows(model: str, rows: Sequence[Row]) -> tuple[Row, ...]:
    """Return those who are asked for a model, the preferred one first."""
    return tuple(chain.from_iterable(group_rows(model, rows)))


def order(rows: Sequence[Row], is_up: Callable[[Row], bool]) -> tuple[Row, ...]:
    """Return whom to ask one after the other, those again that are asked again, of rows in the order of preference."""
    up = [row for row in rows if is_up(row)]
    most = max((row.tries for row in up), default=0)
    again = [row for nth in range(most) for row in up if nth < row.tries]
    return (*again, *(row for row in rows if row not in up))


def is_claimed(model: str, patterns: Sequence[str]) -> bool:
    """Tell whether a model lies in one of some patterns."""
    return any(matches(pattern, model) for pattern in patterns)


def matches(pattern: str, model: str) -> bool:
    """Tell whether a model's name has the form of a pattern, in which `*` stands for any text; in linear time."""
    first, *rest = pattern.split("*")
    if not rest:
        return first == model
    *middle, last = rest
    at, end = len(first), len(model) - len(last)
    if at > end or not (model.startswith(first) and model.endswith(last)):
        return False
    for part in middle:
        found = model.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True
