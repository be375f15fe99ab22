"""Where plugins may come from: installed packages, all or some, Python files of the operator's, and objects of the caller's.

The environment's GUARDRAILS_PLUGINS holds what an operator allows, so that worker processes have the same: a list of
requirements (`acme-detectors==1.*`, `*` for every installed package) and of paths that end in `.py`, separated by commas.
Without it every installed package is allowed; where it is empty none is.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from guardrails.errors import GuardrailsError
from guardrails.registry.environment import ALL, FILE, VARIABLE, files_of_command_line

if TYPE_CHECKING:
    from packaging.requirements import Requirement


class PluginError(GuardrailsError):
    """A plugin that cannot be used.

    Attributes:
        code: what is wrong, as problems of policies name it.
        hint: what would put it right; "" where nothing is known.
    """

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(f"{message} - {hint}" if hint else message)
        self.code, self.message, self.hint = code, message, hint


@dataclass(frozen=True, slots=True)
class PluginOrigin:
    """Where a plugin comes from.

    Attributes:
        package: the distribution, or the name of the file.
        version: the distribution's, or the beginning of the SHA-256 of the file.
        entry_point: the object, as `module:attribute`; in a file the attribute alone.
    """

    package: str
    version: str
    entry_point: str

    def __str__(self) -> str:
        return f"{self.package} {self.version} ({self.entry_point})"


@dataclass(frozen=True, slots=True)
class PluginSources:
    """Where plugins may come from.

    Attributes:
        packages: the requirements that an installed package has to meet one of; None: any package may be used.
        files: Python files whose plugins may be used.
        own: objects of the caller's, by group and by name.
    """

    packages: tuple[Requirement, ...] | None = None
    files: tuple[Path, ...] = ()
    own: Mapping[str, Mapping[str, object]] = field(default_factory=dict)

    @classmethod
    def read(cls, entries: Iterable[str]) -> PluginSources:
        """Return the sources that a list names, and the files that a command line allows (`--plugin`).

        Args:
            entries: requirements of packages (`acme-detectors==1.*`), `*`, and paths of files that end in `.py`.

        Raises:
            PluginError: an entry is no requirement.
        """
        given = [entry.strip() for entry in entries if entry.strip()]
        files = tuple(Path(entry).absolute() for entry in given if entry.endswith(FILE))
        wanted = tuple(_requirement(entry) for entry in given if not entry.endswith(FILE) and entry != ALL)
        return cls(None if ALL in given else wanted, (*files, *files_of_command_line()))

    @classmethod
    def of_environment(cls) -> PluginSources:
        """Return the sources that the environment allows; raises `PluginError` as `read` does."""
        given = os.environ.get(VARIABLE)
        return cls.read([ALL] if given is None else given.split(","))

    @classmethod
    def choose(cls, entries: Iterable[str] | None) -> PluginSources:
        """Return the sources that a list names; None: those that the environment allows. Raises `PluginError` as `read` does."""
        return cls.of_environment() if entries is None else cls.read(entries)

    def with_own(self, group: str, objects: Mapping[str, object] | None) -> PluginSources:
        """Return the same with objects of the caller's."""
        return replace(self, own={**self.own, group: objects}) if objects else self

    def allows(self, package: str, version: str) -> bool:
        """Tell whether a package may be used at this version."""
        if self.packages is None:
            return True
        name = package_key(package)
        return any(
            package_key(wanted.name) == name and wanted.specifier.contains(version, prereleases=True)
            for wanted in self.packages
        )


def package_key(name: str) -> str:
    """Return the form of a package's name in which two spellings of it are equal (PEP 503)."""
    from packaging.utils import canonicalize_name

    return canonicalize_name(name)


def _requirement(entry: str) -> Requirement:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        found = Requirement(entry)
    except InvalidRequirement as error:
        raise PluginError(
            "invalid_plugin",
            f"{entry!r} names no package and no file: {str(error).splitlines()[0]}",
            "write a package with its versions, such as acme-detectors==1.*, or a path that ends in .py",
        ) from None
    if found.extras or found.url or found.marker:
        raise PluginError("invalid_plugin", f"{entry!r} has more than a package and its versions")
    return found
