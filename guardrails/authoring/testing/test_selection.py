"""Finds the policies and files of tests that somebody names to be tested or looked at."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from guardrails.errors import PolicyError, PolicyErrors
from guardrails.policy.loading.load import locate
from guardrails.policy.shipped import shipped_names
from guardrails.policy.testing.test_files import TestFile, is_test_file, read_tests

ENDINGS: Final = (".yaml", ".yml")
"""How the names of policies end, and of files of tests."""

POLICY: Final = re.compile(rb"^(?:\xef\xbb\xbf)?[\"']?format[\"']?[ \t]*:", re.MULTILINE)
"""What each policy has; of the other YAML files in a folder nobody can know what they are."""

LOOKED_AT: Final = 1 << 20
"""Bytes of a file in which that is looked for."""


MOST_NAMED: Final = 4
"""Policies that a hint names."""


@dataclass(slots=True)
class SuiteTarget:
    """A policy to test, the name to show, and files of tests for it; `only`: these alone, as the policy itself was not named."""

    name: str
    policy: str | Path
    tests: list[TestFile] = field(default_factory=list)
    only: bool = False


def expand_paths(given: Iterable[str]) -> list[str]:
    """Return what is named, with the YAML files below a folder in its place, in order, each once."""
    return list(dict.fromkeys(each for name in given for each in _expand_path(name)))


def _expand_path(name: str) -> Iterator[str]:
    if name in shipped_names() or not _is_folder(name):
        yield name
        return
    below = sorted(path for path in Path(name).rglob("*") if path.name.endswith(ENDINGS))
    yield from (str(path) for path in below if not _is_hidden(path.relative_to(name)) and path.is_file())


def _is_folder(name: str) -> bool:
    try:
        return Path(name).is_dir()
    except (OSError, ValueError):  # a name that no file can have
        return False


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


@dataclass(slots=True)
class SuiteSelection:
    """What to test, the YAML files below folders that are neither policies nor files of tests, and what is wrong with files of
    tests that cannot be read.
    """

    targets: list[SuiteTarget] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    errors: list[PolicyError] = field(default_factory=list)


def find_targets(given: Sequence[str]) -> SuiteSelection:
    """Return what to test.

    Raises:
        PolicyErrors: something that is named is not there.
    """
    named, policies = {*given}, dict[Path, SuiteTarget]()
    selection, files = SuiteSelection(), list[TestFile]()
    for name in expand_paths(given):
        if name not in shipped_names() and is_test_file(Path(name)):
            try:
                files.append(read_tests(Path(name)))
            except PolicyErrors as error:
                selection.errors += error.errors
        elif name in named or _is_policy(Path(name)):
            policies.setdefault(locate(name).resolve(), SuiteTarget(name, name))
        else:
            selection.left_out.append(name)
    selection.targets = [*policies.values()]
    for file in files:
        own = next((target for path, target in policies.items() if file.is_for(path)), None)
        if own is None:
            selection.targets.append(SuiteTarget(file.source.file, file.policy, [file], only=True))
        else:
            own.tests.append(file)
    return selection


def list_policies(given: Iterable[str]) -> list[str]:
    """Return the policies among what is named, those of files of tests that are named, and those below folders, each once.

    Raises:
        PolicyErrors: a file of tests that is named cannot be read.
    """
    named, found = [*given], list[str]()
    for name in expand_paths(named):
        if name not in shipped_names() and is_test_file(Path(name)):
            found += [str(read_tests(Path(name)).policy)] if name in named else []
        elif name in named or _is_policy(Path(name)):
            found.append(name)
    return list(dict.fromkeys(found))


def describe_default(command: str) -> str:
    """Return what to tell somebody who named no policy to a command: what it does, and how to name the policies that lie here."""
    here = [name for name in list_policies(["."]) if len(Path(name).parts) == 1]
    own = " ".join([*here[:MOST_NAMED], *(["…"] if len(here) > MOST_NAMED else [])]) or "FILE.yaml"
    return f"no policy is named: this is the shipped policy default; for your own: guardrails {command} {own}"


def _is_policy(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return POLICY.search(stream.read(LOOKED_AT)) is not None
    except OSError:
        return True  # loading it says what is wrong
