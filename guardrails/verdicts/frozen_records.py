"""Makes frozen dataclasses quick to build: a check builds some twenty of them.

The `__init__` that `dataclasses` writes for a frozen class calls `object.__setattr__` for each field. The one that is made here
stores them as any class does, while the object is of another class of the same layout that is not frozen: in half the time.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, fields
from functools import wraps
from types import new_class
from typing import Any, TypeVar

T = TypeVar("T")


def quick_init(cls: type[T]) -> type[T]:
    """Give a frozen dataclass with slots an `__init__` that does the same in half the time.

    Args:
        cls: the class; all its fields are arguments by position, and it has no `__post_init__`.

    Returns:
        The class itself. Classes that are derived from it are built as before: their layout may be another.

    Raises:
        TypeError: the class is of another kind.
    """
    rows = fields(cls)  # type: ignore[arg-type]
    names = [row.name for row in rows]
    if not all(row.init and not row.kw_only for row in rows) or hasattr(cls, "__post_init__"):
        raise TypeError(f"{cls.__name__} has fields that are no arguments by position, or a __post_init__")
    if cls.__dict__.get("__slots__") != tuple(names):
        raise TypeError(f"{cls.__name__} has no slots, or inherits some")
    bases = cls.__dict__.get("__orig_bases__", cls.__bases__)
    unfrozen = new_class(
        f"_Unfrozen{cls.__name__}", bases, exec_body=lambda body: body.update(__slots__=names)
    )
    scope: dict[str, Any] = {
        "cls": cls,
        "unfrozen": unfrozen,
        "set": object.__setattr__,
        "MISSING": MISSING,
    }
    lines = [
        f"def __init__(self, {', '.join(_parameter(row, scope) for row in rows)}):",
        " if type(self) is not cls:",
        *(f"  set(self, '{row.name}', {_value(row)})" for row in rows),
        "  return",
        " set(self, '__class__', unfrozen)",
        *(f" self.{row.name} = {_value(row)}" for row in rows),
        " self.__class__ = cls",
    ]
    exec("\n".join(lines), scope)  # noqa: S102 - of names of fields alone, as `dataclasses` does it
    made = wraps(cls.__init__)(scope["__init__"])
    cls.__init__ = made  # type: ignore[method-assign]
    return cls


def _parameter(row: Field[Any], scope: dict[str, Any]) -> str:
    """Return how a field stands among the parameters; puts what it is by default into the scope."""
    if row.default_factory is not MISSING:
        scope[f"make_{row.name}"] = row.default_factory
        return f"{row.name}=MISSING"
    if row.default is not MISSING:
        scope[f"default_{row.name}"] = row.default
        return f"{row.name}=default_{row.name}"
    return row.name


def _value(row: Field[Any]) -> str:
    """Return what is stored of a field."""
    if row.default_factory is not MISSING:
        return f"make_{row.name}() if {row.name} is MISSING else {row.name}"
    return row.name
