"""Finds what differs between the verdict on a whole text and on the same text streamed in pieces.

A stream shows what the check of the whole leaves, wherever the text is cut (`text_stream.TextStream`). Here that is tried
for one text and one policy: cut in two at each place, or at `MOST` places of a longer one, drawn by chance from the same
seed each time, and letter by letter.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from guardrails.guard import Guard
from guardrails.types import Stage, Verdict

MOST: Final = 200
"""Places at which a text is cut in two."""

SEED: Final = 0
LETTERS: Final = 2_000
"""Characters up to which a text is also streamed letter by letter."""


def cut_places(text: str) -> Sequence[int]:
    """Return where to cut a text in two, in order."""
    every = range(1, len(text))
    return every if len(every) <= MOST else sorted(random.Random(SEED).sample(every, MOST))  # noqa: S311 # no secret


def cut_note(guard: Guard, text: str, verdict: Verdict) -> str | None:
    """Return what is to be said of the places, where they are not all that there are."""
    if early := _rules_fired_early(guard, verdict):
        return f"not cut: {', '.join(early)} lets texts out before they are judged (stream: annotate)"
    tried, every = len(cut_places(text)), max(0, len(text) - 1)
    return None if tried == every else f"cut at {tried:,} of {every:,} places (seed {SEED})"


def _pieces(text: str) -> Iterator[tuple[str, Sequence[str]]]:
    for at in cut_places(text):
        yield f"cut at {at}", (text[:at], text[at:])
    if len(text) <= LETTERS:
        yield "letter by letter", text


def find_cut_differences(
    guard: Guard, stage: str, text: str, verdict: Verdict, asked: Mapping[str, Any]
) -> Iterator[str]:
    """Yield what differs at the first cut at which something does.

    Args:
        guard: what judges.
        stage: where the text stands.
        text: the text.
        verdict: what the check of the whole says.
        asked: the arguments of `Guard.stream`.
    """
    if _rules_fired_early(guard, verdict):
        return
    for how, pieces in _pieces(text):
        stream = guard.stream(Stage(stage), **asked)
        shown = "".join([*map(stream.feed, pieces), stream.flush()])
        got = stream.verdict
        if got is None or got.action is not verdict.action:
            yield f"{how}: action is {None if got is None else got.action}, not {verdict.action} as of the whole"
        elif not verdict.blocked and _rules(got) != _rules(verdict):
            yield f"{how}: rules are {_rules(got)}, not {_rules(verdict)} as of the whole"
        elif not verdict.blocked and shown != verdict.content:
            yield f"{how}: a stream shows {shown!r}, not {verdict.content!r} as of the whole"
        else:
            continue
        return


def _rules_fired_early(guard: Guard, verdict: Verdict) -> list[str]:
    """Return the rules that fired for what was shown by then: a stream and a check cannot agree on it."""
    annotating = {
        rule.id for policy in guard.pipeline.policies for rule in policy.rules if rule.stream == "annotate"
    }
    return [name for name in _rules(verdict) if name in annotating]


def _rules(verdict: Verdict) -> list[str]:
    return sorted(rule.id for rule in verdict.rules)
