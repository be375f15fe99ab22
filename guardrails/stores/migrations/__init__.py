"""Numbered changes of the tables, forward and back: `sqlite/0001_decisions.up.sql`, `sqlite/0001_decisions.back.sql`.

Each is applied in one transaction, together with the row that says so: one that is interrupted has changed nothing. A database
whose version is newer than this package knows is refused, as what it holds could not be read rightly.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final, NamedTuple

from guardrails.stores.database import Database, Dialect, StoreError

NAME: Final = re.compile(r"(\d{4})_([a-z_]+)\.(up|back)\.sql")
TABLE: Final = """
CREATE TABLE IF NOT EXISTS guardrails_migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied BIGINT NOT NULL)
"""
IS_TABLE_THERE: Final[dict[Dialect, str]] = {
    "sqlite": "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'guardrails_migrations'",
    "postgresql": "SELECT count(to_regclass('guardrails_migrations'))",
}
FOLDER: Final = files(__package__)


class Migration(NamedTuple):
    """A change of the tables: its number, its name, and the statements forward and back."""

    version: int
    name: str
    up: tuple[str, ...]
    back: tuple[str, ...]


def known_migrations(dialect: Dialect, folder: Traversable = FOLDER) -> list[Migration]:
    """Return the changes that this package knows, oldest first: number 1, 2 and so on.

    Args:
        dialect: of the statements.
        folder: where their files are, in a folder for each dialect.
    """
    texts = {
        entry.name: entry.read_text("utf-8")
        for entry in (folder / dialect).iterdir()
        if NAME.fullmatch(entry.name)
    }
    names = sorted({(found[1], found[2]) for name in texts if (found := NAME.fullmatch(name))})
    return [
        Migration(
            int(number),
            name,
            _split(texts[f"{number}_{name}.up.sql"]),
            _split(texts[f"{number}_{name}.back.sql"]),
        )
        for number, name in names
    ]


def _split(text: str) -> tuple[str, ...]:
    """Return the statements of a file: each ends with a semicolon at the end of a line. Lines of comment are left out."""
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("--"))
    return tuple(each.strip() for each in re.split(r";\s*(?:\n|$)", "\n".join(lines)) if each.strip())


def version_of(database: Database) -> int:
    """Return the version of the tables: that of the last change, 0 where there are none. It changes nothing."""
    # Tables are made by `migrate` alone: who may only read could not, and of several who make one PostgreSQL lets some fail.
    if not database.execute(IS_TABLE_THERE[database.dialect])[0][0]:
        return 0
    found: int | None = database.execute("SELECT max(version) FROM guardrails_migrations")[0][0]
    return found or 0


def migrate(database: Database, to: int | None = None, known: Sequence[Migration] | None = None) -> int:
    """Bring the tables to a version, the newest that is known where none is given, and return it.

    Args:
        database: where the tables are.
        to: an older one takes changes back, and what only they can hold with them.
        known: the changes that there are, by default those of this package.

    Raises:
        StoreError: the tables are newer than this package knows, there is no such version, or a change failed.
    """
    known = known_migrations(database.dialect) if known is None else known
    newest = len(known)
    target = newest if to is None else to
    if not 0 <= target <= newest:
        raise StoreError(f"there is no version {target} of the tables: the newest is {newest}")
    version = version_of(database)
    while version != target:
        _refuse_newer(database, version, newest)
        with database.transaction():
            database.execute(TABLE)
            version = version_of(database)  # another process may have been first
            _refuse_newer(database, version, newest)
            if version < target:
                version = _apply(database, known[version])
            elif version > target:
                version = _take_back(database, known[version - 1])
    return version


def _refuse_newer(database: Database, version: int, newest: int) -> None:
    if version > newest:
        raise StoreError(
            f"the store {database.name} has tables of version {version}, and this release knows {newest}: "
            "use the release that made them, or a newer one"
        )


def _apply(database: Database, change: Migration) -> int:
    for statement in change.up:
        database.execute(statement)
    row = (change.version, change.name, int(time.time()))
    database.execute("INSERT INTO guardrails_migrations (version, name, applied) VALUES (?, ?, ?)", row)
    return change.version


def _take_back(database: Database, change: Migration) -> int:
    for statement in change.back:
        database.execute(statement)
    database.execute("DELETE FROM guardrails_migrations WHERE version = ?", (change.version,))
    return change.version - 1
