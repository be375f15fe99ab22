"""The store of decisions: once each, found, removed, erased; in SQLite here, in PostgreSQL in tests/system/test_postgresql.py."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from guardrails.records.chain import sign_removal
from guardrails.records.configuration import RecordsDoc
from guardrails.records.decision_store import AT_ONCE, SELECT, DecisionStore, Filter, store_url
from guardrails.records.verification import Verification, verify
from guardrails.stores.database import StoreError, open_database, sqlite_url
from tests.cases import each_case
from tests.records.chain_kit import KEY, ChainWriter
from tests.waiting import WAIT_S

STRANGE = [
    "two\0parts",
    "lone \ud800 surrogate",
    '"quoted"',
    '"',
    "\\u0000",
    "it's 100 % ?",
    "漢字 🙂",
    " ",
    "line\nand\ttab",
]


def filled(store: DecisionStore, *writers: ChainWriter) -> None:
    """Insert all lines of writers."""
    for writer in writers:
        assert store.insert(writer.name, writer.lines) == len(writer.lines)


def checked(store: DecisionStore, *writers: ChainWriter) -> Verification:
    """Verify the store by the newest heads of writers, all of which it must have, and return what was found."""
    found = verify(store, KEY, heads=[writer.head() for writer in writers])
    assert found.problems == []
    assert found.records + found.removed == sum(len(writer.lines) for writer in writers)
    return found


def numbers(store: DecisionStore, wanted: Filter = Filter()) -> list[tuple[str, int]]:  # noqa: B008
    """Return which records there are, by time."""
    return [(record.writer, record.seq) for record in store.select(wanted)]


def runs(store: DecisionStore, writer: str = "aa") -> list[tuple[int, int]]:
    """Return what is noted to be removed of a writer."""
    return [(removal.first, removal.last) for removal in store.removals(writer)]


def run_threads(count: int, work: Callable[[], int]) -> list[int]:
    """Run work in so many threads, which begin at once, and return what each returned; raises what one raised."""
    together, done, failed = threading.Barrier(count), [], []

    def run() -> None:
        together.wait(WAIT_S)
        try:
            done.append(work())
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return done


class DecisionStoreCases:
    """What holds in every kind of database."""

    @pytest.fixture
    def store(self, url: str) -> Iterator[DecisionStore]:
        """Open a new store, in the empty database that `url` names."""
        with DecisionStore.open(url, KEY) as opened:
            yield opened

    def test_a_record_comes_back_as_it_was_written(self, store: DecisionStore) -> None:
        """With its columns, its MAC, and whom it is about."""
        writer = ChainWriter()
        full = writer.write(7, "u1", "c1", tenant="acme", request_id="r1", text="ü 🙂 % ?")
        bare = writer.write(8, kind="forget", stage=None, action=None)
        filled(store, writer)

        first, second = store.select()
        assert first == (
            "aa", 1, "aa1", 7, "decision", "input", "allow", "acme", "u1", "c1", "r1", full.record.decode(), full.mac,
            (1).to_bytes(16, "big"), None,
        )  # fmt: skip
        assert second == (
            "aa", 2, "aa2", 8, "forget", None, None, None, None, None, None, bare.record.decode(), bare.mac, None, None,
        )  # fmt: skip
        told = first.to_dict()
        assert (told["subject"], told["conversation"], told["text"]) == ("u1", "c1", "ü 🙂 % ?")
        assert (told["writer"], told["seq"]) == ("aa", 1)
        assert "erased" not in told
        assert "subject" not in second.to_dict()
        assert checked(store, writer).records == 2

    @pytest.mark.parametrize("text", STRANGE)
    def test_whatever_somebody_is_called_they_are_found(self, store: DecisionStore, text: str) -> None:
        """Texts that no database holds among them: one such record would have all wait that are behind it."""
        writer = ChainWriter()
        writer.write(1, text, text, tenant=text, request_id=text, id=text)
        writer.write(2, "another", "another", tenant="another")
        filled(store, writer)

        record, another = store.select()
        assert {record.subject, record.conversation, record.tenant, record.request_id, record.id} == {text}
        assert another.tenant == "another"
        for name in ("tenant", "subject", "conversation", "request_id", "id"):
            assert numbers(store, Filter(**{name: text})) == [("aa", 1)]
        checked(store, writer)
        assert store.erase(text) == 1
        assert checked(store, writer).erased == 1
        assert store.remove_before(9, spared=[text]) == 1
        assert store.remove_before(9, text) == 1
        assert checked(store, writer).removed == 2

    def test_lines_are_inserted_once(self, store: DecisionStore) -> None:
        """The same again, a part of them, more of them: what is here already is left out."""
        writer = ChainWriter()
        for n in range(30):
            writer.write(n)
        lines = writer.lines
        assert store.insert("aa", []) == 0
        assert store.insert("aa", lines[:10]) == 10
        assert store.writers() == {"aa": (10, lines[9].mac)}
        assert store.insert("aa", lines[:10]) == 0
        assert store.insert("aa", lines[3:7]) == 0
        assert store.insert("aa", lines[5:20]) == 10
        assert store.insert("aa", lines) == 10
        assert store.insert("aa", []) == 0
        assert store.writers() == {"aa": (30, lines[29].mac)}
        assert numbers(store) == [("aa", n) for n in range(1, 31)]
        checked(store, writer)

    def test_what_was_removed_does_not_come_again(self, store: DecisionStore) -> None:
        """A journal that is moved twice brings no old record back."""
        writer = ChainWriter()
        for n in range(10):
            writer.write(n)
        filled(store, writer)
        assert store.remove_before(100) == 10
        assert store.insert("aa", writer.lines) == 0
        assert store.count() == 0
        checked(store, writer)

    def test_writers_have_chains_of_their_own(self, store: DecisionStore) -> None:
        """The same numbers of two are two records."""
        writers = [ChainWriter(name) for name in ("bb", "aa")]
        for writer in writers:
            for n in range(5):
                writer.write(n)
        filled(store, *writers)
        assert numbers(store) == [(name, n) for n in range(1, 6) for name in ("aa", "bb")]
        assert [record.seq for record in store.chain("bb")] == [1, 2, 3, 4, 5]
        assert [*store.chain("cc")] == []
        assert store.writers() == {writer.name: (5, writer.lines[-1].mac) for writer in writers}
        assert checked(store, *writers).writers == 2

    def test_lines_that_cannot_be_taken_change_nothing(self, store: DecisionStore) -> None:
        """All or none, and how far the writer is."""
        writer = ChainWriter()
        for n in range(5):
            writer.write(n)
        wrong = writer.lines[4]._replace(seq=1 << 70)
        with pytest.raises(StoreError):
            store.insert("aa", [*writer.lines[:4], wrong])
        assert (store.count(), store.writers()) == (0, {})
        filled(store, writer)
        checked(store, writer)

    def test_the_same_lines_come_from_several_at_once(self, url: str, store: DecisionStore) -> None:
        """Each is inserted by one of them, and none of them fails."""
        writer = ChainWriter()
        for n in range(400):
            writer.write(n)

        def work() -> int:
            with DecisionStore.open(url, KEY) as other:
                return sum(other.insert("aa", writer.lines[at : at + 20]) for at in range(0, 400, 10))

        assert sum(run_threads(3, work)) == 400
        assert store.count() == 400
        checked(store, writer)

    @pytest.mark.parametrize(
        ("wanted", "found"),
        [
            (Filter(), [1, 2, 3, 4, 5]),
            (Filter(since=20), [2, 3, 4, 5]),
            (Filter(until=40), [1, 2, 3]),
            (Filter(since=20, until=40), [2, 3]),
            (Filter(since=41), [5]),
            (Filter(id="aa3"), [3]),
            (Filter(request_id="r2"), [2]),
            (Filter(tenant="acme"), [1, 3]),
            (Filter(subject="u1"), [1, 2]),
            (Filter(conversation="c1"), [1, 4]),
            (Filter(stage="output"), [4]),
            (Filter(action="block"), [2, 3]),
            (Filter(kind="forget"), [5]),
            (Filter(tenant="acme", action="block"), [3]),
            (
                Filter(tenant="acme", subject="u1", conversation="c1", since=10, until=11, kind="decision"),
                [1],
            ),
            (Filter(tenant="nobody"), []),
            (Filter(tenant=""), []),
            (Filter(subject="u1", since=2**62), []),
            (Filter(id="x' OR '1' = '1"), []),
        ],
    )
    def test_records_are_found_by_what_is_asked(
        self, store: DecisionStore, wanted: Filter, found: Sequence[int]
    ) -> None:
        """All that is set must hold; `since` counts itself, `until` does not."""
        writer = ChainWriter()
        writer.write(10, "u1", "c1", tenant="acme")
        writer.write(20, "u1", tenant="other", action="block", request_id="r2")
        writer.write(30, "u2", tenant="acme", action="block")
        writer.write(40, conversation="c1", stage="output")
        writer.write(50, kind="forget", stage=None, action=None)
        filled(store, writer)
        assert numbers(store, wanted) == [("aa", n) for n in found]
        assert store.count(wanted) == len(found)

    def test_records_are_in_the_order_of_their_times(self, store: DecisionStore) -> None:
        """Of one time, by writer and number; the newest first where that is asked for, and so many at most."""
        first, second = ChainWriter("aa"), ChainWriter("bb")
        for time in (30, 10, 20, 20):
            first.write(time)
        for time in (20, 5):
            second.write(time)
        filled(store, first, second)
        order = [("bb", 2), ("aa", 2), ("aa", 3), ("aa", 4), ("bb", 1), ("aa", 1)]
        assert numbers(store) == order
        newest = [(record.writer, record.seq) for record in store.select(newest_first=True)]
        assert newest == order[::-1]
        assert [record.time for record in store.select(most=2)] == [5, 10]
        assert [record.time for record in store.select(Filter(until=30), newest_first=True, most=1)] == [20]
        assert [*store.select(most=0)] == []

    def test_old_records_are_removed_a_thousand_at_a_time(self, store: DecisionStore) -> None:
        """Those of that very time stay; what was removed is one run, signed, and the chain is intact at each step."""
        writer = ChainWriter()
        for n in range(2 * AT_ONCE + 500):
            writer.write(n)
        filled(store, writer)
        assert store.remove_before(0) == 0
        assert store.removals("aa") == []
        removed = 0
        for count in (AT_ONCE, AT_ONCE, 300, 0):
            assert store.remove_before(2 * AT_ONCE + 300) == count
            removed += count
            assert runs(store) == [(1, removed)]
            assert checked(store, writer).removed == removed
        assert [record.time for record in store.select(most=1)] == [2 * AT_ONCE + 300]
        last_mac = writer.lines[removed - 1].mac
        [(name, first, last, mac, signature)] = store.removals("aa")
        assert (name, first, last, mac) == ("aa", 1, removed, last_mac)
        assert signature == sign_removal(KEY, "aa", 1, removed, last_mac)

    def test_the_oldest_are_removed(self, store: DecisionStore) -> None:
        """By time, not by number, up to a thousand of all writers."""
        first, second = ChainWriter("aa"), ChainWriter("bb")
        for n in range(AT_ONCE // 2):
            first.write(AT_ONCE - n)
            second.write(n)
        second.write(5_000)
        first.write(6_000)
        filled(store, first, second)
        assert store.remove_oldest() == AT_ONCE
        assert numbers(store) == [("bb", AT_ONCE // 2 + 1), ("aa", AT_ONCE // 2 + 1)]
        assert (runs(store, "aa"), runs(store, "bb")) == ([(1, AT_ONCE // 2)], [(1, AT_ONCE // 2)])
        checked(store, first, second)
        assert (store.remove_oldest(), store.remove_oldest()) == (2, 0)
        assert checked(store, first, second).removed == AT_ONCE + 2

    def test_tenants_have_times_of_their_own(self, store: DecisionStore) -> None:
        """Those of one alone, or all but those of some; what is nobody's goes with the rest. Runs that meet become one."""
        writer = ChainWriter()
        for n in range(12):
            writer.write(n, tenant=("acme", "other", None)[n % 3])
        filled(store, writer)
        assert store.remove_before(6, "acme") == 2
        assert runs(store) == [(1, 1), (4, 4)]
        checked(store, writer)
        assert store.remove_before(9, spared=["acme", "unknown"]) == 6
        assert runs(store) == [(1, 6), (8, 9)]
        checked(store, writer)
        assert store.remove_before(7) == 1
        assert runs(store) == [(1, 9)]
        assert checked(store, writer).removed == 9
        assert store.remove_before(100, spared=["acme", "other"]) == 1
        assert runs(store) == [(1, 9), (12, 12)]
        assert [record.tenant for record in store.select()] == ["acme", "other"]
        checked(store, writer)

    def test_thousands_of_tenants_can_be_spared(self, store: DecisionStore) -> None:
        """As many as a configuration may name."""
        writer = ChainWriter()
        for n in range(10):
            writer.write(n, tenant=f"t{n}")
        filled(store, writer)
        assert store.remove_before(100, spared=[f"t{n}" for n in range(3, 4_096)]) == 3
        checked(store, writer)

    @pytest.mark.parametrize("seed", range(5))
    def test_whatever_is_removed_or_erased_the_chain_is_intact(self, store: DecisionStore, seed: int) -> None:
        """In any order; runs neither meet nor overlap, and stand for exactly what is gone."""
        chance = random.Random(seed)
        writers = [ChainWriter("aa"), ChainWriter("bb")]
        for writer in writers:
            for _ in range(60):
                tenant = chance.choice(["a", "b", None])
                writer.write(chance.randrange(100), chance.choice(["u", "v", None]), tenant=tenant)
        filled(store, *writers)
        steps: list[Callable[[], int]] = [
            lambda: store.remove_before(chance.randrange(60), chance.choice(["a", "b"])),
            lambda: store.remove_before(chance.randrange(60), spared=chance.choice([["a"], ["b"], ["a", "b"], []])),
            lambda: store.erase(chance.choice(["u", "v"])),
        ]  # fmt: skip
        for _ in range(12):
            chance.choice(steps)()
            checked(store, *writers)
            for writer in writers:
                there = {record.seq for record in store.chain(writer.name)}
                noted = runs(store, writer.name)
                gone = [seq for first, last in noted for seq in range(first, last + 1)]
                assert sorted(gone) == sorted({*range(1, 61)} - there)
                assert all(last + 1 < first for (_, last), (first, _) in pairwise(noted))
        while store.remove_oldest():
            checked(store, *writers)
        assert [runs(store, writer.name) for writer in writers] == [[(1, 60)], [(1, 60)]]

    def test_several_remove_at_once(self, url: str, store: DecisionStore) -> None:
        """Each record is removed by one of them, and none of them fails."""
        writer = ChainWriter()
        for n in range(4 * AT_ONCE):
            writer.write(n)
        filled(store, writer)

        def work() -> int:
            total = 0
            with DecisionStore.open(url, KEY) as other:
                while count := other.remove_oldest():
                    total += count
            return total

        assert sum(run_threads(2, work)) == 4 * AT_ONCE
        assert runs(store) == [(1, 4 * AT_ONCE)]
        assert checked(store, writer).removed == 4 * AT_ONCE

    def test_a_person_is_erased_from_all_records(self, store: DecisionStore) -> None:
        """With their conversations and salts, and nobody else; the records stay, and prove that they were erased."""
        first, second = ChainWriter("aa"), ChainWriter("bb")
        for n in range(6):
            first.write(n, ("u1", "u2", None)[n % 3], "c1")
        second.write(9, "u1")
        filled(store, first, second)
        before = {(record.writer, record.seq): record for record in store.select()}

        assert store.erase("u1") == 3
        for record in store.select():
            was = before[record.writer, record.seq]
            if was.subject != "u1":
                assert record == was
                continue
            assert (record.subject, record.conversation, record.salt) == (None, None, None)
            assert (record.record, record.mac) == (was.record, was.mac)
            told = record.to_dict()
            assert (told["subject"], told.get("conversation"), told["erased"]) == (None, None, True)
        assert store.count(Filter(subject="u1")) == 0
        assert store.count(Filter(conversation="c1")) == 4
        assert (store.erase("u1"), store.erase("nobody")) == (0, 0)
        assert checked(store, first, second).erased == 3
        second.write(10, "u1")
        assert store.insert("bb", second.lines) == 1
        assert store.count(Filter(subject="u1")) == 1
        assert store.insert("aa", first.lines) == 0
        assert checked(store, first, second).erased == 3

    @pytest.mark.parametrize("count", [AT_ONCE, 2 * AT_ONCE + 1])
    def test_a_person_of_thousands_of_records_is_erased(self, store: DecisionStore, count: int) -> None:
        """However many that are."""
        writer = ChainWriter()
        for n in range(count):
            writer.write(n, "u1")
        filled(store, writer)
        assert store.erase("u1") == count
        assert checked(store, writer).erased == count

    def test_a_store_of_a_newer_release_is_refused(self, url: str, store: DecisionStore) -> None:
        """Rather than that records are written which that one cannot read."""
        store.database.execute("INSERT INTO guardrails_migrations VALUES (9999, 'newer', 0)")
        with pytest.raises(StoreError, match=r"tables of version 9999.*use the release that made them"):
            DecisionStore.open(url, KEY)

    def test_a_store_can_be_left_while_it_is_read(self, url: str) -> None:
        """Who has seen enough ends there."""
        writer = ChainWriter()
        for n in range(3_000):
            writer.write(n)
        with DecisionStore.open(url, KEY) as store:
            filled(store, writer)
            rows = store.select()
            assert next(rows).seq == 1
            assert next(store.select(newest_first=True)).seq == 3_000
        with DecisionStore.open(url, KEY) as store:
            assert store.count() == 3_000


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Return the URL of a database that is not there yet."""
    return sqlite_url(tmp_path / "records.sqlite")


class TestSqlite(DecisionStoreCases):
    """SQLite."""


@each_case("name", ["records", "with a blank", "100%41", "ü?#&"])
def test_the_store_is_in_the_folder_of_the_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Whatever the folder is called, wherever the process works later, unless another one is named."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).mkdir()
    for given in (str(tmp_path / name), name):
        with open_database(store_url(RecordsDoc(path=given))) as database:
            assert database.name == str(tmp_path / name / "records.sqlite")
    assert (tmp_path / name / "records.sqlite").is_file()
    assert store_url(RecordsDoc(path=name, store="postgresql://h/d")) == "postgresql://h/d"


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (Filter(id="a"), "decisions_id"),
        (Filter(request_id="a"), "decisions_request"),
        (Filter(subject="a"), "decisions_subject"),
        (Filter(conversation="a"), "decisions_conversation"),
        (Filter(tenant="a"), "decisions_tenant"),
        (Filter(since=1), "decisions_time"),
    ],
)
def test_a_query_reads_no_other_rows_than_it_finds(url: str, wanted: Filter, index: str) -> None:
    """By an index, which has no entries for what rows do not say."""
    with DecisionStore.open(url, KEY) as store:
        where, parameters = wanted.where()
        plan = store.database.execute(f"EXPLAIN QUERY PLAN {SELECT}{where} ORDER BY time", parameters)
        assert plan[0][-1].startswith(f"SEARCH decisions USING INDEX {index} ")


def test_what_somebody_else_wrote_into_a_column_is_shown_as_it_is(url: str) -> None:
    """And found to be altered."""
    writer = ChainWriter()
    writer.write(1, tenant="acme")
    with DecisionStore.open(url, KEY) as store:
        filled(store, writer)
        store.database.execute("UPDATE decisions SET tenant = ?", ('"broken',))
        [record] = store.select()
        assert record.tenant == '"broken'
        assert json.loads(record.record)["tenant"] == "acme"
        assert [problem.kind for problem in verify(store, KEY).problems] == ["altered"]
