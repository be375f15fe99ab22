"""Asks each upstream for its models, as the server would, and compares its clock with ours."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from time import perf_counter
from typing import Final

import aiohttp

from guardrails.errors import RequestError
from guardrails.protocols.providers import OPENAI
from guardrails.proxy.configuration.settings import Settings
from guardrails.proxy.diagnosis.findings import Finding
from guardrails.proxy.upstreams.health.failure_log import describe_cause
from guardrails.proxy.upstreams.transport.causes import connection_cause
from guardrails.proxy.upstreams.upstream_client import Upstream, UpstreamRequest, read_whole
from guardrails.proxy.upstreams.upstream_rows import named_rows, unnamed_rows
from guardrails.wire import strict_json

WAIT_S: Final = 10.0
"""Seconds that one upstream has."""

SKEW_S: Final = 5.0
"""Seconds by which clocks may differ: `Date` has whole seconds, and is written before it arrives."""

BAD_SKEW_S: Final = 60.0
MOST_BYTES: Final = 4 << 20


async def inspect_upstreams(settings: Settings, clock: Callable[[], float]) -> list[Finding]:
    """Return what is found. `clock` gives the time in seconds since 1970."""
    rows = (*named_rows(settings), *unnamed_rows(settings))
    found = await asyncio.gather(*(_inspect(Upstream(row), clock) for row in rows))
    return [finding for findings in found for finding in findings]


async def _inspect(upstream: Upstream, clock: Callable[[], float]) -> list[Finding]:
    name = f"upstream {upstream.row.name}"
    upstream.open()
    began = perf_counter()
    try:
        async with asyncio.timeout(WAIT_S):
            response = await upstream.request(UpstreamRequest("GET", "/models", {}, None, OPENAI), WAIT_S)
            seconds, now = perf_counter() - began, clock()
            try:
                raw = await read_whole(response, MOST_BYTES)
            finally:
                response.release()
    except (TimeoutError, OSError, aiohttp.ClientError) as error:
        cause = connection_cause(error)
        told = "no answer came in time" if cause is None else cause.message
        reason, _, cure = describe_cause(error).rpartition(": ")
        return [Finding("upstreams", name, "problem", f"{told} ({reason or cure})", cure)]
    except Exception as error:  # an answer that is too large, or malformed
        return [Finding("upstreams", name, "problem", str(error), "is its url that of an API of models?")]
    finally:
        await upstream.close()
    findings = [*_judge_answer(upstream, name, response.status, raw, seconds)]
    if (date := response.headers.get("date")) is not None:
        findings += compare_clocks(name, date, now)
    return findings


def _judge_answer(
    upstream: Upstream, name: str, status: int, raw: bytes, seconds: float
) -> Iterator[Finding]:
    """Yield what an answer to `GET /models` says."""
    row, took = upstream.row, f"in {seconds * 1000:.0f} ms"
    if status in (401, 403) and upstream.key:
        cure = f"put a key into {row.key_source} that it takes"
        yield Finding("upstreams", name, "problem", f"refuses the key with {status}", cure)
    elif status in (401, 403):
        yield Finding("upstreams", name, "ok", f"answers {took}; it wants the client's own key ({status})")
    elif status >= 500:
        yield Finding("upstreams", name, "problem", f"answers {status}", "look at its own log")
    elif status != 200:
        cure = "does its url end as OpenAI's clients take it, with /v1?"
        yield Finding("upstreams", name, "warning", f"answers {status} to GET /models", cure)
    else:
        yield Finding("upstreams", name, "ok", f"answers {took}")
        yield from _missing_models(upstream, name, raw)


def _missing_models(upstream: Upstream, name: str, raw: bytes) -> Iterator[Finding]:
    """Yield the models that settings name and an upstream does not list."""
    row = upstream.row
    try:
        data = strict_json.parse(raw).get("data")
    except RequestError:
        data = None
    if not isinstance(data, list):
        yield Finding(
            "upstreams", name, "warning", "its list of models cannot be read", "does url end with /v1?"
        )
        return
    listed = {each.get("id") for each in data if isinstance(each, dict)}
    sent = {row.rename.get(model, model) for model in row.models if "*" not in model}
    if missing := sorted(sent - listed):
        cure = "correct models, or rename"
        yield Finding("upstreams", name, "warning", f"does not list {', '.join(missing)}", cure)


def compare_clocks(name: str, date: str, now: float) -> Iterator[Finding]:
    """Yield how far our clock is from that of an answer's `Date`."""
    try:
        skew = now - parsedate_to_datetime(date).timestamp()
    except ValueError:
        return
    subject = f"clock, by {name}"
    if abs(skew) <= SKEW_S:
        yield Finding("clock", subject, "ok", f"differs by {abs(skew):.0f} s")
        return
    found = f"is {abs(skew):.0f} s {'ahead' if skew > 0 else 'behind'}"
    cure = "set it by NTP (timedatectl set-ntp true): certificates, keys and records depend on it"
    yield Finding("clock", subject, "problem" if abs(skew) > BAD_SKEW_S else "warning", found, cure)
