"""What is reported of categories that a rule names and no detector gives."""

from __future__ import annotations

from pathlib import Path

from guardrails.policy.compilation.compilation import Compilation
from guardrails.policy.compilation.detector_binding import bind_detectors
from guardrails.policy.loading.load import load
from tests.cases import each_case
from tests.policy.compile_kit import HEAD


@each_case(
    ("named", "expected"),
    [
        ("[hate]", []),
        ("[hate, hatee, pii.email]", [("unknown_category", 7, 69)]),
        ("[hatee, pii.emial]", [("unknown_category", 7, 63), ("category_without_detector", 7, 70)]),
    ],
)
def test_categories_that_nothing_gives_are_reported_where_they_stand(
    tmp_path: Path, named: str, expected: list[tuple[str, int, int]]
) -> None:
    """Each at its own place; those that a detector gives are fine."""
    rule = f"rules:\n  - {{id: r, on: input, when: hate > 0, then: redact, redact: {named}}}\n"
    (tmp_path / "p.yaml").write_text(HEAD + rule)
    work = Compilation(load(tmp_path / "p.yaml"))
    bind_detectors(work)
    [item] = [each.item for each in work.policy.rules]
    work.check_categories(item, "redact", item.data["redact"])
    assert [(each.code, each.line, each.col) for each in work.problems.errors] == expected
