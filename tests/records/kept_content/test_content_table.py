"""What is kept of contents in the store; in SQLite here, in PostgreSQL in tests/system/test_postgresql.py."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from guardrails.records.chain import RecordsError
from guardrails.records.content import ContentReader
from guardrails.records.decision_store import AT_ONCE, DecisionStore
from guardrails.records.kept_content.content_keys import ContentKeys
from guardrails.records.verification import verify
from guardrails.stores.database import StoreError, sqlite_url
from tests.records.chain_kit import KEY, ChainWriter
from tests.records.test_decision_store import checked, filled

KEYS = ContentKeys([b"c" * 32])
LATER = 1 << 60


def written(count: int = 4, expires: int = LATER, name: str = "aa") -> ChainWriter:
    """Return a writer of so many records at the times 0, 1, …, of the users u0 and u1 in turn, each with a content."""
    writer = ChainWriter(name)
    for n in range(count):
        sealed = KEYS.seal(f"{name}{n + 1}", f'"text {n}"'.encode(), expires)
        writer.write(n, f"u{n % 2}", content=sealed)
    return writer


def kept(store: DecisionStore) -> list[int]:
    """Return the numbers of the records whose contents are kept."""
    return [row.seq for row in store.contents]


class ContentTableCases:
    """What holds in every kind of database."""

    @pytest.fixture
    def store(self, url: str) -> Iterator[DecisionStore]:
        """Open a new store, in the empty database that `url` names."""
        with DecisionStore.open(url, KEY) as opened:
            yield opened

    def test_a_content_comes_back_as_it_was_kept(self, store: DecisionStore) -> None:
        """Each with its record, once, whatever is inserted again; a record without one has none."""
        writer = written()
        writer.write(9)
        filled(store, writer)
        assert store.insert("aa", writer.lines) == 0
        reader = ContentReader(store, KEYS)
        assert [reader.read(each) for each in store.select()] == [
            "text 0",
            "text 1",
            "text 2",
            "text 3",
            None,
        ]
        for row, line in zip(store.contents, writer.lines, strict=False):
            assert (row.sealed, row.salt, row.record) == (line.content, line.salt, line.record.decode())
        assert checked(store, writer).contents == 4
        assert not store.contents.is_empty

    def test_contents_and_records_are_inserted_together_or_not(self, store: DecisionStore) -> None:
        """What cannot be taken changes nothing."""
        writer = written()
        assert writer.lines[3].content is not None
        wrong = writer.lines[3]._replace(content=writer.lines[3].content._replace(expires=1 << 70))
        with pytest.raises(StoreError):
            store.insert("aa", [*writer.lines[:3], wrong])
        assert (store.count(), store.contents.is_empty) == (0, True)
        filled(store, writer)

    def test_who_is_erased_leaves_no_content(self, store: DecisionStore) -> None:
        """Those of others stay, and so does the chain."""
        writer = written()
        filled(store, writer)
        assert store.erase("u1") == 2
        assert kept(store) == [1, 3]
        found = checked(store, writer)
        assert (found.erased, found.contents) == (2, 2)

    def test_a_content_goes_with_its_record(self, store: DecisionStore) -> None:
        """By age and by size; another writer's of the same number stays."""
        one, two = written(), written(2, name="bb")
        filled(store, one, two)
        assert store.remove_before(2, spared=[]) == 4
        assert kept(store) == [3, 4]
        assert store.remove_oldest() == 2
        assert store.contents.is_empty
        checked(store, one, two)

    def test_an_expired_content_goes_alone(self, store: DecisionStore) -> None:
        """At most a thousand at a time; its record and the chain stay."""
        old, new = written(AT_ONCE + 3, expires=50), written(2, expires=51, name="bb")
        filled(store, old, new)
        assert store.contents.remove_expired(49) == 0
        assert store.contents.remove_expired(50) == AT_ONCE
        assert store.contents.remove_expired(50) == 3
        assert store.contents.remove_expired(50) == 0
        assert kept(store) == [1, 2]
        assert store.count() == AT_ONCE + 5
        checked(store, old, new)

    def test_an_expired_content_is_not_read(self, store: DecisionStore) -> None:
        """Also before anybody removed it."""
        writer = written(1, expires=50)
        filled(store, writer)
        [record] = store.select()
        assert ContentReader(store, KEYS).read(record) is None

    @pytest.mark.parametrize(
        ("statements", "seqs"),
        [
            (["UPDATE contents SET key_id = 'c0ffee00' WHERE seq = 2"], [2]),
            (["UPDATE contents SET nonce = ciphertext WHERE seq = 2"], [2]),
            (["DELETE FROM contents WHERE seq = 2", "UPDATE contents SET seq = 2 WHERE seq = 3"], [2]),
            (["UPDATE contents SET seq = 9 WHERE seq = 3"], [9]),
            (["UPDATE contents SET writer = 'bb' WHERE seq = 3"], [3]),
            (["UPDATE decisions SET salt = NULL WHERE seq = 3"], [3]),
            (["DELETE FROM contents"], []),
        ],
    )
    def test_what_was_altered_or_moved_is_found(
        self, store: DecisionStore, statements: list[str], seqs: list[int]
    ) -> None:
        """Without the key of contents; one that is gone may have expired."""
        filled(store, written())
        for statement in statements:
            store.database.execute(statement)
        found = verify(store, KEY).problems
        assert [each.seq for each in found if each.kind == "content_altered"] == seqs

    def test_a_content_of_another_decision_is_not_read(self, store: DecisionStore) -> None:
        """Nor one that comes under a key that is not given."""
        filled(store, written())
        store.database.execute("DELETE FROM contents WHERE seq = 2")
        store.database.execute("UPDATE contents SET seq = 2 WHERE seq = 3")
        first, second, *_ = store.select()
        with pytest.raises(RecordsError, match="the content of aa2 was altered, or belongs to another"):
            ContentReader(store, KEYS).read(second)
        with pytest.raises(RecordsError, match="the content of aa1 is encrypted by the key"):
            ContentReader(store, ContentKeys([b"d" * 32])).read(first)


@pytest.fixture
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the URL of a database that is not there yet."""
    return sqlite_url(tmp_path_factory.mktemp("store") / "records.sqlite")


class TestSqlite(ContentTableCases):
    """SQLite."""
