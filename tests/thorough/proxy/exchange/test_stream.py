"""Each event of each API's stream, whatever becomes of a term in it."""

from __future__ import annotations

from itertools import product

from tests.cases import widen
from tests.proxy.exchange import test_stream as short

test_no_place_of_any_event_leaks = widen(
    short.test_no_place_of_any_event_leaks, ("api", "term"), [*product([0, 1, 2], ["zqxbomb", "zqxmask"])]
)
