"""Finds statements of SQL and of databases without it that destroy what is stored: DROP, TRUNCATE, DELETE without a condition.

Patterns, as such statements stand in scripts, in arguments of clients and in prose, where a parser of SQL would have no begin.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_NAME: Final = r"[\w\"`\[\].$-]{1,200}(?:\s{0,3},\s{0,3}[\w\"`\[\].$-]{1,200}){0,20}"
_END: Final = r"(?=\s*(?:;|\\?[\"'`)]|--|\Z|\\n|\n|cascade\b|restrict\b|purge\b|restart\b|with\b|force\b))"
_STATEMENTS: Final = re.compile(
    rf"(?i)\bdrop\s+(?:database|table|schema|tablespace|keyspace|collection)\s+(?:if\s+exists\s+)?{_NAME}{_END}"
    rf"|\btruncate\s+table\s+(?:only\s+)?{_NAME}{_END}"
    rf"|(?:^|[;\"'`(]|\\n)\s*truncate\s+{_NAME}\s*(?:cascade\s*)?;"
    r"|(?-i:\b(?:DELETE|delete)\s+(?:FROM|from)|\b(?!Delete\s)[dD][eE][lL][eE][tT][eE]\s+(?!from)[fF][rR][oO][mM])\s+"
    rf"[\w\"`\[\].$-]{{1,200}}(?:\s*(?:;|\\?[\"'`)]|--|\Z)|\s+where\s+\(?\s*(?:'?(\w+)'?\s*(?:=|like)\s*'?\1'?"
    rf"|true|1|not\s+false|1\s*[<>]=?\s*\d)\s*\)?\s*(?:;|\\?[\"'`)]|--|\Z|or\b))"
    r"|\bdropDatabase\s*\(\s*\)|\bdb(?:\.\w+|\[[^\]]{1,60}\]|\.getCollection\([^)]{1,60}\))\.(?:drop\s*\(\s*\)"
    r"|(?:deleteMany|remove)\s*\(\s*\{\s*\}\s*\))"
    r"|(?:^|[\n;\"'])\s*flush(?:all|db)\s*(?:async|sync)?\s*(?:$|[\n;\"'])"
)
_COMMENT: Final = re.compile(r"/\*(?:!\d*)?|\*/")
_HIDDEN: Final = re.compile(r"/\*(?!!).{0,400}?\*/", re.S)
_KEYWORDS: Final = re.compile(r"(?i)drop|truncate|delete|flush|remove")


def _blank(found: re.Match[str]) -> str:
    return " " * len(found[0])


def find_destroying_statements(text: str) -> Iterator[tuple[int, int]]:
    """Yield from where to where statements stand that destroy tables, databases or all rows of a table."""
    if not _KEYWORDS.search(text):
        return
    plain = _COMMENT.sub(_blank, _HIDDEN.sub(_blank, text)) if "/*" in text else text
    for found in _STATEMENTS.finditer(plain):
        yield found.start(), found.end()
