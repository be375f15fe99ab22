"""Reads the docstrings under the fields of a class from its source.

Python does not keep them. pydantic can look them up as each class is made, for which it parses its source: 0.12 s of each start
for what only editors read. Here each file is parsed once, when a JSON Schema is made.
"""

from __future__ import annotations

import ast
import functools
import inspect
import sys
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path


def read_field_docs(of: type, below: type = object) -> Mapping[str, str]:
    """Return the texts under the fields of a class, also those inherited from classes `below` one; none without a source."""
    return {
        name: text
        for each in reversed(of.__mro__)
        if issubclass(each, below) and each is not below
        for name, text in _texts(each.__module__).get(each.__qualname__, {}).items()
    }


@functools.cache
def _texts(module: str) -> Mapping[str, Mapping[str, str]]:
    """Return the texts of all classes of a module, by their names."""
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is None or not file.endswith(".py"):
        return {}
    try:
        tree = ast.parse(Path(file).read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return {}
    return {name: dict(_fields(node)) for name, node in _classes(tree, "")}


def _classes(node: ast.AST, inside: str) -> Iterator[tuple[str, ast.ClassDef]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef):
            yield inside + child.name, child
            yield from _classes(child, f"{inside}{child.name}.")
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _classes(child, f"{inside}{child.name}.<locals>.")


def _fields(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, text in pairwise(node.body):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            value = text.value if isinstance(text, ast.Expr) else None
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield field.target.id, inspect.cleandoc(value.value)
