"""Finds where a text is not valid in a dialect of SQL or holds a kind of statement that is not allowed.

Parsing is by sqlglot; nothing is run. What sqlglot does not know in detail it takes as a `command`, unjudged, so
`command` counts as a kind of its own.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from sqlglot.expressions import Expression

LONGEST_SQL: Final = 100_000
"""Characters of SQL; its parser takes some 4 microseconds for each."""

STEPS: Final = 60
"""Steps of the parser for each token (and 20,000 for all): it goes back and forth in `ARRAY[ARRAY[…`, twice as often for each
level. Without such nesting it takes one or two.
"""

KINDS: Final[dict[str, tuple[str, ...]]] = {
    "select": ("Query", "Values", "Subquery"),
    "insert": ("Insert",),
    "update": ("Update",),
    "delete": ("Delete", "TruncateTable"),
    "merge": ("Merge",),
    "create": ("Create", "Into"),
    "alter": ("Alter", "Comment"),
    "drop": ("Drop",),
    "grant": ("Grant", "Revoke"),
    "copy": ("Copy", "LoadData", "Export"),
    "describe": ("Describe", "Show", "Pragma"),
    "set": ("Set", "Use"),
    "transaction": ("Transaction", "Commit", "Rollback"),
    "command": ("Command", "Execute", "Kill", "Attach", "Detach", "Analyze", "Cache", "Uncache", "Refresh"),
}
"""Kind of statement → the classes of sqlglot that are of it, subclasses too."""

_NO_SQL: Final = frozenset({"", "dax", "prql"})
# A comment to all other databases, a statement to MySQL and those that follow it.
_HIDING: Final = frozenset({"", "doris", "mysql", "singlestore", "starrocks"})
_HIDDEN: Final = re.compile(r"/\*M?!")


@cache
def list_dialects() -> tuple[str, ...]:
    """Return the names of the dialects that can be parsed."""
    from sqlglot.dialects.dialect import Dialects

    return tuple(sorted({dialect.value for dialect in Dialects} - _NO_SQL))


@cache
def _classes() -> tuple[tuple[str, tuple[type[Any], ...]], ...]:
    from sqlglot import exp

    # It would log the text of statements that it takes as a command.
    logging.getLogger("sqlglot").setLevel(logging.CRITICAL)
    found = (
        (kind, tuple(getattr(exp, name) for name in names if hasattr(exp, name)))
        for kind, names in KINDS.items()
    )
    return tuple(found)


def find_sql_errors(
    text: str, dialect: str, allowed: Collection[str] | None = None
) -> Iterator[tuple[int, int]]:
    """Yield the spans of what is wrong, in order: an error runs to the end of its line, a statement that is not allowed
    is found whole. After an error its statement is not read on. Raises `TimeoutError` where parsing takes too long.
    """
    from sqlglot import Dialect
    from sqlglot.errors import TokenError

    _classes()
    of = Dialect.get_or_raise(dialect)
    try:
        tokens = of.tokenize(text)
    except (TokenError, RecursionError):
        yield _rest(text, 0)
        return
    if dialect in _HIDING:
        yield from _hidden(text, tokens)
    statements = _split(tokens)
    if not statements:
        yield _rest(text, 0)
    for statement in statements:
        yield from _statement(text, of, statement, allowed)


def _hidden(text: str, tokens: list[Any]) -> Iterator[tuple[int, int]]:
    """Yield what comments outside of tokens would have run."""
    starts = [*(token.start for token in tokens), len(text)]
    ends = [0, *(token.end + 1 for token in tokens)]
    for end, start in zip(ends, starts, strict=True):
        if end < start and (hidden := _HIDDEN.search(text, end, start)):
            yield _rest(text, hidden.start())


def _split(tokens: list[Any]) -> list[list[Any]]:
    from sqlglot.tokenizer_core import TokenType

    found: list[list[Any]] = [[]]
    for token in tokens:
        if token.token_type is TokenType.SEMICOLON:
            found.append([])
        else:
            found[-1].append(token)
    return [statement for statement in found if statement]


def _statement(
    text: str, of: Any, tokens: list[Any], allowed: Collection[str] | None
) -> Iterator[tuple[int, int]]:
    from sqlglot.errors import ErrorLevel, ParseError

    start, end = tokens[0].start, tokens[-1].end + 1
    try:
        parser = _bound_parser(of.parser_class)(dialect=of, error_level=ErrorLevel.IMMEDIATE)
        parser.steps_left = 20_000 + STEPS * len(tokens)
        parsed = parser.parse(tokens, text)
        kinds = {kind for tree in parsed if tree is not None for kind in _kinds(tree)}
    except ParseError as error:
        places = {(token.line, token.col): token.start for token in tokens}
        at = (error.errors[0].get("line"), error.errors[0].get("col")) if error.errors else None
        yield _rest(text, places.get(at, start) if at else start, end)
        return
    except RecursionError:
        yield _rest(text, start, end)
        return
    if not kinds:
        # An expression, which sqlglot takes for a statement: `hello world` is a column and its alias.
        yield _rest(text, start, end)
    elif allowed is not None and not kinds.issubset(allowed):
        yield start, end


@cache
def _bound_parser(parser: Any) -> Any:
    """Return the parser of a dialect with a bound of steps."""

    def advance(self: Any, times: int = 1) -> None:
        self.steps_left -= 1
        if self.steps_left < 0:
            raise TimeoutError
        parser._advance(self, times)

    return type(parser)("Bounded", (parser,), {"_advance": advance, "steps_left": 0})


def _kinds(tree: Expression) -> set[str]:
    """Return the kinds of a statement and of the statements inside it; none if it is no statement."""
    own = {kind for kind, classes in _classes() if isinstance(tree, classes)}
    if not own:
        return own
    inside = {
        kind
        for node in tree.walk()
        for kind, classes in _classes()
        if kind != "select" and isinstance(node, classes)
    }
    return own | inside


def _rest(text: str, start: int, end: int | None = None) -> tuple[int, int]:
    """Return the rest of the line from `start`, up to `end`."""
    end = len(text) if end is None else end
    line = re.compile("\r\n|\r|\n").search(text, start, end)
    return start, max(end if line is None else line.start(), min(start + 1, len(text)))
