"""Every field of every MCP message with each value."""

from __future__ import annotations

from tests.cases import widen
from tests.mcp import test_field_mutations as short
from tests.mcp.test_field_mutations import guard  # noqa: F401 - a fixture
from tests.proxy.field_mutations import VALUES

test_no_field_of_a_message_goes_on_unjudged = widen(
    short.test_no_field_of_a_message_goes_on_unjudged, "values", [len(VALUES)]
)
