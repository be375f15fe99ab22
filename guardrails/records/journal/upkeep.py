"""What a process does for its records beside its work: moves them, signs heads, and removes what is too old or too much."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Final

from guardrails.errors import GuardrailsError
from guardrails.records.configuration import DAY_US, RecordsDoc
from guardrails.records.decision_store import AT_ONCE, DecisionStore, store_url
from guardrails.records.journal.journal import Journal, lock_file
from guardrails.records.journal.mover import Mover

LOG = logging.getLogger("guardrails")

MOVE_S: Final = 0.5
"""How often records are moved."""
RETRY_S: Final = 3.0
"""How long the store is left alone once it failed."""
EACH_MINUTE_S: Final = 60.0
"""How often heads are signed, old records are removed, and what killed processes left is looked for."""

HEADS: Final = "heads.log"
RETENTION_LOCK: Final = "retention.lock"
"""Locked by the process that removes records."""


def heads_path(doc: RecordsDoc) -> Path:
    """Return the file of the signed heads."""
    return Path(doc.heads) if doc.heads else Path(doc.path) / HEADS


class Upkeep:
    """The upkeep of the records of one process, by one thread.

    Args:
        doc: where they are, and how long they stay.
        key: of the chain.

    Attributes:
        problem: what is wrong with the store, None while all is well.
    """

    def __init__(self, doc: RecordsDoc, key: bytes) -> None:
        self._doc, self._key = doc, key
        self._folder = Path(doc.path)
        self._mover = Mover(self._folder)
        self._store: DecisionStore | None = None
        self._due = 0.0
        self._signed = 0
        self.problem: str | None = None

    def run(self, journal: Journal, *, last: bool = False) -> float:
        """Do what there is to do, for the `last` time perhaps; return in how many seconds to ask again."""
        try:
            store = self._store = self._store or DecisionStore.open(store_url(self._doc), self._key)
            self._mover.move_own(journal, store)
            if last or monotonic() >= self._due:
                self.sign_head(journal)
                self._mover.move_orphans(store, journal.writer)
                self._remove_old(store)
                self._due = monotonic() + EACH_MINUTE_S
        except (GuardrailsError, OSError) as error:
            if self.problem is None:
                LOG.error("records wait in the journal: %s", error)
            self.problem = str(error)
            self._close()
            return RETRY_S
        if self.problem is not None:
            LOG.warning("the store of the records is there again")
            self.problem = None
        if last:
            self._close()
        return MOVE_S

    def _close(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None

    def sign_head(self, journal: Journal) -> None:
        """Write how far the chain has come to the file of heads, where it has come further than the last one says."""
        head = replace(journal.head, time=int(time.time()))
        if head.seq == self._signed:
            return
        file = os.open(heads_path(self._doc), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(file, head.line(self._key).encode())
        finally:
            os.close(file)
        self._signed = head.seq

    def _remove_old(self, store: DecisionStore) -> None:
        """Remove what is too old or too much, a thousand at a time, if no other process is at it."""
        doc = self._doc
        keeps_all = doc.keep_days is None and doc.keep_bytes is None and not doc.tenants
        if keeps_all and store.contents.is_empty:
            return
        lock = lock_file(self._folder / RETENTION_LOCK)
        if lock is None:
            return
        try:
            now = time.time_ns() // 1000
            _repeat(partial(store.contents.remove_expired, now))
            for tenant, days in doc.tenants.items():
                _repeat(partial(store.remove_before, now - int(days * DAY_US), tenant))
            if doc.keep_days is not None:
                before = now - int(doc.keep_days * DAY_US)
                _repeat(partial(store.remove_before, before, spared=doc.tenants))
            if (most := doc.keep_bytes) is not None:
                _repeat(lambda: store.remove_oldest() if store.database.size() > most else 0)
        finally:
            os.close(lock)


def _repeat(remove: Callable[[], int]) -> None:
    while remove() == AT_ONCE:
        time.sleep(0.001)  # others write meanwhile
