"""A database: what is asked of SQLite and PostgreSQL alike (there by tests/system/test_postgresql.py), and what is SQLite's own."""

from __future__ import annotations

import gc
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote

import pytest

from guardrails.errors import MissingExtra
from guardrails.stores.database import Database, StoreError, open_database, sqlite_url
from tests.cases import each_case
from tests.stores.store_kit import run_at_once, run_process
from tests.waiting import WAIT_S

INSERT = "INSERT INTO words VALUES (?, ?)"
NUMBERS = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT i, CAST(? AS TEXT) FROM n"
"""A query of as many rows as one likes, each with a text."""

KILLED = """
import os, signal, sys
from guardrails.stores.database import open_database
database = open_database(sys.argv[1])
with database.transaction():
    database.execute("INSERT INTO words VALUES (1, 'a')")
    print(database.execute("SELECT count(*) FROM words"), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
COUNTING = """
from guardrails.stores.database import open_database
def work(url):
    with open_database(url) as database:
        for _ in range(100):
            with database.transaction():
                [(count,)] = database.execute("SELECT id FROM words")
                database.execute("UPDATE words SET id = ?", (count + 1,))
"""
READING = f"""
import resource, sys
from guardrails.stores.database import open_database
with open_database(sys.argv[1]) as database:
    list(database.read("{NUMBERS}", (2_000, "x" * 1_000)))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    read = sum(1 for _ in database.read("{NUMBERS}", (150_000, "x" * 1_000)))
    print(read, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""
FORKING = """
import os, sys, threading, warnings
from guardrails.stores.database import open_database
warnings.simplefilter("ignore")
url, running = sys.argv[1], True

def work():
    while running:
        with open_database(url) as database:
            database.execute("SELECT 1")

thread = threading.Thread(target=work)
thread.start()
ended = []
for _ in range(20):
    if not (child := os.fork()):
        threading.Timer(15, os._exit, (1,)).start()
        open_database(url).close()
        os._exit(0)
    ended.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    if any(ended):
        break
running = False
thread.join()
print({*ended})
"""


def words(database: Database) -> list[str]:
    """Return what the table of the tests holds."""
    return [word for (word,) in database.execute("SELECT word FROM words ORDER BY id")]


class DatabaseCases:
    """What holds of every kind of database."""

    @pytest.fixture
    def database(self, url: str) -> Iterator[Database]:
        """Open an empty database, which `url` names, and make a table of words in it."""
        with open_database(url) as opened:
            opened.execute("CREATE TABLE words (id BIGINT PRIMARY KEY, word TEXT)")
            yield opened

    def test_values_come_back_as_they_went_in(self, database: Database) -> None:
        """Numbers of 64 bits, texts in any script and with any mark, bytes, and nothing."""
        rows = [
            (1, "plain", b"", -(2**63)),
            (2, 'it\'s 100 % "ünï" 漢字 🙂 ? %s $1 \\', bytes(range(256)), 2**63 - 1),
            (3, None, None, None),
            (4, "", b"\0", 0),
        ]
        kind = {"sqlite": "BLOB", "postgresql": "BYTEA"}[database.dialect]
        database.execute(f"CREATE TABLE t (id BIGINT, text TEXT, raw {kind}, number BIGINT)")
        database.execute_many("INSERT INTO t VALUES (?, ?, ?, ?)", rows[:3])
        assert database.execute("INSERT INTO t VALUES (?, ?, ?, ?)", rows[3]) == []
        query = "SELECT id, text, raw, number FROM t ORDER BY id"
        assert database.execute(query) == rows
        assert [*database.read(query)] == rows
        assert type(database.execute(query)[1][2]) is bytes

    def test_marks_in_a_statement_are_its_own(self, database: Database) -> None:
        """A percent sign is one, with parameters and without; a question mark is a parameter."""
        database.execute_many(INSERT, [(1, "cat"), (2, "dog"), (3, "c%")])
        assert database.execute("SELECT id FROM words WHERE word LIKE 'c%' ORDER BY id") == [(1,), (3,)]
        assert database.execute("SELECT id FROM words WHERE word LIKE 'c%' AND id > ?", (1,)) == [(3,)]
        assert database.execute("SELECT id % 2 FROM words WHERE word = ?", ("c%",)) == [(1,)]
        assert [*database.read("SELECT id FROM words WHERE word LIKE 'd%' AND id < ?", (9,))] == [(2,)]

    def test_a_statement_for_no_rows_does_nothing(self, database: Database) -> None:
        """It is no error either."""
        database.execute_many(INSERT, [])
        assert words(database) == []

    def test_errors_name_the_store_and_the_cause(self, database: Database) -> None:
        """Whichever method it is; the connection goes on."""
        for ask in (
            lambda: database.execute("SELECT * FROM nowhere"),
            lambda: [*database.read("SELECT * FROM nowhere")],
            lambda: database.execute_many("INSERT INTO nowhere VALUES (?)", [(1,)]),
        ):
            with pytest.raises(StoreError, match="nowhere") as raised:
                ask()
            assert database.name in str(raised.value)
            assert "\n" not in str(raised.value)
        assert database.execute("SELECT 1") == [(1,)]
        assert [*database.read("SELECT 1")] == [(1,)]

    @pytest.mark.parametrize("row", [(1, "lone \ud800 surrogate"), (2**63, "too large")])
    def test_what_it_cannot_hold_is_an_error_of_the_store(
        self, database: Database, row: tuple[int, str]
    ) -> None:
        """Not one of whatever the library raises; within a transaction too."""
        for ask in (lambda: database.execute(INSERT, row), lambda: database.execute_many(INSERT, [row])):
            with pytest.raises(StoreError):
                ask()
            with pytest.raises(StoreError), database.transaction():
                ask()
        with pytest.raises(StoreError):
            assert [*database.read("SELECT id FROM words WHERE word = ?", ("\ud800",))] == []
        assert words(database) == []

    def test_a_transaction_counts_once_it_ends(self, url: str, database: Database) -> None:
        """Nobody else sees a part of it."""
        with open_database(url) as other:
            with database.transaction():
                database.execute(INSERT, (1, "a"))
                database.execute_many(INSERT, [(2, "b"), (3, "c")])
                assert words(database) == ["a", "b", "c"]
                assert words(other) == []
            assert words(other) == ["a", "b", "c"]

    @pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, UnicodeError])
    def test_a_transaction_that_raises_counts_not_at_all(
        self, url: str, database: Database, error: type[BaseException]
    ) -> None:
        """What was raised comes out as it is; the next one counts."""

        def fail() -> None:
            database.execute(INSERT, (1, "a"))
            raise error("why")

        def insert_twice() -> None:
            for _ in range(2):
                database.execute(INSERT, (1, "a"))

        with pytest.raises(error, match="why"), database.transaction():
            fail()
        with pytest.raises(StoreError), database.transaction():
            insert_twice()
        with pytest.raises(StoreError), database.transaction():
            database.execute_many(INSERT, [(1, "a"), (2, "b"), (1, "the same again")])
        with open_database(url) as other:
            assert words(other) == []
            with database.transaction():
                database.execute(INSERT, (1, "a"))
            assert words(other) == ["a"]

    def test_a_transaction_that_cannot_end_counts_not_at_all(self, url: str, database: Database) -> None:
        """Its error is the store's, and the next one goes on."""
        database.execute(
            "CREATE TABLE uses (id BIGINT PRIMARY KEY REFERENCES words (id) DEFERRABLE INITIALLY DEFERRED)"
        )
        with pytest.raises(StoreError, match=r"(?i)foreign key"), database.transaction():
            database.execute("INSERT INTO uses VALUES (7)")
        with database.transaction():
            database.execute(INSERT, (7, "seven"))
        with open_database(url) as other:
            assert other.execute("SELECT * FROM uses") == []
            assert words(other) == ["seven"]

    def test_a_process_that_is_killed_in_a_transaction_has_changed_nothing(
        self, url: str, database: Database
    ) -> None:
        """And others need not wait for it."""
        ended = run_process(KILLED, url)
        assert (ended.returncode, ended.stdout) == (-signal.SIGKILL, "[(1,)]\n")
        assert words(database) == []
        with database.transaction():
            database.execute(INSERT, (1, "a"))

    def test_several_write_at_once(self, url: str, database: Database) -> None:
        """Transactions come one after another: none works with what another is about to change."""
        database.execute(INSERT, (0, "count"))
        run_at_once(3, COUNTING, url)
        assert database.execute("SELECT id FROM words") == [(300,)]

    def test_a_transaction_waits_for_another_one(self, url: str, database: Database) -> None:
        """And sees what that one did."""
        seen: list[list[str]] = []
        begun = threading.Event()

        def write() -> None:
            with open_database(url) as other:
                begun.set()
                with other.transaction():
                    seen.append(words(other))

        thread = threading.Thread(target=write)
        with database.transaction():
            thread.start()
            assert begun.wait(WAIT_S)
            database.execute(INSERT, (1, "a"))
            thread.join(0.2)
            assert thread.is_alive()
            assert seen == []
        thread.join()
        assert seen == [["a"]]

    def test_a_transaction_does_not_wait_for_ever(
        self, url: str, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An error says what it waited for; the connection goes on."""
        monkeypatch.setattr("guardrails.stores.database.BUSY_S", 0.2)
        with open_database(url) as other:
            with (
                database.transaction(),
                pytest.raises(StoreError, match=r"locked|lock timeout"),
                other.transaction(),
            ):
                other.execute(INSERT, (1, "a"))
            with other.transaction():
                other.execute(INSERT, (2, "b"))
        assert words(database) == ["b"]

    def test_who_reads_does_not_wait_for_who_writes(self, url: str, database: Database) -> None:
        """Nor the other way round; what is read is what was there when it began."""
        database.execute_many(INSERT, [(n, f"word {n}") for n in range(5_000)])
        with open_database(url) as other:
            rows = other.read("SELECT id FROM words ORDER BY id")
            assert next(rows) == (0,)
            with database.transaction():
                database.execute("DELETE FROM words")
                assert len(words(other)) == 5_000
            assert words(other) == []
            assert len([*rows]) == 4_999

    def test_reading_many_rows_takes_no_memory(self, url: str) -> None:
        """150 megabytes of them go by in a tenth of that."""
        ended = run_process(READING, url)
        read, megabytes = map(int, ended.stdout.split())
        assert read == 150_000
        assert megabytes < 15

    def test_statements_run_while_rows_are_read(self, url: str, database: Database) -> None:
        """Other queries among them, in any order; what is written counts, also where the reading is broken off."""
        database.execute_many(INSERT, [(n, f"word {n}") for n in range(3_000)])
        query = "SELECT id FROM words WHERE id < ? ORDER BY id"
        first, second = database.read(query, (3_000,)), database.read(query, (1_500,))
        assert (next(first), next(second)) == ((0,), (0,))
        with database.transaction():
            database.execute("UPDATE words SET word = 'new' WHERE id = 0")
        database.execute("UPDATE words SET word = 'new' WHERE id = 1")
        assert len([*first]) == 2_999
        assert next(second) == (1,)
        second.close()
        with open_database(url) as other:
            assert words(other)[:3] == ["new", "new", "word 2"]
        assert len([*database.read(query, (10,))]) == 10

    def test_the_size_grows_with_what_is_there(self, database: Database) -> None:
        """In bytes."""
        before = database.size()
        database.execute_many(INSERT, [(n, "x" * 1_000) for n in range(2_000)])
        assert 2_000_000 < database.size() - before < 20_000_000

    def test_a_closed_connection_says_so(self, database: Database) -> None:
        """Whatever is asked of it; closing it again is no error."""
        with database:
            rows = database.read(NUMBERS, (5_000, "x"))
            next(rows)
        database.close()

        def begin() -> None:
            with database.transaction():
                raise AssertionError("it began")

        for ask in (
            lambda: database.execute("SELECT 1"),
            lambda: database.execute_many("SELECT ?", [(1,)]),
            lambda: [*database.read("SELECT 1")],
            begin,
            database.size,
        ):
            with pytest.raises(StoreError, match="closed"):
                ask()
        with suppress(StoreError):  # what was begun before may end, or not
            assert len([*rows]) == 4_999


class TestSqliteAsEveryKind(DatabaseCases):
    """SQLite, by what is asked of every kind."""


@each_case("name", ["plain.db", "with a blank.db", "50 %.db", "a%20b.db", "ü ?#&.db", ":x:.db"])
def test_a_url_names_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """With four slashes an absolute path, with three one below the working folder; marks in it as %XX."""
    (tmp_path / "a folder").mkdir()
    monkeypatch.chdir(tmp_path)
    for url, path in (
        (f"sqlite:///{quote(str(tmp_path))}/a%20folder/{quote(name)}", tmp_path / "a folder" / name),
        (f"sqlite:///{quote(name)}", tmp_path / name),
        (f"sqlite:///a%20folder/../{quote(name)}2", tmp_path / f"{name}2"),
        (sqlite_url(tmp_path / f"{name}3"), tmp_path / f"{name}3"),
        (sqlite_url(Path(f"{name}4")), tmp_path / f"{name}4"),
    ):
        with open_database(url) as database:
            database.execute("CREATE TABLE t (id BIGINT)")
        assert path.read_bytes().startswith(b"SQLite format 3")


def test_a_relative_path_is_that_of_when_it_was_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever folder the process works in later."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "another").mkdir()
    with open_database("sqlite:///store.db") as database:
        database.execute("CREATE TABLE t (id BIGINT)")
        monkeypatch.chdir(tmp_path / "another")
        assert [*database.read("SELECT * FROM t")] == database.execute("SELECT * FROM t") == []
    assert not [*(tmp_path / "another").iterdir()]


def test_marks_that_are_no_codes_stand_for_themselves(tmp_path: Path) -> None:
    """Blanks and percent signs are taken as they are where they can mean nothing else."""
    with open_database(f"sqlite:///{tmp_path}/with a blank 100%.db") as database:
        assert database.name == f"{tmp_path}/with a blank 100%.db"
    assert (tmp_path / "with a blank 100%.db").is_file()


def test_a_file_whose_name_is_no_text_is_found(tmp_path: Path) -> None:
    """As file systems have them from elsewhere."""
    path = Path(str(tmp_path / "b\udcff.db"))
    open_database(sqlite_url(path)).close()
    assert path.exists()


@pytest.mark.parametrize(
    ("url", "cause"),
    [
        ("sqlite:///{folder}/no/such/store.db", "there is no folder {folder}/no/such"),
        ("sqlite:///{folder}/text/store.db", "there is no folder {folder}/text"),
        ("sqlite:///{folder}", "it is a folder, not a file"),
        ("sqlite:///{folder}/text", "file is not a database"),
        ("sqlite:///", "is a file"),
        ("sqlite://store.db", "sqlite:///FILE"),
        ("sqlite:///:memory:", "is a file"),
        ("store.db", "begins with sqlite://, postgresql://, postgres://"),
        ("mysql://h/d", "begins with sqlite://, postgresql://, postgres://"),
        ("SQLITE:///store.db", "begins with sqlite://"),
        ("", "begins with sqlite://"),
    ],
)
def test_what_cannot_be_opened_is_said_with_the_cause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, cause: str
) -> None:
    """No folder, no database, no such kind: without psycopg as well."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    (tmp_path / "text").write_text("This is no database, and is long enough to be looked at as one. " * 20)
    with pytest.raises(StoreError) as raised:
        open_database(url.format(folder=tmp_path))
    assert cause.format(folder=tmp_path) in str(raised.value)


def test_postgresql_without_its_library_is_an_error_with_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an extra."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtra, match=r"guardrails-middleware\[postgresql\]"):
        open_database("postgresql://h/d")


def test_what_is_no_address_is_an_error_before_anybody_is_asked() -> None:
    """Of the store, as all others."""
    with pytest.raises(StoreError, match="postgresql://user:password@host:port/database"):
        open_database("postgresql://guard:se@cret@h/d")


def test_a_server_that_is_not_there_is_an_error(unused_port: int) -> None:
    """With its address, and without its password."""
    with pytest.raises(StoreError, match="refused") as raised:
        open_database(f"postgresql://guard:secret@127.0.0.1:{unused_port}/records")
    assert f"the store postgresql://127.0.0.1:{unused_port}/records: " in str(raised.value)
    assert "secret" not in str(raised.value)


def test_many_open_a_new_file_at_once(tmp_path: Path) -> None:
    """None fails as another is at it: SQLite itself would let some."""
    together, failed = threading.Barrier(6), []

    def work() -> None:
        for n in range(150):
            together.wait(WAIT_S)
            try:
                open_database(sqlite_url(tmp_path / f"{n}.db")).close()
            except StoreError as error:
                failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_what_nobody_closes_is_closed_when_it_is_collected(tmp_path: Path) -> None:
    """Also what was read half, in a circle with its reader, as the traceback of an error has it; Python would warn of either."""
    database = open_database(sqlite_url(tmp_path / "a.db"))
    rows = database.read(NUMBERS, (2_000, "x"))
    next(rows)
    connections = [database._connection, rows.gi_frame.f_locals["reader"]._connection]  # type: ignore[attr-defined]
    circle = [database, rows]
    circle.append(circle)
    del database, rows, circle
    gc.collect()
    for connection in connections:
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            connection.execute("SELECT 1")


def test_a_process_that_is_forked_meanwhile_can_open_one(tmp_path: Path) -> None:
    """Whatever another thread was at: SQLite has locks of its own, which would stay closed in the child for ever."""
    done = run_process(FORKING, sqlite_url(tmp_path / "a.db"))
    assert (done.returncode, done.stdout) == (0, "{0}\n"), done.stderr


def test_a_file_that_somebody_holds_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is an error that says so."""
    monkeypatch.setattr("guardrails.stores.database.BUSY_S", 0.2)
    path = tmp_path / "store.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        other.execute("CREATE TABLE t (id)")
        begun = time.monotonic()
        with pytest.raises(StoreError, match="locked"):
            open_database(sqlite_url(path))
        assert 0.2 <= time.monotonic() - begun < WAIT_S


def test_room_of_deleted_rows_is_no_size(url: str) -> None:
    """Who removes rows until a file is small enough has an end."""
    with open_database(url) as database:
        database.execute("CREATE TABLE words (id BIGINT PRIMARY KEY, word TEXT)")
        empty = database.size()
        database.execute_many(INSERT, [(n, "x" * 1_000) for n in range(2_000)])
        full = database.size()
        database.execute("DELETE FROM words WHERE id >= 1000")
        assert empty < database.size() < full * 0.7
        database.execute("DELETE FROM words")
        assert database.size() < empty + 50_000


def test_what_somebody_still_reads_cannot_be_overwritten(url: str) -> None:
    """Which is said, with the cure; once nobody reads it, it is gone from all files."""
    with open_database(url) as database:
        database.execute("CREATE TABLE words (id INTEGER, word TEXT)")
        database.execute(INSERT, (1, "unforgotten"))
        database.execute_many(INSERT, [(n, "another") for n in range(2, 2_000)])
        reading = database.read("SELECT word FROM words")
        assert next(reading) == ("unforgotten",)  # many are still to come
        database.execute("DELETE FROM words WHERE id = 1")
        database.execute("PRAGMA busy_timeout = 1")
        with pytest.raises(StoreError, match="as another process reads the store: do the same again"):
            database.overwrite_deleted()
        reading.close()
        database.overwrite_deleted()
        files = [path.read_bytes() for path in Path(database.name).parent.glob("*")]
        assert not any(b"unforgotten" in each for each in files)
        assert any(b"another" in each for each in files)
