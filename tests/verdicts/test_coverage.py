"""What a check judged, as it stands in a verdict's JSON."""

from __future__ import annotations

from guardrails import types
from guardrails.verdicts.coverage import Coverage, FilmCoverage, KindCoverage, Unchecked


def test_what_is_always_said_and_what_only_where_there_is_some() -> None:
    """Counts and what is unchecked always; unknown fields, films and declared texts only where there are any."""
    counts = {"text": KindCoverage(2, 1, 9), "image": KindCoverage(1, 1, frames=3, pixels=12)}
    plain = Coverage(counts, (Unchecked("limit", "long", "/x", (3, 9)), Unchecked("part", "r")))
    assert plain.to_dict() == {
        "text": {"parts": 2, "checked": 1, "characters": 9},
        "image": {"parts": 1, "checked": 1, "frames": 3, "pixels": 12},
        "unchecked": [
            {"kind": "limit", "reason": "long", "path": "/x", "span": [3, 9]},
            {"kind": "part", "reason": "r", "path": "", "span": None},
        ],
    }
    more = Coverage(
        unknown_fields=("/y",),
        films=(FilmCoverage("/f", 1.5, 3),),
        declared=("/0/content",),
        not_seen=("hate",),
    ).to_dict()
    assert (more["unknown_fields"], more["declared"], more["not_seen"]) == (["/y"], ["/0/content"], ["hate"])
    assert more["films"] == [FilmCoverage("/f", 1.5, 3).to_dict()]


def test_the_vocabulary_has_these_names() -> None:
    """They are imported from `guardrails.types` as all others."""
    assert (types.Coverage, types.Unchecked) == (Coverage, Unchecked)
    assert (types.KindCoverage, types.FilmCoverage) == (KindCoverage, FilmCoverage)
