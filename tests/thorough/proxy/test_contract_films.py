"""The contract matrix of films: every place, whatever the policy does."""

from __future__ import annotations

from itertools import product

from tests.cases import widen
from tests.proxy import test_contract_films as short
from tests.proxy.test_contract_films import films, serving

__all__ = ["films", "serving"]

test_an_offending_film_in_a_request_does_not_reach_the_model = widen(
    short.test_an_offending_film_in_a_request_does_not_reach_the_model,
    ("then", "place"),
    [*product(short.THENS, short.ASKED)],
)
test_an_offending_film_in_an_answer_does_not_reach_the_client = widen(
    short.test_an_offending_film_in_an_answer_does_not_reach_the_client,
    ("then", "place"),
    [*product(short.THENS, short.ANSWERED)],
)
