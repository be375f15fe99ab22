"""A connection to a database: SQLite, embedded, or PostgreSQL (psycopg 3, extra `postgresql`), with one dialect of SQL for both.

Statements are written with `?` for parameters, and with what both databases have in common. A connection is used by one thread at
a time. Transactions come one after another in both, as SQLite has it: what one of them read stays true until it ends.
"""

from __future__ import annotations

import os
import sqlite3
import time
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, Self
from urllib.parse import quote, unquote_to_bytes

from guardrails.errors import GuardrailsError, MissingExtra
from guardrails.fork_safety import forks_wait_for
from guardrails.stores.postgresql_address import name_address, read_address

if TYPE_CHECKING:
    import psycopg

Row = tuple[Any, ...]
Dialect = Literal["sqlite", "postgresql"]

BUSY_S: Final = 10.0
"""How long a statement waits for another process that writes."""

SETTINGS: Final = (
    "journal_mode = WAL",
    "synchronous = NORMAL",
    "foreign_keys = ON",
    "cache_size = -16000",  # KiB: of a large table, each index has a page that grows
    "wal_autocheckpoint = 4000",
    "secure_delete = ON",  # what is deleted is overwritten, not only forgotten by the index
)
"""What a connection to SQLite begins with."""

ROWS_AT_ONCE: Final = 1_000
"""Rows that are fetched at a time where many are read."""

WRITERS_LOCK: Final = 7_317_203_411
"""Number of PostgreSQL's lock that a transaction holds, so that the next one waits for it."""


class StoreError(GuardrailsError):
    """A database cannot be reached, or did not do what was asked. The message names the database without its password."""


class Database(Protocol):
    """A connection, which a `with` block ends. Methods raise `StoreError`."""

    dialect: Dialect
    name: str
    """What messages call it: a path, or an address without a password."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Run a statement and return its rows."""
        ...

    def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement for each row of parameters; within a transaction, for all or none."""
        ...

    def read(self, sql: str, parameters: Sequence[Any] = ()) -> Iterator[Row]:
        """Return the rows of a query as they are read, so that millions take no memory: those that were there when it began.

        Other statements may run meanwhile. What a transaction has changed is not among them before it ends.
        """
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """Return a block whose statements all count, or none where it raises. It waits for others who write, and takes no other
        into itself.
        """
        ...

    def size(self) -> int:
        """Return how many bytes the database takes."""
        ...

    def overwrite_deleted(self) -> None:
        """Have what was deleted or replaced so far gone from the files of the database. Where a server keeps them, it goes when
        the server cleans up.

        Raises:
            StoreError: somebody reads what was there before.
        """
        ...

    def close(self) -> None:
        """End the connection."""
        ...


class _Connection(ABC):
    """What both have in common."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @abstractmethod
    def close(self) -> None: ...


