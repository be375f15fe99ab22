"""openai-guardrails: `run_guardrails` with a Keyword Filter that was instantiated once.

It has no guardrail for a user's own regular expressions over a text. The nearest, `custom_regex` of Secret
Keys, tries each expression at the start of each space-separated token, beside its own rules for secrets: the
second way shows it.
"""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

from guardrails import GuardrailTripwireTriggered, instantiate_guardrails, load_config_bundle, run_guardrails
from rivals.job import Job, Way, read_job, report


def way(name: str, guardrails: list[dict[str, Any]], notes: list[str]) -> Way:
    """The configured guardrails, run as the client runs them."""
    bundle = load_config_bundle({"version": 1, "guardrails": guardrails})
    ready = instantiate_guardrails(bundle)
    context = SimpleNamespace(guardrail_llm=None)  # asked for, used by model judges only

    async def blocks(text: str) -> bool:
        try:
            await run_guardrails(context, text, "text/plain", ready, raise_guardrail_errors=True)
        except GuardrailTripwireTriggered:
            return True
        return False

    return Way(name, blocks, notes)


def ways(job: Job) -> list[Way]:
    keywords = {"name": "Keyword Filter", "config": {"keywords": job.phrases}}
    secrets = {"name": "Secret Keys", "config": {"threshold": "permissive", "custom_regex": job.patterns}}
    left_out = "the expressions are left out: it takes none over a whole text"
    per_token = "an expression is tried at the start of each space-separated token only"
    return [
        way("run_guardrails: Keyword Filter, phrases only", [keywords], [left_out]),
        way("run_guardrails: Keyword Filter + Secret Keys(custom_regex)", [keywords, secrets], [per_token]),
    ]


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    given = read_job()
    report("openai-guardrails", given, ways(given))
