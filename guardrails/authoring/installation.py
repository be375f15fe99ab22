"""What is installed here: this package, its optional parts, models in packages of their own, and the plugins of other packages,
with what is wrong of them.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement

from guardrails.inference.safety.folder import (
    ModelError,
    locate_packaged_model,
    read_contents,
    read_manifest,
)
from guardrails.inference.safety.packages import PACKAGES
from guardrails.registry.installed import GROUPS, find_offers
from guardrails.registry.plugin_files import find_objects
from guardrails.registry.sources import PluginError, PluginSources

DISTRIBUTION: Final = "guardrails-middleware"

DEVELOPING: Final = frozenset({"dev", "docs", "test", "all"})
"""Extras that bring nothing of their own to who uses this package."""


@dataclass(frozen=True, slots=True)
class ExtraState:
    """An optional part: its name, and the packages that it lacks here, each as pip takes it."""

    name: str
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ModelState:
    """A model that comes in a package of its own.

    Attributes:
        name: what policies call it.
        package: the distribution.
        version: of the model; "" where it is not installed, or nothing can be read of it.
        problem: why it cannot be used; "" where it can, or is not installed.
    """

    name: str
    package: str
    version: str
    problem: str


@dataclass(frozen=True, slots=True)
class PluginState:
    """A plugin that an installed package offers.

    Attributes:
        group: such as `detectors`.
        name: what policies or settings call it.
        package: the distribution.
        version: of it.
        entry_point: the object, as `module:attribute`.
        problem: why it cannot be used; "" where it can, as far as is known without importing it.
    """

    group: str
    name: str
    package: str
    version: str
    entry_point: str
    problem: str


@dataclass(frozen=True, slots=True)
class Installation:
    """What is installed here."""

    version: str
    python: str
    platform: str
    extras: tuple[ExtraState, ...]
    models: tuple[ModelState, ...]
    plugins: tuple[PluginState, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong; an optional part that lacks something is not."""
        return not any([each.problem for each in self.models] + [each.problem for each in self.plugins])

    def to_dict(self) -> dict[str, object]:
        """Return all of it as plain JSON values."""
        return {**asdict(self), "sound": self.sound}


def inspect_installation(sources: PluginSources | None = None, *, load: bool = False) -> Installation:
    """Return what is installed here.

    Args:
        sources: which plugins may be used; None: those that the environment allows.
        load: import each plugin that may be used, and check that it is what it says.
    """
    allowed = PluginSources.of_environment() if sources is None else sources
    return Installation(
        version(DISTRIBUTION),
        platform.python_version(),
        f"{sys.platform} {platform.machine()}",
        tuple(_find_extras()),
        tuple(_find_models()),
        (*_find_plugins(replace(allowed, files=()), load=load), *_find_in_files(allowed.files)),
    )


def _find_extras() -> Iterator[ExtraState]:
    """Yield the optional parts."""
    wanted = [Requirement(each) for each in requires(DISTRIBUTION) or ()]
    for name in metadata(DISTRIBUTION).get_all("Provides-Extra") or ():
        if name in DEVELOPING:
            continue
        own = [each for each in wanted if each.marker is not None and each.marker.evaluate({"extra": name})]
        missing = (f"{each.name}{each.specifier}" for each in own if not _is_installed(each))
        yield ExtraState(name, tuple(missing))


def _is_installed(wanted: Requirement) -> bool:
    try:
        return wanted.specifier.contains(version(wanted.name), prereleases=True)
    except PackageNotFoundError:
        return False


def _find_models() -> Iterator[ModelState]:
    """Yield the models that come in packages of their own; all files of those that are installed are read."""
    for name, package in PACKAGES.items():
        folder = locate_packaged_model(name)
        version_, problem = "", ""
        if folder is not None:
            try:
                manifest = read_manifest(folder)
                version_ = manifest.version
                read_contents(folder, manifest)
            except ModelError as error:
                problem = f"{error}; {error.hint}" if error.hint else str(error)
        yield ModelState(name, package.distribution, version_, problem)


def _find_plugins(allowed: PluginSources, *, load: bool) -> Iterator[PluginState]:
    """Yield the plugins of installed packages, group by group."""
    from guardrails.plugins import REGISTRIES

    for group in GROUPS:
        offers = [*find_offers(group)]
        registry = REGISTRIES.get(group)
        for offer in offers:
            origin = offer.origin
            others = [
                each.origin.package
                for each in offers
                if each.name == offer.name
                and each is not offer
                and allowed.allows(each.origin.package, each.origin.version)
            ]
            problem = ""
            if registry is not None and offer.name in registry.builtin:
                problem = "has the name of a built-in one, and is never used"
            elif not allowed.allows(origin.package, origin.version):
                problem = "is not among the plugins that may be used"
            elif others:
                problem = f"is offered by {', '.join(others)} as well"
            elif load and registry is not None:
                problem = registry.find_problem(offer.name, allowed)
            yield PluginState(group, offer.name, origin.package, origin.version, origin.entry_point, problem)


def _find_in_files(files: Sequence[Path]) -> Iterator[PluginState]:
    """Yield the plugins of Python files, which are run to find out; one that fails stands there without a name."""
    from guardrails.plugins import REGISTRIES

    for file in files:
        for group, registry in REGISTRIES.items():
            try:
                found = find_objects(file, registry.kind)
            except PluginError as error:
                yield PluginState(group, "", file.name, "", "", str(error))
                break
            for name, (_, origin) in found.items():
                taken = "has the name of a built-in one" if name in registry.builtin else ""
                yield PluginState(group, name, origin.package, origin.version, origin.entry_point, taken)
