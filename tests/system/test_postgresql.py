"""PostgreSQL, by a real server: all that is asked of SQLite, what is its own, and a server that goes down while records are written."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from guardrails.records.chain import read_key
from guardrails.records.decision_log import DecisionLog
from guardrails.records.decision_store import DecisionStore
from guardrails.records.verification import verify
from guardrails.stores.database import StoreError, open_database
from guardrails.stores.migrations import migrate
from tests.records.chain_kit import KEY, ChainWriter
from tests.records.detection.test_detection_table import DetectionTableCases
from tests.records.kept_content.test_content_table import ContentTableCases
from tests.records.records_kit import close, recording_guard
from tests.records.test_decision_store import DecisionStoreCases, checked, filled
from tests.stores.migrations.test_migrations import MigrationCases
from tests.stores.store_kit import run_at_once
from tests.stores.test_database import COUNTING, INSERT, DatabaseCases
from tests.system.postgresql_kit import PASSWORD, PostgresqlServer, running_server
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresqlServer]:
    """Run a server for all tests but those that stop it."""
    with running_server() as running:
        yield running


@pytest.fixture
def make_url(server: PostgresqlServer) -> Callable[[], str]:
    """Return a function that makes an empty database each time, and returns its URL."""
    return lambda: server.url(server.make_database())


@pytest.fixture
def url(make_url: Callable[[], str]) -> str:
    """Return the URL of an empty database."""
    return make_url()


class TestDatabase(DatabaseCases):
    """A database, by what is asked of every kind."""


class TestMigrations(MigrationCases):
    """Migrations, likewise."""


class TestDecisionStore(DecisionStoreCases):
    """The store of decisions, likewise."""


class TestContentTable(ContentTableCases):
    """What is kept of contents, likewise."""


class TestDetectionTable(DetectionTableCases):
    """What was looked for, likewise."""


def test_a_server_is_named_without_its_password(server: PostgresqlServer, url: str) -> None:
    """At its address, by its socket, and by either name of the scheme."""
    name = url.rpartition("/")[2]
    socket = f"postgresql:///{name}?host={server.folder}&port={server.port}"
    for given, shown in (
        (url, f"postgresql://127.0.0.1:{server.port}/{name}"),
        (url.replace("postgresql:", "postgres:"), f"postgresql://127.0.0.1:{server.port}/{name}"),
        (f"{socket}&user=guard&password=se%40cret", socket),
        (
            f"postgresql://guard:se%40cret@127.0.0.1:1,127.0.0.1:{server.port}/{name}",
            f"postgresql://127.0.0.1:1,127.0.0.1:{server.port}/{name}",
        ),
    ):
        with open_database(given) as database:
            assert database.name == shown
            assert database.execute("SELECT current_database()") == [(name,)]


@pytest.mark.parametrize(
    ("database", "user", "password", "cause"),
    [
        ("nowhere", "guard", "se%40cret", 'database "nowhere" does not exist'),
        ("postgres", "guard", "wrong", 'password authentication failed for user "guard"'),
        ("postgres", "nobody", "se%40cret", 'password authentication failed for user "nobody"'),
    ],
)
def test_what_cannot_be_reached_is_said_with_the_cause(
    server: PostgresqlServer, database: str, user: str, password: str, cause: str
) -> None:
    """In one line, without a password."""
    with pytest.raises(StoreError) as raised:
        open_database(server.url(database, user, password))
    told = str(raised.value)
    assert f"the store postgresql://127.0.0.1:{server.port}/{database}: " in told
    assert cause in told
    assert "\n" not in told
    assert PASSWORD not in told


def test_a_database_whose_texts_have_not_every_character_is_refused(server: PostgresqlServer) -> None:
    """At once, and not with the first record that it cannot take."""
    name = server.make_database("ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    with pytest.raises(StoreError, match=r"texts are in LATIN1, .*ENCODING 'UTF8'"):
        open_database(server.url(name))


def test_transactions_see_what_came_before_whatever_the_server_has_as_default(
    server: PostgresqlServer, url: str
) -> None:
    """A server that isolates transactions more strictly does not have them fail."""
    server.run(f"ALTER DATABASE {url.rpartition('/')[2]} SET default_transaction_isolation = serializable")
    with open_database(url) as database:
        database.execute("CREATE TABLE words (id BIGINT PRIMARY KEY, word TEXT)")
        database.execute(INSERT, (0, "count"))
        run_at_once(3, COUNTING, url)
        assert database.execute("SELECT id FROM words") == [(300,)]


def test_who_may_only_read_can_look_for_records(server: PostgresqlServer, url: str) -> None:
    """A store whose tables are there is opened without a right to make any."""
    name = url.rpartition("/")[2]
    writer = ChainWriter()
    writer.write(1)
    with DecisionStore.open(url, KEY) as store:
        filled(store, writer)
        store.database.execute(f"CREATE ROLE reader_{name} LOGIN PASSWORD 'r'")
        store.database.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader_{name}")
    with DecisionStore.open(server.url(name, f"reader_{name}", "r"), KEY) as store:
        checked(store, writer)
        with pytest.raises(StoreError, match="permission denied"):
            store.insert("bb", writer.lines)


@pytest.fixture
def stopped() -> Iterator[PostgresqlServer]:
    """Run a server for one test, which may stop it."""
    with running_server() as running:
        yield running


def test_a_server_that_goes_down_is_an_error_of_the_store(stopped: PostgresqlServer) -> None:
    """In a statement, in a transaction, and while rows are read; a connection that is lost can be closed."""
    database = open_database(stopped.url(stopped.make_database()))
    with database:
        migrate(database)
        rows = database.read("SELECT * FROM generate_series(1, 5000)")
        assert next(rows) == (1,)

        def fail() -> None:
            database.execute("SELECT 1")
            stopped.stop(signal.SIGQUIT)
            database.execute("SELECT 1")

        with pytest.raises(StoreError), database.transaction():
            fail()
        for ask in (
            lambda: [*rows],
            lambda: database.execute("SELECT 1"),
            lambda: [*database.read("SELECT 1")],
        ):
            with pytest.raises(StoreError) as raised:
                ask()
            assert PASSWORD not in str(raised.value)


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGQUIT])
def test_a_store_that_goes_down_loses_nothing(
    tmp_path: Path, stopped: PostgresqlServer, kind: signal.Signals
) -> None:
    """Records wait in the journal, every answer leaves, and each record is in the store once when it is there again."""
    url = stopped.url(stopped.make_database())
    guard = recording_guard(tmp_path, store=url)
    log = guard.records
    assert isinstance(log, DecisionLog)
    ids: list[str] = []
    ended = threading.Event()

    def ask() -> None:
        while not ended.wait(0.002):
            ids.append(guard.check(f"Hello {len(ids)}.", user={"id": f"u{len(ids) % 3}"}).id)

    def written_after(count: int) -> Callable[[], bool]:
        before = len(ids)
        return lambda: len(ids) > before + count

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        for _ in range(2):
            wait_until(written_after(200))
            stopped.stop(kind)
            wait_until(lambda: log.problem is not None)
            assert str(stopped.port) in str(log.problem)
            assert PASSWORD not in str(log.problem)
            wait_until(written_after(200))
            assert log.journal.waiting_bytes > 0
            stopped.start()
            wait_until(lambda: log.problem is None)
    finally:
        ended.set()
        thread.join()
    assert (log.written, log.lost) == (len(ids), 0)
    close(guard)

    key = read_key(tmp_path, make=False)
    heads = (tmp_path / "heads.log").read_text().splitlines()
    with DecisionStore.open(url, key) as store:
        assert [record.id for record in store.select()] == ids
        found = verify(store, key, heads=heads, journal=tmp_path)
    assert found.problems == []
    assert (found.records, found.waiting) == (len(ids), 0)
    assert found.heads == len(heads) > 0
    assert not [*tmp_path.glob("*.journal")]
