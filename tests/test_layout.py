"""The house's order: twins, sizes, docstrings. What a reader relies on to find things."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tests.cases import each_case

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "guardrails").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))
THOROUGH = sorted((ROOT / "tests/thorough").rglob("test_*.py"))
WIDENED = re.compile(r"^ *test_\w+ = widen\(", re.MULTILINE)
"""A test of the short run over a larger table, which has its docstring."""
LONGEST_FILE = 500
FULLEST_FOLDER = 12
LONGEST_FUNCTION = 60


def name(path: Path) -> str:
    """Return a path as it is shown."""
    return path.relative_to(ROOT).as_posix()


def twin(source: Path) -> Path:
    """Return where the tests of a file are."""
    inside = source.relative_to(ROOT / "guardrails")
    folder = ROOT / "tests" / inside.parent
    if source.name == "__init__.py":
        return (
            folder / f"test_{inside.parent.name}.py"
            if inside.parent.name
            else ROOT / "tests/test_public_names.py"
        )
    return folder / f"test_{source.stem.strip('_')}.py"


class Definition(NamedTuple):
    """A function or a class. Of its tree no more is kept: all trees together are a gigabyte, which the collector would look through."""

    name: str
    line: int
    length: int
    is_class: bool
    has_docstring: bool


@cache
def definitions(path: Path) -> Sequence[Definition]:
    """Return every function and class of a file."""
    nodes: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    for node in nodes:  # which grows: nothing is defined inside of an expression
        nodes += [each for each in ast.iter_child_nodes(node) if not isinstance(each, ast.expr)]
    return [
        Definition(
            node.name,
            node.lineno,
            (node.end_lineno or node.lineno) - node.lineno + 1,
            isinstance(node, ast.ClassDef),
            ast.get_docstring(node, clean=False) is not None,
        )
        for node in nodes
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    ]


@each_case("source", SOURCES, ids=name)
def test_each_source_file_has_a_twin(source: Path) -> None:
    """Tests stand where one looks for them; a package's front page has some if it holds code."""
    if source.name == "__init__.py" and not definitions(source):
        assert not [
            line for line in source.read_text(encoding="utf-8").splitlines() if line.startswith("if ")
        ]
    else:
        assert twin(source).is_file(), f"{name(source)} has no {name(twin(source))}"


@each_case("path", THOROUGH, ids=name)
def test_each_thorough_file_has_a_short_one(path: Path) -> None:
    """What runs at length is also run by the README's test command, on a selection, in the file of the same name."""
    short = ROOT / "tests" / path.relative_to(ROOT / "tests/thorough")
    assert short.is_file(), f"{name(path)} has no {name(short)}"


@each_case("path", [*SOURCES, *TESTS], ids=name)
def test_files_and_functions_are_short(path: Path) -> None:
    """What does not fit on a few screens is two things."""
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= LONGEST_FILE or path in TESTS, f"{name(path)}: {lines} lines"
    for node in definitions(path):
        assert node.is_class or node.length <= LONGEST_FUNCTION, f"{name(path)}:{node.line}: {node.name}"


def test_folders_hold_few_files() -> None:
    """What does not fit on a page of a listing is several ideas; a folder's own docstring stands in its `__init__`."""
    files = [path.parent for path in SOURCES if path.name != "__init__.py"]
    full = {name(folder): count for folder, count in Counter(files).items() if count > FULLEST_FOLDER}
    assert not full


@each_case("path", TESTS, ids=name)
def test_each_test_says_what_it_shows(path: Path) -> None:
    """The docstring is the behaviour; the name is its short form."""
    found = [node for node in definitions(path) if node.name.startswith("test_")]
    widened = path in THOROUGH and WIDENED.search(path.read_text(encoding="utf-8"))
    assert found or widened, f"{name(path)} holds no test"
    for node in found:
        assert node.has_docstring, f"{name(path)}:{node.line}: {node.name} has no docstring"
