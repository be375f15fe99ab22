"""Adapters of arrays and tables: of NumPy and pandas, which are known by the names of their classes and never imported here.

Texts in them are judged each, and whole numbers that are long. Numbers with a fraction are measurements, vectors and the like:
nothing in them is judged. Numbers cannot be redacted: what an array holds keeps its type.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from guardrails.engine.values.adapters import ValueAdapter
from guardrails.engine.values.scalars import SHORTEST_LONG, format_number
from guardrails.types import Content, Text, Unchecked

TEXTS: Final = "OSTU"
"""Kinds of data types whose entries may be texts: any objects, bytes of a fixed width, texts, and texts of one."""

WHOLE: Final = "iu"
"""Those whose entries are whole numbers."""


@lru_cache(maxsize=1024)
def _is_of(kind: Any, package: str, name: str) -> bool:
    """Tell whether a class is one of a package's, or made of it."""
    return any(
        base.__name__ == name and base.__module__.partition(".")[0] == package for base in kind.__mro__
    )


def _type(value: Any) -> Any:
    return type(value)


def _is_scalar(value: Any) -> bool:
    kind: Any = type(value)
    return _is_of(kind, "numpy", "generic") and not issubclass(kind, str | bytes)  # which are read as such


def _scalar_content(value: Any) -> Content | Unchecked | None:
    if value.dtype.kind == "V":
        return Unchecked("part", "a record of an array, which no adapter reads: give its fields")
    text = format_number(value.item()) if value.dtype.kind in "iuf" else ""
    return Text(text) if text else None


def _is_array(value: Any, kinds: str) -> bool:
    return _is_of(_type(value), "numpy", "ndarray") and value.dtype.kind in kinds


def _rebuild_array(value: Any, changes: Mapping[Any, Any]) -> Any:
    kind = value.dtype.kind
    if kind in "SU":  # a width of its own would cut longer texts short
        width = max(len(new) for new in changes.values())
        made = value.astype(f"{kind}{max(width, value.dtype.itemsize // (4 if kind == 'U' else 1))}")
    else:
        made = value.copy()
    for index, new in changes.items():
        made.flat[index] = new
    return made


def _long_entries(value: Any) -> Iterator[tuple[int, int]]:
    """Yield the whole numbers of an array that are long, each with where it stands in the order of the array."""
    flat = value.reshape(-1)
    for index in (abs(flat) >= SHORTEST_LONG).nonzero()[0].tolist():
        yield index, flat[index].item()


def _kind_of_series(value: Any) -> str:
    kind: str = getattr(value.dtype, "kind", "O")
    return kind


def _is_series(value: Any, *, texts: bool) -> bool:
    kind: Any = type(value)
    if not (_is_of(kind, "pandas", "Series") or _is_of(kind, "pandas", "Index")):
        return False
    return (_kind_of_series(value) in TEXTS) is texts


def _numbers_of_series(value: Any) -> Iterable[tuple[int, int]]:
    return _long_entries(value.to_numpy()) if _kind_of_series(value) in WHOLE else ()


def _labels(value: Any) -> Iterable[Any]:
    """Yield the labels of a series' rows that are texts, and its own name."""
    index, name = getattr(value, "index", None), value.name
    if index is not None and _kind_of_series(index) in TEXTS:
        yield from index.tolist()
    if isinstance(name, str):
        yield name


def _rebuild_series(value: Any, changes: Mapping[Any, Any]) -> Any:
    if not hasattr(value, "iloc"):  # an index is made anew
        entries = value.tolist()
        for index, new in changes.items():
            entries[index] = new
        return type(value)(entries, name=value.name)
    made = value.astype(object) if str(value.dtype) == "category" else value.copy()
    for index, new in changes.items():
        made.iloc[index] = new
    return made


def _columns(value: Any) -> Iterable[tuple[int, Any]]:
    return ((index, value.iloc[:, index].reset_index(drop=True)) for index in range(value.shape[1]))


def _rebuild_table(value: Any, changes: Mapping[Any, Any]) -> Any:
    made = value.copy()
    for index, new in changes.items():
        made.isetitem(index, new.to_numpy())
    return made


def _labels_of_table(value: Any) -> Iterable[Any]:
    for index in (value.index, value.columns):
        if _kind_of_series(index) in TEXTS:
            yield from index.tolist()


ADAPTERS: Final = (
    ValueAdapter(name="numpy.scalar", matches=_is_scalar, content=_scalar_content),
    ValueAdapter(
        name="numpy.texts",
        matches=lambda value: _is_array(value, TEXTS),
        children=lambda value: enumerate(value.reshape(-1).tolist()),
        rebuild=_rebuild_array,
    ),
    ValueAdapter(name="numpy.whole", matches=lambda value: _is_array(value, WHOLE), children=_long_entries),
    ValueAdapter(
        name="numpy.fractions", matches=lambda value: _is_array(value, "bcfmM"), content=lambda value: None
    ),
    ValueAdapter(
        name="pandas.texts",
        matches=lambda value: _is_series(value, texts=True),
        children=lambda value: enumerate(value.tolist()),
        keys=_labels,
        rebuild=_rebuild_series,
    ),
    ValueAdapter(
        name="pandas.numbers",
        matches=lambda value: _is_series(value, texts=False),
        children=_numbers_of_series,
        keys=_labels,
    ),
    ValueAdapter(
        name="pandas.table",
        matches=lambda value: _is_of(_type(value), "pandas", "DataFrame"),
        children=_columns,
        keys=_labels_of_table,
        rebuild=_rebuild_table,
    ),
    ValueAdapter(
        name="pandas.missing",
        matches=lambda value: (
            type(value).__name__ in ("NAType", "Period", "Interval")
            and type(value).__module__.startswith("pandas")
        ),
        content=lambda value: None,
    ),
)
