"""Every request that is made to cost a server much."""

from __future__ import annotations

import pytest

from tests.cases import widen
from tests.proxy import test_event_loop as short
from tests.proxy.hostile_requests import REQUESTS
from tests.proxy.test_event_loop import address, callbacks  # noqa: F401 - fixtures


@pytest.fixture(scope="module")
def deadline_ms() -> int:
    """Return the milliseconds that a check may take where a policy says nothing of it."""
    return 10_000


test_a_request_takes_no_long_turn_of_the_event_loop = widen(
    short.test_a_request_takes_no_long_turn_of_the_event_loop, "name", REQUESTS
)
