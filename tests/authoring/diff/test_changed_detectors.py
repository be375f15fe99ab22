"""What differs between the detectors of two versions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from guardrails.authoring.diff.change import PolicyVersion
from guardrails.authoring.diff.changed_detectors import compare_detectors
from guardrails.authoring.diff.changes import find_changes, highest_level
from guardrails.authoring.diff.levels import Level

Versions = Callable[..., tuple[PolicyVersion, PolicyVersion]]


def test_a_category_that_goes_is_major(versions: Versions) -> None:
    """Who reads verdicts by a category's name sees nothing any more."""
    found = find_changes(*versions(("custom.word", "custom.words")))
    assert {"category_removed", "category_added", "condition"} <= {each.kind for each in found}
    assert highest_level(found) is Level.MAJOR


def test_a_file_that_a_detector_reads_counts(tmp_path: Path) -> None:
    """Terms that stand in a file of their own change what is found, though no policy file changes."""
    made = []
    for name, terms in (("a", "forbidden"), ("b", "forbidden\nbanned")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "terms.txt").write_text(terms)
        path = tmp_path / name / "p.yaml"
        path.write_text(
            "format: 1\nname: p\ndetectors:\n  words: {use: terms, file: terms.txt, category: custom.word}\n"
            "rules:\n  - {id: a, on: input, when: custom.word > 0, then: block}\n"
        )
        made.append(PolicyVersion.load(path))
    assert [(each.kind, each.name) for each in find_changes(*made)] == [("finds_otherwise", "files")]


def test_a_limit_that_a_detector_takes_over_is_told_once(tmp_path: Path) -> None:
    """Windows of a classifier come from the limits: that is one change, not two."""
    for name, limits in (("a", ""), ("b", "limits: {windows: 3}\n")):
        (tmp_path / f"{name}.yaml").write_text(f"format: 1\nname: p\nextends: default\n{limits}")
    found = find_changes(PolicyVersion.load(tmp_path / "a.yaml"), PolicyVersion.load(tmp_path / "b.yaml"))
    assert [(each.kind, each.what, each.name) for each in found] == [("stricter", "limits", "windows")]


def test_settings_that_mean_the_same_are_no_difference(versions: Versions) -> None:
    """A default that is written out is the default."""
    assert [*compare_detectors(*versions(("use: terms,", "use: terms, match: word,")))] == []


def test_another_kind_is_one(versions: Versions) -> None:
    """A detector that keeps its name and is of another kind has changed throughout."""
    found = [
        *compare_detectors(
            *versions(("{use: terms, terms: [forbidden, banned],", "{use: patterns, patterns: [forbidden],"))
        )
    ]
    assert next((each.kind, each.name) for each in found) == ("detector_kind", "use")


def test_a_detector_that_is_gone_takes_its_category_along(versions: Versions) -> None:
    """Both are told: the detector, and what nobody gives any more."""
    gone = "  ids: {use: patterns, patterns: ['ID-\\d+'], category: custom.id}\n"
    rule = "  - {id: id.redact, on: input, when: custom.id > 0.5, then: redact}\n"
    found = [*compare_detectors(*versions((gone, ""), (rule, ""), ("{action: redact}", "{action: allow}")))]
    assert [(each.kind, each.what) for each in found] == [
        ("detector_removed", "detector ids"),
        ("category_removed", "category custom.id"),
    ]
