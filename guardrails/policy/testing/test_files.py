"""Reads files of tests (`X.test.yaml`, beside the policy `X.yaml`).

They are no part of a policy: neither of its digest nor of what a server reads. `guardrails test` finds them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Final

from guardrails.detectors import display_path
from guardrails.detectors.file_watch import note_file
from guardrails.errors import PolicyError, PolicyErrors
from guardrails.policy.loading.compose import MAX_CHARACTERS
from guardrails.policy.loading.cures.value_cures import describe
from guardrails.policy.loading.problems import Problems
from guardrails.policy.loading.source import Mark, Source, read_yaml
from guardrails.policy.shipped import shipped_folder, shipped_names
from guardrails.policy.testing.test_fields import TestsDoc
from guardrails.spelling import suggest_name

ENDINGS: Final = (".test.yaml", ".test.yml")
"""How the names of files of tests end,"""

OWN: Final = (".yaml", ".yml")
"""and how those of policies do."""


@dataclass(frozen=True, slots=True)
class TestFile:
    """A file of tests, read. `policy` is what it is for: a shipped policy by name, or a path; `path` has all links followed."""

    path: FilePath
    source: Source
    policy: str | FilePath

    def is_for(self, policy: FilePath) -> bool:
        """Tell whether it is for the policy in this file."""
        named = self.policy
        path = named if isinstance(named, FilePath) else shipped_folder() / f"{named}.yaml"
        return path.resolve() == policy.resolve()


def is_test_file(path: FilePath) -> bool:
    """Tell whether a file is one of tests, by its name."""
    return path.name.endswith(ENDINGS)


def find_test_file(policy: FilePath) -> FilePath | None:
    """Return the file of tests beside a policy, None where there is none."""
    for file in _places(policy):
        note_file(file)  # it may come later
    return next(filter(FilePath.is_file, _places(policy)), None)


def has_test_file(policy: FilePath) -> bool:
    """Tell whether there is one, without a look at it: it is no file that the policy is made of."""
    return any(map(FilePath.is_file, _places(policy)))


def _places(policy: FilePath) -> list[FilePath]:
    return [policy.with_name(policy.stem + ending) for ending in ENDINGS]


def read_tests(path: FilePath) -> TestFile:
    """Read a file of tests.

    Raises:
        PolicyErrors: it cannot be read, is none, or names a policy that there is not; what else is wrong in it is told when its
            tests are loaded.
    """
    name, problems = display_path(path), Problems()
    note_file(path)
    try:
        real = path.resolve()
        note_file(real)
        with real.open("rb") as stream:
            source = read_yaml(stream.read(4 * (MAX_CHARACTERS + 1) + 1), name)
    except OSError as error:
        problems.add(Mark(name, 0, 0), "unreadable_file", str(error.strerror or error))
        raise PolicyErrors(problems.errors) from error
    except PolicyErrors as error:
        raise PolicyErrors(map(_of_tests, error.errors)) from None
    if not isinstance(source.data, dict):
        message = f"a file of tests must be a mapping, not {describe(source.data)}"
        problems.add(source.mark(()), "wrong_type", message, "begin with 'tests:'")
        raise PolicyErrors(problems.errors)
    head = problems.validate(TestsDoc, source.data, source, "the file of tests")
    policy = None if head is None else _policy(path, head, source, problems)
    if policy is None:
        raise PolicyErrors([*source.problems, *problems.errors])
    return TestFile(real, source, policy)


def _of_tests(error: PolicyError) -> PolicyError:
    """Say of a file of tests what is said of policies."""
    if error.code != "empty_policy":
        return error
    return PolicyError(
        error.file, error.line, error.col, "empty_tests", "the file holds no tests", "start with 'tests:'"
    )


def _policy(path: FilePath, head: TestsDoc, source: Source, problems: Problems) -> str | FilePath | None:
    """Return the policy that a file of tests is for."""
    folder, mark, hint = path.parent, source.mark(()), "name the policy: policy: …"
    if head.policy in shipped_names():
        return head.policy
    if head.policy is None:
        stem = next(path.name.removesuffix(end) for end in ENDINGS if path.name.endswith(end))
        names = [stem + ending for ending in OWN]
    else:
        names, mark = [head.policy], source.mark(("policy",))
        others = (each.name for each in sorted(folder.glob("*.y*ml")) if not is_test_file(each))
        hint = suggest_name(head.policy, [*shipped_names(), *others])
    for name in names:
        try:
            note_file(folder / name)
            if (folder / name).is_file():
                return folder / name
        except (OSError, ValueError):  # a name that no file can have
            continue
    message = f"{names[0]!r} is no shipped policy, and no file beside this one"
    problems.add(mark, "unknown_policy", message, hint)
    return None
