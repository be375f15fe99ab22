"""All fields of all APIs, each with every value, of which `tests/proxy/test_field_mutations.py` tries some."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cases import check_each
from tests.proxy.contract import Api, World
from tests.proxy.contract_apis import APIS
from tests.proxy.field_mutations import VALUES, Mutation, mutations_of, outcome, serving


@pytest.fixture(scope="module")
def served(_fake) -> Iterator[World]:
    """A proxy before a scripted upstream."""
    with serving(_fake) as made:
        yield made


@pytest.mark.parametrize("api", APIS, ids=lambda api: api.title)
def test_no_field_goes_on_unjudged(served, api: Api) -> None:
    """An address, a key or a word on a list, in a field of a request, an answer or an event, is stopped or named."""
    cases = [(mutation, value) for mutation in mutations_of(api) for value in VALUES]

    def check(case: tuple[Mutation, str]) -> None:
        mutation, name = case
        assert outcome(served, mutation, VALUES[name]) != "LEAKED"

    check_each(((f"{mutation.name}: {name}", (mutation, name)) for mutation, name in cases), check)
