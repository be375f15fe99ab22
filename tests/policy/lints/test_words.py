"""Lists of terms: entries are compared as they are looked for, in the policy and in files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from guardrails.policy.lints import words
from guardrails.policy.lints.scene.scene import LintContext
from tests.cases import each_case

RULE = "rules: [{id: a, on: input, when: custom.p > 0, then: flag}]\n"


@each_case(
    ("terms", "case", "doubles"),
    [
        ("[Zqx, zqx, \uff5aqx, zqx]", "ignore", 3),
        ("[Zqx, zqx]", "exact", 0),
        ("['z qx', 'z  qx', zqx]", "exact", 1),
        ("[zqx, zq\u200bx]", "ignore", 1),
    ],
)
def test_terms_are_compared_as_they_are_looked_for(
    scene_of: Callable[..., LintContext], terms: str, case: str, doubles: int
) -> None:
    """Folded where the list is, else as they are but for runs of spaces."""
    scene = scene_of(f"detectors: {{p: {{use: terms, terms: {terms}, case: {case}}}}}\n{RULE}")
    found = [*words.duplicate_term(scene)]
    assert len(found) == doubles
    assert all(each.fix is not None and each.fix.path == ("detectors", "p", "terms") for each in found)


def test_terms_of_a_file_are_told_at_their_lines(
    scene_of: Callable[..., LintContext], tmp_path: Path
) -> None:
    """A term of a file may be the same as one of the policy."""
    (tmp_path / "list.txt").write_text("# words\nzqy\nZQX\n")
    scene = scene_of(f"detectors: {{p: {{use: terms, terms: [zqx], file: list.txt}}}}\n{RULE}")
    (found,) = words.duplicate_term(scene)
    assert (Path(found.mark.file).name, found.mark.line, found.fix) == ("list.txt", 3, None)


@each_case(
    ("terms", "match", "inside"),
    [
        ("[zqx gun, gun]", "word", ["zqx gun"]),
        ("[zqxgun, gun]", "word", []),
        ("[zqxgun, gun]", "substring", ["zqxgun"]),
        ("[a zqx b, a, b]", "word", ["a zqx b"]),
    ],
)
def test_a_term_in_another_is_found_anyway(
    scene_of: Callable[..., LintContext], terms: str, match: str, inside: list[str]
) -> None:
    """As whole words, or anywhere, as the list is looked for; each is told once."""
    scene = scene_of(f"detectors: {{p: {{use: terms, terms: {terms}, match: {match}}}}}\n{RULE}")
    assert [each.message.split("'")[1] for each in words.contained_term(scene)] == inside


def test_long_lists_are_not_compared_pair_by_pair(
    scene_of: Callable[..., LintContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Past a size nobody waits for advice."""
    monkeypatch.setattr(words, "MOST", 1)
    scene = scene_of(f"detectors: {{p: {{use: terms, terms: [zqx gun, gun]}}}}\n{RULE}")
    assert [*words.contained_term(scene)] == []
