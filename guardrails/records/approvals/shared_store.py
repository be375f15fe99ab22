"""The store of approvals as a process shares it: one connection, opened when it is needed, and again once it was lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from guardrails.fork_safety import fork_safe_lock, reset_after_fork
from guardrails.records.approvals.approval_store import ApprovalStore
from guardrails.records.kept_content.content_keys import ContentKeys
from guardrails.stores.database import StoreError, open_database
from guardrails.stores.migrations import migrate


def read_clock() -> int:
    """Return the time, in microseconds since 1970."""
    return time.time_ns() // 1000


class SharedApprovalStore:
    """Lends the store to one thread after the other.

    Args:
        url: of the database.
        key: of the records.
        keys: what encrypts calls.
        clock: tells the time, in microseconds since 1970.
    """

    def __init__(
        self, url: str, key: bytes, keys: ContentKeys, clock: Callable[[], int] = read_clock
    ) -> None:
        self._url, self._key, self._keys, self._clock = url, key, keys, clock
        self._lock = fork_safe_lock()
        self._store: ApprovalStore | None = None
        reset_after_fork(self)

    def reset_in_child(self) -> None:
        """Leave the connection to the parent, whose it is."""
        self._store = None

    @contextmanager
    def transaction(self) -> Iterator[tuple[ApprovalStore, int]]:
        """Lend the store, and the time, for one transaction: all that is done in it counts, or nothing where it raises.

        Raises:
            StoreError: the database cannot be reached.
            RecordsError: a row was changed without the key.
        """
        with self._lock:
            try:
                if self._store is None:
                    self._store = self._open()
                with self._store.database.transaction():
                    yield self._store, self._clock()
            except StoreError:
                self.close_connection()
                raise

    def _open(self) -> ApprovalStore:
        database = open_database(self._url)
        try:
            migrate(database)
        except BaseException:
            database.close()
            raise
        return ApprovalStore(database, self._key, self._keys)

    def close_connection(self) -> None:
        """End the connection; the next transaction opens another."""
        if self._store is not None:
            self._store.database.close()
            self._store = None
