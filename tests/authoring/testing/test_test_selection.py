"""What is named to be tested: policies, files of tests, folders with both."""

from __future__ import annotations

from pathlib import Path

import pytest

from guardrails.authoring.testing.test_selection import (
    SuiteSelection,
    describe_default,
    expand_paths,
    find_targets,
    list_policies,
)
from guardrails.errors import PolicyErrors

POLICY = "format: 1\nname: p\n"
TESTS = "tests:\n  - {input: a, expect: {action: allow}}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current folder, with policies, tests, and what is neither."""
    files = {
        "a.yaml": POLICY,
        "a.test.yaml": TESTS,
        "b.yml": POLICY,
        "more.test.yaml": "policy: a.yaml\n" + TESTS,
        "sub/c.yaml": POLICY,
        "sub/shipped.test.yaml": "policy: pii-only\n" + TESTS,
        "settings.yaml": "policy: a.yaml\n",
        "notes.txt": "x",
        ".hidden/d.yaml": POLICY,
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def told(*given: str) -> list[tuple[str, list[str], bool]]:
    """Return what is tested, each with the names of its files of tests."""
    return [
        (each.name, [file.path.name for file in each.tests], each.only)
        for each in find_targets(given).targets
    ]


def test_a_folder_stands_for_its_policies_and_tests(folder: Path) -> None:
    """Each policy with the files of tests for it, also those of another name; what is neither is named, not lost."""
    assert told(".") == [
        ("a.yaml", ["a.test.yaml", "more.test.yaml"], False),
        ("b.yml", [], False),
        ("sub/c.yaml", [], False),
        ("sub/shipped.test.yaml", ["shipped.test.yaml"], True),
    ]
    assert find_targets(["."]).left_out == ["settings.yaml"]


def test_files_are_taken_as_they_are_named(folder: Path) -> None:
    """A policy by name or path; a file of tests alone, or with its policy where that is named too; each once."""
    assert told("pii-only", "a.yaml", "pii-only", "./a.yaml") == [
        ("pii-only", [], False),
        ("a.yaml", [], False),
    ]
    assert told("more.test.yaml") == [("more.test.yaml", ["more.test.yaml"], True)]
    assert told("a.test.yaml", "a.yaml") == [("a.yaml", ["a.test.yaml"], False)]
    assert told("settings.yaml") == [("settings.yaml", [], False)]
    assert told("pii-only", "sub/shipped.test.yaml") == [("pii-only", ["shipped.test.yaml"], False)]


def test_an_empty_folder_has_nothing(tmp_path: Path) -> None:
    """Which is for the caller to tell."""
    (tmp_path / "empty").mkdir()
    assert find_targets([str(tmp_path / "empty")]) == SuiteSelection()


def test_all_that_is_wrong_with_files_of_tests_is_told_at_once(folder: Path) -> None:
    """Not only the first, and the policies are tested all the same; a name that leads nowhere is an error."""
    (folder / "a.test.yaml").write_text("")
    (folder / "more.test.yaml").write_text("cases: []")
    found = find_targets(["."])
    assert [each.code for each in found.errors] == ["empty_tests", "unknown_field"]
    assert [each.name for each in found.targets][:2] == ["a.yaml", "b.yml"]
    for name in ("nope.yaml", "a\0b", "x" * 5000):
        with pytest.raises(PolicyErrors):
            find_targets([name])
    assert [each.code for each in find_targets(["nope.test.yaml"]).errors] == ["unreadable_file"]


def test_policies_are_found_without_their_tests(folder: Path) -> None:
    """Lint looks at policies: those of a folder, and that of a file of tests which is named."""
    assert list_policies(["."]) == ["a.yaml", "b.yml", "sub/c.yaml"]
    assert list_policies(["a.test.yaml", "a.yaml", "default"]) == ["a.yaml", "default"]


def test_who_names_no_policy_is_told_which_lie_here(folder: Path) -> None:
    """The shipped default is looked at, and that is no word on the author's own."""
    assert describe_default("lint").endswith("for your own: guardrails lint a.yaml b.yml")


def test_the_list_grows_with_the_folder(folder: Path) -> None:
    """So that who watches it sees what comes."""
    before = expand_paths(["sub", "pii-only"])
    assert before == ["sub/c.yaml", "sub/shipped.test.yaml", "pii-only"]
    (folder / "sub/d.test.yaml").write_text(TESTS)
    assert expand_paths(["sub", "pii-only"]) != before
