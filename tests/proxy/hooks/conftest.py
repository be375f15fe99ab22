"""What the tests of hooks share: a proxy whose policy speaks of what the protocols' own examples say."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from guardrails import Guard
from guardrails.engine.core.pipeline import Pipeline
from guardrails.errors import Overloaded
from guardrails.proxy.configuration.settings import Settings
from guardrails.proxy.server.middleware import Gate
from guardrails.proxy.server.serve import running

EVERYWHERE = "[input, output, tool_definition, tool_call, tool_result, retrieval]"
POLICY = f"""
detectors:
  pii: {{use: pii, entities: [email]}}
  bomb: {{use: terms, terms: [zqxbomb], category: custom.bomb}}
  rude: {{use: terms, terms: [silly], category: harassment}}
  brand: {{use: terms, terms: [acme], category: custom.brand}}
  trick: {{use: terms, terms: [zqxtrick], category: injection}}
rules:
  - {{id: mail, on: {EVERYWHERE}, when: pii.email > 0, then: redact}}
  - {{id: bomb, on: {EVERYWHERE}, when: custom.bomb > 0, then: block, message: Not that.}}
  - {{id: brand, on: {EVERYWHERE}, when: custom.brand > 0, then: block}}
  - {{id: trick, on: {EVERYWHERE}, when: injection > 0, then: block}}
  - {{id: rude, on: {EVERYWHERE}, when: harassment > 0, then: flag}}
"""
"""Redacts mail addresses; blocks zqxbomb, acme and zqxtrick; flags what is silly."""


@pytest.fixture(scope="session")
def hook_guard(guard_of: Callable[..., Guard]) -> Guard:
    """A guard with the policy above."""
    return guard_of(POLICY)


@pytest.fixture(scope="session")
def _hooked(_fake, hook_guard: Guard) -> Iterator[str]:
    with running(Settings(_fake.url, port=0), hook_guard) as url:
        yield url


@pytest.fixture
def hooked(_hooked: str, fake) -> Iterator[str]:
    """The address of a proxy with this policy; no hook asks the upstream."""
    yield _hooked
    assert fake.asked == []


@pytest.fixture
def full(serve: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a proxy whose workers are all busy."""
    url = serve()

    async def busy(self: Pipeline, leaves: object, request: object, make: object, **more: object) -> None:
        raise Overloaded("256 checks are waiting", 2)

    monkeypatch.setattr(Pipeline, "acheck", busy)
    return url


@pytest.fixture
def crowded(serve: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a proxy that refuses requests before it reads them."""
    url = serve(wait_ready=False)

    def refuse(self: Gate) -> None:
        raise Overloaded("too many requests are under way")

    monkeypatch.setattr(Gate, "_check_room", refuse)
    return url
