"""A request for a model by another name: where it has the name, and nothing else."""

from __future__ import annotations

import asyncio
import threading

from guardrails.protocols.providers import OPENAI
from guardrails.proxy.upstreams import model_renaming
from guardrails.proxy.upstreams.model_renaming import rename_model
from guardrails.proxy.upstreams.upstream_client import UpstreamRequest
from guardrails.wire.json_patch import saying
from tests.cases import each_case


@each_case(("items", "aside"), [(1, False), (200_000, True)])
def test_a_large_body_gets_its_name_while_others_are_served(monkeypatch, items, aside) -> None:
    """On a worker, since the loop would stand still meanwhile; a small one right there."""
    threads: list[str] = []

    def seen(raw: bytes, name: str, value: str) -> bytes:
        threads.append(threading.current_thread().name)
        return saying(raw, name, value)

    monkeypatch.setattr(model_renaming, "saying", seen)
    raw = b'{"x":[' + b"[]," * items + b'0],"model":"m"}'
    asked = UpstreamRequest("POST", "/chat/completions", {}, raw, OPENAI)

    found = asyncio.run(rename_model(asked, "n"))

    assert found.raw == raw.replace(b'"m"', b'"n"')
    assert threads == ["guardrails-worker" if aside else threading.current_thread().name]


def test_what_has_no_body_stays_as_it_is() -> None:
    """But for a path that names the model."""
    listed = UpstreamRequest("GET", "/videos", {}, None, OPENAI)
    named = UpstreamRequest("POST", "/models/m:count", {}, b"{}", OPENAI)

    assert asyncio.run(rename_model(listed, "n")) == listed
    assert asyncio.run(rename_model(named, "a/n")).path == "/models/a%2Fn:count"
