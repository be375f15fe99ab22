"""guardrails-ai: `Guard()(callable, stream=True)` with a validator of one's own, by sentences as its chunking makes them.

One validator has the terms as an alternation, the patterns and the expressions for personal data. It stops (`exception`), or
gives a `fix_value` with the findings replaced (`fix`). A guard is made for each stream: one guard for all
keeps what an aborted stream left in its validators.
"""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import AsyncIterator, Iterator
from typing import Any

from guardrails.validator_base import FailResult, PassResult, ValidationResult, Validator, register_validator

from guardrails import Guard
from guardrails.errors import ValidationError
from rivals.stream_job import read_job, report
from rivals.stream_play import Show, Source, Stopped, Way


@register_validator(name="bench/stream-banned", data_type="string")
class Banned(Validator):
    """What a user writes: everything banned, compiled once; the fix is the text with each match replaced."""

    def __init__(self, compiled: list[re.Pattern[str]], on_fail: str | None = None) -> None:
        super().__init__(on_fail=on_fail)
        self._compiled = compiled

    def _validate(self, value: Any, metadata: dict[str, Any]) -> ValidationResult:
        fixed = value
        for pattern in self._compiled:
            fixed = pattern.sub("[REMOVED]", fixed)
        return PassResult() if fixed == value else FailResult(error_message="banned", fix_value=fixed)


def way(job: dict[str, Any], name: str, on_fail: str) -> Way:
    """Return a way with this action."""
    terms = rf"\b(?:{'|'.join(map(re.escape, job['terms']))})\b"
    expressions = [*job["patterns"], *job["personal"].values()]
    compiled = [re.compile(terms, re.IGNORECASE), *map(re.compile, expressions)]

    def opened() -> Show:
        guard = Guard().use(Banned(compiled, on_fail))
        guard.configure(allow_metrics_collection=False)

        async def show(source: Source) -> AsyncIterator[str]:
            def model(*_: Any, **__: Any) -> Iterator[str]:
                return iter(source)

            try:
                for outcome in guard(model, messages=[{"role": "user", "content": "hello"}], stream=True):
                    yield outcome.validated_output or ""
            except ValidationError:
                raise Stopped from None

        return show

    def detects(text: str) -> bool:
        return any(pattern.search(text) for pattern in compiled)

    return Way(name, opened, detects=detects)


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    given = read_job()
    report(
        "guardrails-ai",
        given,
        [way(given, "Guard, on_fail exception", "exception"), way(given, "Guard, on_fail fix", "fix")],
    )
