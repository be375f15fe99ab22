"""A registry: the things of one group by name, the built-in ones and those of plugins.

Built-in names cannot be taken: whatever else has such a name is refused, or, where an installed package has it, never used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Generic, TypeVar

from guardrails.registry.installed import choose_offer, find_offers
from guardrails.registry.plugin_files import find_objects
from guardrails.registry.sources import PluginError, PluginOrigin, PluginSources

T = TypeVar("T")


class Registry(Generic[T]):
    """The things of one group.

    Args:
        group: the name of the group of entry points, without its prefix: `detectors`.
        kind: the type of the things.
        builtin: name → `module:attribute` of those that come with this package, in the order in which people read about them.
        read: makes a thing of what was registered under a name and of where it comes from, None for the caller's own;
            raises `PluginError` where it is none.

    Attributes:
        builtin: as given.
    """

    def __init__(
        self,
        group: str,
        kind: type[T],
        builtin: Mapping[str, str],
        read: Callable[[str, object, PluginOrigin | None], T],
    ) -> None:
        self.group, self.kind, self.builtin = group, kind, builtin
        self._read = read

    def find(self, name: str, sources: PluginSources | None = None) -> T | None:
        """Return the thing of a name: the built-in one, the caller's own, one of a file, one of an installed package.

        Args:
            name: what a policy or the settings call it.
            sources: where plugins may come from; None: what the environment allows.

        Returns:
            The thing; None where there is none of that name.

        Raises:
            PluginError: what is registered is no such thing, takes the name of a built-in one, fails, or may not be used.
        """
        sources = PluginSources.of_environment() if sources is None else sources
        own = sources.own.get(self.group, {})
        if name in self.builtin:
            found = self._builtin(name)
            others = [
                own.get(name, found),
                *(find_objects(path, self.kind).get(name, (found,))[0] for path in sources.files),
            ]
            if any(other is not found for other in others):
                raise PluginError(
                    "plugin_name_taken",
                    f"{name!r} of your own has the name of a built-in one",
                    "call it otherwise",
                )
            return found
        if name in own:
            return self._read(name, own[name], None)
        for path in sources.files:
            value, origin = find_objects(path, self.kind).get(name, (None, None))
            if value is not None:
                return self._read(name, value, origin)
        offer = choose_offer(self.group, name, sources)
        return None if offer is None else self._read(name, offer.load(), offer.origin)

    def find_problem(self, name: str, sources: PluginSources | None = None) -> str:
        """Return why the thing of a name cannot be used, "" where it can."""
        try:
            found = self.find(name, sources)
        except PluginError as error:
            return str(error)
        return "" if found is not None else "is not there"

    def _builtin(self, name: str) -> T:
        module, _, attribute = self.builtin[name].partition(":")
        found = getattr(import_module(module), attribute)
        return found if isinstance(found, self.kind) else self._read(name, found, None)

    def names(self, sources: PluginSources | None = None) -> list[str]:
        """Return every name that `find` knows, sorted; raises `PluginError` where a file fails."""
        sources = PluginSources.of_environment() if sources is None else sources
        given = {*sources.own.get(self.group, {})}
        for path in sources.files:
            given |= find_objects(path, self.kind).keys()
        given |= {
            offer.name
            for offer in find_offers(self.group)
            if sources.allows(offer.origin.package, offer.origin.version)
        }
        return sorted({*self.builtin, *given})
