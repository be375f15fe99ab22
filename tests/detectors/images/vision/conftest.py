"""What the tests of forms share: answers as servers give them, with the probabilities of tokens."""

from __future__ import annotations

from tests.detectors.llm.guards.conftest import said

__all__ = ["said"]
