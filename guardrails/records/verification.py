"""Verifies what the store holds: finds records that were altered, removed, exchanged, added or, up to a signed head, cut off."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, Final, Literal

from guardrails.records.chain import (
    Head,
    commit,
    first_mac,
    next_mac,
    read_head,
    sign_erasure,
    sign_removal,
)
from guardrails.records.decision_store import DecisionStore, Removal, StoredRecord
from guardrails.records.journal.journal import find_segments, read_lines
from guardrails.records.journal.line import FROM_PERSON, FROM_RECORD
from guardrails.records.kept_content.sealed_content import SealedContent

Kind = Literal[
    "altered",
    "missing",
    "truncated",
    "person_altered",
    "person_missing",
    "content_altered",
    "removal_forged",
    "head_forged",
]


NOT_KEPT: Final = "what is kept of the content is not what was kept of this record's"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that does not fit the chain: at which record of which writer, and what."""

    kind: Kind
    writer: str
    seq: int
    message: str

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {"kind": self.kind, "writer": self.writer, "seq": self.seq, "message": self.message}


@dataclass(slots=True)
class Verification:
    """What was verified: so many writers, records, records that wait in journals, removed ones and those of erased people; kept
    contents; the heads up to which none can have been cut off unseen; and what is wrong.
    """

    writers: int = 0
    records: int = 0
    waiting: int = 0
    removed: int = 0
    erased: int = 0
    contents: int = 0
    heads: int = 0
    problems: list[Problem] = field(default_factory=list)

    @property
    def intact(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        counts = {
            name: getattr(self, name)
            for name in ("writers", "records", "waiting", "removed", "erased", "contents", "heads")
        }
        return {"intact": self.intact, **counts, "problems": [each.to_dict() for each in self.problems]}


def verify(
    store: DecisionStore,
    key: bytes,
    *,
    heads: Iterable[str] = (),
    journal: Path | None = None,
    went: Callable[[int], object] = lambda count: None,
) -> Verification:
    """Verify all that a store holds.

    Args:
        store: the store.
        key: of the chain.
        heads: lines of signed heads.
        journal: the folder in which further records may wait.
        went: is told how many records were looked at, at times.
    """
    found = Verification()
    newest: dict[str, Head] = {}
    for number, line in enumerate(heads, 1):
        head = read_head(line, key)
        if head is None:
            found.problems.append(
                Problem("head_forged", "", 0, f"line {number} of the heads was not signed with this key")
            )
            continue
        found.heads += 1
        if head.writer not in newest or newest[head.writer].seq <= head.seq:
            newest[head.writer] = head
    positions = store.writers()
    waiting = {} if journal is None else find_segments(journal)
    for writer in sorted({*positions, *newest, *waiting}):
        found.writers += 1
        walk = _Walk(store, key, writer, found, went)
        walk.run(positions.get(writer), newest.get(writer), waiting.get(writer, ()))
    _verify_contents(store, found)
    return found


def _verify_contents(store: DecisionStore, found: Verification) -> None:
    """Verify what is kept of contents, without their key: records commit to them as they are encrypted. One that is gone has
    expired, for all that anybody can tell.
    """
    for row in store.contents:
        found.contents += 1
        if not _is_committed(_parse(row.record or ""), row.salt, row.sealed):
            found.problems.append(Problem("content_altered", row.writer, row.seq, NOT_KEPT))


def _is_committed(record: dict[str, Any], salt: bytes | None, sealed: SealedContent) -> bool:
    return salt is not None and record.get("content") == commit(salt, "content", sealed.digest)


class _Walk:
    """Goes along the chain of one writer."""

    def __init__(
        self,
        store: DecisionStore,
        key: bytes,
        writer: str,
        found: Verification,
        went: Callable[[int], object],
    ) -> None:
        self._store, self._key, self._writer, self._found, self._went = store, key, writer, found, went
        self._seq, self._mac = 0, first_mac(key, writer)
        self._removals = store.removals(writer)
        self._head: Head | None = None

    def run(self, position: tuple[int, bytes] | None, head: Head | None, segments: Iterable[Path]) -> None:
        self._head = head
        for row in self._store.chain(self._writer):
            self._skip_removed(row.seq)
            self._take(row)
        end = position[0] if position is not None else 0
        self._skip_removed(end + 1)
        if self._seq < end:
            self._report("truncated", self._seq + 1, f"records up to {end} were here, and are cut off")
            return
        self._read_waiting(segments)
        if head is not None and self._seq < head.seq:
            self._report("truncated", self._seq + 1, f"a signed head says that there were {head.seq} records")

    def _report(self, kind: Kind, seq: int, message: str) -> None:
        self._found.problems.append(Problem(kind, self._writer, seq, message))

    def _skip_removed(self, until: int) -> None:
        """Go over what retention removed before a number."""
        while self._removals and self._removals[0].first < until:
            removal = self._removals.pop(0)
            self._expect(removal.first)
            if not self._is_signed(removal):
                self._report(
                    "removal_forged",
                    removal.first,
                    f"records {removal.first} to {removal.last} were removed by somebody without the key",
                )
            self._found.removed += removal.last - removal.first + 1
            self._go_to(removal.last, removal.last_mac)

    def _is_signed(self, removal: Removal) -> bool:
        right = sign_removal(self._key, self._writer, removal.first, removal.last, removal.last_mac)
        return hmac.compare_digest(right, removal.signature)

    def _expect(self, seq: int) -> None:
        if seq > self._seq + 1:
            self._report("missing", self._seq + 1, f"records {self._seq + 1} to {seq - 1} are missing")

    def _go_to(self, seq: int, mac: bytes) -> None:
        self._seq, self._mac = seq, mac
        if self._head is not None and self._head.seq == seq and self._head.mac != mac:
            self._report("altered", seq, "the signed head of this record says another one")

    def _take(self, row: StoredRecord) -> None:
        found = self._found
        found.records += 1
        if found.records % 1_000 == 0:
            self._went(found.records)
        self._expect(row.seq)
        right = next_mac(self._key, self._mac, row.seq, row.record.encode("utf-8", "surrogatepass"))
        if row.seq <= self._seq:
            self._report("altered", row.seq, "the record stands where retention removed one")
            return
        # Behind a gap, which was reported, there is nothing to check the next one against.
        if row.seq == self._seq + 1 and not hmac.compare_digest(right, row.mac):
            self._report("altered", row.seq, "the record is not what its writer wrote")
        record = _parse(row.record)
        if any(record.get(name) != getattr(row, name) for name in FROM_RECORD):
            self._report("altered", row.seq, "the columns of the record do not say what it says")
        self._check_person(row, record)
        # What follows is checked against what this row claims, so that one alteration is reported once.
        self._go_to(row.seq, row.mac)

    def _check_person(self, row: StoredRecord, record: dict[str, Any]) -> None:
        committed = [name for name in FROM_PERSON if name in record]
        if row.erased is not None:
            self._found.erased += 1
            right = sign_erasure(self._key, self._writer, row.seq, row.mac)
            if not hmac.compare_digest(right, row.erased):
                self._report(
                    "person_missing", row.seq, "who it is about was erased by somebody without the key"
                )
            if row.subject is None and row.conversation is None:
                return
        for name in FROM_PERSON:
            value: str | None = getattr(row, name)
            if value is None and name in committed:
                self._report("person_missing", row.seq, f"the {name} of the record is gone")
            elif value is not None and (
                row.salt is None or record.get(name) != commit(row.salt, name, value)
            ):
                self._report("person_altered", row.seq, f"the {name} of the record is another one")

    def _read_waiting(self, segments: Iterable[Path]) -> None:
        """Go on along the records that wait in the journal."""
        for line in chain.from_iterable(map(_lines, segments)):
            if line is None:
                self._report("altered", self._seq + 1, "a line of the journal is damaged")
                continue
            if line.seq <= self._seq:
                continue
            self._expect(line.seq)
            right = next_mac(self._key, self._mac, line.seq, line.record)
            if line.seq == self._seq + 1 and not hmac.compare_digest(right, line.mac):
                self._report("altered", line.seq, "a record of the journal is not what its writer wrote")
            if line.content is not None and not _is_committed(
                _parse(line.record.decode()), line.salt, line.content
            ):
                self._report("content_altered", line.seq, NOT_KEPT)
            self._found.waiting += 1
            self._go_to(line.seq, line.mac)


def _lines(path: Path) -> Iterator[Any]:
    try:
        for line, _ in read_lines(path):
            yield line
    except FileNotFoundError:  # it was moved meanwhile
        return


def _parse(record: str) -> dict[str, Any]:
    try:
        told = json.loads(record)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
