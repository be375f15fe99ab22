"""The contract matrix over wrapped clients: what the proxy promises of a text in a place, a wrapped SDK keeps.

One row of each kind, and, in some columns, one of each table; `tests/thorough/wrapping/test_contract.py` tries every row.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

import pytest

from tests.cases import each_case
from tests.proxy.contract import read_page, rows_of, select_kinds
from tests.wrapping.contract import APIS, DIFFERENT, WrappedWorld, check_row, wrapped_world

ROWS = list(chain.from_iterable(map(rows_of, APIS)))
EXPECTED = read_page()


@pytest.fixture(scope="module")
def wrapped(_fakes: list[Any]) -> Iterator[WrappedWorld]:
    """The wrapped clients of the matrix."""
    with wrapped_world(_fakes[0]) as made:
        yield made


@each_case("row", select_kinds(ROWS, EXPECTED), ids=lambda row: f"{row[0]}: {row[1]}")
def test_nothing_offending_passes_and_the_page_says_what_becomes_of_it(
    wrapped: WrappedWorld, row: Any
) -> None:
    """Each cell ends as the proxy's page has it."""
    check_row(wrapped, EXPECTED, row)


def test_every_difference_is_one_of_a_row() -> None:
    """What no row is about is no reason."""
    assert {*DIFFERENT} <= {place for _, place, _ in ROWS}