class SqliteDatabase(_Connection):
    """A file of SQLite, in WAL mode, so that readers and a writer do not wait for each other.

    Args:
        path: the file; it is made where there is none, in a folder that is there.

    Raises:
        StoreError: it cannot be opened, or is no database.
    """

    dialect: Dialect = "sqlite"

    def __init__(self, path: Path) -> None:
        self._path, self.name = path.absolute(), str(path)
        try:
            self._connection = _connect(self._path)
        except sqlite3.OperationalError as error:
            raise StoreError(f"the store {self.name}: {_why_not_opened(self._path) or error}") from error
        # Also where nobody closes it: what is read half, or held in a circle, is closed when it is collected.
        self._end = weakref.finalize(self, _close, self._connection, os.getpid())
        self._end.atexit = False
        try:
            with self._errors():
                self._set_up()
        except BaseException:
            self._end()
            raise

    def _set_up(self) -> None:
        end = time.monotonic() + BUSY_S
        while True:
            try:
                for setting in SETTINGS:
                    _run(self._connection, f"PRAGMA {setting}")
            except sqlite3.OperationalError as error:
                # Where several open a new file, one has it in WAL mode, and SQLite lets the others fail instead of wait.
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                    raise
                time.sleep(0.01)
            else:
                return

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, sqlite3.Warning, UnicodeError, OverflowError) as error:
            raise StoreError(f"the store {self.name}: {error}") from error

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Run a statement and return its rows."""
        with self._errors():
            return _run(self._connection, sql, parameters)

    def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement for each row of parameters; within a transaction, for all or none."""
        with self._errors():
            _run_many(self._connection, sql, rows)

    def read(self, sql: str, parameters: Sequence[Any] = ()) -> Iterator[Row]:
        """Return the rows of a query as they are read."""
        self.execute("SELECT 1")  # it is not closed
        # Another connection: for as long as one reads, it does not see what others write, and cannot write behind that.
        with SqliteDatabase(self._path) as reader, self._errors():
            cursor = _begin(reader._connection, sql, parameters)
            while rows := _fetch(cursor):
                yield from rows

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Return a block whose statements all count, or none where it raises."""
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self.execute("ROLLBACK")
            raise

    def size(self) -> int:
        """Return how many bytes the rows of the database take, without room that deleted rows left."""
        pages, free = self.execute("PRAGMA page_count")[0][0], self.execute("PRAGMA freelist_count")[0][0]
        return int((pages - free) * self.execute("PRAGMA page_size")[0][0])

    def overwrite_deleted(self) -> None:
        """Have what was deleted or replaced so far gone from the files: pages are overwritten (`secure_delete`), and the log of
        writes, which has them as they were, is emptied.

        Raises:
            StoreError: somebody reads what was there before.
        """
        is_busy = self.execute("PRAGMA wal_checkpoint(TRUNCATE)")[0][0]
        if is_busy:
            raise StoreError(
                f"the store {self.name}: what was deleted is still in {self.name}-wal, as another process reads the store: "
                "do the same again once it has ended"
            )

    def close(self) -> None:
        """End the connection."""
        self._end()


# SQLite has locks of its own for the whole process: a child that is forked while another thread holds one could open no database.


@forks_wait_for
def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)


@forks_wait_for
def _run(connection: sqlite3.Connection, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
    return connection.execute(sql, parameters).fetchall()


@forks_wait_for
def _run_many(connection: sqlite3.Connection, sql: str, rows: Iterable[Sequence[Any]]) -> None:
    connection.executemany(sql, rows)


@forks_wait_for
def _begin(connection: sqlite3.Connection, sql: str, parameters: Sequence[Any]) -> sqlite3.Cursor:
    return connection.execute(sql, parameters)


@forks_wait_for
def _fetch(cursor: sqlite3.Cursor) -> list[Row]:
    return cursor.fetchmany(ROWS_AT_ONCE)


@forks_wait_for
def _close(connection: sqlite3.Connection, process: int) -> None:
    if process == os.getpid():  # a child leaves what is its parent's
        connection.close()


def _why_not_opened(path: Path) -> str | None:
    """Return why SQLite could not open a file, which it does not tell; None where that is not to be seen."""
    if not path.parent.is_dir():
        return f"there is no folder {path.parent}"
    if path.is_dir():
        return "it is a folder, not a file"
    return None


class PostgresqlDatabase(_Connection):
    """A connection to PostgreSQL.

    Args:
        url: `postgresql://user:password@host:port/database`, with whatever libpq takes.

    Raises:
        StoreError: it cannot be reached, the URL is none, or its texts cannot hold every character.
        MissingExtra: psycopg is not installed.
    """

    dialect: Dialect = "postgresql"

    def __init__(self, url: str) -> None:
        try:
            import psycopg
        except ImportError as error:
            raise MissingExtra("PostgreSQL", "postgresql") from error
        self._psycopg = psycopg
        try:
            self._address = read_address(url)
        except ValueError as error:
            raise StoreError(str(error)) from None
        self.name = name_address(self._address)
        self._idle: list[psycopg.Connection[Row]] = []
        self._connection = self._connect()

    def _connect(self) -> psycopg.Connection[Row]:
        with self._errors():
            told = self._psycopg.conninfo.make_conninfo(**self._address)
            connection = self._psycopg.connect(told, autocommit=True)
        encoding = connection.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            connection.close()
            raise StoreError(
                f"the store {self.name}: its texts are in {encoding}, which has not every character: "
                "make a database with ENCODING 'UTF8'"
            )
        # Whatever the server's default: what the transaction before wrote is to be seen behind the wait for it.
        connection.isolation_level = self._psycopg.IsolationLevel.READ_COMMITTED
        return connection

    @contextmanager
    def _errors(self, *others: type[Exception]) -> Iterator[None]:
        failures: tuple[type[Exception], ...] = (self._psycopg.Error, *others)
        try:
            yield
        except failures as error:
            told = str(error).strip().splitlines()[:1] or [type(error).__name__]
            raise StoreError(f"the store {self.name}: {told[0]}") from error

    @staticmethod
    def _translate(sql: str) -> bytes:
        return sql.replace("%", "%%").replace("?", "%s").encode()

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Run a statement and return its rows."""
        with self._errors(UnicodeError):
            cursor = self._connection.execute(self._translate(sql), parameters)
            return [] if cursor.description is None else cursor.fetchall()

    def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement for each row of parameters; within a transaction, for all or none."""
        with self._errors(UnicodeError), self._connection.cursor() as cursor:
            cursor.executemany(self._translate(sql), rows)

    def read(self, sql: str, parameters: Sequence[Any] = ()) -> Iterator[Row]:
        """Return the rows of a query as they are read, by a cursor of the server."""
        with (
            self._errors(UnicodeError),
            self._reader() as reader,
            reader.cursor("guardrails_rows") as cursor,
        ):
            cursor.itersize = ROWS_AT_ONCE
            cursor.execute(self._translate(sql), parameters)
            yield from cursor

    @contextmanager
    def _reader(self) -> Iterator[psycopg.Connection[Row]]:
        """Lend another connection, within a transaction, which a cursor needs for as long as it is read. If it were of this one,
        what is written meanwhile would count only behind the last row, or never.
        """
        if self._connection.closed:
            raise self._psycopg.OperationalError("the connection is closed")
        reader = self._idle.pop() if self._idle else self._connect()
        try:
            with reader.transaction():
                yield reader
        except BaseException:
            reader.close()
            raise
        if self._connection.closed:
            reader.close()
        else:
            self._idle.append(reader)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Return a block whose statements all count, or none where it raises."""
        with self._errors(), self._connection.transaction():
            wait = f"{int(BUSY_S * 1000)}ms"
            sql = "SELECT set_config('lock_timeout', ?, true), pg_advisory_xact_lock(?)"
            self.execute(sql, (wait, WRITERS_LOCK))
            yield

    def size(self) -> int:
        """Return how many bytes the database takes."""
        return int(self.execute("SELECT pg_database_size(current_database())")[0][0])

    def overwrite_deleted(self) -> None:
        """Do nothing: dead rows go when the server vacuums, and its write-ahead log when it recycles that."""

    def close(self) -> None:
        """End the connection."""
        for connection in (self._connection, *self._idle):
            connection.close()
        self._idle.clear()


