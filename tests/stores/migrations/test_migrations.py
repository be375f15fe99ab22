"""Migrations: up and back, each as a whole, by one process of several; SQLite here, PostgreSQL in tests/system/test_postgresql.py."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from guardrails.stores.database import Database, StoreError, open_database
from guardrails.stores.migrations import Migration, known_migrations, migrate, version_of
from tests.stores.store_kit import run_at_once, run_process

TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name",
    "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename",
}
OWN = "guardrails_migrations"
WORDS = Migration(1, "words", ("CREATE TABLE words (word TEXT)",), ("DROP TABLE words",))
LENGTHS = Migration(
    2,
    "lengths",
    ("ALTER TABLE words ADD COLUMN length BIGINT", "UPDATE words SET length = length(word)"),
    ("ALTER TABLE words DROP COLUMN length",),
)
BOOKS = Migration(3, "books", ("CREATE TABLE books (title TEXT)",), ("DROP TABLE books",))
ALL = [WORDS, LENGTHS, BOOKS]

MIGRATING = """
from guardrails.stores.database import open_database
from guardrails.stores.migrations import migrate
def work(*urls):
    for url in urls:
        with open_database(url) as database:
            print(migrate(database))
"""
KILLED = """
import os, signal, sys
from guardrails.stores.database import open_database
from guardrails.stores.migrations import Migration, migrate

