"""The rows of kept contents, beside those of the records that they belong to: both are changed in the same transactions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from guardrails.records.kept_content.sealed_content import SealedContent
from guardrails.stores.database import Database

INSERT: Final = """
INSERT INTO contents (writer, seq, expires, key_id, nonce, ciphertext) VALUES (?, ?, ?, ?, ?, ?)
"""
JOINED: Final = """
SELECT c.writer, c.seq, c.expires, c.key_id, c.nonce, c.ciphertext, d.record, d.salt FROM contents c
LEFT JOIN decisions d ON d.writer = c.writer AND d.seq = c.seq ORDER BY c.writer, c.seq
"""


class KeptRow(NamedTuple):
    """A row with what its record says of it; `record` is None where that is not here, `salt` where it says nothing."""

    writer: str
    seq: int
    sealed: SealedContent
    record: str | None
    salt: bytes | None


class ContentTable:
    """The rows in one database.

    Args:
        database: where they are.
        at_once: rows that are removed in one transaction.
    """

    def __init__(self, database: Database, at_once: int) -> None:
        self._database, self._at_once = database, at_once

    def insert(self, writer: str, kept: Iterable[tuple[int, SealedContent]]) -> None:
        """Insert what is kept of a writer's records, each with its number."""
        rows = [(writer, seq, *sealed) for seq, sealed in kept]
        if rows:
            self._database.execute_many(INSERT, rows)

    def read(self, writer: str, seq: int) -> SealedContent | None:
        """Return what is kept of a record."""
        sql = "SELECT expires, key_id, nonce, ciphertext FROM contents WHERE writer = ? AND seq = ?"
        rows = self._database.execute(sql, (writer, seq))
        return _sealed(rows[0]) if rows else None

    def __iter__(self) -> Iterator[KeptRow]:
        """Yield all that is kept."""
        for writer, seq, *kept, record, salt in self._database.read(JOINED):
            yield KeptRow(writer, seq, _sealed(kept), record, None if salt is None else bytes(salt))

    @property
    def is_empty(self) -> bool:
        """Whether nothing is kept."""
        return not self._database.execute("SELECT 1 FROM contents LIMIT 1")

    def remove(self, rows: Iterable[tuple[str, int]]) -> None:
        """Remove what is kept of records, each given by its writer and number."""
        self._database.execute_many("DELETE FROM contents WHERE writer = ? AND seq = ?", rows)

    def remove_run(self, writer: str, first: int, last: int) -> None:
        """Remove what is kept of a writer's records from one number to another."""
        sql = "DELETE FROM contents WHERE writer = ? AND seq BETWEEN ? AND ?"
        self._database.execute(sql, (writer, first, last))

    def remove_expired(self, time: int) -> int:
        """Remove up to a thousand whose end a time (microseconds since 1970) has reached; return how many."""
        with self._database.transaction():
            sql = (
                f"SELECT writer, seq FROM contents WHERE expires <= ? ORDER BY expires LIMIT {self._at_once}"  # noqa: S608
            )
            rows = self._database.execute(sql, (time,))
            self.remove((writer, seq) for writer, seq in rows)
        return len(rows)


def _sealed(row: Sequence[Any]) -> SealedContent:
    expires, key_id, nonce, ciphertext = row
    return SealedContent(expires, key_id, bytes(nonce), bytes(ciphertext))
