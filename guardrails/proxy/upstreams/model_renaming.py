"""Puts the name into a request by which an upstream knows a model."""

from __future__ import annotations

import asyncio
from typing import Final
from urllib.parse import quote

from guardrails.engine.core.worker_pool import workers
from guardrails.proxy.upstreams.upstream_client import JSON, UpstreamRequest
from guardrails.wire.forms import form
from guardrails.wire.json_patch import saying
from guardrails.wire.strict_json import LARGE

MODELS: Final = "/models/"
"""What a path begins with in which the model stands, up to a colon."""


async def rename_model(asked: UpstreamRequest, sent: str) -> UpstreamRequest:
    """Return what one is asked for that knows a model by another name; a large body is changed on a worker, so that nobody waits
    for it.
    """
    if asked.raw is None or len(asked.raw) < LARGE:
        return _with_model(asked, sent)
    return await asyncio.wrap_future(workers().submit(lambda: _with_model(asked, sent)))


def _with_model(asked: UpstreamRequest, sent: str) -> UpstreamRequest:
    """Return a request for a model of another name."""
    if asked.path.startswith(MODELS):
        _, colon, rest = asked.path.partition(":")
        return asked._replace(path=f"{MODELS}{quote(sent, safe='')}{colon}{rest}")
    if asked.raw is None:
        return asked
    if asked.media != JSON:
        found = form(asked.raw, asked.media)
        return asked._replace(raw=found.written({**found.body, "model": sent}))
    return asked._replace(raw=saying(asked.raw, "model", sent))
