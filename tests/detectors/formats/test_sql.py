"""SQL: what is valid, and which kinds of statements there are."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.detectors.formats.sql import KINDS, find_sql_errors, list_dialects
from tests.cases import each_case


def wrong(text: str, dialect: str = "", allowed: list[str] | None = None) -> list[str]:
    """Return the parts of a text that are wrong."""
    return [text[start:end] for start, end in find_sql_errors(text, dialect, allowed)]


@each_case(
    ("text", "expected"),
    [
        ("SELECT 1", []),
        ("select a, b from t where c in (1, 2); ;", []),
        ("INSERT INTO t VALUES (1); DELETE FROM t;", []),
        ("hello world", ["hello world"]),
        ("SELEC 1 FROM t", ["1 FROM t"]),
        ("SELECT 'open", ["SELECT 'open"]),
        ("SELECT a\nFROM t\nWHERE ( ;\nSELECT 2", ["("]),
        ("SELECT 1; nonsense here; SELECT 2", ["nonsense here"]),
        ("select \U0001f600 from é where", ["where"]),
        ("-- only a comment", ["-- only a comment"]),
        ("", [""]),
        ("(" * 5000, ["(" * 5000]),
    ],
)
def test_errors_have_their_place(text: str, expected: list[str]) -> None:
    """From the error to the end of its line or statement; expressions are no statements."""
    assert wrong(text) == expected


@each_case(
    ("text", "expected"),
    [
        ("SELECT 1 UNION SELECT 2", []),
        ("(SELECT 1)", []),
        ("WITH x AS (SELECT 1) SELECT * FROM x", []),
        (
            "WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x",
            ["WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x"],
        ),
        ("SELECT 1; DROP TABLE t; SELECT 2", ["DROP TABLE t"]),
        ("SELECT * INTO copy FROM t", ["SELECT * INTO copy FROM t"]),
        ("CREATE TABLE a AS SELECT 1", ["CREATE TABLE a AS SELECT 1"]),
        ("EXPLAIN ANALYZE DELETE FROM t", ["EXPLAIN ANALYZE DELETE FROM t"]),
        ("TRUNCATE TABLE t", ["TRUNCATE TABLE t"]),
        ("VACUUM", ["VACUUM"]),
        ("SELECT 1 /*! ; DROP TABLE t */", ["/*! ; DROP TABLE t */"]),
        ("SELECT '/*! x */' -- /* y", []),
    ],
)
def test_reading_alone_can_be_allowed(text: str, expected: list[str]) -> None:
    """A statement counts wherever it stands: in another, behind a semicolon, in a comment that MySQL runs."""
    assert wrong(text, allowed=["select"]) == expected


@each_case(
    ("kind", "text"),
    [
        ("insert", "INSERT INTO t VALUES (1)"),
        ("update", "UPDATE t SET a = 1"),
        ("delete", "DELETE FROM t"),
        ("merge", "MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN DELETE"),
        ("create", "CREATE TABLE t (a INT)"),
        ("alter", "ALTER TABLE t ADD COLUMN b INT"),
        ("drop", "DROP TABLE t"),
        ("grant", "GRANT SELECT ON t TO u"),
        ("set", "SET a = 1"),
        ("transaction", "COMMIT"),
        ("command", "CALL f()"),
    ],
)
def test_each_kind_is_told(kind: str, text: str) -> None:
    """It is valid, allowed by its name, and not by `select`."""
    assert kind in KINDS
    assert (wrong(text), wrong(text, allowed=[kind]), wrong(text, allowed=["select"])) == ([], [], [text])


def test_dialects_differ() -> None:
    """All that sqlglot has can be chosen; a comment hides a statement in MySQL alone."""
    assert {"postgres", "mysql", "tsql", "sqlite", "bigquery", "snowflake"} <= {*list_dialects()}
    assert all(wrong("SELECT 1 AS a", dialect) == [] for dialect in list_dialects())
    assert wrong("SELECT TOP 1 a FROM t", "tsql") == []
    assert wrong("SELECT 1 /*! x */", "postgres") == []
    assert wrong("SELECT 1 /*! x */", "mysql") == ["/*! x */"]


def test_statements_do_not_reach_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """Not even those that sqlglot does not know."""
    with caplog.at_level(logging.DEBUG):
        wrong("CALL hidden_name()")
    assert "hidden_name" not in caplog.text


@each_case("nested", [("ARRAY[", "]"), ("STRUCT(", ")")])
def test_parsing_is_bounded(nested: tuple[str, str]) -> None:
    """Where the parser would try twice as often for each level, time runs out; a few levels are fine."""
    few, many = (f"SELECT {nested[0] * depth}1{nested[1] * depth}" for depth in (5, 40))
    assert wrong(few) == []
    with pytest.raises(TimeoutError):
        wrong(many)


@given(
    st.text(max_size=40)
    | st.lists(
        st.sampled_from(
            ["SELECT ", "1", "(", ")", ";", "'", "--", "/*!", "*/", "\n", "DROP TABLE t", "é", "$$"]
        )
    ).map("".join)
)
def test_any_text_has_an_answer(text: str) -> None:
    """Nothing raises; spans are inside the text and in order."""
    spans = list(find_sql_errors(text.encode("utf-8", "replace").decode(), "", ["select"]))
    assert all(0 <= start <= end <= len(text) for start, end in spans)
