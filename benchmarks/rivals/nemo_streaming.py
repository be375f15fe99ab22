"""nemoguardrails: `LLMRails.stream_async` over a given generator, with the output rail `regex check output`.

The rail takes regular expressions only and can only stop: the terms are one alternation, personal data are expressions. Windows
count chunks, 200 with 50 of context by default, and by default a window is shown before it is judged (`stream_first`).
"""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator
from typing import Any

from nemoguardrails import LLMRails, RailsConfig

from rivals.stream_job import read_job, report
from rivals.stream_play import Show, Source, Stopped, Way

VIOLATION = '{"error":'


def rails(job: dict[str, Any], streaming: dict[str, Any]) -> LLMRails:
    """Return the rails with these streaming settings."""
    terms = rf"(?i:\b(?:{'|'.join(map(re.escape, job['terms']))})\b)"
    config = RailsConfig.parse_object(
        {
            "models": [],
            "rails": {
                "output": {
                    "flows": ["regex check output"],
                    "streaming": {"enabled": True, **streaming},
                },
                "config": {
                    "regex_detection": {
                        "output": {"patterns": [terms, *job["patterns"], *job["personal"].values()]}
                    }
                },
            },
        }
    )
    return LLMRails(config)


def way(job: dict[str, Any], name: str, streaming: dict[str, Any]) -> Way:
    """Return a way with these streaming settings."""
    app = rails(job, streaming)

    async def show(source: Source) -> AsyncIterator[str]:
        messages = [{"role": "user", "content": "hello"}]
        async for output in app.stream_async(messages=messages, generator=aiter(source)):
            if output.lstrip().startswith(VIOLATION):
                raise Stopped
            yield output

    def opened() -> Show:
        return show

    return Way(name, opened)


def main() -> None:
    """Measure three settings."""
    job = read_job()
    ways = [
        way(job, "LLMRails, as shipped (200/50, stream_first)", {}),
        way(job, "LLMRails, stream_first: false (200/50)", {"stream_first": False}),
        way(
            job,
            "LLMRails, stream_first: false (10/5)",
            {"stream_first": False, "chunk_size": 10, "context_size": 5},
        ),
    ]
    report("nemoguardrails", job, ways)


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    main()
