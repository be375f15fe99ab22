"""Merges the settings of a file, the environment and flags, and keeps the place of each."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from guardrails.detectors.file_watch import note_file
from guardrails.errors import PolicyErrors
from guardrails.policy.loading.problems import Problems
from guardrails.policy.loading.source import Mark, Path, Source, read_yaml
from guardrails.policy.shipped import shipped_names
from guardrails.records.configuration import OFF
from guardrails.registry.environment import FILE

ROWS = ("policies", "sinks", "application_text")
"""The settings that are lists of rows, each of which may name a file."""

PLUGINS = "plugins"
"""The setting that is a list of packages and of Python files."""

NESTED = ("content", "fetch", "records", "shadow", "tls")
"""The settings that have settings with files themselves."""

DEFAULT = "default"
"""Where a setting comes from that nobody gave."""

NAMED = ("upstreams",)
"""The settings that have such settings by names."""


@dataclass(slots=True)
class SettingsLayers:
    """What was given so far; what comes later goes before. Says where each setting was given."""

    data: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    file: Source | None = None

    def add(self, name: str, value: object, origin: str) -> None:
        """Add a setting from elsewhere than a file."""
        self.data[name] = value
        self.origins[name] = origin

    def flag(self, name: str, value: object) -> None:
        """Add a setting from the command line; None was not given."""
        if value is not None:
            self.add(name, value, f"--{'no-' if value is False else ''}{name.replace('_', '-')}")

    def default(self, name: str, make: Callable[[], object]) -> None:
        """Give a setting that nobody gave the value that is made for it."""
        if name not in self.data:
            self.add(name, make(), DEFAULT)

    def read(self, path: FilePath, paths: Collection[str], begin: str, problems: Problems) -> None:
        """Take a file's settings. `paths` are those that name a file, relative to its folder; `begin` is how a file begins.

        Raises:
            PolicyErrors: it cannot be read, or is no mapping.
        """
        note_file(path)
        try:
            source = read_yaml(path.read_bytes(), str(path))
        except PolicyErrors as error:
            if [each.code for each in error] == ["empty_policy"]:
                return  # all may stand elsewhere
            raise
        except OSError as error:
            problems.add(Mark(str(path), 0, 0), "unreadable_file", error.strerror or str(error))
            raise PolicyErrors(problems.errors) from None
        problems.errors.extend(source.problems)
        self.file = source
        if not isinstance(source.data, dict):
            kind = "a list" if isinstance(source.data, list) else "a single value"
            message = f"settings must be a mapping, not {kind}"
            problems.add(source.mark(()), "wrong_type", message, f"begin with '{begin}'")
            raise PolicyErrors(problems.errors)
        self.data = {name: _resolve_paths(path, name, value, paths) for name, value in source.data.items()}

    def mark(self, path: Path) -> Mark:
        """Return the position of a value."""
        return self._place(path) or (self.file.mark(path) if self.file else Mark("settings", 0, 0))

    def key_mark(self, path: Path) -> Mark:
        """Return the position of a key."""
        return self._place(path) or (self.file.key_mark(path) if self.file else Mark("settings", 0, 0))

    def _place(self, path: Path) -> Mark | None:
        origin = self.origins.get(str(path[0])) if path else None
        return None if origin is None else Mark(origin, 1, 1)


def _resolve_paths(file: FilePath, name: str, value: object, paths: Collection[str]) -> object:
    """Return the path that a file's setting means; what is none as it is."""
    if name in ROWS and isinstance(value, list):
        return [
            {at: _resolve_paths(file, at, each, paths) for at, each in row.items()}
            if isinstance(row, dict)
            else row
            for row in value
        ]
    if name == PLUGINS and isinstance(value, str | list):
        entries = value.split(",") if isinstance(value, str) else value
        return [_resolve_plugin(file, each) if isinstance(each, str) else each for each in entries]
    if name in NAMED and isinstance(value, dict):
        return {
            each: {at: _resolve_paths(file, at, inner, paths) for at, inner in row.items()}
            if isinstance(row, dict)
            else row
            for each, row in value.items()
        }
    if name in NESTED and isinstance(value, dict):
        return {at: _resolve_paths(file, at, each, paths) for at, each in value.items()}
    if name not in paths or not isinstance(value, str) or not value or value in shipped_names():
        return value
    if name == "records" and value == OFF:
        return value
    return str(file.parent / value)


def _resolve_plugin(file: FilePath, entry: str) -> str:
    """Return an entry of `plugins` as it is, a Python file by where it lies from a settings file."""
    return str((file.parent / entry.strip()).absolute()) if entry.strip().endswith(FILE) else entry
