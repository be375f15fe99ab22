"""litellm: the streaming hook of the proxy's own content filter (`litellm_content_filter`, `post_call`), called in process.

Terms and patterns block, personal data and keys are masked by its prebuilt patterns; for what it has none (a private key), by the
given expression. The chunks are the proxy's own objects, made by both the guarded and the bare path.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import Any

import litellm
from fastapi import HTTPException
from litellm.proxy._types import UserAPIKeyAuth
from litellm.proxy.guardrails.guardrail_hooks.litellm_content_filter.content_filter import (
    ContentFilterGuardrail,
)
from litellm.types.utils import Delta, ModelResponseStream, StreamingChoices

from rivals.stream_job import read_job, report
from rivals.stream_play import Show, Source, Stopped, Way

PREBUILT = ("us_ssn", "email", "credit_card", "aws_access_key", "github_token", "iban")


def guardrail(job: dict[str, Any], terms: list[str]) -> ContentFilterGuardrail:
    """Return the filter with these terms, configured once."""
    given = [("shape", pattern, "BLOCK") for pattern in job["patterns"]]
    given += [("private_key", job["personal"]["private_key"], "MASK")]
    patterns = [
        {"pattern_type": "regex", "name": f"{name}_{at}", "pattern": pattern, "action": action}
        for at, (name, pattern, action) in enumerate(given)
    ]
    patterns += [{"pattern_type": "prebuilt", "pattern_name": name, "action": "MASK"} for name in PREBUILT]
    words = [{"keyword": term, "action": "BLOCK"} for term in terms]
    return ContentFilterGuardrail(
        guardrail_name="bench",
        patterns=patterns,  # type: ignore[arg-type]
        blocked_words=words,  # type: ignore[arg-type]
        event_hook="post_call",  # type: ignore[arg-type]
        default_on=True,
    )


async def upstream(source: Source) -> AsyncIterator[ModelResponseStream]:
    """Yield the chunks as the proxy gets them, and the last one with its reason."""
    async for chunk in source:
        yield ModelResponseStream(choices=[StreamingChoices(delta=Delta(content=chunk, role="assistant"))])
    yield ModelResponseStream(choices=[StreamingChoices(delta=Delta(content=""), finish_reason="stop")])


def text_of(item: Any) -> str:
    """Return what a client is shown of a chunk."""
    return item.choices[0].delta.content or ""


async def bare(source: Source) -> AsyncIterator[str]:
    """The same path without the filter."""
    async for item in upstream(source):
        yield text_of(item)


def way(job: dict[str, Any], name: str, terms: list[str], **options: Any) -> Way:
    """Return the filter with these terms as a way."""
    filter_ = guardrail(job, terms)

    async def show(source: Source) -> AsyncIterator[str]:
        request: dict[str, Any] = {"model": "made-up", "metadata": {}}
        hook = filter_.async_post_call_streaming_iterator_hook(UserAPIKeyAuth(), upstream(source), request)
        try:
            async for item in hook:
                yield text_of(item)
        except HTTPException:
            raise Stopped from None

    def opened() -> Show:
        return show

    def unguarded() -> Show:
        return bare

    return Way(name, opened, bare=unguarded, **options)


def main() -> None:
    """Measure the filter with few terms, where the attacks are played, and with all."""
    job = read_job()
    few = (
        "the attacks are played with two terms: with 2,000 it compiles an expression for each at every chunk"
    )
    ways = [
        way(job, "content filter, 2 terms + the patterns", job["terms"][-2:], notes=[few]),
        way(job, "content filter, whole job", job["terms"], parts=("first", "costs")),
    ]
    report("litellm", job, ways)


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    litellm.telemetry = False
    main()
