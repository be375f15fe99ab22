"""guardrails-ai: `Guard().validate` with the published BanList and RegexMatch validators, or with one of
one's own.

RegexMatch passes a text that matches, so a banned expression is wrapped in a negative look-ahead. BanList
drops the spaces of both sides and searches with edits; `max_l_dist=0` is the exact search, the nearest to
this job.
"""

from __future__ import annotations

import logging
import re
import warnings
from typing import Any

from guardrails.validator_base import FailResult, PassResult, ValidationResult, Validator, register_validator
from guardrails_ai.ban_list import BanList
from guardrails_ai.regex_match import RegexMatch

from guardrails import Guard
from rivals.job import Job, Way, awaited, read_job, report


@register_validator(name="bench/banned", data_type="string")
class Banned(Validator):
    """What a user writes who needs whole words: one alternation for the phrases, patterns compiled once."""

    def __init__(self, phrases: list[str], patterns: list[str], on_fail: str | None = None) -> None:
        super().__init__(on_fail=on_fail)
        words = rf"\b(?:{'|'.join(map(re.escape, phrases))})\b"
        self._compiled = [re.compile(words, re.IGNORECASE), *map(re.compile, patterns)]

    def validate(self, value: Any, metadata: dict[str, Any]) -> ValidationResult:
        for pattern in self._compiled:
            if pattern.search(value):
                return FailResult(error_message="banned")
        return PassResult()


def unwanted(pattern: str) -> str:
    """An expression that matches a text in which `pattern` matches nowhere."""
    flags, body = ("i", pattern[4:]) if pattern.startswith("(?i)") else ("", pattern)
    return rf"(?s{flags})\A(?!.*(?:{body}))"


def way(name: str, validators: list[Validator]) -> Way:
    guard = Guard().use(*validators)
    guard.configure(allow_metrics_collection=False)

    def blocks(text: str) -> bool:
        return not guard.validate(text).validation_passed

    return Way(name, awaited(blocks))


def ways(job: Job) -> list[Way]:
    lists = BanList(banned_words=job.phrases, max_l_dist=0, on_fail="noop")
    matches = [RegexMatch(regex=unwanted(p), match_type="search", on_fail="noop") for p in job.patterns]
    own = Banned(job.phrases, job.patterns, "noop")
    return [
        way("Guard.validate: BanList(max_l_dist=0) + a negated RegexMatch per pattern", [lists, *matches]),
        way("Guard.validate: own validator, one alternation + the patterns", [own]),
    ]


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    given = read_job()
    report("guardrails-ai", given, ways(given))
