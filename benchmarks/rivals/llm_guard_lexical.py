"""llm-guard: `scan_prompt` with a `BanSubstrings` and a `Regex` scanner, both built once."""

from __future__ import annotations

from llm_guard import scan_prompt
from llm_guard.input_scanners import BanSubstrings, Regex
from llm_guard.util import configure_logger

from rivals.job import Job, Way, awaited, read_job, report


def way(job: Job, match_type: str) -> Way:
    """The two scanners, the phrases matched by word or as plain substrings."""
    scanners = [
        BanSubstrings(job.phrases, match_type=match_type, case_sensitive=False),
        Regex(job.patterns, is_blocked=True, match_type="search", redact=False),
    ]

    def blocks(text: str) -> bool:
        _, valid, _ = scan_prompt(scanners, text)
        return not all(valid.values())

    return Way(f"scan_prompt: BanSubstrings({match_type!r}) + Regex", awaited(blocks))


if __name__ == "__main__":
    configure_logger("CRITICAL")  # by default it prints every scan
    given = read_job()
    report("llm-guard", given, [way(given, "word"), way(given, "str")])