with open_database(sys.argv[1]) as database:
    statements = ("CREATE TABLE words (word TEXT)", "INSERT INTO words VALUES ('a')")
    def change():
        yield from statements
        print(database.execute("SELECT * FROM words"), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    migrate(database, known=[Migration(1, "words", change(), ())])
"""


def tables(database: Database) -> list[str]:
    """Return the tables that there are."""
    return [name for (name,) in database.execute(TABLES[database.dialect])]


class MigrationCases:
    """What holds in every kind of database."""

    @pytest.fixture
    def database(self, url: str) -> Iterator[Database]:
        """Open an empty database, which `url` names."""
        with open_database(url) as opened:
            yield opened

    def test_a_new_database_gets_the_newest_tables(self, database: Database) -> None:
        """And keeps them when it is opened again; to look at its version changes nothing."""
        newest = len(known_migrations(database.dialect))
        assert (version_of(database), tables(database)) == (0, [])
        assert migrate(database) == newest
        assert version_of(database) == newest
        made = tables(database)
        assert {OWN, "decisions", "removals", "writers"} <= {*made}
        noted = database.execute(f"SELECT * FROM {OWN}")
        assert migrate(database) == migrate(database, newest) == newest
        assert (tables(database), database.execute(f"SELECT * FROM {OWN}")) == (made, noted)

    def test_the_shipped_changes_go_up_and_back_and_up_again(self, database: Database) -> None:
        """Version by version; nothing of one that was taken back stays."""
        newest = len(known_migrations(database.dialect))
        seen = {}
        for version in range(newest + 1):
            assert migrate(database, version) == version_of(database) == version
            seen[version] = {*tables(database)} - {OWN}
        for version in reversed(range(newest)):
            assert migrate(database, version) == version_of(database) == version
            assert {*tables(database)} - {OWN} == seen[version]
        assert migrate(database) == newest
        assert {*tables(database)} - {OWN} == seen[newest]
        assert migrate(database, 0) == 0
        assert tables(database) == [OWN]

    def test_rows_stay_through_changes(self, database: Database) -> None:
        """Up over several versions at once and back: what only the newer tables can hold goes."""
        assert migrate(database, 1, ALL) == 1
        database.execute("INSERT INTO words VALUES ('a'), ('word')")
        assert migrate(database, known=ALL) == 3
        assert database.execute("SELECT word, length FROM words ORDER BY word") == [("a", 1), ("word", 4)]
        assert tables(database) == ["books", OWN, "words"]
        assert database.execute(f"SELECT version, name FROM {OWN} ORDER BY version") == [
            (1, "words"),
            (2, "lengths"),
            (3, "books"),
        ]
        assert migrate(database, 1, ALL) == 1
        assert database.execute("SELECT * FROM words ORDER BY word") == [("a",), ("word",)]
        assert tables(database) == [OWN, "words"]
        assert migrate(database, 3, ALL) == 3

    @pytest.mark.parametrize("to", [None, 0, 1, 2])
    def test_newer_tables_are_refused_with_the_cure(self, database: Database, to: int | None) -> None:
        """Whichever version is wanted: what they hold is not known, and stays."""
        migrate(database, known=ALL)
        with pytest.raises(StoreError) as raised:
            migrate(database, to, [WORDS, LENGTHS])
        assert str(raised.value) == (
            f"the store {database.name} has tables of version 3, and this release knows 2: "
            "use the release that made them, or a newer one"
        )
        assert (version_of(database), tables(database)) == (3, ["books", OWN, "words"])

    @pytest.mark.parametrize("to", [-1, 4])
    def test_a_version_that_there_is_not_is_an_error(self, database: Database, to: int) -> None:
        """With the newest that there is."""
        with pytest.raises(StoreError, match=f"no version {to} of the tables: the newest is 3"):
            migrate(database, to, ALL)
        assert tables(database) == []

    def test_a_change_that_fails_has_changed_nothing(self, database: Database) -> None:
        """What came before it stays, and the change can be made once its cause is gone."""
        wrong = LENGTHS._replace(up=(*LENGTHS.up, "INSERT INTO nowhere VALUES (1)"))
        migrate(database, 1, ALL)
        database.execute("INSERT INTO words VALUES ('a')")
        with pytest.raises(StoreError, match="nowhere"):
            migrate(database, known=[WORDS, wrong, BOOKS])
        assert (version_of(database), tables(database)) == (1, [OWN, "words"])
        assert database.execute("SELECT * FROM words") == [("a",)]
        database.execute("CREATE TABLE nowhere (id BIGINT)")
        assert migrate(database, known=[WORDS, wrong, BOOKS]) == 3

    def test_a_change_that_cannot_be_taken_back_has_changed_nothing(self, database: Database) -> None:
        """It is there as a whole."""
        wrong = LENGTHS._replace(back=(*LENGTHS.back, "DROP TABLE nowhere"))
        migrate(database, known=[WORDS, wrong])
        with pytest.raises(StoreError, match="nowhere"):
            migrate(database, 0, [WORDS, wrong])
        assert version_of(database) == 2
        assert database.execute("SELECT length FROM words") == []

    def test_a_process_that_is_killed_in_a_change_has_changed_nothing(
        self, url: str, database: Database
    ) -> None:
        """The next one makes it."""
        ended = run_process(KILLED, url)
        assert (ended.returncode, ended.stdout) == (-signal.SIGKILL, "[('a',)]\n")
        assert (version_of(database), tables(database)) == (0, [])
        assert migrate(database, known=ALL) == 3

    def test_processes_migrate_at_once(self, make_url: Callable[[], str]) -> None:
        """Each finds the tables of the newest version; one made them."""
        urls = [make_url() for _ in range(12)]
        newest = len(known_migrations("sqlite"))
        assert run_at_once(4, MIGRATING, *urls) == [f"{newest}\n" * len(urls)] * 4
        for url in urls:
            with open_database(url) as database:
                assert database.execute(f"SELECT count(*) FROM {OWN}") == [(newest,)]

    def test_who_waited_looks_again(self, url: str, database: Database) -> None:
        """Another was first: it goes on from there."""
        reached: list[int] = []

        def migrate_too() -> None:
            with open_database(url) as other:
                reached.append(migrate(other, known=ALL))

        thread = threading.Thread(target=migrate_too)

        def change() -> Iterator[str]:
            yield from WORDS.up
            thread.start()
            thread.join(0.3)  # it has seen version 0 by then, and waits
            assert thread.is_alive()

        slow = Migration(1, "words", change(), WORDS.back)  # type: ignore[arg-type]
        assert migrate(database, 1, [slow, LENGTHS, BOOKS]) == 1
        thread.join()
        assert reached == [3]
        assert database.execute(f"SELECT count(*) FROM {OWN}") == [(3,)]


class TestSqlite(MigrationCases):
    """SQLite."""


def test_the_shipped_changes_are_the_same_for_each_kind() -> None:
    """Numbered 1, 2 and so on, each with a way back."""
    sqlite, postgresql = known_migrations("sqlite"), known_migrations("postgresql")
    assert [(each.version, each.name) for each in sqlite] == [
        (each.version, each.name) for each in postgresql
    ]
    assert [each.version for each in sqlite] == [*range(1, len(sqlite) + 1)]
    assert all(each.up and each.back for each in [*sqlite, *postgresql])


def test_a_file_holds_statements(tmp_path: Path, url: str) -> None:
    """Each ends with a semicolon at the end of a line; lines of comment are left out, marks within texts are theirs."""
    folder = tmp_path / "sqlite"
    folder.mkdir()
    (folder / "0001_words.up.sql").write_text(
        "-- A table; of words.\r\nCREATE TABLE words (\r\n  -- each\r\n  word TEXT\r\n);\r\n\r\n"
        "INSERT INTO words VALUES ('a; b'), ('50 % -- sure');  \n"
    )
    (folder / "0001_words.back.sql").write_text("DROP TABLE words")
    (folder / "README.md").write_text("no change")
    known = known_migrations("sqlite", tmp_path)
    assert [(each.version, each.name, len(each.up), each.back) for each in known] == [
        (1, "words", 2, ("DROP TABLE words",))
    ]
    with open_database(url) as database:
        assert migrate(database, known=known) == 1
        assert database.execute("SELECT word FROM words") == [("a; b",), ("50 % -- sure",)]
        assert migrate(database, 0, known) == 0
