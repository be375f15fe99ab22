"""Files of tests beside policies: found, read, inherited, and no part of the policy itself."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from guardrails import Guard
from guardrails.detectors.file_watch import have_changed, record_files
from guardrails.errors import PolicyErrors
from guardrails.policy.compile import compile_policy
from guardrails.policy.loading.load import load
from guardrails.policy.testing.test_files import find_test_file, has_test_file, is_test_file, read_tests

POLICY = "format: 1\nname: {name}\ntests:\n  - {{name: inline, input: a, expect: {{action: allow}}}}\n"
TESTS = "tests:\n  - {{name: {name}, input: a, expect: {{action: allow}}}}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with two policies and a file of tests beside the first."""
    for name in ("base", "other"):
        (tmp_path / f"{name}.yaml").write_text(POLICY.format(name=name))
    (tmp_path / "base.test.yaml").write_text(TESTS.format(name="beside"))
    return tmp_path


def names(policy: Path, *files: Path) -> list[str | None]:
    """Return the names of a policy's tests, those of files too."""
    loaded = load(policy, tests=map(read_tests, files))
    assert loaded.problems.errors == []
    return [doc.name for _, doc in loaded.tests]


def test_tests_beside_a_policy_are_found_and_stand_after_its_own(folder: Path) -> None:
    """`X.test.yaml` is for `X.yaml`; nothing is beside the other one."""
    assert names(folder / "base.yaml") == ["inline", "beside"]
    assert names(folder / "other.yaml") == ["inline"]


def test_they_are_no_part_of_the_policy(folder: Path) -> None:
    """Who serves it does not read them, not even where they are broken, and its digest is the same with them."""
    guard = Guard.load(folder / "base.yaml")
    assert [doc.name for _, doc in guard.policy.tests] == ["inline"]
    assert compile_policy(load(folder / "base.yaml", tests=())).ref == guard.policy.ref

    assert guard.origin is not None
    (folder / "base.test.yaml").write_text("{")
    assert not have_changed(guard.origin.files)
    assert Guard.load(folder / "base.yaml").policy.ref == guard.policy.ref


def test_a_file_may_name_its_policy(folder: Path) -> None:
    """By path or, if it ships, by name; then it is not for the one beside it."""
    elsewhere = folder / "sub" / "more.test.yml"
    elsewhere.parent.mkdir()
    elsewhere.write_text("policy: ../other.yaml\n" + TESTS.format(name="more"))
    assert read_tests(elsewhere).is_for(folder / "other.yaml")
    assert names(folder / "other.yaml", elsewhere) == ["inline", "more"]

    (folder / "base.test.yaml").write_text("policy: other.yaml\n" + TESTS.format(name="beside"))
    assert names(folder / "base.yaml") == ["inline"]
    (folder / "base.test.yaml").write_text("policy: pii-only\n" + TESTS.format(name="beside"))
    assert read_tests(folder / "base.test.yaml").policy == "pii-only"


def test_a_file_that_was_read_already_counts_once(folder: Path) -> None:
    """Also where it lies beside the policy and is given besides."""
    assert names(folder / "base.yaml", folder / "base.test.yaml") == ["inline", "beside"]


def test_parents_bring_theirs_and_a_child_may_leave_one_out(folder: Path) -> None:
    """As with tests that stand in the parent itself; to serve the child nobody needs to read them."""
    child = folder / "child.yaml"
    child.write_text("format: 1\nname: child\nextends: [base.yaml]\n")
    assert names(child) == ["inline", "beside"]
    child.write_text("format: 1\nname: child\nextends: [base.yaml]\ndisable: {tests: [beside]}\n")
    assert names(child) == ["inline"]
    assert Guard.load(child).policy.ref.name == "child"

    child.write_text("format: 1\nname: child\nextends: [base.yaml]\ndisable: {tests: [besides]}\n")
    (error,) = load(child, tests=()).problems.errors
    assert (error.code, error.hint) == ("unknown_test", "did you mean 'beside'?")


