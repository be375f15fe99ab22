"""The store's rows: inserted once each, found by who, when and what, removed by age or size, with a person erased."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

from guardrails.records.chain import sign_erasure, sign_removal
from guardrails.records.configuration import RecordsDoc
from guardrails.records.detection.detection_table import DetectionTable
from guardrails.records.journal.line import Line
from guardrails.records.kept_content.content_table import ContentTable
from guardrails.stores.database import Database, open_database, sqlite_url
from guardrails.stores.migrations import migrate

AT_ONCE: Final = 1_000
"""Rows that are removed or erased in one transaction, so that nobody who writes waits for long."""

COLUMNS: Final = (
    "writer", "seq", "id", "time", "kind", "stage", "action", "tenant", "subject", "conversation", "request_id",
    "record", "mac", "salt", "erased",
)  # fmt: skip

TEXTS: Final = ("id", "kind", "stage", "action", "tenant", "subject", "conversation", "request_id")
"""Columns of short texts, each of which can be asked for."""

ESCAPED: Final = re.compile('[\0\ud800-\udfff]|\\A"')
"""What a text is escaped for in its column: NUL, which PostgreSQL has in no text, lone surrogates, which no encoding has, and the
quotation mark that an escaped one begins with.
"""

INSERT: Final = f"INSERT INTO decisions ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608
SELECT: Final = f"SELECT {', '.join(COLUMNS)} FROM decisions"  # noqa: S608
POSITION: Final = """
INSERT INTO writers (writer, seq, mac) VALUES (?, ?, ?) ON CONFLICT (writer) DO UPDATE SET seq = excluded.seq, mac = excluded.mac
"""


class StoredRecord(NamedTuple):
    """A row of the store, in the order of its columns; `time` is microseconds since 1970."""

    writer: str
    seq: int
    id: str
    time: int
    kind: str
    stage: str | None
    action: str | None
    tenant: str | None
    subject: str | None
    conversation: str | None
    request_id: str | None
    record: str
    mac: bytes
    salt: bytes | None
    erased: bytes | None

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain JSON values, with whom it is about, as long as that is not erased."""
        told: dict[str, Any] = json.loads(self.record)
        for name, value in (("subject", self.subject), ("conversation", self.conversation)):
            if name in told:
                told[name] = value
        return told | {"writer": self.writer, "seq": self.seq} | ({"erased": True} if self.erased else {})


class Removal(NamedTuple):
    """Rows that retention removed, from `first` to `last`; `last_mac` is that of the last one."""

    writer: str
    first: int
    last: int
    last_mac: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Filter:
    """Which records are asked for: all that is set must hold. Times are microseconds since 1970; `until` is left out itself."""

    since: int | None = None
    until: int | None = None
    id: str | None = None
    request_id: str | None = None
    tenant: str | None = None
    subject: str | None = None
    conversation: str | None = None
    stage: str | None = None
    action: str | None = None
    kind: str | None = None

    def where(self) -> tuple[str, list[Any]]:
        """Return the condition in SQL, and its parameters."""
        terms: list[tuple[str, Any]] = [("time >= ?", self.since), ("time < ?", self.until)]
        terms += [(f"{name} = ?", getattr(self, name)) for name in TEXTS]
        held = [(term, _to_column(value)) for term, value in terms if value is not None]
        return (
            "" if not held else f" WHERE {' AND '.join(term for term, _ in held)}",
            [value for _, value in held],
        )


EVERYTHING: Final = Filter()


def store_url(doc: RecordsDoc) -> str:
    """Return the URL of the database that takes the records."""
    return doc.store or sqlite_url(Path(doc.path).absolute() / "records.sqlite")


