"""Fixtures that pytest finds by itself where this package is installed. They bring nothing along until a test asks for one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from guardrails.testing.fake_guard import FakeGuard
    from guardrails.testing.scripted_upstream import ScriptedUpstream


@pytest.fixture
def guardrails_upstream() -> Iterator[ScriptedUpstream]:
    """A scripted upstream of the test's own, which says `Hello.` until it is told otherwise."""
    from guardrails.testing.scripted_upstream import ScriptedUpstream

    with ScriptedUpstream() as upstream:
        yield upstream


@pytest.fixture
def fake_guard() -> type[FakeGuard]:
    """The class of fake guards: `fake_guard(blocks=["bomb"])`."""
    from guardrails.testing.fake_guard import FakeGuard

    return FakeGuard