WRONG = {
    "empty": ("", "1:1: empty_tests: the file holds no tests - start with 'tests:'"),
    "only a comment": ("# x\n", "1:1: empty_tests: the file holds no tests - start with 'tests:'"),
    "a list": ("[]", "1:1: wrong_type: a file of tests must be a mapping, not a list - begin with 'tests:'"),
    "other name": (
        "cases: []",
        "1:1: unknown_field: 'cases' is not a field of the file of tests - did you mean 'tests'?",
    ),
    "no tests": ("policy: base.yaml", "1:1: missing_field: the file of tests needs 'tests' - add 'tests:'"),
    "no policy": (
        "policy: bse.yaml\ntests: []",
        "1:9: unknown_policy: 'bse.yaml' is no shipped policy, and no file beside this one - did you mean 'base.yaml'?",
    ),
    "a folder": (
        "policy: .\ntests: []",
        "1:9: unknown_policy: '.' is no shipped policy, and no file beside this one",
    ),
    "too long a name": (
        f"policy: {'x' * 5000}\ntests: []",
        f"1:9: unknown_policy: '{'x' * 5000}' is no shipped policy, and no file beside this one",
    ),
    "no YAML": ("tests: [", "1:8: yaml_syntax: "),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_a_file_that_is_wrong_is_told_with_its_place(mistake: str, folder: Path) -> None:
    """In the words of tests, not of policies."""
    text, message = WRONG[mistake]
    path = folder / "base.test.yaml"
    path.write_text(text)
    with pytest.raises(PolicyErrors) as caught:
        read_tests(path)
    assert str(caught.value.errors[0]).startswith(f"{path}:{message}")


def test_bytes_that_are_no_text_and_files_that_are_gone(folder: Path) -> None:
    """Each is a located error, and so is a file of tests without a policy beside it."""
    lonely = folder / "lonely.test.yaml"
    cases: list[tuple[bytes | None, str]] = [(b"\xff", "invalid_encoding"), (b"tests: []", "unknown_policy"), (None, "unreadable_file")]  # fmt: skip
    for data, code in cases:
        lonely.write_bytes(data) if data is not None else lonely.unlink()
        with pytest.raises(PolicyErrors) as caught:
            read_tests(lonely)
        assert [each.code for each in caught.value] == [code]


def test_all_that_is_wrong_is_told_at_once(folder: Path) -> None:
    """What is no test, doubled keys, doubled names and unknown fields, beside what is wrong with the policy."""
    (folder / "base.yaml").write_text("format: 1\nname: base\nrulse: []\n")
    (folder / "base.test.yaml").write_bytes(
        b"\xef\xbb\xbftests:\r\n  - 5\r\n  - {name: a, input: x, expect: {action: allow}}\r\n"
        b"  - {name: a, input: y, input: z, expect: {action: alow}}\r\n"
    )
    with pytest.raises(PolicyErrors) as caught:
        compile_policy(load(folder / "base.yaml", tests=()))
    found = [(os.path.basename(each.file), each.line, each.col, each.code) for each in caught.value]
    assert found == [
        ("base.test.yaml", 2, 5, "wrong_type"),
        ("base.test.yaml", 4, 12, "duplicate_test"),
        ("base.test.yaml", 4, 25, "duplicate_key"),
        ("base.test.yaml", 4, 52, "invalid_value"),
        ("base.yaml", 3, 1, "unknown_field"),
    ]


def test_where_files_of_tests_lie(folder: Path) -> None:
    """By both endings; who looks for one notes where it would be, so that it is found when it comes."""
    assert find_test_file(folder / "base.yaml") == folder / "base.test.yaml"
    assert [is_test_file(Path(name)) for name in ("a.test.yaml", "a.test.yml", "a.yaml", "test.yaml", "a.test.yaml.bak")] == [
        True, True, False, False, False,
    ]  # fmt: skip
    with record_files() as files:
        assert find_test_file(folder / "other.yaml") is None
    assert not has_test_file(folder / "other.yaml")
    (folder / "other.test.yml").write_text(TESTS.format(name="late"))
    assert have_changed(files)
    assert has_test_file(folder / "other.yaml")
    assert names(folder / "other.yaml") == ["inline", "late"]