class DecisionStore:
    """The rows in one database, by one connection, which one thread uses at a time.

    Args:
        database: where they are; its tables are of the version that this package knows.
        key: of the chain.

    Attributes:
        contents: what is kept of what was judged.
        detections: what was looked for.
    """

    def __init__(self, database: Database, key: bytes) -> None:
        self.database, self._key = database, key
        self.contents = ContentTable(database, AT_ONCE)
        self.detections = DetectionTable(database)

    @classmethod
    def open(cls, url: str, key: bytes) -> Self:
        """Open a store, and make its tables or bring them up to date.

        Raises:
            StoreError: it cannot be reached, or its tables are newer than this package knows.
        """
        database = open_database(url)
        try:
            migrate(database)
        except BaseException:
            database.close()
            raise
        return cls(database, key)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        self.database.close()

    def insert(self, writer: str, lines: Sequence[Line]) -> int:
        """Take lines of a writer's journal, all or none; those that are here already are left out. Return how many were new."""
        database = self.database
        with database.transaction():
            found = database.execute("SELECT seq FROM writers WHERE writer = ?", (writer,))
            moved = found[0][0] if found else 0
            new = [line for line in lines if line.seq > moved]
            if new:
                database.execute_many(INSERT, [_row(writer, line) for line in new])
                kept = [(line.seq, line.content) for line in new if line.content is not None]
                self.contents.insert(writer, kept)
                self.detections.insert(line.detection for line in new if line.detection is not None)
                database.execute(POSITION, (writer, new[-1].seq, new[-1].mac))
        return len(new)

    def select(
        self, wanted: Filter = EVERYTHING, *, newest_first: bool = False, most: int | None = None
    ) -> Iterator[StoredRecord]:
        """Return records by time."""
        where, parameters = wanted.where()
        order = "DESC" if newest_first else "ASC"
        limit = "" if most is None else f" LIMIT {int(most)}"
        sql = f"{SELECT}{where} ORDER BY time {order}, writer {order}, seq {order}{limit}"
        yield from map(_stored, self.database.read(sql, parameters))

    def chain(self, writer: str) -> Iterator[StoredRecord]:
        """Return the records of a writer in the order of their numbers."""
        yield from map(_stored, self.database.read(f"{SELECT} WHERE writer = ? ORDER BY seq", (writer,)))

    def writers(self) -> dict[str, tuple[int, bytes]]:
        """Return how far the records of each writer are here: the number and the MAC of the last one that came."""
        rows = self.database.execute("SELECT writer, seq, mac FROM writers")
        known = {writer: (seq, bytes(mac)) for writer, seq, mac in rows}
        others = self.database.execute("SELECT DISTINCT writer FROM decisions")
        return {**{writer: (0, b"") for (writer,) in others}, **known}

    def removals(self, writer: str) -> list[Removal]:
        """Return what retention removed of a writer's records, in order."""
        sql = "SELECT writer, first, last, last_mac, signature FROM removals WHERE writer = ? ORDER BY first"
        return [
            Removal(name, first, last, bytes(mac), bytes(signature))
            for name, first, last, mac, signature in self.database.execute(sql, (writer,))
        ]

    def count(self, wanted: Filter = EVERYTHING) -> int:
        """Return how many records there are."""
        where, parameters = wanted.where()
        return int(self.database.execute(f"SELECT count(*) FROM decisions{where}", parameters)[0][0])  # noqa: S608

    def remove_before(self, time: int, tenant: str | None = None, spared: Iterable[str] = ()) -> int:
        """Remove up to a thousand records that are older, and leave signed in their place that they were; return how many.

        Args:
            time: microseconds since 1970.
            tenant: only those of a tenant.
            spared: tenants whose records stay.
        """
        spared = [*map(_to_column, spared)]
        terms, parameters = ["time < ?"], [time, *spared]
        if tenant is not None:
            terms, parameters = ["time < ?", "tenant = ?"], [time, _to_column(tenant)]
        elif spared:
            terms.append(f"(tenant IS NULL OR tenant NOT IN ({', '.join('?' * len(spared))}))")
        return self._remove(f"WHERE {' AND '.join(terms)} ORDER BY time", parameters)

    def remove_oldest(self) -> int:
        """Remove the oldest thousand records, likewise."""
        return self._remove("ORDER BY time", [])

    def _remove(self, which: str, parameters: Sequence[Any]) -> int:
        database = self.database
        with database.transaction():
            sql = f"SELECT writer, seq, mac FROM decisions {which} LIMIT {AT_ONCE}"  # noqa: S608
            rows = sorted(database.execute(sql, parameters))
            for writer, first, last, mac in _find_runs(rows):
                database.execute(
                    "DELETE FROM decisions WHERE writer = ? AND seq BETWEEN ? AND ?", (writer, first, last)
                )
                self.contents.remove_run(writer, first, last)
                self._note_removal(writer, first, last, mac)
        return len(rows)

    def _note_removal(self, writer: str, first: int, last: int, last_mac: bytes) -> None:
        """Note that records were removed, as one with what was removed right before and behind them."""
        sql = "SELECT first, last, last_mac FROM removals WHERE writer = ? AND (last = ? OR first = ?)"
        for other_first, other_last, other_mac in self.database.execute(sql, (writer, first - 1, last + 1)):
            self.database.execute(
                "DELETE FROM removals WHERE writer = ? AND first = ?", (writer, other_first)
            )
            if other_last > last:
                last, last_mac = other_last, bytes(other_mac)
            first = min(first, other_first)
        signature = sign_removal(self._key, writer, first, last, last_mac)
        self.database.execute(
            "INSERT INTO removals (writer, first, last, last_mac, signature) VALUES (?, ?, ?, ?, ?)",
            (writer, first, last, last_mac, signature),
        )

    def erase(self, subject: str) -> int:
        """Erase a person from all records: who they were, in which conversation, what was kept of contents, and the salts of the
        commitments, which bind nobody from then on. Return how many records it were.
        """
        erased = 0
        while True:
            with self.database.transaction():
                sql = f"SELECT writer, seq, mac FROM decisions WHERE subject = ? LIMIT {AT_ONCE}"  # noqa: S608
                rows = self.database.execute(sql, (_to_column(subject),))
                self.database.execute_many(
                    "UPDATE decisions SET subject = NULL, conversation = NULL, salt = NULL, erased = ?"
                    " WHERE writer = ? AND seq = ?",
                    [
                        (sign_erasure(self._key, writer, seq, bytes(mac)), writer, seq)
                        for writer, seq, mac in rows
                    ],
                )
                self.contents.remove((writer, seq) for writer, seq, _ in rows)
            erased += len(rows)
            if len(rows) < AT_ONCE:
                return erased


