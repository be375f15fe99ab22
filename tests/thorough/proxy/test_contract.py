"""The whole contract matrix: every place of every API, of which `tests/proxy/test_contract.py` tries one of each kind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from guardrails.wire import strict_json
from tests.cases import check_each
from tests.proxy.contract import Api, World, check_row, read_page, rows_of, world
from tests.proxy.contract_apis import APIS

EXPECTED = read_page()


@pytest.fixture(scope="module")
def served(_fake) -> Iterator[World]:
    """The proxies of the matrix."""
    with world(_fake) as made:
        yield made


@pytest.mark.parametrize("way", ["short", "careful"])
@pytest.mark.parametrize("api", APIS, ids=lambda api: api.title)
def test_nothing_offending_passes_and_the_page_says_what_becomes_of_it(
    served, monkeypatch, api: Api, way: str
) -> None:
    """Each cell ends blocked, redacted, left out, refused, or named as what nobody can judge; and as the page has it. So it does
    whether a body is read by the short way or by the careful one.
    """
    if way == "careful":
        monkeypatch.setattr(strict_json, "parse_unambiguous", lambda raw: None)
    check_each(
        ((f"{row[0]}: {row[1]}", row) for row in rows_of(api)),
        lambda row: check_row(served, EXPECTED, row),
    )
