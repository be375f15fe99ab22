"""A block on demand, in every place of a request and of an answer."""

from __future__ import annotations

from tests.cases import widen
from tests.proxy.routes.openai import test_moderation_field as short

test_from_no_place_does_what_is_flagged_go_on_where_a_block_is_demanded = widen(
    short.test_from_no_place_does_what_is_flagged_go_on_where_a_block_is_demanded, "every", [1]
)
test_in_no_place_does_a_block_on_demand_leave_a_trace = widen(
    short.test_in_no_place_does_a_block_on_demand_leave_a_trace, "every", [1]
)
