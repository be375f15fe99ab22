"""nemoguardrails: `IORails.check_async` with the input surface `regex check input`, no model behind it.

The rail takes regular expressions only, so the phrases are written as such: one each, or all in one
alternation.
"""

from __future__ import annotations

import logging
import re

from nemoguardrails import RailsConfig
from nemoguardrails.guardrails.iorails import IORails
from nemoguardrails.rails.llm.options import RailStatus, RailType

from rivals.job import Job, Way, read_job, report


def way(name: str, patterns: list[str]) -> Way:
    """The rail with these patterns, started once."""
    config = RailsConfig.parse_object(
        {
            "models": [],
            "rails": {
                "input": {"flows": ["regex check input"]},
                "config": {"regex_detection": {"input": {"patterns": patterns}}},
            },
        }
    )
    rails: list[IORails] = []

    async def blocks(text: str) -> bool:
        if not rails:  # its queue belongs to the loop that runs it
            rails.append(IORails(config))
            await rails[0].start()
        result = await rails[0].check_async([{"role": "user", "content": text}], rail_types=[RailType.INPUT])
        return result.status is RailStatus.BLOCKED

    return Way(name, blocks)


def ways(job: Job) -> list[Way]:
    words = [rf"(?i:\b{re.escape(phrase)}\b)" for phrase in job.phrases]
    alternation = rf"(?i:\b(?:{'|'.join(map(re.escape, job.phrases))})\b)"
    each, together = [*words, *job.patterns], [alternation, *job.patterns]
    return [
        way("check_async: regex rail, a pattern per phrase + the patterns", each),
        way("check_async: regex rail, one alternation of phrases + the patterns", together),
    ]


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    given = read_job()
    report("nemoguardrails", given, ways(given))