def _open_sqlite(url: str) -> Database:
    # As SQLAlchemy has it: three slashes for a relative path, four for an absolute one.
    path = os.fsdecode(unquote_to_bytes(url.removeprefix("sqlite:///")))
    if not url.startswith("sqlite:///") or path in ("", ":memory:"):
        raise StoreError(
            "a store in SQLite is a file: sqlite:///FILE where its path is relative, sqlite:////FOLDER/FILE where it is absolute"
        )
    return SqliteDatabase(Path(path))


def sqlite_url(path: Path) -> str:
    """Return the URL of a file of SQLite."""
    return f"sqlite:///{quote(os.fsencode(path))}"


OPENERS: Final[dict[str, Callable[[str], Database]]] = {
    "sqlite": _open_sqlite,
    "postgresql": PostgresqlDatabase,
    "postgres": PostgresqlDatabase,
}
"""Scheme of a URL → what opens it."""


def open_database(url: str) -> Database:
    """Open a database by its URL: `sqlite:///relative.db`, `sqlite:////absolute.db`, `postgresql://…`.

    Raises:
        StoreError: it cannot be opened, or there is no such kind.
    """
    scheme, separator, _ = url.partition("://")
    if not separator or scheme not in OPENERS:
        raise StoreError(
            f"a store is named by a URL that begins with {', '.join(f'{each}://' for each in OPENERS)}"
        )
    return OPENERS[scheme](url)
