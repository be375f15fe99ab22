"""What a loaded policy is made of: values that still know where each of their fields was written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from guardrails.detectors import PolicyFolder
from guardrails.detectors.config import Config
from guardrails.detectors.kinds import Kind
from guardrails.policy.endpoints import find_endpoint
from guardrails.policy.loading.problems import Problems
from guardrails.policy.loading.source import Mark, Path, Source
from guardrails.policy.messages.fields import HelplineDoc
from guardrails.policy.schema import (
    ExceptionDoc,
    FilmsDoc,
    LimitsDoc,
    MediaDoc,
    PolicyRecordsDoc,
    RuleDoc,
    UncheckedDoc,
)
from guardrails.policy.testing.test_fields import TestDoc
from guardrails.registry.sources import PluginSources
from guardrails.remote.endpoint import Endpoint

Origin = tuple[Source, Path, FilePath | None]
"""Where a field was written: the file, the path to its mapping in it, and the folder of the file, if it is one."""


@dataclass(frozen=True, slots=True)
class PolicyItem:
    """A rule, detector, exception or test as written, and where each of its fields stands (an override's fields
    stand in another file than those that they leave alone).
    """

    data: dict[str, Any]
    source: Source
    base: Path
    folder: FilePath | None
    overrides: Mapping[str, Origin] = field(default_factory=dict)

    def _origin(self, name: object) -> Origin:
        return self.overrides.get(str(name), (self.source, self.base, self.folder))

    def _find(self, path: Path) -> tuple[Source, Path]:
        source, base, _ = self._origin(path[0] if path else "")
        return source, base + path

    def read_mapping(self, name: str) -> PolicyItem:
        """Return a mapping that a field holds."""
        source, path = self._find((name,))
        return PolicyItem(self.data[name], source, path, self._origin(name)[2])

    def place(self, path: Path) -> tuple[Source, Path]:
        """Return the file in which a value stands, and its path there."""
        return self._find(path)

    def mark(self, path: Path) -> Mark:
        """Return the position of a value."""
        source, full = self._find(path)
        return source.mark(full)

    def key_mark(self, path: Path) -> Mark:
        """Return the position of a key."""
        source, full = self._find(path)
        return source.key_mark(full)

    def inside(self, path: Path, offset: int) -> Mark:
        """Return the position of a character inside a text."""
        source, full = self._find(path)
        return source.inside(full, offset)

    def override(self, change: dict[str, Any], origin: Origin) -> PolicyItem:
        """Return the item with the fields of an override in place of its own."""
        moved = {**self.overrides, **dict.fromkeys(change, origin)}
        return PolicyItem({**self.data, **change}, self.source, self.base, self.folder, moved)

    def read(self, name: str) -> tuple[str, str]:
        """Return the text of a file that a field names, and the path to show; raise `OSError` with the reason.

        The name counts from the folder of the policy file in which that field was written, and may not leave it.
        """
        return self._folder(name).read(name)

    def path(self, name: str) -> FilePath:
        """Return where a file lies that a field names; raise `OSError` with the reason, as `read` does."""
        return self._folder(name).path(name)

    def _folder(self, name: str) -> PolicyFolder:
        written = next((key for key, value in self.data.items() if value == name), "")
        return PolicyFolder(self._origin(written)[2])

    def model_folder(self, name: str, revision: str | None = None, *, download: bool = False) -> FilePath:
        """Return a folder that a field, or a field of a block, names; raise `OSError` with the reason, as `read` does."""
        blocks = {key: value if isinstance(value, dict) else {"": value} for key, value in self.data.items()}
        written = next((key for key, block in blocks.items() if name in block.values()), "")
        return PolicyFolder(self._origin(written)[2]).model_folder(name, revision, download=download)

    @staticmethod
    def endpoint(name: str) -> Endpoint:
        """Return the service that the operator declares under a name; raise `ConfigProblems` where there is none."""
        return find_endpoint(name)


@dataclass(frozen=True, slots=True)
class DetectorItem:
    """A detector as declared: its kind and configuration, None where they are not valid.

    A `partial` configuration lacks the fields that are wrong; it serves to find what else is.
    """

    item: PolicyItem
    kind: Kind | None
    config: Config | None
    partial: bool = False


@dataclass(frozen=True, slots=True)
class RuleItem:
    """A rule as declared; `doc` is None where it is not valid, and `item` still tells what was written."""

    item: PolicyItem
    doc: RuleDoc | None


@dataclass(frozen=True, slots=True)
class Policy:
    """The YAML, parsed and merged. `problems` are those found so far; `compile` adds its own and raises them all.

    `parallel` is where it says so, None where it does not; `tools` are its lists of tools, by name. `disabled` are inherited
    rules that were left out; `extra` are the kinds of detectors of the library's caller; `sources` are its files, parents after
    children. `elsewhere` are the rules that a file does not build on, by its name, and `tools_elsewhere` such lists of tools,
    unless they override one: its tests know nothing of them.
    """

    name: str
    version: str
    description: str | None
    file: str
    detectors: Mapping[str, DetectorItem]
    rules: tuple[RuleItem, ...]
    exceptions: tuple[tuple[PolicyItem, ExceptionDoc], ...]
    tests: tuple[tuple[PolicyItem, TestDoc], ...]
    unchecked: UncheckedDoc
    limits: LimitsDoc
    films: FilmsDoc
    media: MediaDoc
    records: PolicyRecordsDoc
    history: str
    parallel: Mark | None
    tools: Mapping[str, PolicyItem]
    problems: Problems
    disabled: frozenset[str] = frozenset()
    plugins: PluginSources | None = None
    sources: tuple[Source, ...] = ()
    elsewhere: Mapping[str, frozenset[str]] = field(default_factory=dict)
    tools_elsewhere: Mapping[str, frozenset[str]] = field(default_factory=dict)
    helplines: Mapping[str, HelplineDoc] = field(default_factory=dict)
