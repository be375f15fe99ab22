"""An object as one of a subclass of its own class: how objects of frameworks are guarded, which these take as their own."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Mapping
from typing import Any, Final

MARK: Final = "is_guarded_by_guardrails"
"""The attribute that a class of guarded objects has."""


NOTHING: Final[Mapping[str, Any]] = {}


def is_guarded(value: object) -> bool:
    """Tell whether an object was wrapped already."""
    return bool(getattr(type(value), MARK, False))


def with_methods(
    value: Any, methods: Mapping[str, Callable[..., Any]], attributes: Mapping[str, Any] = NOTHING
) -> Any:
    """Return a copy of an object whose class has other methods, with the signatures of those they replace, and other attributes.

    Raises:
        TypeError: it is wrapped already.
    """
    base: Any = type(value)
    if is_guarded(value):
        raise TypeError(f"cannot wrap a {base.__name__} that is wrapped already")
    own = {
        name: functools.wraps(getattr(base, name))(method)
        for name, method in methods.items()
        if hasattr(base, name)
    }
    named = {"__module__": base.__module__, "__doc__": base.__doc__, "__qualname__": base.__qualname__}
    kind: Any = type(base)(base.__name__, (base,), {**own, **named})
    for name, attribute in {MARK: True, **attributes}.items():
        setattr(kind, name, attribute)
    made = copy.copy(value)
    object.__setattr__(made, "__class__", kind)  # which models of pydantic would not let happen otherwise
    return made


def is_own(value: object, name: str, *above: str) -> bool:
    """Tell whether the class of an object has a method of its own, rather than that of one of the classes named, or none."""
    owner = next((kind for kind in type(value).__mro__ if name in vars(kind)), None)
    return owner is not None and owner.__name__ not in above
