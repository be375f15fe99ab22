"""No field of any API, whatever it is called, takes a value past the policy: some fields of each API, each with one value."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle

import pytest

from tests.cases import each_case

from .contract import World
from .contract_apis import APIS
from .field_mutations import HOOK_ONLY, VALUES, Mutation, leaves, mutations_of, outcome, serving

EVERY = 9
"""Of so many fields one is tried; `tests/thorough/proxy/test_field_mutations.py` tries all, with every value."""

FIELDS = [mutation for api in APIS for mutation in mutations_of(api)]


@pytest.fixture(scope="module")
def served(_fake) -> Iterator[World]:
    """A proxy before a scripted upstream."""
    with serving(_fake) as made:
        yield made


@each_case(
    ("mutation", "name"),
    [*zip(FIELDS[::EVERY], cycle(VALUES))],
    ids=lambda value: getattr(value, "name", value),
)
def test_no_field_goes_on_unjudged(served, mutation: Mutation, name: str) -> None:
    """An address, a key or a word on a list, in a field of a request, an answer or an event, is stopped or named."""
    assert outcome(served, mutation, VALUES[name]) != "LEAKED"


def test_every_side_of_every_api_has_fields() -> None:
    """Those that the matrix knows; the exceptions are among them."""
    sides = {(mutation.api.title, mutation.side) for mutation in FIELDS}
    assert {(api.title, "request") for api in APIS} <= sides
    answered = {title for title, side in sides if side != "request"}
    assert {api.title for api in APIS if api.forwards} == answered
    assert {mutation.name for mutation in FIELDS} >= HOOK_ONLY.keys()


def test_a_value_is_put_in_the_place_of_one() -> None:
    """Of each place once, whatever its index is."""
    body = {"a": [{"type": "x", "b": 1}, {"type": "x", "b": 2}], "c": []}
    assert [field for _, field in leaves(body)] == [
        "a/*/type (x)",
        "a/*/b (x)",
        "a/*/type (x)",
        "a/*/b (x)",
        "c",
    ]
    assert Mutation(APIS[0], "request", "b", body, ("a", 1, "b")).filled("new")["a"][1] == {
        "type": "x",
        "b": "new",
    }
