"""Lists of terms: every entry has the form in which it is looked for, its place, and how to take it out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from guardrails.policy.lints.scene.scene import LintContext
from guardrails.policy.lints.scene.term_lists import read_term_lists


def test_entries_of_a_policy_and_of_a_file_stand_in_one_list(
    scene_of: Callable[..., LintContext], tmp_path: Path
) -> None:
    """Entries of the policy can be taken out, those of a file are only named with their line."""
    (tmp_path / "list.txt").write_text("# words\nZqy\n")
    scene = scene_of(
        "detectors: {p: {use: terms, terms: [Zqx], file: list.txt}, m: {use: pii, entities: [email]}}\n"
        "rules: [{id: a, on: input, when: custom.p > 0 || pii > 0, then: flag}]\n"
    )
    (found,) = read_term_lists(scene.policy)
    assert found.name == "p"
    assert [(each.text, each.form, each.fix is not None) for each in found.entries] == [
        ("Zqx", "zqx", True),
        ("Zqy", "zqy", False),
    ]
    assert (Path(found.entries[1].mark.file).name, found.entries[1].mark.line) == ("list.txt", 2)
