"""The whole contract matrix over wrapped clients, of which `tests/wrapping/test_contract.py` tries one of each kind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.cases import check_each
from tests.proxy.contract import Api, read_page, rows_of
from tests.wrapping.contract import APIS, WrappedWorld, check_row, wrapped_world

EXPECTED = read_page()


@pytest.fixture(scope="module")
def wrapped(_fakes: list[Any]) -> Iterator[WrappedWorld]:
    """The wrapped clients of the matrix."""
    with wrapped_world(_fakes[0]) as made:
        yield made


@pytest.mark.parametrize("api", APIS, ids=lambda api: api.title)
def test_nothing_offending_passes_and_the_page_says_what_becomes_of_it(
    wrapped: WrappedWorld, api: Api
) -> None:
    """Each cell ends as the proxy's page has it."""
    check_each(
        ((f"{row[0]}: {row[1]}", row) for row in rows_of(api)),
        lambda row: check_row(wrapped, EXPECTED, row),
    )
