"""Finds the policies and files of tests that somebody names to be tested."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from guardrails.errors import PolicyErrors
from guardrails.policy.loading.load import locate
from guardrails.policy.shipped import shipped_names
from guardrails.policy.testing.test_files import TestFile, is_test_file, read_tests

ENDINGS: Final = (".yaml", ".yml")
"""How the names of policies end, and of files of tests."""

POLICY: Final = re.compile(rb"^(?:\xef\xbb\xbf)?[\"']?format[\"']?[ \t]*:", re.MULTILINE)
"""What each policy has; of the other YAML files in a folder nobody can know what they are."""

LOOKED_AT: Final = 1 << 20
"""Bytes of a file in which that is looked for."""


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


def find_targets(given: Sequence[str]) -> tuple[list[SuiteTarget], list[str]]:
    """Return what to test, and the YAML files below folders that are neither policies nor files of tests.

    Raises:
        PolicyErrors: something that is named is not there, or a file of tests cannot be read.
    """
    named, left_out, policies = {*given}, list[str](), dict[Path, SuiteTarget]()
    files: list[str] = []
    for name in expand_paths(given):
        if name not in shipped_names() and is_test_file(Path(name)):
            files.append(name)
        elif name in named or _is_policy(Path(name)):
            policies.setdefault(locate(name).resolve(), SuiteTarget(name, name))
        else:
            left_out.append(name)
    found = [*policies.values()]
    for test_file, name in zip(_read(files), files, strict=True):
        own = next((target for path, target in policies.items() if test_file.is_for(path)), None)
        if own is None:
            found.append(SuiteTarget(name, test_file.policy, [test_file], only=True))
        else:
            own.tests.append(test_file)
    return found, left_out


def _is_policy(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return POLICY.search(stream.read(LOOKED_AT)) is not None
    except OSError:
        return True  # loading it says what is wrong


def _read(files: Iterable[str]) -> list[TestFile]:
    """Read files of tests; raise what is wrong with all of them together."""
    read, errors = [], []
    for name in files:
        try:
            read.append(read_tests(Path(name)))
        except PolicyErrors as error:
            errors += error.errors
    if errors:
        raise PolicyErrors(errors)
    return read