def _row(writer: str, line: Line) -> tuple[Any, ...]:
    """Return the row of a line. What no writer of ours wrote is taken all the same: verification tells that it does not fit."""
    id_, time, kind, *others = line.columns
    texts = [value if isinstance(value, str) else None for value in (id_, kind, *others)]
    if line.has_escapes:
        texts = [*map(_to_column, texts)]
    id_, kind, stage, action, tenant, request_id, subject, conversation = texts
    return (
        writer,
        line.seq,
        id_ or "",
        time if isinstance(time, int) else 0,
        kind or "",
        stage,
        action,
        tenant,
        subject,
        conversation,
        request_id,
        line.record.decode(),
        line.mac,
        line.salt,
        None,
    )


def _to_column(value: Any) -> Any:
    """Return a value as its column holds it: a text that it might not hold as it is becomes a string of JSON."""
    return json.dumps(value) if isinstance(value, str) and ESCAPED.search(value) else value


def _from_column(value: Any) -> Any:
    """Return a value of a column as it was."""
    if isinstance(value, str) and value.startswith('"'):
        with suppress(ValueError):  # of somebody else's writing
            return json.loads(value)
    return value


def _stored(row: Sequence[Any]) -> StoredRecord:
    *told, mac, salt, erased = map(_from_column, row)
    erasable = (None if each is None else bytes(each) for each in (salt, erased))
    return StoredRecord._make((*told, bytes(mac), *erasable))


def _find_runs(rows: Iterable[tuple[str, int, Any]]) -> Iterator[tuple[str, int, int, bytes]]:
    """Return the runs of numbers without a gap among rows that are in order: writer, first and last number, last MAC."""
    run: tuple[str, int, int, bytes] | None = None
    for writer, seq, mac in rows:
        if run is not None and run[0] == writer and run[2] + 1 == seq:
            run = (writer, run[1], seq, bytes(mac))
            continue
        if run is not None:
            yield run
        run = (writer, seq, seq, bytes(mac))
    if run is not None:
        yield run
