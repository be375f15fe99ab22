"""Statements that destroy what is stored, in any case and with comments inside."""

from __future__ import annotations

from guardrails.detectors.commands.sql_statements import find_destroying_statements
from tests.cases import each_case

HITS = [
    "DROP TABLE users;",
    "drop database if exists prod",
    "DROP/**/TABLE users",
    "/*!50000DROP*/ TABLE users",
    'psql -c "DROP SCHEMA public CASCADE"',
    "TRUNCATE TABLE a, b",
    "truncate users;",
    "DELETE FROM users",
    "delete from users where 1=1",
    "DELETE FROM users WHERE 'a'='a' --",
    "db.users.drop()",
    "db.dropDatabase()",
    "db.users.deleteMany({})",
    "FLUSHALL",
]
MISSES = [
    "drop the table off at noon",
    "DELETE FROM users WHERE id = 5",
    "delete from users where a = b",
    "SELECT * FROM dropbox",
    "DROP INDEX idx",
    "truncate -s 0 file",
    "Delete from the list what you do not need",
    "db.users.deleteMany({a: 1})",
]


@each_case("text", HITS)
def test_destroying_statements_are_found(text: str) -> None:
    """Each points to where it stands."""
    spans = [*find_destroying_statements(text)]
    assert spans
    assert all(0 <= start < end <= len(text) for start, end in spans)


@each_case("text", MISSES)
def test_others_are_not(text: str) -> None:
    """A condition, another object, or prose."""
    assert [*find_destroying_statements(text)] == []
