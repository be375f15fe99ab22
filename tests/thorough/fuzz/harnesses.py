"""All harnesses: a line for each family of targets."""

from __future__ import annotations

from typing import Final

from tests.thorough.fuzz import (
    detector_harnesses,
    hook_harnesses,
    mcp_harnesses,
    media_harnesses,
    policy_harnesses,
    protocol_harnesses,
    text_harnesses,
    wire_harnesses,
)
from tests.thorough.fuzz.harness import Harness

HARNESSES: Final[tuple[Harness, ...]] = (
    *wire_harnesses.HARNESSES,
    *text_harnesses.HARNESSES,
    *detector_harnesses.HARNESSES,
    *policy_harnesses.HARNESSES,
    *protocol_harnesses.HARNESSES,
    *hook_harnesses.HARNESSES,
    *mcp_harnesses.HARNESSES,
    *media_harnesses.HARNESSES,
)
