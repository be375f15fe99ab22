"""Things by the class of a value: the built-in ones, those that an application registered in this process, and those that
packages offer. A name is the top package of a class, a dot, and the class: `acme.Ticket`, wherever in the package it is defined;
so nothing is imported for values that nobody has made.
"""

from __future__ import annotations

import re
import sys
from functools import cache, lru_cache
from typing import Generic, TypeVar

from guardrails.registry.installed import find_offers
from guardrails.registry.registered import Registry
from guardrails.registry.sources import PluginError, PluginSources

T = TypeVar("T")

KNOWN = 4_096
"""Classes that are remembered with what was found for them."""

UNEXTENDED = sys.stdlib_module_names | {"guardrails"}
"""Packages whose classes no plugin can speak for."""


def class_name(of: type) -> str:
    """Return the name under which things are registered for a class."""
    return f"{of.__module__.partition('.')[0]}.{of.__name__}"


class ClassRegistry(Generic[T]):
    """The things of one group by the class of a value.

    Args:
        registry: the things by name.
    """

    def __init__(self, registry: Registry[T]) -> None:
        self.registry = registry
        self._own: dict[str, T] = {}
        self._known = lru_cache(KNOWN)(self._look_up)

    def register(self, name: str, thing: T) -> None:
        """Register a thing in this process, before any value of its class is met.

        Raises:
            PluginError: the name is none of a class, or a built-in one, another one of this process or one of a package has it.
        """
        if not re.fullmatch(r"[^\W\d]\w*\.[^\W\d]\w*", name):
            raise PluginError(
                "invalid_plugin",
                f"{name!r} names no class",
                "write its top package, a dot, and the class, such as acme.Ticket",
            )
        if name in self._offered():
            packages = ", ".join(str(offer.origin) for offer in find_offers(self.registry.group, name))
            raise PluginError("plugin_name_taken", f"{name!r} is offered by {packages} already")
        if name in self.registry.builtin or self._own.get(name, thing) != thing:
            raise PluginError(
                "plugin_name_taken", f"{name!r} is registered in {self.registry.group!r} already"
            )
        self._own[name] = thing
        self._known.cache_clear()

    def forget(self, name: str) -> None:
        """Undo `register`, for tests."""
        del self._own[name]
        self._known.cache_clear()

    def find(self, of: type) -> T | None:
        """Return the thing of a class, or of the nearest class above that has one.

        Raises:
            PluginError: a package offers it and it cannot be used.
        """
        return self._known(of)

    def _look_up(self, of: type) -> T | None:
        for base in of.__mro__:
            name = class_name(base)
            if name in self._own:
                return self._own[name]
            if name in self.registry.builtin:
                return self.registry.find(name, PluginSources(packages=()))
            package = name.partition(".")[0]
            if package not in UNEXTENDED and name in self._offered():
                return self.registry.find(name)
        return None

    def _offered(self) -> frozenset[str]:
        """Return the names that packages offer."""
        return _list_names(self.registry.group, (*sys.path,))


@cache
def _list_names(group: str, path: tuple[str, ...]) -> frozenset[str]:
    return frozenset(offer.name for offer in find_offers(group))
