"""What installed packages offer by entry points of the groups `guardrails.detectors`, `guardrails.sinks` and the like."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Final

from guardrails.cancellation import is_interrupt
from guardrails.registry.sources import PluginError, PluginOrigin, PluginSources, package_key

PREFIX: Final = "guardrails."
"""What the names of our groups of entry points begin with."""


GROUPS: Final[Mapping[str, str]] = {
    "detectors": "what `use:` names in a policy",
    "redactions": "what `with:` names in a rule that redacts",
    "wrappers": "what `Guard.wrap` knows of a client or a framework",
    "adapters": "how values of a type are read, and written back",
    "protocols": "an API of models",
    "sinks": "where verdicts go",
}
"""Name of a group → what is registered in it."""


@dataclass(frozen=True, slots=True)
class Offer:
    """Something that an installed package offers under a name, not yet imported."""

    group: str
    name: str
    origin: PluginOrigin
    _entry: EntryPoint

    def load(self) -> object:
        """Import it.

        Raises:
            PluginError: that fails, for whatever reason.
        """
        try:
            return self._entry.load()
        except BaseException as error:
            if is_interrupt(error):
                raise
            raise PluginError(
                "plugin_failed",
                f"{self.name!r} of {self.origin} cannot be imported: {type(error).__name__}: {error}",
                f"look at it with: python -c 'import {self._entry.module}'",
            ) from error


def find_offers(group: str, name: str | None = None) -> Iterator[Offer]:
    """Yield what installed packages offer in a group, under one name or all, sorted by name and package.

    Args:
        group: without the prefix: `detectors`.
        name: None: whatever it is called.
    """
    listed = entry_points(group=PREFIX + group)
    found = {
        (entry.name, entry.dist.name, entry.dist.version, entry.value): entry
        for entry in listed
        if entry.dist is not None and name in (None, entry.name)
    }
    for (called, package, version, value), entry in sorted(found.items()):
        yield Offer(group, called, PluginOrigin(package, version, value), entry)


def choose_offer(group: str, name: str, sources: PluginSources) -> Offer | None:
    """Return what an installed package that may be used offers under a name; None where none does.

    Raises:
        PluginError: only packages offer it that may not be used, or several do that may.
    """
    offers = [*find_offers(group, name)]
    allowed = [each for each in offers if sources.allows(each.origin.package, each.origin.version)]
    if offers and not allowed:
        origin = offers[0].origin
        named = [
            str(each)
            for each in sources.packages or ()
            if package_key(each.name) == package_key(origin.package)
        ]
        which = (
            f"may be used as {' or '.join(named)} alone"
            if named
            else "is not among the plugins that may be used"
        )
        raise PluginError(
            "plugin_not_allowed",
            f"{name!r} is offered by {origin.package} {origin.version}, which {which}",
            f"add {origin.package}=={origin.version} to 'plugins' in the settings, or to GUARDRAILS_PLUGINS",
        )
    if len(allowed) > 1:
        packages = ", ".join(str(each.origin) for each in allowed)
        raise PluginError(
            "duplicate_plugin",
            f"{name!r} is offered by several packages: {packages}",
            "uninstall all but one, or name the one in 'plugins'",
        )
    return allowed[0] if allowed else None


def has_plugins(*groups: str) -> bool:
    """Tell whether the environment allows any plugin of some groups, without importing one."""
    sources = PluginSources.of_environment()
    offers = (offer for group in groups for offer in find_offers(group))
    return bool(sources.files) or any(
        sources.allows(each.origin.package, each.origin.version) for each in offers
    )
