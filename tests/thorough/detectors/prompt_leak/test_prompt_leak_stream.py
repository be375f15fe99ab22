"""All cuts of texts that have thousands of them."""

from __future__ import annotations

from tests.cases import widen
from tests.detectors.prompt_leak import test_prompt_leak_stream as short

test_all_cuts_of_short_texts = widen(short.test_all_cuts_of_short_texts, "text", short.SHORT)
